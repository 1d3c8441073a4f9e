/* dedupfiles.c - shards, and the files between the steps. */
#include "dedupfiles.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "io/jfs.h"

enum { MAX_SHARDS = 100000 };
#define MAX_LINES (UINT64_C(1) << 48)

static int
parse_shard(struct dedup *d, struct jerr *e)
{
	const char *s = d->opts->shard;
	int used = 0;

	if (!s)
		return 0;
	if (sscanf(s, "%d/%d%n", &d->shard, &d->shards, &used) != 2 || s[used] || d->shard < 1 ||
	    d->shard > d->shards || d->shards > MAX_SHARDS)
		return jerr_set(e, JERR_ARG, "--shard %s: expected I/N with 1 <= I <= N <= %d", s,
			MAX_SHARDS);
	return 0;
}

/*
 * The operands' files whose middle byte lies in this shard's part of all bytes: shards are ranges of
 * files in order, so their outputs one after another are the output of one run.
 */
static int
choose_files(struct dedup *d, struct jerr *e)
{
	uint64_t before = 0, total, middle;
	struct jreader r;
	size_t i, cap = 0;
	char **v = NULL;
	int n = 0, rc = jreader_open(&r, d->argc, d->argv, e);

	if (rc < 0)
		return rc;
	total = r.bytes_total > 0 ? r.bytes_total : 1;
	for (i = 0; i < r.n; i++) {
		int64_t size = jfs_size(r.files[i]);

		size = size > 0 ? size : 0;
		middle = before + (uint64_t)size / 2;
		before += (uint64_t)size;
		middle = middle < total ? middle : total - 1;
		if ((int)((double)middle / (double)total * d->shards) + 1 != d->shard)
			continue;
		JMEM_GROW(v, cap, (size_t)n + 1);
		v[n++] = jmem_strdup(r.files[i]);
	}
	jreader_close(&r);
	d->argv = v;
	d->argc = n;
	d->own_argv = true;
	d->empty = n == 0;
	return 0;
}

int
dedup_count_shards(struct dedup *d, struct jerr *e)
{
	int i, of, used, found = 0, rc;
	struct jarena a;
	char **names;
	size_t k, n;

	jarena_init(&a, 0);
	d->shards = 0;
	rc = jfs_list(d->opts->work, &a, &names, &n, e);
	for (k = 0; rc == 0 && k < n; k++) {
		if (sscanf(names[k], "sign.%d-%d%n", &i, &of, &used) != 2 || names[k][used])
			continue;
		if (d->shards > 0 && of != d->shards)
			rc = jerr_set(e, JERR_FORMAT, "%s: signatures of %d and of %d shards",
				d->opts->work, d->shards, of);
		d->shards = of;
		found++;
	}
	jarena_release(&a);
	if (rc == 0 && (found == 0 || found != d->shards))
		rc = jerr_set(e, JERR_IO, "%s: signatures of %d of %d shards; the step sign makes them",
			d->opts->work, found, d->shards);
	return rc;
}

int
dedup_files_init(struct dedup *d, struct jerr *e)
{
	const struct dedup_opts *o = d->opts;
	int rc = parse_shard(d, e);

	if (rc < 0)
		return rc;
	jbuf_printf(&d->params, "by=%s", o->by);
	if (d->by == DEDUP_DOCUMENT)
		jbuf_printf(&d->params, " shingle=%lld bands=%d rows=%d", (long long)o->shingle,
			d->hash.bands, d->hash.rows);
	else if (d->by == DEDUP_SUBSTRING)
		jbuf_printf(&d->params, " min-bytes=%lld", (long long)o->min_bytes);
	else
		jbuf_printf(&d->params, " min-words=%lld", (long long)o->min_words);
	if (!o->work)
		return 0;
	if (strcmp(o->step, "merge") == 0) {
		if (o->shard)
			return jerr_set(e, JERR_ARG, "the step merge is one for all shards: no --shard");
		return dedup_count_shards(d, e);
	}
	rc = jfs_mkdirs(o->work, e);
	return rc < 0 ? rc : choose_files(d, e);
}

static void
file_path(const struct dedup *d, const char *kind, int shard, struct jbuf *path)
{
	jbuf_printf(path, "%s/%s.%d-%d", d->opts->work, kind, shard, d->shards);
}

