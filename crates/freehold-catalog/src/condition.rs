//! The condition language: one line that counsel can read, three-valued, no arithmetic, no functions.
//!
//! ```text
//! or      := and ("or" and)*
//! and     := not ("and" not)*
//! not     := "not" not | compare
//! compare := operand [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "overlaps" | "starts-with") operand]
//! operand := "(" or ")" | string | number | list | "true" | "false" | name ["at" string]
//! ```
//! A name is a fact, a sum, a `[define]` word, or `territory.<id>`. A definition is put in place where it is named.

use freehold_base::{Month, Truth, Value, nearest};
use serde::{Deserialize, Serialize};

use crate::activities::{ActivityMask, ActivityTable};
use crate::document::{Sink, Span, Spanned};
use crate::facts::{FactId, FactTable, FactType};
use crate::territories::Territories;

/// A condition, resolved: every name is a fact of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// `true`, `false`.
    Const(bool),
    /// A yes-or-no fact, or a text fact that is stated.
    Holds(FactId),
    /// Negation.
    Not(Box<Expr>),
    /// All of them.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    /// A number against a number.
    Number {
        /// Left side.
        left: Quantity,
        /// How they compare.
        op: Comparison,
        /// Right side.
        right: Quantity,
    },
    /// A word, country or text that equals another.
    Same {
        /// The fact.
        fact: FactId,
        /// What it must equal.
        to: Value,
    },
    /// A word, country or text that is one of a list.
    In {
        /// The fact.
        fact: FactId,
        /// The list, sorted.
        list: Vec<String>,
    },
    /// A list that shares an element with another.
    Overlaps {
        /// The fact.
        fact: FactId,
        /// The list, sorted.
        list: Vec<String>,
    },
    /// The activities of the use, along the tree.
    Activities {
        /// The fact.
        fact: FactId,
        /// Named ones with all below them.
        named: ActivityMask,
        /// Those above or near a named one.
        near: ActivityMask,
    },
    /// A text that begins with another.
    StartsWith {
        /// The fact.
        fact: FactId,
        /// The beginning.
        prefix: String,
    },
}

/// A number, a figure, or a sum of figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Quantity {
    /// A literal.
    Literal(i64),
    /// A fact, in a month where one is named.
    Fact(FactId, Option<Month>),
    /// A sum (index into the table's sums), in a month where one is named.
    Sum(u16, Option<Month>),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// What a condition is read against.
pub struct Scope<'a> {
    /// Facts and sums.
    pub facts: &'a FactTable,
    /// Activities.
    pub activities: &'a ActivityTable,
    /// Territories.
    pub territories: &'a Territories,
    /// Words defined so far, with their meaning.
    pub defines: &'a [(String, Expr)],
}

// ------------------------------------------------------------------------------------------------ evaluation

/// Where an evaluation takes its facts from.
pub trait Facts {
    /// The value of a fact, stated or presumed.
    fn value(&self, id: FactId) -> Option<&Value>;
    /// The activities of the use as a mask, where stated.
    fn activities(&self) -> Option<ActivityMask>;
    /// The table, for sums and histories.
    fn table(&self) -> &FactTable;
}

/// Whether an activity that is only near a named one counts as one: the two ways to read such a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Near {
    /// Only what is named counts.
    Out,
    /// What is near counts as well.
    In,
}

