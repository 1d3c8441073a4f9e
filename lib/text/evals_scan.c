/* evals_scan.c - aligns items with a text from their seeds, and judges what was found. */
#include <string.h>

#include "text/evals_internal.h"
#include "text/jwords.h"

enum { GAP = 3, BEHIND = 50, RECENT = 64, BATCH = 64 };

struct found {
	uint32_t item;
	size_t from, to;		/* words of the text */
	size_t run_at, runs;		/* in scan.run */
	bool answer;
};

struct jevals_scan {
	struct wordkey_words w;
	struct found *found;
	size_t founds, found_cap;
	struct jevals_run *run;
	size_t runs, run_cap;
	struct jevals_hit *hit;
	size_t hit_cap;
};

struct jevals_scan *
jevals_scan_new(void)
{
	return jmem_zalloc(1, sizeof(struct jevals_scan));
}

void
jevals_scan_free(struct jevals_scan *s)
{
	if (!s)
		return;
	jmem_free(s->w.key);
	jmem_free(s->w.span);
	jmem_free(s->found);
	jmem_free(s->run);
	jmem_free(s->hit);
	jmem_free(s);
}

struct side {				/* walking one way over the item a and the text b */
	const uint64_t *a, *b;
	size_t an, bn;			/* words left on this side */
	int step;			/* 1 or -1 */
};

static bool
same(const struct side *s, size_t i, size_t j)
{
	return i < s->an && j < s->bn && s->a[(ptrdiff_t)i * s->step] == s->b[(ptrdiff_t)j * s->step];
}

/* Is any of the next words of one the same as any of the other?  For most differences it is not. */
static inline bool
meet(const struct side *s, size_t i, size_t j)
{
	const uint64_t *a = s->step > 0 ? s->a + i : s->a - i - GAP;
	const uint64_t *b = s->step > 0 ? s->b + j : s->b - j - GAP;
	uint64_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
	unsigned hit = 0;
	int x;

	for (x = 0; x <= GAP; x++)
		hit |= (unsigned)(a[x] == b0) | (unsigned)(a[x] == b1) | (unsigned)(a[x] == b2) |
			(unsigned)(a[x] == b3);
	return hit;
}

/* The nearest place behind a difference where two words agree again. */
static bool
resume(const struct side *s, size_t *i, size_t *j)
{
	size_t d, x, y;

	if (s->an - *i > GAP && s->bn - *j > GAP && !meet(s, *i, *j))
		return false;
	for (d = 1; d <= 2 * GAP; d++)
		for (x = d > GAP ? d - GAP : 0; x <= d && x <= GAP; x++) {
			y = d - x;
			if (same(s, *i + x, *j + y) && (same(s, *i + x + 1, *j + y + 1) ||
			    *i + x + 1 == s->an)) {
				*i += x;
				*j += y;
				return true;
			}
		}
	return false;
}

static void
add_run(struct jevals_scan *s, size_t at, size_t n)
{
	if (n == 0)
		return;
	JMEM_GROW(s->run, s->run_cap, s->runs + 1);
	s->run[s->runs++] = (struct jevals_run){ (uint32_t)at, (uint32_t)n };
}

/* Runs behind the words from i and j on; returns how many words of the text they reach over. */
static size_t
walk_right(struct jevals_scan *s, const struct side *r, size_t base)
{
	size_t i = 0, j = 0, from = 0, reach = 0;

	for (;;) {
		for (; same(r, i, j); i++, j++)
			;
		add_run(s, base + from, i - from);
		reach = i > from ? j : reach;
		if (i >= r->an || !resume(r, &i, &j))
			return reach;
		from = i;
	}
}

/* The same before them; the runs come from right to left. */
static size_t
walk_left(struct jevals_scan *s, const struct side *l, size_t base)
{
	size_t i = 0, j = 0, from = 0, reach = 0;

	for (;;) {
		for (; same(l, i, j); i++, j++)
			;
		add_run(s, base - i, i - from);
		reach = i > from ? j : reach;
		if (i >= l->an || !resume(l, &i, &j))
			return reach;
		from = i;
	}
}

