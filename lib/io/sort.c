/*
 * sort.c - external sort: a slab that is sorted in memory, and runs that did not fit.
 *
 *	slab:  | record bytes ->  ...  <- struct item, one per record |
 *
 * The items are sorted in place (nothing beyond the slab is needed); an item carries the first
 * eight bytes of its record as a number, which settles most comparisons.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "io/jsort.h"
#include "io/runs.h"

#define LEAST_MEMORY ((size_t)64 * 1024)
#define FAN_IN 512		/* runs merged at a time, memory permitting */
#define FAN_SHARE 8192		/* bytes that a run should have in a merge */

struct item {
	uint64_t prefix;	/* first 8 bytes, big-endian, zero padded */
	const unsigned char *p;
	size_t n;
};

struct jsort {
	size_t memory;
	char *dir;
	unsigned char *slab;
	size_t slab_bytes, used;	/* bytes of records at the front */
	struct item *items;		/* grows down from the end of the slab */
	size_t count;
	struct spill spill;
	struct run *runs;
	size_t n_runs, cap_runs;
	struct merge *merge;
	size_t at;			/* next item, when nothing was spilled */
};

static uint64_t
prefix_of(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		v = v << 8 | (i < n ? p[i] : 0);
	return v;
}

/* A total order: equal records lie in the slab in the order in which they were added. */
static int
before(const struct item *a, const struct item *b)
{
	int c;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;
	c = run_compare(a->p, a->n, b->p, b->n);
	return c ? c < 0 : a->p < b->p;
}

static void
swap(struct item *a, struct item *b)
{
	struct item t = *a;

	*a = *b;
	*b = t;
}

static void
insertion_sort(struct item *v, size_t n)
{
	struct item t;
	size_t i, j;

	for (i = 1; i < n; i++) {
		t = v[i];
		for (j = i; j && before(&t, &v[j - 1]); j--)
			v[j] = v[j - 1];
		v[j] = t;
	}
}

/* Quicksort on three pseudo-randomly chosen items: no input is known to be slow, none allocates. */
static void
sort_items(struct item *v, size_t n)
{
	uint64_t x = n;
	struct item pivot;
	size_t i, j, k[3];

	while (n > 24) {
		for (i = 0; i < 3; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			k[i] = (size_t)(x >> 33) % n;
		}
		if (before(&v[k[1]], &v[k[0]]))
			swap(&v[k[0]], &v[k[1]]);
		if (before(&v[k[2]], &v[k[1]]))
			swap(&v[k[1]], &v[k[2]]);
		if (before(&v[k[1]], &v[k[0]]))
			swap(&v[k[0]], &v[k[1]]);
		swap(&v[0], &v[k[1]]);
		pivot = v[0];
		for (i = 0, j = n - 1; ; i++, j--) {
			while (before(&v[i], &pivot))
				i++;
			while (before(&pivot, &v[j]))
				j--;
			if (i >= j)
				break;
			swap(&v[i], &v[j]);
		}
		/* 0..j and j+1..n-1; the smaller part by recursion bounds the depth. */
		j++;
		if (j < n - j) {
			sort_items(v, j);
			v += j;
			n -= j;
		} else {
			sort_items(v + j, n - j);
			n = j;
		}
	}
	insertion_sort(v, n);
}

static const char *
default_dir(void)
{
	static const char *const names[] = { "J_WORK", "TMPDIR" };
	const char *v;
	size_t i;

	for (i = 0; i < 2; i++) {
		v = getenv(names[i]);
		if (v && *v)
			return v;
	}
	return "/tmp";
}

static void
slab_empty(struct jsort *s)
{
	s->used = 0;
	s->count = 0;
	s->items = (struct item *)(void *)(s->slab + s->slab_bytes);
}

/* An eighth of the memory, within reason, is for writing. */
static size_t
write_bytes(const struct jsort *s)
{
	size_t n = s->memory / 8;

	return n > 1024 * 1024 ? 1024 * 1024 : n;
}

int
jsort_open(struct jsort **out, size_t memory, const char *tmpdir, struct jerr *e)
{
	struct jsort *s = jmem_zalloc(1, sizeof(*s));

	*out = NULL;
	s->memory = memory < LEAST_MEMORY ? LEAST_MEMORY : memory;
	s->spill.fd = -1;
	s->slab_bytes = (s->memory - write_bytes(s)) / sizeof(struct item) * sizeof(struct item);
	s->slab = jmem_map(s->slab_bytes);
	if (!s->slab) {
		jmem_free(s);
		return jerr_set(e, JERR_NOMEM, "no memory for sorting: %zu bytes asked", memory);
	}
	s->dir = jmem_strdup(tmpdir && *tmpdir ? tmpdir : default_dir());
	slab_empty(s);
	*out = s;
	return 0;
}

