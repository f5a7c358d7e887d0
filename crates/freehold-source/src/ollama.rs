//! Ollama's store: `manifests/{host}/{namespace}/{name}/{tag}` and `blobs/sha256-{hex}`.

/// The registry that a name without a host means.
const HOST: &str = "registry.ollama.ai";
/// The namespace that a name without one means.
const NAMESPACE: &str = "library";

/// A manifest's place in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `registry.ollama.ai`, `hf.co`.
    pub(crate) host: String,
    /// `library`, an organization.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) tag: String,
}

impl Place {
    /// The four folders and the file below `manifests`.
    pub(crate) fn of(parts: &[String]) -> Option<Place> {
        let [host, namespace, name, tag] = parts else { return None };
        Some(Place { host: host.clone(), namespace: namespace.clone(), name: name.clone(), tag: tag.clone() })
    }

    /// As Ollama shows it: without the registry and the namespace that are meant anyway.
    pub(crate) fn display(&self) -> String {
        let Place { host, namespace, name, tag } = self;
        match (host.as_str(), namespace.as_str()) {
            (HOST, NAMESPACE) => format!("{name}:{tag}"),
            (HOST, _) => format!("{namespace}/{name}:{tag}"),
            _ => format!("{host}/{namespace}/{name}:{tag}"),
        }
    }

    /// `org/name`, where it was fetched from the Hugging Face hub.
    pub(crate) fn repository(&self) -> Option<String> {
        let hub = matches!(self.host.as_str(), "hf.co" | "huggingface.co");
        let good = hub && crate::said::is_repository(&self.namespace, &self.name);
        good.then(|| format!("{}/{}", self.namespace, self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_the_tool_shows_them() {
        let place = |host: &str, ns: &str, name: &str, tag: &str| {
            Place::of(&[host, ns, name, tag].map(str::to_owned)).map(|p| (p.display(), p.repository()))
        };
        let shown = |d: &str, r: Option<&str>| Some((d.to_owned(), r.map(str::to_owned)));
        assert_eq!(place(HOST, NAMESPACE, "llama3.1", "8b"), shown("llama3.1:8b", None));
        assert_eq!(place(HOST, "igorls", "gemma", "latest"), shown("igorls/gemma:latest", None));
        assert_eq!(place("hf.co", "bartowski", "X", "Q4_K_M"), shown("hf.co/bartowski/X:Q4_K_M", Some("bartowski/X")));
        assert_eq!(place("example.com", NAMESPACE, "m", "1"), shown("example.com/library/m:1", None));
        assert_eq!(place("hf.co", "a b", "X", "1"), shown("hf.co/a b/X:1", None));
        assert_eq!(Place::of(&["a".to_owned()]), None);
    }
}
