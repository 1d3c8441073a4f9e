/*
 * Hugging Face folders: weights by name from safetensors, and back.
 */
#include "model/arch.h"
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"

static int
shape_error(const struct jst_tensor *t, int n, const int64_t *shape, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jbuf_printf(&b, "%s: tensor %s: shape [", t->file, t->name);
	for (int i = 0; i < t->n_dims; i++)
		jbuf_printf(&b, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
	jbuf_adds(&b, "], the configuration says [");
	for (int i = 0; i < n; i++)
		jbuf_printf(&b, "%s%lld", i ? ", " : "", (long long)shape[i]);
	rc = jerr_set(e, JERR_FORMAT, "%s]", b.p);
	jbuf_release(&b);
	return rc;
}

struct reader {
	struct jmodel *m;
	const struct jst *s;
	const char *dir;
	bool *seen;		/* [tensors of the file] */
};

static const struct jst_tensor *
take(struct reader *r, const char *name)
{
	const struct jst_tensor *t = jst_find(r->s, name);

	if (t)
		r->seen[t - jst_at(r->s, 0)] = true;
	return t;
}

/* By its name, without the architecture's prefix, or with it. */
static const struct jst_tensor *
find(struct reader *r, const char *name)
{
	const char *prefix = r->m->cfg.arch->hf_prefix;
	const struct jst_tensor *t = take(r, name);
	char other[160];

	if (t || !prefix)
		return t;
	if (strncmp(name, prefix, strlen(prefix)) == 0)
		return take(r, name + strlen(prefix));
	snprintf(other, sizeof(other), "%s%s", prefix, name);
	return take(r, other);
}

static int
missing(const struct reader *r, const char *name, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing", r->dir, name);
}

/* Has the tensor these extents (0 = none), and a type that we read? */
static int
check(const struct jst_tensor *t, const int64_t shape[3], struct jerr *e)
{
	int n = shape[2] ? 3 : shape[1] ? 2 : 1;
	bool same = t->n_dims == n;

	for (int i = 0; same && i < n; i++)
		same = t->shape[i] == shape[i];
	return same ? jst_check_float(t, e) : shape_error(t, n, shape, e);
}

/* The experts of a layer from one tensor: [E, rows, cols], or half of [E, 2 rows, cols]. */
static int
read_fused(struct reader *r, const struct arch_slot *s, const struct jst_tensor *t, struct jerr *e)
{
	int64_t rows = s->shape[0] / s->parts, cols = s->shape[1];
	bool half = s->w->flags & (AW_FUSED_LOW | AW_FUSED_HIGH);
	uint64_t bytes = jten_bytes(t->dtype, cols);
	int64_t step = half ? 2 * rows : rows, at = s->w->flags & AW_FUSED_HIGH ? rows : 0;
	int rc = check(t, (int64_t[3]){ s->parts, step, cols }, e);

	for (int64_t i = 0; rc == 0 && i < s->parts; i++, at += step) {
		struct weight_bytes b = { t->file, t->name, t->dtype,
			(const char *)t->data + (uint64_t)at * bytes };

		rc = weights_put_rows(r->m, &r->m->params[s->i], &b, (int64_t[2]){ i * rows, rows }, e);
	}
	return rc;
}

/* One matrix for each expert, or all in one. */
static int
read_experts(struct reader *r, const struct arch_slot *s, struct jerr *e)
{
	int64_t rows = s->shape[0] / s->parts;
	const struct jst_tensor *t;
	char name[128];
	int rc = 0;

	snprintf(name, sizeof(name), "%s%lld.%s", r->m->cfg.arch->hf_layers, (long long)s->layer,
		s->w->fused);
	if ((t = take(r, name)) != NULL)
		return read_fused(r, s, t, e);
	for (int64_t i = 0; rc == 0 && i < s->parts; i++) {
		struct weight_bytes b;

		arch_part_name(&r->m->cfg, s, i, name);
		if (!(t = find(r, name)))
			return missing(r, name, e);
		rc = check(t, (int64_t[3]){ rows, s->shape[1], 0 }, e);
		b = (struct weight_bytes){ t->file, t->name, t->dtype, t->data };
		if (rc == 0)
			rc = weights_put_rows(r->m, &r->m->params[s->i], &b,
				(int64_t[2]){ i * rows, rows }, e);
	}
	return rc;
}

static int
read_slot(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct reader *r = arg;
	bool turned = s->w->flags & AW_TURNED;
	const struct jst_tensor *t;
	struct weight_bytes b;
	char other[160];

	if (s->w->flags & AW_EXPERTS)
		return read_experts(r, s, e);
	t = find(r, s->hf);
	if (!t && s->w->fused) {	/* a second name */
		snprintf(other, sizeof(other), "%s%lld.%s", r->m->cfg.arch->hf_layers,
			(long long)s->layer, s->w->fused);
		t = take(r, other);
	}
	if (!t)
		return missing(r, s->hf, e);
	if (check(t, (int64_t[3]){ s->shape[turned], s->n_dims > 1 ? s->shape[!turned] : 0, 0 }, e) < 0)
		return e->code;
	b = (struct weight_bytes){ t->file, t->name, t->dtype, t->data };
	return weights_put(r->m, &r->m->params[s->i], &b, turned ? WF_TURNED : 0, e);
}

/* A tied model may carry the head once more; then it must be the embedding. */
static int
check_tied_head(struct reader *r, const struct jst_tensor *head, struct jerr *e)
{
	const char *name = r->m->params[0].name;
	const struct jst_tensor *embed = find(r, name);

	if (embed && embed->dtype == head->dtype && embed->bytes == head->bytes &&
	    memcmp(embed->data, head->data, (size_t)head->bytes) == 0)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: tensor %s differs from %s, but tie_word_embeddings is "
		"true", head->file, HF_HEAD, name);
}

