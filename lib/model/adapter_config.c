/*
 * adapter_config.c - adapter_config.json of PEFT and of mlx-lm.
 *
 * Keys are of three kinds: those read here, those that only describe how the adapter was trained, and
 * all others, which are refused by name unless they are switched off (null, false, empty): they change
 * what the tensors mean.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/adapter.h"

static const char *const used[] = {
	"peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "fan_in_fan_out",
	"bias", "rank_pattern", "alpha_pattern", "modules_to_save", "base_model_name_or_path",
	"task_type", "init_lora_weights", "ensure_weight_tying", "target_parameters", NULL
};
/* The tensors themselves say which modules there are. */
static const char *const idle[] = {
	"auto_mapping", "revision", "inference_mode", "target_modules", "exclude_modules",
	"layers_to_transform", "layers_pattern", "loftq_config", "eva_config", "corda_config",
	"lora_ga_config", "megatron_config", "megatron_core", "qalora_group_size",
	"runtime_config", "peft_version", NULL
};

static bool
among(const char *const *list, const char *s)
{
	for (; *list; list++)
		if (strcmp(*list, s) == 0)
			return true;
	return false;
}

static bool
is_off(const struct jval *v)
{
	return v->type == JVAL_NULL || (v->type == JVAL_BOOL && !v->u.b)
		|| (v->type == JVAL_ARR && v->u.a.n == 0) || (v->type == JVAL_OBJ && v->u.o.n == 0);
}

static int
check_keys(const struct jval *v, const char *name, struct jerr *e)
{
	for (size_t i = 0; i < v->u.o.n; i++) {
		const char *k = v->u.o.k[i];

		if (among(used, k) || among(idle, k) || is_off(v->u.o.v[i]))
			continue;
		return jerr_set(e, JERR_UNSUPPORTED, "%s: %.60s is set: it changes what the adapter "
			"computes and is not offered", name, k);
	}
	return 0;
}

/* Starting points that change the base as well, so that the tensors alone mean little. */
static int
check_init(const struct jval *v, const char *name, struct jerr *e)
{
	static const char *const changes_base[] = { "pissa", "olora", "corda", "loftq", "lora_ga",
		NULL };
	const char *s = jval_str(v, "init_lora_weights", "");

	for (size_t i = 0; changes_base[i]; i++)
		if (strncmp(s, changes_base[i], strlen(changes_base[i])) == 0)
			return jerr_set(e, JERR_UNSUPPORTED, "%s: init_lora_weights %.40s trains on a "
				"changed base: convert the adapter to plain LoRA where it was trained",
				name, s);
	return 0;
}

static int
read_patterns(struct adapter_patterns *out, const struct jval *v, const char *key,
	const char *name, struct jarena *a, struct jerr *e)
{
	const struct jval *o = jval_get(v, key);

	if (!o || o->type == JVAL_NULL)
		return 0;
	if (o->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s: %s: expected an object", name, key);
	out->v = jarena_alloc(a, o->u.o.n + 1, sizeof(*out->v));
	for (size_t i = 0; i < o->u.o.n; i++) {
		const struct jval *x = o->u.o.v[i];

		if (x->type != JVAL_INT && x->type != JVAL_DOUBLE)
			return jerr_set(e, JERR_FORMAT, "%s: %s: %.60s: expected a number", name, key,
				o->u.o.k[i]);
		out->v[i].pattern = o->u.o.k[i];
		out->v[i].value = x->type == JVAL_INT ? (double)x->u.i : x->u.d;
	}
	out->n = o->u.o.n;
	return 0;
}

/* A list of names, or nothing. */
static int
read_names(const char ***names, size_t *n, const struct jval *v, const char *where[2],
	struct jarena *a, struct jerr *e)
{
	const struct jval *l = jval_get(v, where[1]);

	if (!l || l->type == JVAL_NULL)
		return 0;
	if (l->type != JVAL_ARR)
		return jerr_set(e, JERR_FORMAT, "%s: %s: expected a list", where[0], where[1]);
	*names = jarena_alloc(a, l->u.a.n + 1, sizeof(**names));
	for (size_t i = 0; i < l->u.a.n; i++) {
		if (l->u.a.v[i]->type != JVAL_STR)
			return jerr_set(e, JERR_FORMAT, "%s: %s: expected names", where[0], where[1]);
		(*names)[(*n)++] = l->u.a.v[i]->u.s.p;
	}
	return 0;
}

static int
check_numbers(const struct adapter_config *c, const char *name, struct jerr *e)
{
	if (c->r < 1 || c->r > ADAPTER_MAX_RANK)
		return jerr_set(e, JERR_FORMAT, "%s: r: expected 1 to %d, found %lld", name,
			ADAPTER_MAX_RANK, (long long)c->r);
	if (!(c->alpha > -1e6 && c->alpha < 1e6))
		return jerr_set(e, JERR_FORMAT, "%s: lora_alpha: expected a number, found %g", name,
			c->alpha);
	if (!(c->dropout >= 0 && c->dropout < 1))
		return jerr_set(e, JERR_FORMAT, "%s: lora_dropout: expected 0 to below 1, found %g",
			name, c->dropout);
	return 0;
}

static int
read_mlx(struct adapter_config *c, const struct jval *v, const char *name, struct jerr *e)
{
	const struct jval *p = jval_get(v, "lora_parameters");
	const char *type = jval_str(v, "fine_tune_type", "lora");

	if (strcmp(type, "lora") != 0 && strcmp(type, "dora") != 0)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: fine_tune_type %.40s: expected lora or dora",
			name, type);
	c->mlx = true;
	c->dora = strcmp(type, "dora") == 0;
	c->r = jval_int(p, "rank", -1);
	c->alpha = jval_num(p, "scale", NAN) * (double)c->r;
	c->dropout = jval_num(p, "dropout", 0);
	c->base = jval_str(v, "model", NULL);
	c->bias = "none";
	return check_numbers(c, name, e);
}

