/* jinja_exec.c - statements: output, branches, loops, assignments, macros. */
#include <string.h>

#include "tok/jinja.h"

static const struct jv undef = { .t = JV_UNDEF };

static void
emit(struct jctx *c, struct jv v)
{
	struct jv s = jv_to_str(c, v);
	size_t i;

	if (c->failed || s.t != JV_STR)
		return;
	if (s.u.s.n > c->bytes) {
		jinja_fail(c, "writes more than a template may");
		return;
	}
	c->bytes -= s.u.s.n;
	jbuf_add(c->out, s.u.s.p, s.u.s.n);
	if (s.u.s.o)
		jbuf_add(c->origin, s.u.s.o, s.u.s.n);
	else
		for (i = 0; i < s.u.s.n; i++)
			jbuf_addc(c->origin, 0);
}

struct jv
jinja_capture(struct jctx *c, struct jn *const *body, size_t n)
{
	struct jbuf *out = c->out, *origin = c->origin;
	struct jv_build b;

	jv_build_init(&b);
	c->out = &b.text;
	c->origin = &b.origin;
	jinja_exec(c, body, n);
	c->out = out;
	c->origin = origin;
	return jv_build_done(c, &b);
}

static void
push_scope(struct jctx *c, struct jscope *up)
{
	struct jscope *s = jinja_alloc(c, 1, sizeof(*s));

	s->up = up;
	c->scope = s;
}

static void
set_var(struct jctx *c, const char *name, struct jv v)
{
	jv_dict_set(c, &c->scope->vars, jv_lit(name), v);
}

static void
assign(struct jctx *c, const struct jn *target, struct jv v)
{
	size_t i;
	struct jv l;

	if (c->failed)
		return;
	if (target->type == JN_NAME) {
		set_var(c, target->name, v);
	} else if (target->type == JN_ATTR) {
		l = jinja_eval(c, target->a);
		if (l.t != JV_DICT || !l.u.m->name_space)
			jinja_fail(c, "cannot assign attribute '%s' on a value that is no namespace",
				target->name);
		else
			jv_dict_set(c, l.u.m, jv_lit(target->name), v);
	} else {
		l = jv_iterate(c, v);
		if (c->failed || l.u.l->n != target->n) {
			jinja_fail(c, "cannot unpack a value into %zu names", target->n);
			return;
		}
		for (i = 0; i < target->n; i++)
			assign(c, target->kids[i], l.u.l->v[i]);
	}
}

static struct jv
loop_cycle(struct jctx *c, struct jv self, const struct jargs *a)
{
	return a->n > 0 ? a->v[(size_t)self.u.i % a->n] : jinja_fail(c, "cycle() needs items");
}

static void
set_loop(struct jctx *c, const struct jv_list *l, size_t i, int depth)
{
	struct jv loop = jv_dict_new(c), f = { .t = JV_FUNC };
	int64_t n = (int64_t)l->n, at = (int64_t)i;

	jv_dict_set(c, loop.u.m, jv_lit("index"), jv_int(at + 1));
	jv_dict_set(c, loop.u.m, jv_lit("index0"), jv_int(at));
	jv_dict_set(c, loop.u.m, jv_lit("first"), jv_bool(at == 0));
	jv_dict_set(c, loop.u.m, jv_lit("last"), jv_bool(at == n - 1));
	jv_dict_set(c, loop.u.m, jv_lit("length"), jv_int(n));
	jv_dict_set(c, loop.u.m, jv_lit("revindex"), jv_int(n - at));
	jv_dict_set(c, loop.u.m, jv_lit("revindex0"), jv_int(n - at - 1));
	jv_dict_set(c, loop.u.m, jv_lit("depth"), jv_int(depth));
	jv_dict_set(c, loop.u.m, jv_lit("depth0"), jv_int(depth - 1));
	jv_dict_set(c, loop.u.m, jv_lit("previtem"), i > 0 ? l->v[i - 1] : undef);
	jv_dict_set(c, loop.u.m, jv_lit("nextitem"), i + 1 < l->n ? l->v[i + 1] : undef);
	f.u.f = jinja_alloc(c, 1, sizeof(*f.u.f));
	f.u.f->fn = loop_cycle;
	f.u.f->self = jv_int(at);
	jv_dict_set(c, loop.u.m, jv_lit("cycle"), f);
	set_var(c, "loop", loop);
}

