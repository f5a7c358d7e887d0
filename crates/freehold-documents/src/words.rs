//! The words that every screen shares: what an access, a basis, a relation is called, where a statement stands.

use freehold_assess::{Access, Certainty, House, HouseKind, HouseState, HouseUse, Obligation, Status};
use freehold_base::{Basis, Claim, Evidence, FactKind, Permission, Relation, Verdict};
use freehold_catalog::{Catalog, Effect, License, Term};

use crate::style::Ink;

/// What is done with the model, after "you may" or "the terms let you".
pub(crate) fn act(access: Access) -> &'static str {
    match access {
        Access::Internal => "use this inside your organization",
        Access::HostedApi => "offer this behind an API",
        Access::HostedApp => "offer this in a hosted application",
        Access::EmbeddedProduct => "ship this inside a product",
        Access::Weights => "hand out these weights",
    }
}

/// Who gets it, after "you owe".
pub(crate) fn recipients(accesses: &[Access]) -> &'static str {
    match accesses {
        [Access::Internal] => "inside your organization",
        [Access::HostedApi] => "to everyone who calls the API",
        [Access::HostedApp] => "to everyone who uses the application",
        [Access::EmbeddedProduct] => "to everyone who gets the product",
        [Access::Weights] => "to everyone who gets the weights",
        _ => "",
    }
}

/// A step, from the child to the parent.
pub fn step(relation: Relation) -> &'static str {
    match relation {
        Relation::Copy => "copy of",
        Relation::Converted => "converted from",
        Relation::Quantized => "quantized from",
        Relation::Adapter => "adapter of",
        Relation::Finetune => "fine-tuned from",
        Relation::Merge => "merged from",
        Relation::Distilled => "distilled from",
        Relation::Derived => "derived from",
        Relation::TrainedOnData => "trained on",
        Relation::OutputsOf => "outputs of",
        Relation::TrainedOnOutputs => "trained on outputs of",
        Relation::Component => "contains",
    }
}

/// The color of a verdict.
pub(crate) fn verdict_ink(v: Verdict) -> Ink {
    match v {
        Verdict::Prohibited | Verdict::NeedsSeparateLicense => Ink::Bad,
        Verdict::Undetermined | Verdict::NeedsReview => Ink::Open,
        Verdict::PermittedWithObligations | Verdict::Permitted => Ink::Good,
    }
}

/// A permission, inside a sentence.
pub(crate) fn permission(p: Permission) -> &'static str {
    match p {
        Permission::Prohibited => "prohibited",
        Permission::NeedsSeparateLicense => "only with a separate license",
        Permission::Permitted => "permitted",
    }
}

/// True for an entry of the house that a screen tells: what changed nothing is in the JSON alone.
pub(crate) fn house_is_told(u: &HouseUse) -> bool {
    // an attestation that applies stands beside its duty
    u.state != HouseState::Moot && (u.kind != HouseKind::Attestation || u.state != HouseState::Applied)
}

/// Whether a duty is met, for a table.
pub(crate) fn status(house: &House, o: &Obligation<'_>) -> (Ink, String) {
    if let (Status::Met, Some(by)) = (o.status, o.attested.first()) {
        let more = o.attested.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return (Ink::Good, format!("met ({}{more})", house.cite_attestation(*by)));
    }
    let (ink, word) = match o.status {
        Status::Met => (Ink::Good, "met"),
        Status::Unmet if o.certainty == Certainty::Owed => (Ink::Bad, "unmet"),
        Status::Unmet => (Ink::Open, "not there"),
        Status::ToAttest => (Ink::Open, "to attest"),
        Status::Unknown => (Ink::Quiet, "not checked"),
    };
    (ink, word.to_string())
}

