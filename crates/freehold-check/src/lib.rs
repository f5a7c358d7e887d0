//! The one pipeline: a source in, a dossier and its assessment out. Pure: bytes come from the shells.

mod advise;
mod assembly;
mod case;
mod compare;
mod dossier;
pub mod fuzz;
mod house;
mod lineage;
mod model;
mod recipe;
mod scenario;
mod statement;
mod undeclared;

pub use advise::{
    Advice, Advised, Ask, Miss, Needs, OwnScore, Part, Weights, advise, count, of_like_size, ranked_anew,
};
pub use assembly::{NamedWork, assemble, composed, named_work};
pub use case::{CASE_BYTES_MAX, Case, case_from_json, case_from_toml, node_of_json};
pub use compare::{Difference, ForWhom, LicenseChange, Side, catalog_changes, compare};
pub use dossier::{Dossier, Outgoing, Parts, Subject, judge, judge_unasked};
pub use freehold_lineage::{complete as complete_graph, is_repository_id, link, without_catalog, work_index};
pub use house::{HOUSE_BYTES_MAX, HouseText, OwnLaw, house_file, house_schema, read_house};
pub use lineage::{Lineage, LineageStep, LineageTerm, LineageWork, Maker, Role, lineage};
pub use model::{Model, ModelFiles, ReleaseFile, Said, model, read_release};
pub use recipe::{Recipe, RecipeBase, RecipeData, recipe};
pub use scenario::{Expectation, SCENARIO_BYTES_MAX, Scenario, differences, scenarios, set_difference};
pub use statement::{fact_from_text, read_facts, read_value};
