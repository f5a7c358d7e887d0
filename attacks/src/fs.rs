//! Names, links, devices, sizes: what a folder can hold besides plain files.

use std::fs;
use std::io;
use std::path::Path;

use crate::bytes::Gguf;
use crate::disk::{bait, card, fifo, folder, inside, link, lock, put, put_raw, socket, sparse, symlink};
use crate::{Attack, Cases, Class, FORGED, OUTSIDE, SECRETS, TARGET};

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Fs);
    controls(&mut c);
    links(&mut c);
    devices(&mut c);
    names(&mut c);
    sizes(&mut c);
    c.done()
}

/// A card in a folder of this name.
fn card_in(home: &Path, name: &str) -> io::Result<()> {
    put(home, &format!("{name}/README.md"), "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n")
}

fn controls(c: &mut Cases) {
    c.ok("fs-valid", "a card, a config and a GGUF", |d| {
        card(d)?;
        put(d, "model.gguf", Gguf::sample().bytes(0))
    });
    c.ok("fs-valid-file", "a file instead of a folder", |d| fs::write(d.join(TARGET), Gguf::sample().bytes(0)));
    c.ok("fs-valid-link-inside", "a link to a file of the same folder", |d| {
        card(d)?;
        put(d, "blobs/x.gguf", Gguf::sample().bytes(0))?;
        link(d, "model.gguf", "blobs/x.gguf")
    });
    c.ok("fs-valid-root-link", "the folder itself is a link, which its user chose", |d| {
        let real = d.join("real");
        fs::create_dir_all(&real)?;
        fs::write(real.join("README.md"), "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n")?;
        symlink(Path::new("real"), &d.join(TARGET))
    });
    c.ok("fs-valid-other-alphabets", "names in Japanese, Arabic and with an emoji", |d| {
        card_in(d, "日本語モデル-العربية-🤖")?;
        card_in(d, "löwe")
    });
    c.ok("fs-valid-hard-link", "a hard link, which is the file", |d| {
        card(d)?;
        put(d, "a.gguf", Gguf::sample().bytes(0))?;
        fs::hard_link(inside(d, "a.gguf"), inside(d, "b.gguf"))
    });
    c.ok("fs-empty-folder", "an empty folder", |d| folder(d, ""));
    c.ok("fs-empty-folders", "a tree of empty folders", |d| {
        (0..50).try_for_each(|i| folder(d, &format!("a{i}/b/c/d")))
    });
    c.ok("fs-valid-spaces", "spaces, quotes, dashes and dollars in names", |d| {
        card_in(d, "-- --help $(touch owned) `x` 'q' \"r\" ;&|")
    });
}

