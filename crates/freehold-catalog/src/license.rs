//! A license as terms, and the use policies it incorporates.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use freehold_base::{By, Covers, Relation};

use crate::condition::{Expr, Scope, parse};
use crate::document::{Node, Sink, Spanned, Table};
use crate::obligations::Obligations;

macro_rules! word_set {
    ($(#[$meta:meta])* $set:ident of $(#[$emeta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$emeta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant,)* }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// Every word, in order.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];
            /// The word used in data files and on every public surface.
            pub fn as_str(self) -> &'static str { match self { $($name::$variant => $word,)* } }
            /// The inverse of `as_str`.
            pub fn parse(word: &str) -> Option<$name> { match word { $($word => Some($name::$variant),)* _ => None } }
        }
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $set(u16);
        impl $set {
            /// The set with these members.
            pub fn of(members: &[$name]) -> $set { members.iter().fold($set::default(), |s, m| s.with(*m)) }
            /// The set with one member more.
            #[must_use]
            pub fn with(self, m: $name) -> $set { $set(self.0 | 1 << m as u8) }
            /// True for a member.
            pub fn has(self, m: $name) -> bool { self.0 & (1 << m as u8) != 0 }
            /// True where the two share a member.
            pub fn overlaps(self, other: $set) -> bool { self.0 & other.0 != 0 }
            /// Both together.
            #[must_use]
            pub fn union(self, other: $set) -> $set { $set(self.0 | other.0) }
            /// True for no member.
            pub fn is_empty(self) -> bool { self.0 == 0 }
            /// Members, in order.
            pub fn iter(self) -> impl Iterator<Item = $name> { $name::ALL.iter().copied().filter(move |m| self.has(*m)) }
        }
    };
}

word_set! {
    /// A set of acts.
    Acts of
    /// What a license may grant.
    Act {
        /// Running it.
        Use = "use",
        /// Copying it.
        Copy = "copy",
        /// Fine-tuning, merging, quantizing, converting it.
        Modify = "modify",
        /// Handing copies to others.
        Distribute = "distribute",
        /// Letting others use it without a copy.
        MakeAvailable = "make-available",
        /// Granting the license on.
        Sublicense = "sublicense",
        /// Training a model on its outputs.
        TrainOnOutputs = "train-on-outputs",
    }
}

word_set! {
    /// A set of standings.
    Standings of
    /// What the subject is to a licensed work, in that license's own words.
    Standing {
        /// The licensed work itself.
        Materials = "materials",
        /// A derivative of it.
        Derivative = "derivative",
        /// Contains it as a component.
        Product = "product",
        /// Trained on its outputs, where the license names such models.
        OutputTrained = "output-trained",
        /// Our use trains another model on its outputs.
        Student = "student",
    }
}

/// A bit set of relations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relations(u16);

impl Relations {
    /// The set with these members.
    pub fn of(members: &[Relation]) -> Relations {
        Relations(members.iter().fold(0, |s, r| s | 1 << *r as u8))
    }
    /// True for a member.
    pub fn has(self, r: Relation) -> bool {
        self.0 & (1 << r as u8) != 0
    }
    /// True for no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One text of a license.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Edition {
    /// Id of the text, as `identify` answers.
    pub text: String,
    /// Date, `YYYY-MM-DD`.
    pub date: String,
    /// The day another edition replaced it.
    pub until: Option<String>,
    /// The publisher's own address.
    pub url: Option<String>,
    /// What differs from the edition before.
    pub differs: Option<String>,
    /// Where the text was read, where no copy is in the collection that quotes are checked against.
    pub read_at: Option<String>,
}

/// What a model trained on outputs is to the license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputTrained {
    /// A derivative.
    Derivative,
    /// Named by some terms only.
    NamedOnly,
    /// Not reached.
    None,
}

/// What a step makes of the licensed work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reach {
    /// Steps that make a derivative.
    pub derivative: Relations,
    /// Training on outputs, and the condition under which it is reached (`true` where none is stated).
    pub output_trained: (OutputTrained, Expr),
    /// True where a product that merely uses the work counts, not only one that contains it.
    pub product_uses: bool,
}

