//! Random graphs and deployments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use freehold_assess::{
    Access, Agreement, Artifact, Assessment, Attestation, Deployment, Entry, House, Input, Position, assess,
};
use freehold_base::{Basis, By, Claim, Edge, Evidence, Graph, MadeBy, Month, Relation, Value, Work, WorkKind};
use freehold_catalog::condition::{Quantity, parse};
use freehold_catalog::document::{Sink, Spanned, Table, parse_toml};
use freehold_catalog::{
    AgreementHead, Catalog, CatalogFile, Effect, Expr, FactDef, FactId, FactOrigin, FactType, agreement_id,
};
use proptest::prelude::*;

use crate::naive;

/// The law of this tree, read once.
pub(crate) static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog");
    let mut files = Vec::new();
    for folder in ["", "licenses", "policies", "models"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "toml") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_string();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    let files: Vec<CatalogFile<'_>> =
        files.iter().map(|(path, text)| CatalogFile { path, text, shown: path }).collect();
    let mut catalog = Catalog::load(&files).0;
    let sink = Sink::new("agreements", AGREEMENTS);
    let root = parse_toml(&sink);
    for row in Table::open(&root, "agreements", &sink).unwrap().tables("agreements") {
        let head = AgreementHead {
            id: row.need("id").text,
            counterparty: "Acme".into(),
            from: BEGAN.into(),
            evidence: Evidence::default(),
        };
        catalog.add_agreement(&head, &row, &sink).unwrap();
        row.finish();
    }
    assert_eq!(sink.into_diagnostics(), []);
    catalog
});

/// Agreements of every temper: a public license with less in it, a stricter one, one of its own words that bear two readings.
const AGREEMENTS: &str = r#"
[[agreements]]
id = "wide"
like = "llama-3.1"
without = ["users", "built-with"]

[[agreements]]
id = "plain"
like = "mit"

[[agreements]]
id = "narrow"
like = "qwen-research"

[[agreements]]
id = "own"
reach = { derivative = ["finetune", "adapter", "merge"], output-trained = { standing = "named-only" } }
[[agreements.terms]]
id = "grant"
clause = "2"
quote = "Acme grants the use"
effect = "grant"
acts = ["use", "copy", "modify", "distribute", "make-available"]
[[agreements.terms]]
id = "customers"
clause = "3"
quote = "not to its own customers"
effect = "license-needed"
blocks = ["distribute", "make-available"]
[[agreements.terms.reading]]
id = "selling"
says = "who pays is a customer"
when = "use.commercial"
[[agreements.terms.reading]]
id = "anybody"
says = "whoever uses it is a customer"
when = "made-available"
[[agreements.terms]]
id = "royalty"
clause = "4"
quote = "pays a royalty"
effect = "duty"
code = "pay-royalty"
reach = ["materials", "derivative", "product"]
when = "organization.annual_revenue_usd > 1_000_000"
"#;

/// Ids of the agreements above.
const AGREED: [&str; 4] = ["wide", "plain", "narrow", "own"];

/// What an agreement may cover.
const USES: [&str; 6] = [
    "true",
    "true",
    "use.access overlaps [\"hosted-api\", \"internal\"]",
    "use.commercial",
    "not (use.customer_countries overlaps [\"KR\", \"CN\"]) and use.deployment_country in [\"US\", \"DE\"]",
    "not (use.activities overlaps [\"military\"])",
];

/// The day of the question; an entry runs from before it, or has ended.
const DAY: &str = "2026-11-24";
const BEGAN: &str = "2026-01-01";
const ENDED: &str = "2026-06-30";

/// Licenses of every temper: open, with thresholds, with territories, for research only, with readings, with editions.
pub(crate) const LICENSES: [&str; 12] = [
    "mit",
    "apache-2.0",
    "llama-2",
    "llama-3.1",
    "llama-4",
    "gemma",
    "mrl-0.1",
    "qwen",
    "qwen-research",
    "deepseek-1.0",
    "cc-by-nc-4.0",
    "bilibili-model-use",
];

/// What else a tag may say: a text nobody has read, a family of texts, nothing.
const OTHERS: [&str; 3] = ["acme-model-terms", "llama", "other"];

const DESCRIPTIONS: [&str; 3] = ["a chat model trained from scratch", "an image model", "weights"];
/// Plain names, and models that the catalog knows.
const IDS: [&str; 6] =
    ["", "meta-llama/Llama-3.1-8B", "meta-llama/Llama-2-7b-hf", "google/gemma-2-9b", "Qwen/Qwen2.5-72B", "acme/known"];

