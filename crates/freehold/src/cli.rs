//! The command line. Flags for facts are made from `facts.toml`.

use clap::{Arg, ArgAction, Command, value_parser};
use freehold_catalog::{Catalog, FactDef, FactOrigin, FactType};

use crate::exit::FailOn;

const SHORT_HELP: &str = "\
may we ship this model the way we want to, and what do we owe if we do

  freehold init                      answer a few questions about your organization, once
  freehold check [WHAT…]             every model in WHAT (default .), judged
  freehold scan [PATH…] [--machine]  every model that lies or is named here; on this machine
  freehold comply WHAT --release DIR writes what is owed and can be written
  freehold stamp FILE…               license and lineage into GGUF files and cards
  freehold why CODE [WHAT]           the trail behind a duty, a finding or a verdict
  freehold what-if [WHAT] --set …    what moves if a fact, the access or the base changes
  freehold lineage [WHAT…]           what it was made from, each step with its evidence
  freehold explain LICENSE|MODEL     what a license says; what a model is under
  freehold identify FILE…            which license a text is, and where it differs
  freehold read FILE…                what a license text that nobody has read appears to say
  freehold diff A B                  what changes between two licenses, and for whom
  freehold bom [WHAT…]               a bill of materials: CycloneDX or SPDX, and what it lacks
  freehold kin A B                   what the weights of two models say of their kinship
  freehold tune gate FILE… | RECIPE  may it be trained so; from a recipe to a GGUF and its bundle
  freehold policy init|check|test    your own rules on top: what may go out, what a person must see
  freehold advise [--kind …]         which base you may use as you plan, of those that can do it
  freehold serve                     all of it as pages for people, with the records, and an API
  freehold help --all                every command and flag

start with:  freehold check .
";

/// The flag of a fact: its last word, or its last two where another fact ends alike.
pub(crate) fn flag_of(catalog: &Catalog, fact: &FactDef) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_string();
    let own = last(&fact.name);
    let taken = ["name", "kind", "use", "set"];
    let twice =
        catalog.facts.facts.iter().filter(|f| f.origin == FactOrigin::Stated && last(&f.name) == own).count() > 1;
    let flag = if twice || taken.contains(&own.as_str()) {
        let mut parts = fact.name.rsplit('.');
        let own = parts.next().unwrap_or_default().to_string();
        format!("{}-{own}", parts.next().unwrap_or_default())
    } else {
        own
    };
    flag.replace('_', "-")
}

/// Facts that a user may state, with their flags.
fn fact_args(catalog: &Catalog) -> Vec<Arg> {
    freehold_governance::stated_facts(catalog)
        .map(|(_, fact)| {
            let flag = flag_of(catalog, fact);
            let mut help = fact.question.clone();
            if !fact.values.is_empty() {
                help.push_str(&format!(" [{}]", fact.values.join(", ")));
            }
            let arg = Arg::new(fact.name.clone())
                .long(flag)
                .help(help)
                .help_heading("Facts")
                .hide_short_help(fact.name != "use.access")
                .value_name(match fact.kind {
                    FactType::Bool => "yes|no",
                    FactType::Number => "N",
                    FactType::History => "N|MONTH=N,…",
                    FactType::Country => "COUNTRY",
                    FactType::Countries => "COUNTRY,…",
                    FactType::Words | FactType::Activities => "WORD,…",
                    FactType::Word => "WORD",
                    FactType::Text => "TEXT",
                });
            match fact.kind {
                FactType::Words | FactType::Activities | FactType::Countries => arg.action(ArgAction::Append),
                FactType::Bool => arg.num_args(0..=1).default_missing_value("yes").require_equals(true),
                _ => arg,
            }
        })
        .collect()
}

fn subject_args() -> Vec<Arg> {
    vec![
        Arg::new("use-file").long("use").value_name("FILE").help("deployment file with [organization] and [use]"),
        Arg::new("release").long("release").value_name("DIR").help("what goes out: duties are checked against it"),
        Arg::new("name").long("name").value_name("NAME").help("the name the model is shipped under"),
        Arg::new("made-by")
            .long("made-by")
            .value_name("WHO")
            .value_parser(["organization", "third-party"])
            .help("who made the model"),
        Arg::new("base").long("base").value_name("MODEL").action(ArgAction::Append).help("a base that no file names"),
        Arg::new("set")
            .long("set")
            .value_name("FACT=VALUE")
            .action(ArgAction::Append)
            .help("state a fact by its full name (organization.country=DE)"),
        Arg::new("as-of").long("as-of").value_name("DATE").help("the day of the question, YYYY-MM-DD (default: today)"),
        house_arg(),
    ]
}

fn house_arg() -> Arg {
    Arg::new("house")
        .long("house")
        .value_name("DIR")
        .help("the folder of your agreements, positions and attestations (default: beside freehold.toml)")
}

/// Who answers for an entry of the house, and until when.
fn entry_args() -> Vec<Arg> {
    let arg = |name: &'static str, value, help| Arg::new(name).long(name).value_name(value).help(help);
    vec![
        arg("who", "NAME", "who answers for it").required(true),
        arg("until", "DATE", "its last day, YYYY-MM-DD").required(true),
        arg("evidence", "FILE", "what it rests on; its SHA-256 is written down").required(true),
        arg("why", "TEXT", "why"),
        arg("as-of", "DATE", "the day of the entry, YYYY-MM-DD (default: today)"),
        house_arg(),
    ]
}

