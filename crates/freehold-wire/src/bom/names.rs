//! How licenses are named where only SPDX ids are understood: the id of the list, or a `LicenseRef-` that is ours.

use freehold_assess::{Leaf, Statement, parse_statement};
use freehold_catalog::Catalog;
use sha2::{Digest, Sha256};

/// Longest part of a `LicenseRef-` that is made from a name.
const REFERENCE_CHARS_MAX: usize = 80;

/// A license by every name that a bill needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LicenseName {
    /// In an expression: an id of the SPDX list, or `LicenseRef-…`.
    pub(crate) reference: String,
    /// Full name, or the statement as written.
    pub(crate) title: String,
    /// Catalog id; `None` = nobody here has read it.
    pub(crate) id: Option<String>,
    /// Text id of the edition; empty where none is known.
    pub(crate) edition: String,
    /// Where its publisher keeps the text.
    pub(crate) url: Option<String>,
    /// Who grants it.
    pub(crate) licensor: Option<String>,
    /// Use policies that it incorporates: name and address.
    pub(crate) policies: Vec<(String, Option<String>)>,
}

impl LicenseName {
    /// True for an id of the SPDX list.
    pub(crate) fn listed(&self) -> bool {
        !self.reference.starts_with("LicenseRef-")
    }
}

/// A statement as an SPDX expression.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The expression; `None` where the statement says nothing.
    pub(crate) expression: Option<String>,
    /// The licenses in it.
    pub(crate) names: Vec<LicenseName>,
}

/// Names what a statement names.
pub(crate) fn statement(text: &str, edition: &str, catalog: &Catalog) -> Named {
    let mut names = Vec::new();
    let by_edition = catalog.license_of_edition(edition).map(|(i, _)| Statement::One(Leaf::License(i)));
    let parsed = match parse_statement(text, catalog).statement {
        // the edition says more than a name that nobody can place
        Some(Statement::One(Leaf::Unread(_) | Leaf::Family(_))) if by_edition.is_some() => by_edition,
        other => other,
    };
    let expression = parsed.and_then(|s| written(&s, edition, catalog, &mut names, false));
    Named { expression, names }
}

/// Statements nest as deep as `parse_statement` lets them.
fn written(
    s: &Statement,
    edition: &str,
    catalog: &Catalog,
    names: &mut Vec<LicenseName>,
    inside: bool,
) -> Option<String> {
    let (parts, word) = match s {
        Statement::One(leaf) => {
            let name = name_of(leaf, edition, catalog)?;
            let reference = name.reference.clone();
            if !names.contains(&name) {
                names.push(name);
            }
            return Some(reference);
        }
        Statement::All(parts) => (parts, " AND "),
        Statement::Any(parts) => (parts, " OR "),
    };
    let parts: Vec<String> = parts.iter().filter_map(|p| written(p, edition, catalog, names, true)).collect();
    let joined = parts.join(word);
    match parts.len() {
        0 => None,
        1 => Some(joined),
        _ if inside => Some(format!("({joined})")),
        _ => Some(joined),
    }
}

fn name_of(leaf: &Leaf, edition: &str, catalog: &Catalog) -> Option<LicenseName> {
    let law = match leaf {
        Leaf::License(i) => catalog.licenses.get(*i)?,
        Leaf::Unread(name) | Leaf::Family(name) if !name.trim().is_empty() => {
            return Some(LicenseName {
                reference: reference_of(name),
                title: name.clone(),
                id: None,
                edition: String::new(),
                url: None,
                licensor: None,
                policies: Vec::new(),
            });
        }
        Leaf::Unread(_) | Leaf::Family(_) | Leaf::Missing => return None,
    };
    let cited = law.editions.iter().find(|e| e.text == edition).or_else(|| law.edition_in_force());
    let policies = law.policies.iter().filter_map(|p| catalog.policy(p));
    Some(LicenseName {
        reference: if law.spdx.is_empty() { reference_of(&law.id) } else { law.spdx.clone() },
        title: law.name.clone(),
        id: Some(law.id.clone()),
        edition: cited.map(|e| e.text.clone()).unwrap_or_default(),
        url: cited.and_then(|e| e.url.clone()),
        licensor: Some(law.licensor.clone()).filter(|l| !l.is_empty()),
        policies: policies.map(|p| (p.name.clone(), p.url.clone())).collect(),
    })
}

/// A legal `LicenseRef-` for a name that nobody can place; names that would look alike get a part of their hash.
fn reference_of(name: &str) -> String {
    let plain: String = name
        .trim()
        .chars()
        .take(REFERENCE_CHARS_MAX)
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    if let Some(rest) = name.trim().strip_prefix("LicenseRef-")
        && plain == name.trim()
        && !rest.is_empty()
    {
        return plain.to_string();
    }
    if plain == name.trim() && !plain.is_empty() {
        return format!("LicenseRef-{plain}");
    }
    let digest = Sha256::digest(name.trim().as_bytes());
    let tail: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
    let dash = if plain.is_empty() { "" } else { "-" };
    format!("LicenseRef-{plain}{dash}{tail}")
}

/// Licenses of which all bind, as one expression.
pub(crate) fn all_of(names: &[LicenseName]) -> Option<String> {
    let parts: Vec<&str> = names.iter().map(|n| n.reference.as_str()).collect();
    if parts.is_empty() { None } else { Some(parts.join(" AND ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_legal_references() {
        assert_eq!(reference_of("acme-1.0"), "LicenseRef-acme-1.0");
        assert_eq!(reference_of("LicenseRef-acme"), "LicenseRef-acme");
        let (a, b) = (reference_of("a b"), reference_of("a_b"));
        assert!(a.starts_with("LicenseRef-a-b-") && b.starts_with("LicenseRef-a-b-") && a != b, "{a} {b}");
        for odd in ["", "   ", "\u{202e}", "LicenseRef-", "MIT AND\nx", "é/ß"] {
            let r = reference_of(odd);
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            let rest = r.strip_prefix("LicenseRef-").unwrap();
            assert!(!rest.is_empty() && rest.chars().all(legal), "{odd:?} → {r}");
        }
    }

    #[test]
    fn choices_inside_a_sum_keep_their_brackets() {
        let catalog = freehold_law::shared();
        let n = statement("MIT AND (Apache-2.0 OR BSD-3-Clause)", "", catalog);
        assert_eq!(n.expression.as_deref(), Some("MIT AND (Apache-2.0 OR BSD-3-Clause)"));
        assert_eq!(n.names.len(), 3);
        assert_eq!(statement("", "", catalog).expression, None);
    }
}
