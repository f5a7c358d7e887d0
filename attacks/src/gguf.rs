//! GGUF: counts, lengths, types, shapes, alignment, and names that try to do something.

use std::path::Path;

use crate::bytes::{Gguf, string};
use crate::disk::{put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

fn model(home: &Path, gguf: &Gguf) -> std::io::Result<()> {
    put(home, "model.gguf", gguf.bytes(64))
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Gguf);
    controls(&mut c);
    counts(&mut c);
    strings(&mut c);
    arrays(&mut c);
    tensors(&mut c);
    layout(&mut c);
    words(&mut c);
    c.done()
}

fn controls(c: &mut Cases) {
    c.ok("gguf-valid", "a small valid file", |d| model(d, &Gguf::sample()));
    c.ok("gguf-valid-tensors", "a valid file with tensors of three types", |d| {
        let g = Gguf::sample().tensor("a", &[16], 0, 0).tensor("b", &[32], 8, 64).tensor("c", &[4, 4], 1, 128);
        put(d, "model.gguf", g.bytes(256))
    });
    c.ok("gguf-valid-v2", "version 2, which few write and all read", |d| {
        model(d, &Gguf::of(2, false).text("general.architecture", "llama").text("general.license", "mit"))
    });
    c.ok("gguf-valid-v1", "version 1 with its 32-bit lengths", |d| {
        model(d, &Gguf::of(1, false).text("general.architecture", "llama").text("general.license", "mit"))
    });
    c.ok("gguf-valid-big-endian", "version 3 in the other byte order", |d| {
        model(d, &Gguf::of(3, true).text("general.architecture", "llama").text("general.license", "mit"))
    });
    c.ok("gguf-valid-empty-value", "keys with empty texts", |d| {
        model(d, &Gguf::sample().text("general.description", "").text("general.author", ""))
    });
    c.ok("gguf-valid-late-license", "the license behind 20,000 tokens", |d| {
        let tokens: Vec<u8> = (0..20_000_u32).flat_map(|i| string(format!("token{i}").as_bytes())).collect();
        let g = Gguf::new().array("tokenizer.ggml.tokens", 8, 20_000, &tokens).text("general.license", "apache-2.0");
        model(d, &g)
    });
    c.ok("gguf-valid-long-template", "a chat template of 300 kB", |d| {
        model(d, &Gguf::sample().text("tokenizer.chat_template", &"{{ bos_token }} ".repeat(20_000)))
    });
    c.ok("gguf-valid-no-pairs", "no pairs and no tensors at all", |d| model(d, &Gguf::of(3, false)));
    c.ok("gguf-valid-every-type", "a value of each of the thirteen types", |d| {
        let mut g = Gguf::sample();
        for (kind, width) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4), (5, 4), (6, 4), (10, 8), (11, 8), (12, 8)] {
            g = g.raw(format!("x.type{kind}").as_bytes(), kind, &vec![1; width]);
        }
        model(d, &g.raw(b"x.bool", 7, &[1]).array("x.array", 4, 2, &[0; 8]))
    });
    c.ok("gguf-valid-other-alphabets", "names in Japanese, Arabic and Hebrew, which are not attacks", |d| {
        model(d, &Gguf::sample().text("general.author", "日本語 العربية עברית"))
    });
    c.ok("gguf-valid-sparse-70gb", "a valid header before 70 GB of weights", |d| {
        let g = Gguf::sample().tensor("w", &[1 << 34], 0, 0);
        sparse(d, "model.gguf", &g.bytes(0), (1 << 36) + 4096)
    });
}

