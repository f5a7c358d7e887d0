//! Findings: what is wrong or worth knowing, one code each. They never move a verdict by themselves.

use freehold_base::{Evidence, Severity};

macro_rules! findings {
    ($($variant:ident = $code:literal, $level:ident, $title:literal,
        means $means:literal, matters $matters:literal, rests $rests:literal, fix $fix:literal;)*) => {
        /// The closed list of finding codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingCode { $(#[doc = $means] $variant,)* }
        impl FindingCode {
            /// Every code, in order.
            pub const ALL: &'static [FindingCode] = &[$(FindingCode::$variant,)*];
            /// The code on every public surface.
            pub fn as_str(self) -> &'static str { match self { $(FindingCode::$variant => $code,)* } }
            /// A line for a heading.
            pub fn title(self) -> &'static str { match self { $(FindingCode::$variant => $title,)* } }
            /// How loud a pipeline says it. It never moves a verdict.
            pub fn severity(self) -> Severity { match self { $(FindingCode::$variant => Severity::$level,)* } }
            /// What it means, why it matters and how to fix it.
            pub fn explained(self) -> Explained {
                match self {
                    $(FindingCode::$variant => Explained { means: $means, matters: $matters, rests: $rests, fix: $fix },)*
                }
            }
        }
    };
}

/// A code in words; whole sentences but `rests` and `fix`, which go on after a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What it says.
    pub means: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// Which statement, fact or clause it rests on.
    pub rests: &'static str,
    /// What to do.
    pub fix: &'static str,
}

