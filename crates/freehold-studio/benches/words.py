"""A small task with held-out rows, and its score through llama.cpp:
python words.py data FOLDER          writes train.jsonl and held_out.jsonl
python words.py score JUDGE GGUF BASE held_out.jsonl   exact answers, as llama.cpp gives them (JUDGE: `judge` of the tests)"""
import json, os, random, subprocess, sys, tempfile

WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
if sys.argv[1] == "data":
    random.seed(5)
    pairs = [(a, b) for a in range(20) for b in range(20)]
    random.shuffle(pairs)
    for name, part in (("train.jsonl", pairs[:340]), ("held_out.jsonl", pairs[340:])):
        with open(os.path.join(sys.argv[2], name), "w") as f:
            for a, b in part:
                f.write(json.dumps({"instruction": f"Spell {a} and {b}.", "output": f"{WORDS[a]} and {WORDS[b]}"}) + "\n")
else:
    from transformers import AutoTokenizer
    judge, gguf, base, held = sys.argv[2:]
    t = AutoTokenizer.from_pretrained(base)
    env = dict(os.environ, FREEHOLD_LLAMA_LIB=os.path.join(os.path.dirname(judge), "lib"))
    right = rows = 0
    for line in open(held):
        row = json.loads(line)
        text = t.apply_chat_template([{"role": "user", "content": row["instruction"]}], add_generation_prompt=True, tokenize=False)
        with tempfile.NamedTemporaryFile("w", suffix=".ids") as f:
            f.write(" ".join(map(str, t.encode(text, add_special_tokens=False))))
            f.flush()
            out = subprocess.run([judge, "say", gguf, f.name, "16"], env=env, capture_output=True, check=True, text=True).stdout
        said = t.decode([int(i) for i in out.split()]).split("<|eot_id|>")[0].strip()
        right += said == row["output"]
        rows += 1
    print(f"{right} of {rows} held-out answers exact")