/// A graph, who is said to have made the subject, and what is stated.
#[derive(Clone)]
pub(crate) struct Random {
    pub graph: Graph,
    pub made_by: Option<MadeBy>,
    pub deployment: Deployment,
    pub house: House,
}

impl std::fmt::Debug for Random {
    /// What tells the case from others, a line each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "subject {} made by {:?}", self.graph.subject, self.made_by)?;
        for (i, w) in self.graph.works.iter().enumerate() {
            write!(f, "{i} {} {} made by {:?} known {} ", w.kind, w.id, w.made_by, w.known)?;
            writeln!(f, "name {:?} described {:?} facts {:?}", w.name, w.description, w.facts)?;
            for c in &w.claims {
                let (altered, expression) = (c.altered, c.expression);
                write!(f, "    {} `{}` edition {:?} ", c.basis, c.license, c.edition)?;
                writeln!(f, "altered {altered} expression {expression}")?;
            }
        }
        for e in &self.graph.edges {
            writeln!(f, "{} {} of {} by {}", e.child, e.relation, e.parent, e.by)?;
        }
        for (id, def) in CATALOG.facts.iter() {
            if let Some(value) = self.deployment.get(id) {
                writeln!(f, "{} = {value:?}", def.name)?;
            }
        }
        for a in &self.house.agreements {
            let replaces: Vec<&str> = a.replaces.iter().map(|l| CATALOG.licenses[*l].id.as_str()).collect();
            writeln!(f, "agreement {} on {:?} for {replaces:?} if {}", a.id, a.works, a.uses_written)?;
        }
        for p in &self.house.positions {
            writeln!(f, "position {} {} {} {:?}", CATALOG.licenses[p.license].id, p.term, p.reading, p.entry.until)?;
        }
        Ok(())
    }
}

impl Random {
    pub(crate) fn input(&self) -> Input<'static, '_> {
        Input {
            catalog: &CATALOG,
            graph: &self.graph,
            deployment: &self.deployment,
            release: None,
            made_by: self.made_by,
            house: &self.house,
            artifact: Artifact { path: "models/this", digests: &[] },
        }
    }

    pub(crate) fn assess(&self) -> Assessment<'static> {
        assess(self.input())
    }

    pub(crate) fn naive(&self, faults: &BTreeSet<naive::Mark>) -> Option<naive::Outcome> {
        naive::assess(&naive::Case {
            catalog: &CATALOG,
            graph: &self.graph,
            deployment: &self.deployment,
            made_by: self.made_by,
            house: &self.house,
            faults,
        })
    }
}

/// What of an assessment is compared.
pub(crate) fn seen(a: &Assessment<'_>, marks: BTreeSet<naive::Mark>) -> naive::Outcome {
    let ends = |r: freehold_base::Range| (r.worst, r.best);
    naive::Outcome {
        verdict: a.verdict,
        range: ends(a.range),
        by_access: a.by_access.iter().map(|(access, r, v)| (*access, ends(*r), *v)).collect(),
        duties: a.obligations.iter().map(|o| (o.code.to_string(), o.certainty)).collect(),
        gaps: a.gaps.iter().map(|g| g.kind).collect(),
        marks,
    }
}

// ---------------------------------------------------------------------------------------------------- graphs

fn statement() -> impl Strategy<Value = String> {
    let license = || prop::sample::select(&LICENSES[..]);
    let several = |n: usize| prop::sample::subsequence(&LICENSES[..], n).prop_shuffle();
    prop_oneof![
        12 => license().prop_map(str::to_string),
        2 => prop::sample::select(&OTHERS[..]).prop_map(str::to_string),
        1 => several(2).prop_map(|l| l.join(" OR ")),
        1 => license().prop_map(|a| format!("{a} OR acme-model-terms")),
        1 => several(2).prop_map(|l| l.join(" AND ")),
        1 => several(3).prop_map(|l| format!("{} AND {} OR {}", l[0], l[1], l[2])),
        1 => license().prop_map(|a| format!("{a} + no military use")),
    ]
}

