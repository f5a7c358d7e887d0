//! What must hold of every case: the engine answers as the reference does, and what section 5 of the design promises.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Access, Assessment, Certainty, GapKind, HouseState, Status, questions};
use freehold_base::{Basis, Graph, MadeBy, Permission, Range, Relation, Value, Verdict, Work};
use freehold_catalog::{FactId, FactOrigin};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::cases::{CATALOG, Random, agreements, attestations, edge, of_student, one_work, positions, random, seen};
use crate::exceptions::engine;
use crate::naive::Mark;

/// Cases of the comparison with the reference.
const CASES: u32 = 2_500;
/// Graphs of these have more paths than the reference walks; more of them would mean that it compares nothing.
const TOO_MANY_MAX: u32 = CASES / 25;

fn runner(seed: u64, cases: u32) -> TestRunner {
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
}

#[track_caller]
fn check<S: Strategy>(seed: u64, cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    if let Err(e) = runner(seed, cases).run(&strategy, test) {
        panic!("{e}");
    }
}

fn within(inner: Range, outer: Range) -> bool {
    inner.worst >= outer.worst && inner.best <= outer.best
}

fn no_better(a: Range, b: Range) -> bool {
    a.worst <= b.worst && a.best <= b.best
}

// ---------------------------------------------------------------------------------------------------- the reference

#[test]
fn engine_equals_naive() {
    let skipped = std::cell::Cell::new(0);
    check(1, CASES, random(), |case| {
        let Some(design) = case.naive(&BTreeSet::new()) else {
            skipped.set(skipped.get() + 1);
            return Ok(());
        };
        let engine_says = seen(&case.assess(), BTreeSet::new());
        if engine_says == design.plain() {
            return Ok(());
        }
        // only where a named exception is at work, and then it must be the whole difference
        let excused: BTreeSet<Mark> = design.marks.intersection(&engine()).copied().collect();
        prop_assert!(!excused.is_empty(), "no exception is at work\nengine {engine_says:#?}\nnaive {design:#?}");
        let Some(as_engine) = case.naive(&engine()) else { return Ok(()) };
        prop_assert_eq!(engine_says, as_engine.plain());
        Ok(())
    });
    assert!(skipped.get() <= TOO_MANY_MAX, "{} cases had too many paths", skipped.get());
}

/// The reference is no use if everything it sees is alike.
#[test]
fn cases_are_of_every_verdict() {
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut runner = runner(1, 1);
    for _ in 0..400 {
        let case = random().new_tree(&mut runner).unwrap().current();
        *verdicts.entry(case.assess().verdict).or_default() += 1;
    }
    for verdict in Verdict::ALL {
        assert!(verdicts.get(&verdict).is_some_and(|n| *n >= 8), "{verdict} is rare among the cases: {verdicts:?}");
    }
}

// ---------------------------------------------------------------------------------------------------- parents

/// Where a parent may answer what was open, by design and not by mistake.
fn parent_answers(before: &Random, child: usize) -> bool {
    let work = &before.graph.works[child];
    let maker = before.made_by.filter(|_| child == before.graph.subject).or(work.made_by);

    // a work that says nothing stands under what it was made from; and what the user states of a work of ours that
    // stands on nothing may be what it was taken under, on something it is our own choice
    let says_nothing =
        work.claims.iter().all(|c| freehold_assess::parse_statement(&c.license, &CATALOG).statement.is_none());
    let choice = maker == Some(MadeBy::Organization) && work.claims.iter().any(|c| c.basis == Basis::Told);
    // on a copy a tag that names a family of texts is settled by the original's license
    let copied = |w: usize| {
        let same = |r: Relation| matches!(r, Relation::Copy | Relation::Converted | Relation::Quantized);
        before.graph.edges.iter().filter(|e| e.child == w && e.parent != w).all(|e| same(e.relation))
    };
    let tagged = |w: &freehold_base::Work| w.claims.iter().any(|c| c.license == "llama");
    let family = before.graph.works.iter().enumerate().any(|(i, w)| tagged(w) && copied(i));
    // what a model is built on says whether the model that it learned from is of its family
    let student = before.graph.edges.iter().any(|e| {
        e.child == child
            && matches!(e.relation, Relation::Distilled | Relation::TrainedOnOutputs | Relation::TrainedOnData)
    });
    says_nothing || choice || family || student
}

