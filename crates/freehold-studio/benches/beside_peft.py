"""The other side of the comparison: the same base, adapter and batches through transformers and PEFT.
python beside_peft.py make FOLDER                    writes base/, adapter0/ and batches.json of a 113.6M-parameter Llama (needs a trained tokenizer: none is used)
python beside_peft.py run FOLDER STEPS [ckpt]        OMP_NUM_THREADS says how many threads"""
import json, os, sys, time

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

if sys.argv[1] == "make":
    folder = sys.argv[2]
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=8192, hidden_size=1024, num_hidden_layers=8, num_attention_heads=16, num_key_value_heads=8,
                         intermediate_size=2816, max_position_embeddings=2048, rope_theta=500000.0, rms_norm_eps=1e-5,
                         tie_word_embeddings=False, initializer_range=0.05)
    model = LlamaForCausalLM(config).float()
    model.save_pretrained(f"{folder}/base")
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    get_peft_model(model, LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM", target_modules=targets)).save_pretrained(f"{folder}/adapter0")
    ids = torch.randint(0, 8192, (8, 2, 512))
    labels = ids.clone()
    labels[:, :, :16] = -100
    json.dump([{"ids": a.tolist(), "labels": b.tolist()} for a, b in zip(ids, labels)], open(f"{folder}/batches.json", "w"))
else:
    folder, steps, ckpt = sys.argv[2], int(sys.argv[3]), "ckpt" in sys.argv[4:]
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(f"{folder}/base", dtype=torch.float32), f"{folder}/adapter0", is_trainable=True)
    model.config.use_cache = False
    if ckpt:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    model.train()
    batches = json.load(open(f"{folder}/batches.json"))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-3, weight_decay=0.01)
    losses, walls, cpus = [], [], []
    for step in range(steps):
        began, before = time.perf_counter(), time.process_time()
        batch = batches[step % len(batches)]
        loss = model(input_ids=torch.tensor(batch["ids"]), labels=torch.tensor(batch["labels"])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - before)
    peak = int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024
    mean = lambda all: sum(all[1:]) / max(len(all) - 1, 1)
    print(json.dumps({"engine": "peft", "mode": "recompute" if ckpt else "plain", "threads": os.environ["OMP_NUM_THREADS"],
                      "wall_s_per_step": mean(walls), "cpu_s_per_step": mean(cpus), "peak_mb": peak, "losses": losses}))
