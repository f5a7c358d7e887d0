//! The server under load on loopback, beside a plain axum handler in the same run:
//! `cargo bench --package freehold --bench serve`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on says where it stopped; what it prints is the table"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RECORDS: usize = 10_000;
const CLIENTS: usize = 4;
const SECONDS: u64 = 10;

/// A process that ends with the run.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Highest resident memory, in MiB.
    fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
        line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

/// One connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Client {
    fn new(address: &str, head: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client { stream: BufReader::new(stream), head: format!("host: {address}\r\n{head}") }
    }

    /// Asks; gives the status and the body.
    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
        };
        let text = format!("{method} {path} HTTP/1.1\r\n{}{length}\r\n{body}", self.head);
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = n.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status, body)
    }
}

/// Asks from several connections for some seconds: requests a second, and the times at the half, at 99 of 100, and at most.
fn load(
    address: &str,
    head: &str,
    requests: &(dyn Fn(usize) -> (&'static str, String, String) + Sync),
) -> (f64, [Duration; 3], usize) {
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..CLIENTS)
            .map(|c| {
                scope.spawn(move || {
                    let mut client = Client::new(address, head);
                    let mut times = Vec::new();
                    let mut n = c;
                    while start.elapsed() < Duration::from_secs(SECONDS) {
                        let (method, path, body) = requests(n);
                        let one = Instant::now();
                        let (status, answer) = client.ask(method, &path, &body);
                        times.push(one.elapsed());
                        assert!(status == 200, "{method} {path}: {status} {}", String::from_utf8_lossy(&answer));
                        n += CLIENTS;
                    }
                    times
                })
            })
            .collect();
        handles.into_iter().flat_map(|h| h.join().unwrap()).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    (times.len() as f64 / seconds, [at(50), at(99), times[times.len() - 1]], times.len())
}

fn plain() {
    // what an answer of the list weighs, from a handler that does nothing
    let body: &'static [u8] =
        Box::leak(vec![b'x'; std::env::var("PLAIN_BYTES").unwrap().parse().unwrap()].into_boxed_slice());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("serving   http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/", axum::routing::get(move || async move { body }));
        axum::serve(listener, router).await.unwrap();
    });
}

/// Starts a process and waits for its address, and the link of the first account.
fn started(command: &mut Command) -> (Running, String, Option<String>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut address, mut link) = (String::new(), None);
    for _ in 0..3 {
        let mut line = String::new();
        if out.read_line(&mut line).unwrap() == 0 {
            break;
        }
        if let Some(a) = line.strip_prefix("serving   http://") {
            address = a.trim().to_string();
            if command.get_args().any(|a| a == "plain") {
                break;
            }
        }
        link = link
            .or_else(|| line.strip_prefix("first     ").and_then(|l| l.split_whitespace().next()).map(str::to_string));
    }
    (Running(child), address, link)
}

