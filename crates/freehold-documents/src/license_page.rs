//! A license as a page that counsel can review: every term with its clause, its words, when it bites, what it does.

use freehold_catalog::{Catalog, Effect, License, Term};

use crate::words;

/// Text for a cell of a Markdown table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

/// The page of one license.
pub fn license_page(catalog: &Catalog, index: usize) -> String {
    let law = &catalog.licenses[index];
    let mut out = format!("# {}\n\n", law.name);
    out.push_str("*Written by `cargo xtask pages` from the catalog; correct the entry, not this page.*\n\n");
    out.push_str(&format!("- id `{}`, SPDX `{}`, licensor: {}\n", law.id, law.spdx, law.licensor));
    out.push_str(&format!("- entry: `{}`\n", law.file));
    let by =
        if law.review.by.is_empty() { String::new() } else { format!(", by {}, {}", law.review.by, law.review.date) };
    out.push_str(&format!("- review: **{}**{by}\n", law.review.level));
    let covers: Vec<&str> = law.covers.iter().map(|c| c.as_str()).collect();
    out.push_str(&format!("- covers: {}\n", covers.join(", ")));
    if let Some(contact) = &law.contact {
        out.push_str(&format!("- a separate license is asked for at {contact}\n"));
    }
    if let Some(open) = &law.open_source {
        let osi = if open.osi_approved { "approved by the OSI" } else { "not on the OSI's list" };
        out.push_str(&format!("- open source: {osi}"));
        for (name, test) in
            [("Open Source AI Definition", &open.osaid), ("EU guidelines on general-purpose AI", &open.eu)]
        {
            let why = if test.why.is_empty() { String::new() } else { format!(" ({}: {})", test.clause, test.why) };
            out.push_str(&format!("; {name}: {}{why}", test.test.as_str()));
        }
        out.push('\n');
    }
    out.push_str(&format!(
        "- goes by: {}\n",
        law.aliases.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ")
    ));
    if !law.looks_like.is_empty() {
        out.push_str(&format!("- travels under the tag {}, and its text is another\n", law.looks_like.join(", ")));
    }
    editions(law, &mut out);
    for group in words::GROUPS {
        let list: Vec<&Term> = law.terms.iter().filter(|t| t.policy.is_none() && (group.holds)(&t.effect)).collect();
        table(catalog, law, group.page, &list, &mut out);
    }
    for (i, id) in law.policies.iter().enumerate() {
        let list: Vec<&Term> = law.terms.iter().filter(|t| t.policy == Some(i)).collect();
        table(catalog, law, &format!("Use policy `{id}`"), &list, &mut out);
    }
    if !law.absent.is_empty() {
        out.push_str(&format!("\n## Read for and not there\n\n{}\n", law.absent.join(", ")));
    }
    out
}

fn editions(law: &License, out: &mut String) {
    out.push_str("\n| edition | date | until | differs |\n|---|---|---|---|\n");
    for e in &law.editions {
        let mut differs = e.differs.clone().unwrap_or_default();
        if let Some(at) = &e.read_at {
            differs.push_str(&format!(" Read at {at}; its quotes were not compared by machine."));
        }
        let until = e.until.as_deref().unwrap_or("");
        out.push_str(&format!("| `{}` | {} | {until} | {} |\n", e.text, e.date, cell(&differs)));
    }
}

fn table(catalog: &Catalog, law: &License, title: &str, terms: &[&Term], out: &mut String) {
    if terms.is_empty() {
        return;
    }
    out.push_str(&format!("\n## {title}\n\n| clause | what | words | when | note |\n|---|---|---|---|---|\n"));
    for t in terms {
        out.push_str(&format!(
            "| {} | {} | “{}” | {} | {} |\n",
            cell(&t.clause),
            cell(&what(catalog, law, t)),
            cell(&t.quote),
            cell(&when(t)),
            cell(t.note.as_deref().unwrap_or(""))
        ));
    }
}

fn what(catalog: &Catalog, law: &License, t: &Term) -> String {
    let mut out = match &t.effect {
        Effect::Grant(acts) => acts.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(", "),
        Effect::Duty(d) => {
            let mut says = format!("`{}` {}", d.code, words::duty_title(catalog, &d.code));
            if let Some(text) = &d.text {
                says.push_str(&format!(": “{}”", text.replace(" | ", "” or “")));
            }
            if let Some(prefix) = &d.name_prefix {
                says.push_str(&format!(": begins with “{prefix}”"));
            }
            if !d.places.is_empty() {
                says.push_str(&format!(", in one of: {}", d.places.join(", ")));
            }
            if d.by_us {
                says.push_str("; owed by who took the step");
            }
            says
        }
        Effect::Information(topic) if !topic.is_empty() => topic.clone(),
        _ => t.id.replace('-', " "),
    };
    let reach: Vec<&str> = t.reach.iter().map(|s| s.as_str()).collect();
    if !matches!(t.effect, Effect::Information(_)) {
        out.push_str(&format!(" ({})", reach.join(", ")));
    }
    out.push_str(&words::only_in(law, t));
    out
}

fn when(t: &Term) -> String {
    let mut parts: Vec<String> = t
        .readings
        .iter()
        .filter(|r| !r.written.is_empty())
        .map(|r| {
            if r.says.is_empty() {
                format!("`{}`", r.written)
            } else {
                format!("**{}**: {} (`{}`)", r.id, r.says, r.written)
            }
        })
        .collect();
    if let Some(unless) = &t.unless_written {
        parts.push(format!("unless `{unless}`"));
    }
    if let Effect::Duty(d) = &t.effect
        && let Some(wider) = &d.arguable_written
    {
        parts.push(format!("arguable when `{wider}`"));
    }
    parts.join("; ")
}

/// The list of all pages.
pub fn license_index(catalog: &Catalog) -> String {
    let mut out = String::from(
        "# The licenses in law\n\n*Written by `cargo xtask pages`.* One page a license, for review by counsel. `engineer` means that a \
         second reader compared the entry with the text clause by clause; `counsel` stays for a person.\n\n\
         | license | licensor | editions | review |\n|---|---|---|---|\n",
    );
    let mut all: Vec<&License> = catalog.licenses.iter().collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    for l in all {
        out.push_str(&format!(
            "| [{}]({}.md) | {} | {} | {} |\n",
            cell(&l.name),
            l.id.replace('+', "%2B"),
            cell(&l.licensor),
            l.editions.len(),
            l.review.level
        ));
    }
    out
}
