//! Source trees that name models.

use crate::disk::{bait, put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Source);
    c.ok("source-valid", "a program that loads a model", |d| {
        put(d, "app.py", "from transformers import AutoModel\nm = AutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\")\n")
    });
    c.ok("source-valid-none", "a program without a model", |d| put(d, "app.py", "print('hello')\n"));
    c.ok("source-valid-compose", "a compose file that serves a model", |d| {
        put(
            d,
            "compose.yaml",
            "services:\n  llm:\n    image: vllm/vllm-openai\n    command: [--model, Qwen/Qwen2.5-7B]\n",
        )
    });
    c.ok("source-not-models", "names that only look like models'", |d| {
        put(d, "app.py", "open('a/b')\nimport os.path\nx = 'application/json'\ny = '../../etc/passwd'\nz = '2024/01'\n")
    });
    c.ok("source-secret", "access tokens beside the names", |d| {
        let line = |t: &str| format!("m = AutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\", token=\"{t}\")\n");
        put(d, "app.py", format!("{}{}{}", line(SECRETS[0]), line(SECRETS[1]), line(SECRETS[2])))?;
        put(d, ".env", format!("HF_TOKEN={}\nMODEL_ID=Qwen/Qwen2.5-7B\n", SECRETS[0]))
    });
    c.ok("source-escape", "escape sequences in a model's name", |d| {
        put(d, "app.py", "AutoModel.from_pretrained(\"a/b\u{1b}[2J\u{202e}\u{9b}31m\")\nLLM(model=\"met\u{430}-llama/Llama-3.1-8B\")\n")
    });
    c.ok("source-newline", "a name with a line of its own", |d| {
        put(d, "app.py", format!("AutoModel.from_pretrained(\"a/b\\n{FORGED}\")\n"))
    });
    c.ok("source-long-line", "a line of 5 MB", |d| {
        put(d, "app.py", format!("x = \"{}\"\nAutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\")\n", "a".repeat(5 << 20)))
    });
    c.ok("source-brackets", "a million open brackets before a name", |d| {
        put(d, "app.py", format!("AutoModel.from_pretrained{}\"Qwen/Qwen2.5-7B\"", "(".repeat(1_000_000)))
    });
    c.ok("source-quotes", "a million quotes", |d| put(d, "app.py", "\"'".repeat(500_000)));
    c.ok("source-backtrack", "text made for patterns that try again and again", |d| {
        put(d, "app.py", format!("{}!", "from_pretrained(".repeat(100_000)))
    });
    c.ok("source-slashes", "a name of a million slashes", |d| {
        put(d, "app.py", format!("LLM(model=\"{}\")", "a/".repeat(500_000)))
    });
    c.ok("source-many-names", "100,000 names in one file", |d| {
        let all: Vec<String> = (0..100_000).map(|i| format!("LLM(model=\"org{i}/model\")\n")).collect();
        put(d, "app.py", all.concat())
    });
    c.ok("source-not-text", "a program of bytes that are no text", |d| {
        put(d, "app.py", b"\xff\xfe\0\0AutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\")\n")
    });
    c.ok("source-sparse", "a program of 50 GB of zeros", |d| {
        sparse(d, "app.py", b"AutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\")\n", 50 << 30)
    });
    c.ok("source-minified", "a bundle of 5 MB in one line", |d| {
        put(d, "bundle.js", "!function(e){pipeline('task','Xenova/x')}();".repeat(120_000))
    });
    c.ok("source-notebook-deep", "a notebook of 100,000 brackets", |d| {
        put(d, "a.ipynb", format!("{{\"cells\":{}", "[".repeat(100_000)))
    });
    c.ok("source-yaml-laughs", "a compose file of a billion laughs", |d| {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", ")));
        }
        put(d, "compose.yaml", format!("{text}services: *a8\n"))
    });
    c.ok("source-link-out", "a program that is a link out of the tree", |d| {
        let out = bait(d)?;
        put(d, "app.py", "AutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\")\n")?;
        std::fs::write(out.join("secret.py"), format!("LLM(model=\"{}/x\")\n", crate::CANARY))?;
        crate::disk::link(d, "more.py", "../out/secret.py")
    });
    c.warning("source-model-broken", "a broken GGUF among the sources", |d| {
        put(d, "app.py", "print()\n")?;
        put(d, "data/model.gguf", b"")
    });
    c.done()
}
