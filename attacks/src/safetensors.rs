//! safetensors: the length, the header's JSON, offsets, metadata.

use std::io;
use std::path::Path;

use crate::bytes::{safetensors, safetensors_raw};
use crate::disk::{put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

const ONE: &str = r#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}}"#;

fn model(home: &Path, header: &str, data: usize) -> io::Result<()> {
    put(home, "model.safetensors", safetensors(header, data))
}

fn meta(home: &Path, key: &str, value: &str) -> io::Result<()> {
    let header = format!(
        r#"{{"__metadata__":{{"format":"pt","{key}":"{value}"}},"w":{{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}}}"#
    );
    model(home, &header, 32)
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Safetensors);
    controls(&mut c);
    lengths(&mut c);
    headers(&mut c);
    offsets(&mut c);
    words(&mut c);
    packed(&mut c);
    c.done()
}

/// A file of tensors one behind the other, each of as many bytes as are said, whatever its shape; all of one byte.
fn tensors(home: &Path, all: &[(&str, &str, &str, usize)], fill: u8) -> io::Result<()> {
    let (mut header, mut at) = (Vec::new(), 0);
    for (name, dtype, shape, bytes) in all {
        let end = at + bytes;
        header.push(format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{at},{end}]}}"));
        at = end;
    }
    let mut bytes = safetensors(&format!("{{{}}}", header.join(",")), 0);
    bytes.resize(bytes.len() + at, fill);
    put(home, "model.safetensors", bytes)
}

/// Weights as `kin` reads them: matrices of several tensors whose parts do not fit each other.
fn packed(c: &mut Cases) {
    const Q: &str = "model.layers.0.mlp.up_proj";
    c.ok("safetensors-valid-nan", "a matrix of nothing but NaN", |d| {
        tensors(d, &[(&format!("{Q}.weight"), "F32", "64,64", 16_384)], 0xff)
    });
    c.ok("safetensors-valid-gptq", "a small matrix of GPTQ", |d| {
        let all = [
            (&*format!("{Q}.qweight"), "I32", "8,64", 2048),
            (&*format!("{Q}.qzeros"), "I32", "1,8", 32),
            (&*format!("{Q}.scales"), "F16", "1,64", 128),
        ];
        tensors(d, &all, 0x34)
    });
    c.ok("safetensors-valid-gptq-order", "GPTQ whose order names groups that do not exist", |d| {
        let all = [
            (&*format!("{Q}.qweight"), "I32", "8,64", 2048),
            (&*format!("{Q}.qzeros"), "I32", "1,8", 32),
            (&*format!("{Q}.scales"), "F16", "1,64", 128),
            (&*format!("{Q}.g_idx"), "I32", "64", 256),
        ];
        tensors(d, &all, 0xff)
    });
    c.ok("safetensors-valid-scale-shape", "eight-bit floats with scales of a shape that does not fit", |d| {
        let all =
            [(&*format!("{Q}.weight"), "F8_E4M3", "64,64", 4096), (&*format!("{Q}.weight_scale"), "F32", "7,3", 84)];
        tensors(d, &all, 0x3f)
    });
    c.ok("safetensors-valid-scale-nan", "eight-bit floats whose scale is NaN", |d| {
        let all = [(&*format!("{Q}.weight"), "F8_E4M3", "64,64", 4096), (&*format!("{Q}.weight_scale"), "F32", "1", 4)];
        tensors(d, &all, 0xff)
    });
    c.ok("safetensors-valid-zero-rows", "quantized matrices without a row", |d| {
        let all = [
            (&*format!("{Q}.qweight"), "I32", "0,0", 0),
            (&*format!("{Q}.qzeros"), "I32", "0,0", 0),
            (&*format!("{Q}.scales"), "F16", "0,0", 0),
            ("a.weight", "U32", "0,8", 0),
            ("a.scales", "F16", "0,1", 0),
            ("a.biases", "F16", "0,1", 0),
        ];
        tensors(d, &all, 0)
    });
    c.ok("safetensors-valid-state", "a state of bitsandbytes that is no JSON, for blocks of nothing", |d| {
        let all = [
            (&*format!("{Q}.weight"), "U8", "2048,1", 2048),
            (&*format!("{Q}.weight.absmax"), "F32", "64", 256),
            (&*format!("{Q}.weight.quant_map"), "F32", "16", 64),
            (&*format!("{Q}.weight.quant_state.bitsandbytes__nf4"), "U8", "64", 64),
        ];
        tensors(d, &all, b'{')
    });
    c.ok("safetensors-valid-packed-50000", "50,000 matrices of three tensors each", |d| {
        let mut all = Vec::new();
        for i in 0..50_000 {
            let stem = format!("layers.{i}.a");
            all.push((format!("{stem}.weight"), "U32", "1,1", 4));
            all.push((format!("{stem}.scales"), "F16", "1,1", 2));
            all.push((format!("{stem}.biases"), "F16", "1,1", 2));
        }
        let all: Vec<_> = all.iter().map(|(n, t, s, b)| (n.as_str(), *t, *s, *b)).collect();
        tensors(d, &all, 1)
    });
    c.ok("safetensors-valid-matrices-20000", "20,000 matrices of one name in 20,000 layers", |d| {
        let all: Vec<_> = (0..20_000).map(|i| (format!("layers.{i}.a.weight"), "F16", "16,16", 512)).collect();
        let all: Vec<_> = all.iter().map(|(n, t, s, b)| (n.as_str(), *t, *s, *b)).collect();
        tensors(d, &all, 0x31)
    });
}

