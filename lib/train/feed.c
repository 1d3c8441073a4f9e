/*
 * feed.c - the rows of a run: one set of data or a mixture of several, each packed into rows of the
 * full length.  A piece of a shorter length is a part of such a row that begins at position 0.
 */
#include <math.h>
#include <string.h>

#include "io/jfs.h"
#include "train/train_internal.h"

/* What --data or --mix names, as sources without data yet. */
static int
list_sources(struct feed *f, const struct jtrain_opts *o, struct jerr *e)
{
	size_t i;

	if (o->n_mix > 0 && o->n_data > 0)
		return jerr_set(e, JERR_ARG, "--mix names the data: leave --data out");
	if (o->n_mix > JMIX_MAX)
		return jerr_set(e, JERR_ARG, "--mix: %zu sources, at most %d", o->n_mix, JMIX_MAX);
	f->v = jmem_zalloc(o->n_mix + 1, sizeof(*f->v));
	f->n = o->n_mix > 0 ? o->n_mix : 1;
	for (i = 0; i < o->n_mix; i++) {
		if (jmix_parse(&f->v[i].part, o->mix[i], e) < 0)
			return jerr_wrap(e, "--mix");
		f->v[i].path = f->v[i].part.path;
	}
	return 0;
}

static int
open_source(struct train *t, struct feed_source *s, const struct jobjective *obj, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct jtrain_source src = { .paths = o->data, .n = o->n_data, .tok = t->tok, .o = o,
		.h = t->h };
	const char *first = s->path ? s->path : o->n_data > 0 ? o->data[0] : "";

	if (s->path) {
		src.paths = &s->path;
		src.n = 1;
	}
	if (obj->open(&s->data, &src, e) < 0 || jpack_open(&s->pack, s->data.set, s->data.mode,
		(int)o->seq, (uint64_t)o->seed, e) < 0)
		return e->code;
	if (jpack_rows(s->pack) == 0)
		return jerr_set(e, JERR_FORMAT, "%s: less than one sequence of --seq %lld tokens",
			first, (long long)o->seq);
	if (s->data.mode != JPACK_STREAM && o->seq_ramp && *o->seq_ramp)
		return jerr_set(e, JERR_ARG, "--seq-ramp: needs running text; %s is not cut",
			o->objective);
	return 0;
}

static int
open_mix(struct feed *f, const struct jtrain_opts *o, struct jerr *e)
{
	struct jmix_set *sets = jmem_zalloc(f->n, sizeof(*sets));
	size_t i;
	int rc;

	for (i = 0; i < f->n; i++) {
		sets[i].weight = f->v[i].part.weight;
		sets[i].limit = jmix_limit(&f->v[i].part, jpack_rows(f->v[i].pack), (int)o->seq);
	}
	rc = jmix_open(&f->mix, sets, f->n, (uint64_t)o->seed, e);
	jmem_free(sets);
	return rc;
}

double
feed_tokens_per_byte(const struct jtrain_data *d)
{
	const struct jshard_info *info = jshard_info(d->set);

	if (info->has_mask || info->text_bytes == 0)
		return NAN;
	return (double)info->tokens / (double)info->text_bytes;
}

/* The same of the whole: bytes add up by weight. */
static double
mixed_tokens_per_byte(const struct feed *f)
{
	double bytes = 0, weights = 0;
	size_t i;

	if (!f->mix)
		return feed_tokens_per_byte(&f->v[0].data);
	for (i = 0; i < f->n; i++) {
		bytes += f->v[i].part.weight / feed_tokens_per_byte(&f->v[i].data);
		weights += f->v[i].part.weight;
	}
	return weights / bytes;
}

