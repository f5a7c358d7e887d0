//! Workflow commands of GitHub Actions: an annotation a line.
//!
//! A runner takes any line that begins with `::`, even after spaces, for a command. So nothing else is printed beside them,
//! and every text stands on the one line of its command, escaped.

use super::{Issue, Level, Pipeline, Place};

/// A run as workflow commands, what fails first, and a line that counts.
pub fn annotations(run: &Pipeline) -> String {
    let mut told: Vec<_> = run.issues().filter(|(_, i)| i.level > Level::Pass).collect();
    // a runner shows the first few of each kind only
    told.sort_by_key(|(_, i)| (!i.fails(), std::cmp::Reverse(i.level), i.topic));
    let mut out = String::new();
    for (model, issue) in told {
        let message = match model {
            Some(m) => format!("{}: {}", m.name, issue.message),
            None => issue.message.clone(),
        };
        out.push_str(&line(issue, &message));
    }
    let known = run.issues().filter(|(_, i)| i.since.is_some()).count();
    let known = if known > 0 { format!("; {known} in the baseline") } else { String::new() };
    out.push_str(&format!("freehold: {}{known}\n", run.counted()));
    out
}

fn line(issue: &Issue, message: &str) -> String {
    let kind = match issue.level {
        _ if issue.since.is_some() || issue.waived.is_some() => "notice",
        // an open verdict that fails the run is told as loud as it is
        _ if issue.fails() => "error",
        Level::Error => "warning",
        Level::Warning => "warning",
        Level::Note | Level::Pass => "notice",
    };
    let mut text = message.to_string();
    if let Some(day) = &issue.since {
        text.push_str(&format!(" (in the baseline since {day})"));
    }
    if let Some(words) = &issue.waived {
        text.push_str(&format!(" ({words})"));
    }
    if !issue.help.is_empty() {
        text.push_str(&format!("\nto do: {}", issue.help));
    }
    let mut properties = Vec::new();
    if let Some(p) = issue.places.first() {
        properties.extend(place(p));
    }
    properties.push(format!("title={}", property(&format!("freehold {}", issue.code))));
    format!("::{kind} {}::{}\n", properties.join(","), data(&text))
}

fn place(p: &Place) -> Vec<String> {
    let mut out = vec![format!("file={}", property(&p.path))];
    if let Some(line) = p.line {
        out.push(format!("line={line}"));
        if let Some(column) = p.column {
            out.push(format!("col={column}"));
        }
        // an end on another line is left out: a runner refuses columns then
        if let Some((_, column)) = p.end.filter(|(l, _)| *l == line) {
            out.push(format!("endColumn={column}"));
        }
    }
    out
}

/// A message, as the runner unescapes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, as the runner unescapes it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn each_annotation_is_one_escaped_line() {
        let mut run = sample();
        run.models[0].issues[0].message = "50% of\r\n::error::x".into();
        run.models[0].issues[0].places[0].path = "a:b,c/README.md".into();
        let text = annotations(&run);
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            "::error file=a%3Ab%2Cc/README.md,line=3,col=10,endColumn=13,title=freehold prohibited::a|b`</summary><b>: 50%25 of%0D%0A::error::x"
        );
        assert!(text.lines().all(|l| l.starts_with("::") || l.starts_with("freehold: ")), "{text}");
        assert_eq!(text.lines().count(), 6);
    }

    #[test]
    fn what_is_known_is_a_notice() {
        let mut run = sample();
        let known = super::super::Baseline::of(&run, &super::super::Baseline::default());
        known.mark(&mut run);
        let text = annotations(&run);
        assert!(!text.contains("::error file="), "{text}");
        assert!(text.contains("(in the baseline since 2026-11-24)"), "{text}");
        assert!(text.ends_with("freehold: 3 models: 2 blocked, 1 open; 4 in the baseline\n"), "{text}");
    }
}
