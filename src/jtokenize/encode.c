/*
 * Documents to shards, and counting them: read blocks of records | encode on all threads | write in
 * order.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jhash.h"
#include "documents.h"
#include "groups.h"
#include "par/jpar.h"
#include "shards.h"
#include "tokenize.h"

struct doc {
	uint64_t bytes;
	size_t n;			/* tokens */
	const char *reason;		/* refused */
	bool masked;
	size_t group;			/* --by: its name in the block's names */
};

struct block {
	struct unit_block in;
	struct doc *docs;
	size_t docs_cap;
	struct jids ids;
	struct jbuf mask;		/* a byte a token, once a document has a mask */
	struct jbuf names;		/* terminated */
};

struct job {
	const struct tokenize_opts *o;
	struct jcli *cli;
	struct jtok *tok;
	struct jtok_state **state;	/* one a worker */
	struct jarena *arena;
	int jobs;
	struct units units;
	struct rejects rejects;
	struct shards shards;
	struct jrows *rows;		/* --pack */
	bool open;			/* the shards are, once the first document is known */
	bool counting;
	struct jbuf meta;
	struct groups groups;
	uint64_t tokens, bytes, docs;
};

static void
block_free(struct block *b)
{
	unit_block_release(&b->in);
	jmem_free(b->docs);
	jids_release(&b->ids);
	jbuf_release(&b->mask);
	jbuf_release(&b->names);
	jmem_free(b);
}

static int
read_block(void *arg, void **block, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = jmem_zalloc(1, sizeof(*b));
	int rc;

	unit_block_init(&b->in);
	jbuf_init(&b->mask);
	jbuf_init(&b->names);
	rc = jcli_stopping(j->cli) ? jerr_set(e, JERR_STOP, "stopped") : units_read(&j->units, &b->in, e);
	if (rc == 1)
		*block = b;
	else
		block_free(b);
	return rc;
}

/* Up to token number n. */
static void
add_mask(struct block *b, size_t n, int value)
{
	size_t had = b->mask.n;

	if (n <= had)
		return;
	jbuf_reserve(&b->mask, n - had);
	memset(b->mask.p + had, value, n - had);
	b->mask.n = n;
	b->mask.p[n] = 0;
}

static int
encode_doc(struct job *j, struct block *b, struct doc *d, const struct doc_text *t, int worker,
	struct jerr *e)
{
	unsigned flags = j->o->special ? JTOK_SPECIAL : 0;
	size_t first = b->ids.n, answer = first;
	int64_t eos = jtok_eos(j->tok);
	int i, rc = 0;

	for (i = 0; !rc && i < t->parts; i++) {
		answer = i ? b->ids.n : first;
		rc = jtok_encode(j->state[worker], t->p[i], t->n[i], flags, &b->ids, e);
		d->bytes += t->n[i];
	}
	if (!rc && j->o->eos && eos >= 0 && !j->counting) {
		JMEM_GROW(b->ids.v, b->ids.cap, b->ids.n + 1);
		b->ids.v[b->ids.n++] = (uint32_t)eos;
	}
	d->n = b->ids.n - first;
	d->masked = t->parts > 1;
	add_mask(b, answer, d->masked ? 0 : 1);
	add_mask(b, b->ids.n, 1);
	return rc;
}

/* Which sum the document counts for: "" where the record does not say. */
static void
name_group(struct job *j, struct block *b, size_t i, int worker)
{
	const struct unit *x = &b->in.v[i];
	const char *p = NULL;
	size_t n = 0;

	b->docs[i].group = b->names.n;
	if (!j->o->by)
		return;
	if (strcmp(j->o->by, "file") == 0)
		jbuf_adds(&b->names, units_name(&j->units, x));
	else if (doc_member(&b->in, x, j->o->by, &j->arena[worker], &p, &n))
		jbuf_add(&b->names, p, n);
	jbuf_addc(&b->names, 0);
}

static int
work_block(void *arg, void *block, int worker, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = block;
	size_t i;
	int rc = 0;

	JMEM_GROW(b->docs, b->docs_cap, b->in.n);
	memset(b->docs, 0, b->in.n * sizeof(*b->docs));
	for (i = 0; !rc && i < b->in.n; i++) {
		struct doc_text t;

		jarena_reset(&j->arena[worker]);
		b->docs[i].reason = doc_text(&b->in, &b->in.v[i], &j->arena[worker], &t);
		if (!b->docs[i].reason)
			rc = encode_doc(j, b, &b->docs[i], &t, worker, e);
		name_group(j, b, i, worker);
	}
	return rc;
}

