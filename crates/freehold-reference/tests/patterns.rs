//! Every pattern that is read and every false hit that is not, each with a snippet made for it.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use freehold_reference::{Definitions, EXCERPT_CHARS_MAX, Limits, Reference, Role, Scanned, scan};

fn run(path: &str, text: &str) -> Scanned {
    scan(path, text, &Limits::default())
}

/// `kind id[@revision][#file][ ?][ role]`, in the order of the text.
fn said(path: &str, text: &str) -> Vec<String> {
    let found = run(path, text).references;
    for r in &found {
        let (from, to) = r.evidence.bytes.unwrap();
        let (from, to) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
        assert!(from < to && to <= text.len(), "{path}: {r:?}");
        assert!(text.is_char_boundary(from) && text.is_char_boundary(to), "{path}: {r:?}");
        let line = text[..from].matches('\n').count() + 1;
        assert_eq!(r.evidence.line, u32::try_from(line).ok(), "{r:?}");
        assert_eq!(r.evidence.file, path);
        assert!(r.excerpt.chars().count() <= EXCERPT_CHARS_MAX);
        // the id, or what it was made of, stands in the bytes
        let last = r.id.rsplit(['/', ':']).next().unwrap();
        let made = r.id.starts_with("openai/whisper-")
            || r.id.contains("faster-whisper")
            || r.id.starts_with("https://github.com/");
        assert!(text[from..to].contains(last) || made || text[from..to].contains('\\'), "{r:?}: {:?}", &text[from..to]);
    }
    found.iter().map(show).collect()
}

fn show(r: &Reference) -> String {
    let mut s = format!("{} {}", r.kind.as_str(), r.id);
    if let Some(revision) = &r.revision {
        s.push_str(&format!("@{revision}"));
    }
    if let Some(file) = &r.file {
        s.push_str(&format!("#{file}"));
    }
    if r.unresolved {
        s.push_str(" ?");
    }
    if let Some(role) = r.role {
        s.push_str(match role {
            Role::Base => " base",
            Role::Adapter => " adapter",
            Role::Draft => " draft",
            Role::Tokenizer => " tokenizer",
        });
    }
    s
}

#[track_caller]
fn check(path: &str, cases: &[(&str, &[&str])]) {
    for (text, wanted) in cases {
        assert_eq!(said(path, text), *wanted, "\n{text}");
    }
}

#[test]
fn python_loaders() {
    check(
        "a.py",
        &[
            ("m = AutoModel.from_pretrained(\"acme/base-7b\", revision=\"abc123\")", &["model acme/base-7b@abc123"]),
            (
                "AutoModel.from_pretrained(\n    pretrained_model_name_or_path='acme/base-7b',\n)",
                &["model acme/base-7b"],
            ),
            ("BertModel.from_pretrained('bert-base-uncased')", &["model bert-base-uncased"]),
            ("AutoModel.from_pretrained('./out/model')", &["file ./out/model"]),
            ("AutoTokenizer.from_pretrained('acme/base-7b')", &["model acme/base-7b tokenizer"]),
            (
                "t = AutoTokenizer.from_pretrained(M)\nM = 'acme/base-7b'\nm = AutoModel.from_pretrained(M)",
                &["model acme/base-7b"],
            ),
            (
                "m, t = FastLanguageModel.from_pretrained(\n  model_name = \"acme/base-7b\",\n  load_in_4bit = True)",
                &["model acme/base-7b"],
            ),
            ("p = pipeline('text-generation', model='acme/base-7b')", &["model acme/base-7b"]),
            ("p = pipeline(\"summarization\", \"acme/base-7b\")", &["model acme/base-7b"]),
            ("p = lmdeploy.pipeline('acme/base-7b')", &["model acme/base-7b"]),
            ("p = pipeline(model=model, tokenizer=tok)", &[]),
            ("SentenceTransformer('all-MiniLM-L6-v2')", &["model sentence-transformers/all-MiniLM-L6-v2"]),
            ("SentenceTransformer('acme/embed-1')", &["model acme/embed-1"]),
            ("CrossEncoder('ms-marco-MiniLM-L-6-v2')", &["model cross-encoder/ms-marco-MiniLM-L-6-v2"]),
            (
                "HuggingFaceEmbeddings(model_name='all-mpnet-base-v2')",
                &["model sentence-transformers/all-mpnet-base-v2"],
            ),
            ("snapshot_download('acme/base-7b', revision='v1.0')", &["model acme/base-7b@v1.0"]),
            (
                "REPO_ID = \"acme/x-gguf\"\nFILE = \"x.Q4.gguf\"\nhf_hub_download(repo_id=REPO_ID, filename=FILE)",
                &["model acme/x-gguf#x.Q4.gguf"],
            ),
            ("hf_hub_download('acme/x-gguf', 'x.gguf')", &["model acme/x-gguf#x.gguf"]),
            (
                "llm = LLM(model=\"acme/base-7b\", speculative_model=\"acme/tiny-1b\")",
                &["model acme/base-7b", "model acme/tiny-1b draft"],
            ),
            ("Llama.from_pretrained(repo_id='acme/x-gguf', filename='*q8_0.gguf')", &["model acme/x-gguf#*q8_0.gguf"]),
            ("Llama(model_path='./models/x.gguf')", &["file ./models/x.gguf"]),
            ("whisper.load_model('turbo')", &["model openai/whisper-large-v3-turbo"]),
            ("WhisperModel('large-v3', device='cuda')", &["model Systran/faster-whisper-large-v3"]),
            ("nlp = spacy.load('en_core_web_sm')", &["model spacy/en_core_web_sm"]),
            ("timm.create_model('hf_hub:timm/vit_b16', pretrained=True)", &["model timm/vit_b16"]),
            ("open_clip.create_model_and_transforms('hf-hub:acme/clip-b')", &["model acme/clip-b"]),
            ("open_clip.create_model_and_transforms('ViT-B', pretrained='/w/x.pt')", &["file /w/x.pt"]),
            ("YOLO('yolov8n.pt')", &["file yolov8n.pt"]),
            ("torch.hub.load('acme/vision:v0.1', 'net50')", &["file https://github.com/acme/vision@v0.1"]),
            ("torch.load('weights/x.pth')", &["file weights/x.pth"]),
            ("keras_hub.models.X.from_preset('hf://acme/base-7b')", &["model acme/base-7b"]),
            ("from mlx_lm import load\nm, t = load('acme/base-4bit')", &["model acme/base-4bit"]),
            ("HFEmbedder('acme/clip-l', max_length=77)", &["model acme/clip-l"]),
            (
                "pipe.load_lora_weights('acme/style-lora', weight_name='s.safetensors')",
                &["model acme/style-lora#s.safetensors adapter"],
            ),
        ],
    );
}

