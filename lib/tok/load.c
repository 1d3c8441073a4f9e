/*
 * Which format is this?  By content for a file; by the names of its files for a folder.
 */
#include <string.h>

#include "base/jle.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "tok.h"

static int
load_gguf_file(struct jtok *t, const char *path, struct jerr *e)
{
	struct jgguf *g;
	int rc = jgguf_open(&g, path, e);

	if (rc)
		return rc;
	rc = tok_load_gguf(t, g, e);
	jgguf_close(g);
	return rc;
}

/* A line "base64 number"? */
static bool
looks_tiktoken(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] > ' ' && p[i] < 127)
		i++;
	return i > 0 && i + 1 < n && p[i] == ' ' && p[i + 1] >= '0' && p[i + 1] <= '9';
}

static int
load_file(struct jtok *t, const char *path, struct jerr *e)
{
	unsigned char head[64] = { 0 };
	struct jin *in;
	int64_t n, i;
	int rc = jin_open(&in, path, e);

	if (rc)
		return rc;
	n = jin_read(in, head, sizeof(head), e);
	jin_close(in);
	if (n < 0)
		return (int)n;
	if (n >= 4 && memcmp(head, "GGUF", 4) == 0)
		return load_gguf_file(t, path, e);
	for (i = 0; i < n && strchr(" \t\r\n", head[i]) && head[i]; i++)
		;
	if (i < n && head[i] == '{')
		return tok_load_json(t, path, e);
	/* llama2.c: small u32, f32 score, length of the first token, its text */
	if (n >= 16 && jle_u32(head) < 4096 && jle_u32(head + 8) < 64 && head[0] != 0x0A)
		return tok_load_llama2c(t, path, e);
	if (n > 8 && head[0] == 0x0A)	/* protobuf field 1, length-delimited: pieces */
		return tok_load_spm(t, path, e);
	if (n > 0 && looks_tiktoken(head, (size_t)n))
		return tok_load_tiktoken(t, path, e);
	if (n > 0 && jstr_ends(path, ".txt"))
		return tok_load_wordpiece(t, path, e);
	return jerr_set(e, JERR_FORMAT, "%s: not a tokenizer (tokenizer.json, llama2.c .bin, "
		"sentencepiece .model, .tiktoken or GGUF)", path);
}

/* The first file of the folder that ends so, or NULL. */
static const char *
find_ending(const char *dir, const char *end, struct jarena *a)
{
	struct jerr e = { 0 };
	char **names;
	size_t i, n;

	if (jfs_list(dir, a, &names, &n, &e))
		return NULL;
	for (i = 0; i < n; i++)
		if (jstr_ends(names[i], end))
			return jfs_join(a, dir, names[i]);
	return NULL;
}

static int
load_dir(struct jtok *t, const char *dir, bool *own_tokens, struct jerr *e)
{
	static const char *pairs[][2] = { { "vocab.json", "merges.txt" }, { "encoder.json", "vocab.bpe" } };
	static const char *ends[] = { "tokenizer.model", ".tiktoken", ".model", "vocab.txt", ".gguf",
		"tokenizer.bin", NULL };
	struct jarena *a = &t->arena;
	const char *path = jfs_join(a, dir, "tokenizer.json");
	size_t i;

	*own_tokens = true;
	if (jfs_exists(path))
		return tok_load_json(t, path, e);
	*own_tokens = false;
	for (i = 0; i < 2; i++) {
		const char *vocab = jfs_join(a, dir, pairs[i][0]), *merges = jfs_join(a, dir, pairs[i][1]);

		if (jfs_exists(vocab) && jfs_exists(merges))
			return tok_load_merges(t, vocab, merges, e);
	}
	for (i = 0; ends[i]; i++) {
		path = find_ending(dir, ends[i], a);
		if (path)
			return load_file(t, path, e);
	}
	return jerr_set(e, JERR_ARG, "%s: no tokenizer in this folder (tokenizer.json, vocab.json and "
		"merges.txt, tokenizer.model, *.tiktoken, *.gguf)", dir);
}

/* The folder a file lies in. */
static const char *
folder_of(struct jtok *t, const char *path)
{
	const char *base = jfs_base(path);

	return base == path ? "." : jarena_strndup(&t->arena, path, (size_t)(base - path));
}

int
jtok_load(struct jtok **out, const char *path, struct jerr *e)
{
	struct jtok *t;
	bool dir = jfs_is_dir(path), own = true;
	int rc;

	if (!jfs_exists(path))
		return jerr_set(e, JERR_ARG, "%s: no such tokenizer", path);
	t = tok_new(path);
	rc = dir ? load_dir(t, path, &own, e) : load_file(t, path, e);
	if (!rc && (dir || strcmp(jfs_base(path), "tokenizer.json") == 0))
		rc = tok_load_config(t, dir ? path : folder_of(t, path), !own, e);
	if (!rc && t->byte_level && !t->cfg[CFG_PRE])
		tok_set_byte_level(t, SCAN_GPT2);
	if (!rc)
		rc = tok_finish(t, e);
	if (rc) {
		jtok_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

int
jtok_load_gguf(struct jtok **out, const struct jgguf *g, struct jerr *e)
{
	struct jtok *t = tok_new("the GGUF file");
	int rc = tok_load_gguf(t, g, e);

	if (!rc)
		rc = tok_finish(t, e);
	if (rc) {
		jtok_free(t);
		return rc;
	}
	*out = t;
	return 0;
}
