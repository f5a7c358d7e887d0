//! Who must approve what: rules that an organization keeps in its register, and those that hold where it keeps none.

use serde_json::{Value, json};

use crate::decide::{Problem, problem};
use crate::record::Record;
use crate::workflow::{ROLES, may};

/// Most rules.
const RULES_MAX: usize = 100;

/// What a rule looks at; of each that is named, one of its words must be the record's.
const LOOKS: &[(&str, &str)] = &[
    ("access", "how it reaches whom, as assessed: weights, embedded-product, hosted-app, …"),
    ("audience", "distribution.audience"),
    ("risk", "governance.risk"),
    ("eu", "distribution.eu: yes, no"),
    ("impact", "use.decision_impact"),
    ("personal-data", "personal_data of a dataset"),
    ("license", "a license that governs"),
    (
        "restricts",
        "what the licenses do: limits (a clause limits the answer or a question is open), policy (a use policy binds)",
    ),
];

/// Rules, in order: each adds its roles to a record that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    roles: Vec<&'static str>,
    when: Vec<(&'static str, Vec<String>)>,
}

impl Default for Rules {
    /// The owner and compliance; legal where a license limits anything or has a use policy, or copies leave the house; privacy and
    /// risk where the risk is high, special data were used, or it is placed on the European market.
    fn default() -> Rules {
        let rule = |roles: &[&'static str], look: &'static str, words: &[&str]| Rule {
            roles: roles.to_vec(),
            when: if look.is_empty() {
                Vec::new()
            } else {
                vec![(look, words.iter().map(|w| (*w).to_string()).collect())]
            },
        };
        Rules(vec![
            rule(&["owner", "compliance"], "", &[]),
            rule(&["legal"], "access", &["weights", "embedded-product"]),
            rule(&["legal"], "restricts", &["limits", "policy"]),
            rule(&["privacy", "risk"], "risk", &["high", "critical"]),
            rule(&["privacy", "risk"], "eu", &["yes"]),
            rule(&["privacy", "risk"], "personal-data", &["special-category"]),
        ])
    }
}

fn listed(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Bool(b) => vec![if *b { "yes" } else { "no" }.to_string()],
        Value::Array(all) => all.iter().filter_map(|v| v.as_str().map(str::to_string)).collect(),
        _ => Vec::new(),
    }
}

impl Rules {
    /// From a list of tables: `roles`, and what it looks at with the words that it is about (`access = ["weights"]`). A rule without
    /// such is about every record.
    ///
    /// # Errors
    /// Everything that is no rule, at once; and a list by which some record would need nobody's approval.
    pub fn from_json(value: &Value) -> Result<Rules, Vec<Problem>> {
        let (mut out, mut wrong) = (Vec::new(), Vec::new());
        let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() || rows.len() > RULES_MAX {
            return Err(vec![problem("rules", format!("between one and {RULES_MAX}"), "[[rule]] roles = [\"owner\"]")]);
        }
        let approving: Vec<&'static str> = ROLES.iter().map(|(r, _)| *r).filter(|r| may(r, "approve")).collect();
        for (n, row) in rows.iter().enumerate() {
            let about = format!("rule {}", n + 1);
            let mut rule = Rule { roles: Vec::new(), when: Vec::new() };
            for (key, said) in row.as_object().into_iter().flatten() {
                let words = listed(said);
                if words.is_empty() {
                    wrong.push(problem(&about, format!("`{key}` has no words"), "a list of words"));
                }
                if key == "roles" {
                    for word in words {
                        match approving.iter().find(|r| **r == word) {
                            Some(role) => rule.roles.push(role),
                            None => wrong.push(problem(
                                &about,
                                format!("`{word}` approves nothing"),
                                format!("one of: {}", approving.join(", ")),
                            )),
                        }
                    }
                } else if let Some((look, _)) = LOOKS.iter().find(|(l, _)| l == key) {
                    rule.when.push((look, words));
                } else {
                    let known: Vec<&str> = LOOKS.iter().map(|(l, _)| *l).collect();
                    wrong.push(problem(&about, format!("`{key}` is nothing that a rule looks at"), known.join(", ")));
                }
            }
            if rule.roles.is_empty() {
                wrong.push(problem(&about, "it names no role", "roles = [\"owner\"]"));
            }
            out.push(rule);
        }
        if !out.iter().any(|r: &Rule| r.when.is_empty() && !r.roles.is_empty()) {
            wrong.push(problem(
                "rules",
                "a record that no rule is about would need nobody",
                "one rule that looks at nothing",
            ));
        }
        if wrong.is_empty() { Ok(Rules(out)) } else { Err(wrong) }
    }

    /// As [`Rules::from_json`] reads them.
    pub fn to_json(&self) -> Value {
        let one = |r: &Rule| {
            let mut out = json!({"roles": r.roles});
            for (look, words) in &r.when {
                out[*look] = json!(words);
            }
            out
        };
        Value::Array(self.0.iter().map(one).collect())
    }

    /// The rules in lines.
    pub fn lines(&self) -> Vec<String> {
        let one = |r: &Rule| {
            let when: Vec<String> = r.when.iter().map(|(l, w)| format!("{l} is {}", w.join(" or "))).collect();
            let when = if when.is_empty() { "always".to_string() } else { format!("where {}", when.join(" and ")) };
            format!("{}: {when}", r.roles.join(", "))
        };
        self.0.iter().map(one).collect()
    }

    /// Roles that must approve a record, each once, in the order of the rules.
    pub fn approvers(&self, record: &Record) -> Vec<&'static str> {
        let mut out: Vec<&'static str> = Vec::new();
        for rule in self.0.iter().filter(|r| r.when.iter().all(|(look, words)| holds(record, look, words))) {
            rule.roles.iter().for_each(|role| {
                if !out.contains(role) {
                    out.push(role);
                }
            });
        }
        out
    }
}

fn holds(record: &Record, look: &str, words: &[String]) -> bool {
    let text = |name: &str| record.value(name).into_iter().collect::<Vec<String>>();
    let rows = |key: &str| record.outcome[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let said: Vec<String> = match look {
        "access" => listed(&record.deployment["use.access"]),
        "audience" => text("distribution.audience"),
        "risk" => text("governance.risk"),
        "eu" => text("distribution.eu"),
        "impact" => text("use.decision_impact"),
        "personal-data" => record.datasets.values().flat_map(|d| listed(&d["personal_data"])).collect(),
        "license" => {
            rows("licenses").iter().filter(|l| l["displaced"] != true).flat_map(|l| listed(&l["id"])).collect()
        }
        "restricts" => {
            let limits = !rows("limits").is_empty() || !rows("gaps").is_empty();
            let policy = rows("obligations").iter().any(|o| o["code"] == "aup-compliance");
            [(limits, "limits"), (policy, "policy")]
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, w)| (*w).to_string())
                .collect()
        }
        _ => Vec::new(),
    };
    said.iter().any(|s| words.contains(s))
}
