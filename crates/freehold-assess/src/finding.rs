//! Findings: what is wrong or worth knowing, one code each. They never move a verdict by themselves.

use freehold_base::Evidence;

macro_rules! findings {
    ($($variant:ident = $code:literal, $title:literal, $page:literal;)*) => {
        /// The closed list of finding codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingCode { $(#[doc = $page] $variant,)* }
        impl FindingCode {
            /// Every code, in order.
            pub const ALL: &'static [FindingCode] = &[$(FindingCode::$variant,)*];
            /// The code on every public surface.
            pub fn as_str(self) -> &'static str { match self { $(FindingCode::$variant => $code,)* } }
            /// A line for a heading.
            pub fn title(self) -> &'static str { match self { $(FindingCode::$variant => $title,)* } }
            /// What it means, why it matters and how to fix it.
            pub fn page(self) -> &'static str { match self { $(FindingCode::$variant => $page,)* } }
        }
    };
}

findings! {
    MorePermissiveThanUpstream = "declared-license-more-permissive-than-upstream",
        "the tag allows more than the terms of a base",
        "A tag on a derivative cannot lift the terms of what it was made from. The terms of the base go on binding; the tag's own duties are set aside. Fix: state the license of the base beside your own.";
    ContradictsLicenseFile = "declared-license-contradicts-license-file",
        "the tag and the license file name different licenses",
        "The card says one thing, the license text in the folder another. Until the author says which is meant, both are assessed and the worse one counts. Fix: ask the author, or correct the tag.";
    WrongVersion = "declared-license-wrong-version",
        "the tag names another version of the license",
        "Versions of one license differ in duties and limits; the version that belongs to the base model governs. Fix: name the version of the base.";
    DiffersFromUpstream = "declared-license-differs-from-upstream",
        "the tag differs from the license of what was copied",
        "A copy, conversion or quantization adds nothing of its own that could stand under another license. Fix: use the license of the original.";
    NameSaysMitTextIsNot = "name-says-mit-text-is-not",
        "it is called MIT, the text is not MIT",
        "The text starts as MIT and adds a limit or a duty. A scanner that sees MIT is wrong here. Fix: read the added clause; name the license by its own name.";
    UpstreamNamePrefixMissing = "upstream-name-prefix-missing",
        "an earlier author left out a prescribed name",
        "The license asks that the names of such models begin with a given word; an upstream author's name does not. It is their duty, and a sign of how carefully the rest was done.";
    UpstreamNoticeMissing = "upstream-notice-missing",
        "an earlier author left out a prescribed notice",
        "The copy came without a notice that its license orders to be kept. You need it when you pass copies on. Fix: take it from the original publisher.";
    CodeAndWeightsDiffer = "code-and-weights-differ",
        "code and weights stand under different licenses",
        "The repository has one license for its code and another for the weights. The weights' license decides whether you may run and ship the model.";
    MissingLicense = "missing-license",
        "no license is stated",
        "Without a license nothing is granted: what its author allows is unknown. Fix: ask the author, or find the license at the source.";
    UnknownLicense = "unknown-license",
        "a license that nobody here has read",
        "The text or the tag is not in the catalog in law. It may allow or forbid anything. Fix: let counsel read it, or add it to the catalog.";
    AlteredLicenseText = "altered-license-text",
        "a license text that was altered",
        "The text resembles a known license and differs from it. The difference decides; let counsel read it.";
    BaseModelContradicted = "base-model-contradicted",
        "two files name different bases",
        "The files disagree about what the model was made from. All of them are followed; the worst counts. Fix: ask the author which is right.";
    UndeclaredBase = "undeclared-base",
        "the header is that of a base that no file names",
        "Layers, widths, heads, vocabulary, rotary embedding, tokenizer and chat template, as far as they are stated, are those of a known base model, and neither that model nor one made from it is among what the files name. A number, another kind of tokenizer or another architecture that differs ends the comparison. A vocabulary may differ by up to 1,024 words, since fine-tunes add tokens and pad; other end tokens and another chat template are told and rule nothing out, since fine-tunes set them anew; another pre-tokenizer, first token or stretching of positions makes it ambiguous, two of them end it. A header proves nothing: another model may share it, and it moves no verdict. It is called ambiguous where bases under several licenses share it. But if it was made from that base, the base's license binds. Fix: ask who made it what it stands on, and state it (`--base`).";
    LicenseException = "license-exception",
        "a license with an exception",
        "The license is stated with an exception that permits more than the license itself and asks nothing. The answer is given without it, so it can only be too strict. Fix: where the exception matters to you, read it and let counsel note that it applies.";
    DatasetLicenseRestricts = "dataset-license-restricts",
        "training data under restrictive terms",
        "A dataset named as training data stands under terms that limit its use. Whether they reach the model is not settled; counsel should look.";
    OutputsTermsRestrict = "outputs-terms-restrict",
        "trained on outputs against the terms of their model",
        "An earlier author trained on outputs of a model whose license limits that. The license does not bind you through the model, but its licensor may object.";
    OutboundLicenseConflicts = "outbound-license-conflicts",
        "our own license conflicts with what we took",
        "The license put on our layer grants what the terms of a base do not let us grant. Fix: add the terms of the base to your own.";
    LicenseChangedSinceAcquired = "license-changed-since-acquired",
        "the publisher has changed the license since",
        "This copy came under earlier terms. They go on governing it; a new download would stand under the new ones.";
    LicenseChoiceUnrecorded = "license-choice-unrecorded",
        "a choice of licenses was made for you",
        "The work is offered under several licenses; the one with the best outcome was taken. Fix: record your choice.";
    GatedTermsNotAccepted = "gated-terms-not-accepted",
        "terms on the download page",
        "The publisher asks for acceptance of terms before download; nobody has stated that they were accepted. Fix: state `use.accepted_terms`.";
    UnpinnedRevision = "unpinned-revision",
        "no revision is pinned",
        "The base is named without a revision; its files and terms may change under that name. Fix: pin the commit.";
    NearThreshold = "near-threshold",
        "near a threshold of the license",
        "A stated figure is above 80 % of a limit in the license. Fix: watch it, or ask for a license early.";
    PickleCode = "pickle-code",
        "a file that runs code when it is loaded",
        "Pickle files can run code on loading. They are walked here and never loaded: what they name besides tensors is told with the file. Fix: use safetensors.";
    RemoteCode = "remote-code",
        "loading it runs code from a repository",
        "The configuration points to code that is fetched and run when the model is loaded. Fix: read it and pin its revision; its license is a separate question.";
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

/// Every finding's page, as Markdown.
pub fn findings_page() -> String {
    let mut out = String::from(
        "# Findings\n\nWhat `freehold check` may report besides the answer. A finding never moves a verdict by itself. \
         This page is written by `cargo xtask findings`.\n",
    );
    for code in FindingCode::ALL {
        out.push_str(&format!("\n## {}\n\n*{}.* {}\n", code.as_str(), code.title(), code.page()));
    }
    out
}
