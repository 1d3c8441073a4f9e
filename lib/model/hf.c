/*
 * Hugging Face folders: weights by name from safetensors.
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
