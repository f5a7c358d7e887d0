//! Who governs what: operators, their scope, negation, waivers, exceptions; then which statement of a term wins.

use std::collections::BTreeMap;
use std::ops::Range;

use super::pattern::{Bits, Line};
use super::rules::{Cue, Operator, Rank, Rules, Says, TermRules};
use super::sentences::{Break, Clause, Parts, split};
use super::{Attitude, Basis, EVIDENCE_MAX, Evidence, Proposal, QUOTE_WORDS_MAX, READ_WORDS_MAX, Reading};

/// Words between an act and the words after it that permit or forbid it: `redistribution in any form is permitted`.
const AFTER_WORDS_MAX: usize = 24;
/// An operator after the act that is at most this near wins over one before it.
const AFTER_NEAR_WORDS: usize = 6;
/// A clause with an operator among its first words stands by itself.
const OWN_WORDS: usize = 12;

/// Reads a text by rules. The same text and rules give the same reading. Time is bounded by the words of the text times
/// the patterns of the rules.
pub fn read(rules: &Rules, text: &str) -> Reading {
    let parts = split(text, READ_WORDS_MAX, |word| rules.vocabulary.knows_exactly(word));
    let (rows, table) = classify(rules, text, &parts);
    let mut found: Vec<Vec<Statement>> = vec![Vec::new(); rules.terms.len()];
    let mut context = Context::default();
    for clause in &parts.clauses {
        let line = Line::new(rows.get(clause.words.clone()).unwrap_or_default(), &table);
        let scope = Scope::of(rules, &line, clause, &mut context);
        for (term, statements) in rules.terms.iter().zip(&mut found) {
            scope.statements(&line, term, clause, statements);
        }
    }
    let proposals = rules.terms.iter().zip(&found).filter_map(|(t, s)| propose(t, s, text, &parts)).collect();
    Reading { proposals, sentences: parts.sentences.len(), truncated: parts.truncated }
}

/// For each word of the text its row in a table of the classes of each different word.
fn classify(rules: &Rules, text: &str, parts: &Parts) -> (Vec<usize>, Vec<Bits>) {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut table = Vec::new();
    let mut rows = Vec::with_capacity(parts.tokens.len());
    for token in &parts.tokens {
        let mut word = text.get(token.range.clone()).unwrap_or("").to_ascii_lowercase();
        word.truncate(WORD_BYTES_MAX);
        let row = *known.entry(word).or_insert_with_key(|word| {
            table.push(rules.vocabulary.bits(word));
            table.len() - 1
        });
        rows.push(row);
    }
    (rows, table)
}

/// Bytes of a quote: words can be long.
const QUOTE_BYTES_MAX: usize = 400;
/// Bytes of a word that are looked at; words are ASCII.
const WORD_BYTES_MAX: usize = 40;

/// One thing that the text says of a term.
#[derive(Clone, Debug)]
struct Statement {
    attitude: Attitude,
    weak: bool,
    waived: bool,
    conditional: bool,
    /// Words of the clause and the words that decided, as words of the text.
    clause: Range<usize>,
    cue: Range<usize>,
}

/// An operator in a clause, negation applied.
#[derive(Clone, Copy, Debug)]
struct Governor {
    start: usize,
    end: usize,
    operator: Operator,
}

/// What earlier clauses of the sentence leave to later ones.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// The operator of the words before a colon or the first list mark; holds for every item.
    lead: Option<Option<Attitude>>,
    /// The last operator of the clause before; holds up to the next item.
    carried: Option<Option<Attitude>>,
    /// The clause before ended with its operator, as in `you shall (a)`.
    dangling: bool,
}

/// The operators of one clause.
struct Scope {
    governors: Vec<Governor>,
    inherited: Option<Attitude>,
    waived: Option<usize>,
    conditions: Vec<(usize, usize)>,
    /// The clause defines a word from here on.
    defines: Option<usize>,
}

