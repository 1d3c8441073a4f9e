/*
 * Training a router: passages, logistic regression by AdaGrad (Duchi et al. 2011) in a keyed order,
 * then temperature, mixture and threshold on what was held out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jrand.h"
#include "swarm/features.h"
#include "swarm/keywords.h"
#include "swarm/jroute.h"
#include "swarm/router_file.h"
#include "text/jwords.h"

#define MIN_WORDS 4		/* of a passage */
#define LONG_BYTES 400		/* paragraphs are cut about here */
#define MAX_PASSAGES 20000	/* of one expert; those of lowest hash are kept */
#define HELD_OUT 8		/* one text of so many */
#define EPOCHS 6
#define RATE 0.5f

struct passage {
	uint64_t key;			/* random, by seed and content */
	uint32_t expert;
	bool held_out, is_short;
	uint64_t text_at;		/* in `bytes` */
	uint32_t text_n;
	struct features f;
};

struct jrouter_train {
	const struct jexperts *x;
	uint64_t seed;
	struct passage *p;
	size_t n, cap;
	struct jbuf bytes;
	struct jbuf foreign;		/* lines for the next run of them */
	bool has_foreign;
	struct weights w;
	struct keywords *kw;
	double *scratch;		/* [3 * classes] */
};

struct jrouter_train *
jrouter_train_new(const struct jexperts *x, uint64_t seed)
{
	struct jrouter_train *t = jmem_zalloc(1, sizeof(*t));

	t->x = x;
	t->seed = seed;
	t->scratch = jmem_alloc(3 * (x->n + 1), sizeof(*t->scratch));
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
	jmem_free(t->scratch);
	jbuf_release(&t->bytes);
	jbuf_release(&t->foreign);
	weights_release(&t->w);
	keywords_free(t->kw);
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
void
jrouter_train_add_topic(struct jrouter_train *t, size_t expert, const char *topic, size_t n)
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
		add_passage(t, expert, b.p, b.n, false, false);
	}
	jbuf_release(&b);
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
static int
share_out(struct jrouter_train *t, struct jrouter_report *r, struct jerr *e)
{
	size_t *all = jmem_zalloc(2 * (t->x->n + 1), sizeof(*all)), *held = all + t->x->n + 1;
	int rc = 0;

	for (size_t i = 0; i < t->n; i++) {
		all[t->p[i].expert]++;
		held[t->p[i].expert] += t->p[i].held_out;
	}
	/* Few or large texts: the passages themselves are shared out. */
	for (size_t i = 0; i < t->n; i++) {
		size_t x = t->p[i].expert;

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

static int
by_word(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Words and in how many passages of each expert they stand; rarity of the hashed features. */
static void
count_all(struct jrouter_train *t)
{
	struct weights *w = &t->w;
	size_t n = 0, cap = 0, k = 0;
	uint64_t *words = NULL;

	w->idf = jmem_zalloc(FEATURES, sizeof(*w->idf));
	for (size_t i = 0; i < t->n; i++) {
		struct passage *p = &t->p[i];

		features_make(&p->f, t->bytes.p + p->text_at, p->text_n);
		if (p->held_out)
			continue;
		w->passages++;
		for (size_t j = 0; j < p->f.n; j++)
			w->idf[p->f.v[j].at]++;
		JMEM_GROW(words, cap, n + p->f.n_words);
		memcpy(words + n, p->f.words, p->f.n_words * sizeof(*words));
		n += p->f.n_words;
	}
	if (n)
		qsort(words, n, sizeof(*words), by_word);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || words[i] != words[k - 1])
			words[k++] = words[i];
	w->words = words;
	w->n_words = k;
	w->df = jmem_zalloc(k * w->classes + 1, sizeof(*w->df));
	for (size_t i = 0; i < t->n; i++) {
		const struct passage *p = &t->p[i];

		for (size_t j = 0; !p->held_out && j < p->f.n_words; j++) {
			const uint64_t *at = bsearch(&p->f.words[j], words, k, sizeof(*words), by_word);

			w->df[(size_t)(at - words) * w->classes + p->expert]++;
		}
	}
	for (size_t j = 0; j < FEATURES; j++)
		w->idf[j] = logf(((float)w->passages + 1) / (w->idf[j] + 1)) + 1;
	for (size_t i = 0; i < t->n; i++)
		features_weigh(&t->p[i].f, w->idf);
}

static void
one_step(struct jrouter_train *t, const struct passage *p, const double *class_weight, float *squares)
{
	struct weights *w = &t->w;
	double *logp = t->scratch;

	weights_logp(w, &p->f, SIZE_MAX, logp);
	for (size_t e = 0; e < w->classes; e++) {
		float g = (float)(class_weight[p->expert] * (exp(logp[e]) - (e == p->expert)));
		float *row = w->w + e * FEATURES, *sq = squares + e * FEATURES;

		for (size_t i = 0; i < p->f.n; i++) {
			size_t at = p->f.v[i].at;
			float d = g * p->f.v[i].value;

			sq[at] += d * d;
			row[at] -= RATE * d / (sqrtf(sq[at]) + 1e-6f);
		}
		w->bias[e] -= 0.01f * g;
	}
}

/* Every class weighs the same, however much text it has. */
static void
fit(struct jrouter_train *t)
{
	struct weights *w = &t->w;
	float *squares = jmem_zalloc(w->classes * FEATURES, sizeof(*squares));
	double *class_weight = t->scratch + w->classes, used = 0;

	for (size_t e = 0; e < w->classes; e++) {
		double n = 0;

		for (size_t i = 0; i < t->n; i++)
			n += t->p[i].expert == e && !t->p[i].held_out;
		class_weight[e] = n;
		used += n;
	}
	for (size_t e = 0; e < w->classes; e++)
		class_weight[e] = class_weight[e] > 0 ? used / ((double)w->classes * class_weight[e]) : 0;
	for (int epoch = 0; epoch < EPOCHS; epoch++)
		for (size_t i = 0; i < t->n; i++)
			if (!t->p[i].held_out)
				one_step(t, &t->p[i], class_weight, squares);
	jmem_free(squares);
}

/* Mean loss of the held-out passages under a mixture of both sources; accuracy on request. */
static double
held_out_loss(struct jrouter_train *t, double trained, double keyword, double *accuracy)
{
	size_t n = 0, right = 0;
	double loss = 0, *logp = t->scratch, *kw = t->scratch + t->w.classes;

	for (size_t i = 0; i < t->n; i++) {
		const struct passage *p = &t->p[i];
		double max = -INFINITY, sum = 0;
		size_t best = 0;

		if (!p->held_out || p->expert == t->x->n)
			continue;
		weights_logp(&t->w, &p->f, SIZE_MAX, logp);
		keywords_score(t->kw, t->bytes.p + p->text_at, p->text_n, kw);
		for (size_t e = 0; e < t->x->n; e++) {
			logp[e] = trained * logp[e] + keyword * kw[e];
			if (logp[e] > max) {
				max = logp[e];
				best = e;
			}
		}
		for (size_t e = 0; e < t->x->n; e++)
			sum += exp(logp[e] - max);
		loss -= logp[p->expert] - max - log(sum);
		right += best == p->expert;
		n++;
	}
	if (accuracy)
		*accuracy = n ? (double)right / (double)n : 0;
	return n ? loss / (double)n : 0;
}

/* Golden-section search (Kiefer 1953) for the least loss over one of the three numbers. */
static double
search(struct jrouter_train *t, int which, double lo, double hi)
{
	const double ratio = 0.6180339887498949;

	for (int i = 0; i < 16; i++) {
		double x[2] = { hi - ratio * (hi - lo), lo + ratio * (hi - lo) }, loss[2];

		for (int k = 0; k < 2; k++) {
			double old = t->w.temperature;

			if (which == 0)
				t->w.temperature = exp(x[k]);
			loss[k] = held_out_loss(t, which == 1 ? x[k] : t->w.trained_weight,
				which == 2 ? x[k] : t->w.keyword_weight, NULL);
			t->w.temperature = old;
		}
		if (loss[0] <= loss[1])
			hi = x[1];
		else
			lo = x[0];
	}
	return (lo + hi) / 2;
}

/* --- the threshold --- */

static int
by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t
count_below(const double *v, size_t n, double limit)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v[mid] < limit)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * At least 19 of 20 of the experts' own short passages stay.  Within that, given foreign texts, as
 * many questions as possible are refused: the ones to come are more various than those at hand.
 * Without them the sum of shares that fall on the right side is the highest.
 */
static void
choose_threshold(struct jrouter_train *t, const double *own, size_t n, const double *foreign, size_t m,
	struct jrouter_report *r)
{
	double best = -1;

	for (size_t i = t->has_foreign ? n / 20 : 0; i < n / 20 + 1 && i < n; i++) {
		size_t below = count_below(foreign, m, own[i]);
		double kept = 1 - (double)count_below(own, n, own[i]) / (double)n;
		double off = m ? (double)below / (double)m : 0;

		if (kept + off > best) {
			best = kept + off;
			/* Half way to the next foreign one: between the two any limit is as good. */
			t->w.threshold = (own[i] + (below ? foreign[below - 1] : 0)) / 2;
			r->own_accepted = kept;
			r->foreign_rejected = off;
		}
	}
}

static void
find_threshold(struct jrouter_train *t, struct jrouter_report *r)
{
	double *own = jmem_alloc(2 * t->n + 1, sizeof(*own)), *foreign = own + t->n;
	size_t n = 0, m = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct passage *p = &t->p[i];

		if (!p->held_out || !p->is_short)
			continue;
		if (p->expert == t->x->n) {
			foreign[m++] = weights_acceptance(&t->w, &p->f, SIZE_MAX, t->scratch);
			continue;
		}
		own[n++] = weights_acceptance(&t->w, &p->f, SIZE_MAX, t->scratch);
		if (!t->has_foreign)
			foreign[m++] = weights_acceptance(&t->w, &p->f, p->expert, t->scratch);
	}
	qsort(own, n, sizeof(*own), by_number);
	qsort(foreign, m, sizeof(*foreign), by_number);
	choose_threshold(t, own, n, foreign, m, r);
	jmem_free(own);
}

