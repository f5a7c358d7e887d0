//! JUnit XML: a suite a model, a test case a question. No times, so the same input gives the same file.

use super::{Issue, Level, Outcome, Pipeline, Topic};

/// Counts of a suite.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// A run as one file.
pub fn junit(run: &Pipeline) -> String {
    let mut suites = String::new();
    let mut all = Counts::default();
    let of_models = run.models.iter().map(|m| (m.name.as_str(), m.path.as_str(), &m.issues));
    let of_run = Some(("input", "", &run.input)).filter(|(_, _, i)| !i.is_empty());
    for (name, path, issues) in of_models.chain(of_run) {
        let mut counts = Counts::default();
        let mut cases = String::new();
        for issue in issues {
            case(name, issue, &mut counts, &mut cases);
        }
        let shown = if path.is_empty() || path == name { name.to_string() } else { format!("{name} ({path})") };
        suites.push_str(&format!("  <testsuite name=\"{}\" {}>\n{cases}  </testsuite>\n", xml(&shown), counts.words()));
        all.tests += counts.tests;
        all.failures += counts.failures;
        all.errors += counts.errors;
        all.skipped += counts.skipped;
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"freehold check\" {}>\n{suites}</testsuites>\n",
        all.words()
    )
}

impl Counts {
    fn words(&self) -> String {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
            self.tests, self.failures, self.errors, self.skipped
        )
    }
}

fn case(suite: &str, issue: &Issue, counts: &mut Counts, out: &mut String) {
    let cites = if issue.cites.is_empty() { String::new() } else { format!(" ({})", issue.cites.join(", ")) };
    let work: Vec<&str> = issue.keys.iter().map(|k| k.work.as_str()).filter(|w| !w.is_empty()).collect();
    let work = if work.is_empty() { String::new() } else { format!(" ({})", work.join(", ")) };
    let name = match issue.topic {
        Topic::Verdict => "verdict".to_string(),
        Topic::Duty => format!("owed: {}{cites}", issue.code),
        Topic::Finding => format!("finding: {}{work}", issue.code),
        Topic::Policy => format!("policy: {}", issue.code),
        Topic::Input => {
            let file = issue.places.first().map(|p| format!(" ({})", p.path)).unwrap_or_default();
            format!("input: {}{file}", issue.code)
        }
    };
    let (element, kind) = if issue.fails() {
        if issue.outcome == Some(Outcome::Unreadable) {
            counts.errors += 1;
            ("error", issue.code.as_str())
        } else {
            counts.failures += 1;
            ("failure", issue.code.as_str())
        }
    } else if issue.level == Level::Pass {
        ("", "")
    } else {
        counts.skipped += 1;
        ("skipped", "")
    };
    counts.tests += 1;
    out.push_str(&format!("    <testcase classname=\"freehold.{}\" name=\"{}\"", xml(suite), xml(&name)));
    if element.is_empty() {
        out.push_str("/>\n");
        return;
    }
    let why = match (&issue.since, issue.outcome) {
        _ if issue.waived.is_some() => format!("{}: {}", issue.waived.as_deref().unwrap_or_default(), issue.message),
        (Some(day), _) => format!("in the baseline since {day}: {}", issue.message),
        (None, Some(_)) if !issue.counts => format!("not counted: {}", issue.message),
        _ => issue.message.clone(),
    };
    out.push_str(&format!(">\n      <{element} message=\"{}\"", xml(&why)));
    if !kind.is_empty() {
        out.push_str(&format!(" type=\"{}\"", xml(kind)));
    }
    let body = body(issue);
    if body.is_empty() || element == "skipped" {
        out.push_str("/>\n");
    } else {
        out.push_str(&format!(">{}</{element}>\n", xml(&body)));
    }
    out.push_str("    </testcase>\n");
}

/// Where it stands and what to do.
fn body(issue: &Issue) -> String {
    let mut lines: Vec<String> = issue.places.iter().map(super::Place::shown).collect();
    if !issue.help.is_empty() {
        lines.push(format!("to do: {}", issue.help));
    }
    lines.join("\n")
}

/// Text inside an element or an attribute; what XML 1.0 cannot hold is left out.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Baseline;
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_suite_a_model_and_a_case_a_question() {
        let text = junit(&sample());
        assert!(
            text.contains("<testsuites name=\"freehold check\" tests=\"6\" failures=\"3\" errors=\"1\" skipped=\"1\">"),
            "{text}"
        );
        assert!(
            text.contains("<testsuite name=\"a|b`&lt;/summary&gt;&lt;b&gt; (models/a b)\" tests=\"2\" failures=\"1\""),
            "{text}"
        );
        assert!(text.contains("name=\"owed: notice-file\""), "{text}");
        assert!(!text.contains("<script>") && !text.contains("</summary>"));
        assert_eq!(text.matches("<testcase ").count(), 6);
    }

    #[test]
    fn what_is_known_or_not_counted_is_skipped_with_the_reason() {
        let mut run = sample();
        let known = Baseline::of(&run, &Baseline::default());
        known.mark(&mut run);
        let text = junit(&run);
        assert!(text.contains("failures=\"0\" errors=\"1\" skipped=\"4\""), "{text}");
        assert!(text.contains("<skipped message=\"in the baseline since 2026-11-24: prohibited: no\"/>"), "{text}");
        let mut run = sample();
        run.count(|o| o != Outcome::Open);
        assert!(junit(&run).contains("<skipped message=\"not counted: undetermined: a fact\"/>"));
    }

    #[test]
    fn nothing_leaves_its_place() {
        assert_eq!(xml("a\u{1}<&>\"'\n\u{ffff}é"), "a&lt;&amp;&gt;&quot;&apos;&#10;é");
    }
}