impl Scope {
    fn of(rules: &Rules, line: &Line<'_>, clause: &Clause, context: &mut Context) -> Scope {
        let governors = governors(rules, line);
        match clause.opens {
            Break::Stop => *context = Context::default(),
            Break::Colon => {
                context.lead = context.carried.or(context.lead);
                context.carried = context.lead;
            }
            Break::Item if context.dangling || context.lead.is_none() => {
                context.lead = context.carried;
            }
            Break::StopItem if context.lead.is_none() => *context = Context::default(),
            Break::Item | Break::StopItem => context.carried = context.lead,
            Break::Semicolon if context.lead.is_some() => context.carried = context.lead,
            _ => {}
        }
        // a clause that opens with an operator of its own inherits none
        let own = governors.iter().any(|g| g.operator.before && g.operator.attitude.is_some() && g.start < OWN_WORDS);
        let inherited = if own { None } else { context.carried.flatten() };
        if let Some(last) = governors.iter().rev().find(|g| g.operator.before && g.operator.attitude.is_some()) {
            context.carried = Some(last.operator.attitude);
            context.dangling = last.end + 1 >= line.words.len();
        } else {
            context.dangling = false;
        }
        let exempt = line.find(&rules.unconditional);
        let conditions = line
            .find(&rules.conditions)
            .into_iter()
            .filter(|c| !exempt.iter().any(|e| e.0 <= c.0 && c.0 < e.1))
            .collect();
        Scope {
            governors,
            inherited,
            waived: line.find(&rules.waivers).first().map(|w| w.0),
            conditions,
            defines: line.find(&rules.definitions).first().map(|d| d.0),
        }
    }

    fn statements(&self, line: &Line<'_>, term: &TermRules, clause: &Clause, statements: &mut Vec<Statement>) {
        if line.holds(&term.unless) {
            return;
        }
        for cue in &term.cues {
            let found = line.find(&cue.patterns);
            if found.is_empty() || (!cue.also.is_empty() && !line.holds(&cue.also)) || line.holds(&cue.unless) {
                continue;
            }
            for (start, end) in found {
                if self.defines.is_some_and(|d| d < end) {
                    continue;
                }
                let Some((attitude, conditional, waived)) = self.judge(term, cue, start, end) else { continue };
                let from = clause.words.start;
                statements.push(Statement {
                    attitude,
                    weak: cue.weak,
                    waived,
                    conditional,
                    clause: clause.words.clone(),
                    cue: from + start..from + end,
                });
            }
        }
    }

    /// What a cue at `start..end` says, whether under a condition, and whether it takes a duty back.
    fn judge(&self, term: &TermRules, cue: &Cue, start: usize, end: usize) -> Option<(Attitude, bool, bool)> {
        if let Says::Fixed(attitude) = cue.says {
            return Some((attitude, false, false));
        }
        let governor = self.governor(cue, start, end);
        let mut attitude = match governor {
            Some(g) => g.operator.attitude?,
            None if cue.after => return None,
            // an act that follows a duty at a distance is a detail of that duty
            None if term.must_within.is_some() && self.inherited == Some(Attitude::Must) => return None,
            None => self.inherited?,
        };
        let within = match attitude {
            Attitude::Must => term.must_within,
            Attitude::Cannot => term.cannot_within,
            Attitude::Can => None,
        };
        if let (Some(within), Some(g)) = (within, governor)
            && g.end <= start
            && start - g.end > within
        {
            return None;
        }
        let waived = self.waived.is_some_and(|w| w >= start);
        if waived {
            attitude = Attitude::Can;
        }
        let conditional = self.conditions.iter().any(|c| c.0 >= end || governor.is_some_and(|g| c.1 <= g.start));
        let means = match attitude {
            Attitude::Can => cue.means[0],
            Attitude::Cannot => cue.means[1],
            Attitude::Must => cue.means[2],
        };
        Some((means?, conditional, waived))
    }

    /// The operator that governs words `start..end`: the nearest before, unless a nearer one follows that governs what
    /// stands before it.
    fn governor(&self, cue: &Cue, start: usize, end: usize) -> Option<Governor> {
        let from = if cue.after { start } else { 0 };
        let before = self.governors.iter().rev().find(|g| {
            // inside the cue only words that permit, forbid or oblige count
            let limit = if g.operator.attitude.is_some() { end } else { start };
            g.operator.before && g.end <= limit && g.start >= from
        });
        let before = before.copied();
        let after = self.governors.iter().find(|g| g.start >= end).copied();
        let after = after.filter(|g| g.operator.after && g.start - end <= AFTER_WORDS_MAX);
        match (before, after) {
            (Some(b), Some(a)) => {
                let near = a.start - end <= AFTER_NEAR_WORDS && start.saturating_sub(b.end) > a.start - end;
                Some(if b.operator.attitude.is_none() || near { a } else { b })
            }
            (b, a) => b.or(a),
        }
    }
}