static void
reverse(struct jevals_run *r, size_t n)
{
	struct jevals_run t;
	size_t i;

	for (i = 0; i < n / 2; i++) {
		t = r[i];
		r[i] = r[n - 1 - i];
		r[n - 1 - i] = t;
	}
}

/* Joins the last run of the left side with the first of the right, which touch at the seed. */
static void
join_runs(struct jevals_scan *s, size_t left_end, size_t seed_at)
{
	struct jevals_run *r = s->run + left_end;

	if (left_end == 0 || left_end == s->runs || r[-1].at + r[-1].n != seed_at)
		return;
	r[-1].n += r[0].n;
	memmove(r, r + 1, (s->runs - left_end - 1) * sizeof(*r));
	s->runs--;
}

static bool
has_answer(const struct jevals *v, const struct jevals_scan *s, const struct found *f)
{
	const struct evals_item *it = &v->item[f->item];
	size_t end = f->to + BEHIND, k, at;

	for (k = 0; k < it->answers; k++) {
		const struct evals_answer *a = &v->answer[it->answer_at + k];

		for (at = f->to; at < end && at + a->n <= s->w.n; at++)
			if (memcmp(s->w.key + at, v->words + a->at, a->n * sizeof(*s->w.key)) == 0)
				return true;
	}
	return false;
}

/* Aligns the item with the text around word j, where its seed is. */
static void
align(const struct jevals *v, struct jevals_scan *s, const struct evals_seed *seed, size_t j)
{
	const struct evals_item *it = &v->item[seed->item];
	const uint64_t *a = v->words + it->at + seed->at, *b = s->w.key + j;
	struct side left = { seed->at ? a - 1 : a, j ? b - 1 : b, seed->at, j, -1 };
	struct side right = { a, b, it->n - seed->at, s->w.n - j, 1 };
	struct found f = { .item = seed->item, .run_at = s->runs };
	size_t middle, matched = 0, i;

	f.from = j - walk_left(s, &left, seed->at);
	reverse(s->run + f.run_at, s->runs - f.run_at);
	middle = s->runs;
	f.to = j + walk_right(s, &right, seed->at);
	if (middle > f.run_at)
		join_runs(s, middle, seed->at);
	f.runs = s->runs - f.run_at;
	for (i = 0; i < f.runs; i++)
		matched += s->run[f.run_at + i].n;
	if (matched < JEVALS_LEAST) {
		s->runs = f.run_at;
		return;
	}
	f.answer = has_answer(v, s, &f);
	JMEM_GROW(s->found, s->found_cap, s->founds + 1);
	s->found[s->founds++] = f;
}

/* Is word j inside what was lately found of this item? */
static bool
is_covered(const struct jevals_scan *s, uint32_t item, size_t j)
{
	size_t i = s->founds, last = i > RECENT ? i - RECENT : 0;

	while (i-- > last)
		if (s->found[i].item == item && j < s->found[i].to)
			return true;
	return false;
}

static void
make_hits(struct jevals_scan *s)
{
	size_t i;

	JMEM_GROW(s->hit, s->hit_cap, s->founds + 1);
	for (i = 0; i < s->founds; i++) {
		const struct found *f = &s->found[i];
		const struct jtext_span *last = &s->w.span[f->to - 1];

		s->hit[i] = (struct jevals_hit){ .item = f->item, .at = s->w.span[f->from].at,
			.end = last->at + last->n, .run = s->run + f->run_at, .runs = f->runs,
			.answer = f->answer };
	}
}

struct guess {				/* a word of the text where seeds may start */
	uint64_t hash;
	size_t at;
	size_t from, to;		/* the seeds of the hash */
};

/*
 * The seeds of the n guesses, in order.  Their tables are larger than the caches: what one step needs of
 * them is asked for before the step that comes before it.
 */
