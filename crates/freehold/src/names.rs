//! `hf:org/name[@revision]` and `ollama:name[:tag]`: models by their names. A copy in a store of this machine is read;
//! without one the catalog answers for the name. Nothing is fetched.

use std::path::{Component, Path, PathBuf};

use freehold_base::{Diagnostic, Evidence, WorkKind};
use freehold_check::NamedWork;
use freehold_source::{Store, StoreKind};

/// The known stores of this machine that exist.
pub(crate) fn machine_stores() -> Vec<Store> {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    freehold_source::stores(&|name| std::env::var(name).ok(), home.as_deref())
}

/// A model by its name.
pub(crate) enum Named {
    /// A copy lies here.
    Here(PathBuf),
    /// Only its name is known.
    Elsewhere(NamedWork),
    /// The name is none.
    Wrong(Box<Diagnostic>),
}

/// What a name with a prefix stands for; `None` for a plain path, and where something of that name lies here: an
/// existing path wins over a name.
pub(crate) fn find(what: &str) -> Option<Named> {
    let (prefix, name) = what.split_once(':')?;
    if !matches!(prefix, "hf" | "ollama") || Path::new(what).exists() {
        return None;
    }
    let plain = |part: &str| matches!(Path::new(part).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    let found = match prefix {
        "hf" => hub(name, &plain),
        _ => ollama(name, &plain),
    };
    let wrong = || {
        let help = match prefix {
            "hf" => "write it as hf:org/name or hf:org/name@revision",
            _ => "write it as ollama:name, ollama:name:tag or ollama:owner/name:tag",
        };
        Named::Wrong(Box::new(Diagnostic::error("bad-name", "no name of a model").in_file(what).help(help)))
    };
    Some(found.map_or_else(wrong, |(place, id)| match place {
        Some(path) => Named::Here(path),
        None => Named::Elsewhere(NamedWork {
            id,
            kind: WorkKind::Model,
            unresolved: false,
            evidence: Evidence::stated(what),
        }),
    }))
}

/// Where a store holds it, and its id.
type Found = Option<(Option<PathBuf>, String)>;

fn hub(name: &str, plain: &dyn Fn(&str) -> bool) -> Found {
    let (id, revision) = name.split_once('@').map_or((name, None), |(id, r)| (id, Some(r)));
    let (org, model) = id.split_once('/')?;
    if !freehold_check::is_repository_id(id) || revision.is_some_and(|r| !plain(r)) {
        return None;
    }
    let folder = format!("models--{org}--{model}");
    let here = machine_stores()
        .into_iter()
        .filter(|s| s.kind == StoreKind::HuggingFaceCache)
        .map(|s| s.path.join(&folder))
        .find(|p| p.join("snapshots").is_dir());
    let here = match (here, revision) {
        (Some(repository), Some(revision)) => {
            // a branch names its commit in a small file
            let named = std::fs::read_to_string(repository.join("refs").join(revision)).ok();
            let commit = named.as_deref().map(str::trim).filter(|c| plain(c)).unwrap_or(revision);
            Some(repository.join("snapshots").join(commit)).filter(|p| p.is_dir())
        }
        (here, _) => here,
    };
    Some((here, id.to_string()))
}

fn ollama(name: &str, plain: &dyn Fn(&str) -> bool) -> Found {
    let (path, tag) = name.rsplit_once(':').map_or((name, "latest"), |(n, t)| (n, t));
    let parts: Vec<&str> = path.split('/').collect();
    if !parts.iter().chain(&[tag]).all(|p| plain(p)) {
        return None;
    }
    let (host, namespace, model) = match parts[..] {
        [model] => ("registry.ollama.ai", "library", model),
        [namespace, model] => ("registry.ollama.ai", namespace, model),
        [host, namespace, model] => (host, namespace, model),
        _ => return None,
    };
    let manifest: PathBuf = ["manifests", host, namespace, model, tag].iter().collect();
    let here = machine_stores()
        .into_iter()
        .filter(|s| s.kind == StoreKind::Ollama)
        .map(|s| s.path.join(&manifest))
        .find(|p| p.is_file());
    Some((here, name.to_string()))
}
