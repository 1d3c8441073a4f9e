/*
 * Where jppl's documents come from: text, JSONL records, token shards, told apart by content.
 */
#include "score/jppl.h"

#include <stdio.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "record/jrec.h"
#include "shard/jshard.h"
#include "tok/jtok.h"

#define MAX_TEXT ((size_t)1 << 30)
#define MAX_DOC_TOKENS ((uint64_t)1 << 30)

static bool
is_shard(const char *path)
{
	static const unsigned char magic[4] = { 0x89, 'J', 'S', 'H' };
	unsigned char head[4];
	FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
	bool yes;

	if (!f)
		return false;
	yes = fread(head, 1, sizeof(head), f) == sizeof(head) &&
		memcmp(head, magic, sizeof(magic)) == 0;
	fclose(f);
	return yes;
}

static int
shard_docs(struct jppl *p, const struct jshard_set *s, struct jerr *e)
{
	bool has_mask = jshard_info(s)->has_mask;
	uint32_t *ids = NULL;
	unsigned char *mask = NULL;
	size_t cap = 0, mask_cap = 0;
	int rc = 0;

	for (uint64_t d = 0; rc == 0 && d < jshard_docs(s); d++) {
		uint64_t from = jshard_doc_start(s, d), n = jshard_doc_start(s, d + 1) - from;

		if (n > MAX_DOC_TOKENS) {
			rc = jerr_set(e, JERR_LIMIT, "document %llu has %llu tokens",
				(unsigned long long)d, (unsigned long long)n);
			break;
		}
		JMEM_GROW(ids, cap, (size_t)n + 1);
		JMEM_GROW(mask, mask_cap, (size_t)n + 1);
		rc = jshard_get(s, from, (size_t)n, ids, mask, e);
		if (rc >= 0)
			rc = jppl_ids(p, ids, has_mask ? mask : NULL, (size_t)n, e);
	}
	jmem_free(ids);
	jmem_free(mask);
	return rc;
}

/* Ids of another vocabulary would be scored as if they meant something. */
static int
check_tokenizer(const struct jtok *tok, const struct jshard_info *info, const char *path,
	struct jerr *e)
{
	unsigned char print[32];

	if (!tok)
		return 0;
	jtok_fingerprint(tok, print);
	if (memcmp(print, info->fingerprint, sizeof(print)) == 0)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: made with another tokenizer than the model's: encode the data "
		"again with jtokenize encode -t MODEL", path);
}

static int
shard_file(struct jppl *p, const char *path, struct jerr *e)
{
	char *paths[] = { (char *)path };
	struct jshard_set *s;
	int rc = jshard_open(&s, paths, 1, e);

	if (rc < 0)
		return rc;
	rc = check_tokenizer(jppl_tok(p), jshard_info(s), path, e);
	if (rc >= 0)
		rc = shard_docs(p, s, e);
	jshard_close(s);
	return rc;
}

static bool
is_document(const char *line, size_t n, struct jarena *a)
{
	struct jerr ignored = { 0 };
	struct jrec r;
	const char *text;
	size_t text_n;

	return n > 0 && line[0] == '{' && jrec_parse(&r, line, n, a, &ignored) == 0 &&
		jrec_str(&r, "text", &text, &text_n);
}

static int
record(struct jppl *p, const struct jin *in, const char *line, size_t n, struct jarena *a,
	struct jerr *e)
{
	struct jrec r;
	const char *text;
	size_t text_n;

	if (jrec_parse(&r, line, n, a, e) < 0)
		return jerr_wrap(e, "%s:%llu", jin_name(in), (unsigned long long)jin_lineno(in));
	if (!jrec_str(&r, "text", &text, &text_n))
		return jerr_set(e, JERR_FORMAT, "%s:%llu: record without \"text\"", jin_name(in),
			(unsigned long long)jin_lineno(in));
	return jppl_text(p, text, text_n, e);
}

static int
records(struct jppl *p, struct jin *in, struct jerr *e)
{
	struct jarena a;
	char *line;
	size_t n;
	int rc;

	jarena_init(&a, 0);
	while ((rc = jin_line(in, &line, &n, e)) > 0) {
		if (rc == 2)
			rc = jerr_set(e, JERR_LIMIT, "%s:%llu: line of %zu bytes", jin_name(in),
				(unsigned long long)jin_lineno(in), n);
		else
			rc = n ? record(p, in, line, n, &a, e) : 0;
		if (rc < 0)
			break;
		jarena_reset(&a);
	}
	jarena_release(&a);
	return rc;
}

static int
whole_text(struct jppl *p, const char *path, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init_max(&b, MAX_TEXT);
	rc = jin_slurp(path, &b, e);
	if (rc >= 0)
		rc = jppl_text(p, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

/* Records if the first line is one; standard input, which cannot be read twice, likewise. */
static int
stdin_file(struct jppl *p, struct jerr *e)
{
	struct jin *in = NULL;
	struct jarena a;
	struct jbuf b;
	const char *end;
	int rc;

	jarena_init(&a, 0);
	jbuf_init_max(&b, MAX_TEXT);
	rc = jin_slurp("-", &b, e);
	end = rc >= 0 && b.n ? memchr(b.p, '\n', b.n) : NULL;
	if (rc >= 0 && is_document(b.p, end ? (size_t)(end - b.p) : b.n, &a)) {
		rc = jin_open_mem(&in, b.p, b.n, "-", e);
		if (rc >= 0)
			rc = records(p, in, e);
	} else if (rc >= 0) {
		rc = jppl_text(p, b.p, b.n, e);
	}
	jin_close(in);
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

static int
regular_file(struct jppl *p, const char *path, struct jerr *e)
{
	struct jin *in;
	struct jarena a;
	char *line;
	size_t n;
	bool is_jsonl = false;
	int rc = jin_open(&in, path, e);

	if (rc < 0)
		return rc;
	jarena_init(&a, 0);
	rc = jin_line(in, &line, &n, e);
	if (rc == 1 && is_document(line, n, &a)) {
		is_jsonl = true;
		rc = record(p, in, line, n, &a, e);
		if (rc >= 0)
			rc = records(p, in, e);
	} else if (rc == 1 && (jstr_ends(path, ".jsonl") || strstr(path, ".jsonl."))) {
		rc = jerr_set(e, JERR_FORMAT, "%s:1: not a document record with a text", path);
	}
	jarena_release(&a);
	jin_close(in);
	if (rc < 0 || is_jsonl)
		return rc;
	return whole_text(p, path, e);
}

static int
any_file(const char *file, void *arg, struct jerr *e)
{
	return is_shard(file) ? shard_file(arg, file, e) : regular_file(arg, file, e);
}

/* Of a folder only data: beside it lie provenance and notes. */
static int
data_file(const char *file, void *arg, struct jerr *e)
{
	static const char *const kinds[] = { ".jsh", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".txt" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (jstr_ends(file, kinds[i]))
			return any_file(file, arg, e);
	return 0;
}

int
jppl_file(struct jppl *p, const char *path, struct jerr *e)
{
	if (strcmp(path, "-") == 0)
		return stdin_file(p, e);
	return jfs_walk(path, jfs_is_dir(path) ? data_file : any_file, p, e);
}