/* The first document decides whether there is a mask. */
static int
open_shards(struct job *j, bool masked, struct jerr *e)
{
	struct jshard_info info = { .vocab_size = jtok_vocab_size(j->tok),
		.has_mask = masked || j->o->mask || j->o->pack, .row_seq = (uint32_t)j->o->pack };

	if (j->open)
		return 0;
	jtok_fingerprint(j->tok, info.fingerprint);
	j->open = true;
	return shards_open(&j->shards, jcli_common(j->cli)->output, &info, j->o->shard_tokens, j->meta.p, e);
}

/* The document, in pieces of --chunk tokens; each has its share of the text. */
static int
add_pieces(struct job *j, const uint32_t *ids, const unsigned char *mask, const struct doc *d,
	struct jerr *e)
{
	size_t n = d->n, from = 0, to;
	uint64_t given = 0;
	int rc = 0;

	do {
		uint64_t upto;

		to = j->o->chunk && n - from > j->o->chunk ? from + (size_t)j->o->chunk : n;
		upto = to == n ? d->bytes : (uint64_t)((double)d->bytes * ((double)to / (double)n));
		rc = j->rows ? jrows_add(j->rows, ids + from, mask ? mask + from : NULL, to - from, upto - given, e) :
			shards_add(&j->shards, ids + from, mask ? mask + from : NULL, to - from, upto - given, e);
		given = upto;
		from = to;
	} while (!rc && from < n);
	return rc;
}

static int
write_doc(struct job *j, const struct block *b, const struct doc *d, size_t at, struct jerr *e)
{
	bool mask;
	int rc;

	j->tokens += d->n;
	j->bytes += d->bytes;
	j->docs++;
	jcli_counts(j->cli)->out++;
	if (j->o->by)
		groups_add(&j->groups, b->names.p + d->group, d->n, d->bytes);
	if (j->counting)
		return 0;
	rc = open_shards(j, d->masked, e);
	if (rc)
		return rc;
	mask = j->shards.info.has_mask;
	if (d->masked && !mask)
		return jerr_set(e, JERR_ARG, "a record with prompt and answer after documents without: use --mask");
	return add_pieces(j, b->ids.v + at, mask ? (unsigned char *)b->mask.p + at : NULL, d, e);
}

static int
write_block(void *arg, void *block, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = block;
	size_t i, at = 0;
	int rc = 0;

	for (i = 0; !rc && i < b->in.n; i++) {
		const struct doc *d = &b->docs[i];

		jcli_counts(j->cli)->in++;
		jcli_counts(j->cli)->bytes_in += b->in.v[i].n;
		if (d->reason)
			rc = rejects_add(&j->rejects, &b->in, &b->in.v[i], d->reason, e);
		else
			rc = write_doc(j, b, d, at, e);
		at += d->n;
	}
	jcli_progress(j->cli, "bytes", b->in.done, j->units.files.bytes_total, NULL);
	block_free(b);
	return rc;
}

static void
drop_block(void *arg, void *block)
{
	block_free(block);
}

static int
begin(struct job *j, struct jcli *cli, const struct tokenize_opts *o, int argc, char **argv,
	struct jerr *e)
{
	int i, rc;

	j->o = o;
	j->cli = cli;
	j->jobs = (int)jcli_common(cli)->jobs;
	jbuf_init(&j->meta);
	jcli_catch_stop(cli);
	rc = tokenizer_open(&j->tok, o, e);
	if (o->tok)
		jcli_input(cli, o->tok);
	if (!rc)
		rc = units_open(&j->units, UNITS_WHOLE, cli, argc, argv, e);
	if (!rc)
		rc = rejects_open(&j->rejects, cli, e);
	if (rc)
		return rc;
	j->state = jmem_zalloc((size_t)j->jobs, sizeof(struct jtok_state *));
	j->arena = jmem_zalloc((size_t)j->jobs, sizeof(*j->arena));
	for (i = 0; i < j->jobs; i++) {
		j->state[i] = jtok_state_new(j->tok);
		jarena_init(&j->arena[i], 0);
	}
	return 0;
}

