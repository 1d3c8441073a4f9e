/*
 * Rotary parameters of config.json: rope_scaling beside rope_theta as transformers 4 has it, or
 * rope_parameters of 5, where Gemma nests one object for each kind of layer.
 */
#include "model/arch.h"

#include <string.h>

static int
read_factors(struct jmodel_config *c, const struct cfg_src *s, const char *key, float *out)
{
	const struct jval *v = jval_get(s->v, key);

	if (!v || v->type != JVAL_ARR || v->u.a.n < 1 || v->u.a.n > JMODEL_MAX_FACTORS ||
	    (c->n_factors && v->u.a.n != (size_t)c->n_factors))
		return jerr_set(s->e, JERR_FORMAT, "%s: %s: expected a list of at most %d numbers",
			s->name, key, JMODEL_MAX_FACTORS);
	c->n_factors = (int)v->u.a.n;
	for (size_t i = 0; i < v->u.a.n; i++) {
		const struct jval *f = v->u.a.v[i];

		if (f->type != JVAL_INT && f->type != JVAL_DOUBLE)
			return jerr_set(s->e, JERR_FORMAT, "%s: %s[%zu]: expected a number", s->name,
				key, i);
		out[i] = f->type == JVAL_INT ? (float)f->u.i : (float)f->u.d;
	}
	return 0;
}

static int
read_yarn(struct jmodel_config *c, const struct cfg_src *s)
{
	bool truncate = true;
	int rc;

	if ((rc = cfg_num(s, "beta_fast", &c->rope_beta_fast)) < 0 ||
	    (rc = cfg_num(s, "beta_slow", &c->rope_beta_slow)) < 0 ||
	    (rc = cfg_num(s, "mscale", &c->rope_mscale)) < 0 ||
	    (rc = cfg_num(s, "mscale_all_dim", &c->rope_mscale_all)) < 0 ||
	    (rc = cfg_bool(s, "truncate", &truncate)) < 0)
		return rc;
	c->rope_exact = !truncate;
	return 0;
}

static int
read_scaling(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	if (c->rope_type != JMODEL_ROPE_LINEAR && c->rope_type != JMODEL_ROPE_DYNAMIC) {
		if (c->rope_original == 0 &&	/* Phi-3 has it outside, which wins */
		    (rc = cfg_int(s, "original_max_position_embeddings", &c->rope_original)) < 0)
			return rc;
		if (c->rope_original == 0)
			c->rope_original = c->context;
	}
	if ((rc = cfg_num(s, "factor", &c->rope_factor)) < 0)
		return rc;
	if (rc == 0 && c->rope_type == JMODEL_ROPE_YARN && c->rope_original > 0)
		c->rope_factor = (double)c->context / (double)c->rope_original;
	else if (rc == 0 && c->rope_type != JMODEL_ROPE_LONG)
		return jerr_set(s->e, JERR_FORMAT, "%s: rope type \"%s\" without factor", s->name,
			jmodel_rope_name(c));
	if ((rc = cfg_num(s, "attention_factor", &c->rope_attention)) < 0)
		return rc;
	if (c->rope_type == JMODEL_ROPE_YARN)
		return read_yarn(c, s);
	if (c->rope_type == JMODEL_ROPE_LLAMA3) {
		c->rope_low = 1;
		c->rope_high = 4;
		if ((rc = cfg_num(s, "low_freq_factor", &c->rope_low)) >= 0)
			rc = cfg_num(s, "high_freq_factor", &c->rope_high);
		return rc < 0 ? rc : 0;
	}
	if (c->rope_type != JMODEL_ROPE_LONG)
		return 0;
	rc = read_factors(c, s, "short_factor", c->rope_short);
	return rc < 0 ? rc : read_factors(c, s, "long_factor", c->rope_long);
}

