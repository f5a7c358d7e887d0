//! Bills written, read again, and bills of others.

use freehold_base::{MadeBy, Severity};
use freehold_check::{Parts, Subject, case_from_toml, complete_graph, judge};
use serde_json::{Value, json};

use super::*;

const AS_OF: &str = "2026-11-24";

fn dossier(text: &str) -> Dossier<'static> {
    let catalog = freehold_law::shared();
    let (case, mistakes) = case_from_toml("case.toml", text, catalog, AS_OF);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    judge(case.unwrap().into_parts("case.toml", AS_OF), catalog)
}

fn bom(dossiers: &[Dossier<'static>]) -> Bom<'static> {
    Bom::of(dossiers, &[], "case.toml").unwrap()
}

/// Judges what a bill says in the deployment of a dossier.
fn again(text: &str, made_by: Option<MadeBy>, like: &Dossier<'static>) -> (Imported, Vec<Dossier<'static>>) {
    let catalog = freehold_law::shared();
    let imported = import_bom("bom.json", text.as_bytes(), made_by, catalog).unwrap();
    let judged = imported.graphs.clone().into_iter().map(|mut graph| {
        complete_graph(&mut graph, catalog, AS_OF);
        let parts = Parts {
            subject: Subject { id: graph.works[0].id.clone(), path: "bom.json".into(), ..Subject::default() },
            graph,
            deployment: like.deployment.clone(),
            outgoing: like.outgoing.clone(),
            made_by: None,
            diagnostics: Vec::new(),
            not_read: Vec::new(),
            as_of: AS_OF.into(),
            findings: Vec::new(),
            house: Default::default(),
        };
        judge(parts, catalog)
    });
    let judged = judged.collect();
    (imported, judged)
}

/// Lineage, licenses, verdict and duties, in an order of their own: what a bill must carry.
fn carried(d: &Dossier<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for w in &d.graph.works {
        let said = w.claims.iter().filter(|c| c.basis != freehold_base::Basis::Catalog);
        let mut said: Vec<String> = said
            .map(|c| format!("{}/{}/{:?}/{:?}/{}/{}", c.license, c.basis, c.edition, c.covers, c.altered, c.expression))
            .collect();
        said.sort();
        out.push(format!("work {} {} {:?} {:?} {:?} {said:?}", w.id, w.kind, w.made_by, w.name, w.facts));
    }
    for e in &d.graph.edges {
        let (child, parent) = (&d.graph.works[e.child].id, &d.graph.works[e.parent].id);
        out.push(format!("step {child} {} {parent} {}", e.relation, e.by));
    }
    for l in &d.assessment.licenses {
        out.push(format!("license {} {} {} {}", d.graph.works[l.work].id, l.license, l.edition, l.displaced));
    }
    for o in &d.assessment.obligations {
        out.push(format!("owes {} {:?} {:?}", o.code, o.certainty, o.status));
    }
    out.push(format!("verdict {}", d.assessment.verdict.as_str()));
    out.sort();
    out
}

const BOT: &str = r#"
[use]
access = "weights"
commercial = true
[subject]
id = "support-bot"
name = "Support Bot"
description = "answers customers"
made_by = "organization"
license_expression = "Apache-2.0 OR MIT"
parents = [
  { work = "meta-llama/Llama-3.1-8B-Instruct", relation = "finetune" },
  { work = "acme/lost-base", relation = "merge" },
  { work = "tok", relation = "component" },
]
datasets = [{ id = "acme/tickets", description = "tickets of 2025", license = "CC-BY-4.0" }, { id = "chats" }]
[[works]]
id = "tok"
kind = "code"
made_by = "third-party"
declared_license = "MIT"
[[works]]
id = "acme/lost-base"
declared_license = "acme community license"
license_file = "Apache-2.0"
parents = [{ work = "mistralai/Mistral-7B-v0.1", relation = "distilled" }, { work = "gen", relation = "trained-on-data" }]
[[works]]
id = "gen"
kind = "dataset"
made_by = "third-party"
parents = [{ work = "Qwen/Qwen2.5-3B-Instruct", relation = "outputs-of" }]
"#;

fn formats(b: &Bom<'_>) -> [String; 3] {
    [cyclonedx(b, CycloneDx::V1_7), cyclonedx(b, CycloneDx::V1_6), spdx3(b)]
}

#[test]
fn what_is_written_is_read_again() {
    let d = dossier(BOT);
    for text in formats(&bom(std::slice::from_ref(&d))) {
        let (imported, judged) = again(&text, Some(MadeBy::Organization), &d);
        assert_eq!(judged.len(), 1, "{}", imported.format);
        assert_eq!(carried(&judged[0]), carried(&d), "{}", imported.format);
    }
}

#[test]
fn cycles_loops_and_two_of_a_name_are_read_again() {
    let a = "[subject]\nid = 'a'\nmade_by = 'third-party'\nparents = [{ work = 'b', relation = 'merge' }, { work = 'local', relation = 'merge' }, { work = 'a', relation = 'finetune' }]\n[[works]]\nid = 'b'\nparents = [{ work = 'a', relation = 'distilled' }]\n[[works]]\nid = 'local'\ndeclared_license = 'MIT'\n";
    let c = "[subject]\nid = 'c'\nparents = [{ work = 'local', relation = 'adapter' }]\n[[works]]\nid = 'local'\ndeclared_license = 'GPL-3.0'\n";
    let (a, c) = (dossier(a), dossier(c));
    let both = [a.clone(), c.clone()];
    for text in formats(&bom(&both)) {
        let (imported, judged) = again(&text, None, &a);
        assert!(!imported.assembly);
        assert_eq!(judged.len(), 2);
        assert_eq!(carried(&judged[0]), carried(&a), "{}", imported.format);
        assert_eq!(carried(&judged[1]), carried(&c), "{}", imported.format);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_another_number() {
    let serial = |text: &str| {
        let v: Value = serde_json::from_str(text).unwrap();
        v["serialNumber"].as_str().unwrap().to_string()
    };
    let one = formats(&bom(&[dossier(BOT)]));
    assert_eq!(one, formats(&bom(&[dossier(BOT)])));
    let other = formats(&bom(&[dossier(&BOT.replace("tickets of 2025", "tickets of 2026"))]));
    assert_ne!(serial(&one[0]), serial(&other[0]));
    assert_ne!(one[2], other[2]);
    // version 8, variant of RFC 9562
    let uuid = serial(&one[0]);
    let uuid = uuid.strip_prefix("urn:uuid:").unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
    assert!("89ab".contains(&uuid[19..20]), "{uuid}");
}

fn of_type<'v>(graph: &'v [Value], kind: &str) -> Vec<&'v Value> {
    graph.iter().filter(|e| e["type"] == kind).collect()
}

#[test]
fn spdx_has_what_the_profiles_call_mandatory() {
    let v: Value = serde_json::from_str(&spdx3(&bom(&[dossier(BOT)]))).unwrap();
    let graph = v["@graph"].as_array().unwrap();
    let models = of_type(graph, "ai_AIPackage");
    assert_eq!(models.len(), 5);
    for m in models {
        for field in ["suppliedBy", "software_downloadLocation", "software_packageVersion", "software_primaryPurpose"] {
            assert!(m[field].is_string(), "{field}: {m}");
        }
        assert!(m["comment"].as_str().unwrap().contains("releaseTime: NOASSERTION"));
    }
    let data = of_type(graph, "dataset_DatasetPackage");
    assert_eq!(data.len(), 3);
    for d in data {
        assert!(d["originatedBy"].is_array() && d["dataset_datasetType"].is_array());
        assert!(d["software_downloadLocation"].is_string() && d["software_primaryPurpose"] == "data");
    }
    // every work has both, NOASSERTION where nothing is known
    for kind in ["hasDeclaredLicense", "hasConcludedLicense"] {
        let mut from: Vec<&str> =
            graph.iter().filter(|e| e["relationshipType"] == kind).map(|e| e["from"].as_str().unwrap()).collect();
        from.sort_unstable();
        from.dedup();
        assert_eq!(from.len(), 9, "{kind}");
    }
    // whatever is pointed at is there
    let ids: std::collections::BTreeSet<&str> = graph.iter().filter_map(|e| e["spdxId"].as_str()).collect();
    for e in of_type(graph, "Relationship") {
        for to in e["to"].as_array().unwrap() {
            assert!(ids.contains(to.as_str().unwrap()), "{e}");
        }
    }
}

#[test]
fn licenses_stand_side_by_side_and_cite_their_place() {
    let v: Value = serde_json::from_str(&cyclonedx(&bom(&[dossier(BOT)]), CycloneDx::V1_7)).unwrap();
    let licenses = &v["metadata"]["component"]["licenses"];
    assert_eq!(licenses[0]["expression"], "Apache-2.0 OR MIT");
    assert_eq!(licenses[0]["acknowledgement"], "declared");
    let concluded = licenses[1]["expression"].as_str().unwrap();
    assert_eq!(licenses[1]["acknowledgement"], "concluded");
    assert!(concluded.contains("LicenseRef-"), "{concluded}");
    for citation in v["citations"].as_array().unwrap() {
        let pointer = citation["pointers"][0].as_str().unwrap();
        assert!(v.pointer(pointer).is_some(), "{pointer} points nowhere");
    }
    let refs: Vec<&str> = v["components"].as_array().unwrap().iter().map(|c| c["bom-ref"].as_str().unwrap()).collect();
    assert!(refs.contains(&"dataset/acme/tickets"), "{refs:?}");
    let card = &v["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"];
    assert_eq!(*card, json!([{"ref": "dataset/acme/tickets"}, {"ref": "dataset/chats"}]));
    let v6: Value = serde_json::from_str(&cyclonedx(&bom(&[dossier(BOT)]), CycloneDx::V1_6)).unwrap();
    assert!(v6.get("citations").is_none());
    let all = v6["metadata"]["component"]["licenses"].as_array().unwrap();
    assert!(all.iter().all(|l| l.get("license").is_some()), "1.6 allows no expression beside a license");
}

#[test]
fn duties_are_claims_with_a_score_only_where_a_release_was_looked_at() {
    let with_release = BOT.replace("[subject]", "[subject]\nnotices = ['license-copy:llama-3.1']");
    for (text, scored) in [(BOT.to_string(), false), (with_release, true)] {
        let v: Value = serde_json::from_str(&cyclonedx(&bom(&[dossier(&text)]), CycloneDx::V1_7)).unwrap();
        let map = v["declarations"]["attestations"][0]["map"].as_array().unwrap();
        let code = |r: &str| {
            let all = v["definitions"]["standards"].as_array().unwrap().iter();
            let mut all = all.flat_map(|s| s["requirements"].as_array().unwrap());
            all.find(|q| q["bom-ref"] == r).unwrap()["properties"][0]["value"].as_str().unwrap().to_string()
        };
        let copy = map.iter().find(|m| code(m["requirement"].as_str().unwrap()) == "include-license-copy").unwrap();
        assert_eq!(copy["conformance"].get("score").is_some(), scored, "{copy}");
        let claims = v["declarations"]["claims"].as_array().unwrap();
        assert!(claims.iter().all(|c| c["target"] == "model/support-bot" && c["predicate"] != ""));
    }
}

#[test]
fn numbers_of_the_organization_stay_at_home() {
    let text = BOT.replace(
        "[use]",
        "[organization]\nname = 'Acme'\nannual_revenue_usd = 123454321\nmonthly_active_users = 987656789\n[use]",
    );
    for text in formats(&bom(&[dossier(&text)])) {
        assert!(text.contains("Acme"));
        assert!(!text.contains("123454321") && !text.contains("987656789"), "{text}");
    }
}

#[test]
fn files_hashes_and_texts_are_listed() {
    let catalog = freehold_law::shared();
    let d = dossier("[subject]\nid = 'm'\nmade_by = 'third-party'\ndeclared_license = 'acme-terms'\n");
    let mut own = d.clone();
    own.graph.works[0].claims[0].evidence = Evidence { file: "LICENSE".into(), ..Evidence::default() };
    let digest = "ab".repeat(32);
    let at = |file: &str| Evidence { file: file.into(), ..Evidence::default() };
    let fact = |kind, value: &str, file: &str| Fact { kind, value: value.into(), evidence: at(file) };
    let details = Details {
        facts: vec![
            fact(FactKind::Format, "gguf", "m.gguf"),
            fact(FactKind::Sha256, &digest.to_uppercase(), "m.gguf"),
            fact(FactKind::Task, "image-text-to-text", "README.md"),
            fact(FactKind::Revision, &"0".repeat(40), "m.gguf"),
        ],
        files: vec![
            BomFile { path: "LICENSE".into(), bytes: 4, sha256: None },
            BomFile { path: "m.gguf".into(), bytes: 9, sha256: None },
        ],
        texts: vec![TextFile { kind: TextKind::License, file: "LICENSE".into(), text: "terms of Acme".into() }],
    };
    let b = Bom::of(&[own], &[details], "m").unwrap();
    let v: Value = serde_json::from_str(&cyclonedx(&b, CycloneDx::V1_7)).unwrap();
    let c = &v["metadata"]["component"];
    assert_eq!(c["hashes"], json!([{"alg": "SHA-256", "content": digest}]));
    assert_eq!(c["components"][1]["hashes"][0]["content"], json!(digest));
    assert_eq!(c["licenses"][0]["license"]["text"]["content"], "terms of Acme");
    assert_eq!(c["evidence"]["occurrences"][0]["location"], "LICENSE");
    assert_eq!(c["version"], "0".repeat(40));
    let inputs = &c["modelCard"]["modelParameters"]["inputs"];
    assert_eq!(*inputs, json!([{"format": "image"}, {"format": "text"}]));
    let s: Value = serde_json::from_str(&spdx3(&b)).unwrap();
    let graph = s["@graph"].as_array().unwrap();
    assert_eq!(of_type(graph, "ai_AIPackage")[0]["verifiedUsing"][0]["hashValue"], json!(digest));
    assert_eq!(
        of_type(graph, "simplelicensing_SimpleLicensingText")[0]["simplelicensing_licenseText"],
        "terms of Acme"
    );
    // elsewhere a text is pointed at
    let other: Value = serde_json::from_str(&spdx3(&bom(&[dossier(BOT)]))).unwrap();
    for t in of_type(other["@graph"].as_array().unwrap(), "simplelicensing_SimpleLicensingText") {
        let text = t["simplelicensing_licenseText"].as_str().unwrap();
        assert!(text == NO_ASSERTION || text.contains("https://"), "{text}");
    }
    assert!(catalog.license("llama-3.1").is_some());
}

fn read(v: &Value) -> Imported {
    import_bom("theirs.json", v.to_string().as_bytes(), None, freehold_law::shared()).unwrap()
}

fn claims(g: &freehold_base::Graph, id: &str) -> Vec<(String, String)> {
    let w = g.works.iter().find(|w| w.id == id).unwrap();
    w.claims.iter().map(|c| (c.license.clone(), c.basis.as_str().to_string())).collect()
}

#[test]
fn a_bill_of_another_program_is_somebodys_word() {
    let theirs = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "x-unknown": {"deep": [1, 2]},
        "metadata": {"component": {"type": "application", "bom-ref": "app", "name": "shop"}},
        "components": [
            {"type": "library", "name": "torch"},
            {"type": "machine-learning-model", "bom-ref": "m", "group": "acme", "name": "tune", "purl": "pkg:huggingface/acme/tune@0123456789012345678901234567890123456789",
             "licenses": [{"license": {"name": "Custom", "licensing": {"altIds": ["llama3.1"]}}}, {"license": {"id": "MIT", "acknowledgement": "concluded"}}],
             "pedigree": {"notes": "base_model_relation: adapter", "ancestors": [{"type": "machine-learning-model", "name": "Llama-3.1-8B", "group": "meta-llama", "licenses": [{"expression": "LicenseRef-llama-3.1"}]}]},
             "modelCard": {"modelParameters": {"datasets": [{"ref": "d"}, {"type": "dataset", "name": "inline"}]}}},
            {"type": "data", "bom-ref": "d", "name": "squad"},
            {"type": "machine-learning-model", "bom-ref": "n", "name": "other/model"}
        ],
        "dependencies": [{"ref": "app", "dependsOn": ["m", "n"]}, {"ref": "n", "dependsOn": ["m"]}]
    });
    let i = read(&theirs);
    assert_eq!((i.format.as_str(), i.name.as_str(), i.assembly), ("CycloneDX 1.5", "shop", true));
    assert_eq!(i.graphs.len(), 1, "the tune is the base of the other model");
    let g = &i.graphs[0];
    assert_eq!(g.works[0].id, "other/model");
    let step = |c: &str, p: &str| {
        g.edges.iter().find(|e| g.works[e.child].id == c && g.works[e.parent].id == p).map(|e| e.relation)
    };
    assert_eq!(step("other/model", "acme/tune"), Some(Relation::Derived));
    assert_eq!(step("acme/tune", "meta-llama/Llama-3.1-8B"), Some(Relation::Adapter));
    assert_eq!(step("acme/tune", "squad"), Some(Relation::TrainedOnData));
    assert_eq!(step("acme/tune", "inline"), Some(Relation::TrainedOnData));
    let declared = |l: &str| (l.to_string(), "declared".to_string());
    assert_eq!(claims(g, "acme/tune"), [declared("llama3.1"), declared("MIT")]);
    assert_eq!(claims(g, "meta-llama/Llama-3.1-8B"), [declared("LicenseRef-llama-3.1")]);
    let lost: Vec<&str> = i.lost.iter().map(|d| d.code).collect();
    assert!(lost.contains(&"software-not-read") && lost.contains(&"step-not-stated"), "{lost:?}");
}

