//! The house's own law as people write it: agreements, positions and attestations, in three files of TOML or in a case.
//! Every mistake is reported, each with its place and what was probably meant.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Access, Agreement, Attestation, Entry, House, HouseKind, Position, attestable};
use freehold_base::{Diagnostic, Evidence};
use freehold_catalog::document::{Sink, Span, Spanned, Table, parse_toml, unknown_word};
use freehold_catalog::{
    ActivityMask, AgreementHead, Catalog, Effect, Expr, agreement_id, condition, countries, is_country,
};

/// Most bytes of one file of the house.
pub const HOUSE_BYTES_MAX: usize = 1 << 20;
/// Most agreements: each is a license in law of its own.
const AGREEMENTS_MAX: usize = 200;
/// Most positions, and most attestations.
const ENTRIES_MAX: usize = 2_000;
/// What an agreement without end says in the place of its last day.
const PERPETUAL: &str = "perpetual";

/// The name of a file of the house, looked for beside the organization's own.
pub fn house_file(kind: HouseKind) -> &'static str {
    match kind {
        HouseKind::Agreement => "freehold.agreements.toml",
        HouseKind::Position => "freehold.positions.toml",
        HouseKind::Attestation => "freehold.attestations.toml",
    }
}

/// The schema that a file of the house states.
pub fn house_schema(kind: HouseKind) -> &'static str {
    match kind {
        HouseKind::Agreement => "freehold.agreements/1",
        HouseKind::Position => "freehold.positions/1",
        HouseKind::Attestation => "freehold.attestations/1",
    }
}

/// One file of the house.
#[derive(Clone, Copy, Debug)]
pub struct HouseText<'a> {
    /// Which it is.
    pub kind: HouseKind,
    /// Its path as the user knows it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// The house's own law, and the catalog with the terms of its agreements in it, where it has any.
#[derive(Clone, Debug, Default)]
pub struct OwnLaw {
    /// What is in force when.
    pub house: House,
    /// The catalog to judge under; `None` = as it was.
    pub law: Option<Catalog>,
}

/// Reads the files of a house as of a day; agreements first, whatever the order.
pub fn read_house(files: &[HouseText<'_>], catalog: &Catalog, day: &str) -> (OwnLaw, Vec<Diagnostic>) {
    let mut own = OwnLaw { house: House { day: day.to_string(), ..House::default() }, law: None };
    let mut mistakes = Vec::new();
    let mut files: Vec<&HouseText<'_>> = files.iter().collect();
    files.sort_by_key(|f| f.kind);
    for file in files {
        let sink = Sink::new(file.file, file.text);
        if file.text.len() > HOUSE_BYTES_MAX {
            let message = format!("a file of {} bytes; the limit is {HOUSE_BYTES_MAX}", file.text.len());
            sink.error("file-too-large", (0, 0), message);
            mistakes.extend(sink.into_diagnostics());
            continue;
        }
        let root = parse_toml(&sink);
        if let Some(top) = Table::open(&root, file.file, &sink) {
            let schema = top.need("schema");
            let wanted = house_schema(file.kind);
            if !schema.text.is_empty() && schema.text != wanted {
                let message = format!("schema `{}` is not known here; expected `{wanted}`", schema.text);
                sink.error("unknown-schema", schema.span, message);
            }
            match file.kind {
                HouseKind::Agreement => read_agreements(&top, catalog, &mut own, &sink),
                HouseKind::Position => read_positions(&top, catalog, &mut own, &sink),
                HouseKind::Attestation => read_attestations(&top, catalog, &mut own, &sink),
            }
            top.finish();
        }
        mistakes.extend(sink.into_diagnostics());
    }
    (own, mistakes)
}

/// Reads the house of a case: the same entries, in the case itself.
pub(crate) fn read_own(top: &Table<'_, '_>, catalog: &Catalog, day: &str, sink: &Sink<'_>) -> OwnLaw {
    let mut own = OwnLaw { house: House { day: day.to_string(), ..House::default() }, law: None };
    read_agreements(top, catalog, &mut own, sink);
    read_positions(top, catalog, &mut own, sink);
    read_attestations(top, catalog, &mut own, sink);
    own
}

fn rows<'n, 's>(top: &Table<'n, 's>, key: &'static str, most: usize) -> Vec<Table<'n, 's>> {
    let mut rows = top.tables(key);
    if rows.len() > most {
        let message = format!("{} entries; the limit is {most}", rows.len());
        top.sink().error("too-many", rows[most].span, message);
        rows.truncate(most);
    }
    rows
}

/// The line of a place, found without counting from the start for every entry.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect())
    }

    fn at(&self, span: Span) -> Option<u32> {
        u32::try_from(self.0.partition_point(|n| *n < span.0) + 1).ok()
    }
}

