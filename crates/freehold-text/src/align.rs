//! Places one edition's windows in a text: runs of equal words, chained in order.

use crate::words::WINDOW_WORDS;

/// Words `edition..edition+len` of the edition equal words `text..text+len` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) edition: usize,
    pub(crate) text: usize,
    pub(crate) len: usize,
}

/// Words of the edition and of the text between two runs, or outside the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) edition: (usize, usize),
    pub(crate) text: (usize, usize),
}

/// Runs that are looked at for one edition: the longest are kept. Bounds the work on a text made of repetitions.
const RUNS_MAX: usize = 300;
/// Places of one window in a text that are tried.
const PLACES_MAX: usize = 12;
/// A run of at least this many windows whose first window stands in one place only is taken whole.
const SURE_WINDOWS: usize = 24;

/// Runs just before a run that it may follow; beyond them it follows long ones only.
const LOOK_BACK: usize = 32;
/// Words of a long run.
const LONG_WORDS: usize = 16;

/// The windows of a text by hash.
pub(crate) struct Places {
    windows: Vec<u64>,
    mask: usize,
    /// 1-based index of the first window in each slot.
    heads: Vec<u32>,
    /// 1-based index of the next window in the same slot.
    next: Vec<u32>,
}

const GONE: u64 = u64::MAX;

impl Places {
    /// `taken[i]` = word `i` belongs to a part already found.
    pub(crate) fn new(windows: &[u64], taken: &[bool]) -> Places {
        let mut windows = windows.to_vec();
        for (i, w) in windows.iter_mut().enumerate() {
            if taken.get(i..i + WINDOW_WORDS).is_none_or(|t| t.contains(&true)) {
                *w = GONE;
            }
        }
        let size = (windows.len() * 2).next_power_of_two().max(16);
        let mut places = Places { mask: size - 1, heads: vec![0; size], next: vec![0; windows.len()], windows };
        for i in (0..places.windows.len()).rev() {
            let Some(&w) = places.windows.get(i) else { continue };
            if w == GONE {
                continue;
            }
            let slot = places.slot(w);
            if let (Some(head), Some(next)) = (places.heads.get_mut(slot), places.next.get_mut(i)) {
                *next = *head;
                *head = u32::try_from(i + 1).unwrap_or(0);
            }
        }
        places
    }

