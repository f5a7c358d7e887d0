//! Hostile, broken and odd model files, written by code: what a stranger may put into a folder that somebody checks.
//!
//! Every case writes a folder of its own with the input at [`TARGET`] and, where links or paths point outside, bait
//! at [`OUTSIDE`] that must never be read. Big files are sparse, so all cases together take a few megabytes on disk.
//! Among them are valid files and valid but odd ones: a reader that refuses everything fails as well.
//!
//! `cargo run -p freehold-attacks -- DIR` writes all of them and a `manifest.tsv`;
//! `cargo run -p freehold-attacks -- --measure BIN` runs a built `freehold` on each and prints the slowest and the
//! largest.

mod bytes;
mod disk;
mod flatbuffer;
mod fs;
mod gguf;
mod hf_cache;
mod json;
mod ollama;
mod onnx;
mod pickle;
mod safetensors;
mod source;
mod xml;
mod yaml;
mod zip;

use std::io;
use std::path::Path;

/// Where in a case's folder the input lies.
pub const TARGET: &str = "in";
/// Where in a case's folder bait lies that no reader of [`TARGET`] may touch.
pub const OUTSIDE: &str = "out";
/// Stands in every bait: output that holds it was read outside the input.
pub const CANARY: &str = "canary-outside-the-root";
/// Begins the second line of names and values that try to forge a line of the output.
pub const FORGED: &str = "FORGED-LINE";
/// Access tokens that cases plant, none of them real; no output may hold one, nor its tail.
pub const SECRETS: &[&str] = &[
    concat!("hf", "_", "PlantedA1b2C3d4E5f6G7h8I9j0KlMn"),
    concat!("sk", "-", "PlantedQ1w2E3r4T5y6U7i8O9p0AsDf"),
    concat!("gh", "p_", "PlantedZ1x2C3v4B5n6M7a8S9d0FgHj"),
];

/// What a case attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// GGUF and its predecessors.
    Gguf,
    /// safetensors headers.
    Safetensors,
    /// Shard indexes.
    Index,
    /// JSON configs.
    Json,
    /// Cards and merge recipes.
    Yaml,
    /// Pickles, bare and in torch's containers.
    Pickle,
    /// Zip, tar and what is built on them.
    Zip,
    /// ONNX and other protobuf.
    Onnx,
    /// TFLite and HDF5.
    Flatbuffer,
    /// Names, links, devices, sizes.
    Fs,
    /// The Hugging Face cache.
    HfCache,
    /// Ollama's store and Modelfiles.
    Ollama,
    /// Sources that name models.
    Source,
    /// OpenVINO's XML.
    Xml,
}

impl Class {
    /// Every class, in the order of the manifest.
    pub const ALL: [Class; 14] = [
        Class::Gguf,
        Class::Safetensors,
        Class::Index,
        Class::Json,
        Class::Yaml,
        Class::Pickle,
        Class::Zip,
        Class::Onnx,
        Class::Flatbuffer,
        Class::Fs,
        Class::HfCache,
        Class::Ollama,
        Class::Source,
        Class::Xml,
    ];

    /// Its name in the manifest and in ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Gguf => "gguf",
            Class::Safetensors => "safetensors",
            Class::Index => "index",
            Class::Json => "json",
            Class::Yaml => "yaml",
            Class::Pickle => "pickle",
            Class::Zip => "zip",
            Class::Onnx => "onnx",
            Class::Flatbuffer => "flatbuffer",
            Class::Fs => "fs",
            Class::HfCache => "hf-cache",
            Class::Ollama => "ollama",
            Class::Source => "source",
            Class::Xml => "xml",
        }
    }
}

/// What a sound reader answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expect {
    /// The input cannot be trusted: an error that names the file, and a check that does not pass.
    Error,
    /// It is read as far as it goes, and something is said about it.
    Warning,
    /// Nothing is wrong: no error is told. A note may be.
    Ok,
}

impl Expect {
    /// Its name in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Expect::Error => "error",
            Expect::Warning => "warning",
            Expect::Ok => "ok",
        }
    }
}

/// Writes a case into a folder that exists and is empty. [`io::ErrorKind::Unsupported`] where this machine cannot
/// hold such a file.
pub type Build = fn(&Path) -> io::Result<()>;

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// Unique, kebab case, begins with its class.
    pub id: &'static str,
    /// What it attacks.
    pub class: Class,
    /// One sentence, with the CVE where one is behind it.
    pub what: &'static str,
    /// What a sound reader answers.
    pub expect: Expect,
    /// Writes it.
    pub build: Build,
}

/// Every case, by class.
pub fn cases() -> Vec<Attack> {
    let groups = [
        gguf::cases(),
        safetensors::cases(),
        json::index_cases(),
        json::cases(),
        yaml::cases(),
        pickle::cases(),
        zip::cases(),
        onnx::cases(),
        flatbuffer::cases(),
        fs::cases(),
        hf_cache::cases(),
        ollama::cases(),
        source::cases(),
        xml::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// Gathers the cases of one class.
pub(crate) struct Cases {
    class: Class,
    list: Vec<Attack>,
}

impl Cases {
    pub(crate) fn of(class: Class) -> Cases {
        Cases { class, list: Vec::new() }
    }

    fn add(&mut self, expect: Expect, id: &'static str, what: &'static str, build: Build) {
        self.list.push(Attack { id, class: self.class, what, expect, build });
    }

    pub(crate) fn error(&mut self, id: &'static str, what: &'static str, build: Build) {
        self.add(Expect::Error, id, what, build);
    }

    pub(crate) fn warning(&mut self, id: &'static str, what: &'static str, build: Build) {
        self.add(Expect::Warning, id, what, build);
    }

    pub(crate) fn ok(&mut self, id: &'static str, what: &'static str, build: Build) {
        self.add(Expect::Ok, id, what, build);
    }

    pub(crate) fn done(self) -> Vec<Attack> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_class_is_attacked_and_has_controls() {
        let cases = cases();
        let ids: BTreeSet<&str> = cases.iter().map(|c| c.id).collect();
        assert_eq!(ids.len(), cases.len(), "an id stands twice");
        assert!(cases.len() >= 200, "{} cases", cases.len());
        for class in Class::ALL {
            let of: Vec<&Attack> = cases.iter().filter(|c| c.class == class).collect();
            assert!(
                of.iter().all(|c| c.id.starts_with(class.as_str())),
                "an id does not begin with {}",
                class.as_str()
            );
            assert!(of.iter().any(|c| c.expect == Expect::Ok), "{} has no control", class.as_str());
            assert!(of.iter().any(|c| c.expect != Expect::Ok), "{} has no attack", class.as_str());
        }
    }
}
