//! Front matter with other values: the rest of the card stays as it is, to the byte.

use crate::yaml::{Id, Yaml};

/// Longest card that is edited, in bytes.
const CARD_BYTES_MAX: usize = crate::card::CARD_BYTES_MAX;

/// A field of a card's front matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardField {
    /// Its key (`license`).
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
    /// True for a list even of one value, where the field is new (`datasets`).
    pub list: bool,
    /// True where another value is replaced; else what stands there stays.
    pub replace: bool,
    /// Keys behind which it is put, the first that is there; the end of the front matter else.
    pub after: &'static [&'static str],
}

/// The card with these fields; the same text where nothing changes. A card without front matter gets one.
///
/// # Errors
/// A sentence, where the front matter cannot be edited without guessing: broken YAML, a key twice, one line in braces.
pub fn edit_card(text: &str, fields: &[CardField]) -> Result<String, String> {
    if text.len() > CARD_BYTES_MAX {
        return Err(format!("a card of {} bytes; the limit is {CARD_BYTES_MAX}", text.len()));
    }
    let mut out = text.to_owned();
    for field in fields {
        let edited = edit_one(&out, field)?;
        // a card whose lines a program of YAML sees elsewhere would come out broken: then nothing is written
        if edit_one(&edited, field).as_deref() != Ok(edited.as_str()) {
            return Err(format!("the front matter is written so oddly that `{}` cannot be set safely", field.key));
        }
        out = edited;
    }
    Ok(out)
}

/// The values of a field as they stand; none where it is absent or there is no front matter.
#[must_use]
pub fn card_values(text: &str, key: &str) -> Vec<String> {
    let Ok(Some(front)) = Front::find(text) else { return Vec::new() };
    let yaml = Yaml::read(front.text(text));
    let value = yaml.documents.first().and_then(|root| yaml.get(*root, key));
    value.map(|id| values(&yaml, id)).unwrap_or_default()
}

/// True where a card has front matter.
#[must_use]
pub fn has_front_matter(text: &str) -> bool {
    matches!(Front::find(text), Ok(Some(_)))
}

/// Where the front matter's own lines stand.
struct Front {
    start: usize,
    end: usize,
}

impl Front {
    fn find(text: &str) -> Result<Option<Front>, String> {
        let start = text.len() - text.trim_start_matches('\u{feff}').len();
        let mut lines = text.get(start..).unwrap_or_default().split_inclusive('\n');
        let first = lines.next().unwrap_or_default();
        if first.trim_end() != "---" {
            return Ok(None);
        }
        let inner = start.saturating_add(first.len());
        let mut at = inner;
        for line in lines {
            if line.trim_end() == "---" {
                return Ok(Some(Front { start: inner, end: at }));
            }
            at = at.saturating_add(line.len());
        }
        Err("the front matter is never closed by a line `---`".into())
    }

    fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The line end that the card uses.
fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if at > 0 && text.as_bytes().get(at.saturating_sub(1)) == Some(&b'\r') => "\r\n",
        _ => "\n",
    }
}

