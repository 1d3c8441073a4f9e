/*
 * passages.c - the texts that a router learns from, cut to the size of questions and of paragraphs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "swarm/train.h"
#include "text/jwords.h"

#define MIN_WORDS 4		/* of a passage */
#define LONG_BYTES 400		/* paragraphs are cut about here */
#define MAX_PASSAGES 8000	/* of one expert; those of lowest hash are kept */
#define HELD_OUT 8		/* one text of so many */
#define HELD_OUT_FIELDS 4
#define RUN 4			/* topics of one passage */

struct jrouter_train *
jrouter_train_new(const struct jexperts *x, uint64_t seed)
{
	struct jrouter_train *t = jmem_zalloc(1, sizeof(*t));

	t->x = x;
	t->seed = seed;
	jbuf_init(&t->bytes);
	jbuf_init(&t->foreign);
	return t;
}

void
jrouter_train_free(struct jrouter_train *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		features_release(&t->p[i].f);
	jmem_free(t->p);
	jbuf_release(&t->bytes);
	jbuf_release(&t->foreign);
	trained_release(&t->t);
	keywords_free(t->kw);
	encoder_close(t->encoder);
	jmem_free(t);
}

static size_t
count_words(const char *p, size_t n, size_t enough)
{
	struct jtext_word w;
	size_t at = 0, k = 0;

	while (k < enough && jtext_next_word(p, n, &at, &w))
		k++;
	return k;
}

static void
add_passage(struct jrouter_train *t, size_t expert, const char *p, size_t n, bool held_out,
	bool is_short)
{
	struct passage *q;

	if (count_words(p, n, MIN_WORDS) < MIN_WORDS)
		return;
	JMEM_GROW(t->p, t->cap, t->n + 1);
	q = &t->p[t->n++];
	memset(q, 0, sizeof(*q));
	q->key = jhash64(p, n, t->seed ^ (uint64_t)expert << 32 ^ (uint64_t)is_short);
	q->expert = (uint32_t)expert;
	q->held_out = held_out;
	q->is_short = is_short;
	q->text_at = t->bytes.n;
	q->text_n = (uint32_t)n;
	jbuf_add(&t->bytes, p, n);
}

/* Sentences as they are, of the length of questions, and runs of them, of the length of paragraphs. */
static void
add_text(struct jrouter_train *t, size_t expert, const char *text, size_t n)
{
	bool held_out = jhash64(text, n, t->seed + 1) % HELD_OUT == 0;
	struct jtext_span s;
	size_t at = 0, from = 0;
	bool open = false;

	while (jtext_next_sentence(text, n, &at, &s)) {
		if (!open)
			from = s.at;
		open = true;
		add_passage(t, expert, text + s.at, s.n < LONG_BYTES ? s.n : LONG_BYTES, held_out, true);
		if (s.at + s.n - from < LONG_BYTES)
			continue;
		add_passage(t, expert, text + from, s.at + s.n - from < 4 * LONG_BYTES ?
			s.at + s.n - from : 4 * LONG_BYTES, held_out, false);
		open = false;
	}
}

void
jrouter_train_add(struct jrouter_train *t, size_t expert, const char *text, size_t n)
{
	add_text(t, expert, text, n);
}

void
jrouter_train_add_foreign(struct jrouter_train *t, const char *text, size_t n)
{
	size_t before = t->n;

	add_text(t, t->x->n, text, n);
	/* Questions can be long: runs of foreign lines are foreign as well. */
	jbuf_add(&t->foreign, text, n);
	jbuf_addc(&t->foreign, ' ');
	if (t->foreign.n >= LONG_BYTES / 2) {
		add_passage(t, t->x->n, t->foreign.p, t->foreign.n < 4 * LONG_BYTES ? t->foreign.n :
			4 * LONG_BYTES, false, false);
		jbuf_reset(&t->foreign);
	}
	t->has_foreign |= t->n > before;
}