fn links(c: &mut Cases) {
    c.warning("fs-link-out-file", "a GGUF that is a link out of the folder", |d| {
        bait(d)?;
        card(d)?;
        link(d, "model.gguf", "../out/model.gguf")
    });
    c.warning("fs-link-out-card", "a card that is a link out of the folder", |d| {
        bait(d)?;
        put(d, "model.gguf", Gguf::sample().bytes(0))?;
        link(d, "README.md", "../out/README.md")
    });
    c.warning("fs-link-out-absolute", "a license that is a link to an absolute path", |d| {
        let out = bait(d)?.canonicalize()?;
        card(d)?;
        link(d, "LICENSE", out.join("LICENSE"))
    });
    c.ok("fs-link-out-folder", "a folder that is a link out", |d| {
        bait(d)?;
        card(d)?;
        link(d, "more", "../out")
    });
    c.warning("fs-link-chain", "a link by way of links, of which the last leads out", |d| {
        bait(d)?;
        card(d)?;
        link(d, "c", "../out/LICENSE")?;
        link(d, "b", "c")?;
        link(d, "LICENSE", "b")
    });
    c.warning("fs-link-dots", "a link that goes out and comes back in beside", |d| {
        bait(d)?;
        card(d)?;
        link(d, "LICENSE", format!("../{TARGET}/../{OUTSIDE}/LICENSE"))
    });
    c.warning("fs-link-prefix", "a folder beside whose name begins like the root's", |d| {
        card(d)?;
        let beside = d.join("inside");
        fs::create_dir_all(&beside)?;
        fs::write(beside.join("LICENSE"), crate::CANARY)?;
        link(d, "LICENSE", "../inside/LICENSE")
    });
    c.warning("fs-link-broken", "a link that leads nowhere", |d| {
        card(d)?;
        link(d, "model.safetensors", "absent.safetensors")
    });
    c.warning("fs-link-self", "a link to itself", |d| {
        card(d)?;
        link(d, "model.gguf", "model.gguf")
    });
    c.warning("fs-link-ring", "two links to one another", |d| {
        card(d)?;
        link(d, "a.gguf", "b.gguf")?;
        link(d, "b.gguf", "a.gguf")
    });
    c.ok("fs-link-loop-folder", "a folder that links to the one above: a walk without end", |d| {
        card(d)?;
        folder(d, "a")?;
        link(d, "a/loop", "..")
    });
    c.ok("fs-link-root", "a link to the root of the machine", |d| {
        card(d)?;
        link(d, "all", "/")
    });
    c.warning("fs-link-passwd", "a LICENSE that is the system's list of users", |d| {
        card(d)?;
        link(d, "LICENSE", "/etc/passwd")
    });
    c.warning("fs-link-environ", "a LICENSE that is the environment of whoever reads it", |d| {
        card(d)?;
        link(d, "LICENSE", "/proc/self/environ")
    });
    c.warning("fs-link-random", "a model that is an endless device (CVE-2024-39721)", |d| {
        card(d)?;
        link(d, "model.gguf", "/dev/random")
    });
    c.warning("fs-link-zero", "a card that is an endless device", |d| {
        put(d, "model.gguf", Gguf::sample().bytes(0))?;
        link(d, "README.md", "/dev/zero")
    });
    c.warning("fs-link-tty", "a license that is the terminal: reading waits for a key", |d| {
        card(d)?;
        link(d, "LICENSE", "/dev/tty")
    });
    c.error("fs-root-broken-link", "the input itself is a link that leads nowhere", |d| {
        symlink(Path::new("absent"), &d.join(TARGET))
    });
    c.error("fs-absent", "the input is absent", |_| Ok(()));
}

fn devices(c: &mut Cases) {
    c.ok("fs-fifo", "a pipe beside the card: opening it waits for ever", |d| {
        card(d)?;
        fifo(&inside(d, "model.gguf"))
    });
    c.ok("fs-fifo-card", "a card that is a pipe, beside a GGUF", |d| {
        put(d, "model.gguf", Gguf::sample().bytes(0))?;
        fifo(&inside(d, "README.md"))
    });
    c.ok("fs-fifo-link", "a link to a pipe in the folder", |d| {
        card(d)?;
        fifo(&inside(d, "pipe"))?;
        link(d, "model.gguf", "pipe")
    });
    c.error("fs-fifo-root", "the input itself is a pipe", |d| fifo(&d.join(TARGET)));
    c.ok("fs-fifo-alone", "a folder with a pipe and nothing else", |d| fifo(&inside(d, "model.gguf")));
    c.ok("fs-socket", "a socket beside the card", |d| {
        card(d)?;
        socket(&inside(d, "model.gguf"))
    });
    c.error("fs-device-root", "the input itself is an endless device (CVE-2024-39721)", |d| {
        symlink(Path::new("/dev/zero"), &d.join(TARGET))
    });
    c.warning("fs-locked-file", "a file that may not be read", |d| {
        card(d)?;
        put(d, "model.gguf", Gguf::sample().bytes(0))?;
        lock(&inside(d, "model.gguf"))
    });
    c.warning("fs-locked-folder", "a folder that may not be entered", |d| {
        card(d)?;
        folder(d, "more")?;
        lock(&inside(d, "more"))
    });
    c.ok("fs-folder-named-file", "folders that are named like files", |d| {
        card(d)?;
        folder(d, "model.gguf")?;
        folder(d, "config.json")?;
        folder(d, "LICENSE")
    });
}