/// One way to read a term.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reading {
    /// Kebab-case id; empty where the term has one reading only.
    pub id: String,
    /// The reading in a sentence.
    pub says: String,
    /// When it bites.
    pub when: Expr,
    /// The condition as it is written in the file; empty = always.
    pub written: String,
}

/// What an earlier author's step means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upstream {
    /// Nothing.
    None,
    /// It may.
    Arguable,
}

/// A duty's own fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Duty {
    /// A code of `obligations.toml`.
    pub code: String,
    /// Exactly what must appear.
    pub text: Option<String>,
    /// Where.
    pub places: Vec<String>,
    /// The prefix that the model's name must have.
    pub name_prefix: Option<String>,
    /// A wider condition under which it may be owed.
    pub arguable: Option<Expr>,
    /// The same as it is written in the file.
    pub arguable_written: Option<String>,
    /// Only who took a step owes it.
    pub by_us: bool,
    /// The steps that trigger it; empty = any.
    pub steps: Relations,
    /// The steps that may trigger it.
    pub steps_arguable: Relations,
    /// What an earlier author's step means for us.
    pub upstream: Upstream,
}

/// What we may put on our own layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Requires {
    /// Terms that do not conflict.
    NoConflict,
    /// The same license.
    SameLicense,
    /// Terms that carry the restrictions.
    IncludesRestrictions,
}

/// What a term does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Effect {
    /// Grants acts.
    Grant(Acts),
    /// Withholds acts.
    Forbid(Acts),
    /// Sends the user to the licensor for acts.
    LicenseNeeded(Acts),
    /// Ends the license.
    EndsGrant,
    /// Asks for something.
    Duty(Box<Duty>),
    /// Limits our own license.
    Outbound(Requires),
    /// Says something that is never weighed.
    Information(String),
}

/// One rule of a license or a use policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Term {
    /// Unique in its file.
    pub id: String,
    /// As the text numbers it.
    pub clause: String,
    /// The operative words, verbatim.
    pub quote: String,
    /// What it does.
    pub effect: Effect,
    /// Standings it applies to.
    pub reach: Standings,
    /// Editions it stands in (text ids); empty = all.
    pub editions: Vec<String>,
    /// Where the work must be of these; empty = any.
    pub covers: Vec<Covers>,
    /// When it bites; one reading, or the ones that the text bears.
    pub readings: Vec<Reading>,
    /// What switches it off.
    pub unless: Option<Expr>,
    /// The same as it is written in the file.
    pub unless_written: Option<String>,
    /// The subject of the rule, in the words of `[absent]`.
    pub topic: Option<String>,
    /// For a term on our own license: ids of other licenses that it takes as well (`cc-by-sa-4.0`).
    pub accepts: Vec<String>,
    /// A sentence for the reader.
    pub note: Option<String>,
    /// Only where we took the step.
    pub by_us: bool,
    /// Index into [`License::policies`]' items' policy; `None` for a term of the license itself.
    pub policy: Option<usize>,
}

impl Term {
    /// What it is about, in the words of `[absent]`: its own topic, or that of what it informs of.
    pub fn subject(&self) -> Option<&str> {
        match (&self.topic, &self.effect) {
            (Some(t), _) | (None, Effect::Information(t)) => Some(t),
            _ => None,
        }
    }

    /// True where the term stands in this edition's text.
    pub fn stands_in(&self, edition: &str) -> bool {
        self.editions.is_empty() || self.editions.iter().any(|e| e == edition)
    }
}

/// How much a license limits, for "more permissive than".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Strictness {
    /// Duties at most.
    Open,
    /// Some uses, users or territories are out.
    Restricted,
    /// Granted for some purposes only.
    PurposeLimited,
}

/// How a license fares in a published test of openness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Openness {
    /// It passes, as far as a license can.
    Met,
    /// A clause fails it.
    NotMet,
    /// The text bears both.
    Unclear,
}

impl Openness {
    /// The words of the data files.
    pub const WORDS: &'static [&'static str] = &["met", "not-met", "unclear"];

    /// The word used in data files and on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Openness::Met => "met",
            Openness::NotMet => "not-met",
            Openness::Unclear => "unclear",
        }
    }

    fn parse(word: &str) -> Option<Openness> {
        [Openness::Met, Openness::NotMet, Openness::Unclear].into_iter().find(|o| o.as_str() == word)
    }
}

