//! A recipe as a job elsewhere. Kubeflow's own types read the `TrainJob` where Python has them; axolotl's, TRL's and
//! SkyPilot's parsers, which bring gigabytes, were asked by hand (`docs/benchmarks.md`).

use std::path::Path;
use std::process::Command;

use freehold_studio::job::{Asked, files};

fn job(folder: &Path, engine: &str) -> Vec<(String, String)> {
    let path = crate::resume::recipe(folder, "llama3", "[training]\nsteps = 30\nwarmup = 0.1\n");
    let recipe = freehold_studio::recipe::read(&path).expect("a recipe");
    let decision = "{\"verdict\": \"permitted\", \"as_of\": \"2026-11-25\"}";
    files(&recipe, &Asked { engine, gpus: 4, nodes: 2, decision: Some(decision) }).expect("a job")
}

fn file<'f>(all: &'f [(String, String)], name: &str) -> &'f str {
    all.iter().find(|(n, _)| n == name).map_or_else(|| panic!("no {name}"), |(_, text)| text)
}

#[test]
fn jobs_carry_rows_settings_and_the_decision() {
    let folder = tempfile::tempdir().expect("a folder");
    for engine in ["axolotl", "trl"] {
        let all = job(folder.path(), engine);
        let rows = file(&all, "data/train.jsonl");
        assert_eq!(rows.lines().count(), 40);
        let row = r#"{"messages":[{"role":"user","content":"word 0"},{"role":"assistant","content":"alpha"}]}"#;
        assert_eq!(rows.lines().next(), Some(row));
        let config = file(&all, &format!("{engine}.yaml"));
        for line in ["lora_r: 4", "learning_rate: 0.0002", "max_steps: 30", "seed: 42", "lora_dropout: 0.1"] {
            assert!(config.lines().any(|l| l == line), "{line} in {config}");
        }
        let sky = file(&all, "skypilot.yaml");
        assert!(sky.contains("--nnodes=$SKYPILOT_NUM_NODES") && sky.contains("FREEHOLD_VERDICT: permitted"), "{sky}");
        let train = file(&all, "trainjob.yaml");
        assert!(train.contains("freehold.dev/verdict: permitted") && train.contains("numProcPerNode: 4"), "{train}");
        assert!(file(&all, "README.md").contains("freehold tune export"));
    }
}

#[test]
fn kubeflow_reads_the_job_and_loses_nothing() {
    let Some(python) = std::env::var_os("FREEHOLD_PYTHON") else {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: FREEHOLD_PYTHON names no Python with kubeflow-trainer-api");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let program = "
import sys, yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob
given = yaml.safe_load(open(sys.argv[1]))
read = TrainerV1alpha1TrainJob.from_dict(given).to_dict()
def lost(a, b, at=''):
    for key, value in a.items():
        assert key in b, at + key
        if isinstance(value, dict):
            lost(value, b[key], at + key + '.')
lost(given, read)
";
    for engine in ["axolotl", "trl"] {
        let path = folder.path().join("trainjob.yaml");
        std::fs::write(&path, file(&job(folder.path(), engine), "trainjob.yaml")).expect("written");
        let out = Command::new(&python).args(["-c", program]).arg(&path).output().expect("python runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}
