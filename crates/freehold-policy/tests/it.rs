//! Policies over real law: what each selector is about, what is unknown, waivers, mistakes, and what must always hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

use std::sync::LazyLock;

use freehold_catalog::Catalog;
use freehold_check::{Dossier, case_from_toml, judge};
use freehold_policy::{
    NewWaiver, Outcome, OutcomeState, Policy, PolicyFile, Scope, Severity, Situation, StaleWhy, Violation,
    WaiverUseState, Waivers, default_text, evaluate, mistakes_of_new, outcome, with_waiver,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

static LAW: LazyLock<Catalog> = LazyLock::new(freehold_law::catalog);
const AS_OF: &str = "2026-11-24";

/// A Llama fine-tune for customers, tagged as something looser.
const LLAMA: &str = r#"
[subject]
id = "support-bot"
made_by = "organization"
declared_license = "apache-2.0"
[[subject.parents]]
work = "meta-llama/Llama-3.1-8B-Instruct"
relation = "finetune"
[organization]
kind = "company"
country = "DE"
[use]
commercial = true
access = ["embedded-product"]
activities = []
customer_countries = ["DE", "FR"]
deployment_country = "DE"
"#;
/// A model under a tag alone.
const TAGGED: &str =
    "[subject]\nid = \"x/tagged\"\ndeclared_license = \"cc-by-nc-4.0\"\n[use]\naccess = [\"internal\"]\n";
/// A model of which nothing is said.
const BARE: &str = "[subject]\nid = \"bare\"\nmade_by = \"third-party\"\n[use]\n";
/// A license that nobody has read.
const ODD: &str = "[subject]\nid = \"y/odd\"\ndeclared_license = \"acme-eula\"\n[use]\naccess = [\"weights\"]\n";

fn dossier(case: &str) -> Dossier<'static> {
    let (case, mistakes) = case_from_toml("case", case, &LAW, AS_OF);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    judge(case.unwrap().into_parts("", AS_OF), &LAW)
}

fn situation<'d>(d: &'d Dossier<'_>, artifact: &'d str, texts: &'d [(String, String)]) -> Situation<'d> {
    Situation {
        catalog: d.catalog,
        graph: &d.graph,
        deployment: &d.deployment,
        assessment: &d.assessment,
        diagnostics: &d.diagnostics,
        id: &d.subject.id,
        as_of: &d.as_of,
        artifact,
        texts,
    }
}

fn file(text: &str) -> PolicyFile {
    let (file, mistakes) = PolicyFile::read("freehold.toml", text, &LAW);
    assert!(mistakes.is_empty(), "{:#?}", mistakes.iter().map(|m| (&m.message, &m.help)).collect::<Vec<_>>());
    file.unwrap()
}

fn policy(text: &str) -> Policy {
    file(text).policy(None).unwrap()
}

fn mistakes(text: &str) -> Vec<String> {
    let (_, all) = PolicyFile::read("p.toml", text, &LAW);
    all.iter()
        .map(|d| {
            let place = d.label.as_ref().and_then(|l| l.position).unwrap_or((0, 0));
            format!("{}:{} {} / {}", place.0, place.1, d.message, d.help.clone().unwrap_or_default())
        })
        .collect()
}

/// Violations of a policy over a case, as `rule code severity`.
fn raised(case: &str, text: &str) -> Vec<String> {
    let d = dossier(case);
    let all = evaluate(&policy(text), &situation(&d, "", &[]));
    all.iter().map(|v| format!("{} {} {}", v.rule, v.code, v.severity.as_str())).collect()
}

fn rule(body: &str) -> String {
    format!("[policy]\n[[policy.deny]]\nid = \"r\"\n{body}\n")
}

/// Whether the rule applies: yes, no, or an unstated fact decides.
fn applies(case: &str, body: &str) -> &'static str {
    match raised(case, &rule(body)).iter().find(|v| v.starts_with("r ")).map(String::as_str) {
        Some("r denied error") => "yes",
        Some("r undecided review") => "open",
        None => "no",
        Some(other) => panic!("{other}"),
    }
}