/// `README.md:3`, `model.gguf general.license`, `catalog models/meta-llama.toml`.
pub(crate) fn place(e: &Evidence) -> String {
    match (e.line, e.bytes) {
        (Some(line), _) if !e.file.is_empty() => format!("{}:{line}", e.file),
        (_, Some(_)) if !e.key.is_empty() => format!("{} {}", e.file, e.key),
        (_, Some((from, to))) => format!("{} bytes {from} to {to}", e.file),
        _ if !e.key.is_empty() && !e.file.is_empty() => format!("{} {}", e.file, e.key),
        _ => e.file.clone(),
    }
}

/// Everything that is known of a place: file, key, line, bytes.
pub(crate) fn full_place(e: &Evidence) -> String {
    let mut out = e.file.clone();
    if let Some(line) = e.line {
        out.push_str(&format!(":{line}"));
    }
    if !e.key.is_empty() {
        out.push_str(&format!(" {}", e.key));
    }
    if let Some((from, to)) = e.bytes {
        out.push_str(&format!(" (bytes {from} to {to})"));
    }
    out
}

/// How a license statement is known.
pub(crate) fn basis(claim: &Claim) -> String {
    let at = place(&claim.evidence);
    match claim.basis {
        Basis::Told => "as you state it".into(),
        Basis::Catalog => "the publisher's terms for this model".to_string(),
        Basis::Recognized => format!("the text in {at}"),
        Basis::Declared if at.is_empty() || at == "case" => "its tag".into(),
        Basis::Declared => format!("the tag at {at}"),
        Basis::Inferred => format!("inferred from {at}"),
    }
}

/// A license by its full name, with the date of an edition.
pub(crate) fn license_name(license: &License, edition: &str) -> String {
    let date = license.editions.iter().find(|e| e.text == edition).map(|e| e.date.as_str());
    // law that an organization laid over the catalog is named wherever it is cited
    let own = if license.file.starts_with("catalog/") { String::new() } else { format!(" [{}]", license.file) };
    let name = match date {
        // the day of a license that anybody may apply says nothing about the model
        Some(date) if license.editions.len() > 1 || license.spdx.starts_with("LicenseRef-") => {
            format!("{}, {date}", license.name)
        }
        _ => license.name.clone(),
    };
    format!("{name}{own}")
}

/// What terms do.
pub(crate) struct Group {
    /// The heading on a screen.
    pub(crate) screen: &'static str,
    /// The heading on a page for counsel.
    pub(crate) page: &'static str,
    /// True for the effects of the group.
    pub(crate) holds: fn(&Effect) -> bool,
}

/// In the order that a reader asks.
pub(crate) const GROUPS: [Group; 6] = [
    Group { screen: "you may", page: "Grants", holds: |e| matches!(e, Effect::Grant(_)) },
    Group {
        screen: "you need another license",
        page: "Reserved to the licensor",
        holds: |e| matches!(e, Effect::LicenseNeeded(_)),
    },
    Group { screen: "you may not", page: "Withheld", holds: |e| matches!(e, Effect::Forbid(_) | Effect::EndsGrant) },
    Group { screen: "you owe", page: "Duties", holds: |e| matches!(e, Effect::Duty(_)) },
    Group { screen: "your own terms", page: "Your own terms", holds: |e| matches!(e, Effect::Outbound(_)) },
    Group { screen: "it also says", page: "Information", holds: |e| matches!(e, Effect::Information(_)) },
];

/// The editions that a term stands in, where it does not stand in all; empty otherwise.
pub(crate) fn only_in(law: &License, term: &Term) -> String {
    if term.editions.is_empty() || term.editions.len() >= law.editions.len() {
        return String::new();
    }
    format!("; only in {}", term.editions.join(", "))
}

/// Two or three words for a duty.
pub(crate) fn duty_title(catalog: &Catalog, code: &str) -> String {
    catalog.obligations.get(code).map_or_else(|| code.to_string(), |o| o.title.clone())
}