#[test]
fn python_adapters() {
    check(
        "a.py",
        &[
            ("PeftModel.from_pretrained(base, 'acme/lora-1')", &["model acme/lora-1 adapter"]),
            (
                "PeftModel.from_pretrained('acme/base-7b', 'acme/lora-1')",
                &["model acme/base-7b base", "model acme/lora-1 adapter"],
            ),
            (
                "b = AutoModel.from_pretrained('acme/base-7b')\nPeftModel.from_pretrained(b, ADAPTER)",
                &["model acme/base-7b", "model ADAPTER ? adapter"],
            ),
            ("AutoPeftModelForCausalLM.from_pretrained('acme/lora-1')", &["model acme/lora-1 adapter"]),
        ],
    );
}

#[test]
fn python_constants_and_variables() {
    check(
        "a.py",
        &[
            ("AutoModel.from_pretrained(args.model)", &["model args.model ?"]),
            ("AutoModel.from_pretrained(cfg['model'])", &["model cfg['model'] ?"]),
            ("AutoModel.from_pretrained(f\"acme/{size}\")", &["model acme/{size} ?"]),
            (
                "MODEL = os.getenv('MODEL_ID', 'acme/base-7b')\nAutoModel.from_pretrained(MODEL)",
                &["model acme/base-7b"],
            ),
            (
                "self.m = config.get('model_name', 'acme/base-7b')\nAutoModel.from_pretrained(self.m)",
                &["model acme/base-7b"],
            ),
            (
                "n = {'a': 'acme/a-1', 'b': 'acme/b-2'}[k]\nAutoModel.from_pretrained(n)",
                &["model acme/a-1", "model acme/b-2"],
            ),
            (
                "def f(model_name: str = 'acme/base-7b'):\n  return AutoModel.from_pretrained(model_name)",
                &["model acme/base-7b"],
            ),
            ("d = snapshot_download('acme/base-7b')\nAutoModel.from_pretrained(d)", &["model acme/base-7b"]),
            (
                "p.add_argument('--model_name', type=str, default='acme/base-7b')\nAutoModel.from_pretrained(args.model_name)",
                &["model acme/base-7b"],
            ),
            ("path = Path(path)\nX.from_pretrained(path)", &["model path ?"]),
            ("out = 'gemma_ft'\nm.save_pretrained(out)\nX.from_pretrained(out)", &[]),
            ("MODELS = ['acme/a-1', 'acme/b-2']", &["model acme/a-1", "model acme/b-2"]),
        ],
    );
}

#[test]
fn python_clients() {
    check(
        "a.py",
        &[
            ("ChatOllama(model='llama3.1')", &["ollama llama3.1"]),
            ("ollama.chat(model='acme/base-7b', messages=[])", &["ollama acme/base-7b"]),
            ("HuggingFaceEndpoint(repo_id='acme/base-7b')", &["model acme/base-7b"]),
            ("InferenceClient('acme/base-7b')", &["model acme/base-7b"]),
            ("init_chat_model('openai:gpt-4o')", &["vendor gpt-4o"]),
            ("init_chat_model('gpt-4o', model_provider='openai')", &["vendor gpt-4o"]),
            ("ChatOpenAI(temperature=0, model_name='gpt-3.5-turbo')", &["vendor gpt-3.5-turbo"]),
            ("client.messages.create(model=\"claude-3-5-sonnet-20241022\")", &["vendor claude-3-5-sonnet-20241022"]),
            ("litellm.completion(model='ollama/llama3')", &["ollama llama3"]),
            ("litellm.completion(model='huggingface/acme/base-7b')", &["model acme/base-7b"]),
            ("genai.GenerativeModel('gemini-1.5-pro')", &["vendor gemini-1.5-pro"]),
            ("bedrock.invoke_model(modelId='anthropic.claude-v2:1')", &["vendor anthropic.claude-v2:1"]),
            ("requests.post(u, json={'model': 'gpt-4o-mini'})", &["vendor gpt-4o-mini"]),
            ("def f(model='gpt-4-turbo-preview'): pass", &["vendor gpt-4-turbo-preview"]),
            ("OpenAI(base_url=u).chat.completions.create(model='tgi')", &[]),
        ],
    );
}

#[test]
fn python_commands_and_urls() {
    check(
        "a.py",
        &[
            ("subprocess.run(['ollama', 'pull', 'llama3.2'])", &["ollama llama3.2"]),
            ("os.system('huggingface-cli download acme/base-7b')", &["model acme/base-7b"]),
            ("U = 'https://huggingface.co/acme/x-1/resolve/main/x.pth'", &["model acme/x-1@main#x.pth"]),
            (
                "os.system(f'wget https://huggingface.co/acme/x-1/resolve/main/x.pth -O {f}')",
                &["model acme/x-1@main#x.pth"],
            ),
            ("load_state_dict_from_url('https://w.example/x.pth')", &["file https://w.example/x.pth"]),
        ],
    );
}