static void
exec_for(struct jctx *c, const struct jn *n)
{
	struct jv all = jv_iterate(c, jinja_eval(c, n->b)), kept;
	struct jscope *up = c->scope;
	size_t i;

	if (c->failed)
		return;
	kept = all;
	if (n->c) {
		kept = jv_list_new(c, false);
		for (i = 0; i < all.u.l->n && !c->failed; i++) {
			push_scope(c, up);
			assign(c, n->a, all.u.l->v[i]);
			if (jv_true(jinja_eval(c, n->c)))
				jv_list_add(c, kept, all.u.l->v[i]);
		}
		c->scope = up;
	}
	for (i = 0; i < kept.u.l->n && !c->failed; i++) {
		push_scope(c, up);
		assign(c, n->a, kept.u.l->v[i]);
		set_loop(c, kept.u.l, i, 1);
		jinja_exec(c, n->kids, n->n);
		if (c->flow == JN_BREAK)
			break;
		c->flow = 0;
	}
	c->flow = 0;
	c->scope = up;
	if (kept.u.l->n == 0)
		jinja_exec(c, n->other, n->n_other);
}

struct jv
jinja_macro(struct jctx *c, const struct jv_func *f, const struct jargs *a)
{
	struct jscope *saved = c->scope;
	const struct jn *m = f->macro;
	struct jv out, v;
	size_t i;

	push_scope(c, f->scope);
	for (i = 0; i < m->n_other && !c->failed; i++) {
		const struct jn *arg = m->other[i];

		v = jargs_get(a, i, arg->name, undef);
		if (v.t == JV_UNDEF && arg->a)
			v = jinja_eval(c, arg->a);
		set_var(c, arg->name, v);
	}
	out = jinja_capture(c, m->kids, m->n);
	c->scope = saved;
	return out;
}

static void
exec_set(struct jctx *c, const struct jn *n)
{
	struct jv v;
	struct jargs a = { 0 };

	if (n->type == JN_SET) {
		assign(c, n->a, jinja_eval(c, n->b));
		return;
	}
	v = jinja_capture(c, n->kids, n->n);
	if (n->b && !c->failed)
		v = jinja_apply_filter(c, n->b->name, v, &a);
	assign(c, n->a, v);
}

static void
exec_macro(struct jctx *c, struct jn *n)
{
	struct jv f = { .t = JV_FUNC };

	f.u.f = jinja_alloc(c, 1, sizeof(*f.u.f));
	f.u.f->macro = n;
	f.u.f->scope = c->scope;
	set_var(c, n->name, f);
}

static void
exec_one(struct jctx *c, struct jn *n)
{
	struct jargs none = { 0 };
	struct jv v;

	switch (n->type) {
	case JN_TEXT: emit(c, n->value); break;
	case JN_OUTPUT: emit(c, jinja_eval(c, n->a)); break;
	case JN_BLOCK: jinja_exec(c, n->kids, n->n); break;
	case JN_FOR: exec_for(c, n); break;
	case JN_SET:
	case JN_SETBLOCK: exec_set(c, n); break;
	case JN_MACRO: exec_macro(c, n); break;
	case JN_BREAK:
	case JN_CONTINUE: c->flow = (int)n->type; break;
	case JN_FILTERBLOCK:
		v = jinja_capture(c, n->kids, n->n);
		if (!c->failed)
			emit(c, jinja_apply_filter(c, n->b->name, v, &none));
		break;
	case JN_IF:
		if (jv_true(jinja_eval(c, n->a)))
			jinja_exec(c, n->kids, n->n);
		else
			jinja_exec(c, n->other, n->n_other);
		break;
	default: jinja_fail(c, "line %d: not a statement", n->line);
	}
}

void
jinja_exec(struct jctx *c, struct jn *const *body, size_t n)
{
	size_t i;

	for (i = 0; i < n && !c->failed && !c->flow; i++) {
		if (c->steps-- == 0)
			jinja_fail(c, "takes more steps than a template may");
		else
			exec_one(c, body[i]);
	}
}
