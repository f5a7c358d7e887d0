//! Free-form metadata that several formats carry: which keys state what.

use freehold_base::FactKind;

use crate::sink::Sink;

/// What a text under this key states; keys are compared without case, `-` and space as `_`.
pub(crate) fn kind(key: &str) -> Option<FactKind> {
    let key: String =
        key.trim().chars().map(|c| if matches!(c, '-' | ' ' | '.') { '_' } else { c.to_ascii_lowercase() }).collect();
    Some(match key.as_str() {
        "license" | "licence" | "general_license" | "model_license" => FactKind::LicenseTag,
        "license_name" => FactKind::LicenseName,
        "license_link" | "license_url" => FactKind::LicenseLink,
        "name" | "model_name" | "title" => FactKind::Name,
        "author" | "organization" | "publisher" | "vendor" => FactKind::Organization,
        "version" | "model_version" => FactKind::Version,
        "base_model" | "base_model_name" => FactKind::BaseModel,
        "_name_or_path"
        | "name_or_path"
        | "model_name_or_path"
        | "model_id"
        | "hf_model_id"
        | "source_model"
        | "pretrained_model_name"
        | "pretrained_model" => FactKind::NameOrPath,
        "repository" | "repo_url" | "hub_model_id" => FactKind::Repository,
        "dataset" | "datasets" => FactKind::Dataset,
        "task" => FactKind::Task,
        "tags" => FactKind::Tag,
        _ => return None,
    })
}

/// Keeps what a key and its text state.
pub(crate) fn keep(key: &str, value: &str, dotted: &str, place: (u64, u64), sink: &mut Sink<'_>) {
    match kind(key) {
        Some(kind @ FactKind::Tag) => {
            for part in value.split(',').take(256) {
                sink.fact_wide(kind, part.trim(), dotted, Some(place));
            }
        }
        Some(kind) => sink.fact_wide(kind, value.trim(), dotted, Some(place)),
        None => {}
    }
}

/// True where a relative path of a file stays in its folder.
pub(crate) fn stays_inside(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    !path.starts_with(['/', '\\', '~'])
        && !drive
        && !path.contains("://")
        && !path.chars().any(char::is_control)
        && !path.split(['/', '\\']).any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_loosely() {
        assert_eq!(kind("License"), Some(FactKind::LicenseTag));
        assert_eq!(kind("license-url"), Some(FactKind::LicenseLink));
        assert_eq!(kind("stride"), None);
    }

    #[test]
    fn paths_that_leave_are_told() {
        for inside in ["weights.bin", "a/b.data", "./x", "a..b"] {
            assert!(stays_inside(inside), "{inside}");
        }
        for outside in
            ["../x", "a/../../x", "/etc/passwd", "C:\\x", "\\\\host\\x", "file:///x", "a\\..\\x", "~/x", "a\0b"]
        {
            assert!(!stays_inside(outside), "{outside}");
        }
    }
}