/// What a duty asks for: the prescribed words where there are some.
pub(crate) fn duty_says(catalog: &Catalog, o: &Obligation<'_>, name: Option<&str>) -> String {
    for s in &o.sources {
        let Effect::Duty(duty) = &s.term.effect else { continue };
        if let Some(prefix) = &duty.name_prefix {
            return match name {
                Some(name) => format!("the name must begin with “{prefix}”; it is “{name}”"),
                None => format!("the name must begin with “{prefix}”"),
            };
        }
    }
    let says = catalog.obligations.get(o.code).map(|e| e.says.clone()).unwrap_or_default();
    let Some(text) = o.text() else {
        // an allied project that prescribes nothing: its name says more than the family's sentence
        return says;
    };
    let shown = text.split(" | ").map(|t| format!("“{t}”")).collect::<Vec<_>>().join(" or ");
    let places = o.sources.iter().find_map(|s| match &s.term.effect {
        Effect::Duty(d) if !d.places.is_empty() => Some(d.places.join(", ").replace('-', " ")),
        _ => None,
    });
    match places {
        Some(places) => format!("{shown} on one of: {places}"),
        None => shown,
    }
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = bytes / (unit / 10).max(1);
            let (whole, tenth) = (tenths / 10, tenths % 10);
            return if whole >= 10 || tenth == 0 {
                format!("{whole} {name}")
            } else {
                format!("{whole}.{tenth} {name}")
            };
        }
    }
    format!("{bytes} bytes")
}

/// What a fact is about, as data files and people say it.
pub fn fact_word(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Name => "name",
        FactKind::Repository => "repository",
        FactKind::Revision => "revision",
        FactKind::Architecture => "architecture",
        FactKind::SizeLabel => "size-label",
        FactKind::Quantization => "quantization",
        FactKind::Format => "format",
        FactKind::LicenseTag => "license-tag",
        FactKind::LicenseName => "license-name",
        FactKind::LicenseLink => "license-link",
        FactKind::BaseModel => "base-model",
        FactKind::BaseModelRelation => "base-model-relation",
        FactKind::AdapterBase => "adapter-base",
        FactKind::AdapterRevision => "adapter-revision",
        FactKind::AdapterType => "adapter-type",
        FactKind::NameOrPath => "name-or-path",
        FactKind::MergeMethod => "merge-method",
        FactKind::MergeParent => "merge-parent",
        FactKind::Dataset => "dataset",
        FactKind::QuantizedBy => "quantized-by",
        FactKind::BaseModelName => "base-model-name",
        FactKind::RemoteCode => "remote-code",
        FactKind::Tag => "tag",
        FactKind::Task => "task",
        FactKind::Multimodal => "multimodal",
        FactKind::Sha256 => "sha256",
        FactKind::Version => "version",
        FactKind::Organization => "organization",
        FactKind::Gated => "gated",
        FactKind::Layers => "layers",
        FactKind::Hidden => "hidden",
        FactKind::Heads => "heads",
        FactKind::KvHeads => "kv-heads",
        FactKind::FeedForward => "feed-forward",
        FactKind::Vocabulary => "vocabulary",
        FactKind::RopeBase => "rope-base",
        FactKind::Context => "context",
        FactKind::HeadSize => "head-size",
        FactKind::RopeScaling => "rope-scaling",
        FactKind::RopeFactor => "rope-factor",
        FactKind::RopeOriginalContext => "rope-original-context",
        FactKind::TokenizerModel => "tokenizer-model",
        FactKind::PreTokenizer => "pre-tokenizer",
        FactKind::BosToken => "begin-token",
        FactKind::EosToken => "end-token",
        FactKind::BosId => "begin-token-id",
        FactKind::EosId => "end-token-id",
        FactKind::ChatTemplate => "chat-template",
        FactKind::Blocks => "blocks",
        FactKind::Shape => "shape",
    }
}

/// `one`, `two`, … as words up to ten.
pub(crate) fn count(n: usize) -> String {
    const WORDS: [&str; 11] = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    WORDS.get(n).map_or_else(|| n.to_string(), |w| (*w).to_string())
}