/// One test of openness: how the license fares, the clause that decides, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpennessTest {
    /// How it fares.
    pub test: Openness,
    /// The clause that decides; empty where no clause limits anything.
    pub clause: String,
    /// A sentence.
    pub why: String,
}

/// What others call open source, each by its own test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSource {
    /// On the Open Source Initiative's list of approved licenses.
    pub osi_approved: bool,
    /// The freedoms of the Open Source AI Definition 1.0 (use for any purpose without asking, study, modify, share), as
    /// far as a license can grant them.
    pub osaid: OpennessTest,
    /// The license test of the European Commission's guidelines on general-purpose AI models, paragraphs 76 to 92.
    pub eu: OpennessTest,
}

/// Who read the encoding against the text, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// unreviewed, engineer or counsel.
    pub level: String,
    /// Who.
    pub by: String,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
}

/// A license in law.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct License {
    /// The file it was read from, as the loader was given it (`licenses/mit.toml`; an overlay's with its folder).
    pub file: String,
    /// The id in verdicts, policies and cases; the file's name.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Who grants it.
    pub licensor: String,
    /// SPDX id or `LicenseRef-…`.
    pub spdx: String,
    /// Versions of one license share it.
    pub family: String,
    /// Spellings in the wild.
    pub aliases: Vec<String>,
    /// Tags under which it travels though the text differs.
    pub looks_like: Vec<String>,
    /// What it covers.
    pub covers: Vec<Covers>,
    /// Ids of the use policies that it incorporates.
    pub policies: Vec<String>,
    /// True for terms that bind beside a license and grant nothing themselves: no grant is needed of them.
    pub beside: bool,
    /// Where a separate license is asked for.
    pub contact: Option<String>,
    /// Who read the encoding against the text.
    pub review: Review,
    /// What others call open source; `None` = not yet looked at.
    pub open_source: Option<OpenSource>,
    /// Texts, oldest first.
    pub editions: Vec<Edition>,
    /// What steps make of the work.
    pub reach: Reach,
    /// Its terms, and the items of its policies after them.
    pub terms: Vec<Term>,
    /// Read for and not there.
    pub absent: Vec<String>,
    /// How much it limits.
    pub strictness: Strictness,
    /// True for the terms of an agreement of the organization's own ([`crate::Catalog::add_agreement`]): no tag and no
    /// text names it.
    pub agreement: bool,
    /// For an agreement: the id of the license that its terms were taken from.
    pub like: Option<String>,
}

impl License {
    /// True where a term on our own license takes `other` in this license's place (a later version).
    pub fn accepts(&self, other: &str) -> bool {
        self.terms.iter().any(|t| t.accepts.iter().any(|a| a == other))
    }

    /// The edition in force: the last without an end.
    pub fn edition_in_force(&self) -> Option<&Edition> {
        self.editions.iter().rev().find(|e| e.until.is_none()).or(self.editions.last())
    }
}

/// A use policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// The file it was read from.
    pub file: String,
    /// The file's name.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Id of the text its quotes stand in.
    pub text: String,
    /// The publisher's own address.
    pub url: Option<String>,
    /// How it may change.
    pub changes: Option<String>,
    /// Its lines.
    pub items: Vec<Term>,
}

/// What `[absent]` and `topic` may name.
pub const TOPICS: &[&str] = &[
    "user-test",
    "revenue-test",
    "non-commercial",
    "territory-limit",
    "use-policy",
    "outputs-training-ban",
    "attribution",
    "name-prefix",
    "notice-file",
    "include-license-copy",
    "preserve-copyright",
    "state-changes",
    "pass-through-terms",
    "require-user-compliance",
    "share-alike",
    "publish-source",
    "network-source",
    "hosting-rule",
    "patent-grant",
    "trademark",
    "litigation-clause",
    "termination",
    "governing-law",
    "unilateral-change",
    "registration",
    "reporting",
    "royalty",
    "disclosure",
];

/// What `information` may be about, besides [`TOPICS`].
const INFORMATION: &[&str] = &[
    "survival",
    "unilateral-restriction",
    "outputs-ownership",
    "derivative-ownership",
    "feedback",
    "indemnity",
    "warranty",
    "liability",
    "updates",
    "trade-compliance",
    "gated-access",
    "licensor-entity",
    "outbound",
    "sublicense",
    "severability",
];