fn counts(c: &mut Cases) {
    c.error("gguf-pairs-max", "2^64-1 pairs (TALOS-2024-1916, CVE-2024-23605)", |d| {
        model(d, &Gguf::sample().pair_count(u64::MAX))
    });
    c.error("gguf-pairs-wrap", "so many pairs that count times size wraps to something small (CVE-2024-23605)", |d| {
        model(d, &Gguf::sample().pair_count(0x1000_0000_0000_0001))
    });
    c.error("gguf-pairs-one-more", "one pair more than there are", |d| {
        put(d, "model.gguf", Gguf::sample().pair_count(6).header())
    });
    c.error("gguf-pairs-negative", "-1 pairs to who reads them signed", |d| {
        model(d, &Gguf::sample().pair_count(1 << 63))
    });
    c.error("gguf-pairs-sparse", "2^32 pairs in a file that is large enough on paper", |d| {
        sparse(d, "model.gguf", &Gguf::sample().pair_count(1 << 32).header(), 1 << 40)
    });
    c.error("gguf-tensors-max", "2^64-1 tensors (TALOS-2024-1915, CVE-2024-21836)", |d| {
        model(d, &Gguf::sample().tensor_count(u64::MAX))
    });
    c.error("gguf-tensors-wrap", "so many tensors that count times size wraps (CVE-2024-21836)", |d| {
        model(d, &Gguf::sample().tensor_count(0x0aaa_aaaa_aaaa_aaab))
    });
    c.error("gguf-tensors-one-more", "one tensor more than there are", |d| {
        put(d, "model.gguf", Gguf::sample().tensor("a", &[1], 0, 0).tensor_count(2).header())
    });
    c.error("gguf-tensors-sparse", "a million million tensors in a sparse file of 100 TB", |d| {
        sparse(d, "model.gguf", &Gguf::sample().tensor_count(1_000_000_000_000).header(), 1 << 43)
    });
    c.error("gguf-tensors-zeros", "a million tensors, all of them zeros from a hole in the file", |d| {
        sparse(d, "model.gguf", &Gguf::sample().tensor_count(4_000_000).header(), 1 << 30)
    });
    c.error("gguf-v1-pairs-max", "version 1 with 2^32-1 pairs", |d| {
        model(d, &Gguf::of(1, false).text("general.architecture", "llama").pair_count(u64::MAX))
    });
    c.error("gguf-big-endian-lie", "a big-endian version over little-endian counts", |d| {
        let mut bytes = Gguf::sample().bytes(0);
        bytes.splice(4..8, 3_u32.to_be_bytes());
        put(d, "model.gguf", bytes)
    });
}

fn strings(c: &mut Cases) {
    c.error(
        "gguf-string-max",
        "a string of 2^64-1 bytes: length plus one wraps (TALOS-2024-1913, CVE-2024-21825)",
        |d| model(d, &Gguf::new().lying_text("general.name", u64::MAX, b"x")),
    );
    c.error("gguf-string-negative", "a string whose length is negative when signed (CVE-2025-66960)", |d| {
        model(d, &Gguf::new().lying_text("general.name", 1 << 63, b"x"))
    });
    c.error("gguf-string-gib", "a string of 1 GiB in a small file (CVE-2024-39720)", |d| {
        model(d, &Gguf::new().lying_text("general.license", 1 << 30, b"mit"))
    });
    c.error("gguf-string-to-end-plus-one", "a string one byte longer than the file", |d| {
        put(d, "model.gguf", Gguf::new().lying_text("general.license", 4, b"mit").header())
    });
    c.error("gguf-string-unread-max", "the same in a key that nobody asks for", |d| {
        model(d, &Gguf::new().lying_text("x.unread", u64::MAX - 7, b""))
    });
    c.error("gguf-string-sparse", "a string of 2 GiB that a sparse file does hold", |d| {
        let g = Gguf::new().lying_text("general.license", 2 << 30, b"mit").pair_count(3);
        sparse(d, "model.gguf", &g.header(), 8 << 30)
    });
    c.error("gguf-key-max", "a key of 2^64-1 bytes (CVE-2024-21825)", |d| {
        model(d, &Gguf::new().junk(&u64::MAX.to_le_bytes()))
    });
    c.error("gguf-key-64k", "a key of 65,536 bytes, one more than allowed", |d| {
        model(d, &Gguf::new().raw(&vec![b'k'; 65_536], 4, &[0; 4]))
    });
    c.ok("gguf-key-longest", "a key of 65,535 bytes, the most allowed", |d| {
        model(d, &Gguf::sample().raw(&vec![b'k'; 65_535], 4, &[0; 4]))
    });
    c.error("gguf-key-cut", "the file ends inside a key", |d| {
        put(d, "model.gguf", Gguf::new().junk(&[&40_u64.to_le_bytes()[..], b"general.lic"].concat()).header())
    });
    c.ok("gguf-key-empty", "an empty key", |d| model(d, &Gguf::sample().raw(b"", 4, &[0; 4])));
    c.ok("gguf-key-not-text", "a key of bytes that are no text", |d| {
        model(d, &Gguf::sample().raw(b"\xff\xfe\x00key\x80", 4, &[0; 4]))
    });
    c.ok("gguf-value-not-text", "a name of bytes that are no text", |d| {
        model(d, &Gguf::sample().bytes_value("general.author", b"\xff\xc0\xaf\xed\xa0\x80"))
    });
    c.warning("gguf-license-100k", "a license tag of 100 kB", |d| {
        model(d, &Gguf::new().text("general.license", &"mit ".repeat(25_000)))
    });
}

