/*
 * expert.c - the table of the expert file's keys, and sets of experts.
 */
#include "swarm/jexpert.h"

#include <stdlib.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"

#define MAX_FILE ((size_t)4 << 20)

static const struct jschema_key keys[] = {
	{ "name", JSCHEMA_STR, true, .doc = "its name: letters, digits, - and _" },
	{ "domain", JSCHEMA_STR, true, .doc = "what it knows, as a path: programming/python" },
	{ "description", JSCHEMA_STR, .deflt = "", .doc = "one line for people and for its prompt" },
	{ "model_path", JSCHEMA_STR, .doc = "its own model: a folder or GGUF file" },
	{ "base_model", JSCHEMA_STR, .doc = "a model that it shares with others" },
	{ "adapter", JSCHEMA_STR, .doc = "PEFT folder on the base model" },
	{ "node", JSCHEMA_STR, .doc = "OpenAI-style endpoint that answers for it" },
	{ "assigned_node", JSCHEMA_STR, .doc = "another word for node" },
	{ "keywords", JSCHEMA_STRINGS, .doc = "words of its questions, whole words only" },
	{ "capabilities", JSCHEMA_STRINGS, .doc = "what it can do, for people and for its prompt" },
	{ "examples", JSCHEMA_STRINGS, .doc = "questions that belong to it" },
	{ "knowledge", JSCHEMA_STRINGS, .doc = "record files of its own corpus" },
	{ "cost", JSCHEMA_NUM, .deflt = "1", .min = 0, .max = 1e12, .doc = "of one answer" },
	{ "max_tokens", JSCHEMA_INT, .deflt = "1024", .min = 1, .max = 1e6, .doc = "of one answer" },
	{ "temperature", JSCHEMA_NUM, .deflt = "0.7", .min = 0, .max = 10, .doc = "of its answers" },
	{ "top_p", JSCHEMA_NUM, .deflt = "0.9", .min = 0, .max = 1, .doc = "of its answers" },
	{ "system_prompt", JSCHEMA_STR, .doc = "made of the description where it is not given" },
	{ .path = NULL }
};

const struct jschema jexpert_schema = { "expert", keys };

static const char *const *
strings(struct jarena *a, const struct jval *root, const char *key, size_t *n)
{
	const struct jval *v = jschema_at(root, key);
	const char **out;

	*n = v ? v->u.a.n : 0;
	out = jarena_alloc(a, *n + 1, sizeof(*out));
	for (size_t i = 0; i < *n; i++)
		out[i] = v->u.a.v[i]->u.s.p;
	return out;
}

/* As given where that exists from here; else from the folder of the expert's file. */
static const char *
resolve(struct jarena *a, const char *path, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *beside;

	if (!path || path[0] == '/' || jfs_exists(path) || !slash)
		return path;
	beside = jfs_join(a, jarena_strndup(a, file, (size_t)(slash - file)), path);
	return jfs_exists(beside) ? beside : path;
}

static const char *
default_prompt(struct jarena *a, const struct jexpert *x)
{
	struct jbuf b;
	const char *out;

	jbuf_init(&b);
	jbuf_printf(&b, "You are an expert for %s.", x->domain);
	if (x->description[0])
		jbuf_printf(&b, " %s.", x->description);
	for (size_t i = 0; i < x->n_capabilities; i++)
		jbuf_printf(&b, "%s%s", i ? ", " : " You can help with: ", x->capabilities[i]);
	if (x->n_capabilities)
		jbuf_addc(&b, '.');
	out = jarena_strndup(a, b.p, b.n);
	jbuf_release(&b);
	return out;
}

