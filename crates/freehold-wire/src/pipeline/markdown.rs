//! A comment for a pull request: one table, what fails open, what is known folded away.
//!
//! Names come from files that anybody may have written: none of them can bring HTML, links, images or mentions.

use super::{Checked, Issue, Level, Pipeline, Topic};

/// First line, by which a pipeline finds its own comment again.
const MARK: &str = "<!-- freehold check -->";
/// Most characters; GitHub takes 65,536.
const LENGTH_MAX: usize = 60_000;

/// A run as a comment.
pub fn markdown(run: &Pipeline) -> String {
    let mut out = format!("{MARK}\n### Freehold: {}\n", text(&run.counted()));
    if !run.models.is_empty() {
        out.push_str("\n| | model | answer | because |\n|---|---|---|---|\n");
    }
    let mut left = 0;
    let mut shown = Vec::new();
    let mut models: Vec<&Checked> = run.models.iter().collect();
    models.sort_by_key(|m| (!m.issues.iter().any(Issue::fails), rank(m.word()), m.path.clone()));
    for m in models {
        let row = row(m);
        if out.len() + row.len() > LENGTH_MAX / 2 {
            left += 1;
            continue;
        }
        out.push_str(&row);
        shown.push(m);
    }
    if left > 0 {
        out.push_str(&format!("\n… and {left} more models\n"));
    }
    let tail = tail(run);
    let mut cut = 0;
    for m in shown {
        let details = details(m);
        if out.len() + details.len() + tail.len() > LENGTH_MAX {
            cut += usize::from(!details.is_empty());
        } else {
            out.push_str(&details);
        }
    }
    if cut > 0 {
        out.push_str(&format!("\n… the details of {cut} more models are left out\n"));
    }
    out.push_str(&tail);
    out
}

fn rank(word: &str) -> u8 {
    match word {
        "blocked" => 0,
        "open" => 1,
        "unreadable" => 2,
        "denied by policy" | "to review" => 2,
        _ => 3,
    }
}

fn row(m: &Checked) -> String {
    let fails = m.issues.iter().any(Issue::fails);
    let known = m.issues.iter().any(|i| i.outcome.is_some() && i.since.is_some());
    let word = if !fails && known { "known".to_string() } else { m.word().to_string() };
    let verdict = m.issues.iter().find(|i| i.topic == Topic::Verdict);
    let answer = verdict.map(|i| i.code.clone()).unwrap_or_default();
    let because = verdict.map(|i| i.cites.iter().take(3).cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default();
    let unmet = m.issues.iter().filter(|i| i.topic == Topic::Duty && i.outcome.is_some()).count();
    let because = match (because.is_empty(), unmet) {
        (_, 0) => because,
        (true, n) => format!("{n} owed and not there"),
        (false, n) => format!("{because}; {n} owed and not there"),
    };
    let objects: Vec<&str> = m
        .issues
        .iter()
        .filter(|i| i.topic == Topic::Policy && i.waived.is_none() && i.outcome.is_some())
        .map(|i| i.code.as_str())
        .collect();
    let because = match (because.is_empty(), objects.is_empty()) {
        (_, true) => because,
        (true, false) => format!("policy: {}", objects.join(", ")),
        (false, false) => format!("{because}; policy: {}", objects.join(", ")),
    };
    let word = if fails { format!("**{}**", text(&word)) } else { text(&word) };
    format!("| {word} | {} | {} | {} |\n", text(&m.name), text(&answer), text(&because))
}

/// What there is to say of a model, folded; nothing for one that is clear and owes nothing.
fn details(m: &Checked) -> String {
    let told: Vec<&Issue> = m.issues.iter().filter(|i| i.level > Level::Pass).collect();
    if told.is_empty() {
        return String::new();
    }
    let open = if told.iter().any(|i| i.fails()) { " open" } else { "" };
    let n = told.len();
    let things = if n == 1 { "1 thing".to_string() } else { format!("{n} things") };
    let mut out = format!("\n<details{open}><summary>{}: {things}</summary>\n\n", html(&m.name));
    for issue in told {
        out.push_str(&item(issue));
    }
    out.push_str("\n</details>\n");
    out
}

fn item(issue: &Issue) -> String {
    let code = match super::docs_address() {
        Some(docs) if matches!(issue.topic, Topic::Verdict | Topic::Finding) => {
            format!("[{}]({docs}/findings/{}.md)", text(&issue.code), issue.code)
        }
        _ => text(&issue.code),
    };
    // a verdict's sentence begins with it
    let rest = issue.message.strip_prefix(&format!("{}: ", issue.code)).unwrap_or(&issue.message);
    let rest = rest.strip_prefix(&format!("{}: ", issue.code)).unwrap_or(rest);
    let of = if issue.topic == Topic::Policy { "policy " } else { "" };
    let mut out = format!("- {}{of}{code}: {}", if issue.fails() { "**fails** " } else { "" }, text(rest));
    if let Some(words) = &issue.waived {
        out.push_str(&format!(" *({})*", text(words)));
    }
    if let Some(day) = &issue.since {
        out.push_str(&format!(" *(in the baseline since {})*", text(day)));
    } else if issue.outcome.is_some() && !issue.counts {
        out.push_str(" *(not counted)*");
    }
    if let Some(p) = issue.places.first() {
        out.push_str(&format!("  \n  at {}", text(&p.shown())));
    }
    if !issue.help.is_empty() {
        out.push_str(&format!("  \n  to do: {}", text(&issue.help)));
    }
    out.push('\n');
    out
}

/// What was not about a model, and by which law.
fn tail(run: &Pipeline) -> String {
    let mut out = String::new();
    if !run.input.is_empty() {
        out.push_str("\n**Besides**\n\n");
        for issue in run.input.iter().take(20) {
            out.push_str(&item(issue));
        }
        let more = run.input.len().saturating_sub(20);
        if more > 0 {
            out.push_str(&format!("- … and {more} more\n"));
        }
    }
    out.push_str(&format!(
        "\nCatalog {}, as of {}. A reading of texts on stated facts, no legal advice.\n",
        text(&run.catalog),
        text(&run.as_of)
    ));
    out
}

/// Text inside HTML.
fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    mute(&text)
}