impl Expr {
    /// Kleene's value under the facts.
    pub fn eval(&self, facts: &dyn Facts, near: Near) -> Truth {
        match self {
            Expr::Const(b) => Truth::from(*b),
            Expr::Holds(id) => match facts.value(*id) {
                None => Truth::Unknown,
                Some(Value::Bool(b)) => Truth::from(*b),
                Some(Value::Text(t)) => Truth::from(!t.is_empty()),
                Some(Value::List(l)) => Truth::from(!l.is_empty()),
                Some(Value::Number(n)) => Truth::from(*n != 0),
                Some(Value::History(_)) => Truth::Unknown,
            },
            Expr::Not(e) => !e.eval(facts, near),
            Expr::And(all) => {
                all.iter().fold(Truth::True, |t, e| if t == Truth::False { t } else { t.and(e.eval(facts, near)) })
            }
            Expr::Or(any) => {
                any.iter().fold(Truth::False, |t, e| if t == Truth::True { t } else { t.or(e.eval(facts, near)) })
            }
            Expr::Number { left, op, right } => compare(left.interval(facts), *op, right.interval(facts)),
            Expr::Same { fact, to } => facts.value(*fact).map_or(Truth::Unknown, |v| Truth::from(v == to)),
            Expr::In { fact, list } => match facts.value(*fact) {
                None => Truth::Unknown,
                Some(Value::Text(t)) => Truth::from(list.binary_search(t).is_ok()),
                Some(_) => Truth::False,
            },
            Expr::Overlaps { fact, list } => match facts.value(*fact) {
                None => Truth::Unknown,
                Some(Value::List(l)) => Truth::from(l.iter().any(|t| list.binary_search(t).is_ok())),
                Some(_) => Truth::False,
            },
            Expr::Activities { named, near: close, .. } => match facts.activities() {
                None => Truth::Unknown,
                Some(mask) => Truth::from(mask.overlaps(*named) || (near == Near::In && mask.overlaps(*close))),
            },
            Expr::StartsWith { fact, prefix } => match facts.value(*fact) {
                None => Truth::Unknown,
                Some(Value::Text(t)) => Truth::from(t.starts_with(prefix.as_str())),
                Some(_) => Truth::False,
            },
        }
    }

    /// The facts that the value rests on: for unknown, those whose answer may settle it; for true and false,
    /// those that made it so.
    pub fn support(&self, facts: &dyn Facts, near: Near, out: &mut Vec<FactId>) {
        let value = self.eval(facts, near);
        match self {
            Expr::Const(_) => {}
            Expr::Not(e) => e.support(facts, near, out),
            // a false conjunction (a true disjunction) rests on the first part that decides it alone
            Expr::And(parts) | Expr::Or(parts) => {
                let decisive = if matches!(self, Expr::And(_)) { Truth::False } else { Truth::True };
                if value == decisive {
                    if let Some(first) = parts.iter().find(|p| p.eval(facts, near) == decisive) {
                        first.support(facts, near, out);
                    }
                } else {
                    for part in parts.iter().filter(|p| value != Truth::Unknown || p.eval(facts, near) == value) {
                        part.support(facts, near, out);
                    }
                }
            }
            Expr::Number { left, right, .. } => {
                left.support(facts, value, out);
                right.support(facts, value, out);
            }
            Expr::Holds(fact)
            | Expr::Same { fact, .. }
            | Expr::In { fact, .. }
            | Expr::Overlaps { fact, .. }
            | Expr::Activities { fact, .. }
            | Expr::StartsWith { fact, .. } => out.push(*fact),
        }
    }

    /// Every quantity that is compared with a number, and that number.
    pub fn comparisons<'e>(&'e self, out: &mut Vec<(&'e Quantity, i64)>) {
        match self {
            Expr::Not(e) => e.comparisons(out),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| p.comparisons(out)),
            Expr::Number { left, right: Quantity::Literal(limit), .. } => out.push((left, *limit)),
            _ => {}
        }
    }

    /// The numbers that a fact is compared with, alone or in a sum.
    pub fn limits_on(&self, table: &FactTable, fact: FactId, out: &mut std::collections::BTreeSet<i64>) {
        let mut all = Vec::new();
        self.comparisons(&mut all);
        let reads =
            |id: FactId, at: &Option<Month>| id == fact || (at.is_some() && table.get(id).at_release == Some(fact));
        for (quantity, limit) in all {
            let hit = match quantity {
                Quantity::Literal(_) => false,
                Quantity::Fact(id, at) => reads(*id, at),
                Quantity::Sum(s, at) => table.sums[usize::from(*s)].parts.iter().any(|(id, _)| reads(*id, at)),
            };
            if hit {
                out.insert(limit);
            }
        }
    }

    /// Every fact that the condition names.
    pub fn mentions(&self, table: &FactTable, out: &mut Vec<FactId>) {
        match self {
            Expr::Const(_) => {}
            Expr::Not(e) => e.mentions(table, out),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| p.mentions(table, out)),
            Expr::Number { left, right, .. } => {
                for q in [left, right] {
                    match q {
                        Quantity::Literal(_) => {}
                        Quantity::Fact(id, _) => out.push(*id),
                        Quantity::Sum(s, _) => {
                            out.extend(table.sums[usize::from(*s)].parts.iter().map(|(id, _)| *id));
                        }
                    }
                }
            }
            Expr::Holds(fact)
            | Expr::Same { fact, .. }
            | Expr::In { fact, .. }
            | Expr::Overlaps { fact, .. }
            | Expr::Activities { fact, .. }
            | Expr::StartsWith { fact, .. } => out.push(*fact),
        }
    }
}