static void
try_guesses(const struct jevals *v, struct jevals_scan *s, struct guess *g, size_t n)
{
	size_t k, i;

	for (k = 0; k < n; k++)
		__builtin_prefetch(&v->first[g[k].hash >> v->shift]);
	for (k = 0; k < n; k++)
		__builtin_prefetch(&v->seed[v->first[g[k].hash >> v->shift]]);
	for (k = 0; k < n; k++) {
		evals_find(v, g[k].hash, &g[k].from, &g[k].to);
		for (i = g[k].from; i < g[k].to; i++)
			__builtin_prefetch(&v->item[v->seed[i].item]);
	}
	for (k = 0; k < n; k++)
		for (i = g[k].from; i < g[k].to; i++)
			__builtin_prefetch(&v->words[v->item[v->seed[i].item].at + v->seed[i].at]);
	for (k = 0; k < n; k++)
		for (i = g[k].from; i < g[k].to; i++)
			if (!is_covered(s, v->seed[i].item, g[k].at))
				align(v, s, &v->seed[i], g[k].at);
}

/* Looks for the seeds of `got` words from word at on; hash[] are those of what starts there. */
static void
look_up(const struct jevals *v, struct jevals_scan *s, const uint64_t *hash, size_t got, size_t at)
{
	struct guess g[BATCH];
	size_t k, n = 0;

	for (k = 0; k < got; k++) {
		uint64_t bits = evals_filter_bits(hash[k]);

		g[n].hash = hash[k];
		g[n].at = at + k;
		n += (v->filter[evals_filter_at(v, hash[k])] & bits) == bits;
	}
	try_guesses(v, s, g, n);
}

size_t
jevals_scan(const struct jevals *v, struct jevals_scan *s, const char *text, size_t n,
	const struct jevals_hit **hits)
{
	uint64_t hash[BATCH], poly = 0, top = 1;
	size_t i, got, at = 0;

	s->founds = 0;
	s->runs = 0;
	*hits = NULL;
	wordkey_words(&s->w, text, n, evals_word_hash);
	for (i = 0; i < JEVALS_SEED; i++)
		top *= EVALS_FACTOR;
	for (i = 0; i < s->w.n && v->seeds > 0; at += got) {
		for (got = 0; i < s->w.n && got < BATCH; i++) {
			poly = poly * EVALS_FACTOR + s->w.key[i];
			if (i >= JEVALS_SEED)
				poly -= top * s->w.key[i - JEVALS_SEED];
			if (i + 1 < JEVALS_SEED)
				continue;
			hash[got] = wordkey_spread(poly);
			__builtin_prefetch(&v->filter[evals_filter_at(v, hash[got++])]);
		}
		look_up(v, s, hash, got, at);
	}
	make_hits(s);
	*hits = s->hit;
	return s->founds;
}

struct tally {
	double all, matched;		/* weights */
	size_t words, hits, longest;
};

static void
count(const struct jevals *v, const struct jevals_hit *h, const unsigned char *common,
	struct tally *t)
{
	const struct evals_item *it = &v->item[h->item];
	size_t i, r, run;

	*t = (struct tally){ .all = common ? 0 : it->weight, .words = common ? 0 : it->n };
	for (i = 0; common && i < it->n; i++) {
		if (common[i])
			continue;
		t->words++;
		t->all += v->weight[it->at + i];
	}
	for (r = 0; r < h->runs; r++)
		for (i = 0, run = 0; i < h->run[r].n; i++) {
			size_t at = h->run[r].at + i;

			run = common && common[at] ? 0 : run + 1;
			t->longest = run > t->longest ? run : t->longest;
			t->hits += run > 0;
			t->matched += run > 0 ? v->weight[it->at + at] : 0;
		}
}

bool
jevals_judge(const struct jevals *v, const struct jevals_hit *hit, const unsigned char *common,
	const struct jevals_limits *limits, double *score)
{
	double share;
	struct tally t;

	count(v, hit, common, &t);
	*score = 0;
	if (t.words < JEVALS_LEAST)
		return false;
	share = t.matched / t.all;
	*score = hit->answer ? 0.75 * share + 0.25 : share;
	if (t.longest >= limits->ngram)
		return true;
	if (t.words >= JEVALS_LONG)
		return *score >= limits->share;
	if (t.words >= JEVALS_SHORT)
		return t.hits + 1 + hit->answer >= t.words;
	return t.hits == t.words && hit->answer;
}
