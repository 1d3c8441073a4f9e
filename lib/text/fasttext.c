/* fasttext.c - reading and writing the file; see jfasttext.h. */
#include <string.h>

#include "base/jle.h"
#include "io/jfs.h"
#include "text/fasttext_internal.h"

struct input {
	const unsigned char *p;
	size_t n, at;
	const char *name;
	struct jerr *e;
	int rc;				/* the first error */
};

static const unsigned char *
take(struct input *in, size_t n, const char *what)
{
	const unsigned char *p = in->p + in->at;

	if (in->rc == 0 && n > in->n - in->at)
		in->rc = jerr_set(in->e, JERR_FORMAT, "%s: ends at byte %zu in %s", in->name, in->n, what);
	if (in->rc < 0)
		return NULL;
	in->at += n;
	return p;
}

static int32_t
take_i32(struct input *in, const char *what)
{
	const unsigned char *p = take(in, 4, what);

	return p ? (int32_t)jle_u32(p) : 0;
}

static int64_t
take_i64(struct input *in, const char *what)
{
	const unsigned char *p = take(in, 8, what);

	return p ? (int64_t)jle_u64(p) : 0;
}

static bool
take_bool(struct input *in, const char *what)
{
	const unsigned char *p = take(in, 1, what);

	return p && *p;
}

static void
refuse(struct input *in, const char *what, long long value, const char *expected)
{
	if (in->rc == 0)
		in->rc = jerr_set(in->e, JERR_FORMAT, "%s: %s is %lld: expected %s", in->name, what, value,
			expected);
}

