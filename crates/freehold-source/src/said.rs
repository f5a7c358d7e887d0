//! Statements that a store makes about its files: facts and legal texts, cleaned like those that are read from files.

use freehold_artifact::{FileFacts, ReadAt, read_file};
use freehold_base::{Diagnostic, Evidence, Fact, FactKind, Severity};

/// A fact of a whole file or of a key in it; values that state nothing give none.
pub(crate) fn fact(kind: FactKind, value: &str, file: &str, key: &str) -> Option<Fact> {
    let value = clean(value);
    let evidence = Evidence { file: file.to_owned(), key: key.to_owned(), ..Evidence::default() };
    (!value.is_empty()).then_some(Fact { kind, value, evidence })
}

/// A value as it may be kept: cut, control characters replaced, secrets masked.
pub(crate) fn clean(value: &str) -> String {
    let unsafe_char = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(value.len().min(Fact::VALUE_BYTES_MAX));
    for c in value.trim().chars().map(|c| if unsafe_char(c) { '\u{fffd}' } else { c }) {
        if out.len() + c.len_utf8() > Fact::VALUE_BYTES_MAX {
            break;
        }
        out.push(c);
    }
    // every kept text is masked there: one list of what a secret looks like; a line break before it, so that no value
    // is taken for a file's magic
    let masked = read_file("LICENSE", &format!("\n{out}").as_bytes()).texts.pop();
    masked.and_then(|t| t.text.strip_prefix('\n').map(str::to_owned)).unwrap_or(out)
}

/// Reads `source` as if it were called `name`; what it says is told of `file`.
pub(crate) fn read_as(name: &str, file: &str, source: &dyn ReadAt) -> FileFacts {
    let mut said = read_file(name, source);
    for fact in &mut said.facts {
        file.clone_into(&mut fact.evidence.file);
    }
    for text in &mut said.texts {
        file.clone_into(&mut text.file);
    }
    for label in said.diagnostics.iter_mut().filter_map(|d| d.label.as_mut()) {
        file.clone_into(&mut label.file);
    }
    said
}

/// Worth knowing, about a file.
pub(crate) fn note(code: &'static str, message: impl Into<String>, file: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Note, ..Diagnostic::warning(code, message).in_file(file) }
}

/// True for `org/name` as the hubs write it: two words of letters, digits, dot, dash and underscore.
pub(crate) fn is_repository(org: &str, name: &str) -> bool {
    let word = |w: &str| {
        !w.is_empty()
            && w.len() <= 96
            && !w.starts_with('.')
            && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    word(org) && word(name)
}

/// `org/name`, the revision and the file of a hub's download address; `None` where it is of no hub that is known.
pub(crate) fn hub_address(url: &str) -> Option<(String, Option<&str>, &str)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    if !matches!(host, "huggingface.co" | "hf.co" | "www.huggingface.co") {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut parts = path.splitn(5, '/');
    let first = parts.next()?;
    let second = parts.next()?;
    let (repository, revision, file) = if second == "resolve" {
        // the oldest models of the hub have no organization
        let revision = parts.next()?;
        let start = first.len() + second.len() + revision.len() + 3;
        (first.to_owned(), revision, path.get(start..)?)
    } else {
        parts.next().filter(|p| *p == "resolve")?;
        (format!("{first}/{second}"), parts.next()?, parts.next()?)
    };
    let (org, name) = repository.split_once('/').unwrap_or(("x", &repository));
    let good = is_repository(org, name) && !file.is_empty();
    good.then(|| (repository.clone(), Some(revision), file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_cleaned_and_masked() {
        assert_eq!(clean(" a\u{1b}[31m\u{202e}b "), "a\u{fffd}[31m\u{fffd}b");
        assert_eq!(clean(&"é".repeat(5000)).len(), Fact::VALUE_BYTES_MAX);
        let token = format!("hf_{}", "a1B2".repeat(8));
        assert!(!clean(&format!("acme/{token}")).contains("a1B2"));
        assert_eq!(fact(FactKind::Name, " \n ", "f", "k"), None);
    }

    #[test]
    fn addresses_name_repositories() {
        let read = |u| hub_address(u).map(|(r, v, f)| (r, v.unwrap_or_default().to_owned(), f.to_owned()));
        let is = |r: &str, v: &str, f: &str| Some((r.to_owned(), v.to_owned(), f.to_owned()));
        assert_eq!(
            read("https://huggingface.co/a/b/resolve/main/dir/f.gguf?download=true"),
            is("a/b", "main", "dir/f.gguf")
        );
        assert_eq!(read("https://huggingface.co/gpt2/resolve/main/config.json"), is("gpt2", "main", "config.json"));
        for bad in [
            "https://example.com/a/b/resolve/main/f",
            "https://huggingface.co/a/b",
            "https://huggingface.co/../b/resolve/main/f",
            "https://huggingface.co.evil.example/a/b/resolve/main/f",
            "ftp://huggingface.co/a/b/resolve/main/f",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
