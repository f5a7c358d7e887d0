//! A dossier: everything that is known of a subject, and its assessment.

use std::sync::Arc;

use freehold_assess::{Artifact, Assessment, Deployment, Finding, House, Input, Question, Release, assess, questions};
use freehold_base::{Diagnostic, Graph, MadeBy};
use freehold_catalog::Catalog;

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The case's id or the folder's name.
    pub id: String,
    /// Where it lies, as the user named it; empty for a case.
    pub path: String,
    /// What it is, in a few words (`LoRA adapter`, `GGUF, Q4_K_M`).
    pub kind: String,
    /// Size of all files, in bytes.
    pub bytes_total: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Number of files.
    pub files: usize,
    /// Digest of what was read of it, to which a waiver is bound; empty where nothing was.
    pub artifact: String,
    /// Its legal texts: file, digest.
    pub texts: Vec<(String, String)>,
    /// For an assembly: the works that it holds side by side, each judged by itself too; 0 for a model.
    pub components: usize,
    /// Where it lies, below the folder of the house's files; empty where there is neither.
    pub place: String,
    /// SHA-256 of its files in hex, as far as a store, a pointer or a manifest says them.
    pub digests: Vec<String>,
}

/// A release that was looked at.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Where it lies, as the user named it; empty for a case.
    pub path: String,
    /// What it shows.
    pub release: Release,
    /// What its model card calls the model.
    pub card_name: Option<String>,
}

/// Everything that the answer rests on, and the answer.
#[derive(Clone, Debug)]
pub struct Dossier<'c> {
    /// The law.
    pub catalog: &'c Catalog,
    /// What was looked at.
    pub subject: Subject,
    /// The subject and what it was made from.
    pub graph: Graph,
    /// Who, what for, how it reaches whom.
    pub deployment: Deployment,
    /// What goes out.
    pub outgoing: Option<Outgoing>,
    /// Who made the subject, where the user says so besides the graph.
    pub made_by: Option<MadeBy>,
    /// The answer.
    pub assessment: Assessment<'c>,
    /// What would settle it.
    pub questions: Vec<Question>,
    /// Of the assessment's findings those that the files showed ([`Parts::findings`]).
    pub found: Vec<Finding>,
    /// What could not be read, and other mistakes of the input.
    pub diagnostics: Vec<Diagnostic>,
    /// What was not looked at, in sentences.
    pub not_read: Vec<String>,
    /// The day of the question, `YYYY-MM-DD`.
    pub as_of: String,
    /// The house's own law.
    pub house: Arc<House>,
}

/// What a dossier is made from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What was looked at.
    pub subject: Subject,
    /// The completed graph.
    pub graph: Graph,
    /// The facts.
    pub deployment: Deployment,
    /// What goes out.
    pub outgoing: Option<Outgoing>,
    /// Who made the subject, where the user says so besides the graph.
    pub made_by: Option<MadeBy>,
    /// Mistakes of the input.
    pub diagnostics: Vec<Diagnostic>,
    /// What was not looked at.
    pub not_read: Vec<String>,
    /// The day of the question.
    pub as_of: String,
    /// What the files show besides their licenses.
    pub findings: Vec<Finding>,
    /// The house's own law; its agreements' terms stand in the catalog that the parts are judged under.
    pub house: Arc<House>,
}

/// Judges the parts.
pub fn judge(parts: Parts, catalog: &Catalog) -> Dossier<'_> {
    let mut dossier = judge_unasked(parts, catalog);
    dossier.ask();
    dossier
}

/// [`judge`] without its questions: for an inventory, where nobody is asked.
pub fn judge_unasked(parts: Parts, catalog: &Catalog) -> Dossier<'_> {
    let Parts { subject, graph, deployment, outgoing, made_by, diagnostics, not_read, as_of, findings, house } = parts;
    let mut assessment = assess(Input {
        catalog,
        graph: &graph,
        deployment: &deployment,
        release: outgoing.as_ref().map(|o| &o.release),
        made_by,
        house: &house,
        artifact: artifact(&subject),
    });
    assessment.findings.extend(findings.iter().cloned());
    assessment.findings.sort();
    assessment.findings.dedup();
    Dossier {
        catalog,
        subject,
        graph,
        deployment,
        outgoing,
        made_by,
        assessment,
        questions: Vec::new(),
        found: findings,
        diagnostics,
        not_read,
        as_of,
        house,
    }
}

fn artifact(subject: &Subject) -> Artifact<'_> {
    Artifact { path: &subject.place, digests: &subject.digests }
}

impl Dossier<'_> {
    /// Finds what would settle it.
    pub fn ask(&mut self) {
        self.questions = questions(Input {
            catalog: self.catalog,
            graph: &self.graph,
            deployment: &self.deployment,
            release: self.outgoing.as_ref().map(|o| &o.release),
            made_by: self.made_by,
            house: &self.house,
            artifact: artifact(&self.subject),
        });
    }

    /// How many owed duties the release was found to lack.
    pub fn owed_and_unmet(&self) -> usize {
        use freehold_assess::{Certainty, Status};
        let lacks = |o: &&freehold_assess::Obligation<'_>| o.certainty == Certainty::Owed && o.status == Status::Unmet;
        self.assessment.obligations.iter().filter(lacks).count()
    }
}
