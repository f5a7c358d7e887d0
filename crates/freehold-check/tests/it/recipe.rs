//! A recipe's part of the law, and its mistakes.

use freehold_assess::Deployment;
use freehold_check::recipe;

#[test]
fn a_recipe_and_all_of_its_mistakes() {
    let catalog = freehold_law::shared();
    let mut deployment = Deployment::empty(catalog);
    let text = "name = \"bot\"\n[base]\npath = \"m\"\nlicence = \"mit\"\n[[dataset]]\npath = \"d.jsonl\"\ngenerated_by = [\"a/b\"]\n[training]\nanything = 1\n[output]\nfolder = \"out\"\n[use]\nacess = \"weights\"\ncommercial = true\n";
    let (found, mistakes) = recipe("r.toml", text, catalog, &mut deployment);
    let found = found.unwrap();
    assert_eq!((found.base.path.as_str(), found.base.line, found.datasets[0].line), ("m", 3, 6));
    assert_eq!(
        (found.datasets[0].generated_by.as_slice(), found.folder.as_deref()),
        (&["a/b".to_string()][..], Some("out"))
    );
    let codes: Vec<&str> = mistakes.iter().map(|d| d.code).collect();
    assert_eq!(codes.len(), 2, "{mistakes:?}");
    assert!(codes.contains(&"unknown-key") && codes.contains(&"unknown-fact"));
    assert!(deployment.named(catalog, "use.commercial").is_some());
    for text in ["[base]\npath = 1\n", "name = \"x\"\n", "name = \"x\"\nbase = 3\n", "]["] {
        let (found, mistakes) = recipe("r.toml", text, catalog, &mut deployment);
        assert!(found.is_none() && !mistakes.is_empty(), "{text}");
    }
}