fn claim() -> impl Strategy<Value = Claim> {
    let basis = prop_oneof![
        2 => Just(Basis::Told),
        3 => Just(Basis::Catalog),
        2 => Just(Basis::Recognized),
        3 => Just(Basis::Declared),
    ];
    (statement(), basis, prop::bool::weighted(0.1), prop::bool::weighted(0.1), any::<prop::sample::Index>()).prop_map(
        |(license, basis, altered, expression, edition)| {
            let law = CATALOG.license_named(&license).map(|i| &CATALOG.licenses[i]);
            let mut claim = Claim::new(license, basis, Evidence::default());
            claim.altered = altered && basis == Basis::Recognized;
            claim.expression = expression && basis == Basis::Declared;
            claim.edition = law
                .filter(|l| l.editions.len() > 1 && matches!(basis, Basis::Catalog | Basis::Recognized))
                .map(|l| edition.get(&l.editions).text.clone());
            claim
        },
    )
}

fn maker() -> impl Strategy<Value = Option<MadeBy>> {
    prop_oneof![
        3 => Just(Some(MadeBy::Organization)),
        4 => Just(Some(MadeBy::ThirdParty)),
        2 => Just(None),
    ]
}

fn work() -> impl Strategy<Value = Work> {
    let claims = prop_oneof![
        2 => prop::collection::vec(claim(), 0..=0),
        8 => prop::collection::vec(claim(), 1..=1),
        2 => prop::collection::vec(claim(), 2..=3),
    ];
    let names = prop::option::weighted(0.3, prop::sample::select(&["Llama-x", "robin"][..]));
    let described = prop::option::weighted(0.3, prop::sample::select(&DESCRIPTIONS[..]));
    let multimodal = prop::option::weighted(0.3, any::<bool>());
    (claims, maker(), 0..8usize, names, described, multimodal, prop::bool::weighted(0.12)).prop_map(
        |(claims, made_by, id, name, described, multimodal, dataset)| {
            let mut work = Work::named(IDS.get(id).copied().unwrap_or(""), Evidence::default());
            work.made_by = made_by;
            work.known = claims.iter().any(|c: &Claim| c.basis == Basis::Catalog);
            work.claims = claims;
            work.name = name.map(str::to_string);
            work.description = described.map(str::to_string);
            if dataset {
                work.kind = WorkKind::Dataset;
            }
            work.facts = multimodal.into_iter().map(|b| ("work.multimodal".to_string(), Value::Bool(b))).collect();
            work
        },
    )
}

/// The step's author, as the lineage engine has it from who made the child.
pub(crate) fn edge(works: &[Work], child: usize, parent: usize, relation: Relation) -> Edge {
    let (by, by_presumed) = match (works[child].made_by, works[child].known) {
        (Some(MadeBy::Organization), _) => (By::Us, false),
        (Some(MadeBy::ThirdParty), _) => (By::Upstream, false),
        (None, known) => (if known { By::Upstream } else { By::Us }, true),
    };
    Edge { child, parent, relation, by, by_presumed, evidence: Evidence::default() }
}

/// One to seven works: each but the first above an earlier one, and up to four steps more, any way round.
pub(crate) fn graph() -> impl Strategy<Value = Graph> {
    let relation = || prop::sample::select(Relation::ALL);
    let index = any::<prop::sample::Index>;
    let more = prop::collection::vec((index(), index(), relation()), 0..=4);
    let works = prop::collection::vec((work(), index(), relation()), 1..=7);
    (works, more).prop_map(|(rows, more)| {
        let mut works: Vec<Work> = rows.iter().map(|(w, _, _)| w.clone()).collect();
        let mut taken = BTreeSet::new();
        for (i, w) in works.iter_mut().enumerate() {
            if w.id.is_empty() || !taken.insert(w.id.clone()) {
                w.id = format!("w{i}");
            }
        }
        let mut edges = Vec::new();
        for (i, (_, below, relation)) in rows.iter().enumerate().skip(1) {
            edges.push(edge(&works, below.index(i), i, *relation));
        }
        for (child, parent, relation) in more {
            let (child, parent) = (child.index(works.len()), parent.index(works.len()));
            edges.push(edge(&works, child, parent, relation));
        }
        Graph { works, edges, subject: 0 }
    })
}

// ---------------------------------------------------------------------------------------------------- deployments

/// For each fact that a user states, the values that tell outcomes apart: both sides of every limit that a license of
/// the list sets, and the plain ones.
static CHOICES: LazyLock<Vec<(FactId, Vec<Value>)>> = LazyLock::new(|| {
    let stated = CATALOG.facts.iter().filter(|(_, f)| f.origin == FactOrigin::Stated);
    stated.map(|(id, def)| (id, choices(id, def))).collect()
});