/* The keys that say which modules there are, as they stand, to be written again. */
static void
keep_targets(struct adapter_config *c, const struct jval *v, struct jarena *a)
{
	static const char *const keys[] = { "target_modules", "target_parameters", "exclude_modules",
		"layers_to_transform", "layers_pattern" };
	struct jbuf b;

	jbuf_init(&b);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct jval *x = jval_get(v, keys[i]);

		if (!x || x->type == JVAL_NULL)
			continue;
		jbuf_printf(&b, ",\n  \"%s\": ", keys[i]);
		jjson_val(&b, x);
	}
	c->targets = jarena_strndup(a, b.p, b.n);
	jbuf_release(&b);
}

static int
read_peft(struct adapter_config *c, const struct jval *v, const char *name, struct jarena *a,
	struct jerr *e)
{
	const char *type = jval_str(v, "peft_type", "(none)");

	if (strcmp(type, "LORA") != 0)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: peft_type %.40s: only LORA is offered", name,
			type);
	if (check_keys(v, name, e) < 0 || check_init(v, name, e) < 0)
		return e->code;
	c->r = jval_int(v, "r", 8);
	c->alpha = jval_num(v, "lora_alpha", 8);
	c->dropout = jval_num(v, "lora_dropout", 0);
	c->rslora = jval_bool(v, "use_rslora", false);
	c->dora = jval_bool(v, "use_dora", false);
	c->fan_in_fan_out = jval_bool(v, "fan_in_fan_out", false);
	c->bias = jval_str(v, "bias", "none");
	c->base = jval_str(v, "base_model_name_or_path", NULL);
	c->task = jval_str(v, "task_type", NULL);
	keep_targets(c, v, a);
	if (strcmp(c->bias, "none") && strcmp(c->bias, "all") && strcmp(c->bias, "lora_only"))
		return jerr_set(e, JERR_FORMAT, "%s: bias: expected none, all or lora_only, found "
			"%.40s", name, c->bias);
	if (read_patterns(&c->ranks, v, "rank_pattern", name, a, e) < 0
	    || read_patterns(&c->alphas, v, "alpha_pattern", name, a, e) < 0
	    || read_names(&c->save, &c->n_save, v, (const char *[2]){ name, "modules_to_save" }, a,
		e) < 0
	    || read_names(&c->parameters, &c->n_parameters, v,
		(const char *[2]){ name, "target_parameters" }, a, e) < 0)
		return e->code;
	return check_numbers(c, name, e);
}

int
adapter_config_parse(struct adapter_config *c, const char *p, size_t n, const char *name,
	struct jarena *a, struct jerr *e)
{
	struct jval *v;

