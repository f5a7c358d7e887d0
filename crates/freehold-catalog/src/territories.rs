//! `territories.toml`: lists of countries that texts speak of.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::document::{Node, Sink, Table};

/// Territories by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Territories {
    by_id: BTreeMap<String, Vec<String>>,
}

impl Territories {
    /// Country codes of a territory, sorted.
    pub fn find(&self, id: &str) -> Option<&[String]> {
        self.by_id.get(id).map(Vec::as_slice)
    }

    /// Every id.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> Territories {
        let mut out = Territories::default();
        let Some(top) = Table::open(root, "territories.toml", sink) else { return out };
        top.need("schema");
        for row in top.tables("territory") {
            let id = row.need("id");
            row.need("name");
            row.need("source");
            let mut countries = Vec::new();
            for c in row.texts("countries") {
                if is_country(&c.text) {
                    countries.push(c.text);
                } else {
                    sink.error("unknown-country", c.span, format!("`{}` is not a two-letter country code", c.text));
                }
            }
            countries.sort();
            if out.by_id.insert(id.text, countries).is_some() {
                sink.error("duplicate", id.span, "a territory with this id exists already");
            }
            row.finish();
        }
        top.finish();
        out
    }
}

/// Country codes of ISO 3166-1 alpha-2 (and XK, user-assigned for Kosovo).
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI \
FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS \
IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA \
RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT \
TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// True for a two-letter country code of ISO 3166-1.
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split_ascii_whitespace().any(|c| c == code)
}

/// Every country code of ISO 3166-1.
pub fn countries() -> impl Iterator<Item = &'static str> {
    COUNTRIES.split_ascii_whitespace()
}
