//! `freehold.report/1` and `freehold.assessment/1`.

use schemars::JsonSchema;
use serde::Serialize;

/// What `check --format json` prints: one assessment a subject, and their sum.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// `freehold.report/1`.
    pub schema: String,
    /// One a subject.
    pub assessments: Vec<Assessment>,
    /// Counts.
    pub summary: Summary,
}

/// Counts over a report.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Number of subjects.
    pub subjects: usize,
    /// Prohibited.
    pub prohibited: usize,
    /// Needs a separate license.
    pub needs_separate_license: usize,
    /// A fact decides.
    pub undetermined: usize,
    /// Counsel decides.
    pub needs_review: usize,
    /// Permitted, with duties.
    pub permitted_with_obligations: usize,
    /// Permitted.
    pub permitted: usize,
    /// Subjects whose release lacks an owed duty.
    pub unmet: usize,
    /// Subjects that the organization's policy denies; absent where there is no policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_denied: Option<usize>,
    /// Subjects that the policy wants a person to see; absent where there is no policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_review: Option<usize>,
    /// The exit status that the command ends with.
    pub exit: u8,
}

/// One subject's answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Assessment {
    /// `freehold.assessment/1`.
    pub schema: String,
    /// The case's id, or the subject's.
    pub id: String,
    /// What was assessed.
    pub subject: Subject,
    /// The day of the question, `YYYY-MM-DD`.
    pub as_of: String,
    /// prohibited, needs-separate-license, undetermined, needs-review, permitted-with-obligations, permitted.
    pub verdict: String,
    /// Worst and best outcome that the open questions leave.
    pub verdict_range: VerdictRange,
    /// The outcome for each way in which the model reaches people.
    pub by_access: Vec<ByAccess>,
    /// True where no access was stated; `by_access` then holds all five.
    pub access_open: bool,
    /// Open questions of the law or of the facts.
    pub gaps: Vec<Gap>,
    /// The terms that limit the outcome, worst first.
    pub limits: Vec<Limit>,
    /// What to answer next, most decisive first.
    pub questions: Vec<Question>,
    /// Presumptions that the outcome leans on.
    pub assumptions: Vec<Assumption>,
    /// Licenses that govern, and statements that were set aside.
    pub licenses: Vec<License>,
    /// Choices made among licenses.
    pub elections: Vec<Election>,
    /// What is owed.
    pub obligations: Vec<Obligation>,
    /// What is wrong or worth knowing.
    pub findings: Vec<Finding>,
    /// Entries of the organization's own law (agreements, positions, attestations) that are about the case.
    pub house: Vec<HouseUse>,
    /// What the organization's policy says of it; absent where there is none. It changes nothing of the above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<crate::Policy>,
    /// What a register says of it (`--register`); absent where none was asked. It changes nothing of the above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<crate::Gate>,
    /// What it was made from.
    pub lineage: Lineage,
    /// What was not looked at.
    pub not_read: Vec<String>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// The law that was applied.
    pub catalog: CatalogVersion,
    /// The program and its version.
    pub engine: String,
}

/// What was assessed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Subject {
    /// Repository id or name.
    pub id: String,
    /// The name it is shipped under, where stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it lies; empty for a case.
    pub path: String,
    /// What it is.
    pub kind: String,
    /// Number of files.
    pub files: usize,
    /// Size of all files, in bytes.
    pub bytes_total: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// For an assembly: the works that it holds side by side, each assessed by itself too; absent for a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
}

/// Worst and best: prohibited, needs-separate-license or permitted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VerdictRange {
    /// If every open question falls against us.
    pub worst: String,
    /// If every open question falls for us.
    pub best: String,
}

/// The outcome for one access.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ByAccess {
    /// internal, hosted-api, hosted-app, embedded-product, weights.
    pub access: String,
    /// The verdict.
    pub verdict: String,
    /// Its range.
    pub verdict_range: VerdictRange,
}

/// An open question.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Gap {
    /// fact, reading, dispute, text.
    pub kind: String,
    /// The license, where one is named.
    pub license: String,
    /// The clause, where one is at issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The operative words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The question in a sentence.
    pub says: String,
    /// Facts that would settle it.
    pub facts: Vec<String>,
    /// Readings that differ.
    pub readings: Vec<Reading>,
    /// What the outcome is capped to if it falls badly.
    pub worst: String,
}

/// One way to read a term.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reading {
    /// Its id.
    pub id: String,
    /// The reading in a sentence.
    pub says: String,
}

/// A term that limits the outcome.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Limit {
    /// The license.
    pub license: String,
    /// The term's id; absent where no grant names the act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// The clause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The operative words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The act that is not granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// What it limits the outcome to.
    pub to: String,
    /// False where it may or may not.
    pub sure: bool,
    /// The facts it rests on.
    pub facts: Vec<String>,
    /// The position of counsel under which the term is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
}

/// What to answer next.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Question {
    /// The fact, as a deployment file names it.
    pub fact: String,
    /// The question.
    pub text: String,
    /// The clauses that ask.
    pub why: Vec<String>,
    /// True where one answer settles the outcome.
    pub settles: bool,
    /// Answers and where they lead.
    pub answers: Vec<Answer>,
}

/// An answer and where it leads.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// In words.
    pub says: String,
    /// As it would be stated.
    pub value: serde_json::Value,
    /// The verdict then.
    pub verdict: String,
}