/// What is known of a quantity: at least `low`, at most `high` (`None` = no bound). Counts and amounts are never negative.
type Interval = (i64, Option<i64>);

fn figure(facts: &dyn Facts, id: FactId, at: Option<Month>) -> Option<i64> {
    let of = |v: Option<&Value>| match v {
        Some(Value::Number(n)) => Some(*n),
        Some(Value::History(h)) => match at {
            Some(month) => h.get(&month).copied(),
            None => h.last_key_value().map(|(_, n)| *n),
        },
        _ => None,
    };
    let own = facts.value(id);
    match (at, own) {
        // a figure without a month says nothing about another month
        (Some(_), Some(Value::Number(_)) | None) => of(release_figure(facts, id)),
        (Some(_), own) => of(own).or_else(|| of(release_figure(facts, id))),
        (None, own) => of(own),
    }
}

fn release_figure(facts: &dyn Facts, id: FactId) -> Option<&Value> {
    facts.table().get(id).at_release.and_then(|r| facts.value(r))
}

impl Quantity {
    /// The value, where all its parts are known.
    pub fn known(&self, facts: &dyn Facts) -> Option<i64> {
        let (low, high) = self.interval(facts);
        high.filter(|h| *h == low)
    }

    fn interval(&self, facts: &dyn Facts) -> Interval {
        match self {
            Quantity::Literal(n) => (*n, Some(*n)),
            Quantity::Fact(id, at) => match figure(facts, *id, *at) {
                Some(n) => (n, Some(n)),
                None => (0, None),
            },
            Quantity::Sum(index, at) => {
                let sum = &facts.table().sums[usize::from(*index)];
                sum.parts.iter().fold((0, Some(0)), |(low, high), (id, by)| {
                    let part = figure(facts, *id, *at).map(|n| n.max(0).saturating_add(*by - 1) / *by);
                    let high = high.zip(part).map(|(h, p): (i64, i64)| h.saturating_add(p));
                    (i64::saturating_add(low, part.unwrap_or(0)), high)
                })
            }
        }
    }

    fn support(&self, facts: &dyn Facts, value: Truth, out: &mut Vec<FactId>) {
        let mut push = |id: FactId, at: &Option<Month>| {
            let known = figure(facts, id, *at).is_some();
            // the fact that was read, or the one that is to be asked
            let read = match (at, facts.table().get(id).at_release) {
                (Some(_), Some(r)) if !matches!(facts.value(id), Some(Value::History(h)) if at.is_some_and(|m| h.contains_key(&m))) => {
                    r
                }
                _ => id,
            };
            if known != (value == Truth::Unknown) {
                out.push(read);
            }
        };
        match self {
            Quantity::Literal(_) => {}
            Quantity::Fact(id, at) => push(*id, at),
            Quantity::Sum(index, at) => {
                facts.table().sums[usize::from(*index)].parts.iter().for_each(|(id, _)| push(*id, at));
            }
        }
    }
}

