//! Entry points for the fuzzers; the same functions replay the corpus in the ordinary tests.

use freehold_base::MadeBy;
use freehold_catalog::Catalog;
use freehold_check::{Parts, Subject, complete_graph, judge_unasked};

use crate::{Bom, CycloneDx, cyclonedx, g7_coverage, import_bom, spdx3};

/// Models of a bill that are judged, and works of each: more is legal and slow, and measured elsewhere.
const JUDGED_MAX: usize = 4;
/// Works of a model that is judged.
const WORKS_MAX: usize = 64;

/// A bill of materials: read, checked, judged, and written in every format, each of which must be readable again.
pub fn fuzz_bom(data: &[u8], catalog: &Catalog) {
    if let Ok(document) = serde_json::from_slice(data) {
        let _ = g7_coverage(&document);
    }
    let Ok(imported) = import_bom("fuzz.json", data, Some(MadeBy::ThirdParty), catalog) else { return };
    let mut dossiers = Vec::new();
    for mut graph in imported.graphs.into_iter().take(JUDGED_MAX) {
        if graph.works.len() > WORKS_MAX {
            continue;
        }
        let diagnostics = complete_graph(&mut graph, catalog, "2026-11-24");
        let parts = Parts {
            subject: Subject { path: "fuzz.json".into(), ..Subject::default() },
            graph,
            deployment: freehold_assess::Deployment::empty(catalog),
            outgoing: None,
            made_by: None,
            diagnostics,
            not_read: Vec::new(),
            as_of: "2026-11-24".into(),
            findings: Vec::new(),
            house: Default::default(),
        };
        dossiers.push(judge_unasked(parts, catalog));
    }
    let Some(bom) = Bom::of(&dossiers, &[], "fuzz") else { return };
    for text in [cyclonedx(&bom, CycloneDx::V1_7), cyclonedx(&bom, CycloneDx::V1_6), spdx3(&bom)] {
        let again = import_bom("again.json", text.as_bytes(), Some(MadeBy::ThirdParty), catalog);
        assert!(again.is_ok_and(|i| !i.graphs.is_empty()), "what was written cannot be read again");
    }
}

/// A stored case: restored and judged; stored again it is restored again.
pub fn fuzz_stored(data: &[u8], catalog: &Catalog) {
    const DAY: &str = "2026-11-24";
    let Ok(value) = serde_json::from_slice(data) else { return };
    let Ok(parts) = crate::restored_case(&value, &[], catalog, DAY) else { return };
    if parts.graph.works.len() > WORKS_MAX {
        return;
    }
    let dossier = judge_unasked(parts, catalog);
    if let Ok(again) = crate::stored_case(&dossier) {
        assert!(crate::restored_case(&again, &[], catalog, DAY).is_ok(), "what was stored cannot be restored");
    }
}

/// An export of a model registry; and the same bytes as a record that regimes look at.
pub fn fuzz_registry(data: &[u8], catalog: &Catalog) {
    let Ok(value) = serde_json::from_slice(data) else { return };
    let _ = crate::registry_versions(&value);
    let _ = crate::regimes(&value, catalog);
}

/// What somebody uploads: a bundle, which comes back as it was read; and scores of their own.
pub fn fuzz_bundle(data: &[u8]) {
    if let Ok(bundle) = crate::Bundle::read(data) {
        let again = crate::Bundle::read(bundle.to_json().as_bytes());
        assert!(again.is_ok_and(|b| b == bundle), "what was read cannot be written and read again");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = crate::own_scores("fuzz", text);
    }
}