#[test]
fn javascript() {
    check(
        "a.ts",
        &[
            ("const c = await pipeline('text-classification', 'Xenova/bert-base');", &["model Xenova/bert-base"]),
            (
                "await AutoModel.from_pretrained(\n  \"Xenova/bert-base\",\n  { dtype: 'q4' });",
                &["model Xenova/bert-base"],
            ),
            ("hf.textGeneration({ model: \"acme/base-7b\", inputs })", &["model acme/base-7b"]),
            ("openai.chat.completions.create({ model: 'gpt-4o' })", &["vendor gpt-4o"]),
            ("generateText({ model: anthropic('claude-sonnet-4-20250514') })", &["vendor claude-sonnet-4-20250514"]),
            ("const MODEL: string = 'acme/base-7b';\nAutoModel.from_pretrained(MODEL)", &["model acme/base-7b"]),
            ("AutoModel.from_pretrained(`${org}/${name}`)", &["model ${org}/${name} ?"]),
            (
                "const m = small ? 'Xenova/a-1' : 'Xenova/b-2';\nAutoModel.from_pretrained(m)",
                &["model Xenova/a-1", "model Xenova/b-2"],
            ),
            ("const p = { model: cfg?.model || \"gpt-4o\" }", &["vendor gpt-4o"]),
            ("ollama.chat({ model: 'llama3' })", &["ollama llama3"]),
            ("// model: 'gpt-4o'\n/* pipeline('x', 'acme/y-1') */", &[]),
            ("import { x } from '@acme/model-kit';\nconst y = require('acme/model-1');", &[]),
        ],
    );
    check("a.go", &[("req := Request{Model: \"gpt-4o\"} // \"model\": \"gpt-5\"", &["vendor gpt-4o"])]);
}

#[test]
fn rust() {
    check(
        "a.rs",
        &[
            ("let r = api.model(\"acme/base-7b\".into());", &["model acme/base-7b"]),
            (
                "let r = api.repo(Repo::with_revision(\"acme/base-7b\".to_string(), RepoType::Model, \"refs/pr/1\".to_string()));",
                &["model acme/base-7b@refs/pr/1"],
            ),
            ("Repo::new(\"acme/data-1\".to_string(), RepoType::Dataset)", &[]),
            ("const MODEL_ID: &str = \"acme/base-7b\";", &["model acme/base-7b"]),
            ("#[arg(long, default_value = \"acme/base-7b\")]\nmodel: String,", &["model acme/base-7b"]),
            ("// api.model(\"acme/base-7b\".into())", &[]),
        ],
    );
}

#[test]
fn shell_servers() {
    check(
        "a.sh",
        &[
            ("vllm serve acme/base-7b --port 8000", &["model acme/base-7b"]),
            ("vllm serve --omni acme/base-7b", &["model acme/base-7b"]),
            ("vllm serve $MODEL", &["model $MODEL ?"]),
            ("MODEL=acme/base-7b\nvllm serve $MODEL --dtype auto", &["model acme/base-7b"]),
            ("vllm serve \"${MODEL:-acme/base-7b}\"", &["model acme/base-7b"]),
            (
                "vllm serve acme/base-7b \\\n  --enable-lora \\\n  --lora-modules sql=acme/lora-1 b=/w/lora2",
                &["model acme/base-7b", "model acme/lora-1 adapter", "file /w/lora2 adapter"],
            ),
            (
                "vllm serve acme/base-7b --speculative-config '{\"model\": \"acme/tiny-1b\", \"n\": 5}'",
                &["model acme/base-7b", "model acme/tiny-1b draft"],
            ),
            (
                "vllm serve acme/base-7b --tokenizer acme/tok-1 --served-model-name acme/served-1",
                &["model acme/base-7b", "model acme/tok-1 tokenizer"],
            ),
            ("python -m vllm.entrypoints.openai.api_server --model=acme/base-7b", &["model acme/base-7b"]),
            ("python3 -m sglang.launch_server --model-path acme/base-7b", &["model acme/base-7b"]),
            ("text-generation-launcher --model-id acme/base-7b", &["model acme/base-7b"]),
            (
                "docker run -e HF_TOKEN=$T ghcr.io/huggingface/text-generation-inference:latest --model-id acme/base-7b",
                &["model acme/base-7b"],
            ),
            ("docker run vllm/vllm-openai:latest \\\n  acme/base-7b --dtype auto", &["model acme/base-7b"]),
            ("docker run vllm/vllm-openai:latest --model acme/base-7b", &["model acme/base-7b"]),
            ("docker run -e MODEL_ID=acme/base-7b acme/image:1", &["model acme/base-7b"]),
            ("lmdeploy serve api_server acme/base-7b --server-port 1", &["model acme/base-7b"]),
            ("trtllm-serve acme/base-7b", &["model acme/base-7b"]),
            ("llama-server -hf acme/x-GGUF:Q4_K_M", &["model acme/x-GGUF"]),
            ("./build/bin/llama-server --hf-repo acme/x-GGUF --hf-file x.gguf -c 2048", &["model acme/x-GGUF#x.gguf"]),
            (
                "llama-cli -m models/x.gguf --mmproj models/mm.gguf --lora a.gguf",
                &["file models/x.gguf", "file models/mm.gguf", "file a.gguf adapter"],
            ),
            ("mlx_lm.convert --hf-path acme/base-7b -q", &["model acme/base-7b"]),
            ("python -m mlx_lm.generate --model acme/base-7b --prompt x", &["model acme/base-7b"]),
            ("optimum-cli export onnx --model acme/base-7b out/", &["model acme/base-7b"]),
            ("bash -c \"vllm serve acme/base-7b --port 1\"", &["model acme/base-7b"]),
            ("whisper a.wav --model medium", &["model openai/whisper-medium"]),
            ("python -m spacy download en_core_web_sm", &["model spacy/en_core_web_sm"]),
        ],
    );
}

#[test]
fn aliases_and_arguments() {
    check("a.sh", &[("lmdeploy serve api_server acme/base-7b --model-name served-7b", &["model acme/base-7b"])]);
    let text = "t:\n  - image:\n      b: acme/i-1\n    command: [\"/bin/sh\", \"-c\"]\n    arguments:\n      [\n        \"pip install vllm && \\\n          X=1 vllm serve acme/base-7b \\\n          --port 1\"\n      ]\n";
    check("t.yaml", &[(text, &["model acme/base-7b"])]);
}