static void
fill(struct jexperts *set, struct jexpert *x, const struct jval *root, const char *file)
{
	const struct jschema *s = &jexpert_schema;
	struct jarena *a = &set->arena;
	const char **paths;

	x->file = file;
	x->name = jschema_str(s, root, "name");
	x->domain = jschema_str(s, root, "domain");
	x->description = jschema_str(s, root, "description");
	x->model_path = resolve(a, jschema_str(s, root, "model_path"), file);
	x->base_model = resolve(a, jschema_str(s, root, "base_model"), file);
	x->adapter = resolve(a, jschema_str(s, root, "adapter"), file);
	x->node = jschema_str(s, root, "node");
	if (!x->node)
		x->node = jschema_str(s, root, "assigned_node");
	x->keywords = strings(a, root, "keywords", &x->n_keywords);
	x->capabilities = strings(a, root, "capabilities", &x->n_capabilities);
	x->examples = strings(a, root, "examples", &x->n_examples);
	paths = (const char **)strings(a, root, "knowledge", &x->n_knowledge);
	for (size_t i = 0; i < x->n_knowledge; i++)
		paths[i] = resolve(a, paths[i], file);
	x->knowledge = paths;
	x->cost = jschema_num(s, root, "cost");
	x->max_tokens = (int)jschema_int(s, root, "max_tokens");
	x->temperature = jschema_num(s, root, "temperature");
	x->top_p = jschema_num(s, root, "top_p");
	x->system_prompt = jschema_str(s, root, "system_prompt");
	x->own_prompt = x->system_prompt != NULL;
	if (!x->own_prompt)
		x->system_prompt = default_prompt(a, x);
}

static int
check(const struct jexperts *set, const struct jexpert *x, struct jerr *e)
{
	const struct jexpert *other = jexperts_find(set, x->name);

	if (!x->name[0] || strspn(x->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_.") != strlen(x->name) || x->name[0] == '.')
		return jerr_set(e, JERR_FORMAT, "%s: name \"%s\": expected letters, digits, -, _ and .",
			x->file, x->name);
	if (other)
		return jerr_set(e, JERR_FORMAT, "%s: the name \"%s\" is taken by %s", x->file, x->name,
			other->file);
	if (x->adapter && !x->base_model && !x->model_path)
		return jerr_set(e, JERR_FORMAT, "%s: an adapter needs a base_model", x->file);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct jexpert *)a)->name, ((const struct jexpert *)b)->name);
}

int
jexpert_parse(struct jexperts *set, const char *text, size_t n, const char *file, struct jerr *e)
{
	struct jexpert x = { 0 };
	struct jval *root;
	int rc;

	file = jarena_strndup(&set->arena, file, strlen(file));
	rc = jval_parse_yaml(&root, text, n, file, &set->arena, e);
	if (rc == 0)
		rc = jschema_check(&jexpert_schema, root, file, e);
	if (rc < 0)
		return rc;
	fill(set, &x, root, file);
	rc = check(set, &x, e);
	if (rc < 0)
		return rc;
	JARENA_GROW(&set->arena, set->v, set->cap, set->n + 1);
	set->v[set->n++] = x;
	qsort(set->v, set->n, sizeof(*set->v), by_name);
	return 0;
}

static int
load_file(const char *file, void *arg, struct jerr *e)
{
	struct jexperts *set = arg;
	struct jbuf text;
	int rc;

	if (!jstr_ends(file, ".yaml") && !jstr_ends(file, ".yml"))
		return 0;
	jbuf_init_max(&text, MAX_FILE);
	rc = jin_slurp(file, &text, e);
	if (rc >= 0)
		rc = jexpert_parse(set, text.p, text.n, file, e);
	jbuf_release(&text);
	return rc < 0 ? rc : 0;
}

int
jexperts_add(struct jexperts *set, const char *path, struct jerr *e)
{
	size_t before = set->n;
	int rc;

	if (!jfs_exists(path))
		rc = jerr_set(e, JERR_ARG, "%s: no such folder of expert files", path);
	else
		rc = jfs_walk(path, load_file, set, e);
	if (rc == 0 && set->n == before)
		rc = jerr_set(e, JERR_ARG, "%s: no expert file (*.yaml) is below it", path);
	return rc;
}

int
jexperts_load(struct jexperts *set, const char *path, struct jerr *e)
{
	int rc;

	memset(set, 0, sizeof(*set));
	jarena_init(&set->arena, 0);
	rc = jexperts_add(set, path, e);
	if (rc < 0)
		jexperts_release(set);
	return rc;
}

void
jexperts_release(struct jexperts *set)
{
	jarena_release(&set->arena);
	memset(set, 0, sizeof(*set));
}

const struct jexpert *
jexperts_find(const struct jexperts *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].name, name) == 0)
			return &set->v[i];
	return NULL;
}

const char *
jexpert_model(const struct jexpert *x)
{
	return x->model_path ? x->model_path : x->base_model;
}