fn compare(left: Interval, op: Comparison, right: Interval) -> Truth {
    let above = |a: Interval, b: Interval| {
        // a > b: sure where a's least beats b's most, out where a's most does not beat b's least
        if b.1.is_some_and(|b_high| a.0 > b_high) {
            Truth::True
        } else if a.1.is_some_and(|a_high| a_high <= b.0) {
            Truth::False
        } else {
            Truth::Unknown
        }
    };
    match op {
        Comparison::Greater => above(left, right),
        Comparison::Less => above(right, left),
        Comparison::AtMost => !above(left, right),
        Comparison::AtLeast => !above(right, left),
        Comparison::Equal => (!above(left, right)).and(!above(right, left)),
        Comparison::Unequal => above(left, right).or(above(right, left)),
    }
}

// ------------------------------------------------------------------------------------------------ parsing

/// Longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 4096;
/// Deepest nesting of parentheses and `not`.
pub const CONDITION_DEPTH_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(i64),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ","];

/// Reads a condition. Mistakes go to the sink, each at its place; the result is then `None`.
pub fn parse(source: &Spanned, scope: &Scope<'_>, sink: &Sink<'_>) -> Option<Expr> {
    if source.text.len() > CONDITION_BYTES_MAX {
        let message = format!("a condition of {} bytes; the limit is {CONDITION_BYTES_MAX}", source.text.len());
        sink.error("condition", source.span, message);
        return None;
    }
    // the place inside the file: exact where the string stands there unescaped, else the whole string
    let raw = sink.text.get(source.span.0..source.span.1).unwrap_or("");
    let start = raw.find(source.text.as_str()).filter(|_| !source.text.is_empty()).map(|at| source.span.0 + at);
    let place = move |from: usize, to: usize| match start {
        Some(s) => (s + from, s + to),
        None => source.span,
    };
    let tokens = match tokens(&source.text) {
        Ok(tokens) => tokens,
        Err((at, message)) => {
            sink.error("condition", place(at, at + 1), message);
            return None;
        }
    };
    let mut parser = Parser { tokens: &tokens, at: 0, scope, end: source.text.len(), depth: 0 };
    let outcome = parser.or().and_then(|e| match parser.tokens.get(parser.at) {
        None => e.boolean(parser.scope),
        Some((_, span)) => Err(Mistake::at(*span, "expected `and`, `or` or the end of the condition")),
    });
    match outcome {
        Ok(e) => Some(e),
        Err(m) => {
            let span = place(m.span.0, m.span.1);
            match m.help {
                Some(help) => sink.error_help(m.code, span, m.message, help),
                None => sink.error(m.code, span, m.message),
            }
            None
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, Span)>, (usize, String)> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let rest = &text[i..];
        if b.is_ascii_whitespace() {
            i += 1;
        } else if let Some(s) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
            out.push((Token::Symbol(s), (i, i + s.len())));
            i += s.len();
        } else if b == b'"' {
            let Some(len) = rest[1..].find('"') else { return Err((i, "a string that is not closed".into())) };
            out.push((Token::Text(rest[1..=len].to_string()), (i, i + len + 2)));
            i += len + 2;
        } else if b.is_ascii_digit() {
            let len = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'_').count();
            let n = rest[..len].replace('_', "").parse().map_err(|_| (i, "a number that is too large".to_string()))?;
            out.push((Token::Number(n), (i, i + len)));
            i += len;
        } else if b.is_ascii_alphabetic() {
            let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)).count();
            out.push((Token::Word(rest[..len].to_string()), (i, i + len)));
            i += len;
        } else {
            let c = rest.chars().next().unwrap_or('?');
            return Err((i, format!("unexpected `{c}`")));
        }
    }
    Ok(out)
}

struct Mistake {
    code: &'static str,
    span: Span,
    message: String,
    help: Option<String>,
}

impl Mistake {
    fn at(span: Span, message: impl Into<String>) -> Mistake {
        Mistake { code: "condition", span, message: message.into(), help: None }
    }
}