	memset(c, 0, sizeof(*c));
	if (jval_parse_json(&v, p, n, name, a, e) < 0)
		return e->code;
	if (v->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s: expected an object", name);
	if (jval_get(v, "lora_parameters") && !jval_get(v, "peft_type"))
		return read_mlx(c, v, name, e);
	return read_peft(c, v, name, a, e);
}

/* Is module, or its end after a dot, what the expression says?  As re.match("(.*\.)?(KEY)$"). */
static int
matches(const char *pattern, const char *module, struct jerr *e)
{
	char whole[600];
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	PCRE2_SIZE at;
	int error, rc;

	snprintf(whole, sizeof(whole), "^(?:.*\\.)?(?:%.500s)$", pattern);
	code = pcre2_compile((PCRE2_SPTR)whole, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
	if (!code) {
		pcre2_match_context_free(limits);
		return jerr_set(e, JERR_FORMAT, "adapter_config.json: '%.80s' is no regular expression",
			pattern);
	}
	data = pcre2_match_data_create_from_pattern(code, NULL);
	pcre2_set_match_limit(limits, 100000);
	rc = pcre2_match(code, (PCRE2_SPTR)module, strlen(module), 0, 0, data, limits);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	pcre2_match_context_free(limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		return jerr_set(e, JERR_LIMIT, "adapter_config.json: '%.80s' takes too long to match",
			pattern);
	return rc > 0;
}

int
adapter_pattern_find(const struct adapter_patterns *p, const char *module, double *value,
	struct jerr *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *pattern = p->v[i].pattern;
		int rc = strcmp(pattern, module) == 0 ? 1 : matches(pattern, module, e);

		if (rc < 0)
			return rc;
		if (rc > 0) {
			*value = p->v[i].value;
			return 0;
		}
	}
	return 0;
}

/* "key": {module: number, ...} of the modules that differ from the common number. */
static void
put_patterns(const struct jadapter *a, bool ranks, struct jbuf *b)
{
	const char *comma = "";
	char path[160];

	jbuf_printf(b, ",\n  \"%s\": {", ranks ? "rank_pattern" : "alpha_pattern");
	for (size_t i = 0; i < a->n_modules; i++) {
		const struct jadapter_module *m = &a->modules[i];

		if (m->half == 2 || (ranks ? m->r == a->r : m->alpha == a->alpha))
			continue;
		jbuf_adds(b, comma);
		if (m->stack == JADAPTER_EACH)
			adapter_expert_path(path, m->name, "[0-9]+");
		else
			snprintf(path, sizeof(path), "%s", m->name);
		jjson_str(b, path, strlen(path));
		jbuf_adds(b, ": ");
		if (ranks)
			jjson_int(b, m->r);
		else
			jjson_num(b, m->alpha);
		comma = ", ";
	}
	jbuf_addc(b, '}');
}

void
adapter_put_names(const char *key, const char *const *names, size_t n, struct jbuf *b)
{
	const char *comma = "";

	jbuf_printf(b, ",\n  \"%s\": [", key);
	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = strcmp(names[j], names[i]) == 0;
		if (seen)
			continue;
		jbuf_adds(b, comma);
		jjson_str(b, names[i], strlen(names[i]));
		comma = ", ";
	}
	jbuf_addc(b, ']');
}

const char *
adapter_last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static void
put_saved(const struct jadapter *a, struct jbuf *b)
{
	const char **names = jmem_zalloc(a->n_whole + 1, sizeof(*names));
	char *copy = jmem_alloc(a->n_whole + 1, sizeof(a->params->name));
	size_t n = 0, i;

	for (i = a->n_params - a->n_whole; i < a->n_params; i++) {
		const char *path = a->params[i].name + strlen(ADAPTER_PREFIX);
		char *to = copy + n * sizeof(a->params->name), *dot;

		if (jstr_ends(path, ".bias"))	/* said by "bias" */
			continue;
		snprintf(to, sizeof(a->params->name), "%s", path);
		dot = strrchr(to, '.');
		if (dot)
			*dot = 0;
		names[n++] = adapter_last_part(to);
	}
	if (n > 0)
		adapter_put_names("modules_to_save", names, n, b);
	else
		jbuf_adds(b, ",\n  \"modules_to_save\": null");
	jmem_free(copy);
	jmem_free(names);
}

static void
put_text(struct jbuf *b, const char *key, const char *s)
{
	jbuf_printf(b, ",\n  \"%s\": ", key);
	if (s)
		jjson_str(b, s, strlen(s));
	else
		jbuf_adds(b, "null");
}

void
adapter_config_json(const struct jadapter *a, struct jbuf *b)
{
	jbuf_adds(b, "{\n  \"peft_type\": \"LORA\"");
	put_text(b, "task_type", a->task);
	put_text(b, "base_model_name_or_path", a->base);
	jbuf_printf(b, ",\n  \"r\": %lld,\n  \"lora_alpha\": ", (long long)a->r);
	jjson_num(b, a->alpha);
	jbuf_adds(b, ",\n  \"lora_dropout\": ");
	jjson_num(b, a->dropout);
	jbuf_adds(b, a->targets);
	put_saved(a, b);
	put_patterns(a, true, b);
	put_patterns(a, false, b);
	put_text(b, "bias", a->bias);
	jbuf_printf(b, ",\n  \"use_rslora\": %s,\n  \"use_dora\": %s,\n  \"fan_in_fan_out\": %s,\n"
		"  \"init_lora_weights\": true,\n  \"inference_mode\": true\n}\n",
		a->rslora ? "true" : "false", a->dora ? "true" : "false",
		a->fan_in_fan_out ? "true" : "false");
}
