/*
 * ngram_train.c - counting.
 *
 * Order by order from the highest: the n-grams of order n come sorted, equal ones are summed, and
 * each distinct one puts its last n - 1 words into the sort of order n - 1, where the number of
 * equal records is then the number of different words before.  n-grams at the beginning have no
 * word before; they are put in as often as they occur.
 */
#include <string.h>

#include "base/jmem.h"
#include "io/jsort.h"
#include "text/ngram_internal.h"

struct jngram_trainer {
	struct jngram *m;
	uint64_t memory;
	struct jsort *top;		/* every n-gram of the highest order */
	struct jsort *start;		/* (255 - order, ids) of shorter ones at the beginning */
	struct jsort *counted;		/* (order, ids, count): what is built from */
	struct ngram_counts counts[JNGRAM_MAX_ORDER + 1];
	const unsigned char *start_rec;	/* next record of start, NULL at its end */
};

static void
put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
}

int
jngram_train_open(struct jngram_trainer **out, const struct jngram_opts *o, struct jerr *e)
{
	struct jngram_trainer *t;
	int rc;

	if (o->order < 1 || o->order > JNGRAM_MAX_ORDER)
		return jerr_set(e, JERR_ARG, "order %d: expected 1 to %d", o->order, JNGRAM_MAX_ORDER);
	if (o->vocab < 1 || o->vocab == UINT32_MAX)
		return jerr_set(e, JERR_ARG, "vocabulary of %u: expected 1 to %u", o->vocab,
			UINT32_MAX - 1);
	t = jmem_zalloc(1, sizeof(*t));
	t->m = jmem_zalloc(1, sizeof(*t->m));
	t->m->info.order = o->order;
	t->m->info.vocab = o->vocab;
	t->memory = o->memory;
	rc = jsort_open(&t->top, (size_t)(o->memory / 4), NULL, e);
	if (rc == 0)
		rc = jsort_open(&t->start, (size_t)(o->memory / 32), NULL, e);
	if (rc < 0) {
		jngram_train_abort(t);
		return rc;
	}
	*out = t;
	return 0;
}

void
jngram_train_abort(struct jngram_trainer *t)
{
	if (!t)
		return;
	jsort_close(t->top);
	jsort_close(t->start);
	jsort_close(t->counted);
	jngram_free(t->m);
	jmem_free(t);
}

int
jngram_train_add(struct jngram_trainer *t, const uint32_t *ids, size_t n, struct jerr *e)
{
	int order = t->m->info.order, k, words;
	unsigned char rec[1 + 4 * JNGRAM_MAX_ORDER];
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++)
		if (ids[i] >= t->m->info.vocab)
			return jerr_set(e, JERR_ARG, "token %zu: id %u is not below the vocabulary size %u", i,
				ids[i], t->m->info.vocab);
	for (i = 0; i < n && rc == 0; i++) {
		words = i + 2 > (size_t)order ? order : (int)i + 2;
		rec[0] = (unsigned char)(255 - words);
		for (k = 0; k < words; k++)
			put32(rec + 1 + 4 * k, i + 1 + (size_t)k < (size_t)words ? t->m->info.vocab :
				ids[i + 1 + (size_t)k - (size_t)words]);
		rc = words == order ? jsort_add(t->top, rec + 1, 4 * (size_t)words, e) :
			jsort_add(t->start, rec, 1 + 4 * (size_t)words, e);
	}
	t->m->info.tokens += n;
	t->m->info.documents++;
	return rc;
}

/* One distinct n-gram of this order: counted, and its suffix put into the order below. */
static int
put_gram(struct jngram_trainer *t, int n, const unsigned char *key, uint64_t count,
	struct jsort *below, struct jerr *e)
{
	unsigned char rec[1 + 4 * JNGRAM_MAX_ORDER + 8];
	int rc;

	rec[0] = (unsigned char)n;
	memcpy(rec + 1, key, 4 * (size_t)n);
	put32(rec + 1 + 4 * n, (uint32_t)(count >> 32));
	put32(rec + 5 + 4 * n, (uint32_t)count);
	rc = jsort_add(t->counted, rec, 9 + 4 * (size_t)n, e);
	t->counts[n].distinct++;
	if (count >= 1 && count <= 4)
		t->counts[n].of[count]++;
	return rc == 0 && below ? jsort_add(below, key + 4, 4 * (size_t)(n - 1), e) : rc;
}

static int
next_start(struct jngram_trainer *t, struct jerr *e)
{
	const void *p;
	size_t n;
	int rc = jsort_next(t->start, &p, &n, e);

	t->start_rec = rc > 0 ? p : NULL;
	return rc < 0 ? rc : 0;
}

static int
add_starts(struct jngram_trainer *t, int n, struct jsort *to, struct jerr *e)
{
	int rc = 0;

	while (rc == 0 && t->start_rec && t->start_rec[0] == 255 - n) {
		rc = jsort_add(to, t->start_rec + 1, 4 * (size_t)n, e);
		if (rc == 0)
			rc = next_start(t, e);
	}
	return rc;
}

/* Sums equal records of `from`, which is closed; *below becomes the sort of the next order. */
static int
count_order(struct jngram_trainer *t, int n, struct jsort *from, struct jsort **below,
	struct jerr *e)
{
	unsigned char key[4 * JNGRAM_MAX_ORDER];
	size_t key_n = 4 * (size_t)n, len;
	uint64_t count = 0;
	const void *p;
	int rc;

	*below = NULL;
	rc = jsort_finish(from, e);
	if (rc == 0 && n > 1)
		rc = jsort_open(below, (size_t)(t->memory / 4), NULL, e);
	while (rc >= 0 && (rc = jsort_next(from, &p, &len, e)) > 0) {
		if (count > 0 && memcmp(key, p, key_n) == 0) {
			count++;
			continue;
		}
		rc = count > 0 ? put_gram(t, n, key, count, *below, e) : 0;
		memcpy(key, p, key_n);
		count = 1;
	}
	if (rc == 0 && count > 0)
		rc = put_gram(t, n, key, count, *below, e);
	jsort_close(from);
	return rc;
}

static int
count_all(struct jngram_trainer *t, struct jerr *e)
{
	unsigned char bos[4];
	struct jsort *from = t->top, *below;
	int n, rc;

	t->top = NULL;
	rc = jsort_finish(t->start, e);
	if (rc == 0)
		rc = next_start(t, e);
	if (rc == 0)
		rc = jsort_open(&t->counted, (size_t)(t->memory / 4), NULL, e);
	for (n = t->m->info.order; n >= 1 && rc == 0; n--) {
		rc = add_starts(t, n, from, e);
		if (rc < 0)
			break;
		rc = count_order(t, n, from, &below, e);
		from = below;
	}
	jsort_close(from);
	if (rc == 0 && t->m->info.order > 1) {
		put32(bos, t->m->info.vocab);
		rc = put_gram(t, 1, bos, 0, NULL, e);
	}
	return rc;
}

int
jngram_train_finish(struct jngram_trainer *t, struct jngram **m, struct jerr *e)
{
	int rc;

	if (t->m->info.tokens == 0)
		rc = jerr_set(e, JERR_ARG, "nothing to train an n-gram model on");
	else
		rc = count_all(t, e);
	if (rc == 0)
		rc = jsort_finish(t->counted, e);
	if (rc == 0)
		rc = jngram_build(t->m, t->counted, t->counts, t->memory, e);
	if (rc == 0) {
		*m = t->m;
		t->m = NULL;
	}
	jngram_train_abort(t);
	return rc;
}
