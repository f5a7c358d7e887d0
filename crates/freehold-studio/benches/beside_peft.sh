#!/usr/bin/env bash
# The studio and PEFT on the same base, adapter and batches, turn and turn about: one line of a table for each.
#   beside_peft.sh FOLDER STEPS        PYTHON has torch, transformers and peft; FOLDER is made by `beside_peft.py make`
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) folder=$1 steps=$2
cargo build --release --quiet --package freehold-studio --example steps
steps_program=$(cargo metadata --format-version 1 --no-deps | grep -o '"target_directory":"[^"]*"' | cut -d '"' -f 4)/release/examples/steps
for mode in plain recompute; do
  for threads in 1 2; do
    for engine in freehold-studio peft; do
      case $engine in
        peft) OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads "${PYTHON:-python3}" "$here/beside_peft.py" run "$folder" "$steps" $([ $mode = plain ] || echo ckpt) 2>/dev/null ;;
        *) MIMALLOC_PURGE_DELAY=-1 "$steps_program" "$folder" "$steps" "$threads" $mode ;;
      esac
    done
  done
done | "${PYTHON:-python3}" -c '
import json, sys
runs = [json.loads(line) for line in sys.stdin]
print("| mode, threads | studio CPU s/step | PEFT CPU s/step | ratio | studio wall | PEFT wall | studio peak MB | PEFT peak MB | ratio | losses apart |\n|---|---|---|---|---|---|---|---|---|---|")
for ours, theirs in zip(runs[::2], runs[1::2]):
    apart = max(abs(a - b) for a, b in zip(ours["losses"], theirs["losses"]))
    print("| %s, %s | %.2f | %.2f | %.3f | %.2f | %.2f | %.0f | %.0f | %.3f | %.1e |" % (
        ours["mode"], ours["threads"], ours["cpu_s_per_step"], theirs["cpu_s_per_step"], ours["cpu_s_per_step"] / theirs["cpu_s_per_step"],
        ours["wall_s_per_step"], theirs["wall_s_per_step"], ours["peak_mb"], theirs["peak_mb"], ours["peak_mb"] / theirs["peak_mb"], apart))
'
