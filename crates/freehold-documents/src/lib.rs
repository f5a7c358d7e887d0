//! What people read on a terminal: the screen of a check, what moved, the trail, a license in plain words, mistakes.
//!
//! Pure: takes a dossier or the catalog and a [`Style`], gives text. Without color the text is the same letter by letter.

mod advice;
mod comply;
mod diagnostics;
mod difference;
mod elements;
mod explain;
mod finding_pages;
mod identification;
mod inspect;
mod kin;
mod license_page;
mod lineage;
mod page;
mod paper;
mod pass_through;
mod policy;
mod reading;
mod scan;
mod screen;
mod style;
mod what_if;
mod why;
mod words;

pub use advice::{advice, claims, own_or_rent};
pub use comply::{Written, WrittenHeader, WrittenText, written};
pub use diagnostics::diagnostics;
pub use difference::{Moved, catalog_changes, catalog_list, difference};
pub use elements::{ElementRow, Elements, elements, elements_in_short};
pub use explain::{explain_license, explain_model};
pub use finding_pages::{INPUT_PAGE, duty_page_name, finding_pages};
pub use identification::{Identified, IdentifiedDifference, IdentifiedPart, identification};
pub use inspect::{InspectedText, inspect};
pub use kin::kinship;
pub use license_page::{license_index, license_page};
pub use lineage::{lineage_mermaid, lineage_svg, lineage_text};
pub use paper::{Block, Paper, csv};
pub use pass_through::pass_through;
pub use policy::{plain_lines, policy_block, policy_summary, policy_table, waiver_words};
pub use reading::{ReadChange, ReadProposal, ReadText, reading};
pub use scan::{Scan, ScannedModel, ScannedReference, scan};
pub use screen::{answer_line, duty_line, limit_cite, parts_table, screen, summary_table};
pub use style::Style;
pub use what_if::what_if;
pub use why::why;
pub use words::{fact_word, step as step_word};