/* Buffers that old checkpoints carry, and what this architecture does not use. */
static bool
is_ignored(const struct jmodel_arch *a, const char *name)
{
	if (jstr_ends(name, ".rotary_emb.inv_freq"))
		return true;
	for (size_t i = 0; a->ignore && a->ignore[i]; i++)
		if (jstr_ends(name, a->ignore[i]))
			return true;
	return false;
}

static int
check_unknown(struct reader *r, struct jerr *e)
{
	const struct jmodel *m = r->m;

	for (size_t i = 0; i < jst_count(r->s); i++) {
		const struct jst_tensor *t = jst_at(r->s, i);
		int rc;

		if (r->seen[i] || is_ignored(m->cfg.arch, t->name))
			continue;
		if (!m->cfg.tied || strcmp(t->name, HF_HEAD) != 0)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s is not part of a %s model of "
				"this configuration", t->file, t->name, m->cfg.arch->name);
		rc = check_tied_head(r, t, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
hf_weights(struct jmodel *m, const char *dir, struct jerr *e)
{
	struct reader r = { .m = m, .dir = dir };
	struct jst *s;
	int rc = jst_open_dir(&s, dir, e);

	if (rc < 0)
		return rc;
	r.s = s;
	r.seen = jmem_zalloc(jst_count(s) + 1, sizeof(*r.seen));
	rc = arch_each(&m->cfg, read_slot, &r, e);
	if (rc == 0)
		rc = check_unknown(&r, e);
	jmem_free(r.seen);
	weights_keep(m, s, NULL, NULL);
	return rc;
}

/* Row by row where the weight is not fp32 in memory. */
static int
save_param(struct jst_writer *w, const struct jparam *p, struct jerr *e)
{
	int64_t cols = p->shape[p->n_dims - 1], rows = weights_count(p) / cols;
	float *row;
	int rc = 0;

	if (p->value)
		return jst_put_f32(w, p->value, (uint64_t)weights_count(p), e);
	row = jmem_try((size_t)cols, sizeof(*row));
	if (!row)
		return jerr_set(e, JERR_NOMEM, "no memory for a row of %s", p->name);
	for (int64_t r = 0; rc == 0 && r < rows; r++) {
		jmodel_rows(p, r, 1, row);
		rc = jst_put_f32(w, row, (uint64_t)cols, e);
	}
	jmem_free(row);
	return rc;
}

/* A matrix that Hugging Face stores the other way around. */
static int
save_turned(struct jst_writer *w, const struct jparam *p, struct jerr *e)
{
	int64_t rows = p->shape[0], cols = p->shape[1];
	float *all = jmem_try((size_t)weights_count(p), sizeof(*all));
	float *row = jmem_try((size_t)rows, sizeof(*row));
	int rc = 0;

	if (!all || !row)
		rc = jerr_set(e, JERR_NOMEM, "no memory to turn %s", p->name);
	else
		jmodel_rows(p, 0, rows, all);
	for (int64_t c = 0; rc == 0 && c < cols; c++) {
		for (int64_t r = 0; r < rows; r++)
			row[r] = all[r * cols + c];
		rc = jst_put_f32(w, row, (uint64_t)rows, e);
	}
	jmem_free(all);
	jmem_free(row);
	return rc;
}

struct saver {
	const struct jmodel *m;
	struct jst_writer *w;
	enum jdtype dtype;
	bool grads;
};

static int
declare_slot(const struct arch_slot *s, void *arg, struct jerr *e)
{
	const struct saver *v = arg;
	int64_t shape[2] = { s->shape[0] / s->parts, s->shape[1] };
	char name[128];

	(void)e;
	if (s->w->flags & AW_TURNED) {
		shape[0] = s->shape[1];
		shape[1] = s->shape[0];
	}
	for (int64_t i = 0; i < s->parts; i++) {
		if (s->w->flags & AW_EXPERTS)
			arch_part_name(&v->m->cfg, s, i, name);
		jst_declare(v->w, s->w->flags & AW_EXPERTS ? name : s->hf, v->dtype, s->n_dims, shape);
	}
	return 0;
}

static int
save_slot(const struct arch_slot *s, void *arg, struct jerr *e)
{
	const struct saver *v = arg;
	struct jparam p = v->m->params[s->i];

	if (v->grads)
		p.value = p.grad;
	return s->w->flags & AW_TURNED ? save_turned(v->w, &p, e) : save_param(v->w, &p, e);
}

int
jmodel_write(const struct jmodel *m, bool grads, enum jdtype dtype, struct jst_writer *w,
	struct jerr *e)
{
	struct saver v = { m, w, dtype, grads };

	arch_each(&m->cfg, declare_slot, &v, e);
	return arch_each(&m->cfg, save_slot, &v, e);
}

static int
save_weights(const struct jmodel *m, const char *path, enum jdtype dtype, struct jerr *e)
{
	struct jst_writer *w;
	int rc = jst_create(&w, path, e);

	if (rc < 0)
		return rc;
	rc = jmodel_write(m, false, dtype, w, e);
	if (rc < 0) {
		jst_abort(w);
		return rc;
	}
	return jst_commit(w, e);
}

int
jmodel_save(const struct jmodel *m, const char *dir, enum jdtype dtype, struct jerr *e)
{
	struct jarena a;
	struct jbuf b;
	int rc;

	if (m->adapter)
		return jerr_set(e, JERR_ARG, "%s: the model bears an adapter: merge it first (jmodel "
			"merge)", dir);
	if (dtype != JDT_F32 && dtype != JDT_F16 && dtype != JDT_BF16)
		return jerr_set(e, JERR_ARG, "a model folder is written as F32, F16 or BF16, not %s",
			jdtype_name(dtype));
	jarena_init(&a, 0);
	jbuf_init(&b);
	rc = save_weights(m, jfs_join(&a, dir, "model.safetensors"), dtype, e);
	if (rc == 0) {
		jmodel_config_json(&m->cfg, dtype, &b);
		rc = jout_put(jfs_join(&a, dir, "config.json"), b.p, b.n, e);
	}
	if (rc == 0 && m->cfg.arch->save)
		rc = m->cfg.arch->save(&m->cfg, dir, e);
	if (rc == 0 && !m->cfg.arch->encoder) {
		jbuf_reset(&b);
		generation_config_json(&m->cfg, &b);
		rc = jout_put(jfs_join(&a, dir, "generation_config.json"), b.p, b.n, e);
	}
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}
