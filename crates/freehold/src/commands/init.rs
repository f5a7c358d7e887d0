//! `freehold init`: at most eight questions about the organization, once; writes `freehold.toml`.

use std::io::{BufRead, IsTerminal, Write as _};
use std::path::Path;

use clap::ArgMatches;
use freehold_assess::Deployment;
use freehold_base::{Diagnostic, Value};
use freehold_catalog::{Catalog, FactDef, FactId, FactType};

use super::{print, report};
use freehold_check::fact_from_text;

use crate::context::{ORGANIZATION_FILE, from_flags, get};
use crate::exit;
use freehold_governance::stated_facts;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    if let Some(name) = get(matches, "ci") {
        return super::templates::run(name, matches.get_flag("dry-run"));
    }
    let path = Path::new(ORGANIZATION_FILE);
    if path.exists() && !matches.get_flag("force") {
        let d = Diagnostic::error("exists", "there is one already; its answers would be lost");
        report(&[d.in_file(ORGANIZATION_FILE).help("edit it, or replace it with `freehold init --force`")]);
        return exit::USAGE;
    }
    let mut deployment = Deployment::empty(catalog);
    let mut mistakes = Vec::new();
    from_flags(matches, catalog, &mut deployment, &mut mistakes);
    if !mistakes.is_empty() {
        report(&mistakes);
        return exit::USAGE;
    }
    let mut asked: Vec<(FactId, &FactDef)> = stated_facts(catalog).filter(|(_, f)| f.init.is_some()).collect();
    asked.sort_by_key(|(_, f)| f.init);
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        interview(&asked, catalog, &mut deployment);
    }
    let text = file(&asked, catalog, &deployment);
    if let Err(e) = std::fs::write(path, &text) {
        report(&[Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(ORGANIZATION_FILE)]);
        return exit::UNREADABLE;
    }
    let open: Vec<&str> =
        asked.iter().filter(|(id, _)| deployment.get(*id).is_none()).map(|(_, f)| f.name.as_str()).collect();
    print(&format!("wrote {ORGANIZATION_FILE}\n"));
    if !open.is_empty() {
        print(&format!("still unknown: {}\n", open.join(", ")));
        print("unknown is never taken for no: fill in what you know, or answer when `freehold check . --ask` asks\n");
    }
    print("next      freehold check .\n");
    exit::CLEAR
}

fn interview(asked: &[(FactId, &FactDef)], catalog: &Catalog, deployment: &mut Deployment) {
    anstream::eprintln!("{} questions; an empty answer means unknown, which is never taken for no\n", asked.len());
    for (i, (id, fact)) in asked.iter().enumerate() {
        if deployment.get(*id).is_some() {
            continue;
        }
        anstream::eprintln!("{}/{}  {}", i + 1, asked.len(), fact.question);
        match fact.kind {
            FactType::Activities => {
                for a in &catalog.activities.activities {
                    anstream::eprintln!("       {:<36} {}", a.id, a.says);
                }
            }
            _ if !fact.values.is_empty() => anstream::eprintln!("       one or more of: {}", fact.values.join(", ")),
            _ => {}
        }
        for _ in 0..3 {
            anstream::eprint!("     > ");
            let _ = std::io::stderr().flush();
            let mut line = String::new();
            match std::io::stdin().lock().read_line(&mut line) {
                Ok(n) if n > 0 && !line.trim().is_empty() => {}
                _ => break,
            }
            let mut mistakes = Vec::new();
            let value = fact_from_text(&fact.name, line.trim(), fact, catalog, &mut mistakes);
            report(&mistakes);
            if value.is_some() && mistakes.is_empty() {
                deployment.set(catalog, *id, value);
                break;
            }
        }
    }
}

/// The file, with every question as a comment and what is unknown left out.
fn file(asked: &[(FactId, &FactDef)], catalog: &Catalog, deployment: &Deployment) -> String {
    let mut out = String::from(
        "# Facts about your organization and how it uses models; read by every `freehold check` below this folder.\n\
         # A fact that is not stated is unknown, and unknown is never taken for no.\n",
    );
    for section in ["organization", "use"] {
        out.push_str(&format!("\n[{section}]\n"));
        let in_section = |f: &FactDef| f.name.starts_with(&format!("{section}.")) && f.name.matches('.').count() == 1;
        let listed = asked.iter().copied().filter(|(_, f)| in_section(f));
        let extra =
            stated_facts(catalog).filter(|(id, f)| in_section(f) && f.init.is_none() && deployment.get(*id).is_some());
        for (id, fact) in listed.chain(extra) {
            let key = fact.name.rsplit('.').next().unwrap_or_default();
            out.push_str(&format!("# {}\n", fact.question));
            if fact.kind == FactType::Activities {
                out.push_str("# words: see `freehold help check`, or:\n");
                let ids: Vec<&str> = catalog.activities.ids().collect();
                for chunk in ids.chunks(6) {
                    out.push_str(&format!("#   {}\n", chunk.join(", ")));
                }
            } else if !fact.values.is_empty() {
                out.push_str(&format!("# words: {}\n", fact.values.join(", ")));
            }
            match deployment.get(id) {
                Some(value) => out.push_str(&format!("{key} = {}\n", toml_value(value))),
                None => out.push_str(&format!("# {key} = {}\n", example(fact))),
            }
        }
    }
    out
}

fn toml_value(value: &Value) -> String {
    let quote = |t: &str| format!("{t:?}");
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Text(t) => quote(t),
        Value::List(l) => format!("[{}]", l.iter().map(|t| quote(t)).collect::<Vec<_>>().join(", ")),
        Value::History(h) => {
            let parts: Vec<String> = h.iter().map(|(m, n)| format!("\"{m}\" = {n}")).collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

fn example(fact: &FactDef) -> &'static str {
    match fact.kind {
        FactType::Bool => "true",
        FactType::Number | FactType::History => "100000",
        FactType::Country => "\"DE\"",
        FactType::Countries => "[\"DE\", \"FR\"]",
        FactType::Activities => "[]",
        FactType::Words => "[\"internal\"]",
        FactType::Word | FactType::Text => "\"…\"",
    }
}
