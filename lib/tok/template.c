/* template.c - chat templates: parse once, render with variables, tag the origin of each byte. */
#include <string.h>
#include <time.h>

#include "tok/jinja.h"
#include "tok/jtemplate.h"

#define MAX_SOURCE (1u << 20)
#define MAX_STEPS 2000000u
#define MAX_BYTES (256u << 20)

/* The ChatML convention, as Qwen's models use it without tools. */
const char jtemplate_chatml[] =
	"{% for message in messages %}"
	"{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
	"{% endfor %}"
	"{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

struct jtemplate {
	struct jarena arena;
	char *src;
	struct jn *body;
};

int
jtemplate_parse(struct jtemplate **out, const char *src, size_t n, struct jerr *e)
{
	struct jtemplate *t;
	struct jparse p = { 0 };
	struct jerr err = { 0 };

	*out = NULL;
	if (n > MAX_SOURCE)
		return jerr_set(e, JERR_LIMIT, "chat template: %zu bytes, at most %u are accepted", n,
			MAX_SOURCE);
	t = jmem_zalloc(1, sizeof(*t));
	jarena_init(&t->arena, 0);
	if (n > 0 && src[n - 1] == '\n')	/* jinja2 drops one newline at the end */
		n--;
	t->src = jarena_strndup(&t->arena, src, n);
	p.src = t->src;
	p.n = n;
	p.arena = &t->arena;
	p.e = &err;
	t->body = jparse_template(&p);
	if (!t->body) {
		jtemplate_free(t);
		return jerr_set(e, err.code, "%s", err.msg);
	}
	*out = t;
	return 0;
}

void
jtemplate_free(struct jtemplate *t)
{
	if (!t)
		return;
	jarena_release(&t->arena);
	jmem_free(t);
}

void
jtemplate_out_init(struct jtemplate_out *o)
{
	jbuf_init(&o->text);
	jbuf_init(&o->origin);
}

void
jtemplate_out_release(struct jtemplate_out *o)
{
	jbuf_release(&o->text);
	jbuf_release(&o->origin);
}

/* A JSON or YAML value as a template value; strings get the origin tag. */
static struct jv
from_jval(struct jctx *c, const struct jval *v, unsigned tag, int depth)
{
	struct jv out = { .t = JV_UNDEF };
	unsigned char *o = NULL;
	size_t i;

	if (depth > 60)
		return jinja_fail(c, "variables nested deeper than 60");
	if (c->failed)
		return out;
	switch (v->type) {
	case JVAL_NULL: return jv_none();
	case JVAL_BOOL: return jv_bool(v->u.b);
	case JVAL_INT: return jv_int(v->u.i);
	case JVAL_DOUBLE: return (struct jv){ .t = JV_FLOAT, .u.d = v->u.d };
	case JVAL_STR:
		if (tag > 0) {
			o = jinja_alloc(c, v->u.s.n + 1, 1);
			memset(o, (int)tag, c->failed ? 0 : v->u.s.n);
		}
		return jv_bytes(v->u.s.p, v->u.s.n, o);
	case JVAL_ARR:
		out = jv_list_new(c, false);
		for (i = 0; i < v->u.a.n; i++)
			jv_list_add(c, out, from_jval(c, v->u.a.v[i], tag, depth + 1));
		return out;
	default:
		out = jv_dict_new(c);
		for (i = 0; i < v->u.o.n; i++)	/* a role is no content */
			jv_dict_set(c, out.u.m, jv_lit(v->u.o.k[i]), from_jval(c, v->u.o.v[i],
				strcmp(v->u.o.k[i], "role") == 0 ? 0 : tag, depth + 1));
		return out;
	}
}

static struct jv
messages(struct jctx *c, const struct jval *v)
{
	struct jv out;
	size_t i;

	if (v->type != JVAL_ARR)
		return from_jval(c, v, 0, 0);
	out = jv_list_new(c, false);
	for (i = 0; i < v->u.a.n; i++)
		jv_list_add(c, out, from_jval(c, v->u.a.v[i], i < 254 ? (unsigned)i + 1 : 255, 0));
	return out;
}

/* --- global functions --- */

static struct jv
g_raise(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv m = jv_to_str(c, jargs_get(a, 0, "message", jv_lit("")));

	return jinja_fail(c, "%.*s", m.t == JV_STR ? (int)(m.u.s.n < 300 ? m.u.s.n : 300) : 0,
		m.t == JV_STR ? m.u.s.p : "");
}