fn main() {
    if std::env::args().any(|a| a == "plain") {
        return plain();
    }
    let dir = std::env::temp_dir().join(format!("freehold-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    measured(&dir);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn measured(dir: &Path) {
    let freehold = || {
        let mut c = Command::new(env!("CARGO_BIN_EXE_freehold"));
        c.current_dir(dir)
            .env("HOME", dir)
            .env("XDG_STATE_HOME", dir.join("state"))
            .env("FREEHOLD_REGISTER", "register.db")
            .env("FREEHOLD_ACTOR", "The bench");
        c
    };
    let models = [
        "meta-llama/Llama-3.1-8B-Instruct",
        "google/gemma-2-9b-it",
        "Qwen/Qwen2.5-7B-Instruct",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "microsoft/phi-4",
    ];
    let mut table = String::from("name,base,relation,use.access,use.commercial,governance.owner\n");
    for i in 0..RECORDS {
        table.push_str(&format!("bot-{i},{},finetune,hosted-app,yes,Owner {}\n", models[i % models.len()], i % 50));
    }
    std::fs::write(dir.join("models.csv"), table).unwrap();
    let quiet = |c: &mut Command| assert!(c.stdout(Stdio::null()).status().unwrap().success());
    quiet(freehold().args(["register", "init"]));
    let start = Instant::now();
    quiet(freehold().args(["register", "import", "models.csv"]));
    println!("{RECORDS} records imported in {:.1} s", start.elapsed().as_secs_f64());
    let (server, address, link) =
        started(freehold().args(["serve", "--listen", "127.0.0.1:0", "--quiet", "--rate", "10000000"]));
    let token = link.unwrap().split("token=").nth(1).unwrap().to_string();
    let mut client = Client::new(&address, "content-type: application/x-www-form-urlencoded\r\n");
    let form =
        format!("token={token}&login=bench&name=The+bench+itself&password=correct+horse+battery&roles=requester");
    let text = format!("POST /setup HTTP/1.1\r\n{}content-length: {}\r\n\r\n{form}", client.head, form.len());
    client.stream.get_mut().write_all(text.as_bytes()).unwrap();
    let mut cookie = String::new();
    loop {
        let mut line = String::new();
        client.stream.read_line(&mut line).unwrap();
        if let Some(c) = line.strip_prefix("set-cookie: ") {
            cookie = c.split(';').next().unwrap().to_string();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut client = Client::new(&address, &format!("cookie: {cookie}\r\n"));
    let (_, page) = client.ask("GET", "/settings", "");
    let csrf = String::from_utf8_lossy(&page)
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_string();
    let head = format!("cookie: {cookie}\r\nx-csrf-token: {csrf}\r\n");
    let mut client = Client::new(&address, &head);
    let (_, body) = client.ask("GET", "/api/v1/records?limit=1000", "");
    let ids: Vec<String> = String::from_utf8_lossy(&body)
        .split("\"id\":\"")
        .skip(1)
        .map(|t| t.split('"').next().unwrap().to_string())
        .collect();
    let (_, list) = client.ask("GET", "/api/v1/records?limit=100", "");
    let (_, one) = client.ask("GET", &format!("/api/v1/records/{}", ids[0]), "");
    println!("\n| request | bytes | a second | median | 99 of 100 | longest |\n|---|---|---|---|---|---|");
    let told = |name: &str, bytes: usize, (rate, [half, most, longest], _): (f64, [Duration; 3], usize)| {
        let ms = |d: Duration| format!("{:.2} ms", d.as_secs_f64() * 1e3);
        println!("| {name} | {bytes} | {rate:.0} | {} | {} | {} |", ms(half), ms(most), ms(longest));
    };
    for bytes in [one.len(), list.len()] {
        let (plain, at, _) =
            started(Command::new(std::env::current_exe().unwrap()).arg("plain").env("PLAIN_BYTES", bytes.to_string()));
        told("plain axum handler", bytes, load(&at, "", &|_| ("GET", "/".into(), String::new())));
        println!("| plain axum handler, memory | {} MiB | | | | |", plain.memory());
    }
    told(
        "one record of 10,000",
        one.len(),
        load(&address, &head, &|n| ("GET", format!("/api/v1/records/{}", ids[n * 7 % ids.len()]), String::new())),
    );
    told(
        "list of 100, narrowed by license",
        list.len(),
        load(&address, &head, &|n| {
            (
                "GET",
                format!("/api/v1/records?limit=100&license={}", ["llama", "gemma", "apache", "mit"][n % 4]),
                String::new(),
            )
        }),
    );
    told(
        "page of a record",
        0,
        load(&address, &head, &|n| ("GET", format!("/records/{}", ids[n * 7 % ids.len()]), String::new())),
    );
    told("portfolio page", 0, load(&address, &head, &|_| ("GET", "/".into(), String::new())));
    let question = |n: usize| {
        (
            "POST",
            "/api/v1/assessments".to_string(),
            format!(
                r#"{{"model":"{}","finetune":true,"facts":{{"use.access":["hosted-app"],"use.commercial":true,"use.activities":[],"organization.country":"US"}}}}"#,
                models[n % models.len()]
            ),
        )
    };
    told("an assessment", 0, load(&address, &head, &question));
    println!("| server, memory | {} MiB | | | | |", server.memory());
}
