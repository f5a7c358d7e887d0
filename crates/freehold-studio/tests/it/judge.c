// A real llama.cpp asked by the tests. It links the libraries that its own project publishes; nothing of it is built here.
//   judge rows TYPE COLUMNS IN OUT [IMPORTANCE]   quantized rows of f32, as ggml_quantize_chunk gives them
//   judge quantize IN OUT FTYPE [IMATRIX]         a whole model; the matrix as (u32 length, name, u32 count, f32...)...
//   judge logits MODEL IDS OUT [ADAPTER]          f32 logits of every token
//   judge tokens MODEL                            tokens of the texts on standard input, parted by 0x1e; specials are read
//   judge meta MODEL                              keys and values
//   judge say MODEL IDS COUNT                     the most likely tokens after these
#include "ggml.h"
#include "llama.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet(enum ggml_log_level level, const char *text, void *user) {
  (void)user;
  if (level >= GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static void *slurp(const char *path, size_t *bytes) {
  FILE *f = fopen(path, "rb");
  if (!f) { fprintf(stderr, "cannot open %s\n", path); exit(2); }
  fseek(f, 0, SEEK_END);
  *bytes = (size_t)ftell(f);
  rewind(f);
  void *all = malloc(*bytes + 1);
  if (fread(all, 1, *bytes, f) != *bytes) exit(2);
  ((char *)all)[*bytes] = 0;
  fclose(f);
  return all;
}

static void spill(const char *path, const void *data, size_t bytes) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f)) exit(2);
}

static int rows(char **v, int importance) {
  size_t bytes, ignored;
  enum ggml_type type = (enum ggml_type)atoi(v[2]);
  long columns = atol(v[3]);
  float *in = slurp(v[4], &bytes), *weights = importance ? slurp(v[6], &ignored) : NULL;
  long count = (long)(bytes / 4 / (size_t)columns);
  void *out = malloc(ggml_row_size(type, columns) * (size_t)count + 64);
  size_t size = 0;
  if (type == GGML_TYPE_F16) { ggml_fp32_to_fp16_row(in, out, columns * count); size = 2 * (size_t)(columns * count); }
  else if (type == GGML_TYPE_BF16) { ggml_fp32_to_bf16_row_ref(in, out, columns * count); size = 2 * (size_t)(columns * count); }
  else size = ggml_quantize_chunk(type, in, out, 0, count, columns, weights);
  spill(v[5], out, size);
  return 0;
}

static int quantize(int c, char **v) {
  struct llama_model_quantize_params p = llama_model_quantize_default_params();
  p.nthread = 2;
  p.ftype = (enum llama_ftype)atoi(v[4]);
  static struct llama_model_imatrix_data entries[8192];
  if (c > 5) {
    size_t bytes, at = 0, n = 0;
    char *all = slurp(v[5], &bytes);
    while (at < bytes) {
      unsigned length, count;
      memcpy(&length, all + at, 4);
      char *name = calloc(length + 1, 1);
      memcpy(name, all + at + 4, length);
      memcpy(&count, all + at + 4 + length, 4);
      float *data = malloc(4 * (size_t)count);
      memcpy(data, all + at + 8 + length, 4 * (size_t)count);
      entries[n].name = name; entries[n].data = data; entries[n].size = count; n++;
      at += 8 + length + 4 * (size_t)count;
    }
    p.imatrix = entries;
  }
  return (int)llama_model_quantize(v[2], v[3], &p);
}

static llama_token ids[65536];

static int read_ids(const char *path) {
  int n = 0;
  FILE *f = fopen(path, "r");
  if (!f) exit(2);
  while (n < 65536 && fscanf(f, "%d", &ids[n]) == 1) n++;
  fclose(f);
  return n;
}

static struct llama_context *context(struct llama_model *m, int n) {
  struct llama_context_params p = llama_context_default_params();
  p.n_ctx = (uint32_t)n + 16; p.n_batch = (uint32_t)n; p.n_ubatch = (uint32_t)n;
  p.n_threads = 2; p.n_threads_batch = 2;
  p.type_k = GGML_TYPE_F32; p.type_v = GGML_TYPE_F32;
  p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  p.swa_full = true;
  return llama_init_from_model(m, p);
}