#[test]
fn a_parent_never_raises_permission() {
    let relation = prop::sample::select(Relation::ALL);
    let strategy = (random(), one_work(), any::<Index>(), relation);
    check(2, 1_000, strategy, |(case, mut parent, child, relation)| {
        let before = case.assess();
        let child = child.index(case.graph.works.len());
        if parent_answers(&case, child) {
            return Ok(());
        }
        parent.id = "the-new-parent".into();
        let mut more = case.clone();
        more.graph.works.push(parent);
        let new = more.graph.works.len() - 1;
        let step = edge(&more.graph.works, child, new, relation);
        more.graph.edges.push(step);
        let after = more.assess();
        prop_assert!(no_better(after.range, before.range), "{:?} became {:?}", before.range, after.range);
        Ok(())
    });
}

#[test]
fn a_work_made_from_itself_is_answered_as_if_that_were_not_said() {
    let strategy = (random(), any::<Index>(), prop::sample::select(Relation::ALL));
    check(9, 1_000, strategy, |(case, work, relation)| {
        let work = work.index(case.graph.works.len());
        let mut more = case.clone();
        let step = edge(&more.graph.works, work, work, relation);
        more.graph.edges.push(step);
        prop_assert_eq!(format!("{:?}", more.assess()), format!("{:?}", case.assess()));
        Ok(())
    });
}

// ---------------------------------------------------------------------------------------------------- facts

#[test]
fn a_fact_never_widens_the_range() {
    check(3, 1_500, (random(), any::<Index>()), |(case, pick)| {
        let mut before = case.clone();
        let stated: Vec<FactId> = CATALOG.facts.iter().map(|(id, _)| id).filter(|f| tells(&case, *f)).collect();
        if stated.is_empty() {
            return Ok(());
        }
        let fact = stated[pick.index(stated.len())];
        before.deployment.set(&CATALOG, fact, None);
        let (less, more) = (before.assess(), case.assess());
        if within(more.range, less.range) || excused(&[&before, &case], &[Mark::Choice]) {
            return Ok(());
        }
        prop_assert!(false, "{} moved {:?} to {:?}", CATALOG.facts.get(fact).name, less.range, more.range);
        Ok(())
    });
}

/// True where a fact is stated that was unknown before. A presumption is no unknown: what silence settles may be settled
/// otherwise; and silence about training on outputs says that there is none.
fn tells(case: &Random, fact: FactId) -> bool {
    let def = CATALOG.facts.get(fact);
    // a history beside a figure for the same month is a second statement, which may contradict the first
    let twice = def.at_release.is_some_and(|other| case.deployment.get(other).is_some());
    case.deployment.get(fact).is_some() && def.presumed.is_none() && !of_student(fact) && !twice
}

/// True where one of these exceptions is at work in one of the cases.
fn excused(cases: &[&Random], marks: &[Mark]) -> bool {
    let at_work =
        |case: &&Random| case.naive(&BTreeSet::new()).is_none_or(|o| marks.iter().any(|m| o.marks.contains(m)));
    cases.iter().any(at_work) && marks.iter().all(|m| engine().contains(m))
}

// ---------------------------------------------------------------------------------------------------- questions

/// Facts that a user is asked for.
fn askable(case: &Random, fact: FactId) -> bool {
    let def = CATALOG.facts.get(fact);
    match def.origin {
        FactOrigin::Stated => case.deployment.get(fact).is_none(),
        _ => def.name == "subject.made_by" && case.graph.works[case.graph.subject].made_by.or(case.made_by).is_none(),
    }
}

#[test]
fn answered_questions_leave_no_fact_open() {
    check(4, 60, (random(), prop::collection::vec(any::<Index>(), 8)), |(case, picks)| {
        let mut case = case;
        for pick in picks.iter().cycle().take(40) {
            let asked = questions(case.input());
            let Some(question) = asked.first() else { break };
            let answer = question.answers[pick.index(question.answers.len())].value.clone();
            if CATALOG.facts.get(question.fact).name == "subject.made_by" {
                let Value::Text(word) = &answer else { continue };
                case.made_by = MadeBy::parse(word);
            } else {
                case.deployment.set(&CATALOG, question.fact, Some(answer));
            }
        }
        prop_assert!(questions(case.input()).is_empty(), "questions without end");
        let end = case.assess();
        let open =
            |g: &&freehold_assess::Gap<'_>| g.kind == GapKind::Fact && g.facts.iter().any(|f| askable(&case, *f));
        let left = end.gaps.iter().find(open);
        prop_assert!(end.range.is_point() || left.is_none(), "still open: {left:#?}");
        Ok(())
    });
}

// ---------------------------------------------------------------------------------------------------- order

