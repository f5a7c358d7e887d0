//! The plan for a release, from a case and the release's texts, without a disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use freehold_assess::{Certainty, Status};
use freehold_check::{Dossier, Outgoing, ReleaseFile, case_from_toml, judge, read_release};
use freehold_comply::{Asked, AtHand, Look, Plan, Release, Source, plan};
use freehold_text::Index;

const AS_OF: &str = "2026-11-24";
static INDEX: LazyLock<Index<'static>> =
    LazyLock::new(|| Index::from_bytes(include_bytes!("../../../catalog/texts.idx")).unwrap());

/// A release in memory.
struct Texts(BTreeMap<String, Look>);

impl Release for Texts {
    fn look(&self, path: &str) -> Look {
        self.0.get(path).cloned().unwrap_or(Look::Absent)
    }
}

/// What a test asks for.
#[derive(Default)]
struct Wanted<'w> {
    /// The release's texts.
    files: &'w [(&'w str, &'w str)],
    /// Texts at hand.
    texts: Vec<AtHand>,
    copyright: &'w [&'w str],
    name: Option<&'w str>,
    all: bool,
    /// What lies at a path and is not edited.
    refused: Option<&'w str>,
}

fn files(texts: &[(&str, &str)]) -> Vec<ReleaseFile> {
    texts.iter().map(|(path, text)| ReleaseFile { path: (*path).into(), text: (*text).into() }).collect()
}

fn judged(case: &str, files: &[ReleaseFile]) -> Dossier<'static> {
    let law = freehold_law::shared();
    let (case, mistakes) = case_from_toml("case.toml", case, law, AS_OF);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let mut parts = case.unwrap().into_parts("", AS_OF);
    let release = read_release(files, &INDEX, law);
    parts.outgoing = Some(Outgoing { path: "out".into(), release, card_name: None });
    judge(parts, law)
}

fn planned(case: &str, wanted: &Wanted<'_>) -> Plan {
    let files = files(wanted.files);
    let mut there: BTreeMap<String, Look> =
        files.iter().map(|f| (f.path.clone(), Look::Text(f.text.clone()))).collect();
    there.extend(wanted.refused.map(|path| (path.to_string(), Look::Refused("is a link".into()))));
    let asked = Asked {
        index: &INDEX,
        release: &Texts(there),
        files: &files,
        texts: &wanted.texts,
        name: wanted.name,
        copyright: wanted.copyright,
        all: wanted.all,
        holds_model: true,
        alone: true,
    };
    plan(&judged(case, &files), &asked, Vec::new())
}

fn written<'p>(plan: &'p Plan, path: &str) -> &'p str {
    let edit = plan.edits.iter().find(|e| e.path == path);
    &edit.unwrap_or_else(|| panic!("{path} is not among {:?}", paths(plan))).is
}

fn paths(plan: &Plan) -> Vec<&str> {
    plan.edits.iter().map(|e| e.path.as_str()).collect()
}

/// Codes that are owed, unmet and called fixable once the plan is carried out.
fn open_after(case: &str, before: &[(&str, &str)], plan: &Plan) -> Vec<String> {
    let mut all: BTreeMap<&str, &str> = before.iter().copied().collect();
    all.extend(plan.edits.iter().map(|e| (e.path.as_str(), e.is.as_str())));
    let all: Vec<(&str, &str)> = all.into_iter().collect();
    let d = judged(case, &files(&all));
    let open =
        d.assessment.obligations.iter().filter(|o| {
            !o.upstream && o.certainty == Certainty::Owed && o.status == Status::Unmet && o.fixable(d.catalog)
        });
    open.map(|o| o.code.to_string()).collect()
}

fn at_hand(source: Source, id: &str) -> AtHand {
    AtHand { source, from: format!("somewhere/{id}"), notice: false, text: spdx::license_id(id).unwrap().text().into() }
}

fn case(base: &str, relation: &str) -> String {
    format!(
        "[subject]\nid = \"acme/bot\"\nname = \"bot\"\nmade_by = \"organization\"\n\
         [[subject.parents]]\nwork = \"{base}\"\nrelation = \"{relation}\"\n\
         [organization]\nkind = \"company\"\ncountry = \"DE\"\nmonthly_active_users_at_license_release = 1000\n\
         affiliates_monthly_active_users_at_license_release = 0\n\
         [use]\ncommercial = true\naccess = [\"weights\"]\nactivities = []\n"
    )
}

const LLAMA: &str = "meta-llama/Llama-3.1-8B-Instruct";
const CARD: &str = "---\nlicense: llama3.1 # ours\ntags: [a]\n---\n# Bot\n";