findings! {
    MorePermissiveThanUpstream = "declared-license-more-permissive-than-upstream", Warning,
        "the tag allows more than the terms of a base",
        means "A tag on a derivative cannot lift the terms of what it was made from.",
        matters "The terms of the base go on binding; the tag's own duties are set aside. Whoever ships by the tag ships without the notices and limits of the base.",
        rests "the tag in the card or header, and the license of a base that the lineage names; what reaches a derivative is the base license's own `[reach]`",
        fix "state the license of the base beside your own.";
    ContradictsLicenseFile = "declared-license-contradicts-license-file", Warning,
        "the tag and the license file name different licenses",
        means "The card says one thing, the license text in the folder another.",
        matters "Until the author says which is meant, both are assessed and the worse one counts.",
        rests "the tag, and the license text that was identified in the folder",
        fix "ask the author, or correct the tag.";
    WrongVersion = "declared-license-wrong-version", Warning,
        "the tag names another version of the license",
        means "Versions of one license differ in duties and limits; the version that belongs to the base model governs.",
        matters "A notice that names the wrong version is not the notice that is owed.",
        rests "the tag, and the edition under which the catalog or a text puts the base",
        fix "name the version of the base.";
    DiffersFromUpstream = "declared-license-differs-from-upstream", Warning,
        "the tag differs from the license of what was copied",
        means "A copy, conversion or quantization adds nothing of its own that could stand under another license.",
        matters "The tag misleads everybody who takes the copy further.",
        rests "the tag of the copy, and the license of the original",
        fix "use the license of the original.";
    NameSaysMitTextIsNot = "name-says-mit-text-is-not", Warning,
        "it is called MIT, the text is not MIT",
        means "The text starts as MIT and adds a limit or a duty.",
        matters "A scanner that sees MIT is wrong here.",
        rests "the tag or name, and the words of the text that the named license does not have",
        fix "read the added clause; name the license by its own name.";
    UpstreamNamePrefixMissing = "upstream-name-prefix-missing", Note,
        "an earlier author left out a prescribed name",
        means "The license asks that the names of such models begin with a given word; an upstream author's name does not.",
        matters "It is their duty, and a sign of how carefully the rest was done.",
        rests "the clause of the license that prescribes the name, and the names in the lineage",
        fix "nothing is owed by you; tell the author, and mind the duty for names of your own.";
    UpstreamNoticeMissing = "upstream-notice-missing", Note,
        "an earlier author left out a prescribed notice",
        means "The copy came without a notice that its license orders to be kept.",
        matters "You need it when you pass copies on.",
        rests "the clause of the license that orders the notice kept, and the files of the copy",
        fix "take it from the original publisher.";
    CodeAndWeightsDiffer = "code-and-weights-differ", Note,
        "code and weights stand under different licenses",
        means "The repository has one license for its code and another for the weights.",
        matters "The weights' license decides whether you may run and ship the model.",
        rests "the statements of the folder, each with what it covers",
        fix "keep both licenses where you ship both; nothing is to be corrected.";
    MissingLicense = "missing-license", Warning,
        "no license is stated",
        means "Without a license nothing is granted: what its author allows is unknown.",
        matters "The answer stays open (`undetermined`) until somebody says what was granted.",
        rests "the absence of a tag, a text and a row of the catalog for a work of the lineage",
        fix "ask the author, or find the license at the source; where the work is your own, say so with `--made-by organization`.";
    UnknownLicense = "unknown-license", Warning,
        "a license that nobody here has read",
        means "The text or the tag is not in the catalog in law.",
        matters "It may allow or forbid anything, so the answer is `needs-review`, never a pass.",
        rests "the tag or text as it is written; `freehold read FILE` says what it appears to ask",
        fix "let counsel read it, or add it to the catalog.";
    AlteredLicenseText = "altered-license-text", Warning,
        "a license text that was altered",
        means "The text resembles a known license and differs from it.",
        matters "The difference decides; let counsel read it.",
        rests "the words that differ, clause by clause: `freehold identify FILE` shows them",
        fix "take the publisher's own text, or let counsel read the difference.";
    BaseModelContradicted = "base-model-contradicted", Warning,
        "two files name different bases",
        means "The files disagree about what the model was made from.",
        matters "All of them are followed; the worst counts.",
        rests "the keys of the two files that name a base",
        fix "ask the author which is right, and correct the other.";
    UndeclaredBase = "undeclared-base", Warning,
        "the header is that of a base that no file names",
        means "Layers, widths, heads, vocabulary, rotary embedding, tokenizer and chat template, as far as they are stated, are those of a known base model, and neither that model nor one made from it is among what the files name. A number, another kind of tokenizer or another architecture that differs ends the comparison. A vocabulary may differ by up to 1,024 words, since fine-tunes add tokens and pad; other end tokens and another chat template are told and rule nothing out, since fine-tunes set them anew; another pre-tokenizer, first token or stretching of positions makes it ambiguous, two of them end it. A header proves nothing: another model may share it, and it moves no verdict. It is called ambiguous where bases under several licenses share it.",
        matters "But if it was made from that base, the base's license binds.",
        rests "the numbers and names of the header, each with its place, against `catalog/fingerprints.toml`",
        fix "ask who made it what it stands on, and state it (`--base`).";
    LicenseException = "license-exception", Note,
        "a license with an exception",
        means "The license is stated with an exception that permits more than the license itself and asks nothing.",
        matters "The answer is given without it, so it can only be too strict.",
        rests "the expression `… WITH …`, and the exception's row in `catalog/tags.toml`",
        fix "where the exception matters to you, read it and let counsel note that it applies.";
    DatasetLicenseRestricts = "dataset-license-restricts", Note,
        "training data under restrictive terms",
        means "A dataset named as training data stands under terms that limit its use.",
        matters "Whether they reach the model is not settled; counsel should look.",
        rests "the dataset that a card or header names, and its license",
        fix "let counsel note what is thought of it, or train on other data.";
    OutputsTermsRestrict = "outputs-terms-restrict", Note,
        "trained on outputs against the terms of their model",
        means "An earlier author trained on outputs of a model whose license limits that.",
        matters "The license does not bind you through the model, but its licensor may object.",
        rests "the step of the lineage, and the clause about outputs",
        fix "let counsel weigh it; take a model that was trained on other data where it matters.";
    OutboundLicenseConflicts = "outbound-license-conflicts", Warning,
        "our own license conflicts with what we took",
        means "The license put on our layer grants what the terms of a base do not let us grant.",
        matters "Whoever relies on your license relies on something that was not yours to give.",
        rests "the license that you state for your layer, and the clause of the base that says what must be passed on",
        fix "add the terms of the base to your own.";
    LicenseChangedSinceAcquired = "license-changed-since-acquired", Note,
        "the publisher has changed the license since",
        means "This copy came under earlier terms.",
        matters "They go on governing it; a new download would stand under the new ones.",
        rests "the text or tag of this copy, and the catalog's rows with their `since` and `until`",
        fix "keep this copy and the text that came with it; before a new download read the new terms.";
    LicenseChoiceUnrecorded = "license-choice-unrecorded", Note,
        "a choice of licenses was made for you",
        means "The work is offered under several licenses; the one with the best outcome was taken.",
        matters "Which license you took decides what you owe, and nobody can tell later unless it is written down.",
        rests "the expression with `OR`",
        fix "record your choice.";
    GatedTermsNotAccepted = "gated-terms-not-accepted", Note,
        "terms on the download page",
        means "The publisher asks for acceptance of terms before download; nobody has stated that they were accepted.",
        matters "Some licenses grant nothing to whoever did not accept them.",
        rests "`extra_gated_prompt` and its fields in the card",
        fix "state `use.accepted_terms`.";
    UnpinnedRevision = "unpinned-revision", Note,
        "no revision is pinned",
        means "The base is named without a revision.",
        matters "Its files and terms may change under that name.",
        rests "the key that names the base, and the absence of a revision beside it",
        fix "pin the commit.";
    NearThreshold = "near-threshold", Note,
        "near a threshold of the license",
        means "A stated figure is above 80 % of a limit in the license.",
        matters "Beyond it the license sends you to the licensor, from one day to the next.",
        rests "the figure that you stated, and the clause with the limit",
        fix "watch it, or ask for a license early.";
    PickleCode = "pickle-code", Warning,
        "a file that runs code when it is loaded",
        means "Pickle files can run code on loading.",
        matters "They are walked here and never loaded: what they name besides tensors is told with the file.",
        rests "the bytes of the file",
        fix "use safetensors.";
    RemoteCode = "remote-code", Warning,
        "loading it runs code from a repository",
        means "The configuration points to code that is fetched and run when the model is loaded.",
        matters "Whoever can change that repository runs code on your machine.",
        rests "`auto_map` of the configuration",
        fix "read it and pin its revision; its license is a separate question.";
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// The work it is about.
    pub work: String,
    /// The case at hand, lower case, no full stop.
    pub detail: String,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// For a base that no file names: what was compared.
    pub resemblance: Option<Box<Resemblance>>,
}

/// How a header resembles those of known base models. An inference: it moves no verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resemblance {
    /// Repository ids of the bases that share what was compared.
    pub bases: Vec<String>,
    /// Ids of the licenses that they stand under.
    pub licenses: Vec<String>,
    /// What is alike.
    pub matched: Vec<Likeness>,
    /// What is not, and does not rule the bases out.
    pub differs: Vec<Likeness>,
    /// What could not be compared: the files or the catalog do not state it.
    pub not_compared: Vec<String>,
    /// Why it cannot be told which base it would be, or whether any; empty = one answer, nothing against it.
    pub ambiguous: Vec<String>,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Likeness {
    /// What, in words, with the value: `32 layers`.
    pub what: String,
    /// Where the model's files state it.
    pub evidence: Vec<Evidence>,
}