/// Text inside Markdown: shown as it is, and nothing more.
fn text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    mute(&out)
}

/// Without mentions and without addresses that become links by themselves.
fn mute(text: &str) -> String {
    text.replace('@', "@\u{200b}").replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.")
}

#[cfg(test)]
mod tests {
    use super::super::Baseline;
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_name_brings_no_markup() {
        assert_eq!(
            text("<img src=x>![a](http://b) @me `c` | *d* www.e.f"),
            "&lt;img src=x&gt;\\!\\[a\\](http:\u{200b}//b) @\u{200b}me \\`c\\` \\| \\*d\\* www\u{200b}.e.f"
        );
        let comment = markdown(&sample());
        assert!(
            !comment.contains("<script") && !comment.contains("</summary><b>") && !comment.contains("@octocat"),
            "{comment}"
        );
        // the tags that are there are ours
        assert_eq!(comment.matches("<details").count(), comment.matches("</details>").count());
        assert_eq!(comment.matches("</summary>").count(), 3);
    }

    #[test]
    fn rows_of_one_table_what_fails_first() {
        let comment = markdown(&sample());
        let rows: Vec<&str> = comment.lines().filter(|l| l.starts_with("| ")).skip(1).collect();
        assert_eq!(
            rows,
            [
                "| **blocked** | a\\|b\\`&lt;/summary&gt;&lt;b&gt; | prohibited | acme-1 2, acme-1 3 |",
                "| **blocked** | c | permitted | 1 owed and not there |",
                "| **open** | o | undetermined |  |",
            ]
        );
    }

    #[test]
    fn what_is_known_is_said_to_be() {
        let mut run = sample();
        Baseline::of(&run, &Baseline::default()).mark(&mut run);
        let comment = markdown(&run);
        assert!(comment.contains("| known | o |") && !comment.contains("**open**"), "{comment}");
        assert!(
            comment.contains("*(in the baseline since 2026-11-24)*") && !comment.contains("<details open>"),
            "{comment}"
        );
    }

    #[test]
    fn a_comment_has_an_end() {
        let mut run = sample();
        for i in 0..5_000 {
            let mut m = run.models[0].clone();
            m.path = format!("m{i}");
            m.issues[0].message = "x".repeat(400);
            run.models.push(m);
        }
        let comment = markdown(&run);
        assert!(comment.chars().count() < 65_536 && comment.contains("more models"), "{}", comment.len());
    }
}