fn evidence(key: &'static str, index: usize, span: Span, lines: &Lines, sink: &Sink<'_>) -> Evidence {
    Evidence { key: format!("{key}[{index}]"), line: lines.at(span), ..Evidence::stated(sink.file) }
}

/// A day that the calendar has.
fn is_day(text: &str) -> bool {
    let number = |from: usize, to: usize| -> Option<u32> {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' && (1..=days).contains(&day)
}

fn day(t: &Spanned, sink: &Sink<'_>) -> String {
    if !is_day(&t.text) {
        sink.error_help("bad-date", t.span, format!("`{}` is not a day", t.text), "write it as 2026-11-24");
    }
    t.text.clone()
}

/// A SHA-256, with or without its name before it; lower case.
fn digest(t: Spanned, sink: &Sink<'_>) -> String {
    let hex = t.text.strip_prefix("sha256:").unwrap_or(&t.text).to_ascii_lowercase();
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message = format!("`{}` is not a SHA-256", t.text);
        sink.error_help(
            "bad-digest",
            t.span,
            message,
            "write sha256: and 64 hex digits, as `sha256sum FILE` prints them",
        );
    }
    hex
}

/// What every entry has: who, when, until, evidence, why.
fn entry(row: &Table<'_, '_>, kind: HouseKind, evidence: Evidence, sink: &Sink<'_>) -> Entry {
    // what is missing is reported as missing, and is no day and no digest besides
    let need = |key: &'static str| Some(row.need(key)).filter(|_| row.get(key).is_some());
    let words = |key: &'static str| {
        let text = need(key).map(|t| {
            if t.text.trim().is_empty() {
                sink.error("empty", t.span, format!("`{key}` is empty"));
            }
            t.text
        });
        text.unwrap_or_default()
    };
    let agreed = kind == HouseKind::Agreement;
    let who = words("who");
    let when = need("when").map(|t| day(&t, sink)).unwrap_or_default();
    let from = if agreed { row.text("from").map(|t| day(&t, sink)) } else { None };
    let from = from.unwrap_or_else(|| when.clone());
    let stated = need("until");
    let perpetual = agreed && stated.as_ref().is_some_and(|t| t.text == PERPETUAL);
    let last = stated.filter(|_| !perpetual);
    let until = if perpetual { None } else { Some(last.as_ref().map(|t| day(t, sink)).unwrap_or_default()) };
    if let (Some(until), Some(stated)) = (&until, &last)
        && is_day(until)
        && is_day(&from)
        && *until < from
    {
        let message = format!("ends on {until}, before it begins on {from}");
        sink.error("ends-before-it-begins", stated.span, message);
    }
    let why = match kind {
        HouseKind::Position => words("why"),
        _ => row.text("why").map(|t| t.text).unwrap_or_default(),
    };
    let digest = need("evidence").map(|t| digest(t, sink)).unwrap_or_default();
    Entry { who, when, from, until, digest, why, evidence }
}

/// The license of a name, or the terms of an agreement of the house (`agreement:ID`).
fn license_of(t: &Spanned, key: &str, catalog: &Catalog, sink: &Sink<'_>) -> Option<usize> {
    let own = || catalog.licenses.iter().position(|l| l.agreement && l.id == t.text);
    let found = catalog.license_named(&t.text).or_else(own);
    if found.is_none() && !t.text.is_empty() {
        let agreements = catalog.licenses.iter().filter(|l| l.agreement).map(|l| l.id.as_str());
        unknown_word(sink, key, t, catalog.license_names().chain(agreements).collect::<Vec<_>>());
    }
    found
}

