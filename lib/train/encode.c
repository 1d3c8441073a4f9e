/*
 * encode.c - data operands opened as shards, or encoded into one.
 */
#include "train/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jhash.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "record/jreader.h"

static const unsigned char shard_magic[8] = { 0x89, 'J', 'S', 'H', '\r', '\n', 0x1a, '\n' };

/* 1 a shard or a folder of them, 0 anything else. */
static int
kind_of(const char *path, struct jerr *e)
{
	struct jarena a;
	unsigned char head[8];
	char **names;
	FILE *f;
	size_t n, i;
	int kind = 0;

	if (strcmp(path, "-") == 0)
		return 1;
	if (jfs_is_dir(path)) {
		jarena_init(&a, 0);
		if (jfs_list(path, &a, &names, &n, e) < 0)
			kind = JERR_IO;
		for (i = 0; kind == 0 && i < n; i++)
			kind = jstr_ends(names[i], ".jsh");
		jarena_release(&a);
		return kind;
	}
	f = fopen(path, "rb");
	if (!f)
		return jerr_sys(e, "%s: cannot open", path);
	if (fread(head, 1, sizeof(head), f) == sizeof(head))
		kind = memcmp(head, shard_magic, sizeof(head)) == 0;
	fclose(f);
	return kind;
}

int
train_data_kind(const struct jtrain_source *src, struct jerr *e)
{
	int first = 0, kind;
	size_t i;

	if (src->n == 0)
		return jerr_set(e, JERR_ARG, "no data: --data needs shards or record files");
	for (i = 0; i < src->n; i++) {
		kind = kind_of(src->paths[i], e);
		if (kind < 0)
			return kind;
		if (i == 0)
			first = kind;
		else if (kind != first)
			return jerr_set(e, JERR_ARG, "--data: %s and %s are not of one kind: give "
				"either shards or record files", src->paths[0], src->paths[i]);
	}
	return first;
}

int
train_open_shards(struct jtrain_data *d, const struct jtrain_source *src, struct jerr *e)
{
	const struct jshard_info *info;
	unsigned char fp[32];
	char want[65], found[65];

	if (jshard_open(&d->set, (char *const *)src->paths, src->n, e) < 0)
		return e->code;
	info = jshard_info(d->set);
	jtok_fingerprint(src->tok, fp);
	if (memcmp(fp, info->fingerprint, sizeof(fp)) != 0) {
		jhash_hex(fp, 32, want);
		jhash_hex(info->fingerprint, 32, found);
		return jerr_set(e, JERR_ARG, "%s: made with another tokenizer (fingerprint "
			"%.12s..., the tokenizer of this run has %.12s...): encode the data again with "
			"jtokenize encode -t TOK", src->paths[0], found, want);
	}
	if (info->tokens == 0)
		return jerr_set(e, JERR_FORMAT, "%s: holds no tokens", src->paths[0]);
	return 0;
}

/* Folder for the temporary shard, and its name inside. */
struct scratch {
	char dir[512], file[540];
};

static int
scratch_open(struct scratch *s, struct jerr *e)
{
	const char *base = getenv("J_WORK");

	if (!base || !*base)
		base = getenv("TMPDIR");
	if (!base || !*base)
		base = "/tmp";
	if (snprintf(s->dir, sizeof(s->dir), "%s/jtrain.XXXXXX", base) >= (int)sizeof(s->dir))
		return jerr_set(e, JERR_ARG, "J_WORK: path too long");
	if (!mkdtemp(s->dir))
		return jerr_sys(e, "%s: cannot make a temporary folder", s->dir);
	snprintf(s->file, sizeof(s->file), "%s/data.jsh", s->dir);
	return 0;
}

struct job {
	struct encoder *en;
	struct encoded out;
	struct jshard_writer *w;
	const struct jtrain_source *src;
	struct jtrain_data *d;
	uint64_t kept, refused;
	char why[200];		/* of the first refusal */
};