static int
begin_run(struct jsort *s, struct jerr *e)
{
	int rc;

	if (s->spill.fd < 0) {
		rc = spill_open(&s->spill, s->dir, write_bytes(s), e);
		if (rc < 0)
			return rc;
	}
	JMEM_GROW(s->runs, s->cap_runs, s->n_runs + 1);
	s->runs[s->n_runs].at = s->spill.end;
	return 0;
}

static int
spill_slab(struct jsort *s, struct jerr *e)
{
	size_t i;
	int rc;

	if (!s->count)
		return 0;
	rc = begin_run(s, e);
	sort_items(s->items, s->count);
	for (i = 0; rc == 0 && i < s->count; i++)
		rc = spill_put(&s->spill, s->items[i].p, s->items[i].n, e);
	if (rc == 0)
		s->runs[s->n_runs++].end = s->spill.end;
	slab_empty(s);
	return rc;
}

int
jsort_add(struct jsort *s, const void *p, size_t n, struct jerr *e)
{
	size_t room = s->slab_bytes - s->used - s->count * sizeof(struct item);
	struct item *it;
	int rc;

	if (s->merge || s->at)
		jbug("jsort_add after jsort_finish");
	if ((uint64_t)n > UINT32_MAX)
		return jerr_set(e, JERR_LIMIT, "a record of %zu bytes is too long to sort", n);
	if (room <= sizeof(*it) || n > room - sizeof(*it)) {
		rc = spill_slab(s, e);
		if (rc < 0)
			return rc;
	}
	if (n > s->slab_bytes - sizeof(*it)) {
		/* Larger than all our memory: a run of its own. */
		rc = begin_run(s, e);
		if (rc == 0)
			rc = spill_put(&s->spill, p, n, e);
		if (rc == 0)
			s->runs[s->n_runs++].end = s->spill.end;
		return rc;
	}
	if (n)
		memcpy(s->slab + s->used, p, n);
	it = --s->items;
	it->p = s->slab + s->used;
	it->n = n;
	it->prefix = prefix_of(it->p, n);
	/* An empty record takes a byte too: addresses tell the order of equal ones. */
	s->used += n ? n : 1;
	s->count++;
	return 0;
}

/* Merges groups of fan adjacent runs into a new file, leaving fewer runs. */
static int
merge_pass(struct jsort *s, size_t fan, struct jerr *e)
{
	struct spill next;
	struct merge *m;
	const void *p;
	size_t i, k, n, made = 0;
	int rc = spill_open(&next, s->dir, write_bytes(s), e);

	for (i = 0; rc == 0 && i < s->n_runs; i += k) {
		struct run r = { .at = next.end };

		k = s->n_runs - i < fan ? s->n_runs - i : fan;
		rc = merge_open(&m, &s->spill, s->runs + i, k, s->slab_bytes, e);
		if (rc < 0)
			break;
		while ((rc = merge_next(m, &p, &n, e)) > 0) {
			rc = spill_put(&next, p, n, e);
			if (rc < 0)
				break;
		}
		merge_close(m);
		r.end = next.end;
		s->runs[made++] = r;
	}
	if (rc == 0)
		rc = spill_flush(&next, e);
	if (rc < 0) {
		spill_close(&next);
		return rc;
	}
	spill_close(&s->spill);
	s->spill = next;
	s->n_runs = made;
	return 0;
}

int
jsort_finish(struct jsort *s, struct jerr *e)
{
	size_t fan = s->memory / FAN_SHARE;
	int rc;

	if (!s->n_runs) {
		sort_items(s->items, s->count);
		return 0;
	}
	rc = spill_slab(s, e);
	if (rc == 0)
		rc = spill_flush(&s->spill, e);
	/* The slab makes way for the buffers of the merge. */
	jmem_unmap(s->slab, s->slab_bytes);
	s->slab = NULL;
	s->count = 0;
	if (fan > FAN_IN)
		fan = FAN_IN;
	while (rc == 0 && s->n_runs > fan)
		rc = merge_pass(s, fan, e);
	if (rc == 0)
		rc = merge_open(&s->merge, &s->spill, s->runs, s->n_runs, s->slab_bytes, e);
	return rc;
}

int
jsort_next(struct jsort *s, const void **p, size_t *n, struct jerr *e)
{
	if (s->merge)
		return merge_next(s->merge, p, n, e);
	if (s->at == s->count)
		return 0;
	*p = s->items[s->at].p;
	*n = s->items[s->at].n;
	s->at++;
	return 1;
}

void
jsort_close(struct jsort *s)
{
	if (!s)
		return;
	merge_close(s->merge);
	spill_close(&s->spill);
	if (s->slab)
		jmem_unmap(s->slab, s->slab_bytes);
	jmem_free(s->runs);
	jmem_free(s->dir);
	jmem_free(s);
}