static struct scratch *
scratch_of(struct dedup *d, const char *kind)
{
	return strcmp(kind, "sign") == 0 ? &d->sign : &d->plan;
}

static int
put_scratch(void *arg, const void *p, size_t n, struct jerr *e)
{
	return scratch_add(arg, p, n, e);
}

static int
put_out(void *arg, const void *p, size_t n, struct jerr *e)
{
	return jout_write(arg, p, n, e);
}

int
dedup_out_open(struct dedup *d, struct dedup_out *o, const char *kind, int shard, struct jerr *e)
{
	struct jbuf params;
	int rc;

	memset(o, 0, sizeof(*o));
	jbuf_init(&o->path);
	if (d->opts->work) {
		file_path(d, kind, shard, &o->path);
		rc = jout_open(&o->out, o->path.p, e);
		o->file.put = put_out;
		o->file.arg = o->out;
	} else {
		o->scratch = scratch_of(d, kind);
		rc = scratch_open(o->scratch, e);
		o->file.put = put_scratch;
		o->file.arg = o->scratch;
	}
	if (rc < 0)
		return rc;
	jbuf_init(&params);
	jbuf_printf(&params, "%s %s shard=%d/%d", kind, d->params.p, shard, d->shards);
	if (strcmp(kind, "sign") == 0)
		jbuf_printf(&params, " keep=%s", d->opts->keep);
	rc = jdupfile_begin(&o->file, params.p, e);
	jbuf_release(&params);
	return rc;
}

int
dedup_out_close(struct dedup_out *o, int rc, struct jerr *e)
{
	if (rc == 0)
		rc = jdupfile_end(&o->file, e);
	jdupfile_release(&o->file);
	if (o->out && rc == 0)
		rc = jout_commit(o->out, e);
	else
		jout_abort(o->out);
	if (o->scratch && rc == 0)
		rc = scratch_flush(o->scratch, e);
	jbuf_release(&o->path);
	return rc;
}

/* The file must be of the same options and of that shard. */
static int
check_params(struct dedup *d, struct jdupfile_in *f, const char *kind, int shard, struct jerr *e)
{
	struct jbuf want;
	int rc = 0;

	jbuf_init(&want);
	jbuf_printf(&want, "%s %s shard=%d/%d", kind, d->params.p, shard, d->shards);
	if (strcmp(kind, "sign") == 0)
		jbuf_printf(&want, " keep=%s", d->opts->keep);
	if (strcmp(want.p, f->params) != 0)
		rc = jerr_set(e, JERR_ARG, "%s was made with other options: %s, now %s",
			jin_name(f->in), f->params, want.p);
	jbuf_release(&want);
	return rc;
}

int
dedup_in_open(struct dedup *d, struct jdupfile_in *f, const char *kind, int shard, struct jerr *e)
{
	struct scratch *s = scratch_of(d, kind);
	struct jbuf path;
	int rc = 0;

	jbuf_init(&path);
	if (d->opts->work)
		file_path(d, kind, shard, &path);
	else if (lseek(s->fd, 0, SEEK_SET) < 0)
		rc = jerr_sys(e, "cannot rewind a temporary file");
	else
		jbuf_printf(&path, "/dev/fd/%d", s->fd);
	if (rc == 0)
		rc = jdupfile_open(f, path.p, e);
	jbuf_release(&path);
	if (rc == 0)
		rc = check_params(d, f, kind, shard, e);
	if (rc < 0)
		jdupfile_close(f);
	return rc;
}

void
dedup_scan_begin(struct dedup_scan *s, struct dedup *d)
{
	memset(s, 0, sizeof(*s));
	s->d = d;
	s->part = -1;
}

/* 1 opened, 0 no more, < 0 error. */
static int
open_next(struct dedup_scan *s, struct jerr *e)
{
	struct dedup *d = s->d;
	const char *index = d->opts->index;
	int rc;

	if (s->part >= 0)
		s->base += d->part[s->part].lines;
	if (++s->part == 0) {
		if (!index || !jfs_exists(index))
			return open_next(s, e);
		rc = jdupfile_open(&s->file, index, e);
		if (rc == 0 && (!jstr_starts(s->file.params, "index ") ||
		    strcmp(s->file.params + 6, d->params.p) != 0)) {
			rc = jerr_set(e, JERR_ARG, "%s: an index of other options: %s, now %s", index,
				s->file.params, d->params.p);
			jdupfile_close(&s->file);
		}
	} else if (s->part <= d->shards) {
		rc = dedup_in_open(d, &s->file, "sign", s->part, e);
	} else {
		return 0;
	}
	s->open = rc == 0;
	s->ended = false;
	s->next_line = 0;
	return rc < 0 ? rc : 1;
}

