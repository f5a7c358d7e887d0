#!/usr/bin/env python3
"""What files of models say, as a reader with a real YAML and JSON parser sees it: `read.py ARTIFACTS [HUB.jsonl]`.

Prints one JSON line a file: {"file", "kind", "said": {field: [texts]}, "refused", "doubled", "yaml11"}.
Written from the formats' own documents, and on purpose not from Freehold's code: where both say the same, neither is
likely to be wrong. Values are texts as written. `refused` is the parser's complaint where it takes the file or a recipe
in it for broken; what the lines of front matter alone still tell is then under `said`. `doubled` names keys that stand
twice in one mapping, of which Python keeps the last value. `yaml11` names fields whose value YAML 1.1 (PyYAML) takes for
something else than text and YAML 1.2 for a text (`no`, `1_000`, a date): the text is what is said.
"""

import json
import os
import re
import struct
import sys

import yaml

# Front matter as the hub's own library finds it (huggingface_hub, repocard.py).
FRONT_MATTER = re.compile(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))")
FENCE = re.compile(r"^ {0,3}(```+|~~~+)[^\w\n]*(\w*)[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
NULL, STR = "tag:yaml.org,2002:null", "tag:yaml.org,2002:str"
CARD = ["license", "license_name", "license_link", "base_model", "base_model_relation", "datasets", "tags",
        "library_name", "pipeline_tag", "model_name", "quantized_by"]
# YAML 1.2's core schema: what of a plain scalar is no text there either.
CORE = re.compile(r"true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
                  r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


class Said:
    def __init__(self):
        self.said, self.refused, self.doubled, self.yaml11 = {}, None, [], []

    def add(self, field, *texts):
        self.said.setdefault(field, []).extend(t for t in texts if isinstance(t, str) and t.strip())


def tree(text, out):
    """Documents of a YAML text as dicts, lists and texts; None for null. Alias and merge keys are resolved."""
    loader = yaml.SafeLoader(text)

    def value(node, path, above=()):
        if any(node is n for n in above):
            return None
        above = (*above, node)
        if isinstance(node, yaml.MappingNode):
            keys = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
            out.doubled.extend(sorted({k for k in keys if keys.count(k) > 1}))
            loader.flatten_mapping(node)
            return {k.value: value(v, f"{path}.{k.value}".strip("."), above)
                    for k, v in node.value if isinstance(k, yaml.ScalarNode)}
        if isinstance(node, yaml.SequenceNode):
            return [value(v, path, above) for v in node.value]
        if node.tag == NULL:
            return None
        if node.tag != STR and node.style is None and not CORE.fullmatch(node.value):
            out.yaml11.append(path)
        return node.value

    try:
        while loader.check_node():
            yield value(loader.get_node(), "")
    finally:
        loader.dispose()


def texts(value):
    """A text, or the texts of a list."""
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]


def lines_of(front, out):
    """`key: value` and `- value` at the left, for front matter that no YAML parser takes."""
    key = None
    for line in front.splitlines():
        top, item = re.match(r"([A-Za-z_]+):(?:\s+(.*))?$", line), re.match(r"\s*-\s+(.*)$", line)
        bare = lambda t: re.sub(r"\s+#.*", "", t or "").strip().strip("\"'")
        if top:
            key = top[1] if top[1] in CARD else None
            if key and bare(top[2]):
                out.add(key, bare(top[2]))
        elif item and key:
            out.add(key, bare(item[1]))


def card(text, out):
    front = FRONT_MATTER.match(text)
    if front:
        try:
            root = next(tree(front[2], out), None)
            for key in CARD if isinstance(root, dict) else []:
                out.add(key, *texts(root.get(key)))
        except yaml.YAMLError as e:
            out.refused = str(e).replace("\n", " ")
            lines_of(front[2], out)
    for fence in FENCE.finditer(text[front.end():] if front else text):
        if fence[2].lower() in ("", "yaml", "yml"):
            try:
                merge(fence[3], out)
            except yaml.YAMLError as e:
                # most fences hold something else than a recipe
                if re.search(r"^\s*(merge_method|slices|models|experts):", fence[3], re.MULTILINE):
                    out.refused = str(e).replace("\n", " ")


def models(value):
    """Models named in a merge recipe: `a/b`, `a/b@revision`, `a/b+c/lora`, or the same as a mapping."""
    if isinstance(value, str):
        for part in value.split("+"):
            yield part.split("@")[0].strip()
    elif isinstance(value, dict):
        for key in ("model", "path", "lora"):
            yield from models(value.get(key))


def merge(text, out):
    """mergekit's recipe: its parents in the order of the text, each once."""
    documents = [d for d in tree(text, out) if isinstance(d, dict)]
    steps = {d.get("name") for d in documents}

    def walk(node, key=None):
        if isinstance(node, list):
            for item in node:
                if key == "models" and isinstance(item, str):
                    yield from models(item)
                yield from walk(item)
        elif isinstance(node, dict):
            for name, value in node.items():
                if name in ("model", "base_model", "source_model"):
                    yield from models(value)
                elif name not in ("parameters", "tokenizer", "tokenizer_source"):
                    yield from walk(value, name)

    for document in documents:
        if any(k in document for k in ("merge_method", "slices", "experts", "models")):
            out.add("merge_method", *texts(document.get("merge_method")))
            for parent in walk(document):
                if parent and parent not in steps and parent not in out.said.get("merge_parent", []):
                    out.add("merge_parent", parent)


def members(raw, out):
    try:
        root = json.loads(raw)
    except (ValueError, RecursionError) as e:
        out.refused = str(e)
        return {}
    return root if isinstance(root, dict) else {}


def adapter(raw, out):
    root = members(raw, out)
    out.add("adapter_base", root.get("base_model_name_or_path"))
    out.add("adapter_revision", root.get("revision"))
    out.add("adapter_type", root.get("peft_type"))


def config(raw, out):
    root = members(raw, out)
    out.add("name_or_path", root.get("_name_or_path"), root.get("name_or_path"), root.get("model_name_or_path"))
    # a model put together from others has a config of each
    out.add("name_or_path", *(v.get("_name_or_path") for v in root.values() if isinstance(v, dict)))
    out.add("license", *texts(root.get("license")))
    for key in (k for k in root if k in ("architectures", "model_type", "_class_name")):
        out.add("architecture", *texts(root[key]))
    for quantization in (root.get("quantization_config"), root.get("quantization"), root):
        if isinstance(quantization, dict):
            out.add("quantization", quantization.get("quant_method"), quantization.get("quant_algo"))

    def code(value):
        for v in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            yield from code(v) if isinstance(v, (dict, list)) else [v]

    out.add("remote_code", *code(root.get("auto_map")))


def index(raw, out):
    files = members(raw, out).get("weight_map", {}).values()
    out.add("format", *sorted({"safetensors" if f.endswith(".safetensors") else "pytorch" for f in files}))


def pointer(raw, out):
    fields = dict(line.split(" ", 1) for line in raw.decode().splitlines() if " " in line)
    out.add("sha256", fields.get("oid", "").removeprefix("sha256:"))
    out.add("bytes", fields.get("size"))


def safetensors(raw, out):
    (length,) = struct.unpack("<Q", raw[:8])
    metadata = members(raw[8:8 + length], out).get("__metadata__", {})
    out.add("format", "safetensors")
    out.add("license", metadata.get("license"), metadata.get("modelspec.license"))
    out.add("base_model", metadata.get("base_model"))


class Gguf:
    """The key-value pairs of a GGUF header, little-endian, version 2 or 3."""
    NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}

    def __init__(self, raw):
        self.raw, self.at = raw, 4
        _version, _tensors, pairs = self.take("<I"), self.take("<Q"), self.take("<Q")
        self.pairs = [(self.text(), self.value(self.take("<I"))) for _ in range(pairs)]

    def take(self, form):
        (value,) = struct.unpack_from(form, self.raw, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        length = self.take("<Q")
        self.at += length
        return self.raw[self.at - length:self.at].decode("utf-8", "replace")

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, count = self.take("<I"), self.take("<Q")
            return [self.value(inner) for _ in range(count)]
        return self.take(self.NUMBERS[kind])


def gguf(raw, out):
    pairs = Gguf(raw).pairs
    header = dict(pairs)
    out.add("format", "gguf")
    for field, key in (("license", "license"), ("license_name", "license.name"), ("license_link", "license.link"),
                       ("architecture", "architecture"), ("name", "name"), ("quantized_by", "quantized_by")):
        out.add(field, header.get(f"general.{key}"))
    for key, value in pairs:
        if re.fullmatch(r"general\.base_model\.\d+\.repo_url", key):
            out.add("base_model", value)
        if re.fullmatch(r"general\.base_model\.\d+\.name", key):
            out.add("base_model_name", value)
    out.add("datasets", *texts(header.get("general.datasets")))
    out.add("tags", *texts(header.get("general.tags")))


def modelfile(text, out):
    """Ollama's Modelfile: instructions at the beginning of a line, values that may be quoted over several lines."""
    pattern = re.compile(r'^[ \t]*(FROM|ADAPTER|LICENSE|SYSTEM|TEMPLATE|MESSAGE[ \t]+\w+|PARAMETER[ \t]+\w+)[ \t]+'
                         r'("""(.*?)"""|"([^"\n]*)"|([^\n]*))', re.MULTILINE | re.DOTALL | re.IGNORECASE)
    for m in pattern.finditer(text):
        command, value = m[1].upper(), next(g for g in (m[3], m[4], m[5]) if g is not None).strip()
        if command == "FROM":
            out.add("from", value)
        elif command == "ADAPTER":
            out.add("adapter_file", value)
        elif command == "LICENSE" and len(value.split()) == 1:
            out.add("license", value)


def manifest(raw, out):
    for layer in members(raw, out).get("layers", []):
        if layer["mediaType"] == "application/vnd.ollama.image.model":
            out.add("sha256", layer["digest"].removeprefix("sha256:"))


READERS = {
    "card": card, "card-dataset": card, "mergekit": merge, "modelfile": modelfile,
    "adapter": adapter, "hfconfig": config, "quant": config, "index": index,
    "safetensors": safetensors, "safetensors-header-only": safetensors, "gguf": gguf, "ollama": manifest,
    "chat_template": lambda text, out: None,
}
TEXT = ("card", "card-dataset", "mergekit", "modelfile", "chat_template")


def tell(file, kind, out):
    said = {k: v for k, v in out.said.items() if v}
    print(json.dumps({"file": file, "kind": kind, "said": said,
                      "refused": out.refused, "doubled": out.doubled, "yaml11": out.yaml11}))


def hub(path):
    """Cards of a sample of the hub, one JSON object a line; of a gated repository the front matter alone."""
    with open(path, encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            out = Said()
            text = row.get("readme") or f"---\n{row.get('cardDataYaml') or ''}\n---\n"
            card(text.removeprefix("\ufeff"), out)
            tell(row["id"], "hub", out)


def main(root, sample=None):
    if sample:
        hub(sample)
    for kind, reader in READERS.items() | {("lfs-pointer", pointer)}:
        for folder, _, files in os.walk(os.path.join(root, kind)):
            for name in files:
                path, out = os.path.join(folder, name), Said()
                with open(path, "rb") as file:
                    raw = file.read()
                if raw.startswith(b"version https://git-lfs.github.com/spec/"):
                    pointer(raw, out)
                elif kind in TEXT:
                    try:
                        reader(raw.decode("utf-8-sig", "replace"), out)
                    except yaml.YAMLError as e:
                        out.refused = str(e).replace("\n", " ")
                else:
                    reader(raw, out)
                tell(os.path.relpath(path, root), kind, out)


if __name__ == "__main__":
    main(*sys.argv[1:3])
