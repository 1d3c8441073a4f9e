/* evals.c - the items, and the index of their seeds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "text/evals_internal.h"
#include "text/intern.h"
#include "text/junicode.h"
#include "text/jwords.h"

#define MAX_WORDS ((size_t)1 << 31)
enum { COMMON_SEED = 64 };		/* a seed of more items than this is a template */

struct jevals *
jevals_new(void)
{
	struct jevals *v = jmem_zalloc(1, sizeof(*v));

	jarena_init(&v->arena, 0);
	return v;
}

void
jevals_free(struct jevals *v)
{
	if (!v)
		return;
	jarena_release(&v->arena);
	jmem_free(v->words);
	jmem_free(v->weight);
	jmem_free(v->item);
	jmem_free(v->answer);
	jmem_free(v->seed);
	jmem_free(v->first);
	jmem_free(v->filter);
	jmem_free(v->known);
	jmem_free(v);
}

/* Composed, and with plain apostrophes. */
static uint64_t
odd_word_hash(const char *p, size_t n)
{
	struct jtext_word plain = { .flags = JTEXT_W_ASCII };
	struct jbuf nfc;
	uint64_t h;
	size_t i;

	jbuf_init(&nfc);
	if (!jtext_maybe_not_nfc(p, n))
		jbuf_add(&nfc, p, n);
	else if (jtext_normalise(p, n, JTEXT_NFC, &nfc, NULL) < 0)
		nfc.n = 0;
	for (i = 0; i < nfc.n; i++) {
		if (i + 2 < nfc.n && memcmp(nfc.p + i, "\xe2\x80\x99", 3) == 0) {
			nfc.p[plain.n++] = '\'';
			i += 2;
			continue;
		}
		if ((unsigned char)nfc.p[i] >= 0x80)
			plain.flags = 0;
		nfc.p[plain.n++] = nfc.p[i];
	}
	h = wordkey(nfc.p, plain.n, &plain);
	jbuf_release(&nfc);
	return h;
}

uint64_t
evals_word_hash(const char *p, size_t n, const struct jtext_word *w)
{
	if (w->flags & JTEXT_W_ASCII || (!memchr(p + w->at, 0xe2, w->n) &&
	    !jtext_maybe_not_nfc(p + w->at, w->n)))
		return wordkey(p, n, w);
	return odd_word_hash(p + w->at, w->n);
}

static uint64_t
seed_hash(const uint64_t *words)
{
	uint64_t h = 0;
	int i;

	for (i = 0; i < JEVALS_SEED; i++)
		h = h * EVALS_FACTOR + words[i];
	return wordkey_spread(h);
}

static size_t
add_words(struct jevals *v, const char *p, size_t n, size_t most)
{
	struct jtext_word w;
	size_t at = 0, added = 0;

	while (added < most && jtext_next_word(p, n, &at, &w)) {
		JMEM_GROW(v->words, v->words_cap, v->words_n + 1);
		v->words[v->words_n++] = evals_word_hash(p, n, &w);
		added++;
	}
	return added;
}

/* Is there a question of the same words?  If not, it is noted. */
static bool
is_known(struct jevals *v, uint64_t hash)
{
	uint64_t *old = v->known;
	size_t had = v->known_cap, i;

	if ((v->items + 1) * 2 > v->known_cap) {
		v->known_cap = had ? had * 2 : 1024;
		v->known = jmem_zalloc(v->known_cap, sizeof(*v->known));
		for (i = 0; i < had; i++)
			if (old[i])
				is_known(v, old[i]);
		jmem_free(old);
	}
	hash += hash == 0;
	for (i = hash % v->known_cap; v->known[i]; i = (i + 1) % v->known_cap)
		if (v->known[i] == hash)
			return true;
	v->known[i] = hash;
	return false;
}

int
jevals_add(struct jevals *v, const char *name, const char *question, size_t n, struct jerr *e)
{
	size_t at = v->words_n, words;

	if (n >= MAX_WORDS || at + n >= MAX_WORDS)
		return jerr_set(e, JERR_LIMIT, "%s: more than 2^31 words of evaluation items", name);
	words = add_words(v, question, n, SIZE_MAX);
	if (words < JEVALS_LEAST || is_known(v, jhash64(v->words + at, words * 8, 0))) {
		v->words_n = at;
		return 0;
	}
	JMEM_GROW(v->item, v->items_cap, v->items + 1);
	v->item[v->items++] = (struct evals_item){ .at = (uint32_t)at, .n = (uint32_t)words,
		.answer_at = (uint32_t)v->answers, .name = jarena_strndup(&v->arena, name, strlen(name)),
		.question = jarena_strndup(&v->arena, question, n) };
	return 1;
}

void
jevals_add_answer(struct jevals *v, const char *answer, size_t n)
{
	size_t at = v->words_n, words;

	if (v->items == 0 || at + 8 >= MAX_WORDS)
		return;
	/* Eight words of an answer are enough to know it. */
	words = add_words(v, answer, n, 8);
	if (words == 0)
		return;
	JMEM_GROW(v->answer, v->answers_cap, v->answers + 1);
	v->answer[v->answers++] = (struct evals_answer){ (uint32_t)at, (uint32_t)words };
	if (v->item[v->items - 1].answers++ == 0)
		v->item[v->items - 1].answer = jarena_strndup(&v->arena, answer, n);
}

