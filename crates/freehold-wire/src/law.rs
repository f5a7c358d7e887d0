//! The law and its differences as JSON.

use freehold_catalog::{Catalog, Term};
use freehold_check::{Difference, Side};
use serde_json::{Value, json};

/// `freehold.difference/1`.
pub fn difference(catalog: &Catalog, d: &Difference<'_>) -> Value {
    let side = |s: &Side| json!({ "license": catalog.licenses[s.license].id, "edition": s.edition });
    let term = |t: &Term| json!({ "id": t.id, "clause": t.clause, "words": t.quote });
    let changed = |(a, b, what): &(&Term, &Term, Vec<&str>)| json!({ "was": term(a), "is": term(b), "differs": what });
    json!({
        "schema": "freehold.difference/1",
        "from": side(&d.a),
        "to": side(&d.b),
        "new": d.new.iter().map(|t| term(t)).collect::<Vec<_>>(),
        "gone": d.gone.iter().map(|t| term(t)).collect::<Vec<_>>(),
        "changed": d.changed.iter().map(changed).collect::<Vec<_>>(),
        "same": d.same,
        "for_whom": d.for_whom.iter().map(|w| json!({
            "says": w.says,
            "before": w.before.as_str(),
            "after": w.after.as_str(),
            "new_duties": w.new_duties,
            "gone_duties": w.gone_duties,
        })).collect::<Vec<_>>(),
    })
}

/// `freehold.catalog/1`: every license in law, with its editions and who read it.
pub fn catalog_list(catalog: &Catalog) -> Value {
    let licenses: Vec<Value> = catalog
        .licenses
        .iter()
        .map(|l| {
            json!({
                "id": l.id,
                "name": l.name,
                "spdx": l.spdx,
                "licensor": l.licensor,
                "editions": l.editions.iter().map(|e| json!({ "text": e.text, "date": e.date })).collect::<Vec<_>>(),
                "policies": l.policies,
                "review": { "level": l.review.level, "by": l.review.by, "date": l.review.date },
                "file": l.file,
            })
        })
        .collect();
    json!({ "schema": "freehold.catalog/1", "version": catalog.version, "licenses": licenses })
}
