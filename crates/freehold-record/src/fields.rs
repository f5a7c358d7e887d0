//! The fields that a person fills in, in the five areas that every organization must document. One table: the command line, the
//! lists of what is missing, the papers and the docs are made from it.

/// One of the five areas, and what goes across them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Base model and license version.
    Base,
    /// Provenance of fine-tuning data.
    Data,
    /// Who gets it, how, where.
    Distribution,
    /// Compliance with use policies.
    UsePolicy,
    /// Attribution.
    Attribution,
    /// Owner, risk, retention.
    Governance,
}

impl Area {
    /// Every area, in order.
    pub const ALL: [Area; 6] =
        [Area::Base, Area::Data, Area::Distribution, Area::UsePolicy, Area::Attribution, Area::Governance];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Area::Base => "base model and license version",
            Area::Data => "data provenance",
            Area::Distribution => "distribution scope",
            Area::UsePolicy => "use-policy compliance",
            Area::Attribution => "attribution",
            Area::Governance => "governance",
        }
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// `yes` or `no`.
    YesNo,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A day, `YYYY-MM-DD`.
    Day,
    /// A positive amount in scientific notation, or a product of such: `7.5e22`, `6*8e9*15e12`.
    Amount,
}

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in commands and in JSON.
    pub name: &'static str,
    /// Its area.
    pub area: Area,
    /// What it holds.
    pub kind: Kind,
    /// The question that it answers.
    pub asks: &'static str,
    /// Who asks for it.
    pub for_whom: &'static str,
    /// Who may set it.
    pub role: &'static str,
    /// True where nothing is submitted while it is unknown.
    pub needed: bool,
    /// True where a change voids an approval.
    pub material: bool,
}

const fn f(name: &'static str, area: Area, kind: Kind, asks: &'static str, for_whom: &'static str) -> Field {
    Field { name, area, kind, asks, for_whom, role: "requester", needed: false, material: true }
}

/// Every field. The names of an assessment's own facts (`use.access`, …) are not among them: they come with the assessment.
pub const FIELDS: &[Field] = &[
    Field {
        needed: true,
        ..f(
            "base.model",
            Area::Base,
            Kind::Text,
            "which published model does it stand on",
            "EU AI Act Annex XI 1(c); NIST AI 600-1 GV-1.6-003",
        )
    },
    Field {
        needed: true,
        ..f(
            "base.revision",
            Area::Base,
            Kind::Text,
            "which revision of it, as a commit or a digest",
            "G7 MDL-02, MDL-03",
        )
    },
    f("base.publisher", Area::Base, Kind::Text, "who published it", "EU AI Act Annex XI 1(c)"),
    f("base.release_date", Area::Base, Kind::Day, "when was it released", "EU AI Act Annex XI 1(c)"),
    Field {
        needed: true,
        ..f("license.concluded", Area::Base, Kind::Text, "which license governs it", "OpenChain 3.5; G7 MDL-12")
    },
    Field {
        needed: true,
        ..f("license.edition", Area::Base, Kind::Text, "which edition of its text", "OpenChain 3.5")
    },
    f("license.accepted_by", Area::Base, Kind::Text, "who accepted gated terms, for whom", "gated models"),
    f("license.accepted_on", Area::Base, Kind::Day, "when were gated terms accepted", "gated models"),
    f(
        "base.architecture",
        Area::Base,
        Kind::Text,
        "which architecture, how many parameters",
        "EU AI Act Annex XI 1(d)",
    ),
    f("base.modality", Area::Base, Kind::Text, "what goes in and what comes out", "EU AI Act Annex XI 1(e)"),
    f("base.context", Area::Base, Kind::Text, "how much fits in at once", "EU AI Act Annex XII 2(b)"),
    f(
        "base.generates",
        Area::Base,
        Kind::Word(&["language", "image", "video", "several", "none-of-these"]),
        "does it generate language, images from text, or video from text",
        "Commission guidelines, paragraph 17",
    ),
    f(
        "base.training_flop",
        Area::Base,
        Kind::Amount,
        "training compute of the base, in FLOP",
        "Commission guidelines, paragraphs 17 and 63",
    ),
    f(
        "base.training_flop_method",
        Area::Base,
        Kind::Text,
        "how that was found: published, from hardware, from architecture; with its assumptions",
        "Commission guidelines, paragraphs 123 to 132",
    ),
    f(
        "base.monetized",
        Area::Base,
        Kind::YesNo,
        "is money, data or a condition taken for the base or its maintenance",
        "Commission guidelines, paragraphs 85 to 88",
    ),
    f(
        "base.information_public",
        Area::Base,
        Kind::YesNo,
        "are weights, architecture and usage of the base public",
        "Commission guidelines, paragraphs 89 to 92",
    ),
    f(
        "modification.flop",
        Area::Data,
        Kind::Amount,
        "compute of our own training, in FLOP",
        "Commission guidelines, paragraphs 63 and 64",
    ),
    f(
        "modification.method",
        Area::Data,
        Kind::Text,
        "how that was found, and how it was trained",
        "Commission guidelines, paragraphs 123 to 132; EU AI Act Annex XI 2(b)",
    ),
    Field {
        role: "data-steward",
        ..f(
            "data.used",
            Area::Data,
            Kind::YesNo,
            "was it trained further, on any data",
            "California AB 2013; EU AI Act Annex XI 2(c)",
        )
    },
    Field {
        role: "data-steward",
        ..f("data.complete", Area::Data, Kind::YesNo, "is every dataset in this record", "California AB 2013")
    },
    Field {
        needed: true,
        ..f(
            "distribution.audience",
            Area::Distribution,
            Kind::Word(&["employees", "affiliates", "contractors", "customers", "partners", "public"]),
            "who uses it",
            "EU AI Act Annex XI 1(c)",
        )
    },
    Field {
        needed: true,
        ..f(
            "distribution.territory",
            Area::Distribution,
            Kind::Text,
            "in which countries",
            "license clauses; Commission guidelines, paragraph 53",
        )
    },
    f(
        "distribution.eu",
        Area::Distribution,
        Kind::YesNo,
        "is it placed on the market in the European Union",
        "Commission guidelines, paragraphs 53 to 58",
    ),
    f(
        "distribution.essential_internal",
        Area::Distribution,
        Kind::YesNo,
        "does an internal use carry a service for others, or touch people's rights",
        "Commission guidelines, paragraph 53",
    ),
    f(
        "distribution.first_date",
        Area::Distribution,
        Kind::Day,
        "when did it first reach anybody",
        "EU AI Act Annex XI 1(c)",
    ),
    f(
        "distribution.recipients",
        Area::Distribution,
        Kind::Text,
        "who was given copies",
        "license clauses that pass on",
    ),
    Field {
        needed: true,
        ..f("use.description", Area::UsePolicy, Kind::Text, "what is it used for", "EU AI Act Annex XI 1(b)")
    },
    f("use.sector", Area::UsePolicy, Kind::Text, "in which sector", "EU AI Act Annex III"),
    f(
        "use.decision_impact",
        Area::UsePolicy,
        Kind::Word(&["none", "assistive", "material-influence", "automated"]),
        "does it decide about people",
        "Colorado SB 26-189",
    ),
    f("attribution.notice_url", Area::Attribution, Kind::Text, "where do users see the notices", "ISO/IEC 5230"),
    Field {
        needed: true,
        material: false,
        ..f("governance.owner", Area::Governance, Kind::Text, "who answers for it", "SR 26-2; ISO/IEC 42001 7.5")
    },
    Field {
        role: "risk",
        ..f(
            "governance.risk",
            Area::Governance,
            Kind::Word(&["low", "medium", "high", "critical"]),
            "how much may go wrong",
            "SR 26-2",
        )
    },
    Field {
        material: false,
        ..f(
            "governance.retain_until",
            Area::Governance,
            Kind::Day,
            "until when is this record kept",
            "Colorado SB 26-189 (3 years); EU AI Act Art. 26(6)",
        )
    },
];

