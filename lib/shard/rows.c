/*
 * Pieces wait in one buffer of tokens: of a row when streaming, of a window when fitting.
 */
#include "jrows.h"

#include <string.h>

#include "base/jmem.h"
#include "fit.h"
#include "layout.h"

#define WINDOW_TOKENS ((size_t)4 << 20)

struct waiting {
	size_t at, n;			/* in the buffer */
	uint64_t bytes;
};

struct jrows {
	enum jpack_mode mode;
	size_t width;			/* tokens of a row */
	jrows_fn *put;
	void *arg;
	uint32_t *ids;
	unsigned char *mask;
	size_t n, cap, mask_cap;	/* tokens in the buffer */
	struct waiting *v;
	size_t v_n, v_cap;
	struct jrows_piece *row;	/* [width] handed to put */
	struct fit fit;			/* JPACK_BEST_FIT */
};

int
jrows_new(struct jrows **out, enum jpack_mode mode, int seq, jrows_fn *put, void *arg, struct jerr *e)
{
	struct jrows *r;

	if (seq < 1 || (uint32_t)seq > SH_ROW_MAX)
		return jerr_set(e, JERR_ARG, "sequence length %d is outside 1 to %u", seq, SH_ROW_MAX);
	r = jmem_zalloc(1, sizeof(*r));
	r->mode = mode;
	r->width = (size_t)seq + 1;
	r->put = put;
	r->arg = arg;
	r->row = jmem_alloc(r->width, sizeof(*r->row));
	if (mode == JPACK_BEST_FIT)
		fit_init(&r->fit, (uint32_t)r->width);
	*out = r;
	return 0;
}

void
jrows_free(struct jrows *r)
{
	if (!r)
		return;
	jmem_free(r->ids);
	jmem_free(r->mask);
	jmem_free(r->v);
	jmem_free(r->row);
	fit_release(&r->fit);
	jmem_free(r);
}

static void
keep(struct jrows *r, const uint32_t *ids, const unsigned char *mask, size_t n, uint64_t bytes)
{
	JMEM_GROW(r->ids, r->cap, r->n + n);
	JMEM_GROW(r->mask, r->mask_cap, r->n + n);
	JMEM_GROW(r->v, r->v_cap, r->v_n + 1);
	memcpy(r->ids + r->n, ids, n * sizeof(*ids));
	if (mask)
		memcpy(r->mask + r->n, mask, n);
	else
		memset(r->mask + r->n, 1, n);
	r->v[r->v_n++] = (struct waiting){ r->n, n, bytes };
	r->n += n;
}

static struct jrows_piece
piece(const struct jrows *r, size_t i)
{
	const struct waiting *w = &r->v[i];

	return (struct jrows_piece){ r->ids + w->at, r->mask + w->at, w->n, w->bytes };
}

/* All that waits is a row. */
static int
put_row(struct jrows *r, struct jerr *e)
{
	size_t i;
	int rc;

	for (i = 0; i < r->v_n; i++)
		r->row[i] = piece(r, i);
	rc = r->v_n ? r->put(r->arg, r->row, r->v_n, e) : 0;
	r->n = r->v_n = 0;
	return rc;
}

static int
put_window(struct jrows *r, struct jerr *e)
{
	size_t i, n = 0;
	int rc = 0;

	fit_place(&r->fit);
	for (i = 0; !rc && i < r->fit.n; i++) {
		r->row[n++] = piece(r, (size_t)r->fit.v[i].id);
		if (i + 1 < r->fit.n && r->fit.v[i + 1].bin == r->fit.v[i].bin)
			continue;
		rc = r->put(r->arg, r->row, n, e);
		n = 0;
	}
	r->fit.n = r->n = r->v_n = 0;
	return rc;
}

int
jrows_add(struct jrows *r, const uint32_t *ids, const unsigned char *mask, size_t n,
	uint64_t text_bytes, struct jerr *e)
{
	size_t from = 0;
	uint64_t given = 0;
	int rc = 0;

	if (!n || (r->mode == JPACK_BEST_FIT && n < 2))
		return 0;
	while (!rc && from < n) {
		size_t room = r->mode == JPACK_STREAM ? r->width - r->n : r->width;
		size_t take = n - from < room ? n - from : room;
		uint64_t upto = from + take == n ? text_bytes :
			(uint64_t)((double)text_bytes * ((double)(from + take) / (double)n));
		bool full;

		keep(r, ids + from, mask ? mask + from : NULL, take, upto - given);
		given = upto;
		full = r->mode == JPACK_STREAM ? r->n == r->width :
			fit_add(&r->fit, (uint32_t)take, r->v_n - 1) || r->n >= WINDOW_TOKENS;
		/* The last token again, as the input whose target is the next one. */
		from = from + take == n ? n : from + take - 1;
		if (full)
			rc = r->mode == JPACK_STREAM ? put_row(r, e) : put_window(r, e);
	}
	return rc;
}

int
jrows_finish(struct jrows *r, struct jerr *e)
{
	return r->mode == JPACK_STREAM ? put_row(r, e) : put_window(r, e);
}