/* In several forms, so that the form of a question says nothing about whose it is. */
static void
add_topic(struct jrouter_train *t, size_t expert, const char *topic, size_t n, bool held_out)
{
	static const char *const forms[] = {
		"What is %.*s?", "What does %.*s do?", "How do I use %.*s?", "How does %.*s work?",
		"Why is there %.*s?", "When should I use %.*s?", "Tell me about %.*s.",
		"Can you explain %.*s to me?", "Which %.*s is the best?", "Where do I find %.*s?",
		"What is the name of %.*s?", "Who needs %.*s and why?", "How much %.*s is enough?",
		"What is the difference between %.*s and the others?", "I would like to know %.*s.",
	};
	const size_t n_forms = sizeof(forms) / sizeof(forms[0]);
	uint64_t first = jhash64(topic, n, t->seed);
	struct jbuf b;

	if (n == 0 || n > LONG_BYTES)
		return;
	jbuf_init(&b);
	for (size_t i = 0; i < 4; i++) {
		jbuf_reset(&b);
		jbuf_printf(&b, forms[(first + i * 4) % n_forms], (int)n, topic);
		add_passage(t, expert, b.p, b.n, held_out, held_out);
	}
	jbuf_release(&b);
}

void
jrouter_train_add_topic(struct jrouter_train *t, size_t expert, const char *topic, size_t n)
{
	add_topic(t, expert, topic, n, false);
}

/* Where the k-th topic from here on ends, with its comma. */
static size_t
after_topics(const char *topics, size_t n, size_t at, int k)
{
	while (at < n && k > 0)
		k -= topics[at++] == ',';
	return at;
}

/* Whole fields are held out: what is to be refused later is of a field that nobody thought of. */
void
jrouter_train_add_foreign_topics(struct jrouter_train *t, const char *topics, size_t n)
{
	bool held_out = jhash64(topics, n, t->seed + 1) % HELD_OUT_FIELDS == 0;
	size_t before = t->n;

	for (size_t at = 0; at < n;) {
		size_t end = after_topics(topics, n, at, RUN), next = after_topics(topics, n, at, RUN / 2);

		add_passage(t, t->x->n, topics + at, end - at, held_out, true);
		at = next;
	}
	t->has_foreign |= t->n > before;
}

static int
by_expert_and_key(const void *a, const void *b)
{
	const struct passage *x = a, *y = b;

	if (x->expert != y->expert)
		return x->expert < y->expert ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

static int
by_key(const void *a, const void *b)
{
	const struct passage *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->expert > y->expert) - (x->expert < y->expert);
}

/* Equal passages of one expert count once; of many the ones of lowest key stay. */
static void
thin_out(struct jrouter_train *t)
{
	size_t k = 0, of = 0;

	qsort(t->p, t->n, sizeof(*t->p), by_expert_and_key);
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0 && t->p[i].expert != t->p[i - 1].expert)
			of = 0;
		if (k > 0 && of > 0 && t->p[k - 1].key == t->p[i].key)
			continue;
		if (of++ < MAX_PASSAGES)
			t->p[k++] = t->p[i];
	}
	t->n = k;
	qsort(t->p, t->n, sizeof(*t->p), by_key);
}

/* Every expert is trained on, and none is only held out. */
int
passages_share(struct jrouter_train *t, struct jrouter_report *r, struct jerr *e)
{
	size_t *all, *held;
	int rc = 0;

	thin_out(t);
	all = jmem_zalloc(2 * (t->x->n + 1), sizeof(*all));
	held = all + t->x->n + 1;
	for (size_t i = 0; i < t->n; i++) {
		all[t->p[i].expert]++;
		held[t->p[i].expert] += t->p[i].held_out;
	}
	/* Few or large texts: the passages themselves are shared out. */
	for (size_t i = 0; i < t->n; i++) {
		size_t x = t->p[i].expert;

		if (x == t->x->n && held[x] > 0)
			continue;
		if (held[x] * 4 > all[x] || held[x] * 40 < all[x])
			t->p[i].held_out = t->p[i].key / 7 % HELD_OUT == 0;
	}
	for (size_t i = 0; i < t->n; i++)
		r->held_out += t->p[i].held_out;
	r->passages = t->n;
	for (size_t x = 0; rc == 0 && x < t->x->n; x++)
		if (all[x] == 0)
			rc = jerr_set(e, JERR_ARG, "expert %s has no examples and no knowledge to learn "
				"from", t->x->v[x].name);
	if (rc == 0 && t->x->n < 2)
		rc = jerr_set(e, JERR_ARG, "one expert alone needs no router");
	jmem_free(all);
	return rc;
}