fn governors(rules: &Rules, line: &Line<'_>) -> Vec<Governor> {
    let negators = line.find(&rules.negators);
    let mut out: Vec<Governor> = Vec::new();
    let mut done = 0;
    for (at, end, which) in line.matches(&rules.operator_patterns) {
        if at < done {
            continue;
        }
        if let Some(operator) = rules.operators.get(which) {
            let mut operator = *operator;
            let last = out.iter().rev().find(|g| g.operator.attitude.is_some()).map_or(0, |g| g.end);
            if operator.attitude.is_some() && negators.iter().any(|n| n.0 >= last && n.0 < at) {
                operator.attitude = Some(Attitude::Cannot);
            }
            out.push(Governor { start: at, end, operator });
        }
        done = end;
    }
    out
}

fn propose(term: &TermRules, statements: &[Statement], text: &str, parts: &Parts) -> Option<Proposal> {
    let counts = |s: &&Statement| !(s.conditional && s.attitude == Attitude::Cannot && !term.keep_conditional);
    let win = |weak: bool| {
        term.order.iter().find_map(|rank| {
            let fits = |s: &&Statement| match rank {
                Rank::Said(attitude) => s.attitude == *attitude,
                Rank::Waived => s.waived,
            };
            statements.iter().filter(counts).filter(|s| s.weak == weak).find(fits).map(|s| s.attitude)
        })
    };
    let (attitude, basis) = match win(false) {
        Some(attitude) => (attitude, Basis::Said),
        None => (win(true)?, Basis::Supposed),
    };
    let weak = basis == Basis::Supposed;
    let evidence = |keep: &dyn Fn(&&Statement) -> bool| {
        let mut sorted: Vec<&Statement> = statements.iter().filter(keep).collect();
        sorted.sort_by_key(|s| (s.cue.start, s.cue.end, s.attitude));
        let mut out: Vec<Evidence> = Vec::new();
        sorted.dedup_by_key(|s| (s.clause.start, s.attitude));
        for statement in sorted {
            if out.len() >= EVIDENCE_MAX {
                break;
            }
            let one = statement.evidence(text, parts);
            if !out.iter().any(|o| o.range == one.range && o.attitude == one.attitude) {
                out.push(one);
            }
        }
        out
    };
    Some(Proposal {
        term: term.id.clone(),
        attitude,
        basis,
        sentences: evidence(&|s| s.attitude == attitude && s.weak == weak && counts(s)),
        against: evidence(&|s| s.attitude != attitude && !s.weak),
    })
}

impl Statement {
    fn evidence(&self, text: &str, parts: &Parts) -> Evidence {
        let bytes = |words: &Range<usize>| {
            let first = parts.tokens.get(words.start).map_or(0, |t| t.range.start);
            let last = words.end.checked_sub(1).and_then(|i| parts.tokens.get(i)).map_or(first, |t| t.range.end);
            first..last
        };
        let mut quoted = self.clause.clone();
        if quoted.len() > QUOTE_WORDS_MAX {
            let room = QUOTE_WORDS_MAX.saturating_sub(self.cue.len()) / 2;
            quoted.start = self.cue.start.saturating_sub(room).max(self.clause.start);
            quoted.end = (quoted.start + QUOTE_WORDS_MAX).min(self.clause.end);
        }
        let quote = text.get(bytes(&quoted)).unwrap_or("");
        let quote = quote.get(..quote.floor_char_boundary(QUOTE_BYTES_MAX)).unwrap_or("");
        // signs that are no words count as such where a person counts by the spaces
        let quote = match quote.split_whitespace().nth(QUOTE_WORDS_MAX) {
            Some(next) => {
                let at = next.as_ptr().addr().saturating_sub(quote.as_ptr().addr());
                quote.get(..at).unwrap_or("").trim_end()
            }
            None => quote,
        };
        let quote = quote.to_owned();
        Evidence { attitude: self.attitude, range: bytes(&self.clause), quote, conditional: self.conditional }
    }
}