#[test]
fn shell_downloads_and_assignments() {
    check(
        "a.sh",
        &[
            ("ollama pull llama3.1:8b && ollama run phi3", &["ollama llama3.1:8b", "ollama phi3"]),
            ("ollama run hf.co/acme/x-GGUF:Q4_K_M", &["model acme/x-GGUF"]),
            ("ollama create mine -f Modelfile", &[]),
            ("hf download acme/base-7b config.json --revision v2", &["model acme/base-7b@v2#config.json"]),
            ("huggingface-cli download acme/base-7b --local-dir ./acme/x", &["model acme/base-7b"]),
            ("hf download acme/data-1 --repo-type dataset", &[]),
            ("hf download acme/data-1 \\\n  --repo-type=dataset", &[]),
            ("for s in a b; do hf download acme/m-$s; done", &["model acme/m-$s ?"]),
            ("git clone https://huggingface.co/acme/base-7b", &["model acme/base-7b"]),
            ("git clone https://huggingface.co/datasets/acme/data-1", &[]),
            ("git clone https://github.com/acme/tool", &[]),
            ("curl -LO https://huggingface.co/acme/x-1/resolve/v1/x.gguf?download=true", &["model acme/x-1@v1#x.gguf"]),
            ("wget https://w.example/a/x.safetensors", &["file https://w.example/a/x.safetensors"]),
            ("docker model run hf.co/acme/x-GGUF", &["model acme/x-GGUF"]),
            ("modelscope download --model acme/base-7b", &["model acme/base-7b"]),
            ("export MODEL_ID=\"acme/base-7b\"", &["model acme/base-7b"]),
            ("export MODEL_NAME=gpt-4o", &["vendor gpt-4o"]),
            ("# MODEL_ID=acme/base-7b\n  # vllm serve acme/base-7b", &[]),
            ("python train.py --model_name_or_path acme/base-7b --dataset acme/data-1", &["model acme/base-7b"]),
            ("python run.py --model unit-tests --model $MODEL", &[]),
            ("vllm serve <your model>", &[]),
        ],
    );
    check(
        ".env",
        &[(
            "HF_MODEL_ID=acme/base-7b # x\nOPENAI_MODEL='gpt-4o-mini'\nOLLAMA_MODEL=llama3",
            &["model acme/base-7b", "vendor gpt-4o-mini", "ollama llama3"],
        )],
    );
    check(
        "m.service",
        &[(
            "[Service]\nEnvironment=\"MODEL_ID=acme/a-1\"\nExecStart=/usr/bin/vllm serve acme/base-7b",
            &["model acme/a-1", "model acme/base-7b"],
        )],
    );
    check("Makefile", &[("MODEL ?= acme/base-7b\nrun:\n\tvllm serve $(MODEL)\n", &["model acme/base-7b"])]);
}

#[test]
fn dockerfiles() {
    check(
        "Dockerfile",
        &[
            (
                "FROM vllm/vllm-openai:latest\nENV MODEL_ID=acme/a-1\nENV HF_MODEL_ID acme/b-2\nCMD [\"--model\", \"acme/base-7b\"]",
                &["model acme/a-1", "model acme/b-2", "model acme/base-7b"],
            ),
            (
                "FROM python:3.11\nRUN pip install x && \\\n  hf download acme/base-7b\nENTRYPOINT [\"vllm\",\"serve\",\"acme/base-7b\"]",
                &["model acme/base-7b", "model acme/base-7b"],
            ),
            ("FROM acme/image-7b:latest\nRUN ollama pull phi3\nCOPY acme/model-1 /app", &["ollama phi3"]),
        ],
    );
}

#[test]
fn compose() {
    check(
        "docker-compose.yml",
        &[
            (
                "services:\n  a:\n    image: vllm/vllm-openai:latest\n    command: --model acme/base-7b --port 8000\n",
                &["model acme/base-7b"],
            ),
            (
                "services:\n  a:\n    image: vllm/vllm-openai\n    command: [\"--model\", \"acme/base-7b\"]\n    environment:\n      - MODEL_ID=acme/a-1\n",
                &["model acme/base-7b", "model acme/a-1"],
            ),
            (
                "services:\n  a:\n    image: ghcr.io/huggingface/text-generation-inference\n    command:\n      - --model-id\n      - acme/base-7b\n    environment:\n      EMBEDDING_MODEL: acme/e-1\n",
                &["model acme/base-7b", "model acme/e-1"],
            ),
            (
                "services:\n  a:\n    image: vllm/vllm-openai:latest\n    command: >\n      acme/base-7b\n      --dtype auto\n",
                &["model acme/base-7b"],
            ),
            ("services:\n  a:\n    image: acme/web-1\n    command: npm start\n", &[]),
        ],
    );
}

#[test]
fn kubernetes_and_helm() {
    check(
        "k.yaml",
        &[
            (
                "apiVersion: v1\nspec:\n  containers:\n  - image: vllm/vllm-openai:v1\n    command: [\"vllm\", \"serve\"]\n    args: [\"acme/base-7b\", \"--port\", \"1\"]\n    env:\n    - name: MODEL_ID\n      value: acme/a-1\n    - name: HF_TOKEN\n      value: acme/b-2\n",
                &["model acme/base-7b", "model acme/a-1"],
            ),
            (
                "spec:\n  containers:\n  - image: x\n    command:\n    - sh\n    - -c\n    - |\n      vllm serve acme/base-7b \\\n        --port 1\n",
                &["model acme/base-7b"],
            ),
            (
                "serving:\n  modelURL: acme/base-7b\n  model: acme/a-1\n  modelId: acme/b-2\n",
                &["model acme/base-7b", "model acme/a-1", "model acme/b-2"],
            ),
            (
                "spec:\n  predictor:\n    model:\n      storageUri: hf://acme/base-7b:main\n",
                &["model acme/base-7b@main"],
            ),
            ("spec:\n  predictor:\n    model:\n      storageUri: \"s3://b/models/x\"\n", &["file s3://b/models/x"]),
            ("spec:\n  predictor:\n    model:\n      storageUri: pvc://claim/x\n", &["file pvc://claim/x"]),
            ("kind: Model\nspec:\n  source: \"acme/base-7b\"\n", &["model acme/base-7b"]),
            (
                "data:\n  run.sh: |\n    vllm serve acme/base-7b\n  app.py: |\n    AutoModel.from_pretrained('acme/a-1')\n",
                &["model acme/base-7b", "model acme/a-1"],
            ),
        ],
    );
}