/// A presumption.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Assumption {
    /// The fact, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// The presumption in a sentence.
    pub says: String,
    /// Licenses and clauses that lean on it.
    pub leaned_on_by: Vec<String>,
}

/// A license of a layer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct License {
    /// The work.
    pub work: String,
    /// own (ours), or upstream.
    pub layer: String,
    /// The license.
    pub id: String,
    /// The edition, as a text id; empty where the text is not in law.
    pub edition: String,
    /// What the statement covers.
    pub covers: Vec<String>,
    /// told, catalog, recognized, declared, inferred; house = an agreement of the organization's own.
    pub basis: Vec<String>,
    /// materials, derivative, product, output-trained; empty where it is beyond its reach.
    pub standing: Vec<String>,
    /// Who took the step to this work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// Set aside: looser than the terms of a base, or our own choice.
    pub displaced: bool,
    /// Our own choice for our own layer.
    pub outbound: bool,
    /// The agreement that this is, or that stands in its place where it is displaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
}

/// An entry of the organization's own law, and what became of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HouseUse {
    /// agreement, position, attestation.
    pub kind: String,
    /// applied, open (a fact decides), moot (it changes nothing here), outside (it does not cover this), lapsed.
    pub state: String,
    /// The same in a sentence.
    pub says: String,
    /// Who answers for it.
    pub who: String,
    /// The day on which it was signed, decided or attested.
    pub when: String,
    /// Its first day.
    pub from: String,
    /// Its last day; absent = without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, in its author's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// SHA-256 of what it rests on.
    pub digest: String,
    /// The accesses that an agreement applied to.
    pub accesses: Vec<String>,
    /// Where it is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Where a statement stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// File, relative to the subject; or who says it.
    pub file: String,
    /// Key inside the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// First and last byte (exclusive).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<[u64; 2]>,
    /// 1-based line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A choice made among licenses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Election {
    /// The work.
    pub work: String,
    /// What was offered.
    pub offered: String,
    /// What was taken.
    pub taken: String,
}

/// A duty.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Obligation {
    /// The code of `obligations.toml`.
    pub code: String,
    /// The license that is cited.
    pub license: String,
    /// Its edition.
    pub edition: String,
    /// The clause.
    pub clause: String,
    /// The operative words.
    pub words: String,
    /// Exactly what must appear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where.
    #[serde(rename = "where")]
    pub places: Vec<String>,
    /// True where `freehold comply` can write what meets it.
    pub fixable: bool,
    /// owed, conditional, arguable.
    pub certainty: String,
    /// met, unmet, to-attest, unknown.
    pub status: String,
    /// The facts on which a conditional one hangs.
    pub facts: Vec<String>,
    /// An earlier author's duty, reported.
    pub upstream: bool,
    /// The accesses for which it is due.
    pub accesses: Vec<String>,
    /// Everyone who asks for it, the cited one first.
    pub sources: Vec<Source>,
    /// Who says that it is met, where no file shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attested: Vec<String>,
}

/// Who asks for a duty.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Source {
    /// The license.
    pub license: String,
    /// Its edition.
    pub edition: String,
    /// The clause.
    pub clause: String,
    /// The operative words.
    pub words: String,
}

/// A finding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// The code.
    pub code: String,
    /// A line for a heading.
    pub title: String,
    /// The work.
    pub work: String,
    /// The case at hand.
    pub detail: String,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// For a base that no file names: what was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resemblance: Option<Resemblance>,
}

/// How a header resembles those of known base models. It moves no verdict.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Resemblance {
    /// inferred: a guess from the header.
    pub basis: String,
    /// The bases that share what was compared.
    pub bases: Vec<String>,
    /// The licenses that they stand under.
    pub licenses: Vec<String>,
    /// What is alike.
    pub matched: Vec<Likeness>,
    /// What is not, and does not rule the bases out.
    pub differs: Vec<Likeness>,
    /// What the files or the catalog do not state.
    pub not_compared: Vec<String>,
    /// Why it cannot be told which base it would be, or whether any; empty = one answer, nothing against it.
    pub ambiguous: Vec<String>,
}

/// One thing that was compared.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Likeness {
    /// What, in words, with the value.
    pub what: String,
    /// Where the model's files state it.
    pub evidence: Vec<Evidence>,
}

/// What the subject was made from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Lineage {
    /// Works; the first is the subject.
    pub works: Vec<LineageWork>,
    /// Steps.
    pub edges: Vec<LineageEdge>,
}

/// A work of the lineage.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineageWork {
    /// Repository id or name.
    pub id: String,
    /// model, dataset, code, service.
    pub kind: String,
    /// organization or third-party, where stated or known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// True where the catalog has a row for it.
    pub known: bool,
}

/// A step of the lineage.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineageEdge {
    /// The child's id.
    pub child: String,
    /// The parent's id.
    pub parent: String,
    /// What the child is to the parent.
    pub relation: String,
    /// us, upstream, unknown.
    pub by: String,
    /// True where who took it is presumed.
    pub by_presumed: bool,
    /// Where it stands.
    pub evidence: Evidence,
}

/// A mistake of the input.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Diagnostic {
    /// error, warning, note.
    pub severity: String,
    /// Its code.
    pub code: String,
    /// What was found, what it means.
    pub message: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// 1-based line and column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<[u32; 2]>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// The law that was applied.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CatalogVersion {
    /// Version.
    pub version: String,
    /// Its day.
    pub date: String,
    /// The least review level of the licenses that govern: unreviewed, engineer, counsel.
    pub review_level: String,
}