    /// The windows that are still to be explained.
    pub(crate) fn open(&self) -> impl Iterator<Item = u64> + '_ {
        self.windows.iter().copied().filter(|w| *w != GONE)
    }

    fn slot(&self, w: u64) -> usize {
        usize::try_from((w ^ (w >> 20)) & 0xffff_ffff).unwrap_or(0) & self.mask
    }

    fn of(&self, w: u64) -> impl Iterator<Item = usize> + '_ {
        let mut at = self.heads.get(self.slot(w)).copied().unwrap_or(0);
        let mut steps = 0;
        std::iter::from_fn(move || {
            while at != 0 && steps < 64 {
                let i = at as usize - 1;
                at = self.next.get(i).copied().unwrap_or(0);
                steps += 1;
                if self.windows.get(i) == Some(&w) {
                    return Some(i);
                }
            }
            None
        })
        .take(PLACES_MAX)
    }

    /// Every maximal run of windows that the edition and the text share.
    fn runs(&self, edition: &[u64]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let same = |e: usize, t: usize| edition.get(e).is_some_and(|w| self.windows.get(t) == Some(w));
        // by diagonal: the window of the edition after the last run on it
        let mut done = vec![0u32; edition.len() + self.windows.len()];
        let mut i = 0;
        while let Some(&w) = edition.get(i) {
            let mut step = 1;
            for (place, t) in self.of(w).enumerate() {
                if place > 0 {
                    step = 1;
                }
                let Some(done) = done.get_mut(t + edition.len() - 1 - i) else { continue };
                if *done as usize > i {
                    continue;
                }
                // its start may have been jumped over, or be a window with too many places
                let mut back = 0;
                while i > back && t > back && same(i - back - 1, t - back - 1) {
                    back += 1;
                }
                let mut len = 1;
                while same(i + len, t + len) {
                    len += 1;
                }
                if place == 0 && len >= SURE_WINDOWS {
                    step = len;
                }
                *done = u32::try_from(i + len).unwrap_or(u32::MAX);
                runs.push(Run { edition: i - back, text: t - back, len: len + back + WINDOW_WORDS - 1 });
            }
            i += step;
        }
        if runs.len() > RUNS_MAX {
            runs.sort_by_key(|r| std::cmp::Reverse(r.len));
            runs.truncate(RUNS_MAX);
        }
        runs.sort_by_key(|r| (r.edition, r.text));
        runs
    }

    /// The best chain of runs, trimmed so that none overlap. Empty where nothing is shared.
    pub(crate) fn align(&self, edition: &[u64]) -> Vec<Run> {
        let runs = self.runs(edition);
        // (score in eighths of a word, index of the run before + 1)
        let mut best: Vec<(i64, usize)> = Vec::with_capacity(runs.len());
        let mut long: Vec<usize> = Vec::new();
        for (i, run) in runs.iter().enumerate() {
            let mut top = (words8(run.len), 0);
            let near = i.saturating_sub(LOOK_BACK);
            let far = long.iter().copied().take_while(|j| *j < near);
            for j in far.chain(near..i) {
                let (Some(before), Some((score, _))) = (runs.get(j), best.get(j)) else { continue };
                if score + words8(run.len) <= top.0 {
                    continue;
                }
                let Some(gain) = gain(*before, *run) else { continue };
                if score + gain > top.0 {
                    top = (score + gain, j + 1);
                }
            }
            best.push(top);
            if run.len >= LONG_WORDS {
                long.push(i);
            }
        }
        let mut at = best
            .iter()
            .enumerate()
            .max_by_key(|(i, (score, _))| (*score, std::cmp::Reverse(*i)))
            .map_or(0, |(i, _)| i + 1);
        let mut chain = Vec::new();
        while let Some((run, (_, before))) = at.checked_sub(1).and_then(|i| Some((*runs.get(i)?, *best.get(i)?))) {
            chain.push(run);
            at = before;
        }
        chain.reverse();
        trim(&chain)
    }
}

fn words8(words: usize) -> i64 {
    i64::try_from(words).unwrap_or(i64::MAX / 64).saturating_mul(8)
}

fn overlap(before: Run, run: Run) -> usize {
    let e = (before.edition + before.len).saturating_sub(run.edition);
    let t = (before.text + before.len).saturating_sub(run.text);
    e.max(t)
}

/// What `run` adds after `before`, less the cost of what lies between; `None` where it cannot follow.
fn gain(before: Run, run: Run) -> Option<i64> {
    if run.edition <= before.edition || run.text <= before.text {
        return None;
    }
    let new = run.len.checked_sub(overlap(before, run)).filter(|n| *n > 0)?;
    let e = run.edition.saturating_sub(before.edition + before.len);
    let t = run.text.saturating_sub(before.text + before.len);
    let shift = i64::try_from(e.abs_diff(t).min(400)).unwrap_or(400);
    Some(words8(new) - 8 - shift)
}

fn trim(chain: &[Run]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::with_capacity(chain.len());
    for run in chain {
        let cut = out.last().map_or(0, |before| overlap(*before, *run)).min(run.len);
        if cut < run.len {
            out.push(Run { edition: run.edition + cut, text: run.text + cut, len: run.len - cut });
        }
    }
    out
}

/// The gaps around and between the runs of a chain.
pub(crate) fn gaps(chain: &[Run], edition_words: usize, text: (usize, usize)) -> Vec<Gap> {
    let mut out = Vec::new();
    let (mut e, mut t) = (0, text.0);
    let mut push = |edition: (usize, usize), text: (usize, usize)| {
        if edition.0 < edition.1 || text.0 < text.1 {
            out.push(Gap { edition, text });
        }
    };
    for run in chain {
        push((e, run.edition), (t, run.text));
        (e, t) = (run.edition + run.len, run.text + run.len);
    }
    push((e, edition_words), (t, text.1));
    out
}
