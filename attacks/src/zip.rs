//! Archives: zip, tar, and the formats built on them.

use std::io;
use std::path::Path;

use crate::bytes::{Gguf, Member, tar, tar_member, zip};
use crate::disk::{bait, card, put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

const KERAS_CONFIG: &[u8] = br#"{"class_name":"Sequential","config":{"name":"bot","layers":[]}}"#;
const KERAS_METADATA: &[u8] = br#"{"keras_version":"3.5.0","date_saved":"2026-01-01"}"#;

fn keras(home: &Path, config: &[u8]) -> io::Result<()> {
    card(home)?;
    let members = [Member::new("metadata.json", KERAS_METADATA), Member::new("config.json", config)];
    put(home, "model.keras", zip(&members, None))
}

fn model(home: &Path, members: &[Member]) -> io::Result<()> {
    card(home)?;
    bait(home)?;
    put(home, "model.keras", zip(members, None))
}

fn nemo(home: &Path, members: &[Vec<u8>]) -> io::Result<()> {
    card(home)?;
    bait(home)?;
    put(home, "model.nemo", tar(members))
}

fn size(n: usize) -> String {
    format!("{n:011o}\0")
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    tar_member(name, b'0', "", &size(data.len()), data)
}

/// `n` times the letter `a`, as deflate packs it best: one letter, then copies of 258, two bits each.
fn bomb(n: usize) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u64, 0_u32);
    let mut put = |value: u64, length: u32, out: &mut Vec<u8>| {
        bits |= value << count;
        count += length;
        while count >= 8 {
            out.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            count -= 8;
        }
    };
    // the last block, with its own codes: 257 + 29 letters, 1 distance, 18 lengths of codes
    for (value, length) in [(1, 1), (2, 2), (29, 5), (0, 5), (14, 4)] {
        put(value, length, &mut out);
    }
    // lengths of the codes for lengths in their odd order: 18 takes 1 bit, 1 and 2 take 2
    let lengths: [u64; 18] = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2];
    for length in lengths {
        put(length, 3, &mut out);
    }
    // codes, their bits turned round: 18 is `0`, 1 is `10`, 2 is `11`
    let (zeros, one, two) = (|n: u64| (n - 11, 7), (0b01, 2), (0b11, 2));
    // `a` takes 2 bits, 256 takes 2, 285 takes 1, the distance takes 1
    for part in [Some(97), None, Some(138), Some(20), None, Some(28), Some(0)] {
        match part {
            Some(0) => {
                put(one.0, one.1, &mut out);
                put(one.0, one.1, &mut out);
            }
            Some(n) => {
                put(0, 1, &mut out);
                let (value, length) = zeros(n);
                put(value, length, &mut out);
            }
            None => put(two.0, two.1, &mut out),
        }
    }
    // 285 is `0`, `a` is `10`, 256 is `11`
    put(0b01, 2, &mut out);
    for _ in 0..n / 258 {
        put(0, 2, &mut out);
    }
    put(0b11, 2, &mut out);
    put(0, 7, &mut out);
    out
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Zip);
    controls(&mut c);
    names(&mut c);
    numbers(&mut c);
    tars(&mut c);
    c.done()
}