/// Most words that a quote may have.
pub const QUOTE_WORDS_MAX: usize = 25;

/// What a license or policy file is read against.
pub(crate) struct Law<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) obligations: &'a Obligations,
}

pub(crate) fn load_license(root: &Node, stem: &str, law: &Law<'_>, sink: &Sink<'_>) -> Option<License> {
    let top = Table::open(root, stem, sink)?;
    schema(&top, "freehold.license/1");
    let head = top.table("license").or_else(|| {
        top.missing("license");
        None
    })?;
    let mut license = license_head(&head, stem, sink);
    license.editions = top.tables("edition").into_iter().map(edition).collect();
    if license.editions.is_empty() {
        sink.error("missing-key", head.span, "a license needs at least one `[[edition]]`");
    }
    head.finish();

    let mut defines = law.scope.defines.to_vec();
    if let Some(define) = top.table("define") {
        for (key, node) in define.entries() {
            if let crate::document::NodeValue::Text(t) = &node.value {
                let scope = Scope { defines: &defines, ..law.scope };
                let source = Spanned { text: t.clone(), span: node.span };
                if let Some(e) = parse(&source, &scope, sink) {
                    defines.push((key.name.clone(), e));
                }
            } else {
                sink.error("wrong-type", node.span, "a definition must be a condition in quotes");
            }
        }
    }
    let scope = Scope { defines: &defines, ..law.scope };
    if let Some(reach) = top.table("reach") {
        license.reach = load_reach(reach, &scope, sink);
    } else {
        top.missing("reach");
    }
    license.open_source = top.table("open-source").map(load_open_source);
    let editions: Vec<&str> = license.editions.iter().map(|e| e.text.as_str()).collect();
    let mut ids = BTreeSet::new();
    for row in top.tables("term") {
        let term = load_term(row, &scope, law.obligations, &editions, sink);
        if !ids.insert(term.id.clone()) {
            sink.error("duplicate", root.span, format!("two terms are called `{}`", term.id));
        }
        license.terms.push(term);
    }
    if let Some(absent) = top.table("absent") {
        let clauses = absent.texts("clauses");
        for c in &clauses {
            if !TOPICS.contains(&c.text.as_str()) {
                crate::document::unknown_word(sink, "clauses", c, TOPICS.iter().copied());
            }
        }
        check_partition(&license, &clauses, absent.span, sink);
        license.absent = clauses.into_iter().map(|c| c.text).collect();
        absent.finish();
    } else {
        top.missing("absent");
    }
    if !license.beside && !license.terms.iter().any(|t| matches!(t.effect, Effect::Grant(_))) {
        sink.error("no-grant", root.span, "a license without a grant permits nothing; encode what it grants");
    }
    license.strictness = strictness(&license.terms);
    top.finish();
    Some(license)
}

fn schema(top: &Table<'_, '_>, wanted: &str) {
    let found = top.need("schema");
    if !found.text.is_empty() && found.text != wanted {
        let message = format!("schema `{}` is not known here; expected `{wanted}`", found.text);
        top.sink().error("unknown-schema", found.span, message);
    }
}

fn license_head(head: &Table<'_, '_>, stem: &str, sink: &Sink<'_>) -> License {
    let id = head.need("id");
    if !id.text.is_empty() && id.text != stem {
        sink.error("id-differs", id.span, format!("`id` must be the file's name, `{stem}`"));
    }
    let list = |key| head.texts(key).into_iter().map(|s| s.text).collect::<Vec<_>>();
    let review = head.table("review");
    let mut read_by = Review { level: "unreviewed".into(), by: String::new(), date: String::new() };
    if let Some(r) = review {
        let words = &["unreviewed", "engineer", "counsel"];
        let level = r.word("level", words, |w| words.iter().find(|l| **l == w).map(|l| l.to_string()));
        read_by = Review { level: level.unwrap_or(read_by.level), by: r.need("by").text, date: r.need("date").text };
        r.finish();
    }
    License {
        file: sink.file.to_string(),
        name: head.need("name").text,
        licensor: head.need("licensor").text,
        spdx: head.need("spdx").text,
        family: head.text("family").map_or_else(|| id.text.clone(), |t| t.text),
        aliases: list("aliases"),
        looks_like: list("looks-like"),
        covers: head.words("covers", &covers_words(), Covers::parse),
        policies: list("policies"),
        beside: head.bool("beside").unwrap_or(false),
        contact: head.text("contact").map(|t| t.text),
        review: read_by,
        open_source: None,
        editions: Vec::new(),
        reach: Reach {
            derivative: Relations::default(),
            output_trained: (OutputTrained::None, Expr::Const(true)),
            product_uses: false,
        },
        terms: Vec::new(),
        absent: Vec::new(),
        strictness: Strictness::Open,
        agreement: false,
        like: None,
        id: id.text,
    }
}

