/*
 * fasttext_train.c - supervised training with a softmax: plain SGD, one example at a time, the
 * rate falling linearly to 0 (Joulin et al. 2016).  Examples are kept as text in memory and taken
 * in an order that is permuted anew each epoch, keyed by the seed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jrand.h"
#include "text/fasttext_internal.h"

struct example {
	size_t at, n;			/* in text */
	int32_t label;
};

struct count {
	const char *s;
	uint32_t n;
	int64_t count;
};

struct counter {			/* tokens or labels by name */
	struct count *v;
	size_t n, cap;
	uint32_t *slot;
	size_t slots;
};

struct jfasttext_trainer {
	struct jfasttext_opts o;
	struct jfasttext *m;
	struct jbuf text;
	struct example *v;
	size_t n, cap;
	struct counter words, labels;
	int64_t tokens;
	uint64_t chars;			/* bytes of the names in the arena */
};

/* Texts, examples and dictionary. */
static uint64_t
bytes_held(const struct jfasttext_trainer *t)
{
	return t->text.cap + t->cap * sizeof(*t->v) + t->chars + t->words.cap * sizeof(*t->words.v) +
		t->words.slots * sizeof(*t->words.slot);
}

/* Doubling its arrays takes a trainer from half of the memory beyond it. */
static int
check_held(const struct jfasttext_trainer *t, struct jerr *e)
{
	uint64_t held = bytes_held(t);

	if (t->o.memory == 0 || held <= t->o.memory / 2)
		return 0;
	return jerr_set(e, JERR_LIMIT, "classifier: %zu texts with %zu different words take %llu bytes, more than half "
		"of the memory of %llu: give more or fewer records", t->n, t->words.n, (unsigned long long)held,
		(unsigned long long)t->o.memory);
}

/* The matrix, and once more the file that is made of it; dictionary entries and index. */
static int
check_matrix(const struct jfasttext_trainer *t, uint64_t words, struct jerr *e)
{
	uint64_t row = (uint64_t)t->o.dim * sizeof(float) * 2, buckets = t->o.word_ngrams > 1 ? t->o.buckets : 0;
	uint64_t held = bytes_held(t) + (t->words.n + t->labels.n) * 40, left, fit;

	left = t->o.memory > held ? t->o.memory - held : 0;
	fit = left / row;
	if (t->o.memory == 0 || words + buckets <= fit)
		return 0;
	if (fit > words)
		return jerr_set(e, JERR_LIMIT, "classifier: %llu words and %llu buckets of %d numbers do not fit the "
			"memory of %llu: %llu buckets would", (unsigned long long)words, (unsigned long long)buckets,
			t->o.dim, (unsigned long long)t->o.memory, (unsigned long long)(fit - words));
	return jerr_set(e, JERR_LIMIT, "classifier: %llu words and %llu buckets of %d numbers take %llu bytes and the "
		"texts %llu: more than the memory of %llu", (unsigned long long)words, (unsigned long long)buckets,
		t->o.dim, (unsigned long long)((words + buckets) * row), (unsigned long long)held,
		(unsigned long long)t->o.memory);
}

static void
counter_grow(struct counter *c)
{
	size_t i, at;

	c->slots = c->slots ? c->slots * 2 : 1024;
	jmem_free(c->slot);
	c->slot = jmem_zalloc(c->slots, sizeof(*c->slot));
	for (i = 0; i < c->n; i++) {
		for (at = ft_hash(c->v[i].s, c->v[i].n) & (c->slots - 1); c->slot[at];)
			at = (at + 1) & (c->slots - 1);
		c->slot[at] = (uint32_t)i + 1;
	}
}

static uint32_t
counter_add(struct counter *c, struct jfasttext_trainer *t, const char *s, size_t n)
{
	size_t at;

	if (c->n * 2 >= c->slots)
		counter_grow(c);
	for (at = ft_hash(s, n) & (c->slots - 1); c->slot[at]; at = (at + 1) & (c->slots - 1)) {
		struct count *x = &c->v[c->slot[at] - 1];

		if (x->n == n && memcmp(x->s, s, n) == 0) {
			x->count++;
			return c->slot[at] - 1;
		}
	}
	JMEM_GROW(c->v, c->cap, c->n + 1);
	c->v[c->n] = (struct count){ jarena_strndup(&t->m->arena, s, n), (uint32_t)n, 1 };
	t->chars += n + 1;
	c->slot[at] = (uint32_t)++c->n;
	return (uint32_t)c->n - 1;
}