int
feed_open(struct train *t, const struct jobjective *obj, struct jerr *e)
{
	struct feed *f = &t->feed;
	size_t i, each = (size_t)t->o->seq;

	if (list_sources(f, t->o, e) < 0)
		return e->code;
	for (i = 0; i < f->n; i++) {
		struct feed_source *s = &f->v[i];

		if (open_source(t, s, obj, e) < 0)
			return s->path && f->n > 1 ? jerr_wrap(e, "--mix %s", s->path) : e->code;
		f->rows += jpack_rows(s->pack);
		f->tokens += jshard_info(s->data.set)->tokens;
		f->text_bytes += jshard_info(s->data.set)->text_bytes;
	}
	f->seq = t->o->seq;
	f->whole.ids = jmem_alloc(4 * each, sizeof(int32_t));
	f->whole.targets = f->whole.ids + each;
	f->whole.seg = f->whole.targets + each;
	f->whole.pos = f->whole.seg + each;
	if (t->o->n_mix > 0 && open_mix(f, t->o, e) < 0)
		return e->code;
	if (f->mix && jmix_rows(f->mix) != UINT64_MAX)
		f->rows = jmix_rows(f->mix);
	f->tokens_per_byte = mixed_tokens_per_byte(f);
	return 0;
}

void
feed_close(struct feed *f)
{
	size_t i;

	for (i = 0; i < f->n && f->v; i++) {
		jpack_close(f->v[i].pack);
		jtrain_data_release(&f->v[i].data);
		jmix_part_release(&f->v[i].part);
	}
	jmix_close(f->mix);
	jmem_free(f->whole.ids);
	jmem_free(f->v);
	memset(f, 0, sizeof(*f));
}

/* Source of whole row i, and its row there. */
static int
find_row(struct feed *f, uint64_t i, size_t *source, uint64_t *row, struct jerr *e)
{
	*source = 0;
	*row = i;
	if (!f->mix)
		return 0;
	if (jmix_row(f->mix, i, source, row, e) < 0)
		return jerr_wrap(e, "--mix: the limits are used up; give fewer --steps or higher limits");
	return 0;
}

int
feed_part(struct feed *f, uint64_t part, int64_t seq, struct jpack_row *out, int *source,
	struct jerr *e)
{
	uint64_t each = (uint64_t)(f->seq / seq), row;
	int64_t from = (int64_t)(part % each) * seq, i;
	size_t bytes = (size_t)seq * sizeof(int32_t), s;

	if (find_row(f, part / each, &s, &row, e) < 0)
		return e->code;
	*source = (int)s;
	if (each == 1)
		return jpack_row(f->v[s].pack, row, out, e);
	if (jpack_row(f->v[s].pack, row, &f->whole, e) < 0)
		return e->code;
	memcpy(out->ids, f->whole.ids + from, bytes);
	memcpy(out->targets, f->whole.targets + from, bytes);
	/* The piece of a document that was begun before counts from here. */
	for (i = 0; i < seq; i++) {
		out->seg[i] = f->whole.seg[from + i] - f->whole.seg[from];
		out->pos[i] = f->whole.pos[from + i] - (out->seg[i] == 0 ? f->whole.pos[from] : 0);
	}
	return 0;
}

size_t
feed_docs(struct feed *f, uint64_t part, int64_t seq, uint64_t *docs, int *source)
{
	uint64_t each = (uint64_t)(f->seq / seq), row;
	int64_t from = (int64_t)(part % each) * seq;
	struct jerr ignored = { 0 };
	int32_t first, last;
	size_t n, s;

	if (find_row(f, part / each, &s, &row, &ignored) < 0
		|| jpack_row(f->v[s].pack, row, &f->whole, &ignored) < 0)
		return 0;
	*source = (int)s;
	n = jpack_row_docs(f->v[s].pack, row, docs, (size_t)f->seq + 1);
	first = f->whole.seg[from];
	last = f->whole.seg[from + seq - 1];
	n = (size_t)last + 1 < n ? (size_t)last + 1 : n;
	if ((size_t)first >= n)
		return 0;
	memmove(docs, docs + first, (n - (size_t)first) * sizeof(*docs));
	return n - (size_t)first;
}

void
feed_doc_name(const struct feed *f, int source, uint64_t doc, struct jbuf *out)
{
	const struct jtrain_data *d = &f->v[source].data;
	const char *shard;
	uint64_t number;

	if (d->lines && doc < d->n_lines) {
		jbuf_printf(out, "%s:%llu", d->files[d->lines[doc].file],
			(unsigned long long)d->lines[doc].line);
		return;
	}
	shard = jshard_doc_file(d->set, doc, &number);
	jbuf_printf(out, "%s#%llu", shard, (unsigned long long)number);
}