fn covers_words() -> Vec<&'static str> {
    Covers::ALL.iter().map(|c| c.as_str()).collect()
}

fn relation_words() -> Vec<&'static str> {
    Relation::ALL.iter().map(|r| r.as_str()).collect()
}

fn load_open_source(table: Table<'_, '_>) -> OpenSource {
    let test = |key: &'static str| {
        let Some(row) = table.table(key) else {
            table.missing(key);
            return OpennessTest { test: Openness::Unclear, clause: String::new(), why: String::new() };
        };
        let test = row.word("test", Openness::WORDS, Openness::parse).unwrap_or(Openness::Unclear);
        let words = |t: Option<Spanned>| t.map(|t| t.text).unwrap_or_default();
        let found = OpennessTest { test, clause: words(row.text("clause")), why: words(row.text("why")) };
        if test != Openness::Met && (found.clause.is_empty() || found.why.is_empty()) {
            row.missing("clause` and `why");
        }
        row.finish();
        found
    };
    let approved = table.word("osi", &["approved", "not-approved"], |w| Some(w == "approved"));
    if table.get("osi").is_none() {
        table.missing("osi");
    }
    let open = OpenSource { osi_approved: approved.unwrap_or(false), osaid: test("osaid"), eu: test("eu") };
    table.finish();
    open
}

fn edition(row: Table<'_, '_>) -> Edition {
    let e = Edition {
        text: row.need("text").text,
        date: row.need("date").text,
        until: row.text("until").map(|t| t.text),
        url: row.text("url").map(|t| t.text),
        differs: row.text("differs").map(|t| t.text),
        read_at: row.text("read-at").map(|t| t.text),
    };
    row.text("sha256");
    row.finish();
    e
}

pub(crate) fn load_reach(reach: Table<'_, '_>, scope: &Scope<'_>, sink: &Sink<'_>) -> Reach {
    let derivative = reach.words("derivative", &relation_words(), Relation::parse);
    let mut output_trained = (OutputTrained::None, Expr::Const(true));
    if let Some(o) = reach.table("output-trained") {
        let words = &["derivative", "named-only", "none"];
        if let Some(standing) = o.word("standing", words, |w| match w {
            "derivative" => Some(OutputTrained::Derivative),
            "named-only" => Some(OutputTrained::NamedOnly),
            "none" => Some(OutputTrained::None),
            _ => None,
        }) {
            output_trained.0 = standing;
        } else if o.get("standing").is_none() {
            o.missing("standing");
        }
        if let Some(e) = o.text("when").and_then(|w| parse(&w, scope, sink)) {
            output_trained.1 = e;
        }
        o.text("note");
        o.finish();
    }
    let product_uses = reach.word("product", &["contains", "uses"], |w| match w {
        "contains" => Some(false),
        "uses" => Some(true),
        _ => None,
    });
    reach.text("clause");
    reach.text("note");
    reach.finish();
    Reach { derivative: Relations::of(&derivative), output_trained, product_uses: product_uses.unwrap_or(false) }
}

const EFFECTS: &[&str] = &["grant", "forbid", "license-needed", "ends-grant", "duty", "outbound", "information"];

