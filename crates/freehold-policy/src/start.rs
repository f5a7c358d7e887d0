//! `freehold policy init`: a commented policy for the answers given.

use freehold_assess::{Access, Deployment};
use freehold_catalog::{Catalog, FactOrigin};

/// The profile that fits what is stated of the use: `product` as soon as somebody outside gets at it, or where nothing is
/// stated.
fn fitting(deployment: &Deployment, catalog: &Catalog) -> &'static str {
    match deployment.accesses(catalog) {
        Some(all) if all.iter().all(|a| *a == Access::Internal) => "internal",
        _ => "product",
    }
}

/// The text of a `[policy]` for the facts that `freehold.toml` states; `profile` is the user's choice, if any.
pub fn default_text(profile: Option<&str>, deployment: &Deployment, catalog: &Catalog) -> String {
    let chosen = profile.unwrap_or_else(|| fitting(deployment, catalog));
    let why = match profile {
        Some(_) => "as asked for".to_string(),
        None => match deployment.accesses(catalog) {
            Some(all) => {
                let words: Vec<&str> = all.iter().map(|a| a.as_str()).collect();
                format!("since `use.access` is {}", words.join(", "))
            }
            None => "since `use.access` is not stated here".to_string(),
        },
    };
    let stated = |name: &&str| catalog.facts.find(name).is_some_and(|id| deployment.get(id).is_some());
    // what is stated once for the organization is asked of every model again, should somebody take it out
    let required: Vec<String> = (catalog.facts.facts.iter())
        .filter(|f| f.origin == FactOrigin::Stated && f.init.is_some() && stated(&f.name.as_str()))
        .map(|f| format!("{:?}", f.name))
        .collect();
    let required = if required.is_empty() {
        "# required = [\"use.access\", \"use.commercial\"]".to_string()
    } else {
        format!("required = [{}]", required.join(", "))
    };
    let weights = deployment.accesses(catalog).is_some_and(|a| a.iter().any(|a| a.copies_leave()));
    let copies = if weights { "" } else { "# " };
    format!(
        r#"# ---------------------------------------------------------------- policy
# What your organization lets out, besides what the licenses let it. A policy changes no verdict: it blocks (error), asks
# for a person (review) or tells (warning, note). `freehold policy check` reads it, `freehold policy test DIR` tries it on
# your own scenarios, docs/policy.md explains it.
[policy]
profile = "{chosen}"   # internal, product, regulated: {why}
# environment = "dev"   # the one that applies without --environment

# Facts that must be stated.
{required}

# How findings and rules count: error, review, warning, note, off. docs/findings.md lists the findings.
[policy.severity]
# unpinned-revision = "error"
# license-by-tag-alone = "off"   # a rule of the profile, left out

# As soon as one rule allows, a license that none of them names is denied (license-not-listed).
# [[policy.allow]]
# id = "approved-licenses"
# class = ["open"]   # or license = ["apache-2.0", "mit", "llama-*"]

[[policy.deny]]
id = "no-license-for-some-purposes-only"
class = ["purpose-limited"]
says = "the license grants some purposes only, and ours may change"
fix = "take a base under a license without purposes, or ask legal for a waiver"

{copies}[[policy.review]]
{copies}id = "restricted-terms-leave-the-house"
{copies}class = ["restricted"]
{copies}access = ["embedded-product", "weights"]
{copies}says = "customers get copies under terms that limit them too"

# A condition over facts and the names that docs/policy.md lists; one line, in the catalog's language.
# [[policy.deny]]
# id = "no-undetermined-releases"
# when = 'verdict in ["undetermined", "needs-review"] and use.public_release'

# What holds in one environment only: freehold check --environment release
[policy.environments.dev]

[policy.environments.dev.severity]
required-fact = "warning"
undecided = "warning"

[policy.environments.release]
required = ["use.access", "use.commercial"]

[policy.environments.release.severity]
required-fact = "error"
unpinned-revision = "review"
"#
    )
}