#[test]
fn training_and_serving_configs() {
    check(
        "c.yaml",
        &[
            (
                "base_model: acme/base-7b\nadapter: qlora\ndatasets:\n  - path: acme/data-1\n    model: acme/data-2\n",
                &["model acme/base-7b base"],
            ),
            ("model_name_or_path: gpt2\nhub_model_id: me/out-1\n", &["model gpt2"]),
            (
                "models:\n  - model: acme/a-1\n  - model: acme/b-2\nmerge_method: ties\nbase_model: acme/base-7b\n",
                &["model acme/a-1", "model acme/b-2", "model acme/base-7b base"],
            ),
            ("name: x\nparameters:\n  model: luna.Q4.gguf\n", &["file luna.Q4.gguf"]),
            (
                "model_list:\n  - model_name: fast\n    litellm_params:\n      model: azure/gpt-4o\n  - model_name: o\n    litellm_params: {model: ollama/llama3.1}\n",
                &["vendor gpt-4o", "ollama llama3.1"],
            ),
            (
                "providers:\n  - openai:chat:gpt-4o\n  - id: anthropic:messages:claude-3-5-haiku-20241022\n  - ollama:chat:llama3\n",
                &["vendor gpt-4o", "vendor claude-3-5-haiku-20241022", "ollama llama3"],
            ),
            ("models:\n  - provider: ollama\n    model: phi3\n", &["ollama phi3"]),
            ("model:\n  name: gpt-4o-mini # any\n  provider: openai\n", &["vendor gpt-4o-mini"]),
            ("model: {repo: \"acme/x-GGUF\", file: \"x.gguf\"}\n", &["model acme/x-GGUF#x.gguf"]),
            ("model_id: acme/base-7b\nmodel_revision: abc\n", &["model acme/base-7b@abc"]),
            (
                "model_name_or_path: ${prefix}/base-7b\ntokenizer_path: ${model_name_or_path}\n",
                &["model ${prefix}/base-7b ?"],
            ),
            ("# model: acme/base-7b\nx: 1 # model: acme/a-1\n", &[]),
        ],
    );
    check(
        "c.json",
        &[
            (
                "{\"model\": \"acme/base-7b\", \"scripts\": {\"dev\": \"ollama run phi3\"}}",
                &["model acme/base-7b", "ollama phi3"],
            ),
            (
                "{\"files\": [{\"url\": \"https://huggingface.co/acme/x-1/resolve/main/x.gguf\"}]}",
                &["model acme/x-1@main#x.gguf"],
            ),
            ("{\"dependencies\": {\"@acme/model-1\": \"^1.0\"}, \"type\": \"application/json\"}", &[]),
        ],
    );
    check(
        "c.toml",
        &[("[llm]\nmodel = \"gpt-4o\" # x\nembedding_model = 'acme/e-1'\n", &["vendor gpt-4o", "model acme/e-1"])],
    );
}

#[test]
fn github_actions() {
    check(
        ".github/workflows/ci.yml",
        &[
            (
                "jobs:\n  t:\n    strategy:\n      matrix:\n        include:\n          - { model: 'acme/base-7b', os: x }\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n          ollama pull phi3\n        env:\n          MODEL: ${{ matrix.model }}\n",
                &["model acme/base-7b", "ollama phi3"],
            ),
            (
                "steps:\n  - uses: acme/model@v1\n    with:\n      model: gpt-4o\n  - run: hf download acme/base-7b\n",
                &["vendor gpt-4o", "model acme/base-7b"],
            ),
            (
                "steps:\n  - run: |\n      export A_ADAPTER=x ADAPTER_NAME=\"${{ a == 'x' && 'acme/lora-1' || '' }}\"\n",
                &["model acme/lora-1 adapter"],
            ),
        ],
    );
}

#[test]
fn notebooks() {
    let text = r##"{"cells": [
 {"cell_type": "markdown", "source": ["AutoModel.from_pretrained('acme/no-1')"]},
 {"cell_type": "code", "outputs": [{"text": ["from_pretrained('acme/no-2')"]}],
  "source": ["!pip install x\n", "!huggingface-cli download acme/a-1 \\\n", "  --local-dir x\n", "M = \"acme/base-7b\"\n"]},
 {"cell_type": "code", "source": "AutoModel.from_pretrained(\n  M)\n# AutoModel.from_pretrained('acme/no-3')"},
 {"cell_type": "code", "source": ["%%bash\n", "ollama pull phi3"]}
], "nbformat": 4}"##;
    assert_eq!(said("n.ipynb", text), ["model acme/a-1", "model acme/base-7b", "ollama phi3"]);
}

#[test]
fn modelfiles() {
    check(
        "Modelfile",
        &[
            (
                "# FROM llama2\nfrom llama3.1:8b\nADAPTER ./lora.gguf\nSYSTEM \"\"\"\nFROM phi3\n\"\"\"\n",
                &["ollama llama3.1:8b base", "file ./lora.gguf adapter"],
            ),
            ("FROM ./x.gguf", &["file ./x.gguf base"]),
            ("FROM hf.co/acme/x-GGUF:Q4_K_M", &["model acme/x-GGUF base"]),
            ("FROM /usr/share/ollama/blobs/sha256-ab", &["file /usr/share/ollama/blobs/sha256-ab base"]),
        ],
    );
    check("made", &[("FROM llama3\nPARAMETER temperature 1\n", &["ollama llama3 base"])]);
}