static int
cut_record(struct dedup_scan *s, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "%s: record %llu is not what was expected",
		jin_name(s->file.in), (unsigned long long)s->file.records);
}

static int
read_head(struct dedup_scan *s, struct jerr *e)
{
	const unsigned char *p = s->p + 1;
	struct dedup_head *h = &s->head;

	if (s->n < DEDUP_HEAD)
		return cut_record(s, e);
	h->line = dedup_get64(p);
	h->key = dedup_get64(p + 8);
	h->text_hash = p + 16;
	h->line_hash = dedup_get64(p + 32);
	h->set_n = jle_u32(p + 40);
	h->id_n = jle_u32(p + 44);
	h->id = p + 48;
	if (h->id_n > s->n - DEDUP_HEAD)
		return cut_record(s, e);
	h->bands = h->id + h->id_n;
	h->bands_n = s->n - DEDUP_HEAD - h->id_n;
	if (h->bands_n != (h->set_n && s->d->by == DEDUP_DOCUMENT ? (size_t)s->d->hash.bands * 8 : 0))
		return cut_record(s, e);
	/* Lines rise; in the index, where each is a document, they have no gaps. */
	if (h->line < s->next_line || (s->part == 0 && h->line != s->next_line) ||
	    h->line >= MAX_LINES)
		return cut_record(s, e);
	s->next_line = h->line + 1;
	s->ordinal = s->base + h->line;
	return 1;
}

/* Looks up the rank of the document, in rising order of ordinals. */
static int
look_up_rank(struct dedup_scan *s, struct jerr *e)
{
	const struct dedup *d = s->d;
	uint64_t left;
	int rc;

	if (!d->rank_of.buf)
		return 1;
	if (s->ordinal >= d->ordinals)
		return cut_record(s, e);
	if (s->ordinal < s->block_at || s->ordinal >= s->block_at + s->block_n) {
		left = d->ordinals - s->ordinal;
		s->block_at = s->ordinal;
		s->block_n = left < 1024 ? (size_t)left : 1024;
		rc = scratch_read(&d->rank_of, s->ordinal * 8, s->block, s->block_n * 8, e);
		if (rc < 0)
			return rc;
	}
	s->rank = s->block[s->ordinal - s->block_at];
	return s->rank < d->n ? 1 : cut_record(s, e);
}

static int
take_end(struct dedup_scan *s, struct jerr *e)
{
	uint64_t lines = s->n == 17 ? jle_u64(s->p + 1) : 0;

	if (s->n != 17 || lines < s->next_line || lines > MAX_LINES ||
	    (s->part == 0 && lines != s->next_line))
		return cut_record(s, e);
	s->d->part[s->part].lines = lines;
	s->d->part[s->part].digest = jle_u64(s->p + 9);
	s->ended = true;
	return 0;
}

int
dedup_scan_next(struct dedup_scan *s, struct jerr *e)
{
	const void *p;
	int rc;

	for (;;) {
		if (!s->open) {
			rc = open_next(s, e);
			if (rc <= 0)
				return rc;
		}
		rc = jdupfile_next(&s->file, &p, &s->n, e);
		s->p = p;
		if (rc > 0 && (s->ended || s->n == 0))
			rc = cut_record(s, e);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			if (!s->ended)
				return cut_record(s, e);
			jdupfile_close(&s->file);
			s->open = false;
		} else if (s->p[0] == 'E') {
			rc = take_end(s, e);
			if (rc < 0)
				return rc;
		} else if (s->p[0] == 'D') {
			rc = read_head(s, e);
			return rc < 0 ? rc : look_up_rank(s, e);
		} else {
			return 1;
		}
	}
}

void
dedup_scan_end(struct dedup_scan *s)
{
	jdupfile_close(&s->file);
}