/// The formats of `check`; each but the first may be written beside another.
const CHECK_FORMATS: &[&str] = &["human", "json", "jsonl", "sarif", "junit", "markdown", "github"];

fn pipeline_args() -> Vec<Arg> {
    let file = |name: &'static str| Arg::new(name).long(name).value_name("FILE");
    vec![
        format_arg(CHECK_FORMATS),
        Arg::new("also")
            .long("also")
            .value_name("FORMAT=FILE")
            .action(ArgAction::Append)
            .value_parser(also)
            .help("write it in another format too (sarif=freehold.sarif)"),
        Arg::new("register")
            .long("register")
            .value_name("FILE|URL")
            .help("fail unless an approval in force of this register covers these bytes and this use"),
        file("baseline").help("what is written down there as known does not count for the exit status"),
        file("write-baseline").help("write down everything that is wrong now as known"),
    ]
}

/// `FORMAT=FILE`.
fn also(text: &str) -> Result<(String, String), String> {
    let (format, file) =
        text.split_once('=').filter(|(_, f)| !f.is_empty()).ok_or("write it as sarif=freehold.sarif")?;
    let known = CHECK_FORMATS.iter().skip(1).find(|f| **f == format);
    known.map(|f| ((*f).to_string(), file.to_string())).ok_or_else(|| {
        format!(
            "`{format}` is not a format to write; they are {}",
            CHECK_FORMATS.get(1..).unwrap_or_default().join(", ")
        )
    })
}

fn policy_args() -> Vec<Arg> {
    vec![
        Arg::new("policy").long("policy").value_name("FILE").help("the file with [policy] (default: freehold.toml)"),
        Arg::new("environment")
            .long("environment")
            .value_name("NAME")
            .help("what of the policy applies: one of its [policy.environments]"),
    ]
}

/// `freehold serve`.
fn serve_command() -> Command {
    let arg =
        |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    Command::new("serve")
        .about("pages for counsel and an API for pipelines: register, license library, assessment, advisor, trainings")
        .args(register_args().into_iter().filter(|a| ["register", "key"].iter().any(|k| a.get_id() == *k)))
        .args([
            arg("listen", "ADDR", "the address it listens on (default: 127.0.0.1:8080, this machine alone)"),
            arg("public-url", "URL", "the address that people reach it under, https:// where a proxy does TLS"),
            arg("organization", "NAME", "whose register a new one is"),
            arg("policy", "FILE", "the file with [policy] (default: freehold.toml)"),
            arg(
                "studio",
                "DIR",
                "where recipes, bases and data of trainings lie; without it none is started from here",
            ),
            arg("rate", "N", "requests a second that one caller may make (default: 200)"),
            arg("oidc-issuer", "URL", "an OpenID provider that people sign in at"),
            arg("oidc-client", "ID", "the id that it knows this server under; the secret is in FREEHOLD_OIDC_SECRET"),
            arg("oidc-name", "NAME", "what the button says"),
            arg("trusted-proxy", "ADDRESSES", "proxies whose word in x-forwarded-for is believed (127.0.0.1,10.0.0.2)"),
            Arg::new("private-webhooks")
                .long("private-webhooks")
                .action(ArgAction::SetTrue)
                .help("webhooks may go to private addresses and over plain HTTP"),
            Arg::new("quiet").long("quiet").action(ArgAction::SetTrue).help("no line of log a request"),
        ])
        .args(subject_args().into_iter().filter(|a| ["use-file", "house"].iter().any(|k| a.get_id() == *k)))
}

/// `freehold advise`.
fn advise_command(catalog: &Catalog) -> Command {
    let arg =
        |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let list = |a: Arg| a.action(ArgAction::Append).value_delimiter(',');
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("advise")
        .about(
            "which base models you may use the way you want to, by their license texts, and which of them suits best",
        )
        .args([
            list(arg("kind", "KIND", "one of these: base, instruct, reasoning, code, vision, embedding")),
            list(arg("language", "LANG", "all of these languages, ISO 639 (de,fr)")),
            list(arg("takes", "WHAT", "it takes all of these: text, image, audio, video")),
            arg("context", "TOKENS", "shortest context (32k)"),
            arg("min-size", "N", "fewest parameters (3B)"),
            arg("max-size", "N", "most parameters (14B)"),
            arg("memory", "BYTES", "most memory for the weights (24GB)"),
            arg("bits", "N", "bits a weight, for the memory (default: 16)"),
            flag("finetune", "you train it further: the answer is about what comes out"),
            flag("no-use-policy", "leave out what has a use policy"),
            list(arg("without", "NAME", "publishers or families to leave out")),
            list(arg(
                "weight",
                "WHAT=N",
                "how much counts: simplicity, multilingual, quality, size (default: 1, 0, 1, 0.5)",
            )),
            arg("scores", "FILE", "scores of your own: CSV with model,name,score, or results of lm-evaluation-harness"),
            arg(
                "against",
                "SERVICE",
                "the first of them beside this vendor's service, on control and exit; `all` for every one",
            ),
            arg("license", "LICENSE", "with --against: weights under this license instead"),
            arg("most", "N", "how many to tell (default: 12)"),
            flag("all", "every model, not the best of each family"),
            flag("claims", "what a guide recommends, beside what the texts and the catalog say"),
        ])
        .args(
            subject_args()
                .into_iter()
                .filter(|a| ["use-file", "set", "as-of", "house"].iter().any(|k| a.get_id() == *k)),
        )
        .arg(format_arg(&["human", "json"]))
        .args(fact_args(catalog))
}

