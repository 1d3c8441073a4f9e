/*
 * Tensors, C being the number of experts, or one more for "none of these":
 *	bias F32 [C], df I32 [W, C], idf F16 [D], weights F16 [D, C], words I64 [W]: the classifier
 *	looks F32, mix F32: of the acceptance, and of the strategies (trained.h)
 * and with an encoder of width V:
 *	centre F32 [V], factor F32 [V, V], ridge F32 [V + 1, C]
 *	examples F16 [N, V], example_class I32 [N], example_text U8: lines
 * Metadata: router ("3"), experts (names, a line each, in order), passages, threshold and
 * threshold_embedded, encoder (a path).
 */
#include "swarm/router_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jle.h"
#include "base/jstr.h"
#include "model/jsafetensors.h"

#define VERSION "3"
#define MAX_WIDTH 65536

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

/* --- writing --- */

static void
declare(struct jst_writer *out, const struct trained *t)
{
	const int64_t C = (int64_t)t->w.classes, W = (int64_t)t->w.n_words, D = (int64_t)FEATURES;
	const int64_t V = (int64_t)t->e.width, N = (int64_t)t->e.n, bytes = (int64_t)t->e.texts.n;

	jst_declare(out, "bias", JDT_F32, 1, &C);
	jst_declare(out, "df", JDT_I32, 2, (const int64_t[]){ W, C });
	jst_declare(out, "idf", JDT_F16, 1, &D);
	jst_declare(out, "looks", JDT_F32, 2, (const int64_t[]){ 2, LOOKS + 1 });
	jst_declare(out, "mix", JDT_F32, 2, (const int64_t[]){ STRATEGIES, SIGNALS });
	jst_declare(out, "weights", JDT_F16, 2, (const int64_t[]){ D, C });
	jst_declare(out, "words", JDT_I64, 1, &W);
	if (!trained_embeds(t))
		return;
	jst_declare(out, "centre", JDT_F32, 1, &V);
	jst_declare(out, "example_class", JDT_I32, 1, &N);
	jst_declare(out, "example_text", JDT_U8, 1, &bytes);
	jst_declare(out, "examples", JDT_F16, 2, (const int64_t[]){ N, V });
	jst_declare(out, "factor", JDT_F32, 2, (const int64_t[]){ V, V });
	jst_declare(out, "ridge", JDT_F32, 2, (const int64_t[]){ V + 1, C });
}

static int
put_u32(struct jst_writer *out, const uint32_t *v, size_t n, struct jerr *e)
{
	unsigned char b[4];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		jle_put32(b, v[i]);
		rc = jst_put(out, b, sizeof(b), e);
	}
	return rc;
}

static int
put_classifier(struct jst_writer *out, const struct trained *t, struct jerr *e)
{
	const struct weights *w = &t->w;
	unsigned char b[8];
	int rc = jst_put_f32(out, w->bias, w->classes, e);

	if (rc == 0)
		rc = put_u32(out, w->df, w->n_words * w->classes, e);
	if (rc == 0)
		rc = jst_put_f32(out, w->idf, FEATURES, e);
	if (rc == 0)
		rc = jst_put_f32(out, t->looks[0], 2 * (LOOKS + 1), e);
	if (rc == 0)
		rc = jst_put_f32(out, t->mix[0], STRATEGIES * SIGNALS, e);
	if (rc == 0)
		rc = jst_put_f32(out, w->w, w->classes * FEATURES, e);
	for (size_t i = 0; rc == 0 && i < w->n_words; i++) {
		jle_put64(b, w->words[i]);
		rc = jst_put(out, b, sizeof(b), e);
	}
	return rc;
}

static int
put_embedding(struct jst_writer *out, const struct nearest *n, struct jerr *e)
{
	const uint64_t V = n->width;
	int rc = jst_put_f32(out, n->mean, V, e);

	if (rc == 0)
		rc = put_u32(out, n->of, n->n, e);
	if (rc == 0)
		rc = jst_put(out, n->texts.p, n->texts.n, e);
	if (rc == 0)
		rc = jst_put_f32(out, n->v, n->n * V, e);
	if (rc == 0)
		rc = jst_put_f32(out, n->factor, V * V, e);
	if (rc == 0)
		rc = jst_put_f32(out, n->ridge, (V + 1) * n->classes, e);
	return rc;
}

