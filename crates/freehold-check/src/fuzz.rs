//! Entry points for the fuzzers; the same functions replay the corpus in the ordinary tests.

use freehold_assess::HouseKind;
use freehold_catalog::{Catalog, CatalogFile};

/// A case, as JSON and as TOML: read, and judged where it can be read.
pub fn fuzz_case(data: &[u8], catalog: &Catalog) {
    let text = String::from_utf8_lossy(data);
    for (case, _) in [
        crate::case_from_json("fuzz", &text, catalog, "2026-11-24"),
        crate::case_from_toml("fuzz", &text, catalog, "2026-11-24"),
    ] {
        let Some(mut case) = case else { continue };
        // long lineages are legal and slow; their cost is measured elsewhere
        if case.graph.works.len() > 64 {
            continue;
        }
        let law = case.law.take();
        let _ = crate::judge(case.into_parts("", "2026-11-24"), law.as_ref().unwrap_or(catalog));
    }
}

/// A file of the house, as each of the three.
pub fn fuzz_house(data: &[u8], catalog: &Catalog) {
    let text = String::from_utf8_lossy(data);
    let kinds = [HouseKind::Agreement, HouseKind::Position, HouseKind::Attestation];
    for kind in kinds {
        let _ = crate::read_house(&[crate::HouseText { kind, file: "fuzz", text: &text }], catalog, "2026-11-24");
    }
}

/// A license file beside the closed lists of a catalog.
pub fn fuzz_license(data: &[u8], builtin: &[CatalogFile<'_>]) {
    let text = String::from_utf8_lossy(data);
    let shared = builtin.iter().filter(|f| !f.path.contains('/')).copied();
    let mut files: Vec<CatalogFile<'_>> = shared.collect();
    files.push(CatalogFile { path: "licenses/fuzz.toml", text: &text, shown: "fuzz.toml" });
    files.push(CatalogFile { path: "policies/fuzz.toml", text: &text, shown: "fuzz.toml" });
    files.push(CatalogFile { path: "models/fuzz.toml", text: &text, shown: "fuzz.toml" });
    let _ = Catalog::load(&files);
}

/// A file of scenarios: read, and places in a case are places in the file.
pub fn fuzz_scenarios(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for s in crate::scenarios("fuzz.md", &text).0 {
        let body = s.case.trim();
        let at = s.case.find(body).unwrap_or(0);
        assert_eq!(text.get(at..at + body.len()), Some(body), "a case stands where it stood");
    }
}