fn edit_one(text: &str, field: &CardField) -> Result<String, String> {
    let end = line_end(text);
    let Some(front) = Front::find(text)? else {
        let bom = text.len() - text.trim_start_matches('\u{feff}').len();
        let body = text.get(bom..).unwrap_or_default();
        let gap = if body.is_empty() || body.starts_with(['\n', '\r']) { "" } else { end };
        let mark = text.get(..bom).unwrap_or_default();
        return Ok(format!("{mark}---{end}{}---{end}{gap}{body}", written(field, end)));
    };
    let inner = front.text(text);
    let yaml = Yaml::read(inner);
    if let Some((message, _)) = &yaml.error {
        return Err(format!("its front matter is broken YAML: {message}"));
    }
    let root = match yaml.documents.as_slice() {
        [] => None,
        [one] => Some(*one),
        _ => return Err("its front matter holds several documents".into()),
    };
    let pairs: &[(Id, Id)] = root.map(|r| yaml.pairs(r)).unwrap_or_default();
    if inner.trim_start().starts_with('{')
        || (root.is_some_and(|r| yaml.scalar(r).is_some() || !yaml.items(r).is_empty()))
    {
        return Err("its front matter is not written a key a line".into());
    }
    let keys: Vec<&str> = root.map(|r| yaml.members(r).map(|(k, _)| k).collect()).unwrap_or_default();
    if keys.iter().filter(|k| **k == field.key).count() > 1 {
        return Err(format!("the key `{}` stands twice", field.key));
    }
    let at = |key: &str| keys.iter().position(|k| *k == key).filter(|_| keys.len() == pairs.len());
    let range = |n: usize| lines_of(&yaml, pairs, n, inner);
    let (from, to, new) = match at(&field.key) {
        Some(n) => {
            let Some((_, id)) = pairs.get(n) else { return Ok(text.to_owned()) };
            let old = values(&yaml, *id);
            if old == field.values || (!field.replace && !old.is_empty()) {
                return Ok(text.to_owned());
            }
            match (yaml.scalar(*id), field.values.as_slice()) {
                // the value alone, in the quotes that it had
                (Some((_, (s, e))), [one]) if !inner.get(s..e).unwrap_or_default().contains('\n') => {
                    (s, e, quoted(one, inner.get(s..e).unwrap_or_default()))
                }
                _ => {
                    let (s, e) = range(n);
                    (s, e, written(field, end))
                }
            }
        }
        None if keys.len() != pairs.len() => return Err("its front matter has keys that are no words".into()),
        None => {
            let behind = field.after.iter().find_map(|k| at(k)).map_or(inner.len(), |n| range(n).1);
            let gap = if behind > 0 && !inner.get(..behind).unwrap_or_default().ends_with('\n') { end } else { "" };
            (behind, behind, format!("{gap}{}", written(field, end)))
        }
    };
    let (Some(before), Some(behind)) = (inner.get(..from), inner.get(to..)) else {
        return Err("its front matter could not be divided into lines".into());
    };
    let edited = format!("{before}{new}{behind}");
    let (head, tail) = (text.get(..front.start).unwrap_or_default(), text.get(front.end..).unwrap_or_default());
    let out = format!("{head}{edited}{tail}");
    // whatever the YAML was, what was meant stands there now and nothing else has changed
    let again = Yaml::read(&edited);
    let same = |key: &&str| {
        let value = |y: &Yaml| y.documents.first().and_then(|r| y.get(*r, key)).map(|id| values(y, id));
        **key == *field.key || value(&yaml) == value(&again)
    };
    if again.error.is_some() || card_values(&out, &field.key) != field.values || !keys.iter().all(&same) {
        return Err(format!("`{}` cannot be written into its front matter without changing more", field.key));
    }
    Ok(out)
}

/// The lines of a pair: from its key to before the next key, without the blank lines and comments between.
fn lines_of(yaml: &Yaml, pairs: &[(Id, Id)], n: usize, inner: &str) -> (usize, usize) {
    let start_of = |n: usize| {
        let key = pairs.get(n).and_then(|(k, _)| yaml.node(*k)).map_or(inner.len(), |k| k.bytes.0);
        inner.get(..key).unwrap_or_default().rfind('\n').map_or(0, |at| at.saturating_add(1))
    };
    let from = start_of(n);
    let next = if n.saturating_add(1) < pairs.len() { start_of(n.saturating_add(1)) } else { inner.len() };
    let mut to = next;
    while let Some(block) = inner.get(from..to) {
        let last = block.strip_suffix('\n').unwrap_or(block).rfind('\n').map_or(0, |at| at.saturating_add(1));
        let line = block.get(last..).unwrap_or_default().trim();
        if last == 0 || !(line.is_empty() || line.starts_with('#')) {
            break;
        }
        to = from.saturating_add(last);
    }
    (from, to)
}

fn values(yaml: &Yaml, id: Id) -> Vec<String> {
    match yaml.scalar(id) {
        Some((text, _)) => vec![text.to_owned()],
        None => {
            let one = |item: &Id| yaml.scalar(*item).map_or_else(|| "?".to_owned(), |(t, _)| t.to_owned());
            let list: Vec<String> = yaml.items(id).iter().map(one).collect();
            if list.is_empty() && !yaml.pairs(id).is_empty() { vec!["?".into()] } else { list }
        }
    }
}

/// The field's lines.
fn written(field: &CardField, end: &str) -> String {
    match field.values.as_slice() {
        [one] if !field.list => format!("{}: {}{end}", field.key, plain_or_quoted(one)),
        many => {
            let items: String = many.iter().map(|v| format!("- {}{end}", plain_or_quoted(v))).collect();
            format!("{}:{end}{items}", field.key)
        }
    }
}