int
router_save(const struct trained *t, const struct jexperts *x, const char *path, struct jerr *e)
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
	put_number(out, "passages", (double)t->w.passages);
	put_number(out, "threshold", t->threshold[0]);
	put_number(out, "threshold_embedded", t->threshold[1]);
	if (trained_embeds(t))
		jst_meta(out, "encoder", t->e.encoder);
	declare(out, t);
	rc = put_classifier(out, t, e);
	if (rc == 0 && trained_embeds(t))
		rc = put_embedding(out, &t->e, e);
	if (rc < 0) {
		jst_abort(out);
		return rc;
	}
	return jst_commit(out, e);
}

/* --- reading --- */

struct file {
	const struct jst *s;
	const char *path;
	struct jerr *e;
};

static int
number(const struct file *f, const char *key, double *v)
{
	const char *text = jst_metadata(f->s, key);

	if (!text || jstr_to_double(text, v) < 0 || !isfinite(*v))
		return jerr_set(f->e, JERR_FORMAT, "%s: no router: metadata %s is not a number", f->path,
			key);
	return 0;
}

static const struct jst_tensor *
tensor(const struct file *f, const char *name, enum jdtype dtype, int64_t count)
{
	const struct jst_tensor *t = jst_find(f->s, name);

	if (t && t->dtype == dtype && t->count == count)
		return t;
	jerr_set(f->e, JERR_FORMAT, "%s: no router: tensor %s is missing or of another size", f->path,
		name);
	return NULL;
}

/* A new array of finite floats, or NULL. */
static float *
floats(const struct file *f, const char *name, enum jdtype dtype, int64_t count)
{
	const struct jst_tensor *t = tensor(f, name, dtype, count);
	float *v = t ? jmem_alloc((size_t)count + 1, sizeof(*v)) : NULL;

	if (v && jst_to_f32(t, v, f->e) < 0) {
		jmem_free(v);
		return NULL;
	}
	for (int64_t i = 0; v && i < count; i++) {
		if (isfinite(v[i]))
			continue;
		jmem_free(v);
		jerr_set(f->e, JERR_FORMAT, "%s: no router: tensor %s is not finite", f->path, name);
		return NULL;
	}
	return v;
}

static int64_t
length(const struct file *f, const char *name)
{
	const struct jst_tensor *t = jst_find(f->s, name);

	return t && t->n_dims >= 1 ? t->shape[0] : 0;
}

static int
read_words(struct weights *w, const struct file *f)
{
	const int64_t W = length(f, "words"), C = (int64_t)w->classes;
	const struct jst_tensor *words = tensor(f, "words", JDT_I64, W), *df;

	df = words ? tensor(f, "df", JDT_I32, W * C) : NULL;
	if (!df)
		return f->e->code;
	w->n_words = (size_t)W;
	w->words = jmem_alloc((size_t)W + 1, sizeof(*w->words));
	w->df = jmem_alloc((size_t)(W * C) + 1, sizeof(*w->df));
	for (int64_t i = 0; i < W; i++)
		w->words[i] = jle_u64(words->data + 8 * i);
	for (int64_t i = 0; i < W * C; i++)
		w->df[i] = jle_u32(df->data + 4 * i);
	for (int64_t i = 1; i < W; i++)
		if (w->words[i] <= w->words[i - 1])
			return jerr_set(f->e, JERR_FORMAT, "%s: no router: words are not in order", f->path);
	return 0;
}

static int
read_classifier(struct trained *t, const struct file *f)
{
	struct weights *w = &t->w;
	int64_t D = (int64_t)FEATURES;
	float *looks, *mix;
	int rc;

	w->classes = w->experts + (length(f, "bias") == (int64_t)w->experts + 1);
	rc = read_words(w, f);
	if (rc < 0)
		return rc;
	w->bias = floats(f, "bias", JDT_F32, (int64_t)w->classes);
	looks = w->bias ? floats(f, "looks", JDT_F32, 2 * (LOOKS + 1)) : NULL;
	mix = looks ? floats(f, "mix", JDT_F32, STRATEGIES * SIGNALS) : NULL;
	if (mix) {
		memcpy(t->looks, looks, sizeof(t->looks));
		memcpy(t->mix, mix, sizeof(t->mix));
	}
	w->idf = mix ? floats(f, "idf", JDT_F16, D) : NULL;
	w->w = w->idf ? floats(f, "weights", JDT_F16, D * (int64_t)w->classes) : NULL;
	jmem_free(looks);
	jmem_free(mix);
	return w->w ? 0 : f->e->code;
}

