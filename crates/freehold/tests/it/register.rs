//! The register as people use it: a record from its first draft to an approval, the gate, the auditor's pack, what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{root, run};

const USE: [&str; 10] = [
    "--access",
    "hosted-app",
    "--commercial=yes",
    "--activities",
    "none",
    "--customer-countries",
    "DE",
    "--monthly-active-users-at-license-release=4000",
    "--affiliates-monthly-active-users-at-license-release=0",
    "--as-of=2026-11-24",
];

/// A folder with a model and a register.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("bot");
        fs::create_dir_all(&model).unwrap();
        let from = root().join("examples/support-bot-lora/model");
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), model.join(entry.file_name())).unwrap();
        }
        let desk = Desk { dir };
        desk.ok(&["register", "init", "--register=r.db", "--name", "acme"]);
        desk
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let (code, out, err) = run(self.path(), args);
        (code, out + &err)
    }

    fn ok(&self, args: &[&str]) -> String {
        let (code, said) = self.run(args);
        assert_eq!(code, 0, "{args:?}\n{said}");
        said
    }

    /// A command of the register, by a person in a role.
    fn by(&self, who: &str, role: &str, args: &[&str]) -> (i32, String) {
        let head = ["register", args[0], "--register=r.db", "--as", who, "--role", role];
        self.run(&[&head[..], &args[1..]].concat())
    }

    fn added(&self) -> String {
        let (code, said) = self.by("Ada", "requester", &[&["add", "bot", "--called", "bot"], &USE[..]].concat());
        assert_eq!(code, 0, "{said}");
        said
    }

    /// A record to which everything but the approvals was added.
    fn ready(&self) {
        self.added();
        let facts = [
            "set",
            "bot",
            "base.revision=0cb88a4",
            "distribution.audience=customers",
            "use.description=answers mail",
            "governance.owner=Olga",
        ];
        for (who, role, args) in [
            ("Ada", "requester", &facts[..]),
            ("Lena", "legal", &["clause", "bot", "llama-3.1 1.b.iv", "--answer=within", "--reason=mail of customers"]),
            (
                "Ada",
                "requester",
                &["attribution", "bot", "attribution-built-with-llama llama-3.1", "--where=https://acme.example"],
            ),
            ("Ada", "requester", &["attribution", "bot", "name-prefix-llama llama-3.1", "--where=the model page"]),
            ("Ada", "requester", &["submit", "bot"]),
            ("Cora", "compliance", &["triage", "bot"]),
        ] {
            let (code, said) = self.by(who, role, args);
            assert_eq!(code, 0, "{args:?}\n{said}");
        }
    }

    fn approved(&self) {
        self.ready();
        for (who, role) in [("Olga", "owner"), ("Cora", "compliance"), ("Lena", "legal")] {
            let (code, said) = self.by(who, role, &["approve", "bot", "--comment", "private words of mine"]);
            assert_eq!(code, 0, "{said}");
        }
    }

    fn gate(&self, more: &[&str]) -> (i32, String) {
        self.run(&[&["check", "bot", "--register", "r.db"], &USE[..], more].concat())
    }
}