#[test]
fn markdown_fences() {
    check(
        "README.md",
        &[
            (
                "Use AutoModel.from_pretrained('acme/no-1').\n\n```python\nAutoModel.from_pretrained('acme/base-7b')\n```\n\n  ```bash\n  $ vllm serve acme/a-1\n  # vllm serve acme/no-2\n  ```\n```text\nvllm serve acme/no-3\n```\n",
                &["model acme/base-7b", "model acme/a-1"],
            ),
            ("[x](https://huggingface.co/acme/no-1)", &[]),
        ],
    );
}

#[test]
fn false_hits() {
    check(
        "a.py",
        &[
            ("x = {'model': 'assistant'}", &[]),
            ("x = {'model': 'tgi', \"model\": \"model\"}", &[]),
            ("headers = {'Content-Type': 'application/json', 'model': 'text/plain'}", &[]),
            ("load_dataset('acme/data-1')\nload_dataset(path='acme/data-1', name='x')", &[]),
            ("hf_hub_download('acme/data-1', 'x.bin', repo_type='dataset')", &[]),
            ("snapshot_download(repo_id='acme/data-1', repo_type=\"dataset\")", &[]),
            ("Dataset.from_pretrained('acme/data-1')", &[]),
            ("U = 'https://huggingface.co/datasets/acme/d/resolve/main/x.bin'", &[]),
            ("model.push_to_hub('me/out-1')\napi.upload_file(repo_id='me/out-1')\napi.create_repo('me/out-1')", &[]),
            ("# AutoModel.from_pretrained('acme/base-7b')", &[]),
            (
                "\"\"\"AutoModel.from_pretrained('acme/base-7b')\nhttps://huggingface.co/a/b-1/resolve/main/x.gguf\n\"\"\"",
                &[],
            ),
            ("from acme.model import x\nmodel = 'src/model.py'", &[]),
            ("model_date = '2024/01/02'\nmodel = '2024/01'", &[]),
            ("image = 'acme/image-7b:latest'", &[]),
            ("s = 'gpt-4o is a model'\nprint('gpt-4o')", &[]),
            ("model = nn.Linear(3, 4)\nmodel_type = 'acme/x-1'\nserved_model_name = 'acme/x-1'", &[]),
            ("def from_pretrained(cls, path): pass", &[]),
            ("repo='cloud-logging-%s-%s'\nREPO_ADMIN = 'roles/x.repoAdmin'", &[]),
            ("REPO = 'acme/tool-1'\nu = 'https://github.com/' + REPO", &[]),
            ("import transformers\nGITHUB_REPO = 'acme/tool-1'\nMODEL_BRANCH = 'feature/x-1'", &[]),
            ("f(model=f'projects/{p}/locations/x/models/{m}')", &[]),
        ],
    );
    check(
        "a.yaml",
        &[
            ("uses: actions/checkout@v4\nimage: acme/base-7b:latest\n", &[]),
            ("image:\n  repository: acme/base-7b\n  tag: latest\n", &[]),
            ("model: assistant\nmodel_name: default\ncontent: application/json\n", &[]),
            ("datasets:\n  - acme/data-1\ndataset: {name: acme/data-1}\n", &[]),
            ("repo: acme/tool-1\nrev: v1\n", &[]),
        ],
    );
    check("requirements.txt", &[("transformers==4.0\nvllm\n", &[])]);
    check("pnpm-lock.yaml", &[("model: acme/base-7b\n", &[])]);
}

#[test]
fn constructs_keys_and_excerpts() {
    let found = run("k.yaml", "a:\n  b:\n  - base_model: acme/base-7b\n").references;
    assert_eq!(
        (found[0].construct.as_str(), found[0].evidence.key.as_str()),
        ("key base_model", "[0].a.b[0].base_model")
    );
    let found = run("a.sh", "MODEL_ID=acme/base-7b").references;
    assert_eq!(found[0].construct, "env MODEL_ID");
    let secret = format!("hf_{}", "Ab3".repeat(12));
    let found = run("a.sh", &format!("HF_TOKEN={secret} vllm serve acme/base-7b \u{1b}[0m")).references;
    assert!(
        !found[0].excerpt.contains("Ab3")
            && found[0].excerpt.contains("acme/base-7b")
            && !found[0].excerpt.contains('\u{1b}')
    );
    // a long line is shown around the name, and no tail of a secret is shown without its head
    let line = format!("{{\"k\": \"{}{secret}\", \"model\": \"acme/base-7b\"}}", "x".repeat(300));
    let found = run("a.json", &line).references;
    assert!(found[0].excerpt.contains("acme/base-7b") && !found[0].excerpt.contains("Ab3"), "{}", found[0].excerpt);
    let line = format!("{{\"model\": \"acme/{secret}\"}}");
    assert!(!run("a.json", &line).references[0].id.contains("Ab3"));
}

#[test]
fn limits() {
    let text = "base_model: acme/base-7b\n".repeat(10);
    let few = scan("a.yaml", &text, &Limits { references_max: 3, ..Limits::default() });
    assert!(few.truncated && few.references.len() == 3);
    let short = scan("a.yaml", &text, &Limits { bytes_max: 60, ..Limits::default() });
    assert!(short.truncated && short.references.len() == 2);
    assert!(!run("a.yaml", &text).truncated);
    // a cut inside a character
    scan("a.yaml", "éééé", &Limits { bytes_max: 3, ..Limits::default() });
}

#[test]
fn hostile_text_ends() {
    let shapes: &[&str] = &[
        "(",
        "[",
        "{",
        "'",
        "\"",
        "`",
        "\"\"\"",
        "- ",
        "a: ",
        "r#\"",
        "${",
        "{{",
        "\\",
        "x=",
        "from_pretrained(",
        "LLM(x,",
        "vllm serve ",
        "'' ",
        "|",
        "```\n",
        "é",
        "\u{0}",
    ];
    let names =
        ["a.py", "a.ts", "a.rs", "a.sh", "Dockerfile", "a.yaml", "a.json", "a.toml", "n.ipynb", "Modelfile", "a.md"];
    for shape in shapes {
        for name in names {
            run(name, &shape.repeat(3000));
            run(name, &format!("model: {}\n  x", shape.repeat(200)));
        }
    }
}