#[test]
fn each_selector_is_about_what_it_says() {
    let cases: &[(&str, &str, &str)] = &[
        (LLAMA, r#"license = ["llama-*"]"#, "yes"),
        (LLAMA, r#"license = ["llama3.1"]"#, "yes"),
        // the tag that was set aside governs nothing
        (LLAMA, r#"license = ["apache-2.0"]"#, "no"),
        (LLAMA, r#"class = ["restricted"]"#, "yes"),
        (LLAMA, r#"class = ["open", "unknown", "none"]"#, "no"),
        (LLAMA, r#"class = ["not-osi-approved"]"#, "yes"),
        (LLAMA, r#"publisher = ["Meta-Llama"]"#, "yes"),
        (LLAMA, r#"publisher = ["mistralai"]"#, "no"),
        (
            LLAMA,
            r#"publisher = ["meta-*"]
class = ["open"]"#,
            "no",
        ),
        (LLAMA, r#"basis = ["catalog"]"#, "yes"),
        (LLAMA, r#"basis = ["declared", "inferred"]"#, "no"),
        (TAGGED, r#"basis = ["declared"]"#, "yes"),
        (TAGGED, r#"class = ["purpose-limited"]"#, "yes"),
        (LLAMA, r#"review-level = ["engineer"]"#, "yes"),
        (LLAMA, r#"review-level = ["unreviewed"]"#, "no"),
        (ODD, r#"review-level = ["unreviewed"]"#, "yes"),
        (ODD, r#"class = ["unknown"]"#, "yes"),
        (BARE, r#"class = ["none"]"#, "yes"),
        (LLAMA, r#"access = ["embedded-product"]"#, "yes"),
        (LLAMA, r#"access = ["internal"]"#, "no"),
        (BARE, r#"access = ["weights"]"#, "open"),
        (LLAMA, r#"country = ["FR"]"#, "yes"),
        (LLAMA, r#"country = ["territory.european-union"]"#, "yes"),
        (LLAMA, r#"country = ["US"]"#, "no"),
        (BARE, r#"country = ["US"]"#, "open"),
        (LLAMA, r#"activity = ["military"]"#, "no"),
        (TAGGED, r#"activity = ["military"]"#, "open"),
        (LLAMA, r#"obligation = ["attribution-*"]"#, "yes"),
        (LLAMA, r#"obligation = ["pay-royalty"]"#, "no"),
        (
            LLAMA,
            r#"obligation = ["include-license-copy"]
license = ["mit"]"#,
            "no",
        ),
        (LLAMA, r#"finding = ["declared-license-more-permissive-than-upstream"]"#, "yes"),
        (LLAMA, r#"finding = ["missing-license"]"#, "no"),
        (LLAMA, r#"presumption = ["*"]"#, "yes"),
        (LLAMA, r#"verdict = ["undetermined"]"#, "yes"),
        (LLAMA, r#"verdict = ["permitted"]"#, "no"),
        (LLAMA, r#"worst = ["permitted"]"#, "no"),
        (LLAMA, r#"when = 'use.commercial and license-family overlaps ["llama"]'"#, "yes"),
        (LLAMA, r#"when = 'not use.commercial'"#, "no"),
        (TAGGED, r#"when = 'use.commercial'"#, "open"),
        (LLAMA, r#"when = 'copies-leave and verdict != "permitted"'"#, "yes"),
        (LLAMA, r#"when = 'finding overlaps ["missing-license"] or relation overlaps ["finetune"]'"#, "yes"),
        (LLAMA, r#"when = 'license-class overlaps ["open"]'"#, "no"),
        // all that is given must hold
        (
            LLAMA,
            r#"license = ["llama-*"]
access = ["weights"]"#,
            "no",
        ),
    ];
    let wrong: Vec<_> = cases.iter().filter(|(case, body, want)| applies(case, body) != *want).collect();
    let shown: Vec<_> = wrong.iter().map(|(c, b, want)| format!("{b}: wanted {want}, got {}", applies(c, b))).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn a_license_that_no_rule_allows_is_not_listed_once_one_is() {
    let allow = |body: &str| format!("[policy]\n[[policy.allow]]\nid = \"ok\"\n{body}\n");
    assert_eq!(raised(LLAMA, "[policy]\n"), Vec::<String>::new());
    assert_eq!(raised(LLAMA, &allow("license = [\"mit\"]")), ["license-not-listed license-not-listed error"]);
    assert_eq!(raised(LLAMA, &allow("license = [\"llama-*\"]")), Vec::<String>::new());
    // allowed somewhere, where it is not stated where
    let open = allow("class = [\"purpose-limited\"]\nwhen = 'not use.commercial'");
    assert_eq!(raised(TAGGED, &open), ["license-not-listed undecided review"]);
    // what is denied is denied, allowed or not
    let both = format!("{}[[policy.deny]]\nid = \"no\"\nlicense = [\"llama-*\"]\n", allow("license = [\"llama-*\"]"));
    assert_eq!(raised(LLAMA, &both), ["no denied error"]);
}

#[test]
fn profiles_files_and_environments_lie_over_each_other() {
    let text = r#"
[policy]
profile = "ours"
required = ["organization.name"]
[policy.severity]
license-by-tag-alone = "note"
[policy.profiles.ours]
extends = "product"
[policy.profiles.ours.severity]
unknown-license = "off"
[policy.environments.release]
[policy.environments.release.severity]
license-by-tag-alone = "error"
required-fact = "error"
"#;
    let f = file(text);
    let severity = |p: &Policy, rule: &str| {
        let d = dossier(TAGGED);
        let all = evaluate(p, &situation(&d, "", &[]));
        all.iter().find(|v| v.rule == rule).map(|v| v.severity)
    };
    let (plain, release) = (f.policy(None).unwrap(), f.policy(Some("release")).unwrap());
    assert_eq!(severity(&plain, "license-by-tag-alone"), Some(Severity::Note));
    assert_eq!(severity(&release, "license-by-tag-alone"), Some(Severity::Error));
    assert_eq!(severity(&plain, "required-fact"), Some(Severity::Review));
    assert_eq!(severity(&release, "required-fact"), Some(Severity::Error));
    let d = dossier(ODD);
    assert!(evaluate(&plain, &situation(&d, "", &[])).iter().all(|v| v.code != "unknown-license"));
    let without = policy("[policy]\nprofile = \"product\"\n");
    assert!(evaluate(&without, &situation(&d, "", &[])).iter().any(|v| v.code == "unknown-license"));
    let e = f.policy(Some("relase")).unwrap_err();
    assert_eq!(e.help.as_deref(), Some("did you mean `release`?"));
}

#[test]
fn the_built_in_profiles_have_no_mistake_and_get_stricter() {
    let profiles = PolicyFile::built_in_profiles(&LAW);
    assert_eq!(profiles, ["internal", "product", "regulated"]);
    for case in [LLAMA, TAGGED, BARE, ODD] {
        let d = dossier(case);
        let states: Vec<OutcomeState> = profiles
            .iter()
            .map(|p| outcome(&policy(&format!("[policy]\nprofile = \"{p}\"\n")), None, &situation(&d, "", &[])).state)
            .collect();
        assert!(states.is_sorted(), "{states:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let all = mistakes(
        r#"
[policy]
profle = "product"
environment = "prod"
required = ["use.comercial"]
[policy.severity]
pickle-cod = "error"
remote-code = "fatal"
[policy.profiles.product]
[policy.profiles.a]
extends = "a"
[[policy.deny]]
id = "r"
license = ["lama-3.1", "nothing-like-it-*"]
class = ["openn"]
acess = ["weights"]
[[policy.deny]]
id = "r"
country = ["Germany", "territory.european-unio"]
activity = ["militry"]
obligation = ["pay-royaltie"]
presumption = ["use.commercial"]
[[policy.review]]
id = "Has Spaces"
when = 'verdict == "permited"'
[[policy.review]]
id = "w"
when = 'step.to_perform_similarly'
[[policy.deny]]
id = "nothing"
[[policy.allow]]
id = "missing-license"
access = ["internal"]
severity = "note"
"#,
    );
    for (line, part) in [
        (3, "unknown key `profle` / did you mean `profile`?"),
        (4, "no environment `prod`"),
        (5, "did you mean `use.commercial`?"),
        (7, "did you mean `pickle-code`?"),
        (8, "unknown value `fatal`"),
        (9, "`product` is built in"),
        (11, "in a circle"),
        (14, "did you mean `llama-3.1`?"),
        (14, "no license in law is called `nothing-like-it-*`"),
        (15, "did you mean `open`?"),
        (16, "did you mean `access`?"),
        (18, "there is a rule `r` already"),
        (19, "unknown value `Germany`"),
        (19, "did you mean `european-union`?"),
        (20, "did you mean `military`?"),
        (21, "did you mean `pay-royalty`?"),
        (22, "unknown value `use.commercial`"),
        (24, "is no id"),
        (25, "`verdict` is never `permited` / did you mean `permitted`?"),
        (28, "about one step of the lineage"),
        (29, "does not say what it is about"),
        (32, "is a code already"),
        (31, "must say which licenses"),
        (34, "has no severity"),
    ] {
        assert!(
            all.iter().any(|m| m.starts_with(&format!("{line}:")) && m.contains(part)),
            "line {line}, `{part}` is not among\n{}",
            all.join("\n")
        );
    }
    assert_eq!(all.len(), 24, "{}", all.join("\n"));
}

#[test]
fn an_access_and_a_verdict_are_of_the_same_access() {
    // internal use of a non-commercial model may come out otherwise than handing out its weights
    let case = TAGGED.replace("[\"internal\"]", "[\"internal\", \"weights\"]") + "commercial = true\n";
    let d = dossier(&case);
    for (access, _, v) in &d.assessment.by_access {
        let body = format!("access = [\"{}\"]\nverdict = [\"{}\"]", access.as_str(), v.as_str());
        assert_eq!(applies(&case, &body), "yes");
        let other = freehold_base::Verdict::ALL.into_iter().find(|o| o != v).unwrap();
        let body = format!("access = [\"{}\"]\nverdict = [\"{}\"]", access.as_str(), other.as_str());
        assert_eq!(applies(&case, &body), "no");
    }
}

#[test]
fn unreadable_input_is_raised_and_no_waiver_sets_it_aside() {
    let mut d = dossier(LLAMA);
    d.diagnostics.push(freehold_base::Diagnostic::error("gguf-truncated", "the header ends early").in_file("m.gguf"));
    let f = file("[policy]\n");
    let (waivers, mistakes) = Waivers::read("w", &waiver("unreadable-input", |_| ()), &f);
    assert!(waivers.all.is_empty() && mistakes[0].message == "`unreadable-input` cannot be waived", "{mistakes:?}");
    let o = outcome(&f.policy(None).unwrap(), Some(&waivers), &situation(&d, DIGEST, &[]));
    assert_eq!((o.state, o.violations[0].code.as_str()), (OutcomeState::Denied, "unreadable-input"));
}

// ---------------------------------------------------------------------------------------------------------- waivers

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000002";

fn new_waiver(code: &str) -> NewWaiver {
    NewWaiver {
        code: code.into(),
        subject: "support-bot".into(),
        scope: Scope { artifact: DIGEST.into(), texts: Vec::new() },
        reason: "the customer asked for it".into(),
        owner: "Ada".into(),
        approver: "Grace".into(),
        created: "2026-11-01".into(),
        expires: "2027-05-01".into(),
        ..NewWaiver::default()
    }
}

fn waiver(code: &str, change: impl Fn(&mut NewWaiver)) -> String {
    let mut new = new_waiver(code);
    change(&mut new);
    with_waiver("", &new).unwrap()
}

const DENY_LLAMA: &str = "[policy]\n[[policy.deny]]\nid = \"no-llama\"\nlicense = [\"llama-*\"]\n";

fn with(text: &str, artifact: &str, texts: &[(String, String)]) -> Outcome {
    let (f, d) = (file(DENY_LLAMA), dossier(LLAMA));
    let (waivers, mistakes) = Waivers::read("freehold.waivers.toml", text, &f);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    outcome(&f.policy(None).unwrap(), Some(&waivers), &situation(&d, artifact, texts))
}

fn state(o: &Outcome) -> Option<WaiverUseState> {
    o.violations.iter().find(|v| v.rule == "no-llama").and_then(|v| v.waiver.as_ref()).map(|w| w.state)
}

#[test]
fn a_waiver_answers_what_it_was_given_for_and_is_shown() {
    let o = with(&waiver("no-llama", |_| ()), DIGEST, &[]);
    assert_eq!((o.state, state(&o)), (OutcomeState::Passed, Some(WaiverUseState::Active)));
    assert!(o.violations.iter().any(|v| v.rule == "no-llama" && v.is_waived() && v.severity == Severity::Error));
    // the last day counts, the day after does not
    let o = with(&waiver("no-llama", |w| w.expires = AS_OF.into()), DIGEST, &[]);
    assert_eq!(o.state, OutcomeState::Passed);
    let o = with(&waiver("no-llama", |w| w.expires = "2026-11-23".into()), DIGEST, &[]);
    assert_eq!((o.state, state(&o)), (OutcomeState::Denied, Some(WaiverUseState::Expired)));
    let o = with(&waiver("no-llama", |w| w.created = "2026-11-25".into()), DIGEST, &[]);
    assert_eq!((o.state, state(&o)), (OutcomeState::Denied, Some(WaiverUseState::NotYet)));
    // other bytes: it is told for a model of that name alone
    let o = with(&waiver("no-llama", |_| ()), OTHER, &[]);
    assert_eq!((o.state, state(&o)), (OutcomeState::Denied, Some(WaiverUseState::Lapsed)));
    let o = with(&waiver("no-llama", |w| w.subject = "else".into()), OTHER, &[]);
    assert_eq!((o.state, state(&o)), (OutcomeState::Denied, None));
    // another license than it was given for
    let o = with(&waiver("no-llama", |w| w.license = "mit".into()), DIGEST, &[]);
    assert_eq!((o.state, state(&o)), (OutcomeState::Denied, None));
}

#[test]
fn texts_bind_a_waiver_as_a_whole() {
    let bound = |texts: &[&str]| {
        waiver("no-llama", |w| {
            w.scope = Scope { artifact: String::new(), texts: texts.iter().map(|t| (*t).to_string()).collect() };
        })
    };
    let text = |digest: &str| ("LICENSE".to_string(), digest.to_string());
    let is = |written: &[&str], has: &[(String, String)]| with(&bound(written), OTHER, has).state;
    assert_eq!(is(&[DIGEST], &[text(DIGEST)]), OutcomeState::Passed);
    assert_eq!(is(&[DIGEST], &[]), OutcomeState::Denied);
    assert_eq!(is(&[DIGEST], &[text(OTHER)]), OutcomeState::Denied);
    assert_eq!(is(&[DIGEST], &[text(DIGEST), text(OTHER)]), OutcomeState::Denied);
    assert_eq!(is(&[DIGEST, OTHER], &[text(DIGEST)]), OutcomeState::Denied);
}

#[test]
fn what_answers_nothing_is_told() {
    let stale = |text: &str, artifact| with(text, artifact, &[]).stale.iter().map(|s| s.why).collect::<Vec<_>>();
    let text = DENY_LLAMA.to_string() + "[policy.severity]\npickle-code = \"error\"\n";
    let f = file(&text);
    let d = dossier(LLAMA);
    let (waivers, _) = Waivers::read("w", &waiver("pickle-code", |_| ()), &f);
    let o = outcome(&f.policy(None).unwrap(), Some(&waivers), &situation(&d, DIGEST, &[]));
    assert_eq!(o.stale.iter().map(|s| s.why).collect::<Vec<_>>(), [StaleWhy::Unused]);
    // one that the policy never raises is no business of this policy
    assert_eq!(stale(&waiver("remote-code", |_| ()), DIGEST), []);
    assert_eq!(stale(&waiver("no-llama", |_| ()), DIGEST), []);
    let lapsed = outcome(&f.policy(None).unwrap(), Some(&waivers), &situation(&d, OTHER, &[]));
    assert_eq!(lapsed.stale.iter().map(|s| s.why).collect::<Vec<_>>(), [StaleWhy::Lapsed]);
}

#[test]
fn mistakes_of_waivers_are_told() {
    let f = file(DENY_LLAMA);
    let one = |change: fn(&mut NewWaiver)| {
        let mut new = new_waiver("no-llama");
        change(&mut new);
        let all = mistakes_of_new(&new, &f);
        assert!(all.len() <= 1, "{all:?}");
        all.into_iter().next().map(|m| m.message).unwrap_or_default()
    };
    assert_eq!(one(|_| ()), "");
    assert_eq!(one(|w| w.approver = " ada".into()), "` ada` asked for the waiver and approved it");
    assert_eq!(one(|w| w.requested_by = "GRACE ".into()), "`Grace` asked for the waiver and approved it");
    assert_eq!(one(|w| w.expires = "2027-11-02".into()), "the waiver holds for more than a year");
    assert_eq!(one(|w| w.expires = "2027-11-01".into()), "");
    assert_eq!(one(|w| w.expires = "2026-10-01".into()), "the waiver ends before it begins");
    assert_eq!(one(|w| w.expires = "soon".into()), "`soon` is not a day");
    assert_eq!(one(|w| w.code = "no-lama".into()), "no rule, finding or code is called `no-lama`");
    assert_eq!(one(|w| w.code = "prohibited".into()), "`prohibited` is a verdict, and no waiver changes one");
    assert_eq!(one(|w| w.code = "undecided".into()), "`undecided` says what sort a violation is, not which");
    assert_eq!(one(|w| w.code = "altered-license-text".into()), "`altered-license-text` cannot be waived");
    assert_eq!(one(|w| w.reason = " ".into()), "`reason` is empty");
    assert!(one(|w| w.scope = Scope::default()).starts_with("the waiver is bound to nothing"));
    assert_eq!(one(|w| w.scope.artifact = "sha256:zz".into()), "`sha256:zz` is no digest");
}

#[test]
fn adding_a_waiver_keeps_the_file() {
    let first = with_waiver("", &new_waiver("no-llama")).unwrap();
    assert!(first.starts_with("# Waivers:") && first.contains("expires = 2027-05-01\n"), "{first}");
    let noted = first.replace("code =", "# legal ticket 12\ncode =") + "# the end\n";
    let second = with_waiver(&noted, &NewWaiver { reason: "say \"no\"\n".into(), ..new_waiver("no-llama") }).unwrap();
    let (head, _) = noted.split_once("# the end").unwrap();
    assert!(second.starts_with(head.trim_end()), "{second}");
    assert!(second.contains("# the end"), "{second}");
    let (waivers, mistakes) = Waivers::read("w", &second, &file(DENY_LLAMA));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    assert_eq!(waivers.all.len(), 2);
    assert_eq!(waivers.all[1].reason, "say \"no\"\n");
    assert!(with_waiver("waiver = 3", &new_waiver("no-llama")).is_err());
    assert!(with_waiver("a = [", &new_waiver("no-llama")).is_err());
}

#[test]
fn the_default_is_a_policy_for_what_was_answered() {
    for (case, profile) in [(LLAMA, "product"), (TAGGED, "internal"), (BARE, "product")] {
        let d = dossier(case);
        let text = default_text(None, &d.deployment, &LAW);
        assert_eq!(file(&text).profile(), profile);
        assert_eq!(file(&default_text(Some("regulated"), &d.deployment, &LAW)).profile(), "regulated");
        // with every example switched on it is a policy still
        let on: String = text
            .lines()
            .map(|l| match l.strip_prefix("# ") {
                Some(code) if code.starts_with('[') || code.contains(" = ") && !code.contains(':') => code,
                _ => l,
            })
            .map(|l| format!("{l}\n"))
            .collect();
        assert!(on.contains("\n[[policy.allow]]\n") && on.contains("\nunpinned-revision = \"error\""), "{on}");
        file(&on.replace("\nrequired = [\"use.access\", \"use.commercial\"]\nrequired", "\nrequired"));
    }
}

// ------------------------------------------------------------------------------------------------- what always holds

/// Rules to draw from: effect, body.
const POOL: &[(&str, &str)] = &[
    ("deny", "license = [\"llama-*\"]"),
    ("deny", "class = [\"purpose-limited\", \"none\"]"),
    ("deny", "basis = [\"declared\"]"),
    ("deny", "access = [\"weights\"]"),
    ("deny", "when = 'use.commercial'"),
    ("deny", "publisher = [\"meta-llama\"]"),
    ("deny", "obligation = [\"include-license-copy\"]"),
    ("deny", "finding = [\"missing-license\"]"),
    ("review", "license = [\"*\"]"),
    ("review", "country = [\"FR\"]"),
    ("review", "presumption = [\"*\"]"),
    ("allow", "class = [\"open\"]"),
    ("allow", "license = [\"llama-*\"]"),
    ("allow", "class = [\"purpose-limited\"]\naccess = [\"internal\"]"),
];

fn drawn(chosen: &[usize], profile: &str) -> String {
    let mut out = format!("[policy]\nprofile = \"{profile}\"\n");
    for i in chosen {
        out.push_str(&format!("[[policy.{}]]\nid = \"r{i}\"\n{}\n", POOL[*i].0, POOL[*i].1));
    }
    out
}

fn keys(all: &[Violation]) -> Vec<(String, String, String, Vec<String>, Severity)> {
    let key = |v: &Violation| (v.rule.clone(), v.code.clone(), v.license.clone(), v.works.clone(), v.severity);
    all.iter().map(key).collect()
}

#[test]
fn a_deny_rule_takes_no_violation_away_and_a_waiver_hides_none() {
    let dossiers: Vec<Dossier<'static>> = [LLAMA, TAGGED, BARE, ODD].iter().map(|c| dossier(c)).collect();
    let config = Config { cases: 60, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..Config::default() };
    let rules = proptest::sample::subsequence((0..POOL.len()).collect::<Vec<_>>(), 0..POOL.len());
    let profiles = proptest::sample::select(vec!["internal", "product", "regulated"]);
    let strategy = (rules, profiles, 0..8usize, 0..dossiers.len());
    let test = |(chosen, profile, extra, which): (Vec<usize>, &str, usize, usize)| {
        let d = &dossiers[which];
        let s = situation(d, DIGEST, &[]);
        let f = file(&drawn(&chosen, profile));
        let before = outcome(&f.policy(None).unwrap(), None, &s);
        let mut more = chosen.clone();
        if !more.contains(&extra) {
            more.push(extra);
        }
        let after = outcome(&policy(&drawn(&more, profile)), None, &s);
        let (had, has) = (keys(&before.violations), keys(&after.violations));
        prop_assert!(had.iter().all(|k| has.contains(k)), "{had:#?}\n{has:#?}");
        prop_assert!(after.state >= before.state);
        // every violation that can be waived is; all are still there, and only those that cannot count
        let mut text = String::new();
        for v in &before.violations {
            let new = new_waiver(&v.rule);
            if mistakes_of_new(&new, &f).is_empty() {
                text = with_waiver(&text, &new).unwrap();
            }
        }
        let (waivers, mistakes) = if text.is_empty() { Default::default() } else { Waivers::read("w", &text, &f) };
        prop_assert!(mistakes.is_empty(), "{mistakes:?}");
        let waived = outcome(&f.policy(None).unwrap(), Some(&waivers), &s);
        prop_assert_eq!(keys(&waived.violations), had);
        let counts = |v: &&Violation| !v.is_waived() && v.severity >= Severity::Review;
        prop_assert!(waived.violations.iter().filter(counts).all(|v| f.cannot_be_waived(&v.rule)));
        Ok(())
    };
    if let Err(e) = TestRunner::new(config).run(&strategy, test) {
        panic!("{e}");
    }
}
