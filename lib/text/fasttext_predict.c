/* fasttext_predict.c - from a text to probabilities; the definitions are fastText's. */
#include <math.h>
#include <string.h>

#include "text/fasttext_internal.h"

/* FNV-1a over sign-extended bytes. */
uint32_t
ft_hash(const char *s, size_t n)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (uint32_t)(int32_t)(signed char)s[i]) * 16777619u;
	return h;
}

int32_t
ft_find(const struct jfasttext *m, const char *s, size_t n)
{
	uint32_t i = ft_hash(s, n) & m->mask;

	for (; m->slot[i]; i = (i + 1) & m->mask) {
		const struct ft_entry *x = &m->entry[m->slot[i] - 1];

		if (x->n == n && memcmp(x->s, s, n) == 0)
			return m->slot[i] - 1;
	}
	return -1;
}

enum { MANY_SHIFT = 50 };		/* counts are cut at 2^50, so that sums cannot overflow */

static int64_t
cut_count(int64_t n)
{
	return n < 0 ? 0 : n > INT64_C(1) << MANY_SHIFT ? INT64_C(1) << MANY_SHIFT : n;
}

/*
 * Huffman's tree over the label counts, which fall: leaves are taken from the end, inner nodes in
 * the order in which they were made.
 */
void
ft_build_tree(struct jfasttext *m)
{
	int32_t n = m->labels, leaf = n - 1, node = n, i, k, pick[2];
	struct ft_node *t = jmem_alloc((size_t)n * 2, sizeof(*t));

	m->tree = t;
	for (i = 0; i < n; i++)
		t[i] = (struct ft_node){ -1, -1, cut_count(m->entry[m->words + i].count) };
	for (; i < 2 * n - 1; i++) {
		for (k = 0; k < 2; k++)
			pick[k] = leaf >= 0 && (node >= i || t[leaf].count < t[node].count) ? leaf-- : node++;
		t[i] = (struct ft_node){ pick[0], pick[1],
			cut_count(t[pick[0]].count + t[pick[1]].count) };
	}
}

void
ft_index(struct jfasttext *m)
{
	uint32_t need = 64, at;
	int32_t i;

	while (need < (uint32_t)m->entries * 2u)
		need *= 2;
	m->mask = need - 1;
	m->slot = jmem_zalloc(need, sizeof(*m->slot));
	for (i = 0; i < m->entries; i++) {
		for (at = ft_hash(m->entry[i].s, m->entry[i].n) & m->mask; m->slot[at];)
			at = (at + 1) & m->mask;
		m->slot[at] = i + 1;
	}
	if (m->args.loss == FT_LOSS_HS)
		ft_build_tree(m);
	for (i = 0; i <= 512; i++)
		m->sigmoid[i] = (float)(1.0 / (1.0 + exp(-((float)(i * 16) / 512 - 8))));
}

static void
push(struct jfasttext_bench *b, int32_t id)
{
	JMEM_GROW(b->id, b->id_cap, b->ids + 1);
	b->id[b->ids++] = id;
}

struct ft_prune *
ft_prune_at(const struct jfasttext *m, int32_t bucket)
{
	uint32_t i = (uint32_t)bucket * 2654435761u >> 7 & m->prune_mask;

	while (m->prune[i].from >= 0 && m->prune[i].from != bucket)
		i = (i + 1) & m->prune_mask;
	return &m->prune[i];
}

static void
push_bucket(const struct jfasttext *m, struct jfasttext_bench *b, int32_t bucket)
{
	const struct ft_prune *x;

	if (m->pruned < 0) {
		push(b, m->words + bucket);
		return;
	}
	x = ft_prune_at(m, bucket);
	if (x->from == bucket)
		push(b, m->words + x->to);
}

static bool
is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Character n-grams of "<word>". */
static void
push_subwords(const struct jfasttext *m, struct jfasttext_bench *b, const char *s, size_t n)
{
	const struct ft_args *a = &m->args;
	size_t i, j;
	int32_t k;

	jbuf_reset(&b->word);
	jbuf_addc(&b->word, '<');
	jbuf_add(&b->word, s, n);
	jbuf_addc(&b->word, '>');
	s = b->word.p;
	n = b->word.n;
	for (i = 0; i < n; i++) {
		uint32_t h = 2166136261u;

		if (is_tail(s[i]))
			continue;
		for (j = i, k = 1; j < n && k <= a->maxn; k++) {
			do {
				h = (h ^ (uint32_t)(int32_t)(signed char)s[j]) * 16777619u;
				j++;
			} while (j < n && is_tail(s[j]));
			if (k >= a->minn && !(k == 1 && (i == 0 || j == n)))
				push_bucket(m, b, (int32_t)(h % (uint32_t)a->bucket));
		}
	}
}