fn read_agreements(top: &Table<'_, '_>, catalog: &Catalog, own: &mut OwnLaw, sink: &Sink<'_>) {
    let rows = rows(top, "agreements", AGREEMENTS_MAX);
    if rows.is_empty() {
        return;
    }
    let lines = Lines::of(sink.text);
    let mut law = own.law.take().unwrap_or_else(|| catalog.clone());
    for (i, row) in rows.into_iter().enumerate() {
        let id = row.need("id");
        if id.text.is_empty() || !id.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            sink.error("bad-id", id.span, "an id is made of letters, digits, `-`, `.` and `_`");
        }
        let counterparty = row.need("counterparty").text;
        let place = evidence("agreements", i, row.span, &lines, sink);
        let entry = entry(&row, HouseKind::Agreement, place.clone(), sink);
        let works: Vec<String> = row.texts("works").into_iter().map(|t| t.text).collect();
        let replaces: Vec<usize> =
            row.texts("licenses").iter().filter_map(|t| license_of(t, "licenses", catalog, sink)).collect();
        if row.get("works").is_none() && row.get("licenses").is_none() {
            let help = "works = [\"org/name*\"], or licenses = [\"LICENSE\"] for every work under one";
            sink.error_help("covers-nothing", row.span, "names neither `works` nor `licenses`", help);
        }
        let (uses, uses_written) = coverage(&row, catalog, sink);
        let head = AgreementHead {
            id: id.text.clone(),
            counterparty: counterparty.clone(),
            from: entry.when.clone(),
            evidence: place,
        };
        match law.add_agreement(&head, &row, sink) {
            Some(license) => own.house.agreements.push(Agreement {
                id: id.text,
                license,
                counterparty,
                works,
                replaces,
                uses,
                uses_written,
                entry,
            }),
            None => sink.error("duplicate", id.span, format!("`{}` is there already", agreement_id(&id.text))),
        }
        row.finish();
    }
    own.law = Some(law);
}

/// The uses that an agreement covers, as a condition and in words.
fn coverage(row: &Table<'_, '_>, catalog: &Catalog, sink: &Sink<'_>) -> (Expr, String) {
    let fact = |name: &str| catalog.facts.find(name);
    let mut all: Vec<Expr> = Vec::new();
    let mut written: Vec<String> = Vec::new();
    let words: Vec<&'static str> = Access::ALL.iter().map(|a| a.as_str()).collect();
    let accesses = row.words("accesses", &words, Access::parse);
    if row.get("accesses").is_some() {
        let mut list: Vec<String> = accesses.iter().map(|a| a.as_str().to_string()).collect();
        list.sort();
        written.push(format!("access {}", list.join(", ")));
        all.extend(fact("use.access").map(|fact| Expr::Overlaps { fact, list }));
    }
    if row.get("activities").is_some() {
        let mut ids = Vec::new();
        for t in row.texts("activities") {
            if catalog.activities.below(&t.text).is_none() {
                unknown_word(sink, "activities", &t, catalog.activities.ids());
            }
            ids.push(t.text);
        }
        let named = catalog.activities.outside(&ids);
        let list = if ids.is_empty() { "none".to_string() } else { ids.join(", ") };
        written.push(format!("activities {list} and no other"));
        let other = fact("use.activities").map(|fact| Expr::Activities { fact, named, near: ActivityMask::default() });
        all.extend(other.map(|e| Expr::Not(Box::new(e))));
    }
    if row.get("territory").is_some() {
        let texts = row.texts("territory");
        let inside = territory(&texts, catalog, sink);
        let names: Vec<&str> = texts.iter().map(|t| t.text.as_str()).collect();
        written.push(format!("territory {}", names.join(", ")));
        let outside: Vec<String> = countries().filter(|c| !inside.contains(*c)).map(str::to_string).collect();
        let list: Vec<String> = inside.into_iter().collect();
        all.extend(fact("use.deployment_country").map(|fact| Expr::In { fact, list }));
        let beyond = fact("use.customer_countries").map(|fact| Expr::Overlaps { fact, list: outside });
        all.extend(beyond.map(|e| Expr::Not(Box::new(e))));
    }
    if let Some(t) = row.text("only-if") {
        all.extend(condition::parse(&t, &catalog.scope(), sink));
        written.push(format!("only if {}", t.text));
    }
    let uses = if all.is_empty() { Expr::Const(true) } else { Expr::And(all) };
    (uses, written.join("; "))
}

