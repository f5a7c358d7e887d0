// An engineer trains from the page: a real training of a small model, its loss as it goes, its samples, a GGUF at the end.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { AxeBuilder } from "@axe-core/playwright";
import { binary, peopled, started } from "./server.mjs";

const program = process.env.FREEHOLD_CHROMIUM;
const pictures = process.env.FREEHOLD_PICTURES;
const skip = !program || !existsSync(program) ? "no Chromium is installed here"
  : existsSync(join(dirname(binary), "freehold-studio")) ? false : "freehold-studio is not built beside freehold";

// A small base whose weights follow from a formula, with a tokenizer of bytes.
function base(folder) {
  mkdirSync(folder, { recursive: true });
  const [hidden, words, feed, layers] = [64, 264, 128, 2];
  writeFileSync(join(folder, "config.json"), JSON.stringify({
    model_type: "llama", architectures: ["LlamaForCausalLM"], hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: 4, num_key_value_heads: 2,
    vocab_size: words, intermediate_size: feed, max_position_embeddings: 256, rms_norm_eps: 1e-5, rope_theta: 10000.0, tie_word_embeddings: false, bos_token_id: 256, eos_token_id: 257 }));
  const shapes = [["model.embed_tokens.weight", [words, hidden]], ["lm_head.weight", [words, hidden]], ["model.norm.weight", [hidden]]];
  for (let i = 0; i < layers; i++) for (const [name, shape] of [["input_layernorm", [hidden]], ["post_attention_layernorm", [hidden]], ["self_attn.q_proj", [hidden, hidden]],
    ["self_attn.k_proj", [hidden / 2, hidden]], ["self_attn.v_proj", [hidden / 2, hidden]], ["self_attn.o_proj", [hidden, hidden]], ["mlp.gate_proj", [feed, hidden]],
    ["mlp.up_proj", [feed, hidden]], ["mlp.down_proj", [hidden, feed]]]) shapes.push([`model.layers.${i}.${name}.weight`, shape]);
  const header = {};
  const all = [];
  let state = 7;
  for (const [name, shape] of shapes) {
    const from = all.length * 4;
    for (let n = shape.reduce((a, b) => a * b); n > 0; n--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const unit = state / 2147483648 - 1;
      all.push(name.includes("norm") ? 1 + 0.1 * unit : 0.15 * unit);
    }
    header[name] = { dtype: "F32", shape, data_offsets: [from, all.length * 4] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([length, text, Buffer.from(new Float32Array(all).buffer)]));
  const printable = (b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  const vocab = {};
  let next = 256;
  for (let b = 0; b < 256; b++) vocab[String.fromCodePoint(printable(b) ? b : next++)] = b;
  const special = (id, content) => ({ id, content, special: true, normalized: false, lstrip: false, rstrip: false, single_word: false });
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ version: "1.0", truncation: null, padding: null, added_tokens: [special(256, "<|im_start|>"), special(257, "<|im_end|>")],
    normalizer: null, post_processor: null, pre_tokenizer: bytes, decoder: bytes, model: { type: "BPE", vocab, merges: [], fuse_unk: false, byte_fallback: false, ignore_merges: false } }));
  writeFileSync(join(folder, "tokenizer_config.json"), `{"eos_token": "<|im_end|>"}`);
}

const recipe = (name) => `name = "${name}"
[base]
path = "base"
model = "Qwen/Qwen2.5-0.5B"
[[dataset]]
path = "train.jsonl"
license = "own"
[adapter]
rank = 4
[data]
sequence_length = 128
template = "chatml"
evaluation = 0.2
[training]
steps = 150
batch = 4
learning_rate = 0.01
[probe]
prompts = ["word 1"]
tokens = 4
[output]
formats = ["Q8_0"]
[use]
access = "internal"
commercial = true
activities = []
`;

test("a training is started from a form, told as it goes, and ends in a GGUF", { skip }, async () => {
  const studio = mkdtempSync(join(tmpdir(), "freehold-studio-"));
  base(join(studio, "base"));
  writeFileSync(join(studio, "train.jsonl"), Array.from({ length: 60 }, (_, i) => `{"input": "word ${i % 5}", "output": "w${i % 5}"}\n`).join(""));
  const server = await started(["--studio", studio]);
  await peopled(server, ["requester"]);
  const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(60000);
  page.on("pageerror", (e) => assert.fail(e.message));
  await page.goto(`${server.url}/sign-in?next=/runs`);
  await page.getByLabel("Login").fill("requester");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "New training" }).click();
  assert.deepEqual(await page.locator("#bases option").evaluateAll((all) => all.map((o) => o.value)), ["base"]);
  const axe = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(axe.violations.map((v) => v.id), []);
  await page.getByLabel("What the model is called").fill("words");
  await page.getByLabel("Base, below the studio's folder").fill("base");
  await page.getByLabel("Data", { exact: true }).fill("train.jsonl");
  await page.getByText("Or the whole recipe").click();
  await page.getByLabel(/^Recipe, TOML/).fill(recipe("words"));
  await page.getByRole("button", { name: "Start" }).click();
  await page.waitForURL(/\/runs\/[0-9A-Z]{26}/);
  // without loading the page again
  await page.waitForFunction(() => /^Step \d+: /.test(document.querySelector("#loss-now").textContent));
  const first = await page.locator("#loss-now").innerText();
  await page.waitForFunction(() => ["done", "blocked", "failed"].includes(document.querySelector("#run-state").textContent));
  assert.notEqual(await page.locator("#loss-now").innerText(), first, "the curve grew");
  assert.ok((await page.locator("#loss-line").getAttribute("points")).split(" ").length > 20);
  await page.reload();
  await page.getByRole("heading", { name: "Samples" }).waitFor();
  if (pictures) await page.screenshot({ path: join(pictures, "run.png"), fullPage: true });
  const after = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(after.violations.map((v) => v.id), []);
  const state = await page.locator("#run-state").innerText();
  assert.equal(state, "done", await page.locator("#run-log").innerText());
  assert.ok(readdirSync(join(studio, "words", "bundle")).includes("model.gguf"));
  await browser.close();
  await server.stop();
  assert.equal(server.errors(), "");
  rmSync(studio, { recursive: true, force: true });
});