fn arrays(c: &mut Cases) {
    c.error("gguf-array-max", "an array of 2^64-1 numbers (TALOS-2024-1912, CVE-2024-23496)", |d| {
        model(d, &Gguf::new().array("x", 4, u64::MAX, &[]))
    });
    c.error("gguf-array-wrap", "elements times size wraps to 8 (CVE-2024-25664)", |d| {
        model(d, &Gguf::new().array("x", 10, 0x2000_0000_0000_0001, &[0; 8]))
    });
    c.error(
        "gguf-array-2-61",
        "2^61 numbers of 8 bytes: readers that step one by one never end (CVE-2024-25665)",
        |d| model(d, &Gguf::new().array("x", 10, 1 << 61, &[0; 8])),
    );
    c.error("gguf-array-strings-max", "an array of 2^64-1 strings (CVE-2024-25666)", |d| {
        model(d, &Gguf::new().array("tokenizer.ggml.tokens", 8, u64::MAX, &[]))
    });
    c.error("gguf-array-strings-short", "more strings than the file can hold", |d| {
        model(d, &Gguf::new().array("general.tags", 8, 1000, &string(b"a")))
    });
    c.error("gguf-array-strings-lie", "an array whose second string is endless", |d| {
        let elements = [string(b"a"), u64::MAX.to_le_bytes().to_vec()].concat();
        model(d, &Gguf::new().array("general.tags", 8, 2, &elements))
    });
    c.error("gguf-array-strings-sparse", "2^29 empty strings in a sparse file: a walk of 4 GB", |d| {
        let g = Gguf::new().array("tokenizer.ggml.tokens", 8, 1 << 29, &[]);
        sparse(d, "model.gguf", &g.header(), 8 << 30)
    });
    c.error("gguf-array-nested", "an array of arrays", |d| model(d, &Gguf::new().array("x", 9, 1, &[0; 12])));
    c.error("gguf-array-nested-deep", "10,000 arrays, one in another", |d| {
        let level = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat();
        model(d, &Gguf::new().array("x", 9, 1, &level.repeat(10_000)))
    });
    c.error("gguf-array-type", "an array of an element type that does not exist", |d| {
        model(d, &Gguf::new().array("x", 99, 1, &[0; 8]))
    });
    c.ok("gguf-array-empty", "an empty array", |d| model(d, &Gguf::sample().array("general.tags", 8, 0, &[])));
    c.warning("gguf-array-wrong-element", "numbers where tags are due (llama.cpp #26690)", |d| {
        model(d, &Gguf::sample().array("general.tags", 4, 2, &[0; 8]))
    });
    c.ok("gguf-array-many-tags", "5,000 tags, of which a reader keeps some", |d| {
        let tags: Vec<u8> = (0..5000_u32).flat_map(|i| string(format!("t{i}").as_bytes())).collect();
        model(d, &Gguf::sample().array("general.tags", 8, 5000, &tags))
    });
}