/// Country codes, and the territories that the catalog knows, as the countries of all of them.
fn territory(texts: &[Spanned], catalog: &Catalog, sink: &Sink<'_>) -> BTreeSet<String> {
    let mut inside = BTreeSet::new();
    for t in texts {
        match catalog.territories.find(&t.text) {
            Some(all) => inside.extend(all.iter().cloned()),
            None if is_country(&t.text) => {
                inside.insert(t.text.clone());
            }
            None => {
                let known: Vec<&str> = catalog.territories.ids().collect();
                let help = format!("two-letter codes of ISO 3166-1, or one of: {}", known.join(", "));
                sink.error_help("unknown-country", t.span, format!("unknown value `{}` for `territory`", t.text), help);
            }
        }
    }
    inside
}

fn read_positions(top: &Table<'_, '_>, catalog: &Catalog, own: &mut OwnLaw, sink: &Sink<'_>) {
    let rows = rows(top, "positions", ENTRIES_MAX);
    let lines = Lines::of(if rows.is_empty() { "" } else { sink.text });
    let mut taken: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    for (i, row) in rows.into_iter().enumerate() {
        let law = own.law.as_ref().unwrap_or(catalog);
        let (license, term, reading) = (row.need("license"), row.need("term"), row.need("reading"));
        let found = license_of(&license, "license", law, sink);
        let known = found.filter(|l| bears(*l, &term, &reading, law, sink));
        let place = evidence("positions", i, row.span, &lines, sink);
        let entry = entry(&row, HouseKind::Position, place, sink);
        let span = row.span;
        row.finish();
        let Some(license) = known else { continue };
        let position = Position { license, term: term.text, reading: reading.text, entry };
        let same = taken.entry((license, position.term.clone())).or_default();
        let together =
            |other: &&usize| own.house.positions.get(**other).is_some_and(|o| overlap(&o.entry, &position.entry));
        if let Some(other) = same.iter().find(together).and_then(|o| own.house.positions.get(*o)) {
            let line = other.entry.evidence.line.map_or_else(String::new, |l| format!(" in line {l}"));
            let message =
                format!("another position{line} settles `{}` in the same days, for `{}`", position.term, other.reading);
            sink.error_help("two-positions", span, message, "end the earlier one the day before this one begins");
        }
        same.push(own.house.positions.len());
        own.house.positions.push(position);
    }
}

/// True where two entries are in force on one day.
fn overlap(a: &Entry, b: &Entry) -> bool {
    let before = |x: &Entry, y: &Entry| x.until.as_ref().is_some_and(|until| *until < y.from);
    !before(a, b) && !before(b, a)
}

/// True for a reading that the term bears; what is wrong goes to the sink.
fn bears(license: usize, term: &Spanned, reading: &Spanned, law: &Catalog, sink: &Sink<'_>) -> bool {
    let license = &law.licenses[license];
    let several = || license.terms.iter().filter(|t| t.readings.len() > 1);
    let Some(found) = license.terms.iter().find(|t| t.id == term.text) else {
        if !term.text.is_empty() {
            unknown_word(sink, "term", term, license.terms.iter().map(|t| t.id.as_str()).collect::<Vec<_>>());
        }
        return false;
    };
    if found.readings.len() < 2 {
        let message = format!("`{}` of {} bears one reading: there is nothing to settle", term.text, license.id);
        let ids: Vec<&str> = several().map(|t| t.id.as_str()).collect();
        let help = if ids.is_empty() {
            format!("no term of {} bears several", license.id)
        } else {
            format!("terms of {} that bear several: {}", license.id, ids.join(", "))
        };
        sink.error_help("one-reading", term.span, message, help);
        return false;
    }
    let known = found.readings.iter().any(|r| r.id == reading.text);
    if !known && !reading.text.is_empty() {
        unknown_word(sink, "reading", reading, found.readings.iter().map(|r| r.id.as_str()).collect::<Vec<_>>());
    }
    known
}

