//! The organization's policy beside an assessment.

use freehold_policy as engine;
use freehold_policy::OutcomeState;
use schemars::JsonSchema;
use serde::Serialize;

use crate::convert::evidence;
use crate::{Assessment, Evidence, Report};

/// What the organization's policy says of one subject. It changes no verdict.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Policy {
    /// The file that it was read from.
    pub file: String,
    /// The profile that it extends.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub profile: String,
    /// The environment that was picked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Digest of what was read of the subject, to which a waiver is bound; absent where nothing was.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub artifact: String,
    /// denied, review, passed.
    pub outcome: String,
    /// What it objects to, waived ones too: most first.
    pub violations: Vec<Violation>,
    /// Waivers about this subject that answer nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale_waivers: Vec<Waiver>,
}

/// What a policy objects to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Violation {
    /// The rule's id; a finding's or the policy's own code where no rule is behind it.
    pub rule: String,
    /// denied, review-asked, license-not-listed, required-fact, undecided, unreadable-input, or a finding's code.
    pub code: String,
    /// error, review, warning, note.
    pub severity: String,
    /// open, or waived.
    pub status: String,
    /// What was found.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// The license that it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub license: String,
    /// The works that it is about.
    pub works: Vec<String>,
    /// Facts that are not stated and would decide it.
    pub facts: Vec<String>,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// Where the rule stands.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// True where a waiver may set it aside.
    pub waivable: bool,
    /// The waiver that is about it, in force or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}

/// A waiver.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Waiver {
    /// Beside a violation: active, expired, not-yet, lapsed (given for other bytes). Beside none: unused, lapsed.
    pub state: String,
    /// The rule or code that is set aside.
    pub code: String,
    /// Digest of what was read of the model that it was given for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub artifact: String,
    /// Digests of the legal texts that it was given for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who asked.
    pub requested_by: String,
    /// Who agreed.
    pub approver: String,
    /// First day.
    pub created: String,
    /// Last day.
    pub expires: String,
    /// Where it stands.
    pub from: String,
}

fn waiver(w: &engine::Waiver, state: &str) -> Waiver {
    Waiver {
        state: state.into(),
        code: w.code.clone(),
        artifact: w.scope.artifact.clone(),
        texts: w.scope.texts.clone(),
        reason: w.reason.clone(),
        owner: w.owner.clone(),
        requested_by: w.requested_by.clone(),
        approver: w.approver.clone(),
        created: w.created.clone(),
        expires: w.expires.clone(),
        from: w.from.clone(),
    }
}

impl Policy {
    /// One outcome.
    pub fn of(o: &engine::Outcome) -> Policy {
        let violation = |v: &engine::Violation| Violation {
            rule: v.rule.clone(),
            code: v.code.clone(),
            severity: v.severity.as_str().into(),
            status: if v.is_waived() { "waived" } else { "open" }.into(),
            says: v.says.clone(),
            fix: v.fix.clone(),
            license: v.license.clone(),
            works: v.works.clone(),
            facts: v.facts.clone(),
            evidence: v.evidence.iter().map(evidence).collect(),
            from: v.from.clone(),
            waivable: v.waivable,
            waiver: v.waiver.as_ref().map(|w| waiver(&w.waiver, w.state.as_str())),
        };
        Policy {
            file: o.file.clone(),
            profile: o.profile.clone(),
            environment: o.environment.clone(),
            artifact: o.artifact.clone(),
            outcome: o.state.as_str().into(),
            violations: o.violations.iter().map(violation).collect(),
            stale_waivers: o.stale.iter().map(|s| waiver(&s.waiver, s.why.as_str())).collect(),
        }
    }
}

/// Whether an approval in force of a register covers a subject in this use.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Gate {
    /// True where one does.
    pub covered: bool,
    /// The record that does, or what each record that is about these bytes lacks.
    pub says: Vec<String>,
}

impl Assessment {
    /// The same with what a register says of it.
    #[must_use]
    pub fn with_register(self, gate: Option<Gate>) -> Assessment {
        Assessment { register: gate, ..self }
    }

    /// The same with what a policy says of it.
    #[must_use]
    pub fn with_policy(self, outcome: Option<&engine::Outcome>) -> Assessment {
        Assessment { policy: outcome.map(Policy::of), ..self }
    }
}

impl Report {
    /// The same with what a register says of each assessment, in their order; none = none was asked.
    #[must_use]
    pub fn with_register(mut self, gates: &[Gate]) -> Report {
        let assessments = std::mem::take(&mut self.assessments).into_iter().enumerate();
        self.assessments = assessments.map(|(i, a)| a.with_register(gates.get(i).cloned())).collect();
        self
    }

    /// The same with what a policy says of each assessment, in their order; none = there is no policy.
    #[must_use]
    pub fn with_policy(mut self, outcomes: &[engine::Outcome]) -> Report {
        if outcomes.is_empty() {
            return self;
        }
        let count = |state| outcomes.iter().filter(|o| o.state == state).count();
        self.summary.policy_denied = Some(count(OutcomeState::Denied));
        self.summary.policy_review = Some(count(OutcomeState::Review));
        let assessments = std::mem::take(&mut self.assessments).into_iter().enumerate();
        self.assessments = assessments.map(|(i, a)| a.with_policy(outcomes.get(i))).collect();
        self
    }
}