/// The graph with works and steps in another order.
fn shuffled(graph: &Graph, works: &[Index], steps: &[Index]) -> Graph {
    let mut order: Vec<usize> = (0..graph.works.len()).collect();
    let mut edges = graph.edges.clone();
    for (i, pick) in works.iter().enumerate().take(order.len()) {
        let other = pick.index(order.len());
        order.swap(i, other);
    }
    for (i, pick) in steps.iter().enumerate().take(edges.len()) {
        let other = pick.index(edges.len());
        edges.swap(i, other);
    }
    let place = |w: usize| order.iter().position(|o| *o == w).unwrap();
    for e in &mut edges {
        (e.child, e.parent) = (place(e.child), place(e.parent));
    }
    let moved: Vec<Work> = order.iter().map(|w| graph.works[*w].clone()).collect();
    Graph { works: moved, edges, subject: place(graph.subject) }
}

#[test]
fn order_is_irrelevant() {
    let picks = || prop::collection::vec(any::<Index>(), 12);
    check(5, 600, (random(), picks(), picks()), |(case, works, steps)| {
        let other = Random { graph: shuffled(&case.graph, &works, &steps), ..case.clone() };
        let all = |a: &Assessment<'_>| {
            let statuses: BTreeSet<_> =
                a.obligations.iter().map(|o| (o.code.to_string(), o.certainty, o.status, o.upstream)).collect();
            (seen(a, BTreeSet::new()), statuses, a.findings.len(), a.assumptions.len(), a.access_open)
        };
        let (one, two) = (case.assess(), other.assess());
        // one student is taken for all of a license's paths, and it is the first by place in the graph
        if all(&one) != all(&two) && excused(&[&case], &[Mark::PathsMerged]) && several_students(&case) {
            return Ok(());
        }
        prop_assert_eq!(all(&one), all(&two));
        Ok(())
    });
}

fn several_students(case: &Random) -> bool {
    let trains = |r: Relation| matches!(r, Relation::Distilled | Relation::TrainedOnOutputs | Relation::TrainedOnData);
    case.graph.edges.iter().filter(|e| trains(e.relation)).map(|e| e.child).collect::<BTreeSet<_>>().len() > 1
}

// ---------------------------------------------------------------------------------------------------- access

#[test]
fn splitting_the_access_changes_nothing() {
    check(6, 500, (random(), 1..31usize, 0..31usize), |(case, set, cut)| {
        let access = CATALOG.facts.find("use.access").unwrap();
        let of = |bits: usize| -> Vec<String> {
            let members = Access::ALL.iter().enumerate().filter(|(i, _)| bits & 1 << i != 0);
            members.map(|(_, a)| a.as_str().to_string()).collect()
        };
        let judged = |bits: usize| {
            let mut one = case.clone();
            one.deployment.set(&CATALOG, access, Some(Value::List(of(bits))));
            one.assess()
        };
        let (left, right) = (set & cut, set & !cut);
        if left == 0 || right == 0 {
            return Ok(());
        }
        let (whole, a, b) = (judged(set), judged(left), judged(right));
        prop_assert_eq!(whole.range, a.range.meet(b.range));
        let mut rows: Vec<_> = a.by_access.iter().chain(&b.by_access).cloned().collect();
        rows.sort_by_key(|r| r.0);
        prop_assert_eq!(&whole.by_access, &rows);
        let mut duties: BTreeMap<(&str, Option<String>), Certainty> = BTreeMap::new();
        for o in a.obligations.iter().chain(&b.obligations) {
            let certainty = duties.entry((o.code, o.text().map(str::to_string))).or_insert(o.certainty);
            *certainty = (*certainty).max(o.certainty);
        }
        let together: BTreeMap<_, _> =
            whole.obligations.iter().map(|o| ((o.code, o.text().map(str::to_string)), o.certainty)).collect();
        prop_assert_eq!(together, duties);
        let clear = |v: Verdict| v >= Verdict::PermittedWithObligations;
        prop_assert_eq!(clear(whole.verdict), clear(a.verdict) && clear(b.verdict));
        Ok(())
    });
}

// ---------------------------------------------------------------------------------------------------- the house

/// Everything but what is said of the house's own entries.
fn but_for_the_house(a: Assessment<'_>) -> String {
    format!("{:?}", Assessment { house: Vec::new(), ..a })
}

#[test]
fn a_position_never_widens_the_range() {
    let settled = std::cell::Cell::new(0);
    check(10, 1_500, (random(), positions()), |(case, positions)| {
        let mut before = case.clone();
        before.house.positions.clear();
        let mut after = before.clone();
        after.house.positions = positions;
        let (less, more) = (before.assess(), after.assess());
        settled.set(settled.get() + u32::from(less.range != more.range));
        if within(more.range, less.range) || excused(&[&before, &after], &[Mark::Choice]) {
            return Ok(());
        }
        prop_assert!(false, "positions moved {:?} to {:?}", less.range, more.range);
        Ok(())
    });
    assert!(settled.get() > 20, "only {} cases were settled by a position", settled.get());
}