pub(crate) fn load_term(
    row: Table<'_, '_>,
    scope: &Scope<'_>,
    obligations: &Obligations,
    editions: &[&str],
    sink: &Sink<'_>,
) -> Term {
    let condition = |key: &'static str| row.text(key).and_then(|s| parse(&s, scope, sink));
    let effect_word = row.word("effect", EFFECTS, |w| EFFECTS.iter().find(|e| **e == w).copied());
    if row.get("effect").is_none() {
        row.missing("effect");
    }
    let acts = |key: &'static str| Acts::of(&row.words(key, Act::WORDS, Act::parse));
    let blocks = match acts("blocks") {
        none if none.is_empty() => Acts::of(Act::ALL),
        some => some,
    };
    let by_us = row.word("by", &["us"], |w| (w == "us").then_some(By::Us)).is_some();
    let duty = duty_fields(&row, scope, sink, by_us);
    let effect = match effect_word.unwrap_or("information") {
        "grant" => Effect::Grant(acts("acts")),
        "forbid" => Effect::Forbid(blocks),
        "license-needed" => Effect::LicenseNeeded(blocks),
        "ends-grant" => Effect::EndsGrant,
        "duty" => {
            let code = row.need("code");
            if !obligations.knows(&code.text) {
                crate::document::unknown_word(sink, "code", &code, obligations.codes().collect::<Vec<_>>());
            }
            Effect::Duty(Box::new(Duty { code: code.text, ..duty }))
        }
        "outbound" => Effect::Outbound(
            row.word("requires", &["no-conflict", "same-license", "includes-restrictions"], |w| match w {
                "no-conflict" => Some(Requires::NoConflict),
                "same-license" => Some(Requires::SameLicense),
                "includes-restrictions" => Some(Requires::IncludesRestrictions),
                _ => None,
            })
            .unwrap_or(Requires::NoConflict),
        ),
        _ => Effect::Information(row.text("topic").map(|t| t.text).unwrap_or_default()),
    };
    row.get("acts");
    row.get("code");
    row.get("requires");
    let accepts: Vec<String> = row.texts("accepts").into_iter().map(|a| a.text).collect();
    if !accepts.is_empty() && !matches!(effect, Effect::Outbound(_)) {
        let span = row.need("effect").span;
        sink.error("accepts-nothing", span, "`accepts` belongs to a term whose effect is `outbound`");
    }
    let topic = row.text("topic");
    if let Some(t) = &topic {
        let known: Vec<&str> = TOPICS.iter().chain(INFORMATION).copied().collect();
        if !known.contains(&t.text.as_str()) {
            crate::document::unknown_word(sink, "topic", t, known);
        }
    }
    let reach = Standings::of(&row.words("reach", Standing::WORDS, Standing::parse));
    if reach.is_empty() && matches!(effect, Effect::Duty(_)) {
        row.missing("reach");
    }
    let editions_of = row.texts("editions");
    for e in &editions_of {
        if !editions.contains(&e.text.as_str()) {
            crate::document::unknown_word(sink, "editions", e, editions.iter().copied());
        }
    }
    let quote = row.need("quote");
    check_quote(&quote, sink);
    let clause = row.need("clause");
    if clause.text.is_empty() {
        sink.error("no-clause", clause.span, "a term without a clause cannot be cited");
    }
    let readings = readings(&row, condition("when"), scope, sink);
    let term = Term {
        id: row.need("id").text,
        clause: clause.text,
        quote: quote.text,
        effect,
        reach: if reach.is_empty() { default_reach() } else { reach },
        editions: editions_of.into_iter().map(|e| e.text).collect(),
        covers: row.words("covers", &covers_words(), Covers::parse),
        readings,
        unless: condition("unless"),
        unless_written: row.text("unless").map(|t| t.text),
        topic: topic.map(|t| t.text),
        accepts,
        note: row.text("note").map(|t| t.text),
        by_us,
        policy: None,
    };
    row.finish();
    term
}

fn default_reach() -> Standings {
    Standings::of(&[Standing::Materials, Standing::Derivative, Standing::Product])
}