static void
push_token(const struct jfasttext *m, struct jfasttext_bench *b, const char *s, size_t n)
{
	int32_t id = ft_find(m, s, n);
	bool eos = n == sizeof(FT_EOS) - 1 && memcmp(s, FT_EOS, n) == 0;

	if (id >= m->words || (id < 0 && n >= sizeof(FT_LABEL) - 1 &&
	    memcmp(s, FT_LABEL, sizeof(FT_LABEL) - 1) == 0))
		return;
	if (id >= 0)
		push(b, id);
	if (m->args.maxn > 0 && !eos)
		push_subwords(m, b, s, n);
	JMEM_GROW(b->hash, b->hash_cap, b->hashes + 1);
	b->hash[b->hashes++] = (int32_t)ft_hash(s, n);
}

static void
push_word_ngrams(const struct jfasttext *m, struct jfasttext_bench *b)
{
	size_t i, j, n = (size_t)(m->args.word_ngrams > 0 ? m->args.word_ngrams : 0);

	for (i = 0; i < b->hashes; i++) {
		uint64_t h = (uint64_t)(int64_t)b->hash[i];

		for (j = i + 1; j < b->hashes && j < i + n; j++) {
			h = h * 116049371u + (uint64_t)(int64_t)b->hash[j];
			push_bucket(m, b, (int32_t)(h % (uint32_t)m->args.bucket));
		}
	}
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

void
ft_features(const struct jfasttext *m, struct jfasttext_bench *b, const char *s, size_t n)
{
	size_t i = 0, from;

	b->ids = b->hashes = 0;
	while (i < n) {
		while (i < n && is_space(s[i]))
			i++;
		for (from = i; i < n && !is_space(s[i]);)
			i++;
		if (i > from)
			push_token(m, b, s + from, i - from);
	}
	push_token(m, b, FT_EOS, sizeof(FT_EOS) - 1);
	push_word_ngrams(m, b);
}

static const float *
centroid(const struct ft_quantizer *q, int32_t part, unsigned char code)
{
	if (part == q->subq - 1)
		return q->centroid + (size_t)part * FT_CENTROIDS * (size_t)q->dsub +
			(size_t)code * (size_t)q->last;
	return q->centroid + ((size_t)part * FT_CENTROIDS + code) * (size_t)q->dsub;
}

static void
add_row(const struct ft_matrix *x, int32_t row, float *to)
{
	const float *v;
	const unsigned char *code;
	float norm = 1;
	int32_t part, d, i;

	if (x->v) {
		v = x->v + (size_t)row * (size_t)x->cols;
		for (i = 0; i < x->cols; i++)
			to[i] += v[i];
		return;
	}
	if (x->norm_code)
		norm = centroid(&x->norm, 0, x->norm_code[row])[0];
	code = x->code + (size_t)row * (size_t)x->q.subq;
	for (part = 0; part < x->q.subq; part++) {
		v = centroid(&x->q, part, code[part]);
		d = part == x->q.subq - 1 ? x->q.last : x->q.dsub;
		for (i = 0; i < d; i++)
			to[part * x->q.dsub + i] += norm * v[i];
	}
}

void
ft_expand(struct ft_matrix *x)
{
	enum { MOST = 1 << 24 };
	float *v;
	int64_t i;

	if (x->v || x->rows * x->cols > MOST)
		return;
	v = jmem_zalloc((size_t)(x->rows * x->cols) + 1, sizeof(*v));
	for (i = 0; i < x->rows; i++)
		add_row(x, (int32_t)i, v + i * x->cols);
	x->v = v;
}

static float
dot_row(const struct ft_matrix *x, int32_t row, const float *y)
{
	float row_v[1 << 8], sum = 0, *v = row_v;
	int64_t i;

	if (x->v) {
		v = x->v + (size_t)row * (size_t)x->cols;
		for (i = 0; i < x->cols; i++)
			sum += v[i] * y[i];
		return sum;
	}
	if (x->cols > 1 << 8)
		v = jmem_alloc((size_t)x->cols, sizeof(*v));
	memset(v, 0, (size_t)x->cols * sizeof(*v));
	add_row(x, row, v);
	for (i = 0; i < x->cols; i++)
		sum += v[i] * y[i];
	if (v != row_v)
		jmem_free(v);
	return sum;
}

void
ft_hidden(const struct jfasttext *m, struct jfasttext_bench *b)
{
	size_t i, dim = (size_t)m->args.dim;
	float scale = b->ids ? (float)(1.0 / (double)b->ids) : 0;

	JMEM_GROW(b->hidden, b->hidden_cap, dim);
	memset(b->hidden, 0, dim * sizeof(*b->hidden));
	for (i = 0; i < b->ids; i++)
		add_row(&m->in, b->id[i], b->hidden);
	for (i = 0; i < dim; i++)
		b->hidden[i] *= scale;
}

/* fastText's logarithm, which never sees a zero. */
static float
safe_log(float x)
{
	return (float)log((double)x + 1e-5);
}

struct best {
	struct jfasttext_guess *v;
	size_t n, k;
};

/* Keeps the k best, best first; of equals the first found. */
static void
best_add(struct best *best, int32_t label, float score)
{
	size_t i;

	if (best->k == 0 || (best->n == best->k && score <= best->v[best->n - 1].p))
		return;
	if (best->n < best->k)
		best->n++;
	for (i = best->n - 1; i > 0 && best->v[i - 1].p < score; i--)
		best->v[i] = best->v[i - 1];
	best->v[i] = (struct jfasttext_guess){ label, score };
}

/* Depth first with a stack of our own: a file may hold a degenerate tree. */
static void
walk_tree(const struct jfasttext *m, const float *hidden, struct best *best)
{
	struct todo {
		int32_t node;
		float score;
	} *stack = jmem_alloc((size_t)m->labels + 1, sizeof(*stack));
	float least = safe_log(0);
	size_t n = 0;

	stack[n++] = (struct todo){ 2 * m->labels - 2, 0 };
	while (n > 0) {
		struct todo t = stack[--n];
		const struct ft_node *node = &m->tree[t.node];
		float f;

		if (t.score < least || (best->n == best->k && t.score < best->v[best->n - 1].p))
			continue;
		if (node->left < 0) {
			best_add(best, t.node, t.score);
			continue;
		}
		f = dot_row(&m->out, t.node - m->labels, hidden);
		f = (float)(1.0 / (1.0 + exp((double)-f)));
		stack[n++] = (struct todo){ node->right, t.score + safe_log(f) };
		stack[n++] = (struct todo){ node->left, t.score + safe_log(1 - f) };
	}
	jmem_free(stack);
}

static float
table_sigmoid(const struct jfasttext *m, float x)
{
	if (!(x >= -8))
		return 0;
	return x > 8 ? 1 : m->sigmoid[(int)((x + 8) * 512 / 16)];
}

/* Probabilities of all labels into b->score. */
static void
flat_scores(const struct jfasttext *m, struct jfasttext_bench *b)
{
	float max = -INFINITY, sum = 0;
	int32_t i;

	JMEM_GROW(b->score, b->score_cap, (size_t)m->labels);
	for (i = 0; i < m->labels; i++) {
		b->score[i] = dot_row(&m->out, i, b->hidden);
		max = b->score[i] > max ? b->score[i] : max;
	}
	for (i = 0; i < m->labels; i++) {
		if (m->args.loss == FT_LOSS_SOFTMAX)
			sum += b->score[i] = (float)exp((double)(b->score[i] - max));
		else
			b->score[i] = table_sigmoid(m, b->score[i]);
	}
	for (i = 0; i < m->labels && m->args.loss == FT_LOSS_SOFTMAX; i++)
		b->score[i] /= sum;
}

size_t
jfasttext_predict(const struct jfasttext *m, struct jfasttext_bench *b, const char *s, size_t n,
	size_t k, struct jfasttext_guess *out)
{
	struct best best = { out, 0, k };
	int32_t i;
	size_t g;

	ft_features(m, b, s, n);
	if (b->ids == 0 || k == 0)
		return 0;
	ft_hidden(m, b);
	if (m->args.loss == FT_LOSS_HS) {
		walk_tree(m, b->hidden, &best);
	} else {
		flat_scores(m, b);
		for (i = 0; i < m->labels; i++)
			best_add(&best, i, safe_log(b->score[i]));
	}
	for (g = 0; g < best.n; g++) {
		float p = (float)exp((double)out[g].p);

		out[g].p = p >= 0 ? p : 0;	/* a file with numbers that are none */
	}
	return best.n;
}

double
jfasttext_probability(const struct jfasttext *m, struct jfasttext_bench *b, const char *s,
	size_t n, int label)
{
	struct jfasttext_guess *g = jmem_alloc((size_t)m->labels, sizeof(*g));
	size_t i, found = jfasttext_predict(m, b, s, n, (size_t)m->labels, g);
	double p = 0;

	for (i = 0; i < found; i++)
		if (g[i].label == label)
			p = g[i].p;
	jmem_free(g);
	return p;
}

size_t
jfasttext_labels(const struct jfasttext *m)
{
	return (size_t)m->labels;
}

const char *
jfasttext_label(const struct jfasttext *m, size_t i)
{
	const char *s = m->entry[(size_t)m->words + i].s;

	return strncmp(s, FT_LABEL, sizeof(FT_LABEL) - 1) == 0 ? s + sizeof(FT_LABEL) - 1 : s;
}

int
jfasttext_find_label(const struct jfasttext *m, const char *name)
{
	int i;

	for (i = 0; i < m->labels; i++)
		if (strcmp(jfasttext_label(m, (size_t)i), name) == 0)
			return i;
	return -1;
}

struct jfasttext_bench *
jfasttext_bench_new(void)
{
	struct jfasttext_bench *b = jmem_zalloc(1, sizeof(*b));

	jbuf_init(&b->word);
	return b;
}

void
jfasttext_bench_free(struct jfasttext_bench *b)
{
	if (!b)
		return;
	jmem_free(b->id);
	jmem_free(b->hash);
	jmem_free(b->hidden);
	jmem_free(b->score);
	jbuf_release(&b->word);
	jmem_free(b);
}