static void
read_args(struct input *in, struct ft_args *a)
{
	int32_t *field[] = { &a->dim, &a->ws, &a->epoch, &a->min_count, &a->neg, &a->word_ngrams,
		&a->loss, &a->model, &a->bucket, &a->minn, &a->maxn, &a->lr_rate };
	int32_t version;
	const unsigned char *p;
	uint64_t u;
	size_t i;

	if (take_i32(in, "the header") != FT_MAGIC && in->rc == 0)
		in->rc = jerr_set(in->e, JERR_FORMAT, "%s: not a fastText model", in->name);
	version = take_i32(in, "the header");
	if (version != 11 && version != FT_VERSION)
		refuse(in, "version", version, "11 or 12");
	for (i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		*field[i] = take_i32(in, "the header");
	p = take(in, 8, "the header");
	u = p ? jle_u64(p) : 0;
	memcpy(&a->t, &u, sizeof(a->t));
	if (version == 11 && a->model == FT_MODEL_SUP)
		a->maxn = 0;
	if (a->dim < 1 || a->dim > 1 << 16)
		refuse(in, "dim", a->dim, "1 to 65536");
	if (a->model != FT_MODEL_SUP)
		refuse(in, "model", a->model, "3, a classifier");
	if (a->loss < FT_LOSS_HS || a->loss > FT_LOSS_OVA)
		refuse(in, "loss", a->loss, "1 to 4");
	if (a->bucket < 0 || ((a->maxn > 0 || a->word_ngrams > 1) && a->bucket == 0))
		refuse(in, "bucket", a->bucket, "a positive number");
	if (a->word_ngrams > 100 || a->maxn > 100)
		refuse(in, "the length of n-grams", a->word_ngrams > 100 ? a->word_ngrams : a->maxn,
			"at most 100");
}

static void
read_prune(struct input *in, struct jfasttext *m)
{
	const unsigned char *p;
	uint32_t need = 64;
	int64_t i;

	if (m->pruned < 0 || in->rc < 0)
		return;
	if ((uint64_t)m->pruned > (in->n - in->at) / 8 || m->pruned > 1 << 29) {
		refuse(in, "the number of kept buckets", m->pruned, "what the file holds");
		return;
	}
	while (need < 2 * (uint64_t)m->pruned)
		need *= 2;
	m->prune_mask = need - 1;
	m->prune = jmem_alloc(need, sizeof(*m->prune));
	memset(m->prune, 0xff, need * sizeof(*m->prune));
	for (i = 0; i < m->pruned && in->rc == 0; i++) {
		struct ft_prune x;

		p = take(in, 8, "the kept buckets");
		x = (struct ft_prune){ (int32_t)jle_u32(p), (int32_t)jle_u32(p + 4) };
		if (x.to < 0 || x.from < 0)
			refuse(in, "a kept bucket", x.from < 0 ? x.from : x.to, "a positive number");
		else
			*ft_prune_at(m, x.from) = x;
	}
}

static void
read_entry(struct input *in, struct jfasttext *m, struct ft_entry *to)
{
	const unsigned char *s = in->p + in->at, *end = memchr(s, 0, in->n - in->at);
	const unsigned char *p;

	if (!end || (size_t)(end - s) > 1 << 20) {
		in->rc = jerr_set(in->e, JERR_FORMAT, "%s: byte %zu: a word without an end", in->name,
			in->at);
		return;
	}
	to->n = (uint32_t)(end - s);
	to->s = jarena_strndup(&m->arena, (const char *)s, to->n);
	in->at += to->n + 1;
	to->count = take_i64(in, "the dictionary");
	p = take(in, 1, "the dictionary");
	to->is_label = p && *p == 1;
}

static void
read_dictionary(struct input *in, struct jfasttext *m)
{
	int32_t i;

	m->entries = take_i32(in, "the dictionary");
	m->words = take_i32(in, "the dictionary");
	m->labels = take_i32(in, "the dictionary");
	m->tokens = take_i64(in, "the dictionary");
	m->pruned = take_i64(in, "the dictionary");
	if (m->words < 0 || m->labels < 1 || m->entries < 0 ||
	    (int64_t)m->words + m->labels != m->entries || (size_t)m->entries > (in->n - in->at) / 10)
		refuse(in, "the size of the dictionary", m->entries, "words + labels, within the file");
	if (in->rc < 0)
		return;
	m->entry = jmem_zalloc((size_t)m->entries, sizeof(*m->entry));
	for (i = 0; i < m->entries && in->rc == 0; i++) {
		read_entry(in, m, &m->entry[i]);
		if (in->rc == 0 && m->entry[i].is_label != (i >= m->words))
			refuse(in, "the kind of a dictionary entry", m->entry[i].is_label,
				"words first, then labels");
	}
	read_prune(in, m);
}

static float *
take_floats(struct input *in, uint64_t n, const char *what)
{
	const unsigned char *p;
	float *v;
	uint64_t i;

	if (in->rc == 0 && n > (in->n - in->at) / 4)
		in->rc = jerr_set(in->e, JERR_FORMAT, "%s: ends at byte %zu in %s", in->name, in->n, what);
	if (in->rc < 0)
		return NULL;
	p = take(in, (size_t)n * 4, what);
	v = jmem_try((size_t)n + 1, sizeof(*v));
	if (!v) {
		in->rc = jerr_set(in->e, JERR_NOMEM, "%s: no memory for %s", in->name, what);
		return NULL;
	}
	for (i = 0; i < n; i++)
		v[i] = jle_f32(p + 4 * i);
	return v;
}

static unsigned char *
take_bytes(struct input *in, uint64_t n, const char *what)
{
	const unsigned char *p;
	unsigned char *v;

	p = n <= in->n ? take(in, (size_t)n, what) : NULL;
	if (!p) {
		refuse(in, what, (long long)n, "a size within the file");
		return NULL;
	}
	v = jmem_alloc((size_t)n + 1, 1);
	memcpy(v, p, (size_t)n);
	return v;
}

static void
read_quantizer(struct input *in, struct ft_quantizer *q, int64_t dim)
{
	q->dim = take_i32(in, "a quantizer");
	q->subq = take_i32(in, "a quantizer");
	q->dsub = take_i32(in, "a quantizer");
	q->last = take_i32(in, "a quantizer");
	if (in->rc < 0)
		return;
	if (q->dim != dim || q->dsub < 1 || q->subq < 1 || q->last < 1 || q->last > q->dsub ||
	    (int64_t)(q->subq - 1) * q->dsub + q->last != dim)
		refuse(in, "the shape of a quantizer", q->dim, "that of its matrix");
	else
		q->centroid = take_floats(in, (uint64_t)q->dim * FT_CENTROIDS, "a quantizer");
}

static void
read_matrix(struct input *in, struct ft_matrix *x, bool quantized)
{
	bool norm = quantized && take_bool(in, "a matrix");
	int32_t codes = 0;

	x->rows = take_i64(in, "a matrix");
	x->cols = take_i64(in, "a matrix");
	if (x->rows < 0 || x->rows > INT32_MAX || x->cols < 1 || x->cols > 1 << 16)
		refuse(in, "the rows of a matrix", x->rows, "a number that fits");
	if (in->rc < 0)
		return;
	if (!quantized) {
		x->v = take_floats(in, (uint64_t)x->rows * (uint64_t)x->cols, "a matrix");
		return;
	}
	codes = take_i32(in, "a matrix");
	x->code = codes < 0 ? NULL : take_bytes(in, (uint64_t)codes, "the codes of a matrix");
	read_quantizer(in, &x->q, x->cols);
	if (in->rc == 0 && (!x->code || x->rows * x->q.subq != codes))
		refuse(in, "the number of codes", codes, "one a row and part");
	if (in->rc == 0 && norm) {
		x->norm_code = take_bytes(in, (uint64_t)x->rows, "the norms of a matrix");
		read_quantizer(in, &x->norm, 1);
	}
}

/* What the features can name must lie in the matrices. */
static void
check_shapes(struct input *in, const struct jfasttext *m)
{
	int64_t rows = m->words + (int64_t)m->args.bucket, i;

	if (m->pruned >= 0)
		for (rows = m->words, i = 0; i <= (int64_t)m->prune_mask; i++)
			if (m->prune[i].to + (int64_t)m->words >= rows)
				rows = m->words + (int64_t)m->prune[i].to + 1;
	if (m->args.maxn <= 0 && m->args.word_ngrams <= 1 && m->pruned < 0)
		rows = m->words;
	if (m->in.rows < rows)
		refuse(in, "the rows of the input matrix", m->in.rows, "one a word and bucket");
	if (m->out.rows != m->labels)
		refuse(in, "the rows of the output matrix", m->out.rows, "one a label");
	if (m->in.cols != m->args.dim || m->out.cols != m->args.dim)
		refuse(in, "the columns of a matrix", m->in.cols, "dim");
}

int
jfasttext_open_mem(struct jfasttext **out, const void *p, size_t n, const char *name,
	struct jerr *e)
{
	struct input in = { p, n, 0, name, e, 0 };
	struct jfasttext *m = jmem_zalloc(1, sizeof(*m));
	bool quantized, q_out;

	jarena_init(&m->arena, 0);
	read_args(&in, &m->args);
	if (in.rc == 0)
		read_dictionary(&in, m);
	quantized = take_bool(&in, "a matrix");
	if (in.rc == 0)
		read_matrix(&in, &m->in, quantized);
	q_out = take_bool(&in, "a matrix");
	if (in.rc == 0)
		read_matrix(&in, &m->out, quantized && q_out);
	if (in.rc == 0)
		check_shapes(&in, m);
	if (in.rc < 0) {
		jfasttext_free(m);
		return in.rc;
	}
	ft_expand(&m->in);
	ft_expand(&m->out);
	ft_index(m);
	*out = m;
	return 0;
}

int
jfasttext_open(struct jfasttext **m, const char *file, struct jerr *e)
{
	struct jmapped map;
	int rc = jfs_map(&map, file, e);

	if (rc < 0)
		return rc;
	rc = jfasttext_open_mem(m, map.p, map.n, file, e);
	jfs_unmap(&map);
	return rc;
}

static void
free_matrix(struct ft_matrix *x)
{
	jmem_free(x->v);
	jmem_free(x->code);
	jmem_free(x->norm_code);
	jmem_free(x->q.centroid);
	jmem_free(x->norm.centroid);
}

void
jfasttext_free(struct jfasttext *m)
{
	if (!m)
		return;
	free_matrix(&m->in);
	free_matrix(&m->out);
	jmem_free(m->entry);
	jmem_free(m->slot);
	jmem_free(m->prune);
	jmem_free(m->tree);
	jarena_release(&m->arena);
	jmem_free(m);
}

static void
put32(struct jbuf *b, int32_t v)
{
	unsigned char c[4];

	jle_put32(c, (uint32_t)v);
	jbuf_add(b, c, 4);
}

static void
put64(struct jbuf *b, int64_t v)
{
	unsigned char c[8];

	jle_put64(c, (uint64_t)v);
	jbuf_add(b, c, 8);
}

static void
put_matrix(struct jbuf *b, const struct ft_matrix *x)
{
	int64_t i, n = x->rows * x->cols;

	put64(b, x->rows);
	put64(b, x->cols);
	jbuf_reserve(b, (size_t)n * 4);
	for (i = 0; i < n; i++) {
		int32_t u;

		memcpy(&u, &x->v[i], 4);
		put32(b, u);
	}
}

void
jfasttext_write(const struct jfasttext *m, struct jbuf *b)
{
	const struct ft_args *a = &m->args;
	const int32_t head[] = { FT_MAGIC, FT_VERSION, a->dim, a->ws, a->epoch, a->min_count, a->neg,
		a->word_ngrams, a->loss, a->model, a->bucket, a->minn, a->maxn, a->lr_rate };
	int64_t t;
	size_t i;

	for (i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		put32(b, head[i]);
	memcpy(&t, &a->t, sizeof(t));
	put64(b, t);
	put32(b, m->entries);
	put32(b, m->words);
	put32(b, m->labels);
	put64(b, m->tokens);
	put64(b, -1);
	for (i = 0; i < (size_t)m->entries; i++) {
		jbuf_add(b, m->entry[i].s, m->entry[i].n + 1);
		put64(b, m->entry[i].count);
		jbuf_addc(b, m->entry[i].is_label);
	}
	jbuf_addc(b, 0);
	put_matrix(b, &m->in);
	jbuf_addc(b, 0);
	put_matrix(b, &m->out);
}
