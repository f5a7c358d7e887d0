//! The one form of a JSON value (RFC 8785): what is signed must have no second spelling.
//!
//! Numbers are whole and within ±(2^53 - 1): what needs more is written as text. So the one part of RFC 8785 that implementations
//! disagree on, the shortest spelling of a floating-point number, does not occur.

use serde_json::Value;

use crate::Fault;

/// Largest whole number that every reader of JSON keeps.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// A value in its one form.
///
/// # Errors
/// [`Fault::Number`] for a number that is not whole or not within 2^53.
pub fn canonical(value: &Value) -> Result<String, Fault> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// True where a text is JSON in its one form, so that nothing in it is said twice.
pub fn is_canonical(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|v| canonical(&v).is_ok_and(|c| c == text))
}

fn write(value: &Value, out: &mut String) -> Result<(), Fault> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => {
            let whole = n.as_i64().filter(|i| i.unsigned_abs() <= INTEGER_MAX).ok_or(Fault::Number)?;
            out.push_str(&whole.to_string());
        }
        Value::String(text) => string(text, out),
        Value::Array(all) => {
            out.push('[');
            for (i, one) in all.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(one, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            // by UTF-16 code units, as the standard orders them
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (key, one)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                write(one, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Result<String, Fault> {
        canonical(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_standards_own_examples() {
        // RFC 8785, 3.2.2 and 3.2.3, without its floating-point numbers
        assert_eq!(
            form("{\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\", \"literals\": [null, true, false]}").unwrap(),
            "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        let sorted = form(
            "{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\", \"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\", \"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\", \"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}",
        )
        .unwrap();
        let order: Vec<usize> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .iter()
            .map(|w| sorted.find(w).unwrap())
            .collect();
        assert!(order.is_sorted(), "{sorted}");
    }

    #[test]
    fn numbers_are_whole_and_kept_by_every_reader() {
        assert_eq!(
            form("[0, -1, 9007199254740991, -9007199254740991]").unwrap(),
            "[0,-1,9007199254740991,-9007199254740991]"
        );
        for wrong in ["1.5", "9007199254740992", "-9007199254740992", "18446744073709551615", "1e3"] {
            assert_eq!(form(wrong), Err(Fault::Number), "{wrong}");
        }
    }

    #[test]
    fn a_second_spelling_is_told() {
        assert!(is_canonical("{\"a\":1,\"b\":[\"é\"]}"));
        for other in
            ["{\"b\":1,\"a\":1}", "{\"a\":1,\"a\":1}", "{\"a\": 1}", "[\"\\u00e9\"]", "[1.0]", "[-0]", "", "[", " []"]
        {
            assert!(!is_canonical(other), "{other}");
        }
    }
}
