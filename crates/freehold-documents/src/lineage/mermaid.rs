//! The lineage as a Mermaid flowchart, which hosts of repositories and wikis draw.

use freehold_check::Lineage;

use super::{cut, drawn, licenses_in_short, maker_word, one_line, parents_of, title};
use crate::words;

/// Most works; a renderer refuses texts of more than 50,000 characters.
const WORKS_MAX: usize = 200;
/// Most steps; a renderer refuses more than 500.
const STEPS_MAX: usize = 400;
/// Most columns of a name.
const NAME_MAX: usize = 60;

/// `flowchart TD`: each work stands above what it was made from. Dashed: who took the step is presumed.
pub fn lineage_mermaid(lineage: &Lineage) -> String {
    let shown = drawn(lineage, WORKS_MAX, STEPS_MAX);
    let parents = parents_of(lineage);
    let mut out = String::from("flowchart TD\n");
    out.push_str(&format!("  accTitle: {}\n", words_only(&title(lineage))));
    for w in &shown.works {
        let work = &lineage.works[*w];
        let name = text(&cut(&one_line(&work.id), NAME_MAX));
        let license = text(&cut(&licenses_in_short(work, !parents[*w].is_empty()), NAME_MAX));
        let (open, close) = if work.work.kind == freehold_base::WorkKind::Dataset { ("[(", ")]") } else { ("[", "]") };
        let class = maker_word(work.maker()).replace(' ', "");
        let lost = if work.unresolved && class == "unknown" { "lost" } else { class.as_str() };
        out.push_str(&format!("  w{w}{open}\"{name}<br/>{license}\"{close}:::{lost}\n"));
    }
    for s in &shown.steps {
        let step = &lineage.steps[*s];
        let label = if step.cyclic {
            format!("{} (cycle)", words::step(step.relation))
        } else {
            words::step(step.relation).to_string()
        };
        let arrow = if step.presumed { "-.->" } else { "-->" };
        out.push_str(&format!("  w{} {arrow}|\"{}\"| w{}\n", step.child, text(&label), step.parent));
    }
    if shown.left_out != (0, 0) {
        let (works, steps) = shown.left_out;
        out.push_str(&format!("  more[\"and {works} more works, {steps} more steps\"]:::lost\n"));
    }
    for (class, look) in [
        ("ours", "fill:#ddf4ff,stroke:#0969da,color:#1f2328,stroke-width:2px"),
        ("thirdparty", "fill:#f6f8fa,stroke:#59636e,color:#1f2328"),
        ("dataset", "fill:#fff8c5,stroke:#9a6700,color:#1f2328"),
        ("unknown", "fill:#fbefff,stroke:#8250df,color:#1f2328"),
        ("lost", "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:5 4"),
    ] {
        out.push_str(&format!("  classDef {class} {look}\n"));
    }
    out
}

/// Text inside quotes. Everything that could end the text, open a tag, a directive, a link or Markdown is written by its
/// number.
fn text(raw: &str) -> String {
    let mut out = String::new();
    for c in one_line(raw).chars() {
        let plain =
            c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | ',' | '(' | ')' | '·' | '…' | '\u{fffd}');
        if plain {
            out.push(c);
        } else {
            out.push_str(&format!("#{};", u32::from(c)));
        }
    }
    // an address would become a link, and a line that begins with a list's mark a list
    out.replace("//", "/#47;")
}

/// A title is not quoted: letters and little else.
fn words_only(raw: &str) -> String {
    raw.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | ',')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_write_mermaid() {
        let t = text("a\"] --> b\n%%{init: {}}%% <script>`x`#quot; https://e.example");
        assert!(!t.contains(['"', '[', ']', '<', '>', '%', '{', '`', '\n', '&']), "{t}");
        assert!(!t.contains("//") && !t.contains("#quot;"), "{t}");
        assert_eq!(text("org/name-1.0_x"), "org/name-1.0_x");
    }
}