fn names(c: &mut Cases) {
    c.ok("fs-name-escape", "escape sequences in a folder's name: clear the screen, set the title", |d| {
        card_in(d, "a\u{1b}[2J\u{1b}]0;owned\u{7}b")
    });
    c.ok("fs-name-c1", "the one-character form of an escape sequence", |d| card_in(d, "a\u{9b}31m\u{90}b"));
    c.ok("fs-name-newline", "a folder whose name has a line of its own", |d| {
        card_in(d, &format!("a\n{FORGED}: cleared\r{FORGED}"))
    });
    c.warning("fs-name-newline-broken", "a broken file whose name has a line of its own", |d| {
        card(d)?;
        put(d, &format!("x\n{FORGED}: cleared.gguf"), b"")
    });
    c.ok("fs-name-bidi", "a name that reads backwards on a terminal (CVE-2021-42574)", |d| {
        card_in(d, "llama\u{202e}ffug.\u{2066}x\u{61c}\u{200f}")
    });
    c.ok("fs-name-homoglyph", "a name in letters that only look Latin", |d| card_in(d, "met\u{430}-ll\u{430}m\u{430}"));
    c.ok("fs-name-invisible", "a name with letters that are not seen", |d| {
        card_in(d, "ll\u{200b}ama\u{e0041}\u{ad}\u{2060}")
    });
    c.ok("fs-name-combining", "a letter with 80 marks over it", |d| card_in(d, &format!("a{}", "\u{301}".repeat(80))));
    c.ok("fs-name-long", "a name of 255 bytes", |d| card_in(d, &"n".repeat(255)));
    c.ok("fs-name-not-text", "a name of bytes that are no text", |d| {
        card(d)?;
        put_raw(d, b"LICENSE-\xff\xfe\x80", b"All rights reserved.")
    });
    c.ok("fs-name-secret", "an access token in a folder's name", |d| card_in(d, &format!("run-{}", SECRETS[0])));
    c.ok("fs-name-flag", "a folder that is named like a flag", |d| card_in(d, "--format=json"));
    c.ok("fs-name-backslash", "dots and backslashes in a name", |d| card_in(d, r"..\..\etc"));
    c.ok("fs-name-case", "names that differ in case alone", |d| {
        put(d, "README.md", "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n")?;
        put(d, "readme.md", "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n")
    });
}

fn sizes(c: &mut Cases) {
    c.warning("fs-deep", "folders 120 deep with a model at the bottom and a card at the top", |d| {
        card(d)?;
        let deep = vec!["d"; 120].join("/");
        put(d, &format!("{deep}/model.gguf"), Gguf::sample().bytes(0))
    });
    c.ok("fs-wide", "3,000 files in one folder", |d| {
        card(d)?;
        (0..3000).try_for_each(|i| put(d, &format!("f{i}.txt"), "x"))
    });
    c.ok("fs-many-models", "400 models", |d| (0..400).try_for_each(|i| card_in(d, &format!("m{i}"))));
    c.ok("fs-many-gguf", "300 GGUF files of one folder, each another model", |d| {
        (0..300).try_for_each(|i| {
            put(d, &format!("m{i}.gguf"), Gguf::new().text("general.name", &format!("bot {i}")).bytes(0))
        })
    });
    c.ok("fs-sparse-8tb", "a sparse file of 8 TB of nothing known", |d| {
        card(d)?;
        sparse(d, "weights.dat", b"", 8 << 40)
    });
    c.warning("fs-sparse-readme", "a NOTICE of 1 TB", |d| {
        card(d)?;
        sparse(d, "NOTICE", b"", 1 << 40)
    });
    c.ok("fs-toml-folder", "a folder that is named like a case file", |d| {
        folder(d, "case.toml")?;
        card(d)
    });
}
