//! A table of many models, for `freehold register import`: names, bases, uses and numbers that vary.

use std::io::Write as _;

const BASES: [&str; 6] = [
    "meta-llama/Llama-3.1-8B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "mistralai/Mistral-7B-v0.3",
    "google/gemma-2-9b-it",
    "Qwen/Qwen2.5-3B-Instruct",
    "microsoft/phi-4",
];

fn main() -> std::io::Result<()> {
    let rows: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "name,base,relation,license,governance.owner,use.access,use.commercial,use.activities,organization.monthly_active_users,organization.monthly_active_users_at_license_release,distribution.audience"
    )?;
    for n in 0..rows {
        let base = BASES.get(n % BASES.len()).copied().unwrap_or_default();
        let step = ["finetune", "adapter", "quantized"].get(n % 3).copied().unwrap_or_default();
        let access = ["hosted-app", "weights", "internal"].get(n % 3).copied().unwrap_or_default();
        writeln!(
            out,
            "model-{n:06},{base},{step},apache-2.0,Owner {},{access},yes,none,{},{},customers",
            n % 50,
            4000 + n,
            4000 + n
        )?;
    }
    out.flush()
}