#[test]
fn we_in_a_bill_is_whoever_wrote_it() {
    let text = cyclonedx(&bom(&[dossier(BOT)]), CycloneDx::V1_7);
    let maker = |said| {
        let i = import_bom("b.json", text.as_bytes(), said, freehold_law::shared()).unwrap();
        (i.graphs[0].works[0].made_by, i.lost.iter().any(|d| d.code == "maker-not-stated"))
    };
    assert_eq!(maker(None), (None, true));
    assert_eq!(maker(Some(MadeBy::ThirdParty)), (Some(MadeBy::ThirdParty), false));
    assert_eq!(maker(Some(MadeBy::Organization)), (Some(MadeBy::Organization), false));
}

#[test]
fn no_bill_says_catalog_or_told() {
    for basis in ["catalog", "told", "nonsense"] {
        let theirs = json!({"bomFormat": "CycloneDX", "specVersion": "1.7", "components": [
            {"type": "machine-learning-model", "name": "m", "licenses": [{"license": {"id": "MIT", "properties": [
                {"name": "freehold:basis", "value": basis}, {"name": "freehold:edition", "value": "no such text"}]}}]}]});
        assert_eq!(claims(&read(&theirs).graphs[0], "m"), [("MIT".to_string(), "declared".to_string())], "{basis}");
    }
}