/// A field by its name.
pub fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|f| f.name == name)
}

impl Field {
    /// Whether a role may state it.
    pub fn is_stated_by(&self, role: &str) -> bool {
        role == self.role || (self.role == "requester" && ["owner", "automation", "legal"].contains(&role))
    }

    /// Whether a text is a value of this field; what is expected where it is not.
    ///
    /// # Errors
    /// What is expected.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let day = |v: &str| {
            let parts: Vec<&str> = v.split('-').collect();
            let digits = |p: &str, n: usize| p.len() == n && p.bytes().all(|b| b.is_ascii_digit());
            matches!(parts.as_slice(), [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2)
                && ("01"..="12").contains(m) && ("01"..="31").contains(d))
        };
        match self.kind {
            Kind::Text if value.trim().is_empty() || value.len() > 4096 => Err("a text of at most 4,096 bytes".into()),
            Kind::Number if value.parse::<i64>().is_err() => Err("a whole number".into()),
            Kind::YesNo if !["yes", "no"].contains(&value) => Err("yes or no".into()),
            Kind::Word(words) if !words.contains(&value) => Err(format!("one of: {}", words.join(", "))),
            Kind::Day if !day(value) => Err("a day, YYYY-MM-DD".into()),
            Kind::Amount if freehold_base::amount(value).is_none() => {
                Err("a positive amount, or a product: 7.5e22, 6*8e9*15e12".into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_area_has_fields() {
        let names: std::collections::BTreeSet<&str> = FIELDS.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), FIELDS.len());
        for area in Area::ALL {
            assert!(FIELDS.iter().any(|f| f.area == area), "{}", area.title());
        }
    }

    #[test]
    fn values_are_what_a_field_holds() {
        let ok = |name: &str, value: &str| field(name).unwrap().check(value).is_ok();
        assert!(
            ok("base.release_date", "2024-07-23")
                && !ok("base.release_date", "2024-7-23")
                && !ok("base.release_date", "2024-13-01")
        );
        assert!(ok("data.used", "no") && !ok("data.used", "false"));
        assert!(ok("governance.risk", "high") && !ok("governance.risk", "High"));
        assert!(
            ok("base.training_flop", "1e24")
                && ok("base.training_flop", "6*8e9*15e12")
                && !ok("base.training_flop", "much")
        );
        assert!(ok("base.model", "meta-llama/Llama-3.1-8B") && !ok("base.model", "  "));
    }
}