fn controls(c: &mut Cases) {
    c.ok("safetensors-valid", "a small valid file", |d| model(d, ONE, 32));
    c.ok("safetensors-valid-padded", "a header padded with spaces", |d| model(d, &format!("{ONE:<200}"), 32));
    c.ok("safetensors-valid-empty", "no tensor at all", |d| model(d, "{}", 0));
    c.ok("safetensors-valid-license", "a license in the ModelSpec metadata", |d| meta(d, "modelspec.license", "mit"));
    c.ok("safetensors-valid-order", "entries out of the order of their offsets", |d| {
        let header = r#"{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        model(d, header, 8)
    });
    c.ok("safetensors-valid-10000", "10,000 tensors", |d| {
        let entry = |i: u32| format!("\"t{i}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{i},{}]}}", i + 1);
        let all: Vec<String> = (0..10_000).map(entry).collect();
        model(d, &format!("{{{}}}", all.join(",")), 10_000)
    });
    c.ok("safetensors-valid-sparse-500gb", "a valid header before 500 GB of weights", |d| {
        let size = 500_u64 << 30;
        let header = format!(r#"{{"w":{{"dtype":"U8","shape":[{size}],"data_offsets":[0,{size}]}}}}"#);
        let bytes = safetensors(&header, 0);
        let all = size + crate::bytes::wide(bytes.len());
        sparse(d, "model.safetensors", &bytes, all)
    });
    c.ok("safetensors-valid-scalar", "a tensor without dimensions", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, 4)
    });
}