fn read_attestations(top: &Table<'_, '_>, catalog: &Catalog, own: &mut OwnLaw, sink: &Sink<'_>) {
    let rows = rows(top, "attestations", ENTRIES_MAX);
    let lines = Lines::of(if rows.is_empty() { "" } else { sink.text });
    for (i, row) in rows.into_iter().enumerate() {
        let law = own.law.as_ref().unwrap_or(catalog);
        let (code, license) = (row.need("code"), row.need("license"));
        let found = license_of(&license, "license", law, sink).filter(|l| asks(*l, &code, law, sink));
        let artifact = row.text("artifact").map(|t| t.text).unwrap_or_default();
        let sha256 = row.text("sha256").map(|t| digest(t, sink)).unwrap_or_default();
        if artifact.is_empty() && sha256.is_empty() {
            let help = "artifact = \"models/bot\" (its path below this file, or its id), sha256 = \"…\" of one of its files, or both";
            sink.error_help("about-nothing", row.span, "names no model", help);
        }
        let place = evidence("attestations", i, row.span, &lines, sink);
        let entry = entry(&row, HouseKind::Attestation, place, sink);
        row.finish();
        let Some(license) = found else { continue };
        own.house.attestations.push(Attestation { code: code.text, license, artifact, sha256, entry });
    }
}

