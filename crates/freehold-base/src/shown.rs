//! Foreign text as it may be shown.

/// Names and values come from files that anybody may have written: control characters, the marks that reorder text and
/// letters that are not seen are shown as `�`, letters that only look Latin as their number, so that a file cannot move
/// the cursor, hide a word or borrow a publisher's name.
pub fn shown(text: &str) -> String {
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
            || matches!(c, '\u{e0000}'..='\u{e007f}')
    };
    let told = |c: char| match c {
        '\t' => ' ',
        c if hostile(c) => '\u{fffd}',
        c => c,
    };
    if text.is_ascii() {
        return text.chars().map(told).collect();
    }
    let text: String = text.chars().map(told).collect();
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        if word.is_ascii() {
            out.push_str(word);
        } else {
            out.push_str(&unmask(word));
        }
    }
    out
}

/// Letters of other alphabets that stand for a Latin one in most fonts.
const LOOKALIKES: &str = "аеорсухіјѕԁһԛԝӏАВЕКМНОРСТУХІЈЅԌԚԜαονιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";

/// A word of Latin letters and such that only look it, these by their number; any other word as it is.
fn unmask(word: &str) -> String {
    let lookalike = |c: char| LOOKALIKES.contains(c) || matches!(c, '\u{ff01}'..='\u{ff5e}');
    let seems_latin = |c: char| c.is_ascii() || c == '\u{fffd}' || lookalike(c);
    if !word.chars().any(lookalike)
        || !word.chars().any(|c| c.is_ascii_alphanumeric())
        || !word.chars().all(seems_latin)
    {
        return word.to_owned();
    }
    let told = |c: char| if lookalike(c) { format!("<U+{:04X}>", u32::from(c)) } else { c.to_string() };
    word.chars().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\td\ne"), "a\u{fffd}[2Jb\u{fffd}c d\ne");
        assert_eq!(shown("m\u{ad}i\u{61c}t\u{e0041}"), "m\u{fffd}i\u{fffd}t\u{fffd}");
    }

    #[test]
    fn letters_that_only_look_latin_are_told_by_number() {
        assert_eq!(shown("a met\u{430}-llama/x b"), "a met<U+0430>-llama/x b");
        assert_eq!(shown("\u{441}\u{441}-by-4.0"), "<U+0441><U+0441>-by-4.0");
        for word in ["модель GPT-модель а", "日本語モデル v1", "löwe", "μ-law λ=1", "許可、（a）"]
        {
            assert_eq!(shown(word), word);
        }
    }
}