/* The examples' texts are lines, one each. */
static int
read_examples(struct nearest *n, const struct file *f)
{
	const struct jst_tensor *of = tensor(f, "example_class", JDT_I32, (int64_t)n->n), *text;
	size_t lines = 0;

	text = of ? tensor(f, "example_text", JDT_U8, length(f, "example_text")) : NULL;
	if (!text)
		return f->e->code;
	n->of = jmem_alloc(n->n + 1, sizeof(*n->of));
	n->text_at = jmem_zalloc(n->n + 1, sizeof(*n->text_at));
	jbuf_add(&n->texts, (const char *)text->data, (size_t)text->count);
	for (size_t i = 0; i < n->texts.n; i++)
		if (n->texts.p[i] == '\n' && ++lines <= n->n)
			n->text_at[lines] = i + 1;
	if (lines != n->n || n->text_at[lines] != n->texts.n)
		return jerr_set(f->e, JERR_FORMAT, "%s: no router: example_text: expected %zu lines", f->path,
			n->n);
	for (size_t i = 0; i < n->n; i++) {
		n->of[i] = jle_u32(of->data + 4 * i);
		if (n->of[i] >= n->classes)
			return jerr_set(f->e, JERR_FORMAT, "%s: no router: example of class %u", f->path,
				(unsigned)n->of[i]);
	}
	return 0;
}

static int
read_embedding(struct nearest *n, const struct file *f)
{
	const char *encoder = jst_metadata(f->s, "encoder");
	int64_t V = length(f, "centre");
	int rc;

	if (!encoder)
		return 0;
	if (V < 1 || V > MAX_WIDTH)
		return jerr_set(f->e, JERR_FORMAT, "%s: no router: tensor centre is missing or of another "
			"size", f->path);
	n->n = (size_t)length(f, "example_class");
	rc = read_examples(n, f);
	if (rc < 0)
		return rc;
	n->mean = floats(f, "centre", JDT_F32, V);
	n->v = n->mean ? floats(f, "examples", JDT_F16, (int64_t)n->n * V) : NULL;
	n->factor = n->v ? floats(f, "factor", JDT_F32, V * V) : NULL;
	n->ridge = n->factor ? floats(f, "ridge", JDT_F32, (V + 1) * (int64_t)n->classes) : NULL;
	if (!n->ridge)
		return f->e->code;
	for (int64_t i = 0; i < V; i++)
		if (!(n->factor[i * V + i] > 0))
			return jerr_set(f->e, JERR_FORMAT, "%s: no router: tensor factor is no factor",
				f->path);
	n->encoder = jmem_strdup(encoder);
	n->width = (size_t)V;
	return 0;
}

static int
check_experts(const struct file *f, const struct jexperts *x)
{
	const char *version = jst_metadata(f->s, "router"), *of = jst_metadata(f->s, "experts");
	struct jbuf list;
	int rc = 0;

	if (!version || !of)
		return jerr_set(f->e, JERR_FORMAT, "%s: no router", f->path);
	if (strcmp(version, VERSION) != 0)
		return jerr_set(f->e, JERR_FORMAT, "%s: a router of version %s, expected " VERSION ": run "
			"jroute train again", f->path, version);
	jbuf_init(&list);
	names(x, &list);
	if (strcmp(of, list.p) != 0)
		rc = jerr_set(f->e, JERR_ARG, "%s: the router was trained for other experts: run jroute train "
			"again", f->path);
	jbuf_release(&list);
	return rc;
}

/* From tensors and metadata; s is closed. */
static int
read_all(struct trained *t, const struct jexperts *x, struct jst *s, const char *path, struct jerr *e)
{
	struct file f = { s, path, e };
	double passages = 0;
	int rc = check_experts(&f, x);

	t->w.experts = x->n;
	if (rc == 0)
		rc = number(&f, "passages", &passages);
	if (rc == 0)
		rc = number(&f, "threshold", &t->threshold[0]);
	if (rc == 0)
		rc = number(&f, "threshold_embedded", &t->threshold[1]);
	if (rc == 0 && (passages < 0 || passages > 1e15))
		rc = jerr_set(e, JERR_FORMAT, "%s: no router: metadata out of bounds", path);
	t->w.passages = rc == 0 ? (uint64_t)passages : 0;
	if (rc == 0)
		rc = read_classifier(t, &f);
	t->e.classes = t->w.classes;
	if (rc == 0)
		rc = read_embedding(&t->e, &f);
	jst_close(s);
	if (rc < 0)
		trained_release(t);
	return rc;
}

int
router_load(struct trained *t, const struct jexperts *x, const char *path, struct jerr *e)
{
	struct jst *s;

	return jst_open(&s, path, e) < 0 ? e->code : read_all(t, x, s, path, e);
}

int
router_load_mem(struct trained *t, const struct jexperts *x, const struct jmapped *file, const char *name,
	struct jerr *e)
{
	struct jst *s;

	return jst_open_mem(&s, file->p, file->n, name, e) < 0 ? e->code : read_all(t, x, s, name, e);
}