static void
counter_release(struct counter *c)
{
	jmem_free(c->v);
	jmem_free(c->slot);
}

int
jfasttext_train_open(struct jfasttext_trainer **out, const struct jfasttext_opts *o,
	struct jerr *e)
{
	struct jfasttext_trainer *t;

	if (o->dim < 1 || o->dim > 1024 || o->epochs < 1 || o->epochs > 1000 || o->word_ngrams < 1 ||
	    o->word_ngrams > 10 || o->buckets < 1 || o->buckets > 1u << 28 || o->min_count < 1 ||
	    !(o->rate > 0 && o->rate <= 10))
		return jerr_set(e, JERR_ARG, "classifier: expected a size of 1 to 1024, 1 to 1000 epochs, "
			"n-grams of 1 to 10 words, 1 to 2^28 buckets, a rate above 0 and at most 10");
	t = jmem_zalloc(1, sizeof(*t));
	t->o = *o;
	t->m = jmem_zalloc(1, sizeof(*t->m));
	jarena_init(&t->m->arena, 0);
	jbuf_init(&t->text);
	*out = t;
	return 0;
}

void
jfasttext_train_abort(struct jfasttext_trainer *t)
{
	if (!t)
		return;
	jfasttext_free(t->m);
	jbuf_release(&t->text);
	jmem_free(t->v);
	counter_release(&t->words);
	counter_release(&t->labels);
	jmem_free(t);
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

int
jfasttext_train_add(struct jfasttext_trainer *t, const char *label, const char *s, size_t n,
	struct jerr *e)
{
	size_t i = 0, from;
	char name[256] = FT_LABEL;

	for (i = 0; label[i] && !is_space(label[i]); i++)
		;
	if (i == 0 || label[i] || i + sizeof(FT_LABEL) > sizeof(name))
		return jerr_set(e, JERR_ARG, "label \"%s\": expected one word of at most 200 bytes", label);
	memcpy(name + sizeof(FT_LABEL) - 1, label, i + 1);
	JMEM_GROW(t->v, t->cap, t->n + 1);
	t->v[t->n++] = (struct example){ t->text.n, n,
		(int32_t)counter_add(&t->labels, t, name, strlen(name)) };
	jbuf_add(&t->text, s, n);
	for (i = 0; i < n;) {
		while (i < n && is_space(s[i]))
			i++;
		for (from = i; i < n && !is_space(s[i]);)
			i++;
		if (i > from && !(i - from >= sizeof(FT_LABEL) - 1 &&
		    memcmp(s + from, FT_LABEL, sizeof(FT_LABEL) - 1) == 0)) {
			counter_add(&t->words, t, s + from, i - from);
			t->tokens++;
		}
	}
	counter_add(&t->words, t, FT_EOS, sizeof(FT_EOS) - 1);
	t->tokens++;
	return check_held(t, e);
}

/* Most frequent first; ties by bytes. */
static int
compare_count(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->s, y->s);
}

static void
put_entries(struct jfasttext *m, const struct counter *c, int64_t least, bool label)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].count >= least)
			m->entry[m->entries++] = (struct ft_entry){ c->v[i].s, c->v[i].n, label,
				c->v[i].count };
}

