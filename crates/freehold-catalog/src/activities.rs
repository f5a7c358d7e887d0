//! `activities.toml`: what use policies speak of, a closed tree with near neighbors.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::document::{Node, Sink, Table, unknown_word};

/// A set of activities, by their position in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityMask(u128);

impl ActivityMask {
    /// Most activities that the table may hold.
    pub const MAX: usize = 128;

    fn one(index: usize) -> ActivityMask {
        ActivityMask(1u128.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0))
    }
    /// Both sets together.
    pub fn union(self, other: ActivityMask) -> ActivityMask {
        ActivityMask(self.0 | other.0)
    }
    /// True where the two share a member.
    pub fn overlaps(self, other: ActivityMask) -> bool {
        self.0 & other.0 != 0
    }
    fn without(self, other: ActivityMask) -> ActivityMask {
        ActivityMask(self.0 & !other.0)
    }
    /// True for the empty set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One activity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Activity {
    /// The word.
    pub id: String,
    /// What it means.
    pub says: String,
    /// The one above it.
    pub within: Option<usize>,
    near: ActivityMask,
}

/// The tree.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ActivityTable {
    /// Activities, in the file's order.
    pub activities: Vec<Activity>,
    by_id: BTreeMap<String, usize>,
}

impl ActivityTable {
    /// Every word.
    pub fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.activities.iter().map(|a| a.id.as_str())
    }

    /// The activity with all below it.
    pub fn below(&self, id: &str) -> Option<ActivityMask> {
        let root = *self.by_id.get(id)?;
        let hits = (0..self.activities.len()).filter(|i| self.above(*i).any(|a| a == root));
        Some(hits.fold(ActivityMask::default(), |m, i| m.union(ActivityMask::one(i))))
    }

    /// Every activity that is none of these and below none of them.
    pub fn outside(&self, ids: &[String]) -> ActivityMask {
        let inside = ids.iter().filter_map(|id| self.below(id)).fold(ActivityMask::default(), ActivityMask::union);
        (0..self.activities.len())
            .map(ActivityMask::one)
            .fold(ActivityMask::default(), ActivityMask::union)
            .without(inside)
    }

    /// The mask of stated words alone; unknown words count for nothing (the reader refuses them).
    pub fn stated(&self, words: &[String]) -> ActivityMask {
        words
            .iter()
            .filter_map(|w| self.by_id.get(w))
            .fold(ActivityMask::default(), |m, i| m.union(ActivityMask::one(*i)))
    }

    /// The words of a mask.
    pub fn words(&self, mask: ActivityMask) -> Vec<&str> {
        let hits = self.activities.iter().enumerate().filter(|(i, _)| mask.overlaps(ActivityMask::one(*i)));
        hits.map(|(_, a)| a.id.as_str()).collect()
    }

    /// What lies above or near a member without being one.
    pub fn near(&self, named: ActivityMask) -> ActivityMask {
        let mut out = ActivityMask::default();
        for (i, a) in self.activities.iter().enumerate() {
            let this = ActivityMask::one(i);
            if named.overlaps(this) {
                out = self.above(i).fold(out.union(a.near), |m, up| m.union(ActivityMask::one(up)));
            } else if a.near.overlaps(named) {
                out = out.union(this);
            }
        }
        out.without(named)
    }

    /// The activity and everything above it; a cycle ends at the table's size.
    fn above(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(index), |i| self.activities[*i].within).take(self.activities.len())
    }

    pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> ActivityTable {
        let mut out = ActivityTable::default();
        let Some(top) = Table::open(root, "activities.toml", sink) else { return out };
        top.need("schema");
        let rows = top.tables("activity");
        if rows.len() > ActivityMask::MAX {
            sink.error("too-many", top.span, format!("at most {} activities fit the mask", ActivityMask::MAX));
        }
        for row in &rows {
            let id = row.need("id");
            if out.by_id.insert(id.text.clone(), out.activities.len()).is_some() {
                sink.error("duplicate", id.span, "an activity with this id exists already");
            }
            let says = row.need("says").text;
            out.activities.push(Activity { id: id.text, says, within: None, near: ActivityMask::default() });
        }
        for (i, row) in rows.into_iter().enumerate() {
            let ids: Vec<String> = out.ids().map(str::to_string).collect();
            let ids = || ids.iter().map(String::as_str);
            if let Some(w) = row.text("within") {
                out.activities[i].within = out.by_id.get(&w.text).copied();
                if out.activities[i].within.is_none() {
                    unknown_word(sink, "within", &w, ids().collect::<Vec<_>>());
                }
            }
            for n in row.texts("near") {
                match out.by_id.get(&n.text) {
                    Some(j) => out.activities[i].near = out.activities[i].near.union(ActivityMask::one(*j)),
                    None => unknown_word(sink, "near", &n, ids().collect::<Vec<_>>()),
                }
            }
            row.finish();
        }
        top.finish();
        out
    }
}
