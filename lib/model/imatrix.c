/*
 * imatrix.c - importance matrices, in memory and in llama.cpp's formats.
 *
 * GGUF: general.type "imatrix", imatrix.datasets, imatrix.chunk_count, imatrix.chunk_size; for each
 * tensor "NAME.in_sum2" F32 [cols, n] sums of squares and "NAME.counts" F32 [1, n] rows summed, n
 * being the experts of a stack (1 otherwise).  .dat, little-endian: i32 entries; each i32 length,
 * name, i32 calls, i32 cols, f32 values that are mean squares times calls; then remarks.
 *
 * Experts of a stack get their mean: one weight a column.
 */
#include "model/jquantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "io/jfs.h"
#include "io/jgguf.h"

#define MAX_NAME 256
#define MAX_COLS (1 << 24)

struct entry {
	char *name;
	int64_t cols;
	double rows;		/* summed */
	double *sum;		/* of squares, [cols] */
	float *mean;		/* [cols]; sum / rows */
};

struct jimatrix {
	struct entry *v;	/* in the order of arrival */
	size_t n, cap;
};

struct jimatrix *
jimatrix_new(void)
{
	return jmem_zalloc(1, sizeof(struct jimatrix));
}

void
jimatrix_free(struct jimatrix *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++) {
		jmem_free(x->v[i].name);
		jmem_free(x->v[i].sum);
		jmem_free(x->v[i].mean);
	}
	jmem_free(x->v);
	jmem_free(x);
}

size_t
jimatrix_count(const struct jimatrix *x)
{
	return x->n;
}

static struct entry *
find(const struct jimatrix *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->v[i].name, name) == 0)
			return &x->v[i];
	return NULL;
}

static struct entry *
add_entry(struct jimatrix *x, const char *name, int64_t cols, struct jerr *e)
{
	struct entry *t;
	double *sum = jmem_try((size_t)cols, sizeof(*sum));
	float *mean = jmem_try((size_t)cols, sizeof(*mean));

	if (!sum || !mean) {
		jmem_free(sum);
		jmem_free(mean);
		jerr_set(e, JERR_NOMEM, "no memory for the importance of %lld columns", (long long)cols);
		return NULL;
	}
	JMEM_GROW(x->v, x->cap, x->n + 1);
	t = &x->v[x->n++];
	*t = (struct entry){ jmem_strdup(name), cols, 0, sum, mean };
	memset(sum, 0, (size_t)cols * sizeof(*sum));
	memset(mean, 0, (size_t)cols * sizeof(*mean));
	return t;
}

int
jimatrix_add(struct jimatrix *x, const char *tensor, const float *rows, int64_t n, int64_t cols,
	struct jerr *e)
{
	struct entry *t = find(x, tensor);

	if (!t && !(t = add_entry(x, tensor, cols, e)))
		return e->code;
	if (t->cols != cols)
		return jerr_set(e, JERR_ARG, "tensor %s met %lld columns, and now %lld", tensor,
			(long long)t->cols, (long long)cols);
	for (int64_t r = 0; r < n; r++)
		for (int64_t c = 0; c < cols; c++) {
			double v = (double)rows[r * cols + c];

			t->sum[c] += v * v;
		}
	t->rows += (double)n;
	for (int64_t c = 0; c < cols; c++)
		t->mean[c] = t->rows > 0 ? (float)(t->sum[c] / t->rows) : 0;
	return 0;
}

const float *
jimatrix_find(const struct jimatrix *x, const char *tensor, int64_t cols)
{
	const struct entry *t = find(x, tensor);

	return t && t->cols == cols && t->rows > 0 ? t->mean : NULL;
}

/* Mean squares of a tensor whose sums came from a file. */
static int
take_means(struct entry *t, const char *path, struct jerr *e)
{
	for (int64_t c = 0; c < t->cols; c++) {
		double v = t->sum[c] / t->rows;

		if (!(v >= 0) || v > 1e30)
			return jerr_set(e, JERR_FORMAT, "%s: importance of %s: column %lld is %g", path,
				t->name, (long long)c, v);
		t->mean[c] = (float)v;
	}
	return 0;
}