/// True for a duty that the license asks for and that a person's word can show to be met; what is wrong goes to the sink.
fn asks(license: usize, code: &Spanned, law: &Catalog, sink: &Sink<'_>) -> bool {
    let license = &law.licenses[license];
    let duties = || {
        license.terms.iter().filter_map(|t| match &t.effect {
            Effect::Duty(d) => Some(d),
            _ => None,
        })
    };
    if code.text.is_empty() {
        return false;
    }
    if duties().all(|d| d.code != code.text) {
        let codes: BTreeSet<&str> = duties().map(|d| d.code.as_str()).collect();
        unknown_word(sink, "code", code, codes.into_iter().collect::<Vec<_>>());
        return false;
    }
    let can = duties().any(|d| d.code == code.text && attestable(d, law));
    if !can {
        let message = format!("`{}` is shown by a file or by the name, and nobody's word stands in for it", code.text);
        sink.error_help(
            "shown-by-a-file",
            code.span,
            message,
            "put it into the release; `freehold check --release DIR` finds it",
        );
    }
    can
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: HouseKind, body: &str) -> (OwnLaw, Vec<String>) {
        let text = format!("schema = \"{}\"\n{body}", house_schema(kind));
        let file = HouseText { kind, file: house_file(kind), text: &text };
        let (own, mistakes) = read_house(&[file], freehold_law::shared(), "2026-11-24");
        let told = mistakes.iter().map(|d| {
            let at = d.label.as_ref().and_then(|l| l.position).map_or(0, |p| p.0);
            format!("{at} {}: {} / {}", d.code, d.message, d.help.clone().unwrap_or_default())
        });
        (own, told.collect())
    }

    const WHO: &str = "who = \"R. Roe\"\nwhen = 2026-01-05\nuntil = 2026-12-31\nevidence = \"sha256:0000000000000000000000000000000000000000000000000000000000000001\"\n";

    #[test]
    fn an_agreement_is_law_of_its_own() {
        let body = format!(
            "[[agreements]]\nid = \"acme\"\ncounterparty = \"Meta\"\n{WHO}works = [\"meta-llama/Llama-3.1-*\"]\nlicenses = [\"llama3.1\"]\naccesses = [\"hosted-api\"]\nterritory = [\"european-union\", \"US\"]\nlike = \"llama-3.1\"\nwithout = [\"users\"]\n"
        );
        let (own, mistakes) = read(HouseKind::Agreement, &body);
        assert_eq!(mistakes, [""; 0]);
        let agreement = &own.house.agreements[0];
        let law = own.law.unwrap();
        let terms = &law.licenses[agreement.license];
        assert_eq!((terms.id.as_str(), terms.agreement), ("agreement:acme", true));
        assert_eq!(agreement.uses_written, "access hosted-api; territory european-union, US");
        assert_eq!(agreement.entry.evidence.line, Some(2));
        let public = law.license("llama-3.1").unwrap();
        assert!(public.terms.iter().any(|t| t.id == "users") && terms.terms.iter().all(|t| t.id != "users"));
        // no tag names it
        assert_eq!(law.license_named("agreement:acme"), None);
    }

    #[test]
    fn every_mistake_of_an_agreement_at_once() {
        let body = "[[agreements]]\nid = \"a b\"\ncounterparty = \"X\"\nwho = \"\"\nwhen = \"2026-02-30\"\nuntil = \"2025-01-01\"\nfrom = 2026-01-01\nevidence = \"abc\"\nlike = \"llama-3.1\"\nwithout = [\"userz\"]\nterritory = [\"EU\"]\naccesses = [\"hosted-ap\"]\naccessses = []\n";
        let (_, mistakes) = read(HouseKind::Agreement, body);
        let codes: Vec<&str> = mistakes.iter().map(|m| m.split(':').next().unwrap()).collect();
        assert_eq!(
            codes,
            [
                "3 bad-id",
                "5 empty",
                "6 bad-date",
                "7 ends-before-it-begins",
                "9 bad-digest",
                "2 covers-nothing",
                "13 unknown-value",
                "12 unknown-country",
                "11 unknown-value",
                "14 unknown-key"
            ],
            "{mistakes:#?}"
        );
        assert!(mistakes[8].ends_with("did you mean `users`?"), "{}", mistakes[8]);
        assert!(mistakes[9].ends_with("did you mean `accesses`?"), "{}", mistakes[9]);
    }

    #[test]
    fn a_position_names_a_reading_that_the_term_bears() {
        let one = |license: &str, term: &str, reading: &str| {
            let body = format!(
                "[[positions]]\nlicense = \"{license}\"\nterm = \"{term}\"\nreading = \"{reading}\"\n{WHO}why = \"w\"\n"
            );
            let (own, mistakes) = read(HouseKind::Position, &body);
            (own.house.positions.len(), mistakes.join("\n"))
        };
        assert_eq!(one("mrl-0.1", "research-only", "research-by-non-companies"), (1, String::new()));
        for (license, term, reading, code, help) in [
            ("mrl-0.2", "research-only", "x", "unknown-value", "did you mean `mrl-0.1`?"),
            ("mrl-0.1", "reserch-only", "x", "unknown-value", "did you mean `research-only`?"),
            (
                "mrl-0.1",
                "research-only",
                "research-by-companies",
                "unknown-value",
                "did you mean `research-by-non-companies`?",
            ),
            ("mrl-0.1", "grant", "x", "one-reading", "terms of mrl-0.1 that bear several: "),
        ] {
            let (count, mistakes) = one(license, term, reading);
            assert!(count == 0 && mistakes.contains(code) && mistakes.contains(help), "{mistakes}");
        }
    }

    #[test]
    fn two_positions_on_one_term_do_not_stand_together() {
        let one = |from: &str, until: &str| {
            WHO.replace("2026-01-05", from).replace("2026-12-31", until)
                + "license = \"mrl-0.1\"\nterm = \"research-only\"\nreading = \"research-by-non-companies\"\nwhy = \"w\"\n"
        };
        let two = |a: String, b: String| read(HouseKind::Position, &format!("[[positions]]\n{a}[[positions]]\n{b}")).1;
        let later = two(one("2026-01-01", "2026-06-30"), one("2026-07-01", "2026-12-31"));
        assert_eq!(later, [""; 0]);
        let together = two(one("2026-01-01", "2026-07-01"), one("2026-07-01", "2026-12-31"));
        assert!(together.len() == 1 && together[0].contains("another position in line 2"), "{together:?}");
    }

    #[test]
    fn nobody_attests_what_a_file_shows() {
        let one = |code: &str| {
            let body = format!(
                "[[attestations]]\ncode = \"{code}\"\nlicense = \"llama-3.1\"\nartifact = \"models/bot\"\n{WHO}"
            );
            let (own, mistakes) = read(HouseKind::Attestation, &body);
            (own.house.attestations.len(), mistakes.join("\n"))
        };
        assert_eq!(one("aup-compliance"), (1, String::new()));
        assert!(one("include-license-copy").1.contains("shown-by-a-file"));
        assert!(one("aup-complience").1.contains("did you mean `aup-compliance`?"));
    }

    #[test]
    fn days_are_days() {
        for (day, is) in [
            ("2026-11-24", true),
            ("2024-02-29", true),
            ("2026-02-29", false),
            ("1900-02-29", false),
            ("2026-13-01", false),
            ("2026-1-01", false),
            ("2026-04-31", false),
            ("2026-11-24T00:00:00Z", false),
            ("+026-11-24", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_day(day), is, "{day}");
        }
    }
}