#[test]
fn the_notice_the_words_and_the_name_are_written_and_count() {
    let case = case(LLAMA, "finetune");
    let plan = planned(&case, &Wanted::default());
    assert!(written(&plan, "NOTICE").contains("Llama 3.1 is licensed under the Llama 3.1 Community License"));
    assert_eq!(written(&plan, "ABOUT.md"), "# About\n\nBuilt with Llama\n");
    assert_eq!(plan.name.as_deref(), Some("Llama-bot"));
    // the text is not at hand: that stays open, and only that
    let open: Vec<&str> = plan.left.iter().filter(|l| l.fixable).map(|l| l.code.as_str()).collect();
    assert_eq!(open, ["include-license-copy"]);
    assert!(plan.left.iter().all(|l| !l.fixable || l.todo.contains("no copy of the text is at hand")));
}

#[test]
fn a_release_whose_only_text_is_a_card_gets_the_words_where_they_count() {
    // Meta's list of places has no model card: words in it would show nothing
    let case = case(LLAMA, "finetune");
    let before = [("README.md", CARD)];
    let plan = planned(&case, &Wanted { files: &before, ..Wanted::default() });
    assert_eq!(written(&plan, "ABOUT.md"), "# About\n\nBuilt with Llama\n");
    assert!(!written(&plan, "README.md").contains("Built with"), "{}", written(&plan, "README.md"));
    let open = open_after(&case, &before, &plan);
    assert!(!open.iter().any(|c| c.starts_with("attribution")), "{open:?}");
    // where a page is there already, no other is made
    let before = [("README.md", CARD), ("docs/about-us.md", "# Us\n")];
    let plan = planned(&case, &Wanted { files: &before, ..Wanted::default() });
    assert_eq!(written(&plan, "docs/about-us.md"), "# Us\n\nBuilt with Llama\n");
    assert!(!paths(&plan).contains(&"ABOUT.md"));
    // a README without front matter is documentation, which is on that list
    let before = [("README.md", "# Bot\n")];
    let plan = planned(&case, &Wanted { files: &before, ..Wanted::default() });
    assert_eq!(written(&plan, "README.md"), "# Bot\n\nBuilt with Llama\n");
    assert!(!open_after(&case, &before, &plan).iter().any(|c| c.starts_with("attribution")));
}

#[test]
fn a_card_that_a_license_names_as_the_place_is_that_place() {
    // the Falcon 180B license lists the card among its places
    let case = case("tiiuae/falcon-180B", "finetune");
    let before = [("README.md", CARD)];
    let plan = planned(&case, &Wanted { files: &before, ..Wanted::default() });
    let attributed: Vec<&str> =
        plan.edits.iter().filter(|e| e.why.iter().any(|w| w == "attribution")).map(|e| e.path.as_str()).collect();
    assert_eq!(attributed, ["README.md"], "{:?}", plan.left);
    assert!(!open_after(&case, &before, &plan).iter().any(|c| c.starts_with("attribution")));
}

#[test]
fn a_copy_is_word_for_word_and_somebody_elses_holder_is_not_taken() {
    let case = case("mistralai/Mistral-7B-v0.1", "finetune");
    let texts = vec![at_hand(Source::Texts, "Apache-2.0")];
    let plan = planned(&case, &Wanted { texts, ..Wanted::default() });
    assert_eq!(written(&plan, "LICENSE-apache-2.0.txt"), spdx::license_id("Apache-2.0").unwrap().text());
    assert_eq!(open_after(&case, &[], &plan), Vec::<String>::new());
    // an altered copy is none
    let mut altered = at_hand(Source::Texts, "Apache-2.0");
    altered.text = altered.text.replace("perpetual", "temporary");
    let plan = planned(&case, &Wanted { texts: vec![altered], ..Wanted::default() });
    assert!(!paths(&plan).contains(&"LICENSE-apache-2.0.txt"));

    let case = self::case("microsoft/phi-4", "quantized");
    let mut mit = at_hand(Source::Texts, "MIT");
    mit.text = mit.text.replace("<year> <copyright holders>", "2023 Somebody");
    let plan = planned(&case, &Wanted { texts: vec![mit.clone()], ..Wanted::default() });
    assert!(!paths(&plan).contains(&"LICENSE-mit.txt"));
    assert!(plan.left.iter().any(|l| l.todo.contains("give the line of microsoft/phi-4")), "{:?}", plan.left);
    let given = ["mit=Copyright (c) Microsoft Corporation."];
    let plan = planned(&case, &Wanted { texts: vec![mit.clone()], copyright: &given, ..Wanted::default() });
    let copy = written(&plan, "LICENSE-mit.txt");
    assert!(copy.contains("Copyright (c) Microsoft Corporation.") && !copy.contains("Somebody"), "{copy}");
    // the upstream's own copy has the upstream's own line
    mit.source = Source::Upstream;
    let plan = planned(&case, &Wanted { texts: vec![mit], ..Wanted::default() });
    assert!(written(&plan, "LICENSE-mit.txt").contains("2023 Somebody"));
}

