"""A small Llama trained from scratch on text that this repository may use (its own pages), as a base for a real job:
python scratch.py OUT_FOLDER REPOSITORY MINUTES. Needs torch, transformers, tokenizers."""
import glob, json, sys, time

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

out, repository, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
files = sorted(glob.glob(f"{repository}/docs/**/*.md", recursive=True) + glob.glob(f"{repository}/scenarios/*.md") + glob.glob(f"{repository}/*.md"))
pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
t = Tokenizer(models.BPE(ignore_merges=True))
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
t.decoder = decoders.ByteLevel()
specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
t.train(files, trainers.BpeTrainer(vocab_size=2048 - len(specials), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
t.add_special_tokens(specials)
ids = torch.tensor([i for f in files for i in t.encode(open(f).read()).ids])
torch.manual_seed(0)
config = LlamaConfig(vocab_size=2048, hidden_size=256, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=4, intermediate_size=768,
                     max_position_embeddings=1024, rope_theta=500000.0, rms_norm_eps=1e-5, tie_word_embeddings=False,
                     bos_token_id=t.token_to_id(specials[0]), eos_token_id=t.token_to_id(specials[1]))
model = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
began, step, loss = time.time(), 0, None
while time.time() - began < 60 * minutes:
    at = torch.randint(0, len(ids) - 257, (8,))
    batch = torch.stack([ids[a:a + 256] for a in at])
    loss = model(input_ids=batch, labels=batch).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    step += 1
print(json.dumps({"files": len(files), "tokens": len(ids), "steps": step, "loss": loss.item()}))
model.bfloat16().save_pretrained(out)
template = "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
PreTrainedTokenizerFast(tokenizer_object=t, bos_token=specials[0], eos_token=specials[1], chat_template=template).save_pretrained(out)
