//! The facts of a deployment, and what a term sees of them.

use std::cell::Cell;
use std::sync::Arc;

use freehold_base::Value;
use freehold_catalog::{ActivityMask, Catalog, FactId, FactTable, Facts, Presumed};

/// How a model reaches people, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Staff only.
    Internal,
    /// An API that others call.
    HostedApi,
    /// An application that others use.
    HostedApp,
    /// Inside a product whose copies leave.
    EmbeddedProduct,
    /// As weights.
    Weights,
}

impl Access {
    /// Every access.
    pub const ALL: [Access; 5] =
        [Access::Internal, Access::HostedApi, Access::HostedApp, Access::EmbeddedProduct, Access::Weights];

    /// The word of `facts.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Access::Internal => "internal",
            Access::HostedApi => "hosted-api",
            Access::HostedApp => "hosted-app",
            Access::EmbeddedProduct => "embedded-product",
            Access::Weights => "weights",
        }
    }

    /// The inverse of [`Access::as_str`].
    pub fn parse(word: &str) -> Option<Access> {
        Access::ALL.into_iter().find(|a| a.as_str() == word)
    }

    /// True where a copy of the weights leaves the organization.
    pub fn copies_leave(self) -> bool {
        matches!(self, Access::EmbeddedProduct | Access::Weights)
    }
}

/// What the user states: who, what for, how it reaches whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Shared: one deployment is that of thousands of models.
    values: Arc<Vec<Option<Value>>>,
    activities: Option<ActivityMask>,
}

impl Deployment {
    /// Nothing stated.
    pub fn empty(catalog: &Catalog) -> Deployment {
        Deployment { values: Arc::new(vec![None; catalog.facts.facts.len()]), activities: None }
    }

    /// States a fact. The value's type and words are the reader's to check.
    pub fn set(&mut self, catalog: &Catalog, id: FactId, value: Option<Value>) {
        if catalog.facts.get(id).kind == freehold_catalog::FactType::Activities {
            self.activities = match &value {
                Some(Value::List(words)) => Some(catalog.activities.stated(words)),
                _ => None,
            };
        }
        if let Some(slot) = Arc::make_mut(&mut self.values).get_mut(usize::from(id.0)) {
            *slot = value;
        }
    }

    /// The stated value of a fact.
    pub fn get(&self, id: FactId) -> Option<&Value> {
        self.values.get(usize::from(id.0)).and_then(Option::as_ref)
    }

    /// The stated value of a fact by name.
    pub fn named<'d>(&'d self, catalog: &Catalog, name: &str) -> Option<&'d Value> {
        catalog.facts.find(name).and_then(|id| self.get(id))
    }

    /// The stated accesses; `None` = not stated. An empty list means that nobody outside gets at it.
    pub fn accesses(&self, catalog: &Catalog) -> Option<Vec<Access>> {
        match self.named(catalog, "use.access")? {
            Value::List(words) if words.is_empty() => Some(vec![Access::Internal]),
            Value::List(words) => {
                let mut all: Vec<Access> = words.iter().filter_map(|w| Access::parse(w)).collect();
                all.sort();
                all.dedup();
                Some(all)
            }
            _ => None,
        }
    }

    /// True where the use trains a model on outputs.
    pub fn trains_on_outputs(&self, catalog: &Catalog) -> bool {
        let facts = catalog.facts.iter().filter(|(_, f)| f.name.starts_with("use.trains_on_outputs."));
        facts.into_iter().any(|(id, _)| self.get(id).is_some())
    }
}

/// What one evaluation sees: stated facts, facts of the work, step and student, and what silence means.
pub(crate) struct View<'a> {
    table: &'a FactTable,
    slots: Vec<Option<&'a Value>>,
    activities: Option<ActivityMask>,
    /// Facts whose value in `slots` is presumed.
    presumed: Vec<bool>,
    touched: Cell<bool>,
}

impl<'a> View<'a> {
    /// Stated facts, and presumptions where nothing is stated.
    pub(crate) fn new(catalog: &'a Catalog, deployment: &'a Deployment) -> View<'a> {
        let table = &catalog.facts;
        let mut slots: Vec<Option<&Value>> = deployment.values.iter().map(Option::as_ref).collect();
        slots.resize(table.facts.len(), None);
        let mut presumed = vec![false; slots.len()];
        for (i, fact) in table.facts.iter().enumerate() {
            if slots[i].is_some() {
                continue;
            }
            let value = match &fact.presumed {
                Some((Presumed::Value(v), _)) => Some(v),
                Some((Presumed::Same(other), _)) => deployment.get(*other),
                None => None,
            };
            if value.is_some() {
                slots[i] = value;
                presumed[i] = true;
            }
        }
        View { table, slots, activities: deployment.activities, presumed, touched: Cell::new(false) }
    }

    /// The same view with other values for some facts.
    pub(crate) fn with<'v>(&self, values: impl IntoIterator<Item = (FactId, Option<&'v Value>)>) -> View<'v>
    where
        'a: 'v,
    {
        let mut slots: Vec<Option<&'v Value>> = self.slots.clone();
        let mut presumed = self.presumed.clone();
        for (id, value) in values {
            slots[usize::from(id.0)] = value;
            presumed[usize::from(id.0)] = false;
        }
        View { table: self.table, slots, activities: self.activities, presumed, touched: Cell::new(false) }
    }

    /// Forgets that presumptions were read.
    pub(crate) fn reset(&self) {
        self.touched.set(false);
    }

    /// True where a presumption was read since the last reset.
    pub(crate) fn touched_presumption(&self) -> bool {
        self.touched.get()
    }

    /// True where the value of a fact is presumed, not stated.
    pub(crate) fn is_presumed(&self, id: FactId) -> bool {
        self.presumed[usize::from(id.0)]
    }
}

impl Facts for View<'_> {
    fn value(&self, id: FactId) -> Option<&Value> {
        let i = usize::from(id.0);
        if self.presumed[i] {
            self.touched.set(true);
        }
        self.slots[i]
    }

    fn activities(&self) -> Option<ActivityMask> {
        self.activities
    }

    fn table(&self) -> &FactTable {
        self.table
    }
}
