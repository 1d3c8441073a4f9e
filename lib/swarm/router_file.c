/*
 * Tensors bias F32 [C], df I32 [W, C], idf F32 [D], weights F32 [C, D], words I64 [W]; C is the number
 * of experts, or one more for "none of these"; metadata router ("2"), experts (names, one a line, in order), passages, temperature, keyword_weight,
 * trained_weight, threshold.
 */
#include "swarm/router_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jle.h"
#include "base/jstr.h"
#include "model/jsafetensors.h"

#define VERSION "2"

static void
names(const struct jexperts *x, struct jbuf *out)
{
	for (size_t i = 0; i < x->n; i++)
		jbuf_printf(out, "%s%s", i ? "\n" : "", x->v[i].name);
}

static void
put_number(struct jst_writer *out, const char *key, double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.17g", v);
	jst_meta(out, key, text);
}

static void
declare(struct jst_writer *out, const struct weights *w)
{
	const int64_t C = (int64_t)w->classes, W = (int64_t)w->n_words, D = (int64_t)FEATURES;

	jst_declare(out, "bias", JDT_F32, 1, &C);
	jst_declare(out, "df", JDT_I32, 2, (const int64_t[]){ W, C });
	jst_declare(out, "idf", JDT_F32, 1, &D);
	jst_declare(out, "weights", JDT_F32, 2, (const int64_t[]){ C, D });
	jst_declare(out, "words", JDT_I64, 1, &W);
}

static int
put_data(struct jst_writer *out, const struct weights *w, struct jerr *e)
{
	size_t n = w->n_words * w->classes;
	unsigned char b[8];
	int rc = jst_put_f32(out, w->bias, w->classes, e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		jle_put32(b, w->df[i]);
		rc = jst_put(out, b, 4, e);
	}
	if (rc == 0)
		rc = jst_put_f32(out, w->idf, FEATURES, e);
	if (rc == 0)
		rc = jst_put_f32(out, w->w, w->classes * FEATURES, e);
	for (size_t i = 0; rc == 0 && i < w->n_words; i++) {
		jle_put64(b, w->words[i]);
		rc = jst_put(out, b, 8, e);
	}
	return rc;
}

int
router_save(const struct weights *w, const struct jexperts *x, const char *path, struct jerr *e)
{
	struct jst_writer *out;
	struct jbuf list;
	int rc = jst_create(&out, path, e);

	if (rc < 0)
		return rc;
	jbuf_init(&list);
	names(x, &list);
	jst_meta(out, "router", VERSION);
	jst_meta(out, "experts", list.p);
	jbuf_release(&list);
	put_number(out, "passages", (double)w->passages);
	put_number(out, "temperature", w->temperature);
	put_number(out, "keyword_weight", w->keyword_weight);
	put_number(out, "trained_weight", w->trained_weight);
	put_number(out, "threshold", w->threshold);
	declare(out, w);
	rc = put_data(out, w, e);
	if (rc < 0) {
		jst_abort(out);
		return rc;
	}
	return jst_commit(out, e);
}

static int
number(const struct jst *s, const char *key, double *v, const char *path, struct jerr *e)
{
	const char *text = jst_metadata(s, key);

	if (!text || jstr_to_double(text, v) < 0 || !isfinite(*v))
		return jerr_set(e, JERR_FORMAT, "%s: no router: metadata %s is not a number", path, key);
	return 0;
}

static const struct jst_tensor *
tensor(const struct jst *s, const char *name, enum jdtype dtype, int64_t count, const char *path,
	struct jerr *e)
{
	const struct jst_tensor *t = jst_find(s, name);

	if (t && t->dtype == dtype && t->count == count)
		return t;
	jerr_set(e, JERR_FORMAT, "%s: no router: tensor %s is missing or of another size", path, name);
	return NULL;
}

static int
read_all(struct weights *w, const struct jst *s, const char *path, struct jerr *e)
{
	const struct jst_tensor *words = jst_find(s, "words"), *df, *bias = jst_find(s, "bias"), *idf;
	const struct jst_tensor *rows;
	int64_t C = (int64_t)w->experts, W;

	C += bias && bias->count == C + 1;
	w->classes = (size_t)C;
	W = words && words->n_dims == 1 ? words->shape[0] : 0;
	words = tensor(s, "words", JDT_I64, W, path, e);
	df = words ? tensor(s, "df", JDT_I32, W * C, path, e) : NULL;
	bias = df ? tensor(s, "bias", JDT_F32, C, path, e) : NULL;
	idf = bias ? tensor(s, "idf", JDT_F32, (int64_t)FEATURES, path, e) : NULL;
	rows = idf ? tensor(s, "weights", JDT_F32, C * (int64_t)FEATURES, path, e) : NULL;
	if (!rows)
		return e->code;
	w->n_words = (size_t)W;
	w->words = jmem_alloc((size_t)W + 1, sizeof(*w->words));
	w->df = jmem_alloc((size_t)(W * C) + 1, sizeof(*w->df));
	w->bias = jmem_alloc((size_t)C, sizeof(*w->bias));
	w->idf = jmem_alloc(FEATURES, sizeof(*w->idf));
	w->w = jmem_alloc((size_t)C * FEATURES, sizeof(*w->w));
	for (int64_t i = 0; i < W; i++)
		w->words[i] = jle_u64(words->data + 8 * i);
	for (int64_t i = 0; i < W * C; i++)
		w->df[i] = jle_u32(df->data + 4 * i);
	for (int64_t i = 1; i < W; i++)
		if (w->words[i] <= w->words[i - 1])
			return jerr_set(e, JERR_FORMAT, "%s: no router: words are not in order", path);
	if (jst_to_f32(bias, w->bias, e) < 0 || jst_to_f32(idf, w->idf, e) < 0 ||
	    jst_to_f32(rows, w->w, e) < 0)
		return e->code;
	return 0;
}

static int
check_experts(const struct jst *s, const struct jexperts *x, const char *path, struct jerr *e)
{
	const char *version = jst_metadata(s, "router"), *of = jst_metadata(s, "experts");
	struct jbuf list;
	int rc = 0;

	if (!version || strcmp(version, VERSION) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: no router of version " VERSION, path);
	jbuf_init(&list);
	names(x, &list);
	if (!of || strcmp(of, list.p) != 0)
		rc = jerr_set(e, JERR_ARG, "%s: the router was trained for other experts: run jroute train "
			"again", path);
	jbuf_release(&list);
	return rc;
}

int
router_load(struct weights *w, const struct jexperts *x, const char *path, struct jerr *e)
{
	struct jst *s;
	double passages = 0;
	int rc = jst_open(&s, path, e);

	if (rc < 0)
		return rc;
	w->experts = x->n;
	rc = check_experts(s, x, path, e);
	if (rc == 0)
		rc = number(s, "passages", &passages, path, e);
	if (rc == 0)
		rc = number(s, "temperature", &w->temperature, path, e);
	if (rc == 0)
		rc = number(s, "keyword_weight", &w->keyword_weight, path, e);
	if (rc == 0)
		rc = number(s, "trained_weight", &w->trained_weight, path, e);
	if (rc == 0)
		rc = number(s, "threshold", &w->threshold, path, e);
	if (rc == 0 && (passages < 0 || passages > 1e15 || w->temperature <= 0))
		rc = jerr_set(e, JERR_FORMAT, "%s: no router: metadata out of bounds", path);
	w->passages = (uint64_t)passages;
	if (rc == 0)
		rc = read_all(w, s, path, e);
	jst_close(s);
	if (rc < 0)
		weights_release(w);
	return rc;
}
