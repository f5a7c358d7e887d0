//! Values of facts.

use std::collections::BTreeMap;
use std::fmt;

/// A calendar month, ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Month {
    /// Year, 1970 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
}

impl Month {
    /// Reads `2024-06`; a day after it (`2024-06-30`) is ignored.
    pub fn parse(text: &str) -> Option<Month> {
        let mut parts = text.split('-');
        let year: u16 = parts.next().filter(|y| y.len() == 4)?.parse().ok()?;
        let month: u8 = parts.next().filter(|m| m.len() == 2)?.parse().ok()?;
        if parts.next().is_some_and(|d| d.len() != 2 || d.parse::<u8>().is_err()) || parts.next().is_some() {
            return None;
        }
        ((1970..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Month { year, month })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// An amount, or a product of amounts, where a text is one: `7.5e22`, `6*8e9*15e12`.
pub fn amount(text: &str) -> Option<f64> {
    if text.len() > 200 {
        return None;
    }
    let mut out = 1.0_f64;
    for factor in text.split('*') {
        let factor = factor.trim().replace('_', "");
        let plain = factor.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
        out *= factor.parse::<f64>().ok().filter(|_| plain)?;
    }
    (out.is_finite() && out > 0.0).then_some(out)
}

/// A known value of a fact. A fact that is not stated has no value at all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A count or an amount in whole units (users, US dollars).
    Number(i64),
    /// One word of a closed list, a country code, or free text.
    Text(String),
    /// A list, complete when given.
    List(Vec<String>),
    /// A count by month.
    History(BTreeMap<Month, i64>),
}

impl Value {
    /// The name of the type, as messages say it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::History(_) => "numbers by month",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(b) => write!(f, "{}", if *b { "yes" } else { "no" }),
            Value::Number(n) => f.write_str(&grouped(*n)),
            Value::Text(t) => f.write_str(t),
            Value::List(l) if l.is_empty() => f.write_str("none"),
            Value::List(l) => f.write_str(&l.join(", ")),
            Value::History(h) => {
                let parts: Vec<String> = h.iter().map(|(m, n)| format!("{m}: {}", grouped(*n))).collect();
                f.write_str(&parts.join(", "))
            }
        }
    }
}

/// `700000000` → `700,000,000`.
fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_and_products_of_them() {
        for (text, value) in [("7.5e22", Some(7.5e22)), ("6*2*3", Some(36.0)), ("1_000", Some(1000.0))] {
            assert_eq!(amount(text), value, "{text}");
        }
        for text in ["", "x", "1*", "-1", "0", "inf", "nan", "1e999", "1;2"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn months_parse_and_print() {
        assert_eq!(Month::parse("2024-06").unwrap().to_string(), "2024-06");
        assert_eq!(Month::parse("2024-06-30").unwrap().to_string(), "2024-06");
        for bad in ["", "2024", "24-06", "2024-13", "2024-6", "2024-06-3", "2024-06-30-1", "x-y"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(Value::Number(700_000_000).to_string(), "700,000,000");
        assert_eq!(Value::Number(-1_000).to_string(), "-1,000");
        assert_eq!(Value::Number(999).to_string(), "999");
    }
}