static int
read_partial(struct jmodel_config *c, const struct cfg_src *s)
{
	double partial = 1;
	int rc = cfg_num(s, "partial_rotary_factor", &partial);

	if (rc <= 0)
		return rc;
	if (!(partial > 0) || !(partial <= 1))
		return jerr_set(s->e, JERR_FORMAT, "%s: partial_rotary_factor is %g, expected 0..1",
			s->name, partial);
	if (c->head_dim >= 1 && c->head_dim <= 1024)	/* else it is refused later */
		c->rope_dim = (int64_t)((double)c->head_dim * partial + 1e-6);
	return 0;
}

/* rope_scaling of transformers 4 or rope_parameters of 5. */
static int
read_object(struct jmodel_config *c, const struct cfg_src *s)
{
	static const struct { const char *name; enum jmodel_rope type; } types[] = {
		{ "default", JMODEL_ROPE_DEFAULT }, { "linear", JMODEL_ROPE_LINEAR },
		{ "dynamic", JMODEL_ROPE_DYNAMIC }, { "llama3", JMODEL_ROPE_LLAMA3 },
		{ "yarn", JMODEL_ROPE_YARN }, { "longrope", JMODEL_ROPE_LONG },
		{ "su", JMODEL_ROPE_LONG }
	};
	const char *type = jval_str(s->v, "rope_type", jval_str(s->v, "type", "default"));
	int rc;

	if ((rc = cfg_num(s, "rope_theta", &c->rope_theta)) < 0 || (rc = read_partial(c, s)) < 0)
		return rc;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i].name) == 0) {
			c->rope_type = types[i].type;
			return c->rope_type == JMODEL_ROPE_DEFAULT ? 0 : read_scaling(c, s);
		}
	}
	return jerr_set(s->e, JERR_UNSUPPORTED, "%s: rope type \"%.40s\" is not supported (supported: "
		"default, linear, dynamic, llama3, yarn, longrope)", s->name, type);
}

static int
read_nested(struct jmodel_config *c, const struct cfg_src *s)
{
	struct cfg_src full = *s, local = *s;
	double scaling = 0;
	int rc;

	full.v = jval_get(s->v, "full_attention");
	local.v = jval_get(s->v, "sliding_attention");
	if (full.v && full.v->type == JVAL_OBJ && (rc = read_object(c, &full)) < 0)
		return rc;
	if (!local.v || local.v->type != JVAL_OBJ)
		return 0;
	if (strcmp(jval_str(local.v, "rope_type", "default"), "default") != 0 ||
	    cfg_num(&local, "factor", &scaling) != 0)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: rope scaling of sliding_attention is not "
			"supported", s->name);
	rc = cfg_num(&local, "rope_theta", &c->rope_local_theta);
	return rc < 0 ? rc : 0;
}

int
cfg_rope(struct jmodel_config *c, const struct cfg_src *s)
{
	static const char *const keys[] = { "rope_scaling", "rope_parameters" };
	int rc;

	c->rope_theta = c->arch->rope_theta > 0 ? c->arch->rope_theta : 10000;
	c->rope_dim = c->head_dim;
	if (c->arch->no_rotary)
		return 0;
	if ((rc = cfg_num(s, "rope_theta", &c->rope_theta)) < 0 ||
	    (rc = cfg_int(s, "original_max_position_embeddings", &c->rope_original)) < 0 ||
	    (rc = cfg_num(s, "rope_local_base_freq", &c->rope_local_theta)) < 0 ||
	    (rc = read_partial(c, s)) < 0)
		return rc;
	for (int i = 0; i < 2; i++) {
		struct cfg_src sub = { jval_get(s->v, keys[i]), s->name, NULL, s->e };

		if (!sub.v || sub.v->type == JVAL_NULL)
			continue;
		if (sub.v->type != JVAL_OBJ)
			return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected an object or null",
				s->name, sub.v->line, keys[i]);
		rc = jval_get(sub.v, "full_attention") || jval_get(sub.v, "sliding_attention") ?
			read_nested(c, &sub) : read_object(c, &sub);
		if (rc < 0)
			return rc;
	}
	return 0;
}