fn texts(all: &[&str]) -> Vec<Value> {
    all.iter().map(|t| Value::Text((*t).to_string())).collect()
}

fn lists(all: &[&[&str]]) -> Vec<Value> {
    all.iter().map(|l| Value::List(l.iter().map(|t| (*t).to_string()).collect())).collect()
}

fn choices(id: FactId, def: &FactDef) -> Vec<Value> {
    match def.kind {
        FactType::Bool => vec![Value::Bool(false), Value::Bool(true)],
        FactType::Word => def.values.iter().map(|v| Value::Text(v.clone())).collect(),
        FactType::Words => accesses(),
        FactType::Country => texts(&["US", "DE", "CN", "KR", "GB"]),
        FactType::Countries => lists(&[&[], &["US"], &["US", "FR"], &["KR", "CN"]]),
        FactType::Activities => {
            let mut all = lists(&[&[], &[], &[], &["credit"], &["military", "elections"]]);
            all.extend(CATALOG.activities.ids().map(|a| Value::List(vec![a.to_string()])));
            all
        }
        FactType::Text if def.name == "use.litigation" => texts(&["", "", "", "over a patent"]),
        FactType::Text if def.name.ends_with("student_base") => texts(&["meta-llama/Llama-2-7b-hf", "acme/unknown"]),
        FactType::Text => texts(&["a chat model", "an encoder"]),
        FactType::Number | FactType::History => {
            let (mut limits, mut months) = (BTreeSet::new(), BTreeSet::new());
            for law in LICENSES.iter().filter_map(|l| CATALOG.license(l)) {
                for term in &law.terms {
                    for e in term.readings.iter().map(|r| &r.when).chain(&term.unless) {
                        e.limits_on(&CATALOG.facts, id, &mut limits);
                        months_of(e, &mut months);
                    }
                }
            }
            let mut numbers: Vec<i64> = vec![0, 5_000];
            numbers.extend(limits.iter().flat_map(|n| [n / 2 + 1, *n, n.saturating_add(1)]));
            let mut all: Vec<Value> = numbers.iter().map(|n| Value::Number(*n)).collect();
            if def.kind == FactType::History {
                for n in numbers {
                    all.extend(months.iter().map(|m| Value::History(BTreeMap::from([(*m, n)]))));
                    all.push(Value::History(months.iter().map(|m| (*m, n)).collect()));
                }
            }
            all
        }
    }
}

fn months_of(e: &Expr, out: &mut BTreeSet<Month>) {
    match e {
        Expr::Not(inner) => months_of(inner, out),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| months_of(p, out)),
        Expr::Number { left, right, .. } => {
            for q in [left, right] {
                if let Quantity::Fact(_, Some(m)) | Quantity::Sum(_, Some(m)) = q {
                    out.insert(*m);
                }
            }
        }
        _ => {}
    }
}

fn accesses() -> Vec<Value> {
    let mut all = lists(&[&[], &["internal", "hosted-api"], &["weights", "internal"], &["hosted-app", "weights"]]);
    all.extend(Access::ALL.iter().map(|a| Value::List(vec![a.as_str().to_string()])));
    all
}

/// Facts of which silence says something: that nothing is trained on the outputs.
pub(crate) fn of_student(fact: FactId) -> bool {
    CATALOG.facts.get(fact).name.starts_with("use.trains_on_outputs.")
}

pub(crate) fn deployment() -> impl Strategy<Value = Deployment> {
    let each = prop::collection::vec((0..100u32, any::<prop::sample::Index>()), CHOICES.len());
    (each, prop_oneof![1 => 0..=90u32, 2 => 80..=100u32], prop::bool::weighted(0.15)).prop_map(
        |(each, stated, trains)| {
            let mut deployment = Deployment::empty(&CATALOG);
            for ((fact, values), (dice, value)) in CHOICES.iter().zip(each) {
                let def = CATALOG.facts.get(*fact);
                // what silence settles is rarely said; access often, one question of five is enough
                let share = match () {
                    () if of_student(*fact) && !trains => 0,
                    () if def.presumed.is_some() => stated / 4,
                    () if def.name == "use.access" => 85,
                    () => stated,
                };
                if dice < share {
                    deployment.set(&CATALOG, *fact, Some(value.get(values).clone()));
                }
            }
            deployment
        },
    )
}

// ---------------------------------------------------------------------------------------------------- the house

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![4 => Just(None), 2 => Just(Some("2027-01-01")), 2 => Just(Some(ENDED))].prop_map(|until| Entry {
        who: "R. Roe".into(),
        from: BEGAN.into(),
        until: until.map(str::to_string),
        ..Entry::default()
    })
}