fn tensors(c: &mut Cases) {
    c.error("gguf-dims-max", "a tensor of 2^32-1 dimensions (TALOS-2024-1914, CVE-2024-21802)", |d| {
        let junk = [string(b"w"), u32::MAX.to_le_bytes().to_vec()].concat();
        model(d, &Gguf::sample().tensor_junk(&junk))
    });
    c.error("gguf-dims-5", "a tensor of five dimensions (CVE-2024-21802)", |d| {
        model(d, &Gguf::sample().tensor("w", &[1, 1, 1, 1, 1], 0, 0))
    });
    c.error("gguf-shape-wrap", "a shape whose product wraps to 0 (CVE-2025-53630)", |d| {
        model(d, &Gguf::sample().tensor("w", &[1 << 32, 1 << 32], 0, 0))
    });
    c.error("gguf-shape-wrap-small", "a shape whose product wraps to a small number (CVE-2026-27940)", |d| {
        model(d, &Gguf::sample().tensor("w", &[0x1_0000_0001, 0x1_0000_0001, 1 << 30, 4], 0, 0))
    });
    c.error("gguf-shape-bytes-wrap", "elements that fit 64 bits and whose bytes do not (CVE-2025-53630)", |d| {
        model(d, &Gguf::sample().tensor("w", &[1 << 62], 0, 0))
    });
    c.error("gguf-offset-wrap", "offset plus size wraps (CVE-2026-27940)", |d| {
        model(d, &Gguf::sample().tensor("w", &[64], 0, u64::MAX - 31))
    });
    c.warning("gguf-extent", "a tensor that extends beyond the file (CVE-2026-7482)", |d| {
        model(d, &Gguf::sample().tensor("w", &[1 << 20], 0, 0))
    });
    c.warning("gguf-extent-offset", "a tensor that begins beyond the file", |d| {
        model(d, &Gguf::sample().tensor("w", &[8], 0, 1 << 40))
    });
    c.warning("gguf-extent-sum", "sizes of many tensors whose sum wraps (CVE-2026-33298)", |d| {
        let mut g = Gguf::sample();
        for i in 0..8 {
            g = g.tensor("w", &[1 << 58], 0, i << 60);
        }
        model(d, &g)
    });
    c.warning("gguf-tensor-type", "a tensor type that does not exist", |d| {
        model(d, &Gguf::sample().tensor("w", &[8], 4000, 0))
    });
    c.error("gguf-tensor-name-max", "a tensor's name of 2^64-1 bytes", |d| {
        model(d, &Gguf::sample().tensor_junk(&u64::MAX.to_le_bytes()))
    });
    c.ok("gguf-shape-zero", "a tensor with no elements", |d| model(d, &Gguf::sample().tensor("w", &[0, 4], 0, 0)));
    c.error("gguf-tensor-cut", "the file ends inside a tensor's description", |d| {
        let bytes = Gguf::sample().tensor("blk.0.attn_q.weight", &[8, 8], 0, 0).header();
        put(d, "model.gguf", bytes.get(..bytes.len() - 11).unwrap_or_default())
    });
}