static void
tell(struct job *j, const char *line, size_t n, const char *reason)
{
	if (reason) {
		if (j->refused++ == 0)
			snprintf(j->why, sizeof(j->why), "%s", reason);
	} else {
		j->kept++;
	}
	if (j->src->h->record)
		j->src->h->record(j->src->h->arg, line, n, reason);
}

/* Remembers where the document that is kept next stands. */
static void
keep_place(struct job *j, const struct jreader *r)
{
	struct jtrain_data *d = j->d;

	JMEM_GROW(d->lines, d->cap_lines, d->n_lines + 1);
	d->lines[d->n_lines].file = (uint32_t)r->at;
	d->lines[d->n_lines++].line = jreader_lineno(r);
}

static int
one_record(struct job *j, const struct jreader *from, const char *line, size_t n, struct jerr *e)
{
	struct encoder *en = j->en;
	struct jerr why = { 0 };
	struct jrec r;

	jarena_reset(en->arena);
	j->out.ids.n = 0;
	jbuf_reset(&j->out.mask);
	j->out.text_bytes = 0;
	if (jrec_parse(&r, line, n, en->arena, &why) < 0 || en->encode(en, &r, &j->out, &why) < 0) {
		tell(j, line, n, why.msg);
		return 0;
	}
	if (j->out.ids.n > (size_t)j->src->o->seq + 1)
		j->d->truncated++;
	tell(j, line, n, NULL);
	keep_place(j, from);
	return jshard_add(j->w, j->out.ids.v,
		j->out.mask.n ? (const unsigned char *)j->out.mask.p : NULL, j->out.ids.n,
		j->out.text_bytes, e);
}

static int
encode_all(struct job *j, struct jerr *e)
{
	struct jreader r;
	char *line;
	size_t len;
	int rc;

	if (jreader_open(&r, (int)j->src->n, (char **)(uintptr_t)j->src->paths, e) < 0)
		return e->code;
	r.max_line = (size_t)j->src->o->max_line;
	while ((rc = jreader_line(&r, &line, &len, e)) > 0) {
		if (rc == 2)
			tell(j, NULL, 0, "line too long");
		else if (len > 0 && one_record(j, &r, line, len, e) < 0)
			break;
	}
	j->d->n_files = r.n;		/* the names stay with the data */
	j->d->files = r.files;
	r.files = NULL;
	r.n = 0;
	jreader_close(&r);
	return e->code;
}

/* Encodes into the shard at path and opens it. */
static int
through_shard(struct job *j, char *path, struct jerr *e)
{
	const struct jtok *tok = j->en->tok;
	struct jshard_info info = { .vocab_size = jtok_vocab_size(tok),
		.has_mask = j->en->has_mask };

	info.token_width = info.vocab_size > 65536 ? 4 : 2;
	jtok_fingerprint(tok, info.fingerprint);
	if (jshard_create(&j->w, path, &info, e) < 0)
		return e->code;
	if (encode_all(j, e) == 0 && j->kept == 0)
		jerr_set(e, JERR_FORMAT, "%s: no usable record (%llu refused%s%s)",
			j->src->paths[0], (unsigned long long)j->refused,
			j->refused ? ", the first: " : "", j->why);
	if (e->code < 0) {
		jshard_abort(j->w);
		return e->code;
	}
	if (jshard_commit(j->w, NULL, e) < 0)
		return e->code;
	return jshard_open(&j->d->set, &path, 1, e);
}

int
train_open_records(struct jtrain_data *d, const struct jtrain_source *src, struct encoder *en,
	struct jerr *e)
{
	struct job j = { .en = en, .src = src, .d = d };
	struct jarena arena;
	struct scratch s;
	int rc;

	if (scratch_open(&s, e) < 0)
		return e->code;
	jarena_init(&arena, 0);
	jbuf_init(&j.out.mask);
	en->tok = src->tok;
	en->arena = &arena;
	en->state = jtok_state_new(en->tok);
	rc = through_shard(&j, s.file, e);
	unlink(s.file);
	rmdir(s.dir);
	jtok_state_free(en->state);
	jids_release(&j.out.ids);
	jbuf_release(&j.out.mask);
	jarena_release(&arena);
	return rc;
}