/// What is looked at.
fn what() -> Arg {
    Arg::new("what").value_name("WHAT").help("folder, file, or case.toml")
}

/// Where a register is, and who does something in it.
fn register_args() -> Vec<Arg> {
    let arg =
        |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    vec![
        arg("register", "FILE|URL", "the register: an SQLite file, or postgres://… (default: FREEHOLD_REGISTER)"),
        arg("key", "FILE", "its private key (default: FREEHOLD_REGISTER_KEY, else FILE.key)"),
        arg("as", "NAME", "who does this (default: FREEHOLD_ACTOR)"),
        arg("role", "ROLE", "in which role (default: requester)"),
    ]
}

/// `freehold register`.
fn register_command(catalog: &Catalog) -> Command {
    let arg =
        |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let record =
        || Arg::new("record").value_name("RECORD").required(true).help("its id, the beginning of it, or its name");
    let entry = |name: &'static str, help: &'static str| Arg::new("entry").value_name(name).required(true).help(help);
    let comment = || arg("comment", "TEXT", "why; it can be erased later");
    let sub = |name: &'static str, about: &'static str| Command::new(name).about(about).args(register_args());
    let read = |name: &'static str, about: &'static str| {
        Command::new(name).about(about).args(register_args().into_iter().filter(|a| a.get_id() == "register"))
    };
    let mut command = Command::new("register")
        .about("governance records: what is deployed, on which terms, who approved it; in a log that anybody can check")
        .subcommand_required(true)
        .subcommand(sub("init", "makes a register and its key").arg(arg(
            "name",
            "NAME",
            "whose it is; a part of its log's name",
        )))
        .subcommand(
            sub("add", "makes a record of a model: what its files and its assessment know, and what a person must add")
                .arg(what().required(true).help("the model: a folder or a file"))
                .arg(arg("called", "NAME", "what the record is called (default: as the model is)"))
                .args(subject_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            sub("assess", "assesses a record's model again; an approval whose grounds have changed falls")
                .arg(record())
                .arg(what().required(true).help("the model: a folder or a file"))
                .arg(dry_run())
                .args(subject_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            sub(
                "import",
                "makes a record of each model of a list: CycloneDX, SPDX, CSV, MLflow; or of each in a folder",
            )
            .arg(Arg::new("what").value_name("WHAT").num_args(1..).required(true).help("files and folders"))
            .arg(dry_run())
            .args(subject_args())
            .args(fact_args(catalog)),
        )
        .subcommand(
            sub("set", "states facts of a record")
                .arg(record())
                .arg(
                    Arg::new("value")
                        .value_name("KEY=VALUE")
                        .num_args(1..)
                        .required_unless_present("from")
                        .help("fields, as `freehold register fields` lists them"),
                )
                .arg(arg(
                    "from",
                    "FILE",
                    "everything that a record.toml states: fields, datasets, clauses, attributions",
                ))
                .arg(arg("state", "STATE", "known, unknown, not-applicable, disputed (default: known)"))
                .arg(arg("source", "TEXT", "where it is from (default: person)")),
        )
        .subcommand(
            sub("dataset", "adds a dataset").arg(record()).arg(entry("ID", "what it is called")).arg(
                Arg::new("value")
                    .value_name("KEY=VALUE")
                    .num_args(1..)
                    .required(true)
                    .help("role, acquisition, license, personal_data, …"),
            ),
        )
        .subcommand(
            sub("clause", "answers a clause of a use policy")
                .arg(record())
                .arg(entry("CLAUSE", "license and clause (`llama-3.1 1.b`)"))
                .args([
                    arg("answer", "WORD", "within, outside, unclear").required(true),
                    arg("reason", "TEXT", "why").required(true),
                ]),
        )
        .subcommand(
            sub("attribution", "says where an attribution or a notice is seen")
                .arg(record())
                .arg(entry("DUTY", "code and license (`notice-file llama-3.1`)"))
                .arg(arg("where", "PLACE", "a file or an address").required(true)),
        )
        .subcommand(
            sub("exception", "asks for a duty to be set aside, for a year at most")
                .arg(record())
                .arg(entry("NAME", "what it is called"))
                .args([
                    arg("covers", "CODE", "the duty's code").required(true),
                    arg("reason", "TEXT", "why").required(true),
                    arg("until", "DATE", "its last day").required(true),
                ]),
        )
        .subcommand(sub("approve-exception", "agrees to one").arg(record()).arg(entry("NAME", "which")))
        .subcommand(
            sub("condition", "a condition of the approval").arg(record()).arg(entry("NAME", "what it is called")).args(
                [arg("says", "TEXT", "what is asked").required(true), arg("due", "DATE", "by when").required(true)],
            ),
        )
        .subcommand(
            sub("condition-met", "says what shows that a condition is met")
                .arg(record())
                .arg(entry("NAME", "which"))
                .arg(arg("where", "PLACE", "what shows it").required(true)),
        )
        .subcommand(
            sub("approve", "approves in a role; the last that is asked decides")
                .arg(record())
                .args([arg("until", "DATE", "its last day (default: in a year)"), comment()]),
        )
        .subcommand(
            sub("supersede", "another record takes its place")
                .arg(record())
                .arg(arg("by", "RECORD", "which").required(true)),
        );
    for (name, about) in [
        ("submit", "hands a record in"),
        ("triage", "it is complete, and goes to review"),
        ("request-changes", "sends it back"),
        ("need-counsel", "a question for counsel is open"),
        ("counsel-answered", "it is answered"),
        ("reject", "refuses it"),
        ("withdraw", "takes it back"),
        ("suspend", "stops an approval"),
        ("resume", "puts it back to review"),
        ("renew", "once more, after an approval has ended or its grounds have changed"),
        ("retire", "it is over; kept"),
    ] {
        command = command.subcommand(sub(name, about).arg(record()).arg(comment()));
    }
    let again = |command: Command| {
        command
            .arg(arg("state", "STATE", "records at it alone"))
            .args(subject_args().into_iter().filter(|a| ["set", "as-of", "house"].contains(&a.get_id().as_str())))
    };
    command
        .subcommand(
            again(read("impact", "which records other facts, another law (--catalog DIR) or another day would move"))
                .arg(format_arg(&["human", "json"]))
                .args(fact_args(catalog)),
        )
        .subcommand(
            again(sub("reassess", "assesses every record by the law of today; approvals whose grounds changed fall"))
                .args(fact_args(catalog)),
        )
        .subcommand(
            read("list", "every record and where it stands")
                .args([
                    arg("state", "STATE", "those alone"),
                    arg("license", "LICENSE", "those under it; the beginning of its id finds every version"),
                    arg("base", "MODEL", "those that stand on it; the beginning of its name finds a family"),
                    arg("owner", "NAME", "those that somebody answers for"),
                    arg("verdict", "VERDICT", "those with this answer"),
                    arg("expires-before", "DATE", "approvals that end by then"),
                ])
                .arg(format_arg(&["human", "json", "csv"])),
        )
        .subcommand(read("show", "one record").arg(record()).arg(format_arg(&["human", "json"])))
        .subcommand(Command::new("fields").about("the fields of a record, who asks for each"))
        .subcommand(
            read("log", "the events of a record, or of all")
                .arg(record().required(false))
                .arg(format_arg(&["human", "jsonl"])),
        )
        .subcommand(
            read("verify", "checks everything that is stored, offline; names the first bad event")
                .arg(arg("checkpoint", "FILE", "one that was kept elsewhere").action(ArgAction::Append)),
        )
        .subcommand(read(
            "checkpoint",
            "prints the signed head of the log: keep it where nobody who keeps the register can change it",
        ))
        .subcommand(
            read("prove", "prints the proof that an event is in the log")
                .arg(Arg::new("index").value_name("N").required(true).help("its place, as `log` tells it")),
        )
        .subcommand(
            read("coverage", "what regimes ask (EU AI Act, NIST, ISO 42001, AB 2013) and where a record answers")
                .arg(record())
                .arg(arg("regime", "ID", "one alone"))
                .arg(format_arg(&["human", "json", "csv"])),
        )
        .subcommand(
            read("export", "a record with its proofs, for an auditor on another machine")
                .arg(record())
                .arg(Arg::new("out").value_name("DIR").required(true).help("a folder that is not there yet"))
                .arg(arg("key", "FILE", "the register's key, which signs the list of files (default: as elsewhere)"))
                .arg(
                    Arg::new("privileged")
                        .long("privileged")
                        .action(ArgAction::SetTrue)
                        .help("marks the memo as privileged"),
                )
                .args(subject_args().into_iter().filter(|a| ["as-of", "house"].contains(&a.get_id().as_str()))),
        )
        .subcommand(
            sub("erase", "erases a person's name or a comment; the log stays whole")
                .arg(Arg::new("text").value_name("TEXT").required(true).help("as it was written")),
        )
        .subcommand(sub("rules", "who must approve what; or keeps new rules of yours").arg(arg(
            "from",
            "FILE",
            "[[rule]] roles = […], access = […], risk = […], …",
        )))
        .subcommand(
            sub("member", "says which roles a person holds; from the first on, nobody else holds any")
                .arg(Arg::new("name").value_name("NAME").required(true).help("the person"))
                .arg(arg("roles", "A,B", "roles (empty: none)").required(true)),
        )
}

/// `freehold texts`.
fn texts_command() -> Command {
    Command::new("texts")
        .about("the organization's own folder of license texts, for comply")
        .subcommand_required(true)
        .subcommand(
            Command::new("add")
                .about("keeps license texts and use policies, each under the edition that it is word for word")
                .arg(
                    Arg::new("what")
                        .value_name("FILE|DIR")
                        .num_args(1..)
                        .required(true)
                        .help("texts, folders of them, or - for standard input"),
                ),
        )
        .subcommand(Command::new("list").about("what is kept, and where"))
}

/// `freehold policy` and `freehold waive`.
fn policy_commands(catalog: &Catalog) -> [Command; 2] {
    let as_of = || subject_args().into_iter().filter(|a| a.get_id() == "as-of");
    let file = || policy_args().into_iter().filter(|a| a.get_id() == "policy");
    let policy = Command::new("policy")
        .about("the organization's own rules: write them, check them, try them")
        .subcommand_required(true)
        .subcommand(
            Command::new("init")
                .about("adds a commented [policy] to freehold.toml, for the answers given there")
                .args(file())
                .arg(
                    Arg::new("profile")
                        .long("profile")
                        .value_name("NAME")
                        .help("what it extends: internal, product, regulated"),
                ),
        )
        .subcommand(
            Command::new("check")
                .about("every mistake of the policy and its waivers; what it asks for")
                .args(policy_args())
                .args(as_of()),
        )
        .subcommand(
            Command::new("test")
                .about("judges the organization's own scenarios under the policy")
                .arg(
                    Arg::new("what")
                        .value_name("DIR|FILE.md")
                        .num_args(1..)
                        .required(true)
                        .help("files of scenarios, or folders of them"),
                )
                .args(policy_args())
                .args(as_of()),
        );
    let text =
        |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let waive = Command::new("waive")
        .about("sets the policy aside for one model as it is, by somebody with a name, for a year at most")
        .arg(Arg::new("code").value_name("CODE").required(true).help("a rule of the policy, or a finding's code"))
        .arg(Arg::new("what").value_name("PATH").default_value(".").help("the model"))
        .arg(text("reason", "TEXT", "why").required(true))
        .arg(text("owner", "NAME", "who answers for it").required(true))
        .arg(text("approver", "NAME", "who agreed; another person than who asked").required(true))
        .arg(text("until", "DATE", "the last day, YYYY-MM-DD").required(true))
        .arg(text("requested-by", "NAME", "who asked (default: the owner)"))
        .arg(text("license", "LICENSE", "for what is raised about this license alone"))
        .arg(
            text("bind", "WHAT", "what it is bound to: everything that was read of the model, or its license texts")
                .value_parser(["artifact", "texts"])
                .default_value("artifact"),
        )
        .args(policy_args())
        .args(subject_args())
        .args(fact_args(catalog));
    [policy, waive]
}

fn license_files() -> Arg {
    let help = "files, folders (their license-like files), - for standard input";
    Arg::new("what").value_name("FILE").num_args(1..).required(true).help(help)
}

fn format_arg(values: &'static [&'static str]) -> Arg {
    Arg::new("format").long("format").value_name("FORMAT").value_parser(values.to_vec()).default_value(values[0])
}

fn dry_run() -> Arg {
    Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help("show what would be written, and write nothing")
}

fn texts_dir(help: &'static str) -> Arg {
    Arg::new("texts").long("texts").value_name("DIR").help(help)
}

fn stamp() -> Command {
    let one =
        |id: &'static str, value: &'static str, help: &'static str| Arg::new(id).long(id).value_name(value).help(help);
    Command::new("stamp")
        .about("writes license and lineage keys into GGUF files and model cards; without a value what check knows")
        .arg(
            Arg::new("what").value_name("FILE|DIR").num_args(1..).required(true).help("*.gguf, cards, folders of both"),
        )
        .arg(one("license", "LICENSE", "a license in law, or `other` with a name and a link"))
        .arg(one("license-name", "NAME", "its name, beside `other`"))
        .arg(one("license-link", "URL", "where its text stands"))
        .arg(one("base-model", "ORG/NAME", "what it was made from; several").action(ArgAction::Append))
        .arg(one("relation", "STEP", "the step").value_parser(freehold_comply::RELATIONS))
        .arg(one("dataset", "ORG/NAME", "what it was trained on; several").action(ArgAction::Append))
        .arg(one("name", "NAME", "what it is called"))
        .arg(
            Arg::new("from-card")
                .long("from-card")
                .action(ArgAction::SetTrue)
                .help("the values of the README.md beside each GGUF file"),
        )
        .arg(one("out", "FILE", "write one GGUF file anew here, and leave the old one"))
        .arg(dry_run())
}

/// `freehold tune`.
fn tune(catalog: &Catalog) -> Command {
    let gate =
        Command::new("gate")
            .about("may this training be done, and what comes out of it be deployed so: before a minute is spent")
            .arg(
                Arg::new("what").value_name("FILE").num_args(1..).required(true).help(
                    "a configuration of axolotl, LLaMA-Factory, TRL, mergekit, Unsloth or transformers, or a recipe",
                ),
            )
            .arg(
                Arg::new("data-license")
                    .long("data-license")
                    .value_name("DATASET=LICENSE")
                    .action(ArgAction::Append)
                    .help("the license of a dataset, or `own`, where neither its card nor the configuration says it"),
            )
            .args(subject_args())
            .args(policy_args())
            .arg(fail_on_arg())
            .args(pipeline_args())
            .args(fact_args(catalog));
    let own = |name: &'static str, about: &'static str| {
        let words = Arg::new("words").value_name("WORD").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
        Command::new(name)
            .about(about)
            .disable_help_flag(true)
            .arg(words.help("as freehold-studio takes them; --help lists them"))
    };
    let facts =
        subject_args().into_iter().filter(|a| ["use-file", "set", "as-of", "house"].contains(&a.get_id().as_str()));
    let value =
        |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    Command::new("tune")
        .about("fine-tunes inside the license: asks, trains, merges, writes the GGUF and its bundle, checks it")
        .args_conflicts_with_subcommands(true)
        .subcommand_negates_reqs(true)
        .arg(Arg::new("recipe").value_name("RECIPE").required(true).help("a recipe: base, data, use, and how to train"))
        .arg(
            Arg::new("restart")
                .long("restart")
                .action(ArgAction::SetTrue)
                .help("begin anew, whatever checkpoint there is"),
        )
        .arg(value("threads", "N", "threads (default: one a core)"))
        .arg(texts_dir("license texts, ID.txt each (default: the base's folder)"))
        .arg(value("register", "FILE|URL", "open the model's record in this register"))
        .arg(value("as", "NAME", "who opens it"))
        .args(facts)
        .args(fact_args(catalog))
        .subcommand(gate)
        .subcommand(own("plan", "what a recipe's data is like and what its training needs; nothing is trained"))
        .subcommand(own("export", "a base and an adapter trained elsewhere, as a GGUF"))
        .subcommand(own("sweep", "trains every combination of a recipe's [sweep] and compares"))
        .subcommand(own("job", "a recipe as a job for axolotl or TRL: torchrun, Kubeflow, SkyPilot"))
}

fn fail_on_arg() -> Arg {
    Arg::new("fail-on")
        .long("fail-on")
        .value_delimiter(',')
        .value_parser(FailOn::WORDS)
        .help("which outcomes end in a failure (default: blocked,open,nothing)")
}

/// The whole command line.
pub(crate) fn command(catalog: &Catalog) -> Command {
    Command::new("freehold")
        .version(env!("CARGO_PKG_VERSION"))
        .override_help(SHORT_HELP)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("catalog")
                .long("catalog")
                .value_name("DIR")
                .global(true)
                .help("a folder of law of your own, laid over the catalog (also: FREEHOLD_CATALOG)"),
        )
        .subcommand(
            Command::new("check")
                .about("every model in WHAT (default .), judged")
                .arg(what().num_args(0..).default_value("."))
                .args(subject_args())
                .args(policy_args())
                .arg(
                    Arg::new("ask")
                        .long("ask")
                        .action(ArgAction::SetTrue)
                        .help("ask what would settle it, on a terminal"),
                )
                .arg(Arg::new("named").long("named").action(ArgAction::SetTrue).help(
                    "judge the models that code and deployment files name too; so where freehold.toml has a [[deployment]]",
                ))
                .arg(fail_on_arg())
                .args(pipeline_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            Command::new("scan")
                .about("every model that lies in PATH or is named in its code and deployment files; no verdict")
                .arg(Arg::new("what").value_name("PATH").num_args(0..).default_value(".").help("folders and files"))
                .arg(
                    Arg::new("machine")
                        .long("machine")
                        .action(ArgAction::SetTrue)
                        .help(format!("the stores of this machine: {}", freehold_source::known_stores())),
                )
                .args(subject_args())
                .args(fact_args(catalog))
                .arg(format_arg(&["human", "json"])),
        )
        .subcommand(
            Command::new("init")
                .about("at most eight questions about your organization; writes freehold.toml")
                .arg(
                    Arg::new("force")
                        .long("force")
                        .action(ArgAction::SetTrue)
                        .help("replace an existing freehold.toml"),
                )
                .args(crate::commands::templates::args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            Command::new("why")
                .about("the trail behind a duty, a finding, a clause, a fact, a verdict, or a rule of the policy")
                .arg(
                    Arg::new("code")
                        .value_name("CODE")
                        .required(true)
                        .help("include-license-copy, attribution, prohibited, \"llama-3.1 2\", …"),
                )
                .arg(what().default_value("."))
                .args(policy_args())
                .args(subject_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            Command::new("what-if")
                .about("what moves if a fact, the access or the base changes")
                .arg(what().default_value("."))
                .args(subject_args())
                .arg(
                    Arg::new("swap-base")
                        .long("swap-base")
                        .value_name("MODEL")
                        .help("as if the model stood on this base"),
                )
                .arg(format_arg(&["human", "json"]))
                .args(fact_args(catalog)),
        )
        .subcommand(advise_command(catalog))
        .subcommand(
            Command::new("comply")
                .about("writes what is owed and can be written into the release: license copies, notices, attribution, names")
                .arg(what().required(true).help("the model: a folder or a file"))
                .args(subject_args().into_iter().map(|a| if a.get_id() == "release" { a.required(true) } else { a }))
                .args([dry_run(), texts_dir("license texts of your own, ID.txt each (default: texts/, where it is there)")])
                .arg(
                    Arg::new("copyright")
                        .long("copyright")
                        .value_name("[LICENSE=]LINE")
                        .action(ArgAction::Append)
                        .help("the original's copyright line, for a text that leaves it blank"),
                )
                .arg(
                    Arg::new("all")
                        .long("all")
                        .action(ArgAction::SetTrue)
                        .help("also what is only arguable or hangs on an open fact"),
                )
                .args(fact_args(catalog)),
        )
        .subcommand(stamp())
        .subcommand(serve_command())
        .subcommand(
            Command::new("report")
                .about("writes a wrong answer as a case file: what was judged, what was answered, what the texts give")
                .arg(what().default_value("."))
                .args([
                    Arg::new("says").long("says").value_name("TEXT").required(true).help("what is wrong"),
                    Arg::new("expected")
                        .long("expected")
                        .value_name("VERDICT")
                        .value_parser([
                            "permitted",
                            "permitted-with-obligations",
                            "undetermined",
                            "needs-review",
                            "needs-separate-license",
                            "prohibited",
                        ])
                        .help("what the texts give"),
                    Arg::new("clause").long("clause").value_name("CLAUSE").help("the clause that says so"),
                    Arg::new("out").long("out").value_name("FILE").help("write it here"),
                ])
                .args(subject_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            Command::new("mcp")
                .about("the Model Context Protocol on standard input and output, for assistants in an editor; read-only, offline")
                .args(subject_args().into_iter().filter(|a| ["use-file", "as-of", "house"].iter().any(|k| a.get_id() == *k))),
        )
        .subcommand(
            Command::new("backup")
                .about("copies a register and what its server keeps, while others go on (SQLite; PostgreSQL has pg_dump)")
                .args(register_args().into_iter().filter(|a| a.get_id() == "register"))
                .arg(Arg::new("out").long("out").value_name("DIR").required(true).help("a folder that is not there yet")),
        )
        .subcommand(tune(catalog))
        .subcommand(
            Command::new("inspect")
                .about("what the files say, each fact with its place; no verdict")
                .arg(what().num_args(0..).default_value("."))
                .arg(
                    Arg::new("bundle")
                        .long("bundle")
                        .value_name("FILE")
                        .help("write what was read for a server to judge: statements and texts, no weights"),
                )
                .arg(format_arg(&["human", "json"])),
        )
        .subcommand(
            Command::new("lineage")
                .about("what every model in WHAT was made from, each step with its evidence; drawn as svg or mermaid")
                .arg(
                    Arg::new("what")
                        .value_name("WHAT")
                        .num_args(0..)
                        .default_value(".")
                        .help("folder, file, case.toml, or a model of the catalog (ORG/NAME); several are one graph"),
                )
                .arg(format_arg(&["human", "json", "mermaid", "svg"]))
                .arg(Arg::new("out").long("out").value_name("FILE").help("write it here"))
                .args(subject_args().into_iter().filter(|a| ["made-by", "base", "as-of"].contains(&a.get_id().as_str()))),
        )
        .subcommand(
            Command::new("explain")
                .about("what a license says; what a model is under")
                .arg(Arg::new("what").value_name("LICENSE|MODEL").required(true)),
        )
        .subcommand(
            Command::new("identify")
                .about("which license texts files are, and which words differ")
                .arg(license_files())
                .arg(texts_dir("license texts, ID.txt each, to show the words that were changed"))
                .arg(format_arg(&["human", "json", "jsonl"])),
        )
        .subcommand(
            Command::new("read")
                .about("what license texts that are not in law, or whose words differ, appear to grant, require and forbid")
                .arg(license_files())
                .arg(format_arg(&["human", "json", "jsonl"])),
        )
        .subcommand(
            Command::new("diff")
                .about("what changes between two licenses or two editions of one, and for whom")
                .arg(Arg::new("a").value_name("A").required(true).help("a license, or the text id of an edition"))
                .arg(Arg::new("b").value_name("B").required(true).help("another"))
                .arg(format_arg(&["human", "json"])),
        )
        .subcommand(
            Command::new("kin")
                .about("what the weights of two models say of their kinship; no verdict")
                .arg(Arg::new("a").value_name("A").required(true).help("a folder, or a file (.safetensors, .gguf)"))
                .arg(Arg::new("b").value_name("B").required(true).help("another"))
                .arg(format_arg(&["human", "json"])),
        )
        .subcommands(policy_commands(catalog))
        .subcommand(texts_command())
        .subcommand(register_command(catalog))
        .subcommand(
            Command::new("memo")
                .about("a review memo for counsel: question and answer, facts, licenses, clauses with their words, duties, what is open")
                .arg(what().num_args(0..=1).default_value(".").help("the model: a folder or a file"))
                .arg(format_arg(&["markdown", "html", "pdf", "docx"]))
                .arg(Arg::new("out").long("out").value_name("FILE").help("write it here"))
                .arg(Arg::new("privileged").long("privileged").action(ArgAction::SetTrue).help("mark it as prepared for counsel"))
                .arg(
                    Arg::new("pass-through")
                        .long("pass-through")
                        .action(ArgAction::SetTrue)
                        .help("instead: the clause that your own terms of sale need, with what asks for each line"),
                )
                .args(register_args().into_iter().filter(|a| a.get_id() == "register"))
                .arg(Arg::new("record").long("record").value_name("RECORD").help("with what the register has of it"))
                .args(subject_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            Command::new("bom")
                .about("a bill of materials of every model in WHAT: CycloneDX or SPDX, with its gaps named")
                .arg(
                    Arg::new("what")
                        .value_name("WHAT")
                        .num_args(0..)
                        .default_value(".")
                        .help("folder, file, case.toml, or a bill of materials to write in another format"),
                )
                .arg(format_arg(&["cyclonedx", "cyclonedx-1.6", "spdx"]))
                .arg(Arg::new("out").long("out").value_name("FILE").help("write it here"))
                .arg(
                    Arg::new("hash")
                        .long("hash")
                        .action(ArgAction::SetTrue)
                        .help("read every file whole and write its SHA-256: seconds a gigabyte"),
                )
                .arg(
                    Arg::new("check")
                        .long("check")
                        .action(ArgAction::SetTrue)
                        .help("write nothing; say which of the G7's minimum elements it holds, and what would fill the others"),
                )
                .arg(
                    Arg::new("import")
                        .long("import")
                        .value_name("FILE")
                        .conflicts_with_all(["out", "check", "hash"])
                        .help("read a bill of somebody else: what it names, what it was made from, what is lost"),
                )
                .args(subject_args())
                .args(fact_args(catalog)),
        )
        .subcommand(
            Command::new("catalog")
                .about("the law that this build carries: list, show, check, diff")
                .subcommand_required(true)
                .subcommand(Command::new("list").about("every license in law").arg(format_arg(&["human", "json"])))
                .subcommand(
                    Command::new("show")
                        .about("one license, as `explain` prints it")
                        .arg(Arg::new("what").value_name("LICENSE").required(true)),
                )
                .subcommand(
                    Command::new("check")
                        .about("every mistake of a folder of law, laid over the catalog of this build")
                        .arg(Arg::new("dir").value_name("DIR").required(true)),
                )
                .subcommand(
                    Command::new("diff")
                        .about("which terms changed between two folders of law, and which cases changed outcome")
                        .arg(Arg::new("old").value_name("OLD").required(true).help("a folder, or `builtin`"))
                        .arg(Arg::new("new").value_name("NEW").required(true).help("a folder, or `builtin`"))
                        .arg(Arg::new("cases").long("cases").value_name("FILE.jsonl").help("stored cases, one a line"))
                        .arg(
                            Arg::new("as-of")
                                .long("as-of")
                                .value_name("DATE")
                                .help("the day of the question, YYYY-MM-DD (default: today)"),
                        ),
                ),
        )
        .subcommand(
            Command::new("attest")
                .about("a person's word that a duty is met where no file shows it; adds to freehold.attestations.toml")
                .arg(Arg::new("code").value_name("CODE").required(true).help("the duty's code, as `freehold check` names it"))
                .arg(Arg::new("path").value_name("PATH").required(true).help("the model's folder or file, or its id"))
                .arg(
                    Arg::new("license")
                        .long("license")
                        .value_name("LICENSE")
                        .required(true)
                        .help("the license that asks for it"),
                )
                .args(entry_args()),
        )
        .subcommand(
            Command::new("position")
                .about("counsel settles which reading of a term counts; adds to freehold.positions.toml")
                .arg(Arg::new("license").value_name("LICENSE").required(true))
                .arg(Arg::new("term").value_name("TERM").required(true).help("the term's id, as `freehold why \"LICENSE CLAUSE\"` names it"))
                .arg(Arg::new("reading").value_name("READING").required(true).help("the id of the reading"))
                .args(entry_args().into_iter().map(|a| if a.get_id() == "why" { a.required(true) } else { a })),
        )
        .subcommand(
            Command::new("agreement")
                .about("licenses that you bought or negotiated")
                .subcommand_required(true)
                .subcommand(
                    Command::new("add")
                        .about("adds a commented entry to freehold.agreements.toml, to be completed by hand")
                        .arg(Arg::new("id").value_name("ID").required(true).help("what you call it"))
                        .arg(
                            Arg::new("counterparty")
                                .long("counterparty")
                                .value_name("NAME")
                                .required(true)
                                .help("who grants it"),
                        )
                        .arg(
                            Arg::new("works")
                                .long("works")
                                .value_name("ID")
                                .action(ArgAction::Append)
                                .required(true)
                                .help("a model that it covers; * stands for anything"),
                        )
                        .arg(
                            Arg::new("like")
                                .long("like")
                                .value_name("LICENSE")
                                .required(true)
                                .help("the license whose terms it starts from"),
                        )
                        .args(entry_args()),
                ),
        )
        .subcommand(
            Command::new("assess")
                .about("the plumbing: reads a case, or cases one a line")
                .arg(Arg::new("case").value_name("CASE.toml").required_unless_present("cases"))
                .arg(
                    Arg::new("cases")
                        .long("cases")
                        .value_name("FILE.jsonl")
                        .conflicts_with("case")
                        .help("cases, one JSON object a line (- = standard input)"),
                )
                .arg(
                    Arg::new("as-of")
                        .long("as-of")
                        .value_name("DATE")
                        .help("the day of the question, YYYY-MM-DD (default: today)"),
                )
                .arg(format_arg(&["human", "json", "jsonl"])),
        )
        .subcommand(
            Command::new("completions").about("prints what completes the command line in a shell").arg(
                Arg::new("shell")
                    .value_name("SHELL")
                    .required(true)
                    .value_parser(value_parser!(clap_complete::Shell))
                    .help("bash, zsh, fish, powershell or elvish"),
            ),
        )
        .subcommand(
            Command::new("man")
                .about("writes the manual pages into a folder")
                .hide(true)
                .arg(Arg::new("dir").value_name("DIR").required(true)),
        )
        .subcommand(
            Command::new("schema").about("the JSON Schema of what a command prints with --format json").hide(true).arg(
                Arg::new("command")
                    .value_name("COMMAND")
                    .value_parser(freehold_wire::WITH_SCHEMA.to_vec())
                    .default_value("check"),
            ),
        )
        .subcommand(
            Command::new("help")
                .about("help; --all shows every command and flag")
                .arg(Arg::new("all").long("all").action(ArgAction::SetTrue))
                .arg(Arg::new("command").value_name("COMMAND").value_parser(value_parser!(String))),
        )
}

/// `help`, `help --all`, `help COMMAND`.
pub(crate) fn help(catalog: &Catalog, all: bool, of: Option<&str>) -> Result<String, String> {
    let mut command = command(catalog);
    if let Some(name) = of {
        let Some(sub) = command.find_subcommand_mut(name) else {
            return Err(format!("no command is called `{name}`"));
        };
        return Ok(sub.render_long_help().to_string());
    }
    if !all {
        return Ok(SHORT_HELP.to_string());
    }
    let mut out = String::from(SHORT_HELP);
    for sub in command.get_subcommands_mut().filter(|s| s.get_name() != "help") {
        out.push_str(&format!("\n{}\nfreehold {}: ", "-".repeat(72), sub.get_name()));
        out.push_str(&sub.render_long_help().to_string());
    }
    out.push_str(EXIT_CODES);
    Ok(out)
}

const EXIT_CODES: &str = "
------------------------------------------------------------------------
exit status, over many models the first that applies:
  2   the command line or a file that configures it is wrong
  3   an input is unreadable or hostile
  1   blocked: prohibited, needs a separate license, denied by policy, or the release lacks an owed duty
  4   open: undetermined, needs review, or the policy wants a person to look
  5   nothing to judge
  0   clear
  70  a fault of freehold itself
";