static int decode(struct llama_context *x, int from, int to) {
  struct llama_batch b = llama_batch_init(to - from, 0, 1);
  b.n_tokens = to - from;
  for (int i = from; i < to; i++) {
    int j = i - from;
    b.token[j] = ids[i]; b.pos[j] = i; b.n_seq_id[j] = 1; b.seq_id[j][0] = 0; b.logits[j] = 1;
  }
  int rc = llama_decode(x, b);
  llama_batch_free(b);
  return rc;
}

int main(int c, char **v) {
  if (c < 3) return 2;
  if (!strcmp(v[1], "rows")) return rows(v, c > 6);
  llama_log_set(quiet, NULL);
  ggml_backend_load_all_from_path(getenv("FREEHOLD_LLAMA_LIB"));
  llama_backend_init();
  if (!strcmp(v[1], "quantize")) return quantize(c, v);
  struct llama_model_params p = llama_model_default_params();
  p.vocab_only = !strcmp(v[1], "tokens");
  p.n_gpu_layers = 0;
  struct llama_model *m = llama_model_load_from_file(v[2], p);
  if (!m) { fprintf(stderr, "llama.cpp does not load %s\n", v[2]); return 1; }
  const struct llama_vocab *vocab = llama_model_get_vocab(m);
  int words = llama_vocab_n_tokens(vocab);
  if (!strcmp(v[1], "meta")) {
    static char key[1024], value[1 << 20];
    for (int i = 0; i < llama_model_meta_count(m); i++) {
      llama_model_meta_key_by_index(m, i, key, sizeof key);
      llama_model_meta_val_str_by_index(m, i, value, sizeof value);
      for (char *s = value; *s; s++) if (*s == '\n') *s = '\\';
      printf("%s = %s\n", key, value);
    }
    return 0;
  }
  if (!strcmp(v[1], "tokens")) {
    static char text[1 << 24];
    static llama_token out[1 << 22];
    size_t n = fread(text, 1, sizeof text, stdin);
    char *start = text;
    for (size_t i = 0; i <= n; i++) if (i == n || text[i] == 0x1e) {
      int k = llama_tokenize(vocab, start, (int)(text + i - start), out, 1 << 22, false, true);
      for (int j = 0; j < k; j++) printf("%d ", out[j]);
      printf("\n");
      start = text + i + 1;
    }
    return 0;
  }
  int n = read_ids(v[3]);
  if (!strcmp(v[1], "logits")) {
    struct llama_context *x = context(m, n);
    if (c > 5) {
      float one = 1;
      struct llama_adapter_lora *a = llama_adapter_lora_init(m, v[5]);
      if (!a || llama_set_adapters_lora(x, &a, 1, &one)) return 3;
    }
    if (decode(x, 0, n)) return 4;
    float *all = malloc(sizeof(float) * (size_t)n * (size_t)words);
    for (int i = 0; i < n; i++) memcpy(all + (size_t)i * words, llama_get_logits_ith(x, i), sizeof(float) * (size_t)words);
    spill(v[4], all, sizeof(float) * (size_t)n * (size_t)words);
    return 0;
  }
  if (!strcmp(v[1], "say")) {
    int more = atoi(v[4]);
    struct llama_context *x = context(m, n + more);
    if (decode(x, 0, n)) return 4;
    float *logits = llama_get_logits_ith(x, n - 1);
    for (int i = 0; i < more; i++) {
      int best = 0;
      for (int w = 1; w < words; w++) if (logits[w] > logits[best]) best = w;
      printf("%d ", best);
      ids[n] = best;
      if (decode(x, n, n + 1)) return 4;
      n++;
      logits = llama_get_logits_ith(x, 0);
    }
    printf("\n");
    return 0;
  }
  return 2;
}
