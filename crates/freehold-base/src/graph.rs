//! The lineage graph as plain data.

use crate::Evidence;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant,)* }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// The word used in data files and on every public surface.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
            /// The inverse of `as_str`.
            pub fn parse(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a work is.
    WorkKind {
        /// Weights, with what runs them.
        Model = "model",
        /// Data that something was trained on.
        Dataset = "dataset",
        /// Code.
        Code = "code",
        /// A vendor's API.
        Service = "service",
    }
}

words! {
    /// What a child is to its parent.
    Relation {
        /// The same bytes.
        Copy = "copy",
        /// Another container or precision, nothing lost on purpose.
        Converted = "converted",
        /// Fewer bits.
        Quantized = "quantized",
        /// Trained weights that are added to the parent's.
        Adapter = "adapter",
        /// The parent's weights trained further.
        Finetune = "finetune",
        /// Weights combined with other parents'.
        Merge = "merge",
        /// Trained to imitate the parent.
        Distilled = "distilled",
        /// A base is named, the step is not.
        Derived = "derived",
        /// Trained on that dataset.
        TrainedOnData = "trained-on-data",
        /// Data that the parent generated.
        OutputsOf = "outputs-of",
        /// Trained on what the parent generated.
        TrainedOnOutputs = "trained-on-outputs",
        /// Contains the parent as a separate work.
        Component = "component",
    }
}

words! {
    /// Who took a step.
    By {
        /// The organization that asks.
        Us = "us",
        /// Somebody before it.
        Upstream = "upstream",
        /// Not stated.
        Unknown = "unknown",
    }
}

words! {
    /// Who made a work.
    MadeBy {
        /// The organization that asks.
        Organization = "organization",
        /// Somebody else.
        ThirdParty = "third-party",
    }
}

words! {
    /// What a license statement covers.
    Covers {
        /// Weights.
        Weights = "weights",
        /// Code.
        Code = "code",
        /// Data.
        Data = "data",
        /// Tokenizer.
        Tokenizer = "tokenizer",
        /// What the model generates.
        Outputs = "outputs",
        /// Documentation.
        Documentation = "documentation",
    }
}

words! {
    /// How a license statement is known, strongest first.
    Basis {
        /// The user says so where nothing else can know it (`license` in a case).
        Told = "told",
        /// The publisher's terms for this model, from the catalog.
        Catalog = "catalog",
        /// A text in the folder was identified.
        Recognized = "recognized",
        /// A tag.
        Declared = "declared",
        /// Guessed from a fingerprint: raises findings and questions, never moves permission alone.
        Inferred = "inferred",
    }
}

/// A license said of a work's own layer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// The statement as written: an id, a tag or an SPDX expression. Empty = "none" was stated.
    pub license: String,
    /// What it covers; empty = not stated, which means the weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<Covers>,
    /// How it is known.
    pub basis: Basis,
    /// True for an SPDX expression that says under what *all* of the work stands, ours included;
    /// a plain tag on a layer of ours is our outbound choice instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expression: bool,
    /// True where a recognized text differs from the edition that it resembles.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub altered: bool,
    /// Text id of the edition, where the copy or the catalog's row is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// What the publisher adds to the license and no text at hand states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<String>,
    /// Ids of terms in law that bind beside the license (a use policy that the publisher adds to it).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
    /// True where the publisher has replaced these terms since: they govern only a copy that came with them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// Where it stands.
    pub evidence: Evidence,
}

/// A work and what is said of its own layer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// Repository id (`org/name`) or a plain name; unique in the graph.
    pub id: String,
    /// The artifact's own name where it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is, in its author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is.
    pub kind: WorkKind,
    /// Who made it; `None` = not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<MadeBy>,
    /// The licenses said of its layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// Facts about the work that conditions read (`work.multimodal`), by full name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, crate::Value)>,
    /// True where the catalog has a row for this id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// Where the work was named.
    pub evidence: Evidence,
}

impl Claim {
    /// A plain claim: what is said, how it is known, where it stands.
    pub fn new(license: impl Into<String>, basis: Basis, evidence: Evidence) -> Claim {
        Claim {
            license: license.into(),
            covers: Vec::new(),
            basis,
            expression: false,
            altered: false,
            edition: None,
            additions: Vec::new(),
            beside: Vec::new(),
            superseded: false,
            evidence,
        }
    }
}

impl Work {
    /// A work of which only the id is known.
    pub fn named(id: impl Into<String>, evidence: Evidence) -> Work {
        Work {
            id: id.into(),
            name: None,
            description: None,
            kind: WorkKind::Model,
            made_by: None,
            claims: Vec::new(),
            facts: Vec::new(),
            known: false,
            evidence,
        }
    }
}

/// A step from a parent to a child.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Edge {
    /// Index of the child in [`Graph::works`].
    pub child: usize,
    /// Index of the parent.
    pub parent: usize,
    /// What the child is to the parent.
    pub relation: Relation,
    /// Who took the step.
    pub by: By,
    /// True where `by` is presumed, not stated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_presumed: bool,
    /// Where it stands.
    pub evidence: Evidence,
}

impl Edge {
    /// True for a step from a work to itself: a card that names its own repository as the base. It is kept and shown, and
    /// means nothing: nobody made a work from that work alone.
    pub fn is_loop(&self) -> bool {
        self.child == self.parent
    }
}

/// Works and steps. Cycles are legal input: propagation is a fixpoint over states.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Graph {
    /// Works by index.
    pub works: Vec<Work>,
    /// Steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
    /// Index of the work that is asked about.
    pub subject: usize,
}

impl Graph {
    /// Index of the work with this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.works.iter().position(|w| w.id == id)
    }

    /// True where the work at this index was made from another one.
    pub fn has_parent(&self, child: usize) -> bool {
        self.edges.iter().any(|e| e.child == child && !e.is_loop())
    }
}
