//! The only public serialized types. A field is a promise: what is added is optional, what is there keeps its meaning.

mod advice;
mod assessment;
mod bom;
mod bundle;
mod convert;
pub mod fuzz;
mod identification;
mod kin;
mod law;
mod lineage;
pub mod pipeline;
mod policy;
mod reading;
mod regimes;
mod registry;
mod scan;
mod stored;

pub use advice::*;
pub use assessment::*;
pub use bom::*;
pub use bundle::*;
pub use identification::*;
pub use kin::*;
pub use law::{catalog_list, difference};
pub use lineage::*;
pub use policy::*;
pub use reading::*;
pub use regimes::{Answer, RegimeRow, RegimeTable, regimes};
pub use registry::{RegistryVersion, registry_versions};
pub use scan::*;
pub use stored::{STORED_BYTES_MAX, TrainingData, facts_json, reported_case, restored_case, stored_case, trained_on};

/// Commands whose JSON has a schema.
pub const WITH_SCHEMA: [&str; 6] = ["check", "identify", "kin", "lineage", "read", "scan"];

/// The JSON Schema of what a command prints with `--format json`; `None` for a command that is not in [`WITH_SCHEMA`].
pub fn schema(command: &str) -> Option<serde_json::Value> {
    Some(match command {
        "check" => report_schema(),
        "identify" => identification_schema(),
        "kin" => kinship_schema(),
        "lineage" => lineage_schema(),
        "read" => schemars::schema_for!(ReadingReport).to_value(),
        "scan" => schemars::schema_for!(ScanReport).to_value(),
        _ => return None,
    })
}

/// The JSON Schema of `freehold.report/1`, which holds that of `freehold.assessment/1`.
pub fn report_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_such_command_has_a_schema_of_its_own() {
        let all: Vec<_> =
            WITH_SCHEMA.iter().map(|c| schema(c).unwrap()["title"].as_str().unwrap().to_string()).collect();
        let expected =
            ["Report", "IdentificationReport", "KinshipReport", "LineageReport", "ReadingReport", "ScanReport"];
        assert_eq!(all, expected);
        assert!(schema("what").is_none());
    }
}