/* One pair of tensors of a GGUF file. */
static int
read_pair(struct jimatrix *x, const struct jgguf *g, const struct jgguf_tensor *sums,
	const char *name, const char *path, struct jerr *e)
{
	char counts_name[MAX_NAME + 16];
	const struct jgguf_tensor *counts;
	int64_t cols = sums->dims[0], n = sums->dims[1] * sums->dims[2] * sums->dims[3];
	struct entry *t;

	snprintf(counts_name, sizeof(counts_name), "%s.counts", name);
	counts = jgguf_find(g, counts_name);
	if (!counts || sums->type != 0 || counts->type != 0 || cols < 1 || cols > MAX_COLS || n < 1 ||
	    counts->bytes != (uint64_t)n * 4 || find(x, name))
		return jerr_set(e, JERR_FORMAT, "%s: importance of %s: expected F32 sums and as many "
			"counts, once", path, name);
	t = add_entry(x, name, cols, e);
	if (!t)
		return e->code;
	for (int64_t k = 0; k < n; k++) {
		t->rows += (double)jle_f32(counts->data + 4 * k);
		for (int64_t c = 0; c < cols; c++)
			t->sum[c] += (double)jle_f32(sums->data + 4 * (k * cols + c));
	}
	if (!(t->rows > 0)) {		/* an expert that no token met */
		t->rows = 0;
		return 0;
	}
	return take_means(t, path, e);
}

static int
read_gguf(struct jimatrix *x, const void *p, size_t n_bytes, const char *path, struct jerr *e)
{
	static const char suffix[] = ".in_sum2";
	struct jgguf *g;
	int rc = jgguf_open_mem(&g, p, n_bytes, path, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < jgguf_tensors(g); i++) {
		const struct jgguf_tensor *t = jgguf_tensor(g, i);
		char name[MAX_NAME];
		size_t n = strlen(t->name);

		if (n < sizeof(suffix) || n >= sizeof(name) || !jstr_ends(t->name, suffix))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n - strlen(suffix)), t->name);
		rc = read_pair(x, g, t, name, path, e);
	}
	jgguf_close(g);
	return rc;
}

struct cursor {
	const unsigned char *p;
	size_t left;
	const char *path;
};

static int
next_int(struct cursor *c, int64_t lo, int64_t hi, const char *what, struct jerr *e)
{
	int32_t v;

	if (c->left < 4)
		return jerr_set(e, JERR_FORMAT, "%s: ends before %s", c->path, what);
	v = (int32_t)jle_u32(c->p);
	if (v < lo || v > hi)
		return jerr_set(e, JERR_FORMAT, "%s: %s is %d", c->path, what, (int)v);
	c->p += 4;
	c->left -= 4;
	return v;
}

static int
read_dat_entry(struct jimatrix *x, struct cursor *c, struct jerr *e)
{
	char name[MAX_NAME];
	struct entry *t;
	int n = next_int(c, 1, MAX_NAME - 1, "the length of a name", e), calls, cols;

	if (n < 0)
		return n;
	if (c->left < (size_t)n)
		return jerr_set(e, JERR_FORMAT, "%s: ends inside a name", c->path);
	memcpy(name, c->p, (size_t)n);
	name[n] = 0;
	c->p += n;
	c->left -= (size_t)n;
	calls = next_int(c, 0, INT32_MAX, "a number of calls", e);
	cols = calls < 0 ? calls : next_int(c, 1, MAX_COLS, "a number of columns", e);
	if (cols < 0)
		return cols;
	if (c->left / 4 < (size_t)cols || find(x, name))
		return jerr_set(e, JERR_FORMAT, "%s: importance of %.100s: %s", c->path, name,
			find(x, name) ? "twice" : "cut short");
	t = add_entry(x, name, cols, e);
	if (!t)
		return e->code;
	for (int i = 0; i < cols; i++)
		t->sum[i] = (double)jle_f32(c->p + 4 * i);
	c->p += (size_t)cols * 4;
	c->left -= (size_t)cols * 4;
	t->rows = calls;
	return calls ? take_means(t, c->path, e) : 0;
}

