//! Reading a text that nobody has read: small sentences of our own, hostile input, and the shared labels where they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freehold_text::{Attitude, BUILT_IN, Basis, QUOTE_WORDS_MAX, Rules, fuzz, read};

fn says(text: &str, term: &str) -> Option<&'static str> {
    read(&BUILT_IN, text).of(term).map(|p| p.attitude.as_str())
}

#[test]
fn the_rules_of_this_build_load() {
    let text = include_str!("../../../catalog/reading.toml");
    if let Err(mistakes) = Rules::parse(text) {
        panic!("{mistakes}");
    }
    assert_eq!(BUILT_IN.terms().count(), 23);
}

#[test]
fn a_file_with_mistakes_is_refused_with_all_of_them() {
    let toml =
        "format = 1\n[[term]]\nid = \"a\"\norder = [\"perhaps\"]\n[[term.cue]]\npatterns = [\"the? x\", \"UP\"]\n";
    let mistakes = Rules::parse(toml).unwrap_err().0;
    assert_eq!(mistakes.len(), 4, "{mistakes:?}");
}

#[test]
fn modal_words_and_their_negation() {
    let cases = [
        ("You may distribute copies of the lamp.", "distribute", Some("can")),
        ("You may not distribute copies of the lamp.", "distribute", Some("cannot")),
        ("Nobody else matters. You are not permitted to sublicense the lamp.", "sublicense", Some("cannot")),
        (
            "The maker grants you a license to use, modify, sublicense and distribute the lamp.",
            "sublicense",
            Some("can"),
        ),
        ("The maker does not grant you a license to modify the lamp.", "modify", Some("cannot")),
        ("Redistribution of the lamp, with or without changes, is not allowed.", "distribute", Some("cannot")),
        ("Neither the maker's name nor its logos may be used to endorse a lamp.", "use-trademark", Some("cannot")),
        ("Nothing in these terms shall grant you rights to use our trademarks.", "use-trademark", Some("cannot")),
        ("In no event shall the maker be liable for damages.", "hold-liable", Some("cannot")),
        ("The maker may be held liable for damages.", "hold-liable", Some("can")),
        ("The maker must be liable for damages.", "hold-liable", Some("must")),
        ("You must modify the lamp.", "modify", Some("must")),
        ("The lamp is blue.", "modify", None),
    ];
    for (text, term, want) in cases {
        assert_eq!(says(text, term), want, "{text}");
    }
}

#[test]
fn a_duty_that_is_taken_back_is_a_liberty() {
    let text = "You may provide recipients a copy of this Agreement, but it is not required.";
    assert_eq!(says(text, "include-license"), Some("can"));
    let text = "You must provide recipients a copy of this Agreement.";
    assert_eq!(says(text, "include-license"), Some("must"));
}

#[test]
fn items_inherit_their_lead_in() {
    let text = "You may not:\n(a) sublicense the lamp;\n(b) modify the lamp.\n";
    assert_eq!(says(text, "sublicense"), Some("cannot"));
    assert_eq!(says(text, "modify"), Some("cannot"));
    let text =
        "Copies are welcome provided that the following holds: (i) the copyright notice is retained in each copy.";
    assert_eq!(says(text, "include-copyright"), Some("must"));
}

#[test]
fn suppositions_and_exceptions_are_no_prohibitions() {
    let text = "If you distribute the lamp, you must provide a copy of this License.";
    let reading = read(&BUILT_IN, text);
    let distribute = reading.of("distribute").expect("supposed");
    assert_eq!((distribute.attitude, distribute.basis), (Attitude::Can, Basis::Supposed));
    let text = "You may copy and distribute the lamp. You may not distribute it except under these terms.";
    let reading = read(&BUILT_IN, text);
    let distribute = reading.of("distribute").expect("said");
    assert_eq!(distribute.attitude, Attitude::Can);
    assert!(distribute.against.iter().any(|s| s.conditional && s.attitude == Attitude::Cannot));
}