fn layout(c: &mut Cases) {
    c.error("gguf-alignment-zero", "an alignment of 0: a division by zero (llama.cpp #26245)", |d| {
        model(d, &Gguf::sample().u32("general.alignment", 0).tensor("w", &[8], 0, 0))
    });
    c.error("gguf-alignment-odd", "an alignment that is no power of two", |d| {
        model(d, &Gguf::sample().u32("general.alignment", 33).tensor("w", &[8], 0, 0))
    });
    c.error("gguf-alignment-huge", "an alignment of 2^31: padding wraps (llama.cpp #26318)", |d| {
        model(d, &Gguf::sample().u32("general.alignment", 1 << 31).tensor("w", &[8], 0, 0))
    });
    c.error("gguf-alignment-text", "an alignment that is a text (llama.cpp #26245)", |d| {
        model(d, &Gguf::sample().text("general.alignment", "32").tensor("w", &[8], 0, 0))
    });
    c.error("gguf-version-0", "version 0", |d| model(d, &Gguf::of(0, false)));
    c.error("gguf-version-max", "version 2^32-1", |d| model(d, &Gguf::of(u32::MAX, false)));
    c.error("gguf-version-4", "a version that does not exist yet", |d| model(d, &Gguf::of(4, false)));
    c.error("gguf-magic-only", "the magic and nothing else", |d| put(d, "model.gguf", b"GGUF"));
    c.error("gguf-cut-in-counts", "the file ends inside its counts", |d| put(d, "model.gguf", b"GGUF\x03\0\0\0\x01\0"));
    c.error("gguf-wrong-magic", "named .gguf and something else", |d| put(d, "model.gguf", b"GGUX\x03\0\0\0\0\0\0\0"));
    c.error("gguf-html", "a login page that was saved as model.gguf", |d| {
        put(d, "model.gguf", "<!doctype html><title>Sign in</title>")
    });
    c.warning("gguf-empty", "an empty file", |d| put(d, "model.gguf", b""));
    c.error("gguf-all-zeros", "a sparse file of 20 GB of zeros", |d| sparse(d, "model.gguf", b"", 20 << 30));
    c.error("gguf-value-type", "a value of a type that does not exist", |d| {
        model(d, &Gguf::new().raw(b"x", 13, &[0; 8]))
    });
    c.error("gguf-bool-2", "a truth value of 2", |d| model(d, &Gguf::new().raw(b"x", 7, &[2])));
    c.warning("gguf-duplicate-license", "two license keys that contradict: programs differ in which they take", |d| {
        model(d, &Gguf::sample().text("general.license", "cc-by-nc-4.0"))
    });
    c.warning("gguf-license-number", "a license that is a number", |d| {
        model(d, &Gguf::new().u32("general.license", 7))
    });
    c.warning("gguf-in-safetensors", "GGUF bytes under the name .safetensors", |d| {
        put(d, "model.safetensors", Gguf::sample().bytes(0))
    });
    c.warning("gguf-legacy-ggjt", "a file of ggml's older format", |d| put(d, "model.bin", b"tjgg\x03\0\0\0\0\0\0\0"));
    c.ok("gguf-in-bin", "GGUF under the name .bin", |d| put(d, "model.bin", Gguf::sample().bytes(0)));
    c.error("gguf-many-pairs", "70,000 pairs, more than any model has", |d| {
        let mut g = Gguf::new();
        for i in 0..70_000_u32 {
            g = g.raw(format!("k{i}").as_bytes(), 0, &[0]);
        }
        model(d, &g)
    });
    c.ok("gguf-split-lie", "shard 9 of 3", |d| model(d, &Gguf::sample().u32("split.no", 9).u32("split.count", 3)));
}

fn words(c: &mut Cases) {
    c.ok("gguf-escape-name", "escape sequences in the name: clear the screen, set the title, forge a link", |d| {
        let name = "x\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}]8;;http://evil.example\u{7}y\u{9b}31m\u{90}q";
        model(d, &Gguf::sample().text("general.basename", name).text("general.license", "mit\u{1b}[8m"))
    });
    c.ok("gguf-escape-key", "an escape sequence in a key that is told", |d| {
        model(d, &Gguf::sample().u32("\u{1b}[31m.license", 3))
    });
    c.ok("gguf-bidi-license", "a license that reads backwards on a terminal (CVE-2021-42574)", |d| {
        model(d, &Gguf::new().text("general.license", "apache-2.0\u{202e}cn-yb-cc\u{2066}\u{61c}"))
    });
    c.ok("gguf-newline-name", "a name with a line of its own", |d| {
        let text = format!("bot\n{FORGED}: this model is cleared\r{FORGED}");
        model(d, &Gguf::sample().text("general.basename", &text).text("general.license.name", &text))
    });
    c.ok("gguf-homoglyph-base", "a base whose publisher is written with a Cyrillic letter", |d| {
        let url = "https://huggingface.co/met\u{430}-llama/Llam\u{430}-3.1-8B";
        model(d, &Gguf::new().text("general.license", "mit").text("general.base_model.0.repo_url", url))
    });
    c.ok("gguf-template-ssti", "a chat template that runs a command when it is rendered (CVE-2024-34359)", |d| {
        let template = "{{ cycler.__init__.__globals__.os.popen('touch owned').read() }}";
        model(d, &Gguf::sample().text("tokenizer.chat_template", template))
    });
    c.ok("gguf-secret-in-url", "access tokens in the base's address and in the name", |d| {
        let url = format!("https://user:{}@huggingface.co/Qwen/Qwen2.5-1.5B", SECRETS[0]);
        let name = format!("bot {} {}", SECRETS[1], SECRETS[2]);
        model(d, &Gguf::new().text("general.base_model.0.repo_url", &url).text("general.name", &name))
    });
    c.ok("gguf-windows-path", "a path of somebody's machine as the name", |d| {
        model(d, &Gguf::sample().text("general.basename", "D:\\Diverses\\models\\..\\..\\x"))
    });
}