static int
run(struct job *j, struct jerr *e)
{
	const struct jpar_pipe pipe = { read_block, work_block, write_block, drop_block, j };
	int rc = jpar_pipe_run(&pipe, j->jobs, e);

	return rc ? rc : rejects_commit(&j->rejects, e);
}

static void
end(struct job *j)
{
	int i;

	if (j->state)
		for (i = 0; i < j->jobs; i++) {
			jtok_state_free(j->state[i]);
			jarena_release(&j->arena[i]);
		}
	jmem_free(j->state);
	jmem_free(j->arena);
	jrows_free(j->rows);
	rejects_abort(&j->rejects);
	units_close(&j->units);
	jbuf_release(&j->meta);
	groups_release(&j->groups);
	jtok_free(j->tok);
}

/* Provenance inside the shard: nothing that differs between -j 1 and -j 2. */
static void
make_meta(struct job *j)
{
	unsigned char print[32];
	char hex[65];

	jtok_fingerprint(j->tok, print);
	jhash_hex(print, 32, hex);
	jbuf_printf(&j->meta, "{\"tool\":\"jtokenize\",\"version\":\"%s\",\"tokenizer\":\"%s\",\"vocab\":%u,"
		"\"eos\":%s,\"special\":%s", JVERSION, hex, (unsigned)jtok_vocab_size(j->tok),
		j->o->eos && jtok_eos(j->tok) >= 0 ? "true" : "false", j->o->special ? "true" : "false");
	if (j->o->pack)
		jbuf_printf(&j->meta, ",\"pack\":%llu,\"best_fit\":%s", (unsigned long long)j->o->pack,
			j->o->best_fit ? "true" : "false");
	jbuf_addc(&j->meta, '}');
}

static int
begin_rows(struct job *j, struct jerr *e)
{
	if (j->o->best_fit && !j->o->pack)
		return jerr_set(e, JERR_ARG, "--best-fit is a way to --pack N");
	if (!j->o->pack)
		return 0;
	return jrows_new(&j->rows, j->o->best_fit ? JPACK_BEST_FIT : JPACK_STREAM,
		j->o->pack > INT_MAX ? INT_MAX : (int)j->o->pack, shards_row, &j->shards, e);
}

static void
note(struct job *j)
{
	char number[32];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)j->tokens);
	jcli_note(j->cli, "tokens", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)j->bytes);
	jcli_note(j->cli, "text_bytes", number);
	jcli_info(j->cli, "%llu tokens of %llu documents, %.3g bytes a token", (unsigned long long)j->tokens,
		(unsigned long long)j->docs, j->tokens ? (double)j->bytes / (double)j->tokens : 0.0);
}

int
encode_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct job j = { 0 };
	int rc;

	if (strcmp(jcli_common(cli)->output, "-") == 0 && isatty(STDOUT_FILENO))
		return jerr_set(e, JERR_ARG, "token shards are binary: send standard output to a file or use -o");
	rc = begin(&j, cli, arg, argc, argv, e);
	if (!rc)
		rc = begin_rows(&j, e);
	if (!rc) {
		make_meta(&j);
		rc = run(&j, e);
	}
	if (!rc)
		rc = open_shards(&j, false, e);	/* no document at all: an empty shard is a whole one */
	if (!rc && j.rows)
		rc = jrows_finish(j.rows, e);
	if (!rc) {
		rc = shards_commit(&j.shards, e);
		j.open = false;
	}
	if (!rc)
		note(&j);
	if (j.open)
		shards_abort(&j.shards);
	end(&j);
	return rc;
}

int
count_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct job j = { .counting = true };
	struct jout *out = NULL;
	int rc = begin(&j, cli, arg, argc, argv, e);

	if (!rc)
		rc = run(&j, e);
	if (!rc)
		rc = jout_open(&out, jcli_common(cli)->output, e);
	if (!rc)
		rc = groups_write(&j.groups, out, e);
	if (!rc)
		rc = jout_printf(out, e, "{\"docs\":%llu,\"tokens\":%llu,\"bytes\":%llu}\n",
			(unsigned long long)j.docs, (unsigned long long)j.tokens, (unsigned long long)j.bytes);
	if (!rc) {
		rc = jout_commit(out, e);
		out = NULL;
	}
	jout_abort(out);
	end(&j);
	return rc;
}