/// A value in the quotes that another had.
fn quoted(value: &str, like: &str) -> String {
    match like.chars().next() {
        Some('\'') if !value.contains(['\'', '\n', '\r']) && value.chars().all(|c| !c.is_control()) => {
            format!("'{value}'")
        }
        Some('"' | '\'') => double_quoted(value),
        _ => plain_or_quoted(value),
    }
}

fn plain_or_quoted(value: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ' ' | '+' | '(' | ')' | ',');
    let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan"];
    let plain = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && !value.ends_with(' ')
        && value.replace("://", "").chars().all(word)
        && !reserved.iter().any(|r| value.eq_ignore_ascii_case(r));
    if plain { value.to_owned() } else { double_quoted(value) }
}

fn double_quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, values: &[&str], replace: bool) -> CardField {
        CardField {
            key: key.into(),
            values: values.iter().map(|v| (*v).to_string()).collect(),
            list: false,
            replace,
            after: &["license_name", "license"],
        }
    }

    #[test]
    fn a_new_field_stands_behind_its_kin_and_the_rest_stays() {
        let card = "---\r\n# ours\r\nlicense: other # see below\r\ntags:\r\n- a\r\n---\r\n# Title\r\n";
        let out =
            edit_card(card, &[field("license_name", &["acme"], false), field("base_model", &["a/b"], false)]).unwrap();
        assert_eq!(
            out,
            "---\r\n# ours\r\nlicense: other # see below\r\nlicense_name: acme\r\nbase_model: a/b\r\ntags:\r\n- a\r\n---\r\n# Title\r\n"
        );
        assert_eq!(edit_card(&out, &[field("license_name", &["acme"], false)]).unwrap(), out);
    }

    #[test]
    fn a_value_is_replaced_where_it_stands_in_its_quotes() {
        for (old, new) in [
            ("license: mit  # c\nx: 1\n", "license: apache-2.0  # c\nx: 1\n"),
            ("license: 'mit'\nx: 1\n", "license: 'apache-2.0'\nx: 1\n"),
            ("x: 1\nlicense: \"mit\"\n", "x: 1\nlicense: \"apache-2.0\"\n"),
            ("license:\n- mit\n- bsd\n\n# x\nx: 1\n", "license: apache-2.0\n\n# x\nx: 1\n"),
            ("license: [mit, bsd]\nx: 1\n", "license: apache-2.0\nx: 1\n"),
            ("license:\nx: 1\n", "license: apache-2.0\nx: 1\n"),
        ] {
            let card = format!("\u{feff}---\n{old}---\nbody\n");
            let out = edit_card(&card, &[field("license", &["apache-2.0"], true)]).unwrap();
            assert_eq!(out, format!("\u{feff}---\n{new}---\nbody\n"));
        }
        let kept = "---\nlicense: mit\n---\n";
        assert_eq!(edit_card(kept, &[field("license", &["apache-2.0"], false)]).unwrap(), kept);
    }

    #[test]
    fn a_card_without_front_matter_gets_one() {
        let out =
            edit_card("# Title\n", &[field("license", &["mit"], false), field("base_model", &["a/b", "c/d"], false)]);
        assert_eq!(out.unwrap(), "---\nlicense: mit\nbase_model:\n- a/b\n- c/d\n---\n\n# Title\n");
        assert_eq!(edit_card("", &[field("license", &["mit"], false)]).unwrap(), "---\nlicense: mit\n---\n");
    }

    #[test]
    fn what_would_have_to_be_guessed_is_refused() {
        for card in [
            "---\nlicense: mit\nlicense: bsd\n---\n",
            "---\n{license: mit}\n---\n",
            "---\nlicense: mit\n",
            "---\nlicense: [mit\n---\n",
            "---\n- a\n---\n",
            "---\nlicense: &l mit\nother: *l\n---\n",
        ] {
            assert!(edit_card(card, &[field("license", &["apache-2.0"], true)]).is_err(), "{card}");
        }
    }

    #[test]
    fn no_value_breaks_out_of_its_line() {
        for hostile in
            ["a\nb: c", "a: b", "#x", "\"", "'", "- x", "no", "1.0", "\u{2028}x", "a\\", "x #y", "---", "{}", "löwe"]
        {
            let out = edit_card("---\nname: x\n---\n", &[field("license", &[hostile], true)]).unwrap();
            assert_eq!(card_values(&out, "license"), [hostile]);
            assert_eq!(card_values(&out, "name"), ["x"]);
        }
    }
}
