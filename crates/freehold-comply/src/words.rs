//! The sentences and paragraphs that are written.

use freehold_base::Relation;
use freehold_catalog::License;

/// A text with one more paragraph, in the line ends that it uses.
pub(crate) fn appended(text: &str, paragraph: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let paragraph = paragraph.replace('\n', end);
    let gap = match text {
        "" => "",
        t if t.ends_with("\n\n") || t.ends_with("\r\n\r\n") => "",
        t if t.ends_with('\n') => end,
        _ => &format!("{end}{end}"),
    };
    format!("{text}{gap}{paragraph}{end}")
}

/// The prescribed words as a sentence: the first of a choice, with the model's name before words that need one.
pub(crate) fn sentence(words: &str, name: &str) -> String {
    let first = words.split(" | ").next().unwrap_or(words);
    if first.starts_with(|c: char| c.is_lowercase()) { format!("{name} {first}") } else { first.to_string() }
}

/// Who made a work and under what it stands.
pub(crate) fn credit(work: &str, license: &License, url: Option<&str>) -> String {
    let by = match work.split_once('/') {
        Some((publisher, _)) => format!(" by {publisher} (https://huggingface.co/{work})"),
        None => String::new(),
    };
    let at = url.map(|u| format!(" ({u})")).unwrap_or_default();
    format!("Based on {work}{by}, licensed under {}{at}.", license.name)
}

/// What a step did to its parent, in the words that a change notice needs.
pub(crate) fn step(relation: Relation) -> Option<&'static str> {
    Some(match relation {
        Relation::Finetune => "fine-tuned from",
        Relation::Adapter => "fine-tuned as an adapter of",
        Relation::Merge => "merged from",
        Relation::Quantized => "quantized from",
        Relation::Converted => "converted (format changed) from",
        Relation::Distilled => "distilled from",
        Relation::Derived => "derived from",
        _ => return None,
    })
}

/// A file name of an id: nothing in it leaves the folder or is hidden.
pub(crate) fn file_name(id: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+') { c } else { '_' };
    id.trim_start_matches('.').chars().take(100).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_keep_the_line_ends() {
        assert_eq!(appended("a\r\nb", "c\nd"), "a\r\nb\r\n\r\nc\r\nd\r\n");
        assert_eq!(appended("a\n", "c"), "a\n\nc\n");
        assert_eq!(appended("", "c"), "c\n");
    }

    #[test]
    fn words_that_need_a_subject_get_one() {
        assert_eq!(sentence("is built using X", "Bot"), "Bot is built using X");
        assert_eq!(sentence("Built with X | Improved using X", "Bot"), "Built with X");
    }

    #[test]
    fn ids_stay_in_their_folder() {
        assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(file_name("llama-3.1-community"), "llama-3.1-community");
    }
}
