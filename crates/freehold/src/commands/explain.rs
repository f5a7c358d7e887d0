//! `freehold explain`: what a license says; what a model is under.

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;

use super::{print, report, style};
use crate::context::get;
use crate::exit;
use crate::load::text_index;

/// The id of an edition of the text index, in its own spelling.
fn known_text(name: &str) -> Option<String> {
    let index = text_index().ok()?;
    index.editions().find(|e| e.id.eq_ignore_ascii_case(name)).map(|e| e.id.to_string())
}

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let what = get(matches, "what").unwrap_or_default();
    if let Some(index) = catalog.license_named(what) {
        print(&freehold_documents::explain_license(catalog, index, style()));
        return exit::CLEAR;
    }
    if let Some(freehold_catalog::TagMeaning::Family(texts)) = catalog.tags.meaning(what) {
        print(&format!(
            "{what} names several texts that differ, and a tag cannot tell which is meant: {}\nnext      freehold explain {}\n",
            texts.join(", "),
            texts.first().map(String::as_str).unwrap_or_default()
        ));
        return exit::CLEAR;
    }
    let id = catalog.models.by_ollama_name(what).or_else(|| catalog.models.by_display_name(what)).unwrap_or(what);
    if catalog.models.resolve(id).is_some() {
        print(&freehold_documents::explain_model(catalog, id, style()));
        return exit::CLEAR;
    }
    if let Some(text) = known_text(what) {
        print(&format!(
            "{text}: a text that this build knows word for word, and whose terms nobody here has read
review    needs-review: a model under it is judged with the gap `text`, for want of terms
next      freehold read FILE   ·   freehold help catalog\n"
        ));
        return exit::OPEN;
    }
    let names = catalog.license_names().chain(catalog.models.ids());
    let near = freehold_base::nearest(&what.to_lowercase(), names);
    let d = Diagnostic::error("unknown-name", format!("no license or model of the catalog goes by `{what}`"));
    report(&[match near {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(
            "an unknown model of a known publisher is not guessed; check its folder instead: freehold check PATH",
        ),
    }]);
    exit::NOTHING
}