/* The weight of a word is the logarithm of how rare it is among the items. */
static void
weigh(struct jevals *v)
{
	struct jintern words = { .n = 0 };
	uint32_t *id = jmem_alloc(v->words_n + 1, sizeof(*id)), *items, *last, w;
	size_t i;

	jintern_reset(&words, v->words_n);
	items = jmem_zalloc(v->words_n + 1, sizeof(*items));
	last = jmem_zalloc(v->words_n + 1, sizeof(*last));
	v->weight = jmem_zalloc(v->words_n + 1, sizeof(*v->weight));
	for (i = 0; i < v->items; i++)
		for (w = v->item[i].at; w < v->item[i].at + v->item[i].n; w++) {
			id[w] = jintern_put(&words, v->words[w]);
			items[id[w]] += last[id[w]] != i + 1;
			last[id[w]] = (uint32_t)i + 1;
		}
	for (i = 0; i < v->items; i++)
		for (w = v->item[i].at; w < v->item[i].at + v->item[i].n; w++) {
			v->weight[w] = (float)log(1 + (double)v->items / (double)items[id[w]]);
			v->item[i].weight += v->weight[w];
		}
	jintern_release(&words);
	jmem_free(id);
	jmem_free(items);
	jmem_free(last);
}

/*
 * By hash; those of one hash stay in the order of the items.  Hashes are spread evenly, so one pass into
 * buckets by their first bits leaves next to nothing to sort.
 */
static int
sort_seeds(struct jevals *v, struct jerr *e)
{
	struct evals_seed *to = jmem_try(v->seeds + 1, sizeof(*to)), t;
	size_t *start, i, j, buckets = 1024;
	unsigned shift = 54;

	for (; buckets < v->seeds && shift > 36; shift--)
		buckets *= 2;
	start = jmem_zalloc(buckets + 1, sizeof(*start));
	if (!to) {
		jmem_free(start);
		return jerr_set(e, JERR_NOMEM, "no memory to sort %zu seeds of evaluation items", v->seeds);
	}
	for (i = 0; i < v->seeds; i++)
		start[(v->seed[i].hash >> shift) + 1]++;
	for (i = 0; i < buckets; i++)
		start[i + 1] += start[i];
	for (i = 0; i < v->seeds; i++)
		to[start[v->seed[i].hash >> shift]++] = v->seed[i];
	for (i = 1; i < v->seeds; i++) {
		t = to[i];
		for (j = i; j > 0 && to[j - 1].hash > t.hash; j--)
			to[j] = to[j - 1];
		to[j] = t;
	}
	jmem_free(v->seed);
	jmem_free(start);
	v->seed = to;
	return 0;
}

/* Templates go: seeds that too many items have. */
static void
drop_common(struct jevals *v)
{
	size_t i, j, to = 0;

	for (i = 0; i < v->seeds; i = j) {
		for (j = i + 1; j < v->seeds && v->seed[j].hash == v->seed[i].hash; j++)
			;
		if (j - i > COMMON_SEED)
			continue;
		memmove(v->seed + to, v->seed + i, (j - i) * sizeof(*v->seed));
		to += j - i;
	}
	v->seeds = to;
}

static void
make_tables(struct jevals *v)
{
	unsigned bits = 10;
	size_t i, k, slots;

	while (((size_t)1 << bits) < v->seeds && bits < 28)
		bits++;
	v->shift = 64 - bits;
	slots = (size_t)1 << bits;
	v->first = jmem_zalloc(slots + 2, sizeof(*v->first));
	v->filter_mask = slots / 4 - 1;
	v->filter = jmem_zalloc(slots / 4, sizeof(*v->filter));
	for (i = 0, k = 0; i < v->seeds; i++) {
		for (; k <= v->seed[i].hash >> v->shift; k++)
			v->first[k] = (uint32_t)i;
		v->filter[evals_filter_at(v, v->seed[i].hash)] |= evals_filter_bits(v->seed[i].hash);
	}
	for (; k < slots + 2; k++)
		v->first[k] = (uint32_t)v->seeds;
}

int
jevals_finish(struct jevals *v, struct jerr *e)
{
	size_t i, n = 0;
	uint32_t w;

	for (i = 0; i < v->items; i++)
		n += v->item[i].n - JEVALS_SEED + 1;
	v->seed = jmem_try(n + 1, sizeof(*v->seed));
	if (!v->seed)
		return jerr_set(e, JERR_NOMEM, "no memory for the seeds of %zu evaluation items", v->items);
	for (i = 0; i < v->items; i++)
		for (w = 0; w + JEVALS_SEED <= v->item[i].n; w++)
			v->seed[v->seeds++] = (struct evals_seed){
				seed_hash(v->words + v->item[i].at + w), (uint32_t)i, w };
	if (sort_seeds(v, e) < 0)
		return JERR_NOMEM;
	drop_common(v);
	make_tables(v);
	weigh(v);
	return 0;
}

void
evals_find(const struct jevals *v, uint64_t hash, size_t *from, size_t *to)
{
	size_t slot = (size_t)(hash >> v->shift), i = v->first[slot], end = v->first[slot + 1];

	while (i < end && v->seed[i].hash < hash)
		i++;
	*from = i;
	while (i < end && v->seed[i].hash == hash)
		i++;
	*to = i;
}

size_t
jevals_size(const struct jevals *v)
{
	return v->items;
}

const char *
jevals_name(const struct jevals *v, size_t item)
{
	return v->item[item].name;
}

size_t
jevals_words(const struct jevals *v, size_t item)
{
	return v->item[item].n;
}

const char *
jevals_question(const struct jevals *v, size_t item)
{
	return v->item[item].question;
}

const char *
jevals_answer(const struct jevals *v, size_t item)
{
	return v->item[item].answer ? v->item[item].answer : "";
}