static int
read_dat(struct jimatrix *x, const void *p, size_t n_bytes, const char *path, struct jerr *e)
{
	struct cursor c = { p, n_bytes, path };
	int n = next_int(&c, 1, 1 << 20, "the number of entries (no importance matrix?)", e);

	for (int i = 0; n > 0 && i < n; i++) {
		int rc = read_dat_entry(x, &c, e);

		if (rc < 0)
			return rc;
	}
	return n < 0 ? n : 0;
}

int
jimatrix_load_mem(struct jimatrix **out, const void *p, size_t n, const char *name, struct jerr *e)
{
	struct jimatrix *x = jimatrix_new();
	bool gguf = n >= 4 && memcmp(p, "GGUF", 4) == 0;
	int rc = (gguf ? read_gguf : read_dat)(x, p, n, name, e);

	if (rc == 0 && x->n == 0)
		rc = jerr_set(e, JERR_FORMAT, "%s: holds no importance", name);
	if (rc < 0)
		jimatrix_free(x);
	else
		*out = x;
	return rc;
}

int
jimatrix_load(struct jimatrix **out, const char *path, struct jerr *e)
{
	struct jmapped map;
	int rc = jfs_map(&map, path, e);

	if (rc < 0)
		return rc;
	rc = jimatrix_load_mem(out, map.p, map.n, path, e);
	jfs_unmap(&map);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const struct entry *const *)a)->name, (*(const struct entry *const *)b)->name);
}

static int
write_entries(struct jgguf_writer *w, const struct entry **v, size_t n, struct jerr *e)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		char name[MAX_NAME + 16];
		int64_t dims[2] = { v[i]->cols, 1 };

		snprintf(name, sizeof(name), "%s.in_sum2", v[i]->name);
		jgguf_add_tensor(w, name, 2, dims, 0, (uint64_t)dims[0] * 4);
		dims[0] = 1;
		snprintf(name, sizeof(name), "%s.counts", v[i]->name);
		jgguf_add_tensor(w, name, 2, dims, 0, 4);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		float rows = (float)v[i]->rows;

		for (int64_t c = 0; rc == 0 && c < v[i]->cols; c++) {
			float sum = (float)v[i]->sum[c];

			rc = jgguf_data(w, &sum, sizeof(sum), e);
		}
		if (rc == 0)
			rc = jgguf_data(w, &rows, sizeof(rows), e);
	}
	return rc;
}

int
jimatrix_save(const struct jimatrix *x, const char *path, const char *dataset, int chunk,
	struct jerr *e)
{
	const struct entry **v = jmem_alloc(x->n + 1, sizeof(*v));
	struct jgguf_writer *w;
	double most = 0;
	int rc = jgguf_create(&w, path, e);

	for (size_t i = 0; i < x->n; i++) {
		v[i] = &x->v[i];
		most = fmax(most, x->v[i].rows);
	}
	qsort(v, x->n, sizeof(*v), by_name);
	if (rc == 0) {
		jgguf_put_str(w, "general.type", "imatrix", 7);
		jgguf_put_arr(w, "imatrix.datasets", JGGUF_STR, 1);
		jgguf_arr_add_str(w, dataset, strlen(dataset));
		jgguf_put_u32(w, "imatrix.chunk_count", (uint32_t)(most / (chunk ? chunk : 1)));
		jgguf_put_u32(w, "imatrix.chunk_size", (uint32_t)chunk);
		rc = write_entries(w, v, x->n, e);
		if (rc < 0)
			jgguf_abort(w);
		else
			rc = jgguf_commit(w, e);
	}
	jmem_free(v);
	return rc;
}