/// Real files, where they are at hand: everything that is found has a place, and false hits stay out.
#[test]
fn real_files() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/artifacts");
    if !root.is_dir() {
        println!("skipped: ../shared is absent");
        return;
    }
    let mut files = 0;
    let mut found = Vec::new();
    for folder in ["source", "deploy-yaml", "modelfile", "mergekit"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(raw) = std::fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&raw).into_owned();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files += 1;
            said(&name, &text);
            found.extend(run(&name, &text).references);
        }
    }
    assert!(files > 100 && found.len() > 500, "{files} files, {} references", found.len());
    for r in &found {
        assert!(r.unresolved || !["assistant", "tgi", "model"].contains(&r.id.as_str()), "{r:?}");
        assert!(
            !r.id.starts_with("actions/") && !r.id.contains("application/") && !r.id.contains("datasets/"),
            "{r:?}"
        );
    }
    // independent: every `…/resolve/…gguf` of a manifest is found by plain search too
    let manifests = found.iter().filter(|r| r.file.as_deref().is_some_and(|f| f.ends_with(".gguf")));
    assert!(manifests.count() > 100);
}

/// One snippet for each place that formats.md names and no test above holds.
#[test]
fn further_clients_and_deployments() {
    check(
        "a.java",
        &[
            (
                "c = Criteria.builder().optModelUrls(\"djl://ai.djl.huggingface.pytorch/acme/e-1\");",
                &["model acme/e-1"],
            ),
            ("m = OpenAiChatModel.builder().apiKey(k).modelName(\"gpt-4o-mini\").build();", &["vendor gpt-4o-mini"]),
            ("o = OllamaChatModel.builder().modelName(\"llama3\").build();", &["ollama llama3"]),
        ],
    );
    check(
        "a.cs",
        &[
            ("var c = new OllamaApiClient(uri, \"llama3\");", &["ollama llama3"]),
            ("b.AddOpenAIChatCompletion(\"gpt-4o\", key);", &["vendor gpt-4o"]),
            ("var p = new ModelParams(\"models/x.gguf\");", &["file models/x.gguf"]),
        ],
    );
    check("a.go", &[("m, err := hugot.DownloadModel(\"acme/onnx-1\", d)", &["model acme/onnx-1"])]);
    check(
        "a.ts",
        &[
            ("const c = new HuggingFaceInference({ model: \"gpt2\" });", &["model gpt2"]),
            ("const d = await initChatModel(\"openai:gpt-4o\");", &["vendor gpt-4o"]),
        ],
    );
    check(
        "a.rs",
        &[
            ("let m = TextModelBuilder::new(\"acme/c-3\").build();", &["model acme/c-3"]),
            ("let r = GenerationRequest::new(\"llama3\".to_string(), p);", &["ollama llama3"]),
        ],
    );
    check(
        "config.pbtxt",
        &[
            (
                "name: \"m\"\nparameters {\n  key: \"model\"\n  value: { string_value: \"acme/base-7b\" }\n}\n",
                &["model acme/base-7b"],
            ),
            (
                "parameters { key: \"gpt_model_path\" value: { string_value: \"/e/x.engine\" } } # x",
                &["file /e/x.engine"],
            ),
            ("parameters { key: \"max_batch\" value: { string_value: \"acme/b-1\" } }", &[]),
        ],
    );
    check(
        "p.yml",
        &[
            ("- ansible.builtin.shell: |\n    hf download acme/d-4\n", &["model acme/d-4"]),
            ("variables:\n  EMB_MODEL:\n    value: \"acme/e-1\"\n", &["model acme/e-1"]),
            (
                "spring:\n  ai:\n    ollama:\n      chat:\n        options:\n          model: mistral\n",
                &["ollama mistral"],
            ),
            (
                "model: azureml://registries/r/models/gpt2/versions/1\n",
                &["file azureml://registries/r/models/gpt2/versions/1"],
            ),
        ],
    );
    check("docker-bake.hcl", &[("variable \"MODEL_ID\" { default = \"acme/base-7b\" }\n", &["model acme/base-7b"])]);
    check("justfile", &[("m := \"acme/base-7b\"\nget:\n  @hf download {{m}}\n", &["model acme/base-7b"])]);
    check("b.ps1", &[("$env:MODEL_ID = \"acme/ps-1\"\n", &["model acme/ps-1"])]);
    check(
        "a.properties",
        &[("spring.ai.ollama.chat.options.model=llama3\nx.model-id=acme/p-1\n", &["ollama llama3", "model acme/p-1"])],
    );
    check(
        "f.nix",
        &[("{ services.ollama.loadModels = [ \"llama3.2:3b\" \"phi3\" ]; }", &["ollama llama3.2:3b", "ollama phi3"])],
    );
}

#[test]
fn further_python() {
    check(
        "a.py",
        &[
            ("class S:\n  ollama_model: Annotated[str, 'x'] = 'gemma3'", &["ollama gemma3"]),
            ("class S:\n  openai_model: Annotated[str, 'x'] = (\n    'gpt-5-mini'\n  )", &["vendor gpt-5-mini"]),
            ("m = ModelMeta(name='acme/meta-1', revision='abc')", &["model acme/meta-1"]),
            ("d = {'openai': 'gpt-4o', 'google': 'gemini-1.5-pro'}", &["vendor gpt-4o", "vendor gemini-1.5-pro"]),
            (
                "a = Agent('openai:gpt-4.1')\nb = f('anthropic/claude-3-opus', X)",
                &["vendor gpt-4.1", "vendor claude-3-opus"],
            ),
            ("print('openai/gpt-4o')\nx.startswith('openai/gpt-4o')", &[]),
            ("os.environ['MODEL_ID'] = 'acme/env-1'", &["model acme/env-1"]),
            ("f(serving_container_args=['--model=acme/b-2'])", &["model acme/b-2"]),
            ("X.from_pretrained('acme/x-GGUF', model_file='x.gguf')", &["model acme/x-GGUF#x.gguf"]),
            ("KeyBERT('all-MiniLM-L6-v2')", &["model sentence-transformers/all-MiniLM-L6-v2"]),
            ("E.from_hparams(source='acme/sb-1')", &["model acme/sb-1"]),
            ("tiktoken.encoding_for_model('gpt-4o')", &["vendor gpt-4o tokenizer"]),
        ],
    );
}