#[test]
fn an_entry_that_has_ended_changes_nothing() {
    check(11, 400, (random(), agreements(), positions(), attestations()), |(case, a, p, t)| {
        let mut ended = case.clone();
        (ended.house.agreements, ended.house.positions, ended.house.attestations) = (a, p, t);
        let mut without = case;
        without.house.agreements.clear();
        without.house.positions.clear();
        let entries = ended.house.agreements.iter_mut().map(|a| &mut a.entry);
        let entries = entries.chain(ended.house.positions.iter_mut().map(|p| &mut p.entry));
        for (i, entry) in entries.chain(ended.house.attestations.iter_mut().map(|t| &mut t.entry)).enumerate() {
            if i % 2 == 0 {
                entry.until = Some("2026-11-23".into());
            } else {
                entry.from = "2026-11-25".into();
            }
        }
        let states = ended.assess().house;
        prop_assert!(states.iter().all(|u| u.state == HouseState::Lapsed), "{states:?}");
        prop_assert_eq!(but_for_the_house(ended.assess()), but_for_the_house(without.assess()));
        Ok(())
    });
}

#[test]
fn an_agreement_changes_nothing_outside_what_it_covers() {
    check(12, 400, (random(), agreements(), 0..3usize), |(case, agreements, how)| {
        let mut with = case.clone();
        with.house.agreements = agreements;
        let unstated = CATALOG.license_named("bsd-3-clause").unwrap();
        for a in &mut with.house.agreements {
            match how {
                0 => a.works = vec!["nobody/*".into()],
                1 => a.replaces = vec![unstated],
                _ => a.uses = freehold_catalog::Expr::Const(false),
            }
        }
        let mut without = case;
        without.house.agreements.clear();
        prop_assert_eq!(seen(&with.assess(), BTreeSet::new()), seen(&without.assess(), BTreeSet::new()));
        Ok(())
    });
}

#[test]
fn an_agreement_governs_what_it_covers() {
    let governed = std::cell::Cell::new(0);
    check(13, 400, (random(), agreements()), |(case, agreements)| {
        let mut with = case;
        with.house.agreements = agreements;
        let a = with.assess();
        for l in a.licenses.iter().filter(|l| !l.displaced) {
            let Some(index) = l.agreement else { continue };
            governed.set(governed.get() + 1);
            let agreement = &with.house.agreements[index];
            prop_assert!(agreement.names(&with.graph.works[l.work].id) && agreement.entry.in_force(&with.house.day));
            prop_assert_eq!(&l.license, &CATALOG.licenses[agreement.license].id);
        }
        Ok(())
    });
    assert!(governed.get() > 100, "only {} works were governed by an agreement", governed.get());
}

#[test]
fn an_attestation_never_moves_a_verdict() {
    let attested = std::cell::Cell::new(0);
    check(14, 500, (random(), attestations()), |(case, attestations)| {
        let mut with = case.clone();
        with.house.attestations = attestations;
        let (before, after) = (case.assess(), with.assess());
        prop_assert_eq!(seen(&before, BTreeSet::new()), seen(&after, BTreeSet::new()));
        for (b, a) in before.obligations.iter().zip(&after.obligations) {
            prop_assert_eq!((b.code, b.certainty, &b.accesses), (a.code, a.certainty, &a.accesses));
            // of a duty that several licenses ask for, one may be attested and another not
            prop_assert!(b.status == a.status || !a.attested.is_empty());
            attested.set(attested.get() + u32::from(a.status == Status::Met && !a.attested.is_empty()));
        }
        Ok(())
    });
    assert!(attested.get() > 50, "only {} duties were attested", attested.get());
}

// ---------------------------------------------------------------------------------------------------- the same again

#[test]
fn the_same_input_gives_the_same_output() {
    check(7, 200, random(), |case| {
        prop_assert_eq!(format!("{:?}", case.assess()), format!("{:?}", case.clone().assess()));
        Ok(())
    });
}

/// A clear is a clear: whatever the gaps, `permitted` needs a point.
#[test]
fn nothing_open_is_clear() {
    check(8, 500, random(), |case| {
        let a = case.assess();
        if a.verdict >= Verdict::PermittedWithObligations {
            prop_assert_eq!(a.range, Range::point(Permission::Permitted));
        }
        Ok(())
    });
}