static struct jv
g_range(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv out = jv_list_new(c, false);
	int64_t from = 0, to = 0, step = 1, i;
	size_t k;

	for (k = 0; k < a->n; k++)
		if (a->v[k].t != JV_INT)
			return jinja_fail(c, "range() needs integers");
	if (a->n == 1)
		to = a->v[0].u.i;
	if (a->n >= 2) {
		from = a->v[0].u.i;
		to = a->v[1].u.i;
	}
	if (a->n >= 3)
		step = a->v[2].u.i;
	if (step == 0 || a->n == 0)
		return jinja_fail(c, "range() needs a step other than 0");
	for (i = from; (step > 0 ? i < to : i > to) && !c->failed; i += step) {
		if (out.u.l->n >= 100000)	/* the limit of jinja2's sandbox */
			return jinja_fail(c, "range() is longer than 100000");
		jv_list_add(c, out, jv_int(i));
	}
	return out;
}

static struct jv
dict_of(struct jctx *c, const struct jargs *a, bool name_space)
{
	struct jv out = jv_dict_new(c);
	size_t i;

	if (c->failed)
		return out;
	if (a->n > 0 && a->v[0].t == JV_DICT)
		for (i = 0; i < a->v[0].u.m->n; i++)
			jv_dict_set(c, out.u.m, a->v[0].u.m->v[i].key, a->v[0].u.m->v[i].val);
	for (i = 0; i < a->n_kw; i++)
		jv_dict_set(c, out.u.m, jv_lit(a->names[i]), a->kw[i]);
	out.u.m->name_space = name_space;
	return out;
}

static struct jv
g_namespace(struct jctx *c, struct jv self, const struct jargs *a)
{
	return dict_of(c, a, true);
}

static struct jv
g_dict(struct jctx *c, struct jv self, const struct jargs *a)
{
	return dict_of(c, a, false);
}

/*
 * strftime_now(format) of the Hugging Face environment.  Output has to be a function of input, so
 * the time is the variable "now" (seconds since 1970) when given, and 0 otherwise.
 */
static struct jv
g_strftime(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv f = jargs_get(a, 0, "format", jv_lit("%Y-%m-%d"));
	const struct jv *now = jv_dict_find(&c->root->vars, "now");
	time_t t = now && now->t == JV_INT ? (time_t)now->u.i : 0;
	char *buf = jinja_alloc(c, 200, 1);
	struct tm tm;

	if (c->failed || f.t != JV_STR || !gmtime_r(&t, &tm))
		return jinja_fail(c, "strftime_now() needs a format");
	return jv_bytes(buf, strftime(buf, 200, jv_cstr(c, f.u.s), &tm), NULL);
}

static void
set_globals(struct jctx *c)
{
	static const struct {
		const char *name;
		jv_fn *fn;
	} rows[] = {
		{ "raise_exception", g_raise }, { "range", g_range }, { "namespace", g_namespace },
		{ "dict", g_dict }, { "strftime_now", g_strftime }
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jv f = { .t = JV_FUNC };

		f.u.f = jinja_alloc(c, 1, sizeof(*f.u.f));
		f.u.f->fn = rows[i].fn;
		jv_dict_set(c, &c->scope->vars, jv_lit(rows[i].name), f);
	}
}

int
jtemplate_render(const struct jtemplate *t, const struct jval *vars, struct jtemplate_out *out,
	struct jerr *e)
{
	struct jctx c = { .steps = MAX_STEPS, .bytes = MAX_BYTES };
	struct jarena arena;
	struct jscope root = { 0 };
	struct jerr err = { 0 };
	size_t i;

	jarena_init(&arena, 0);
	c.arena = &arena;
	c.scope = c.root = &root;
	c.out = &out->text;
	c.origin = &out->origin;
	c.e = &err;
	jbuf_reset(&out->text);
	jbuf_reset(&out->origin);
	set_globals(&c);
	for (i = 0; vars && vars->type == JVAL_OBJ && i < vars->u.o.n; i++)
		jv_dict_set(&c, &root.vars, jv_lit(vars->u.o.k[i]),
			strcmp(vars->u.o.k[i], "messages") == 0 ? messages(&c, vars->u.o.v[i]) :
			from_jval(&c, vars->u.o.v[i], 0, 0));
	jinja_exec(&c, t->body->kids, t->body->n);
	jarena_release(&arena);
	if (c.failed)
		return jerr_set(e, err.code, "%s", err.msg);
	return 0;
}