#[test]
fn from_a_draft_to_an_approval_that_the_gate_reads() {
    let desk = Desk::new();
    assert!(desk.gate(&[]).1.contains("NOT APPROVED  bot  no record is about these bytes"));
    let said = desk.added();
    for line in [
        "state     draft",
        "to add, before it can be submitted",
        "base.revision",
        "license.edition                llama-3.1-community   (assessment)",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let (code, said) = desk.by("Ada", "requester", &["submit", "bot"]);
    assert_eq!((code, said.matches("error[refused]").count()), (1, 4), "{said}");
    drop(desk);
    let desk = Desk::new();
    desk.ready();
    let (code, said) = desk.by("Ada", "owner", &["approve", "bot"]);
    assert!(code == 1 && said.contains("who asked for a record does not approve it"), "{said}");
    let (code, said) = desk.by("Olga", "owner", &["approve", "bot"]);
    assert!(code == 0 && said.contains("waits for compliance, legal"), "{said}");
    assert_eq!(desk.gate(&[]).0, 1, "not before the last has approved");
    desk.by("Cora", "compliance", &["approve", "bot"]);
    let (code, said) = desk.by("Lena", "legal", &["approve", "bot"]);
    assert!(code == 0 && said.contains("state     approved until "), "{said}");
    let (code, said) = desk.gate(&[]);
    assert!(code == 0 && said.contains("register  APPROVED  bot  "), "{said}");
    // another use, and other bytes
    let (code, said) = desk.gate(&["--set", "use.access=weights"]);
    assert!(code == 1 && said.contains("use.access: approved for hosted-app, and not for weights"), "{said}");
    let (code, json) = desk.gate(&["--format=json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["assessments"][0]["register"]["covered"]), (0, &serde_json::Value::Bool(true)));
    let (code, sarif) = desk.gate(&["--format=sarif", "--set", "use.access=weights"]);
    assert!(code == 1 && sarif.contains("policy/not-approved"), "{sarif}");
    let (code, comment) = desk.gate(&["--format=markdown", "--set", "use.access=weights"]);
    assert!(code == 1 && comment.contains("policy: not-approved"), "{comment}");
    fs::write(
        desk.path().join("bot/README.md"),
        "---\nlicense: mit\nbase_model: meta-llama/Llama-3.1-8B-Instruct\n---\n",
    )
    .unwrap();
    let (code, said) = desk.gate(&[]);
    assert!(code == 1 && said.contains("no record is about these bytes"), "{said}");
    // assessed again, the approval falls and says why
    let again = [&["assess", "bot", "bot"], &USE[..]].concat();
    let dry = [&again[..], &["--dry-run"]].concat();
    let (code, said) = desk.by("Ada", "requester", &dry);
    assert!(code == 4 && said.contains("artifact is another"), "{said}");
    let (code, said) = desk.by("Ada", "requester", &again);
    assert!(code == 0 && said.contains("state     re-review"), "{said}");
    let said = desk.ok(&["register", "show", "bot", "--register=r.db"]);
    assert!(said.contains("changed   since the approval: artifact"), "{said}");
    assert!(desk.ok(&["register", "list", "--register=r.db"]).contains("re-review"));
    assert_eq!(desk.run(&["register", "list", "--register=r.db", "--state=approved"]).0, 5);
}

/// The program that the pack's page gives, run on the pack.
fn by_the_page(pack: &Path) -> Option<(bool, String)> {
    let page = fs::read_to_string(pack.join("VERIFY.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let sums = Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(pack).output();
    let out = Command::new("python3").args(["-c", program]).current_dir(pack).output();
    let (Ok(sums), Ok(out)) = (sums, out) else {
        eprintln!("skipped: no sha256sum or python3 to follow the pack's page with");
        return None;
    };
    let said = String::from_utf8_lossy(&[sums.stdout, out.stdout, out.stderr].concat()).into_owned();
    Some((sums.status.success() && out.status.success(), said))
}

#[test]
fn an_auditor_checks_a_pack_by_its_page_alone() {
    let desk = Desk::new();
    desk.approved();
    let pack: PathBuf = desk.path().join("pack");
    desk.ok(&["register", "export", "bot", "pack", "--register=r.db"]);
    assert_eq!(desk.run(&["register", "export", "bot", "pack", "--register=r.db"]).0, 2, "nothing is written over");
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(pack.join("02-record.json")).unwrap()).unwrap();
    assert_eq!(record["state"], "approved");
    assert_eq!(record["approvals"][2]["by"], "Lena");
    let events = fs::read_to_string(pack.join("events.jsonl")).unwrap();
    assert!(!events.contains("Lena") && !events.contains("private words"), "names and comments are kept apart");
    // the list of files is signed, and whoever reads papers finds them
    let (sums, note) = (
        fs::read_to_string(pack.join("SHA256SUMS")).unwrap(),
        fs::read_to_string(pack.join("SHA256SUMS.note")).unwrap(),
    );
    assert!(note.starts_with(&format!("{sums}\n\u{2014} acme/freehold-register/")), "{note}");
    let listed = |name: &str| sums.contains(&format!("  {name}\n"));
    for name in [
        "00-cover.html",
        "01-memo.md",
        "03-obligations.csv",
        "09-aibom/model.cdx.json",
        "12-mapping/eu-gpai-guidelines.csv",
    ] {
        assert!(listed(name), "{name}\n{sums}");
    }
    assert!(
        fs::read_to_string(pack.join("06-approvals.csv")).unwrap().contains("legal,Lena,"),
        "people are named in it"
    );
    if listed("01-memo.pdf") {
        assert!(fs::read(pack.join("01-memo.pdf")).unwrap().starts_with(b"%PDF"));
    } else {
        eprintln!("skipped: no freehold-press on PATH to print PDF and DOCX with");
    }
    let Some((fine, said)) = by_the_page(&pack) else { return };
    assert!(fine && said.contains("is in acme/freehold-register/"), "{said}");
    let leaf = pack.join("proofs/0.leaf");
    let text = fs::read_to_string(&leaf).unwrap();
    fs::write(&leaf, text.replace("Llama-3.1-8B", "Llama-3.2-1B")).unwrap();
    assert!(!by_the_page(&pack).unwrap().0);
    // with the hashes put right as well, the proof still says so
    let sums = fs::read_to_string(pack.join("SHA256SUMS")).unwrap();
    let kept: String = sums.lines().filter(|l| !l.ends_with("0.leaf")).map(|l| format!("{l}\n")).collect();
    fs::write(pack.join("SHA256SUMS"), kept).unwrap();
    let (fine, said) = by_the_page(&pack).unwrap();
    assert!(!fine && said.contains("AssertionError"), "{said}");
}

#[test]
fn what_is_changed_behind_its_back_is_found() {
    let desk = Desk::new();
    desk.approved();
    let kept = desk.ok(&["register", "checkpoint", "--register=r.db"]);
    fs::write(desk.path().join("kept"), &kept).unwrap();
    let said = desk.ok(&["register", "verify", "--register=r.db", "--checkpoint=kept"]);
    assert!(said.contains("WHOLE") && !said.contains("note "), "{said}");
    let (code, said) = desk.by("Cora", "compliance", &["erase", "Nobody At All"]);
    assert!(code == 2 && said.contains("no name and no comment is written so"), "{said}");
    // names are erased, the log stays whole
    let (code, said) = desk.by("Cora", "compliance", &["erase", "Lena"]);
    assert_eq!(code, 0, "{said}");
    let log = desk.ok(&["register", "log", "bot", "--register=r.db"]);
    assert!(log.contains("(erased) (legal)") && !log.contains("Lena"), "{log}");
    let said = desk.ok(&["register", "verify", "--register=r.db", "--checkpoint=kept"]);
    assert!(said.contains("1 private texts erased"), "{said}");
    // a backup from before is put back: this machine saw more
    let backup = fs::read(desk.path().join("r.db")).unwrap();
    desk.by("Ada", "requester", &["set", "bot", "attribution.notice_url=https://acme.example"]);
    fs::write(desk.path().join("r.db"), backup).unwrap();
    let (code, said) = desk.run(&["register", "list", "--register=r.db"]);
    assert!(code == 3 && said.contains("an older copy was put back"), "{said}");
    let (code, said) = desk.gate(&[]);
    assert!(code == 3 && said.contains("an older copy was put back"), "the gate does not read it: {said}");
}

#[test]
fn who_was_erased_does_not_come_back_to_approve() {
    let desk = Desk::new();
    desk.ready();
    assert_eq!(desk.by("Cora", "compliance", &["erase", "Ada"]).0, 0);
    for who in ["Ada", "Olga"] {
        let (code, said) = desk.by(who, "owner", &["approve", "bot"]);
        assert!(code == 1 && said.contains("nobody can be told from them"), "{said}");
    }
    assert_eq!(desk.by("Cora", "compliance", &["request-changes", "bot", "--comment=again"]).0, 0);
    assert_eq!(desk.by("Bea", "requester", &["submit", "bot"]).0, 0);
    assert_eq!(desk.by("Cora", "compliance", &["triage", "bot"]).0, 0);
    assert_eq!(desk.by("Olga", "owner", &["approve", "bot"]).0, 0);
}

#[test]
fn people_and_their_roles() {
    let desk = Desk::new();
    for (name, roles) in [("Cora", "compliance"), ("Ada", "requester"), ("Olga", "owner")] {
        let (code, said) = desk.by("Cora", "compliance", &["member", name, "--roles", roles]);
        assert_eq!(code, 0, "{said}");
    }
    desk.ready_with_members();
    let (code, said) = desk.by("Ada", "compliance", &["member", "Ada", "--roles", "legal,compliance"]);
    assert!(code == 2 && said.contains("this person does not keep roles"), "{said}");
    let (code, said) = desk.by("Eve", "owner", &["withdraw", "bot"]);
    assert!(code == 1 && said.contains("this person does not act as owner"), "{said}");
    let (code, said) = desk.by("Cora", "compliance", &["member", "Ada", "--roles", "king"]);
    assert!(code == 2 && said.contains("`king` is no role"), "{said}");
}

impl Desk {
    fn ready_with_members(&self) {
        self.added();
    }
}

#[test]
fn what_a_user_gets_wrong() {
    let desk = Desk::new();
    desk.added();
    for (args, code, says) in [
        (&["register", "list"][..], 2, "no register is named"),
        (&["register", "list", "--register=absent.db"], 3, "no register at absent.db"),
        (&["register", "list", "--register=bot/README.md"], 3, "no register that this build reads"),
        (&["register", "init", "--register=r.db"], 3, "is there already"),
        (&["register", "submit", "bot", "--register=r.db"], 2, "it is not stated who does this"),
        (&["register", "submit", "bto", "--register=r.db", "--as=A"], 2, "no record is called `bto`"),
        (&["register", "set", "bot", "base.modle=x", "--register=r.db", "--as=A"], 1, "no field is called so"),
        (
            &["register", "set", "bot", "data.used=maybe", "--register=r.db", "--as=A", "--role=data-steward"],
            1,
            "yes or no",
        ),
        (
            &["register", "approve", "bot", "--until=soon", "--register=r.db", "--as=A", "--role=owner"],
            2,
            "`soon` is no day",
        ),
        (&["register", "prove", "99", "--register=r.db"], 3, "the tree has no such place"),
        (&["register", "prove", "x", "--register=r.db"], 2, "is no place in the log"),
        (&["register", "add", ".", "--register=r.db", "--as=A", "--key=absent.key"], 3, "absent.key cannot be read"),
        (&["register", "list", "--register=postgres://nobody:secret@127.0.0.1:1/none"], 3, "the database refuses"),
        (&["check", "bot", "--register=absent.db"], 3, "no register at absent.db"),
    ] {
        let (status, said) = desk.run(args);
        assert_eq!(status, code, "{args:?}\n{said}");
        assert!(said.contains(says), "{args:?}\n{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    assert!(desk.ok(&["register", "fields"]).contains("base.revision"));
}

#[test]
fn what_would_move_is_told_before_it_happens_and_written_down_when_it_has() {
    let desk = Desk::new();
    desk.approved();
    let many = "--set=organization.monthly_active_users_at_license_release=800000000";
    let impact = |more: &[&str]| desk.run(&[&["register", "impact", "--register=r.db"], more].concat());
    let (code, said) = impact(&[]);
    assert!(code == 2 && said.contains("nothing is to change"), "{said}");
    let (code, said) = impact(&["--set=organization.monthly_active_user=1"]);
    assert!(code == 2 && said.contains("did you mean `organization.monthly_active_users`?"), "{said}");
    let (code, said) = impact(&["--set=organization.monthly_active_users=5"]);
    assert!(code == 0 && said.contains("of 1 record, 0 would rest on other grounds"), "{said}");
    let (code, said) = impact(&[many]);
    for line in [
        "if        organization.monthly_active_users_at_license_release = 800000000",
        "then      of 1 record, 1 would rest on other grounds",
        "1: permitted-with-obligations -> needs-separate-license",
        "  bot  (approved until ",
        "  + limited by llama-3.1 2 needs-separate-license",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert_eq!(code, 4);
    let (_, page) = impact(&[many, "--format=json"]);
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!((&page["schema"], &page["looked_at"]), (&"freehold.impact/1".into(), &1.into()));
    assert_eq!(page["moved"][0]["after"], "needs-separate-license");
    assert_eq!(impact(&[many, "--state=draft"]).0, 5, "no record is at it");
    // another law: its threshold lies lower
    let text = fs::read_to_string(root().join("catalog/licenses/llama-3.1.toml")).unwrap();
    fs::create_dir_all(desk.path().join("law/licenses")).unwrap();
    fs::write(desk.path().join("law/licenses/llama-3.1.toml"), text.replace("700_000_000", "3_000")).unwrap();
    let (code, said) = desk.run(&["register", "impact", "--register=r.db", "--catalog=law"]);
    assert!(code == 4 && said.contains("+law, not "), "{said}");
    // nothing was written by any of it, and what has not happened changes nothing
    assert_eq!(desk.gate(&[]).0, 0);
    let again = |more: &[&str]| {
        let head = ["register", "reassess", "--register=r.db", "--as=Bot", "--role=automation", "--as-of=2026-11-24"];
        desk.run(&[&head[..], more].concat())
    };
    let (code, said) = again(&[]);
    assert!(code == 0 && said.contains("0 changed, 0 approvals fell"), "{said}");
    let (code, said) = again(&["--catalog=law"]);
    assert!(code == 4 && said.contains("1 changed, 1 approval fell"), "{said}");
    let said = desk.ok(&["register", "show", "bot", "--register=r.db"]);
    for line in [
        "state     re-review",
        "changed   since the approval: outcome",
        "  + limited by llama-3.1 2 needs-separate-license",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert_eq!(desk.gate(&[]).0, 1);
    // the law of before brings the approval back: it was given for exactly this
    let (code, said) = again(&[]);
    assert!(code == 0 && said.contains("1 changed, 0 approvals fell"), "{said}");
    assert_eq!(desk.gate(&[]).0, 0);
    // facts of the organization reach every record
    let (code, said) = again(&[many]);
    assert!(code == 4 && said.contains("facts: organization.monthly_active_users_at_license_release"), "{said}");
    let (code, said) = desk.gate(&[]);
    assert!(code == 1 && said.contains("re-review"), "{said}");
    assert!(desk.ok(&["register", "verify", "--register=r.db"]).contains("WHOLE"));
}

/// Every example as a record whose five areas are filled: `record.toml` says what a person adds.
fn example(name: &str) -> Desk {
    let desk = Desk { dir: tempfile::tempdir().unwrap() };
    desk.ok(&["register", "init", "--register=r.db", "--name", "acme"]);
    let from = root().join("examples").join(name);
    let text = |p: &str| from.join(p).display().to_string();
    let (model, uses, release) = (text("model"), text("use.toml"), text("release"));
    let mut args = vec!["add", model.as_str(), "--called", name, "--use", uses.as_str(), "--as-of=2026-11-24"];
    if from.join("release").is_dir() {
        args.extend(["--release", release.as_str()]);
    }
    let (code, said) = desk.by("Ada", "requester", &args);
    assert_eq!(code, 0, "{said}");
    // each role states what is its own
    for (who, role) in [("Ada", "requester"), ("Dan", "data-steward"), ("Ria", "risk")] {
        let (code, said) = desk.by(who, role, &["set", name, "--from", &text("record.toml")]);
        assert_eq!(code, 0, "{said}");
    }
    desk
}

/// The evidence pack of an example, in a folder.
pub(crate) fn packed(name: &str, dir: &Path) -> PathBuf {
    let desk = example(name);
    let pack = dir.join(format!("pack-{name}"));
    desk.ok(&["register", "export", name, &pack.display().to_string(), "--register=r.db", "--as-of=2026-11-24"]);
    pack
}

#[test]
fn the_five_areas_of_every_example_go_out_and_come_back() {
    for name in ["gemma-reviewer", "mistral-merge", "mystery", "phi-4-awq", "qwen-3b-product", "support-bot-lora"] {
        let desk = example(name);
        let record = |desk: &Desk, what: &str| -> serde_json::Value {
            let text = desk.ok(&["register", "show", what, "--register=r.db", "--format=json"]);
            serde_json::from_str(&text).unwrap()
        };
        let before = record(&desk, name);
        for (field, fact) in before["facts"].as_object().unwrap() {
            assert!(fact["source"] != "", "{name}: nobody said anything of {field}");
        }
        desk.ok(&["register", "export", name, "pack", "--register=r.db", "--as-of=2026-11-24"]);
        for bill in ["model.cdx.json", "model.cdx16.json", "model.spdx3.json"] {
            let other = Desk { dir: tempfile::tempdir().unwrap() };
            other.ok(&["register", "init", "--register=r.db", "--name", "other"]);
            let bill = desk.path().join("pack/09-aibom").join(bill).display().to_string();
            let (code, said) = other.by("Bo", "requester", &["import", &bill, "--as-of=2026-11-24"]);
            assert_eq!(code, 0, "{bill}\n{said}");
            let list = other.ok(&["register", "list", "--register=r.db", "--format=json"]);
            let list: serde_json::Value = serde_json::from_str(&list).unwrap();
            assert_eq!(list["records"].as_array().unwrap().len(), 1, "{list}");
            let after = record(&other, list["records"][0]["id"].as_str().unwrap());
            for (field, fact) in before["facts"].as_object().unwrap() {
                // roles keep what is theirs: it is told who is to state it
                if ["data.used", "data.complete", "governance.risk"].contains(&field.as_str()) {
                    continue;
                }
                let parts = |f: &serde_json::Value| (f["value"].clone(), f["state"].clone());
                assert_eq!(parts(&after["facts"][field]), parts(fact), "{bill}: {field}");
            }
            for list in ["datasets", "clauses", "attributions"] {
                let says = |r: &serde_json::Value| -> Vec<serde_json::Value> {
                    let all = r[list].as_array().unwrap();
                    all.iter().map(|e| if list == "datasets" { e.clone() } else { e["says"].clone() }).collect()
                };
                assert_eq!(says(&after), says(&before), "{bill}: {list}");
            }
        }
    }
}

#[test]
fn an_organization_keeps_rules_of_its_own() {
    let desk = Desk::new();
    assert!(desk.ok(&["register", "rules", "--register=r.db"]).contains("owner, compliance: always"));
    let file = desk.path().join("rules.toml");
    fs::write(&file, "[[rule]]\nroles = [\"owner\"]\n[[rule]]\nroles = [\"security\"]\naccess = [\"hosted-app\"]\n")
        .unwrap();
    let (code, said) = desk.by("Cora", "requester", &["rules", "--from=rules.toml"]);
    assert!(code == 2 && said.contains("requester does not keep rules"), "{said}");
    let (code, said) = desk.by("Cora", "compliance", &["rules", "--from=rules.toml"]);
    assert!(code == 0 && said.contains("security: where access is hosted-app"), "{said}");
    desk.ready();
    let said = desk.ok(&["register", "show", "bot", "--register=r.db"]);
    assert!(said.contains("waits for owner, security"), "{said}");
    let (code, said) = desk.by("Lena", "legal", &["approve", "bot"]);
    assert!(code == 1 && said.contains("asked are: owner, security"), "{said}");
    desk.by("Olga", "owner", &["approve", "bot"]);
    let (code, said) = desk.by("Sam", "security", &["approve", "bot"]);
    assert!(code == 0 && said.contains("state     approved until"), "{said}");
    fs::write(&file, "[[rule]]\nroles = [\"king\"]\ncolor = \"red\"\n").unwrap();
    let (code, said) = desk.by("Cora", "compliance", &["rules", "--from=rules.toml"]);
    assert!(code == 2 && said.contains("3 mistakes") || said.contains("4 mistakes"), "{said}");
    assert!(desk.ok(&["register", "verify", "--register=r.db"]).contains("WHOLE"));
}

#[test]
fn a_base_that_is_listed_as_data_too_keeps_its_terms() {
    let desk = Desk { dir: tempfile::tempdir().unwrap() };
    desk.ok(&["register", "init", "--register=r.db"]);
    let rows = "name,base,relation,dataset,use.access,use.commercial,use.activities\n\
                plain,Qwen/Qwen2.5-3B-Instruct,finetune,,weights,yes,none\n\
                twice,Qwen/Qwen2.5-3B-Instruct,finetune,Qwen/Qwen2.5-3B-Instruct;twice,weights,yes,none\n";
    fs::write(desk.path().join("list.csv"), rows).unwrap();
    let (code, said) = desk.by("Ada", "requester", &["import", "list.csv", "--dry-run", "--as-of=2026-11-24"]);
    assert_eq!(
        (code, said.as_str()),
        (0, "plain  needs-separate-license\ntwice  needs-separate-license\nwould add 2\n")
    );
}