fn agreement() -> impl Strategy<Value = Agreement> {
    let works = prop::sample::select(&["*", "*", "w1", "w2", "w*", "meta-llama/*", "nobody/*"][..]);
    let replaces = prop::option::weighted(0.5, prop::sample::select(&LICENSES[..]));
    let (id, uses) = (prop::sample::select(&AGREED[..]), prop::sample::select(&USES[..]));
    (id, works, replaces, uses, entry()).prop_map(|(id, work, replaces, uses, entry)| {
        let text = Spanned { text: uses.into(), span: (0, uses.len()) };
        Agreement {
            id: id.into(),
            license: CATALOG.licenses.iter().position(|l| l.id == agreement_id(id)).unwrap(),
            counterparty: "Acme".into(),
            works: vec![work.into()],
            replaces: replaces.map(|l| CATALOG.license_named(l).unwrap()).into_iter().collect(),
            uses: parse(&text, &CATALOG.scope(), &Sink::new("", uses)).unwrap(),
            uses_written: uses.into(),
            entry,
        }
    })
}

/// Every term that bears several readings, of the licenses and agreements above.
static AMBIGUOUS: LazyLock<Vec<(usize, String, Vec<String>)>> = LazyLock::new(|| {
    let ids: Vec<String> =
        LICENSES.iter().map(|l| (*l).to_string()).chain(AGREED.iter().map(|a| agreement_id(a))).collect();
    let laws = CATALOG.licenses.iter().enumerate().filter(|(_, l)| ids.contains(&l.id));
    let terms = laws.flat_map(|(i, l)| l.terms.iter().map(move |t| (i, t)));
    let several = terms.filter(|(_, t)| t.readings.len() > 1);
    several.map(|(i, t)| (i, t.id.clone(), t.readings.iter().map(|r| r.id.clone()).collect())).collect()
});

pub(crate) fn positions() -> impl Strategy<Value = Vec<Position>> {
    let one = (prop::bool::weighted(0.4), any::<prop::sample::Index>(), entry());
    prop::collection::vec(one, AMBIGUOUS.len()).prop_map(|picks| {
        let taken = AMBIGUOUS.iter().zip(picks).filter(|(_, (taken, _, _))| *taken);
        taken
            .map(|((license, term, readings), (_, pick, entry))| {
                let (term, reading) = (term.clone(), pick.get(readings).clone());
                Position { license: *license, term, reading, entry }
            })
            .collect()
    })
}

pub(crate) fn attestations() -> impl Strategy<Value = Vec<Attestation>> {
    let duties: Vec<(usize, String)> = CATALOG
        .licenses
        .iter()
        .enumerate()
        .filter(|(_, l)| LICENSES.contains(&l.id.as_str()))
        .flat_map(|(i, l)| {
            l.terms.iter().filter_map(move |t| match &t.effect {
                Effect::Duty(d) => Some((i, d.code.clone())),
                _ => None,
            })
        })
        .collect();
    let count = duties.len();
    prop::collection::vec((prop::bool::weighted(0.5), entry()), count).prop_map(move |picks| {
        let taken = duties.iter().zip(picks).filter(|(_, (taken, _))| *taken);
        taken
            .map(|((license, code), (_, entry))| Attestation {
                code: code.clone(),
                license: *license,
                artifact: "models/*".into(),
                sha256: String::new(),
                entry,
            })
            .collect()
    })
}

pub(crate) fn agreements() -> impl Strategy<Value = Vec<Agreement>> {
    prop::collection::vec(agreement(), 0..=3)
}

fn house() -> impl Strategy<Value = House> {
    let some = (agreements(), positions());
    (prop::option::weighted(0.5, some)).prop_map(|some| {
        let (agreements, positions) = some.unwrap_or_default();
        House { day: DAY.into(), agreements, positions, attestations: Vec::new() }
    })
}

pub(crate) fn random() -> impl Strategy<Value = Random> {
    let said = prop_oneof![8 => Just(None), 1 => Just(Some(MadeBy::Organization)), 1 => Just(Some(MadeBy::ThirdParty))];
    (graph(), deployment(), said, house()).prop_map(|(graph, deployment, made_by, house)| Random {
        graph,
        made_by,
        deployment,
        house,
    })
}

/// A random work for the tests that add one.
pub(crate) fn one_work() -> impl Strategy<Value = Work> {
    work()
}