/* Dictionary and matrices; examples get the final numbers of their labels. */
static int
prepare(struct jfasttext_trainer *t, struct jerr *e)
{
	struct jfasttext *m = t->m;
	const struct jfasttext_opts *o = &t->o;
	size_t dim = (size_t)o->dim, i, rows, labels = t->labels.n;
	int32_t *number = jmem_alloc(labels + 1, sizeof(*number));
	const char **name = jmem_alloc(labels + 1, sizeof(*name));
	struct jrand r;
	int rc;

	m->args = (struct ft_args){ o->dim, 5, o->epochs, o->min_count, 5, o->word_ngrams,
		FT_LOSS_SOFTMAX, FT_MODEL_SUP, (int32_t)o->buckets, 0, 0, 100, 1e-4 };
	m->pruned = -1;
	m->tokens = t->tokens;
	for (i = 0; i < labels; i++)
		name[i] = t->labels.v[i].s;
	qsort(t->words.v, t->words.n, sizeof(*t->words.v), compare_count);
	qsort(t->labels.v, labels, sizeof(*t->labels.v), compare_count);
	m->entry = jmem_alloc(t->words.n + labels, sizeof(*m->entry));
	put_entries(m, &t->words, o->min_count, false);
	m->words = m->entries;
	put_entries(m, &t->labels, 0, true);
	m->labels = (int32_t)labels;
	ft_index(m);
	for (i = 0; i < labels; i++)
		number[i] = ft_find(m, name[i], strlen(name[i])) - m->words;
	for (i = 0; i < t->n; i++)
		t->v[i].label = number[t->v[i].label];
	jmem_free(number);
	jmem_free(name);
	rc = check_matrix(t, (uint64_t)m->words, e);
	if (rc < 0)
		return rc;
	rows = (size_t)m->words + (o->word_ngrams > 1 ? o->buckets : 0);
	if (o->word_ngrams <= 1)
		m->args.bucket = 0;
	m->in = (struct ft_matrix){ .rows = (int64_t)rows, .cols = o->dim };
	m->out = (struct ft_matrix){ .rows = m->labels, .cols = o->dim };
	m->in.v = jmem_try(rows, dim * sizeof(float));
	m->out.v = jmem_zalloc(labels, dim * sizeof(float));
	if (!m->in.v)
		return jerr_set(e, JERR_NOMEM, "classifier: no memory for %zu x %zu numbers", rows, dim);
	jrand_init(&r, o->seed, 0);
	for (i = 0; i < rows * dim; i++)
		m->in.v[i] = (float)((jrand_double(&r) * 2 - 1) / o->dim);
	return 0;
}

/* One step: the softmax of the hidden vector, its gradient into both matrices. */
static void
step(struct jfasttext *m, struct jfasttext_bench *b, int32_t label, float rate, float *grad)
{
	size_t dim = (size_t)m->args.dim, i, k;
	float max = -INFINITY, sum = 0, *h = b->hidden;
	int32_t l;

	for (l = 0; l < m->labels; l++) {
		const float *w = m->out.v + (size_t)l * dim;

		for (b->score[l] = 0, i = 0; i < dim; i++)
			b->score[l] += w[i] * h[i];
		max = b->score[l] > max ? b->score[l] : max;
	}
	for (l = 0; l < m->labels; l++)
		sum += b->score[l] = expf(b->score[l] - max);
	memset(grad, 0, dim * sizeof(*grad));
	for (l = 0; l < m->labels; l++) {
		float *w = m->out.v + (size_t)l * dim;
		float g = rate * ((l == label) - b->score[l] / sum);

		for (i = 0; i < dim; i++) {
			grad[i] += g * w[i];
			w[i] += g * h[i];
		}
	}
	for (i = 0; i < dim; i++)
		grad[i] /= (float)b->ids;
	for (k = 0; k < b->ids; k++) {
		float *row = m->in.v + (size_t)b->id[k] * dim;

		for (i = 0; i < dim; i++)
			row[i] += grad[i];
	}
}

static void
train(struct jfasttext_trainer *t)
{
	struct jfasttext *m = t->m;
	struct jfasttext_bench *b = jfasttext_bench_new();
	float *grad = jmem_alloc((size_t)m->args.dim, sizeof(*grad));
	double all = (double)t->n * t->o.epochs, done = 0;
	uint64_t i;
	int epoch;

	JMEM_GROW(b->score, b->score_cap, (size_t)m->labels);
	for (epoch = 0; epoch < t->o.epochs; epoch++)
		for (i = 0; i < t->n; i++, done++) {
			const struct example *x = &t->v[jrand_permute(i, t->n, t->o.seed,
				(uint64_t)epoch)];

			ft_features(m, b, t->text.p + x->at, x->n);
			if (b->ids == 0)
				continue;
			ft_hidden(m, b);
			step(m, b, x->label, (float)(t->o.rate * (1 - done / all)), grad);
		}
	jmem_free(grad);
	jfasttext_bench_free(b);
}

int
jfasttext_train_finish(struct jfasttext_trainer *t, struct jfasttext **m, struct jerr *e)
{
	int rc = 0;

	if (t->labels.n < 2)
		rc = jerr_set(e, JERR_ARG, "classifier: %zu labels in %zu records: expected two or more",
			t->labels.n, t->n);
	else if (t->words.n > INT32_MAX / 2)
		rc = jerr_set(e, JERR_LIMIT, "classifier: too many different words");
	else
		rc = prepare(t, e);
	if (rc == 0) {
		train(t);
		*m = t->m;
		t->m = NULL;
	}
	jfasttext_train_abort(t);
	return rc;
}