fn duty_fields(row: &Table<'_, '_>, scope: &Scope<'_>, sink: &Sink<'_>, by_us: bool) -> Duty {
    let relations = |key: &'static str| Relations::of(&row.words(key, &relation_words(), Relation::parse));
    let places = match row.get("places") {
        Some(Node { value: crate::document::NodeValue::Table(_), .. }) => {
            row.table("places").map(|t| t.texts("any-of").into_iter().map(|s| s.text).collect()).unwrap_or_default()
        }
        Some(_) => row.texts("places").into_iter().map(|s| s.text).collect(),
        None => Vec::new(),
    };
    let mut name_prefix = None;
    if let Some(check) = row.table("check") {
        name_prefix = check.text("name-starts-with").map(|t| t.text);
        check.get("notice");
        check.get("words");
        check.get("attest");
        check.finish();
    }
    let upstream = row
        .word("upstream", &["arguable", "none"], |w| match w {
            "arguable" => Some(Upstream::Arguable),
            "none" => Some(Upstream::None),
            _ => None,
        })
        .unwrap_or(Upstream::None);
    Duty {
        code: String::new(),
        text: row.text("text").map(|t| t.text),
        places,
        name_prefix,
        arguable: row.text("arguable").and_then(|s| parse(&s, scope, sink)),
        arguable_written: row.text("arguable").map(|t| t.text),
        by_us,
        steps: relations("steps"),
        steps_arguable: relations("steps-arguable"),
        upstream,
    }
}

fn readings(row: &Table<'_, '_>, when: Option<Expr>, scope: &Scope<'_>, sink: &Sink<'_>) -> Vec<Reading> {
    let rows = row.tables("reading");
    if rows.len() == 1 {
        sink.error("one-reading", row.span, "one reading is no ambiguity; write `when`, or add the other reading");
    }
    if rows.is_empty() {
        let when = when.unwrap_or(Expr::Const(true));
        let written = row.text("when").map(|t| t.text).unwrap_or_default();
        return vec![Reading { id: String::new(), says: String::new(), when, written }];
    }
    if row.get("when").is_some() {
        sink.error("two-conditions", row.span, "`when` and `[[term.reading]]` exclude each other");
    }
    let mut out = Vec::new();
    for r in rows {
        let source = r.need("when");
        let when = parse(&source, scope, sink).unwrap_or(Expr::Const(true));
        out.push(Reading { id: r.need("id").text, says: r.need("says").text, when, written: source.text });
        r.finish();
    }
    out
}

fn check_quote(quote: &Spanned, sink: &Sink<'_>) {
    let words = quote.text.split_whitespace().count();
    if words > QUOTE_WORDS_MAX {
        sink.error(
            "long-quote",
            quote.span,
            format!("a quote of {words} words; at most {QUOTE_WORDS_MAX} are committed"),
        );
    }
}

/// Every subject is covered by a term or listed as absent, never both.
fn check_partition(license: &License, absent: &[Spanned], span: crate::document::Span, sink: &Sink<'_>) {
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    for term in &license.terms {
        if let Some(t) = &term.topic {
            covered.insert(t);
        }
        if let Effect::Duty(d) = &term.effect {
            covered.extend(topic_of_code(&d.code));
        }
    }
    if !license.policies.is_empty() {
        covered.insert("use-policy");
    }
    let listed: BTreeSet<&str> = absent.iter().map(|c| c.text.as_str()).collect();
    for topic in TOPICS {
        match (covered.contains(topic), listed.contains(topic)) {
            (true, true) => {
                sink.error("absent-and-there", span, format!("`{topic}` is listed as absent, and a term covers it"));
            }
            (false, false) => {
                sink.error("not-read-for", span, format!("no term covers `{topic}`, and it is not listed as absent"));
            }
            _ => {}
        }
    }
}

/// The subject that a duty's code settles.
fn topic_of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "register-with-licensor" => "registration",
        "report-to-licensor" => "reporting",
        "pay-royalty" => "royalty",
        "disclose-ai-generated" => "disclosure",
        "aup-compliance" => "use-policy",
        c if c.starts_with("attribution-") => "attribution",
        c if c.starts_with("name-prefix-") => "name-prefix",
        c => TOPICS.iter().find(|t| **t == c).copied()?,
    })
}

pub(crate) fn strictness(terms: &[Term]) -> Strictness {
    let unconditional = Expr::Const(true);
    let open_grant = |act: Act| {
        terms.iter().any(|t| {
            matches!(&t.effect, Effect::Grant(acts) if acts.has(act))
                && t.readings.iter().any(|r| r.when == unconditional)
        })
    };
    let limits = |t: &Term| match &t.effect {
        Effect::Forbid(_) => true,
        Effect::LicenseNeeded(_) => true,
        Effect::Duty(d) => d.code == "aup-compliance",
        _ => false,
    };
    if !open_grant(Act::Use) {
        Strictness::PurposeLimited
    } else if terms.iter().any(limits) {
        Strictness::Restricted
    } else {
        Strictness::Open
    }
}

