//! The gate: whether an approval in force covers a model and its use.

use freehold_base::Diagnostic;
use freehold_check::Dossier;
use freehold_record::{Coverage, covers};
use freehold_register::{Filter, Register, Remembered, Trouble};
use freehold_wire::Gate;

use crate::assessed::deployment_json;
use crate::records::folded;
use crate::time::{last_day, now};

/// The gate: each dossier against the approvals of a register.
///
/// # Errors
/// The register cannot be read, or is not what this machine saw.
pub fn gate(
    location: &str,
    dossiers: &[Dossier<'_>],
    remembered: Option<Remembered>,
) -> Result<Vec<Gate>, Box<Diagnostic>> {
    let failed = |t: Trouble| Box::new(Diagnostic::error("register", t.to_string()).in_file(location.to_string()));
    let mut register = Register::open(location, remembered).map_err(failed)?;
    let moment = now();
    let mut out = Vec::with_capacity(dossiers.len());
    for d in dossiers {
        let deployment = deployment_json(&d.deployment, d.catalog);
        let mut says = Vec::new();
        let mut covered = false;
        let rows = if d.subject.artifact.is_empty() {
            Vec::new()
        } else {
            let filter = Filter { artifact: d.subject.artifact.clone(), ..Filter::default() };
            register.list(&filter).map_err(failed)?
        };
        for row in &rows {
            let events = register.history(&row.record).map_err(failed)?;
            // an approval counts where its event is in the signed log
            for e in events.iter().filter(|e| e.kind == "approved") {
                let proof = register.prove(e.index).map_err(failed)?;
                let key = register.verifying_key().clone();
                proof.verify(e.leaf.as_bytes(), &key).map_err(|f| failed(Trouble::Fault(f)))?;
            }
            let record = folded(&events);
            match covers(&record, moment, &d.subject.artifact, &deployment) {
                Coverage::Covered => {
                    covered = true;
                    says = vec![format!(
                        "{} {} until {}",
                        row.record,
                        record.state_at(moment).as_str(),
                        last_day(record.expires)
                    )];
                    break;
                }
                Coverage::Not(why) => says.extend(why.into_iter().map(|w| format!("{} {}: {w}", row.record, row.name))),
            }
        }
        if says.is_empty() {
            says.push("no record is about these bytes: freehold register add".into());
        }
        out.push(Gate { covered, says });
    }
    Ok(out)
}