/// `path: text` for each file; every reference of the last file, settled or not.
fn settled(files: &[(&str, &str)]) -> Vec<String> {
    let mut definitions = Definitions::default();
    let mut last = Scanned::default();
    for (path, text) in files {
        last = run(path, text);
        definitions.add(last.definitions.clone());
    }
    let mut out = Vec::new();
    for (mut r, open) in
        last.references.into_iter().map(|r| (r, true)).chain(last.pending.into_iter().map(|r| (r, false)))
    {
        let done = definitions.settle(&mut r);
        assert_eq!(done, r.defined.is_some());
        if done || open {
            let from = r.defined.as_ref().map(|d| format!(" from {}:{}", d.file, d.line.unwrap())).unwrap_or_default();
            out.push(format!("{}{from}", show(&r)));
        }
    }
    out
}

#[test]
fn names_of_other_files() {
    let config = ("app/config.py", "# x\nMODEL_ID = 'acme/base-7b'\n");
    for user in [
        "from config import MODEL_ID\nLLM(MODEL_ID)",
        "from .config import (\n  X,\n  MODEL_ID as M,\n)\nLLM(M)",
        "import config\nLLM(config.MODEL_ID)",
        "from app import config as c\nLLM(c.MODEL_ID)",
    ] {
        assert_eq!(settled(&[config, ("app/run.py", user)]), ["model acme/base-7b from app/config.py:2"], "{user}");
    }
    // not the module that is imported; two values as near as each other; a value that changes
    assert_eq!(settled(&[config, ("app/run.py", "from other import MODEL_ID\nLLM(MODEL_ID)")]), ["model MODEL_ID ?"]);
    let other = ("lib/config.py", "MODEL_ID = 'acme/b-2'\n");
    assert_eq!(
        settled(&[config, other, ("run.py", "from config import MODEL_ID\nLLM(MODEL_ID)")]),
        ["model MODEL_ID ?"]
    );
    assert_eq!(
        settled(&[config, other, ("lib/run.py", "from config import MODEL_ID\nLLM(MODEL_ID)")]),
        ["model acme/b-2 from lib/config.py:1"]
    );
    let twice = ("app/config.py", "M = 'acme/a-1'\nM = 'acme/b-2'\n");
    assert_eq!(settled(&[twice, ("app/run.py", "from config import M\nLLM(M)")]), ["model M ?"]);
    assert_eq!(
        settled(&[
            ("src/config.ts", "export const MODEL = 'Xenova/a-1';"),
            ("src/a.ts", "import { MODEL } from './config';\nAutoModel.from_pretrained(MODEL)")
        ]),
        ["model Xenova/a-1 from src/config.ts:1"]
    );
    assert_eq!(
        settled(&[
            ("src/config.rs", "pub const M: &str = \"acme/base-7b\";"),
            ("src/a.rs", "use crate::config::M;\nfn f() { api.model(M); }")
        ]),
        ["model acme/base-7b from src/config.rs:1"]
    );
}

#[test]
fn environments_of_other_files() {
    let env = (".env", "MODEL_ID=acme/base-7b\n");
    let from = "model acme/base-7b from .env:1";
    assert_eq!(
        settled(&[
            env,
            ("deploy/compose.yml", "services:\n  a:\n    image: vllm/vllm-openai\n    command: --model ${MODEL_ID}\n")
        ]),
        [from]
    );
    assert_eq!(
        settled(&[env, ("compose.yml", "services:\n  a:\n    environment:\n      MODEL: ${MODEL_ID}\n")]),
        [from]
    );
    assert_eq!(settled(&[env, ("a.py", "import os\nLLM(os.environ['MODEL_ID'])")]), [from]);
    // a template beside the real one; a folder beside
    assert_eq!(
        settled(&[env, (".env.example", "MODEL_ID=acme/no-1\n"), ("a.py", "LLM(os.getenv('MODEL_ID'))")]),
        [from]
    );
    assert_eq!(
        settled(&[("x/.env", "MODEL_ID=acme/no-1\n"), ("y/a.py", "LLM(os.getenv('MODEL_ID'))")]),
        ["model os.getenv('MODEL_ID') ?"]
    );
    assert_eq!(
        settled(&[("env.sh", "export M=acme/base-7b\n"), ("run.sh", "source env.sh\nvllm serve $M")]),
        ["model acme/base-7b from env.sh:1"]
    );
    assert_eq!(settled(&[("env.sh", "export M=acme/base-7b\n"), ("run.sh", "vllm serve $M")]), ["model $M ?"]);
    assert_eq!(
        settled(&[
            ("docker-compose.yml", "services:\n  a:\n    build:\n      args:\n        M: acme/base-7b\n"),
            ("Dockerfile", "FROM x\nARG M\nRUN hf download $M\n")
        ]),
        ["model acme/base-7b from docker-compose.yml:5"]
    );
    assert_eq!(
        settled(&[
            ("chart/values.yaml", "a:\n  m: acme/base-7b\n"),
            (
                "chart/templates/d.yaml",
                "spec:\n  containers:\n  - image: vllm/vllm-openai\n    args: [\"--model\", \"{{ .Values.a.m }}\"]\n"
            )
        ]),
        ["model acme/base-7b from chart/values.yaml:2"]
    );
    // a value that is no model settles nothing
    assert_eq!(
        settled(&[(".env", "MODEL_ID=true\n"), ("a.py", "LLM(os.getenv('MODEL_ID'))")]),
        ["model os.getenv('MODEL_ID') ?"]
    );
}
