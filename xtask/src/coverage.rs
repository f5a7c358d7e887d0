//! How many of the models that the field tags resolve to a license in law: the real hub sample, weighted by downloads,
//! LocalAI's gallery, and the tags of the whole hub by their published counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use freehold_catalog::{Catalog, TagMeaning};
use serde_json::Value;

/// What a tag comes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Comes {
    ToLaw,
    ToFamily,
    ToNothing,
    Unknown,
}

fn comes(tag: &str, catalog: &Catalog) -> Comes {
    if catalog.license_named(tag).is_some() {
        return Comes::ToLaw;
    }
    match catalog.tags.meaning(tag) {
        Some(TagMeaning::Family(_)) => Comes::ToFamily,
        Some(TagMeaning::Silent) => Comes::ToNothing,
        None => Comes::Unknown,
    }
}

#[derive(Default)]
struct Tally {
    weight: BTreeMap<Comes, u64>,
    rest: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, tag: &str, weight: u64, comes: Comes) {
        *self.weight.entry(comes).or_default() += weight;
        if comes != Comes::ToLaw && comes != Comes::ToNothing {
            *self.rest.entry(tag.to_string()).or_default() += weight;
        }
    }

    fn row(&self, name: &str) -> String {
        let of = |c: Comes| self.weight.get(&c).copied().unwrap_or(0);
        let tagged = of(Comes::ToLaw) + of(Comes::ToFamily) + of(Comes::Unknown);
        // tenths of a percent, in whole numbers
        let share = |n: u64| {
            let tenths = n.saturating_mul(1000).checked_div(tagged).unwrap_or(0);
            format!("{}.{} %", tenths / 10, tenths % 10)
        };
        let mut rest: Vec<(&String, &u64)> = self.rest.iter().collect();
        rest.sort_by_key(|(tag, n)| (std::cmp::Reverse(**n), (*tag).clone()));
        let list: Vec<String> = rest.iter().take(12).map(|(tag, n)| format!("`{tag}` {n}")).collect();
        format!(
            "| {name} | {tagged} | {} | {} | {} | {} | {} |\n",
            share(of(Comes::ToLaw)),
            share(of(Comes::ToFamily)),
            share(of(Comes::Unknown)),
            of(Comes::ToNothing),
            list.join(", ")
        )
    }
}

/// `cargo xtask coverage`.
pub(crate) fn report(shared: &Path, catalog: &Catalog) -> Result<String, String> {
    let read = |p: &str| fs::read_to_string(shared.join(p)).map_err(|e| format!("{p}: {e}"));
    let mut out = String::from(
        "| where | weight of tagged models | resolve to law | name a family of texts | not in law | tag says nothing (not counted) | the rest, heaviest first |\n|---|---|---|---|---|---|---|\n",
    );
    let mut hub = Tally::default();
    for line in read("hub/hub.jsonl")?.lines() {
        let row: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let tags = row["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(tag) = tags.iter().find_map(|t| t.as_str()?.strip_prefix("license:")) else { continue };
        let known = row["id"].as_str().is_some_and(|id| catalog.models.resolve(id).is_some());
        let name = row["readme"].as_str().and_then(|r| r.lines().find_map(|l| l.strip_prefix("license_name:")));
        let tag = name.map(|n| n.trim().trim_matches(['"', '\''])).filter(|_| tag == "other").unwrap_or(tag);
        let weight = row["downloads"].as_u64().unwrap_or(0);
        hub.add(tag, weight, if known { Comes::ToLaw } else { comes(tag, catalog) });
    }
    out.push_str(&hub.row("the hub sample, by downloads"));
    let mut gallery = Tally::default();
    for line in read("peers/localai_gallery/index.yaml")?.lines() {
        let Some(tag) = line.trim_start_matches([' ', '-']).strip_prefix("license:") else { continue };
        let tag = tag.trim().trim_matches(['"', '\'']);
        gallery.add(tag, 1, comes(tag, catalog));
    }
    out.push_str(&gallery.row("LocalAI's gallery, by entry"));
    let counts: Value = serde_json::from_str(&read("hub/hub_distribution.json")?).map_err(|e| e.to_string())?;
    let mut whole = Tally::default();
    for (tag, n) in counts["licence_counts"].as_object().into_iter().flatten() {
        whole.add(tag, n.as_u64().unwrap_or(0), comes(tag, catalog));
    }
    out.push_str(&whole.row("the whole hub of July 2025, by models with a tag"));
    Ok(out)
}