pub(crate) fn load_policy(root: &Node, stem: &str, law: &Law<'_>, sink: &Sink<'_>) -> Option<Policy> {
    let top = Table::open(root, stem, sink)?;
    schema(&top, "freehold.policy-text/1");
    let head = top.table("policy").or_else(|| {
        top.missing("policy");
        None
    })?;
    let id = head.need("id");
    if id.text != stem {
        sink.error("id-differs", id.span, format!("`id` must be the file's name, `{stem}`"));
    }
    head.texts("of");
    let mut policy = Policy {
        file: sink.file.to_string(),
        name: head.text("name").map_or_else(|| id.text.clone(), |t| t.text),
        text: head.text("text").map_or_else(|| id.text.clone(), |t| t.text),
        url: head.text("url").map(|t| t.text),
        changes: head.text("changes").map(|t| t.text),
        items: Vec::new(),
        id: id.text,
    };
    head.text("note");
    head.text("date");
    head.finish();
    let mut ids = BTreeSet::new();
    for row in top.tables("item") {
        let item = load_item(row, &law.scope, sink);
        if !ids.insert(item.id.clone()) {
            sink.error("duplicate", root.span, format!("two items are called `{}`", item.id));
        }
        policy.items.push(item);
    }
    top.finish();
    Some(policy)
}

fn load_item(row: Table<'_, '_>, scope: &Scope<'_>, sink: &Sink<'_>) -> Term {
    let quote = row.need("quote");
    check_quote(&quote, sink);
    let forbids = row.texts("forbids");
    let when = row.text("when").and_then(|s| parse(&s, scope, sink));
    let has_condition = when.is_some() || row.get("reading").is_some();
    let readings = if has_condition {
        readings(&row, when, scope, sink)
    } else {
        let when = item_condition(&forbids, &row.texts("near"), scope, sink);
        let words: Vec<String> = forbids.iter().map(|f| format!("\"{}\"", f.text)).collect();
        let written = format!("use.activities overlaps [{}]", words.join(", "));
        vec![Reading { id: String::new(), says: String::new(), when, written }]
    };
    row.get("near");
    let information = row
        .word("effect", &["forbid", "information"], |w| ["forbid", "information"].iter().position(|x| *x == w))
        .is_some_and(|i| i == 1);
    let nothing = !has_condition && forbids.is_empty();
    let term = Term {
        id: row.need("id").text,
        clause: row.need("clause").text,
        quote: quote.text,
        effect: if information || nothing {
            Effect::Information("use-policy".into())
        } else {
            Effect::Forbid(Acts::of(Act::ALL))
        },
        reach: match row.get("reach") {
            Some(_) => Standings::of(&row.words("reach", Standing::WORDS, Standing::parse)),
            None => default_reach(),
        },
        editions: Vec::new(),
        covers: Vec::new(),
        readings,
        unless: row.text("unless").and_then(|s| parse(&s, scope, sink)),
        unless_written: row.text("unless").map(|t| t.text),
        topic: None,
        accepts: Vec::new(),
        note: row.text("note").map(|t| t.text),
        by_us: false,
        policy: Some(0),
    };
    row.finish();
    term
}

fn item_condition(forbids: &[Spanned], near: &[Spanned], scope: &Scope<'_>, sink: &Sink<'_>) -> Expr {
    let Some(fact) = scope.facts.find("use.activities") else { return Expr::Const(false) };
    let mask = |words: &[Spanned], below: bool| {
        words.iter().fold(crate::ActivityMask::default(), |m, w| match scope.activities.below(&w.text) {
            Some(tree) => m.union(if below { tree } else { scope.activities.stated(std::slice::from_ref(&w.text)) }),
            None => {
                crate::document::unknown_word(sink, "forbids", w, scope.activities.ids());
                m
            }
        })
    };
    let named = mask(forbids, true);
    let near = scope.activities.near(named).union(mask(near, false));
    Expr::Activities { fact, named, near }
}
