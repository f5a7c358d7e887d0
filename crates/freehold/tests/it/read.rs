//! `freehold read`, over a text of our own that no index knows and over a copy of this project's LICENSE that was turned.

use crate::run::{root, session};

const OWN: &str = "The Lamp License\n\n1. You may use and modify the Model, and distribute copies of it, for research only.\n\
    You may not use it for commercial purposes.\n\n2. If you distribute the Model you must retain all copyright notices and\n\
    provide a copy of this license with it. You must give credit to its authors.\n\n\
    3. The Model is provided as is. In no event shall the authors be liable for any damages.\n";

#[test]
fn what_a_text_appears_to_say() {
    let dir = tempfile::tempdir().unwrap();
    let apache = std::fs::read_to_string(root().join("LICENSE")).unwrap();
    let turned = apache.replacen(
        "You must give any other recipients of the Work or",
        "You are not required to give any other recipients of the Work or",
        1,
    );
    assert_ne!(turned, apache);
    for (name, text) in [("own.txt", OWN), ("turned.txt", &turned), ("exact.txt", &apache), ("prose.txt", "A lamp.\n")]
    {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["read", "own.txt"],
            &["read", "turned.txt", "exact.txt"],
            &["read", "prose.txt", "absent.txt"],
            &["read", "--format", "jsonl", "turned.txt"],
            &["read", "."],
        ]
    ));
}