#[test]
fn spdx_3_and_2_3_of_others() {
    let three = json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1"},
        {"type": "software_Sbom", "spdxId": "urn:s", "rootElement": ["urn:m"]},
        {"type": "ai_AIPackage", "spdxId": "urn:m", "name": "bot"},
        {"type": "ai_AIPackage", "spdxId": "urn:b", "name": "base", "software_packageUrl": "pkg:huggingface/meta-llama/Llama-3.1-8B"},
        {"type": "dataset_DatasetPackage", "spdxId": "urn:d", "name": "tickets"},
        {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l", "simplelicensing_licenseExpression": "Apache-2.0 AND MIT"},
        {"type": "Relationship", "spdxId": "urn:1", "from": "urn:m", "relationshipType": "hasConcludedLicense", "to": ["urn:l"]},
        {"type": "Relationship", "spdxId": "urn:2", "from": "urn:m", "relationshipType": "descendantOf", "to": ["urn:b"]},
        {"type": "Relationship", "spdxId": "urn:3", "from": "urn:m", "relationshipType": "trainedOn", "to": ["urn:d"]},
        {"type": "Relationship", "spdxId": "urn:4", "from": "urn:m", "relationshipType": "dependsOn", "to": ["urn:b", "urn:d"]}]});
    let i = read(&three);
    let g = &i.graphs[0];
    assert_eq!((i.format.as_str(), i.graphs.len(), g.works[0].id.as_str()), ("SPDX 3.0.1", 1, "bot"));
    assert_eq!(g.edges.len(), 2, "a dependency that is explained is no second step");
    assert!(g.works[0].claims[0].expression);
    assert_eq!(claims(g, "bot"), [("Apache-2.0 AND MIT".to_string(), "declared".to_string())]);
    let two = json!({"spdxVersion": "SPDX-2.3", "name": "two", "packages": [
        {"SPDXID": "SPDXRef-a", "name": "x", "licenseDeclared": "NOASSERTION", "licenseConcluded": "Apache-2.0",
         "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:huggingface/acme/x@1"}]},
        {"SPDXID": "SPDXRef-b", "name": "y", "downloadLocation": "https://huggingface.co/Qwen/Qwen2.5-3B/tree/main"},
        {"SPDXID": "SPDXRef-c", "name": "numpy"}],
        "relationships": [{"spdxElementId": "SPDXRef-a", "relationshipType": "DESCENDANT_OF", "relatedSpdxElement": "SPDXRef-b"}]});
    let i = read(&two);
    let g = &i.graphs[0];
    assert_eq!((i.format.as_str(), g.works.len(), g.edges.len()), ("SPDX 2.3", 2, 1));
    assert_eq!(claims(g, "acme/x"), [("Apache-2.0".to_string(), "declared".to_string())]);
}

