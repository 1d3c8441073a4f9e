/*
 * Hugging Face folders: weights by name from safetensors, and back.
 */
#include "model/arch.h"
#include "model/jsafetensors.h"

#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"

static int
shape_error(const struct jst_tensor *t, const struct jparam *p, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jbuf_printf(&b, "%s: tensor %s: shape [", t->file, t->name);
	for (int i = 0; i < t->n_dims; i++)
		jbuf_printf(&b, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
	jbuf_adds(&b, "], the configuration says [");
	for (int i = 0; i < p->n_dims; i++)
		jbuf_printf(&b, "%s%lld", i ? ", " : "", (long long)p->shape[i]);
	rc = jerr_set(e, JERR_FORMAT, "%s]", b.p);
	jbuf_release(&b);
	return rc;
}

static int
read_param(const struct jst *s, struct jparam *p, const char *dir, struct jerr *e)
{
	const struct jst_tensor *t = jst_find(s, p->name);
	bool same;

	if (!t)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing", dir, p->name);
	same = t->n_dims == p->n_dims;
	for (int i = 0; same && i < p->n_dims; i++)
		same = t->shape[i] == p->shape[i];
	return same ? jst_to_f32(t, p->value, e) : shape_error(t, p, e);
}

/* A tied model may carry the head once more; then it must be the embedding. */
static int
check_tied_head(const struct jst *s, const struct jst_tensor *head, struct jerr *e)
{
	const struct jst_tensor *embed = jst_find(s, HF_EMBED);

	if (embed && embed->dtype == head->dtype && embed->bytes == head->bytes &&
	    memcmp(embed->data, head->data, (size_t)head->bytes) == 0)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: tensor %s differs from %s, but tie_word_embeddings is "
		"true", head->file, HF_HEAD, HF_EMBED);
}

/* Buffers that old checkpoints carry and that hold no weights. */
static bool
is_buffer(const char *name)
{
	return jstr_ends(name, ".rotary_emb.inv_freq");
}

static int
check_unknown(struct jmodel *m, const struct jst *s, struct jerr *e)
{
	for (size_t i = 0; i < jst_count(s); i++) {
		const struct jst_tensor *t = jst_at(s, i);
		int rc;

		if (jmodel_param(m, t->name) || is_buffer(t->name))
			continue;
		if (!m->cfg.tied || strcmp(t->name, HF_HEAD) != 0)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s is not part of a %s model of "
				"this configuration", t->file, t->name, m->cfg.arch->name);
		rc = check_tied_head(s, t, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
hf_weights(struct jmodel *m, const char *dir, struct jerr *e)
{
	struct jst *s;
	int rc = jst_open_dir(&s, dir, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < m->n_params; i++)
		rc = read_param(s, &m->params[i], dir, e);
	if (rc == 0)
		rc = check_unknown(m, s, e);
	jst_close(s);
	return rc;
}

static int
save_weights(const struct jmodel *m, const char *path, enum jdtype dtype, struct jerr *e)
{
	struct jst_writer *w;
	int rc = jst_create(&w, path, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->n_params; i++)
		jst_declare(w, m->params[i].name, dtype, m->params[i].n_dims, m->params[i].shape);
	rc = jst_put_f32(w, m->values, m->count, e);
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
	if (rc == 0) {
		jbuf_reset(&b);
		generation_config_json(&m->cfg, &b);
		rc = jout_put(jfs_join(&a, dir, "generation_config.json"), b.p, b.n, e);
	}
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}