fn lengths(c: &mut Cases) {
    c.error("safetensors-length-max", "a header of 2^64-1 bytes: plus 8 wraps (Trail of Bits 2023)", |d| {
        put(d, "model.safetensors", safetensors_raw(b"{}", u64::MAX, 0))
    });
    c.error("safetensors-length-wrap", "a header whose end wraps to 6", |d| {
        put(d, "model.safetensors", safetensors_raw(b"{}", u64::MAX - 1, 8))
    });
    c.error("safetensors-length-negative", "a header of negative length", |d| {
        put(d, "model.safetensors", safetensors_raw(b"{}", 1 << 63, 0))
    });
    c.error(
        "safetensors-length-100mb",
        "one byte more of header than the format allows, and a file that has it",
        |d| sparse(d, "model.safetensors", &safetensors_raw(b"{", 100_000_001, 0), 200_000_000),
    );
    c.error("safetensors-length-zero", "a header of 0 bytes", |d| {
        put(d, "model.safetensors", safetensors_raw(b"{}", 0, 0))
    });
    c.error("safetensors-length-one", "a header of one brace", |d| {
        put(d, "model.safetensors", safetensors_raw(b"{}", 1, 0))
    });
    c.error("safetensors-length-beyond", "a header longer than the file", |d| {
        put(d, "model.safetensors", safetensors_raw(ONE.as_bytes(), 4096, 0))
    });
    c.error("safetensors-too-short", "seven bytes", |d| put(d, "model.safetensors", b"\x02\0\0\0\0\0\0"));
    c.error("safetensors-holes", "a header of 99 MB of zeros from a hole in the file", |d| {
        sparse(d, "model.safetensors", &safetensors_raw(b"{", 99_000_000, 0), 1 << 30)
    });
    c.error("safetensors-open-quote", "a header of 99 MB that is one endless string", |d| {
        sparse(d, "model.safetensors", &safetensors_raw(b"{\"", 99_000_000, 0), 1 << 30)
    });
    c.error("safetensors-all-zeros", "a sparse file of 20 GB of zeros", |d| {
        sparse(d, "model.safetensors", b"", 20 << 30)
    });
    c.warning("safetensors-empty", "an empty file", |d| put(d, "model.safetensors", b""));
    c.error("safetensors-html", "a login page that was saved as model.safetensors", |d| {
        put(d, "model.safetensors", "<!doctype html><html><title>Sign in</title></html>")
    });
    c.error("safetensors-pickle", "a pickle under the name .safetensors", |d| {
        put(d, "model.safetensors", b"cposix\nsystem\n(S'touch owned'\ntR.")
    });
}