#[test]
fn what_is_there_is_kept_and_a_second_plan_is_empty() {
    let case = case(LLAMA, "finetune");
    let before = [("README.md", CARD), ("NOTICE.txt", "ours\r\n")];
    let first = planned(&case, &Wanted { files: &before, ..Wanted::default() });
    assert!(written(&first, "NOTICE.txt").starts_with("ours\r\n\r\nLlama 3.1 is licensed"), "their line ends");
    assert!(!paths(&first).contains(&"NOTICE"), "the notice that is there is the one");
    assert!(written(&first, "README.md").contains("license: llama3.1 # ours"));
    let mut after: BTreeMap<String, String> =
        before.iter().map(|(p, t)| ((*p).to_string(), (*t).to_string())).collect();
    after.extend(first.edits.iter().map(|e| (e.path.clone(), e.is.clone())));
    let after: Vec<(&str, &str)> = after.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    // the name is in the card by then, and the folder's is judged: said again, not written again
    let again = planned(&case, &Wanted { files: &after, ..Wanted::default() });
    assert_eq!(paths(&again), Vec::<&str>::new());
}

#[test]
fn what_may_not_be_written_is_left_and_says_so() {
    let case = case(LLAMA, "finetune");
    let plan = planned(&case, &Wanted { refused: Some("NOTICE"), ..Wanted::default() });
    let left = plan.left.iter().find(|l| l.code == "notice-file").unwrap();
    assert!(left.fixable && left.todo.starts_with("NOTICE is a link: add the line"), "{left:?}");
    assert!(!paths(&plan).contains(&"NOTICE"));
    let plan = planned(&case, &Wanted { name: Some("Bot"), ..Wanted::default() });
    assert!(plan.left.iter().any(|l| l.todo == "`--name Bot`: the name must begin with “Llama”"), "{:?}", plan.left);
}

#[test]
fn what_is_not_owed_is_written_only_when_all_is_asked() {
    // for users of an application the copy of the license is arguable, not owed
    let case = case(LLAMA, "adapter").replace("access = [\"weights\"]", "access = [\"hosted-app\"]");
    let owed = planned(&case, &Wanted::default());
    let all = planned(&case, &Wanted { all: true, ..Wanted::default() });
    assert!(!paths(&owed).contains(&"NOTICE"), "{:?}", paths(&owed));
    assert!(all.left.len() + all.edits.len() > owed.left.len() + owed.edits.len(), "{:?}", paths(&all));
}

#[test]
fn restrictions_inside_a_license_are_not_copied_twice() {
    let law = freehold_law::shared();
    let inside: Vec<&str> = (law.licenses.iter())
        .filter(|l| l.policies.iter().filter_map(|p| law.policy(p)).any(|p| law.license_of_edition(&p.text).is_some()))
        .map(|l| l.id.as_str())
        .collect();
    assert!(inside.contains(&"bigcode-openrail-m"), "{inside:?}");
    let plan = planned(&case("bigcode/starcoder", "finetune"), &Wanted::default());
    assert!(plan.left.iter().any(|l| l.code == "include-license-copy"), "{:?}", plan.left);
    assert!(!plan.notes.iter().any(|n| n.contains("no copy of it is at hand")), "{:?}", plan.notes);
    // a policy in a text of its own is
    let plan = planned(&case(LLAMA, "finetune"), &Wanted::default());
    assert!(plan.notes.iter().any(|n| n.contains("no copy of it is at hand")), "{:?}", plan.notes);
}

#[test]
fn a_change_notice_says_what_was_done_to_what() {
    let derived = planned(&case("mistralai/Mistral-7B-v0.1", "derived"), &Wanted::default());
    assert!(
        written(&derived, "CHANGES.md")
            .contains("- 2026-11-24: bot was modified: derived from mistralai/Mistral-7B-v0.1 by "),
        "{}",
        written(&derived, "CHANGES.md")
    );
    assert_eq!(
        open_after(&case("mistralai/Mistral-7B-v0.1", "derived"), &[], &derived),
        ["include-license-copy", "preserve-copyright"]
    );
}