#[test]
fn evidence_is_a_place_in_the_text_and_a_short_quote() {
    let text = format!("§ Prelude — naïve. You may {} distribute the lamp {}.", "very ".repeat(30), "far ".repeat(40));
    let reading = read(&BUILT_IN, &text);
    let proposal = reading.of("distribute").expect("said");
    let sentence = &proposal.sentences[0];
    assert!(text[sentence.range.clone()].starts_with("You may"));
    assert!(sentence.quote.contains("distribute"));
    assert!(sentence.quote.split_whitespace().count() <= QUOTE_WORDS_MAX);
}

#[test]
fn hostile_input_is_read_in_bounded_time() {
    for unit in
        ["may not ", "(a)", "\n", "you shall: ", "1.1", "without limitation distribute ", "aB", "é.", "must notice "]
    {
        fuzz::fuzz_reading(unit.repeat(20_000).as_bytes());
    }
    fuzz::fuzz_reading("x".repeat(1_000_000).as_bytes());
    assert!(read(&BUILT_IN, &"a ".repeat(150_000)).truncated);
}

/// (texts, exact, micro-F1, recall of changed cells) of a set.
fn score(data: &Path, set: &str, table: &str, base: Option<&str>) -> (usize, f64, f64, f64) {
    let labels = |path: PathBuf| -> BTreeMap<String, Vec<u8>> {
        let text = std::fs::read_to_string(path).expect("the labeled texts are readable");
        let row = |line: &str| {
            let mut cells = line.trim().split(',');
            let file = cells.next().unwrap_or("").to_owned();
            (file, cells.map(|c| c.as_bytes().first().map_or(0, |b| b - b'0')).collect())
        };
        text.lines().skip(1).filter(|l| !l.trim().is_empty()).map(row).collect()
    };
    let base = base.map(|b| labels(data.join(b))).unwrap_or_default();
    let (mut texts, mut exact, mut right, mut said, mut changed, mut found) =
        (0usize, 0usize, 0usize, 0usize, 0usize, 0usize);
    for (file, want) in labels(data.join(set).join(table)) {
        let text = std::fs::read(data.join(set).join("license").join(&file)).expect("the labeled texts are readable");
        let reading = read(&BUILT_IN, &String::from_utf8_lossy(&text));
        let got: Vec<u8> = BUILT_IN.terms().map(|(id, _)| reading.of(id).map_or(0, |p| p.attitude as u8 + 1)).collect();
        let before = file.rsplit_once('_').and_then(|(b, _)| base.get(&format!("{b}.txt")));
        texts += 1;
        exact += usize::from(got == want);
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            right += usize::from(got == want && *want != 0) * 2;
            said += usize::from(*got != 0) + usize::from(*want != 0);
            if before.and_then(|b| b.get(i)).is_some_and(|b| b != want) {
                changed += 1;
                found += usize::from(got == want);
            }
        }
    }
    let share = |a: usize, b: usize| {
        f64::from(u32::try_from(a).unwrap_or(u32::MAX)) / f64::from(u32::try_from(b.max(1)).unwrap_or(u32::MAX))
    };
    (texts, share(exact, texts), share(right, said), share(found, changed))
}

#[test]
fn the_shared_labels_are_met_as_well_as_measured() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/reading");
    if !data.is_dir() {
        println!("skipped: no labeled texts at {}", data.display());
        return;
    }
    let floors = [
        ("ai_16", "label_ai_16.csv", None, (0.55, 0.93, 0.0)),
        ("aimut_176", "label_mutate_ai_176.csv", Some("ai_16/label_ai_16.csv"), (0.55, 0.95, 0.90)),
        ("oss_124", "label_124.csv", None, (0.04, 0.77, 0.0)),
        ("ossmut_620", "label_mutate_620.csv", Some("oss_124/label_124.csv"), (0.0, 0.74, 0.74)),
    ];
    for (set, table, base, (exact_min, f1_min, changed_min)) in floors {
        let (texts, exact, f1, changed) = score(&data, set, table, base);
        assert!(
            texts > 0 && exact >= exact_min && f1 >= f1_min && changed >= changed_min,
            "{set}: {exact} {f1} {changed}"
        );
    }
}
