#include "dedupunits.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "dedupplan.h"
#include "text/junicode.h"
#include "text/jwords.h"

static bool
is_blank(const char *p, struct jtext_span s)
{
	return jtext_trim(p, s).n == 0;
}

/* The next unit from *at on, with its ends; false after the last.  Leading blank lines are skipped. */
static bool
next_unit(const struct dedup *d, const char *p, size_t n, size_t *at, struct jtext_span *unit)
{
	struct jtext_span line;
	size_t end, next;

	do {
		unit->at = *at;
		if (!jtext_next_line(p, n, at, &line))
			return false;
	} while (is_blank(p, line));
	end = *at;
	if (d->by == DEDUP_PARAGRAPH) {
		bool blank = false;

		for (next = end; jtext_next_line(p, n, &next, &line); end = next) {
			if (blank && !is_blank(p, line))
				break;
			blank = is_blank(p, line);
		}
	}
	*at = end;
	unit->n = end - unit->at;
	return true;
}

static bool
has_words(const char *p, size_t n, int64_t least)
{
	struct jtext_word w;
	size_t at = 0;

	while (least > 0 && jtext_next_word(p, n, &at, &w))
		least--;
	return least <= 0;
}

int
dedup_put_units(const struct dedup *d, struct dedup_bench *w, const char *text, size_t n,
	struct jbuf *out, struct jerr *e)
{
	size_t at = 0, rec = dedup_rec_begin(out, 'U'), empty = out->n;
	unsigned char item[DEDUP_UNIT];
	struct jtext_span unit;
	struct jhash128 h;
	int rc;

	while (next_unit(d, text, n, &at, &unit)) {
		if (!has_words(text + unit.at, unit.n, d->opts->min_words))
			continue;
		jbuf_reset(&w->flat);
		rc = jtext_flatten(text + unit.at, unit.n, &w->flat, e);
		if (rc < 0)
			return rc;
		h = jhash128(w->flat.p, w->flat.n);
		jle_put64(item, h.hi);
		jle_put64(item + 8, h.lo);
		jle_put32(item + 16, (uint32_t)unit.at);
		jle_put32(item + 20, (uint32_t)unit.n);
		jbuf_add(out, item, sizeof(item));
	}
	if (out->n == empty)
		out->n = rec;
	else
		dedup_rec_end(out, rec);
	return 0;
}

/* Calls fn for every unit of the input. */
static int
each_unit(struct dedup *d, int (*fn)(void *arg, const unsigned char *item, uint64_t rank,
	struct jerr *e), void *arg, struct jerr *e)
{
	struct dedup_scan s;
	size_t i;
	int rc;

	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.p[0] != 'U')
			continue;
		for (i = 1, rc = 0; i + DEDUP_UNIT <= s.n && rc == 0; i += DEDUP_UNIT)
			rc = fn(arg, s.p + i, s.rank, e);
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc;
}

static int
see_unit(void *arg, const unsigned char *item, uint64_t rank, struct jerr *e)
{
	dedup_seen_add(arg, jle_u64(item));
	return 0;
}

struct units {
	struct dedup_seen seen;
	struct jsort *sort;
};

/* (hash, rank, offset, length) of a unit whose hash may have come twice. */
static int
add_unit(void *arg, const unsigned char *item, uint64_t rank, struct jerr *e)
{
	struct units *u = arg;
	unsigned char rec[32];

	if (!dedup_seen_twice(&u->seen, jle_u64(item)))
		return 0;
	memcpy(rec, item, 16);
	dedup_put64(rec + 16, rank);
	dedup_put64(rec + 24, (uint64_t)jle_u32(item + 16) << 32 | jle_u32(item + 20));
	return jsort_add(u->sort, rec, sizeof(rec), e);
}

/* Of equal units the first of the best document stays. */
static int
cut_units(struct dedup *d, struct jsort *sort, struct jerr *e)
{
	unsigned char best[16];
	uint64_t twin = DEDUP_KEPT, span, rank;
	struct dedup_cut c = { .twin = NULL };
	struct dedup_doc doc;
	const unsigned char *p;
	const void *rec;
	size_t n;
	int rc;

	while ((rc = jsort_next(sort, &rec, &n, e)) > 0) {
		p = rec;
		rank = dedup_get64(p + 16);
		if (twin == DEDUP_KEPT || memcmp(best, p, 16) != 0) {
			memcpy(best, p, 16);
			twin = rank;
			continue;
		}
		span = dedup_get64(p + 24);
		c.at = (uint32_t)(span >> 32);
		c.n = (uint32_t)span;
		rc = dedup_get(d, rank, &doc, e);
		if (rc == 0)
			rc = dedup_add_cut(d, doc.ordinal, &c, twin, e);
		if (rc < 0)
			break;
	}
	return rc;
}

int
dedup_units(struct dedup *d, struct jerr *e)
{
	struct units u = { .sort = NULL };
	int rc = dedup_seen_init(&u.seen, d, e);

	if (rc == 0)
		rc = jsort_open(&u.sort, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = each_unit(d, see_unit, &u.seen, e);
	if (rc == 0)
		rc = each_unit(d, add_unit, &u, e);
	dedup_seen_release(&u.seen);
	if (rc == 0)
		rc = jsort_finish(u.sort, e);
	if (rc == 0)
		rc = cut_units(d, u.sort, e);
	jsort_close(u.sort);
	return rc;
}