#[test]
fn hostile_bills_are_refused_or_cut() {
    let catalog = freehold_law::shared();
    let code = |bytes: &[u8]| import_bom("b.json", bytes, None, catalog).map_err(|d| d.code).err();
    assert_eq!(code(b"{"), Some("json-syntax"));
    assert_eq!(code(b"{\"a\": 1}"), Some("not-a-bom"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(code(deep.as_bytes()), Some("json-syntax"));
    assert_eq!(code(&vec![b' '; BOM_BYTES_MAX + 1]), Some("bom-too-large"));
    // every member of the wrong type
    for part in ["metadata", "components", "dependencies", "services"] {
        for wrong in [json!(1), json!("x"), json!([1, [2], {"type": 3}]), json!({"component": []}), Value::Null] {
            let mut v = json!({"bomFormat": "CycloneDX", "specVersion": 7});
            v[part] = wrong;
            assert!(read(&v).graphs.is_empty());
        }
    }
    // more models than are followed
    let many: Vec<Value> =
        (0..6_000).map(|i| json!({"type": "machine-learning-model", "name": format!("m{i}")})).collect();
    let i = read(&json!({"bomFormat": "CycloneDX", "specVersion": "1.7", "components": many}));
    assert_eq!(i.graphs.len(), 5_000);
    assert!(i.lost.iter().any(|d| d.code == "bom-too-large" && d.severity == Severity::Warning));
    // many subjects on one tangle of bases
    let mut all = vec![json!({"type": "machine-learning-model", "bom-ref": "b0", "name": "b0"})];
    for n in 1..100 {
        let on: Vec<Value> =
            (0..n).map(|p| json!({"name": format!("b{p}"), "properties": [{"name": "freehold:ref", "value": format!("b{p}")}]})).collect();
        all.push(json!({"type": "machine-learning-model", "bom-ref": format!("b{n}"), "name": format!("b{n}"), "pedigree": {"ancestors": on}}));
    }
    for n in 0..500 {
        all.push(json!({"type": "machine-learning-model", "name": format!("s{n}"), "pedigree": {"ancestors": [{"name": "b99", "properties": [{"name": "freehold:ref", "value": "b99"}]}]}}));
    }
    let i = read(&json!({"bomFormat": "CycloneDX", "specVersion": "1.7", "components": all}));
    let size: usize = i.graphs.iter().map(|g| g.works.len() + g.edges.len()).sum();
    assert!(size <= 200_000 && i.graphs.len() < 500, "{size} {}", i.graphs.len());
}

#[test]
fn a_folder_of_two_models_is_no_product_and_secrets_are_masked() {
    let a = dossier("[subject]\nid = 'a'\nlicense = 'MIT'\n");
    let b = dossier("[subject]\nid = 'b'\nlicense = 'MIT'\n");
    let v: Value = serde_json::from_str(&cyclonedx(&bom(&[a, b]), CycloneDx::V1_7)).unwrap();
    assert_eq!(v["metadata"]["component"]["bom-ref"], "inventory");
    assert_eq!(v["components"].as_array().unwrap().len(), 2);
    let token = format!("hf_{}", "a1B2c3D4e5F6g7H8i9J0");
    let i = read(&json!({"bomFormat": "CycloneDX", "specVersion": "1.7", "components": [
        {"type": "machine-learning-model", "name": format!("m {token}")}]}));
    assert!(!i.graphs[0].works[0].id.contains(&token));
}

#[test]
fn samples_that_others_wrote_are_read() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/standards/samples");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        eprintln!("skipped: ../shared/data/standards/samples is absent");
        return;
    };
    let mut seen = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(is_bom(&bytes), "{}", path.display());
        let i = import_bom("sample.json", &bytes, None, freehold_law::shared()).unwrap();
        let g = &i.graphs[0];
        assert_eq!(i.graphs.len(), 1, "{}", path.display());
        let said: Vec<&str> = g.works.iter().flat_map(|w| &w.claims).map(|c| c.license.as_str()).collect();
        assert!(g.works.len() == 3 && !said.is_empty(), "{}: {said:?}", path.display());
        let steps: Vec<Relation> = g.edges.iter().map(|e| e.relation).collect();
        assert!(steps.contains(&Relation::TrainedOnData), "{}: {steps:?}", path.display());
        seen += 1;
    }
    assert!(seen > 3);
}