int
jrouter_train_save(struct jrouter_train *t, const char *path, struct jrouter_report *r,
	struct jerr *e)
{
	struct weights *w = &t->w;
	int rc;

	memset(r, 0, sizeof(*r));
	thin_out(t);
	rc = share_out(t, r, e);
	if (rc == 0)
		rc = keywords_new(&t->kw, t->x, e);
	if (rc < 0)
		return rc;
	w->experts = t->x->n;
	w->classes = w->experts + t->has_foreign;
	w->w = jmem_zalloc(w->classes * FEATURES, sizeof(*w->w));
	w->bias = jmem_zalloc(w->classes, sizeof(*w->bias));
	w->temperature = w->trained_weight = 1;
	count_all(t);
	fit(t);
	w->temperature = exp(search(t, 0, log(0.05), log(20)));
	w->keyword_weight = search(t, 2, 0, 10);
	w->trained_weight = search(t, 1, 0.1, 3);
	held_out_loss(t, w->trained_weight, w->keyword_weight, &r->accuracy);
	find_threshold(t, r);
	r->has_foreign = t->has_foreign;
	r->temperature = w->temperature;
	r->keyword_weight = w->keyword_weight;
	r->trained_weight = w->trained_weight;
	r->threshold = w->threshold;
	return router_save(w, t->x, path, e);
}