/// A parsed piece whose type is not yet demanded.
struct Piece {
    value: PieceValue,
    span: Span,
}

enum PieceValue {
    Expr(Expr),
    Fact(FactId, Option<Month>),
    Sum(u16, Option<Month>),
    Text(String),
    Number(i64),
    List(Vec<(String, Span)>),
}

impl Piece {
    fn boolean(self, scope: &Scope<'_>) -> Result<Expr, Mistake> {
        match self.value {
            PieceValue::Expr(e) => Ok(e),
            PieceValue::Fact(id, None) if matches!(scope.facts.get(id).kind, FactType::Bool | FactType::Text) => {
                Ok(Expr::Holds(id))
            }
            PieceValue::Fact(id, _) => {
                let name = &scope.facts.get(id).name;
                Err(Mistake::at(self.span, format!("`{name}` is not a yes-or-no fact; compare it with something")))
            }
            _ => Err(Mistake::at(self.span, "expected a condition")),
        }
    }

    fn quantity(self) -> Result<Quantity, Mistake> {
        match self.value {
            PieceValue::Number(n) => Ok(Quantity::Literal(n)),
            PieceValue::Fact(id, at) => Ok(Quantity::Fact(id, at)),
            PieceValue::Sum(s, at) => Ok(Quantity::Sum(s, at)),
            _ => Err(Mistake::at(self.span, "expected a number")),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, Span)],
    at: usize,
    scope: &'a Scope<'a>,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn word(&mut self, word: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some((Token::Word(w), _)) if w == word);
        self.at += usize::from(hit);
        hit
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some((Token::Symbol(s), _)) if *s == symbol);
        self.at += usize::from(hit);
        hit
    }

    fn here(&self) -> Span {
        self.tokens.get(self.at).map_or((self.end, self.end), |(_, s)| *s)
    }

    fn deeper(&mut self) -> Result<(), Mistake> {
        self.depth += 1;
        if self.depth > CONDITION_DEPTH_MAX {
            return Err(Mistake::at(self.here(), format!("nested deeper than {CONDITION_DEPTH_MAX}")));
        }
        Ok(())
    }

    fn or(&mut self) -> Result<Piece, Mistake> {
        self.chain("or", Parser::and, Expr::Or)
    }

    fn and(&mut self) -> Result<Piece, Mistake> {
        self.chain("and", Parser::not, Expr::And)
    }

    fn chain(
        &mut self,
        word: &str,
        next: fn(&mut Self) -> Result<Piece, Mistake>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Piece, Mistake> {
        let first = next(self)?;
        if !matches!(self.tokens.get(self.at), Some((Token::Word(w), _)) if w == word) {
            return Ok(first);
        }
        let start = first.span.0;
        let mut parts = vec![first.boolean(self.scope)?];
        let mut end = start;
        while self.word(word) {
            let part = next(self)?;
            end = part.span.1;
            parts.push(part.boolean(self.scope)?);
        }
        Ok(Piece { value: PieceValue::Expr(join(parts)), span: (start, end) })
    }

    fn not(&mut self) -> Result<Piece, Mistake> {
        let start = self.here().0;
        if !self.word("not") {
            return self.compare();
        }
        self.deeper()?;
        let inner = self.not()?;
        self.depth -= 1;
        let span = (start, inner.span.1);
        let inner = inner.boolean(self.scope)?;
        Ok(Piece { value: PieceValue::Expr(Expr::Not(Box::new(inner))), span })
    }

    fn compare(&mut self) -> Result<Piece, Mistake> {
        let left = self.operand()?;
        let op = match self.tokens.get(self.at) {
            Some((Token::Symbol(s @ ("==" | "!=" | "<" | "<=" | ">" | ">=")), _)) => *s,
            Some((Token::Word(w), _)) if w == "in" => "in",
            Some((Token::Word(w), _)) if w == "overlaps" => "overlaps",
            Some((Token::Word(w), _)) if w == "starts-with" => "starts-with",
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.operand()?;
        let span = (left.span.0, right.span.1);
        let value = PieceValue::Expr(self.comparison(left, op, right, span)?);
        Ok(Piece { value, span })
    }

    fn comparison(&self, left: Piece, op: &str, right: Piece, span: Span) -> Result<Expr, Mistake> {
        let numeric = match op {
            "<" => Some(Comparison::Less),
            "<=" => Some(Comparison::AtMost),
            ">" => Some(Comparison::Greater),
            ">=" => Some(Comparison::AtLeast),
            "==" if matches!(right.value, PieceValue::Number(_)) => Some(Comparison::Equal),
            "!=" if matches!(right.value, PieceValue::Number(_)) => Some(Comparison::Unequal),
            _ => None,
        };
        if let Some(op) = numeric {
            for side in [&left, &right] {
                if let PieceValue::Fact(id, _) = side.value {
                    let def = self.scope.facts.get(id);
                    if !matches!(def.kind, FactType::Number | FactType::History) {
                        return Err(Mistake::at(side.span, format!("`{}` is not a number", def.name)));
                    }
                }
            }
            return Ok(Expr::Number { left: left.quantity()?, op, right: right.quantity()? });
        }
        let PieceValue::Fact(fact, None) = left.value else {
            return Err(Mistake::at(left.span, format!("the left side of `{op}` must be a fact")));
        };
        match (op, right.value) {
            ("==" | "!=", PieceValue::Text(t)) => {
                self.check_word(fact, &t, right.span)?;
                let same = Expr::Same { fact, to: Value::Text(t) };
                Ok(if op == "==" { same } else { Expr::Not(Box::new(same)) })
            }
            ("==" | "!=", PieceValue::Expr(Expr::Const(b))) => {
                let same = Expr::Same { fact, to: Value::Bool(b) };
                Ok(if op == "==" { same } else { Expr::Not(Box::new(same)) })
            }
            ("in", PieceValue::List(list)) => Ok(Expr::In { fact, list: self.checked(fact, list)? }),
            ("overlaps", PieceValue::List(list)) => self.overlaps(fact, list),
            ("starts-with", PieceValue::Text(prefix)) => Ok(Expr::StartsWith { fact, prefix }),
            _ => Err(Mistake::at(span, format!("`{op}` does not compare these two"))),
        }
    }

    fn overlaps(&self, fact: FactId, list: Vec<(String, Span)>) -> Result<Expr, Mistake> {
        let kind = self.scope.facts.get(fact).kind;
        if kind == FactType::Activities {
            let mut named = ActivityMask::default();
            for (word, span) in &list {
                named = named.union(self.scope.activities.below(word).ok_or_else(|| Mistake {
                    code: "unknown-activity",
                    span: *span,
                    message: format!("no activity is called `{word}`"),
                    help: nearest(word, self.scope.activities.ids()).map(|n| format!("did you mean `{n}`?")),
                })?);
            }
            return Ok(Expr::Activities { fact, named, near: self.scope.activities.near(named) });
        }
        if !matches!(kind, FactType::Words | FactType::Countries) {
            let name = &self.scope.facts.get(fact).name;
            return Err(Mistake::at(list.first().map_or((0, self.end), |l| l.1), format!("`{name}` is not a list")));
        }
        Ok(Expr::Overlaps { fact, list: self.checked(fact, list)? })
    }

    fn checked(&self, fact: FactId, list: Vec<(String, Span)>) -> Result<Vec<String>, Mistake> {
        for (word, span) in &list {
            self.check_word(fact, word, *span)?;
        }
        let mut words: Vec<String> = list.into_iter().map(|(w, _)| w).collect();
        words.sort();
        words.dedup();
        Ok(words)
    }

    fn check_word(&self, fact: FactId, word: &str, span: Span) -> Result<(), Mistake> {
        let def = self.scope.facts.get(fact);
        let known = match def.kind {
            FactType::Word | FactType::Words => def.values.iter().any(|v| v == word),
            FactType::Country | FactType::Countries => crate::territories::is_country(word),
            FactType::Text => true,
            _ => false,
        };
        if known {
            return Ok(());
        }
        Err(Mistake {
            code: "unknown-value",
            span,
            message: format!("`{}` is never `{word}`", def.name),
            help: nearest(word, def.values.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`?")),
        })
    }

    fn operand(&mut self) -> Result<Piece, Mistake> {
        let Some((token, span)) = self.tokens.get(self.at).cloned() else {
            return Err(Mistake::at((self.end, self.end), "the condition ends here; a fact or a value is missing"));
        };
        self.at += 1;
        let value = match token {
            Token::Text(t) => PieceValue::Text(t),
            Token::Number(n) => PieceValue::Number(n),
            Token::Symbol("(") => {
                self.deeper()?;
                let inner = self.or()?;
                self.depth -= 1;
                if !self.symbol(")") {
                    return Err(Mistake::at(self.here(), "expected `)`"));
                }
                return Ok(inner);
            }
            Token::Symbol("[") => PieceValue::List(self.list()?),
            Token::Symbol(s) => return Err(Mistake::at(span, format!("unexpected `{s}`"))),
            Token::Word(w) => self.name(&w, span)?,
        };
        Ok(Piece { value, span: (span.0, self.tokens.get(self.at.wrapping_sub(1)).map_or(span.1, |(_, s)| s.1)) })
    }

    fn list(&mut self) -> Result<Vec<(String, Span)>, Mistake> {
        let mut out = Vec::new();
        while !self.symbol("]") {
            match self.tokens.get(self.at) {
                Some((Token::Text(t), span)) => out.push((t.clone(), *span)),
                _ => return Err(Mistake::at(self.here(), "expected a string or `]`")),
            }
            self.at += 1;
            if !self.symbol(",") && !matches!(self.tokens.get(self.at), Some((Token::Symbol("]"), _))) {
                return Err(Mistake::at(self.here(), "expected `,` or `]`"));
            }
        }
        Ok(out)
    }

    fn name(&mut self, word: &str, span: Span) -> Result<PieceValue, Mistake> {
        match word {
            "true" => return Ok(PieceValue::Expr(Expr::Const(true))),
            "false" => return Ok(PieceValue::Expr(Expr::Const(false))),
            _ => {}
        }
        if let Some((_, e)) = self.scope.defines.iter().find(|(n, _)| n == word) {
            return Ok(PieceValue::Expr(e.clone()));
        }
        if let Some(id) = word.strip_prefix("territory.") {
            return match self.scope.territories.find(id) {
                Some(countries) => Ok(PieceValue::List(countries.iter().map(|c| (c.clone(), span)).collect())),
                None => Err(Mistake {
                    code: "unknown-territory",
                    span,
                    message: format!("no territory is called `{id}`"),
                    help: nearest(id, self.scope.territories.ids()).map(|n| format!("did you mean `{n}`?")),
                }),
            };
        }
        if let Some(id) = self.scope.facts.find(word) {
            let at = self.month()?;
            return Ok(PieceValue::Fact(id, at));
        }
        if let Some(sum) = self.scope.facts.find_sum(word) {
            let at = self.month()?;
            return Ok(PieceValue::Sum(sum, at));
        }
        let names = self.scope.facts.names().chain(self.scope.defines.iter().map(|(n, _)| n.as_str()));
        Err(Mistake {
            code: "unknown-fact",
            span,
            message: format!("no fact or definition is called `{word}`"),
            help: nearest(word, names).map(|n| format!("did you mean `{n}`?")),
        })
    }

    fn month(&mut self) -> Result<Option<Month>, Mistake> {
        if !self.word("at") {
            return Ok(None);
        }
        let span = self.here();
        let month = match self.tokens.get(self.at) {
            Some((Token::Text(t), _)) => Month::parse(t),
            _ => None,
        };
        self.at += 1;
        match month {
            Some(m) => Ok(Some(m)),
            None => Err(Mistake::at(span, "expected a month as \"2024-06\"")),
        }
    }
}
