//! `freehold what-if`: what moves if a fact, the access or the base changes.

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::{Ask, Needs, Weights, of_like_size};
use freehold_wire::Report;

use super::{prepare, print, report, style};
use crate::context::{from_files, from_flags, get, said};
use crate::exit;
use crate::load::{Run, dossiers};

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let after = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let mut mistakes = Vec::new();
    // the world as it is: what the files say; the flags are the change
    let (deployment, by_path) = from_files(get(matches, "use-file"), catalog, &mut mistakes);
    let mut changed = deployment.clone();
    let mut changes = from_flags(matches, catalog, &mut changed, &mut mistakes);
    let swap = get(matches, "swap-base").map(str::to_string);
    changes.extend(swap.iter().map(|b| format!("base = {b}")));
    for (flag, value) in [("made-by", get(matches, "made-by")), ("name", get(matches, "name"))] {
        changes.extend(value.map(|v| format!("{flag} = {v}")));
    }
    if changes.is_empty() {
        report(&[Diagnostic::error("nothing-changed", "nothing is to change")
            .help("name an access, a fact or a base: freehold what-if . --access hosted-app   --set use.commercial=no   --swap-base Qwen/Qwen2.5-7B-Instruct")]);
        return exit::USAGE;
    }
    if let Some(base) = &swap
        && catalog.models.resolve(base).is_none()
    {
        let near = freehold_base::nearest(&base.to_lowercase(), catalog.models.ids()).map(str::to_string);
        let d = Diagnostic::warning("unknown-model", format!("`{base}` is not in the catalog; its terms are unknown"));
        report(&[near.iter().fold(d, |d, n| d.help(format!("did you mean `{n}`?")))]);
    }
    let what = get(matches, "what").unwrap_or(".");
    let before = Run {
        catalog: after.catalog,
        index: after.index,
        deployment,
        stated: freehold_assess::Deployment::empty(after.catalog),
        by_path,
        named: after.named,
        said: Default::default(),
        outgoing: after.outgoing.clone(),
        as_of: after.as_of.clone(),
        house: after.house.clone(),
        home: after.home.clone(),
    };
    let swapped = swap.clone();
    let after = Run { deployment: changed, said: freehold_check::Said { swap_base: swap, ..said(matches) }, ..after };
    let (old, new) = (dossiers(&[what], &before), dossiers(&[what], &after));
    report(&old.mistakes);
    report(&old.unreadable);
    report(&old.nothing);
    if !old.mistakes.is_empty() {
        return exit::USAGE;
    }
    if !old.unreadable.is_empty() {
        return exit::UNREADABLE;
    }
    if old.dossiers.is_empty() {
        return exit::NOTHING;
    }
    if get(matches, "format") == Some("json") {
        let pair = serde_json::json!({
            "schema": "freehold.what-if/1",
            "changes": changes,
            "before": Report::of(&old.dossiers, exit::CLEAR),
            "after": Report::of(&new.dossiers, exit::CLEAR),
        });
        print(&format!("{pair:#}\n"));
        return exit::CLEAR;
    }
    let mut told = None;
    for (a, b) in old.dossiers.iter().zip(&new.dossiers) {
        // what else could take the base's place in this deployment: told once for each
        let alike = swapped.as_deref().filter(|_| told != Some(&b.deployment)).and_then(|base| {
            told = Some(&b.deployment);
            let ask = Ask {
                needs: Needs { finetune: true, ..Needs::default() },
                weights: Weights::default(),
                scores: &[],
                deployment: &b.deployment,
                as_of: &after.as_of,
                house: &after.house,
            };
            of_like_size(base, &ask, after.catalog)
        });
        print(&freehold_documents::what_if(a, b, &changes, &alike.unwrap_or_default(), style()));
    }
    exit::CLEAR
}