fn headers(c: &mut Cases) {
    c.error("safetensors-not-json", "a header that is no JSON", |d| model(d, "{not json at all}", 0));
    c.error("safetensors-cut-json", "a header that ends in the middle", |d| model(d, r#"{"w":{"dtype":"F32","sha"#, 0));
    c.error("safetensors-array", "a header that is a list", |d| model(d, "[1,2,3]", 0));
    c.error("safetensors-leading-space", "a header that begins with a space, which the format forbids", |d| {
        model(d, &format!(" {ONE}"), 32)
    });
    c.error("safetensors-bom", "a header that begins with a byte order mark", |d| {
        model(d, &format!("\u{feff}{ONE}"), 32)
    });
    c.error("safetensors-deep", "100,000 brackets, one in another", |d| {
        model(d, &format!("{{\"w\":{}", "[".repeat(100_000)), 0)
    });
    c.error("safetensors-deep-closed", "1,000 objects, one in another, all of them closed", |d| {
        model(d, &format!("{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000)), 0)
    });
    c.error("safetensors-second-document", "a second document behind the first (a polyglot)", |d| {
        model(d, &format!("{ONE}{ONE}"), 32)
    });
    c.error("safetensors-no-quote", "a string that is never closed", |d| model(d, "{\"w\":\"", 0));
    c.ok("safetensors-long-name", "a tensor's name of 1 MB", |d| {
        let name = "n".repeat(1_000_000);
        model(d, &format!(r#"{{"{name}":{{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}}}"#), 1)
    });
    c.ok("safetensors-long-path", "long names inside one another: paths that could grow by the square", |d| {
        let name = "n".repeat(20_000);
        let deep = format!("{{\"{name}\":").repeat(100);
        let header = format!(r#"{{"__metadata__":{deep}1{}}}"#, "}".repeat(100));
        model(d, &header, 0)
    });
    c.warning("safetensors-duplicate-key", "two licenses under one key: parsers differ in which they take", |d| {
        let header = r#"{"__metadata__":{"modelspec.license":"mit","modelspec.license":"cc-by-nc-4.0"},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
        model(d, header, 1)
    });
    c.warning("safetensors-metadata-object", "a license that is an object", |d| {
        let header =
            r#"{"__metadata__":{"modelspec.license":{"a":"b"}},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
        model(d, header, 1)
    });
    c.ok("safetensors-metadata-list", "metadata that is a list", |d| model(d, r#"{"__metadata__":[1,2,3]}"#, 0));
    c.ok("safetensors-20000-keys", "20,000 keys of metadata", |d| {
        let all: Vec<String> = (0..20_000).map(|i| format!("\"k{i}\":\"v\"")).collect();
        model(d, &format!("{{\"__metadata__\":{{{}}}}}", all.join(",")), 0)
    });
}

fn offsets(c: &mut Cases) {
    c.warning("safetensors-truncated", "a file that ends before its tensors do", |d| model(d, ONE, 8));
    c.warning("safetensors-trailing", "bytes behind the last tensor (a polyglot; Trail of Bits 2023)", |d| {
        let mut bytes = safetensors(ONE, 32);
        bytes.extend(b"PK\x03\x04 and an archive");
        put(d, "model.safetensors", bytes)
    });
    c.warning("safetensors-overlap", "two tensors over one another", |d| {
        let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
        model(d, header, 12)
    });
    c.warning("safetensors-hole", "a hole between two tensors, where something hides", |d| {
        let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[400,404]}}"#;
        model(d, header, 404)
    });
    c.warning("safetensors-offsets-falling", "a tensor that ends before it begins", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#, 8)
    });
    c.warning("safetensors-offsets-max", "a tensor that ends at 2^64-1", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#, 4)
    });
    c.warning("safetensors-offsets-beyond", "an offset beyond 64 bits", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999999]}}"#, 4)
    });
    c.warning("safetensors-offsets-negative", "a negative offset", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4)
    });
    c.warning("safetensors-offsets-float", "an offset with a fraction", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4e0]}}"#, 4)
    });
    c.warning("safetensors-offsets-text", "offsets that are texts", |d| {
        model(d, r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":["0","4"]}}"#, 4)
    });
    c.warning("safetensors-offsets-sum", "sizes whose sum wraps", |d| {
        let header = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}}"#;
        model(d, header, 4)
    });
}

fn words(c: &mut Cases) {
    c.ok("safetensors-escape", "escape sequences in the title", |d| {
        meta(d, "modelspec.title", r"x\u001b[2J\u009b31m\u0007\u001b]0;owned\u0007")
    });
    c.ok("safetensors-bidi", "a license that reads backwards on a terminal", |d| {
        meta(d, "modelspec.license", r"apache-2.0\u202ecn-yb-cc\u2066\u061c")
    });
    c.ok("safetensors-newline", "a title with a line of its own", |d| {
        meta(d, "modelspec.title", &format!(r"bot\n{FORGED}: cleared"))
    });
    c.ok("safetensors-lone-surrogate", "half of a surrogate pair", |d| meta(d, "modelspec.title", r"x\ud800y"));
    c.ok("safetensors-secret", "access tokens in the title and the base", |d| {
        meta(d, "modelspec.title", &format!("bot {} {}", SECRETS[0], SECRETS[2]))?;
        put(
            d,
            "b.safetensors",
            safetensors(&format!(r#"{{"__metadata__":{{"ss_sd_model_name":"{}"}}}}"#, SECRETS[1]), 0),
        )
    });
    c.ok("safetensors-data-url", "a thumbnail of 2 MB in the metadata, as ModelSpec allows", |d| {
        meta(d, "modelspec.thumbnail", &format!("data:image/png;base64,{}", "A".repeat(2_000_000)))
    });
    c.ok("safetensors-merged-from-many", "a model merged from 100,000 others", |d| {
        meta(d, "modelspec.merged_from", &"a/b,".repeat(100_000))
    });
}