fn controls(c: &mut Cases) {
    c.ok("zip-valid-keras", "a small valid Keras file", |d| keras(d, KERAS_CONFIG));
    c.ok("zip-valid-comment", "bytes before and behind the archive, as in self-extracting ones", |d| {
        card(d)?;
        let members = [Member::new("metadata.json", KERAS_METADATA), Member::new("config.json", KERAS_CONFIG)];
        put(d, "model.keras", zip(&members, None))
    });
    c.ok("zip-valid-empty", "an archive of nothing beside a card", |d| {
        card(d)?;
        put(d, "notes.zip", zip(&[], None))
    });
    c.ok("zip-valid-nemo", "a small valid NeMo file", |d| {
        nemo(d, &[file("model_config.yaml", b"target: nemo.Model\n"), file("weights.ckpt", b"\0\0\0\0")])
    });
    c.warning("zip-lambda", "a Keras layer of code (CVE-2024-3660)", |d| {
        keras(d, br#"{"class_name":"Sequential","config":{"layers":[{"class_name":"Lambda","config":{"function":{"class_name":"__lambda__","config":{"code":"4wEAAAA="}}}}]}}"#)
    });
    c.warning("zip-keras-module", "a Keras layer of any module (CVE-2025-1550)", |d| {
        keras(d, br#"{"class_name":"function","module":"os","config":"system","registered_name":"system"}"#)
    });
    c.warning("zip-keras-cut-config", "a Keras config that ends in the middle", |d| keras(d, br#"{"class_name":"Seq"#));
    c.warning("zip-keras-deep-config", "a Keras config of 100,000 brackets", |d| keras(d, &b"[".repeat(100_000)));
    c.ok("zip-keras-secret", "access tokens in a Keras config", |d| {
        keras(
            d,
            format!(r#"{{"class_name":"Sequential","config":{{"name":"{} {}"}}}}"#, SECRETS[0], SECRETS[2]).as_bytes(),
        )
    });
    c.ok("zip-keras-escape", "escape sequences in a Keras config", |d| {
        keras(d, br#"{"class_name":"Seq\u001b[2J\u009b31m\u202e","config":{"name":"x\u001b]0;owned\u0007"}}"#)
    });
}

fn names(c: &mut Cases) {
    c.error("zip-slip", "a member in the folder above (zip slip; CVE-2024-7773)", |d| {
        model(d, &[Member::new("config.json", KERAS_CONFIG), Member::new("../out/owned", b"x")])
    });
    c.error("zip-absolute", "a member at an absolute path (CVE-2024-45436)", |d| {
        model(d, &[Member::new("config.json", KERAS_CONFIG), Member::new("/etc/owned", b"x")])
    });
    c.error("zip-backslash", "a member by a path of Windows", |d| {
        model(d, &[Member::new("config.json", KERAS_CONFIG), Member::new(r"..\..\owned", b"x")])
    });
    c.ok("zip-link", "a member that is a link out of the folder", |d| {
        let mut link = Member::new("weights", b"../out/model.gguf");
        link.mode = 0o120_777;
        model(d, &[Member::new("config.json", KERAS_CONFIG), link])
    });
    c.warning("zip-twice", "two members of one name", |d| {
        model(d, &[Member::new("config.json", KERAS_CONFIG), Member::new("config.json", br#"{"class_name":"Other"}"#)])
    });
    c.warning("zip-two-names", "a member of two names", |d| {
        let mut member = Member::new("config.json", KERAS_CONFIG);
        member.local = b"metadata.json".to_vec();
        model(d, &[member])
    });
    c.ok("zip-escape-name", "escape sequences and a line break in a member's name", |d| {
        let name = format!("a\u{1b}[2J\u{202e}\n{FORGED}");
        model(d, &[Member::new("config.json", KERAS_CONFIG), Member::new(&name, b"x")])
    });
    c.ok("zip-nul-name", "a NUL in a member's name", |d| {
        model(d, &[Member::new("config.json", KERAS_CONFIG), Member::new("a\0b", b"x")])
    });
}

fn numbers(c: &mut Cases) {
    c.warning("zip-bomb-size", "a member that claims 4 GB unpacked", |d| {
        let mut member = Member::new("config.json", KERAS_CONFIG);
        (member.size, member.method) = (u32::MAX - 1, 8);
        model(d, &[member])
    });
    c.warning(
        "zip-bomb-deflate",
        "a config of a gigabyte, packed a thousandfold in what the headers call a kilobyte",
        |d| {
            let mut member = Member::new("config.json", &bomb(1 << 30));
            (member.size, member.method) = (1024, 8);
            model(d, &[member])
        },
    );
    c.warning("zip-deflate-cut", "a packed config that ends in the middle and one that is no packing at all", |d| {
        let whole = bomb(1 << 16);
        let mut cut = Member::new("config.json", whole.get(..whole.len() / 2).unwrap_or_default());
        let mut junk = Member::new("metadata.json", &[0xff; 4096]);
        (cut.method, junk.method) = (8, 8);
        model(d, &[cut, junk])
    });
    c.warning("zip-overlap", "a thousand members over one another (42.zip's better)", |d| {
        let mut all = vec![Member::new("config.json", KERAS_CONFIG)];
        for i in 0..1000 {
            let mut member = Member::new(&format!("m{i}"), b"");
            member.offset = Some(0);
            all.push(member);
        }
        model(d, &all)
    });
    c.warning("zip-offset", "a member that begins behind the end", |d| {
        let mut member = Member::new("config.json", KERAS_CONFIG);
        member.offset = Some(u32::MAX - 9);
        model(d, &[member])
    });
    c.ok("zip-entries", "65,535 members where one is", |d| {
        card(d)?;
        put(d, "model.keras", zip(&[Member::new("config.json", KERAS_CONFIG)], Some(u16::MAX)))
    });
    c.warning("zip-no-directory", "an archive that is cut before its directory", |d| {
        card(d)?;
        let bytes = zip(&[Member::new("config.json", KERAS_CONFIG)], None);
        put(d, "model.keras", bytes.get(..60).unwrap_or_default())
    });
    c.ok("zip-many", "20,000 members", |d| {
        let mut all = vec![Member::new("config.json", KERAS_CONFIG)];
        all.extend((0..20_000).map(|i| Member::new(&format!("m{i}"), b"")));
        model(d, &all)
    });
    c.warning("zip-method", "a packing that does not exist", |d| {
        let mut member = Member::new("config.json", KERAS_CONFIG);
        member.method = 77;
        model(d, &[member])
    });
    c.ok("zip-encrypted", "a member that claims to be encrypted", |d| {
        let mut member = Member::new("config.json", KERAS_CONFIG);
        member.flags = 1;
        model(d, &[member])
    });
    c.warning("zip-sparse", "an archive of 100 GB of zeros", |d| {
        card(d)?;
        sparse(d, "model.keras", b"PK\x03\x04", 100 << 30)
    });
    c.ok("zip-llamafile", "a GGUF behind a program (llamafile), which is found or not", |d| {
        card(d)?;
        let bytes =
            [b"MZqFpD='\n".to_vec(), zip(&[Member::new("model.gguf", &Gguf::sample().bytes(0))], None)].concat();
        put(d, "bot.llamafile", bytes)
    });
}

fn tars(c: &mut Cases) {
    c.error("zip-tar-slip", "a tar's member in the folder above", |d| {
        nemo(d, &[file("model_config.yaml", b"target: x\n"), file("../out/owned", b"x")])
    });
    c.warning("zip-tar-link", "a tar's member that is a link out", |d| {
        nemo(d, &[tar_member("model_config.yaml", b'2', "../out/README.md", &size(0), b"")])
    });
    c.warning("zip-tar-device", "a tar's member that is a device", |d| {
        nemo(d, &[tar_member("model_config.yaml", b'3', "", &size(0), b"")])
    });
    c.warning("zip-tar-size-max", "a tar's member of 8 GB in a small file", |d| {
        nemo(d, &[tar_member("model_config.yaml", b'0', "", "77777777777\0", b"target: x\n")])
    });
    c.warning("zip-tar-size-negative", "a tar's member of negative size", |d| {
        nemo(d, &[tar_member("model_config.yaml", b'0', "", "\u{7f}\u{7f}-1       ", b"target: x\n")])
    });
    c.warning("zip-tar-cut", "a tar that is cut", |d| {
        card(d)?;
        let bytes = file("model_config.yaml", &[b'a'; 4096]);
        put(d, "model.nemo", bytes.get(..700).unwrap_or_default())
    });
    c.ok("zip-tar-many", "20,000 empty members", |d| {
        let mut all = vec![file("model_config.yaml", b"target: x\n")];
        all.extend((0..20_000).map(|i| file(&format!("m{i}"), b"")));
        nemo(d, &all)
    });
}
