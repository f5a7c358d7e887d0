//! The only public serialized types. A field is a promise: what is added is optional, what is there keeps its meaning.

mod assessment;
mod convert;
mod identification;
mod kin;
mod law;
mod lineage;
mod policy;
mod reading;
mod scan;

pub use assessment::*;
pub use identification::*;
pub use kin::*;
pub use law::{catalog_list, difference};
pub use lineage::*;
pub use policy::*;
pub use reading::*;
pub use scan::*;

/// The JSON Schema of `freehold.report/1`, which holds that of `freehold.assessment/1`.
pub fn report_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
