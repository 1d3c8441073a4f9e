/* jinja_json.c - the tojson filter as Hugging Face defines it: json.dumps(ensure_ascii=False). */
#include <stdio.h>
#include <string.h>

#include "tok/jinja.h"

struct dump {
	struct jctx *c;
	struct jv_build b;
	int indent;		/* -1 = none */
	struct jv_str item_sep, key_sep;
	bool sort_keys;
};

static void dump_value(struct dump *d, struct jv v, int level);

static void
newline(struct dump *d, int level)
{
	int i;

	if (d->indent < 0)
		return;
	jv_build_adds(&d->b, "\n", 1);
	for (i = 0; i < level * d->indent; i++)
		jv_build_adds(&d->b, " ", 1);
}

static void
dump_string(struct dump *d, struct jv_str s)
{
	static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
	size_t i;

	jv_build_adds(&d->b, "\"", 1);
	for (i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i], origin = s.o ? s.o[i] : 0, tags[8];
		const char *k = ch ? strchr(from, ch) : NULL;
		char esc[8];
		int n = 0;

		if (k)
			n = snprintf(esc, sizeof(esc), "\\%c", to[k - from]);
		else if (ch < 32)
			n = snprintf(esc, sizeof(esc), "\\u%04x", ch);
		if (n == 0) {
			jv_build_add(&d->b, (struct jv_str){ s.p + i, s.o ? s.o + i : NULL, 1 });
			continue;
		}
		memset(tags, origin, sizeof(tags));
		jv_build_add(&d->b, (struct jv_str){ esc, tags, (size_t)n });
	}
	jv_build_adds(&d->b, "\"", 1);
}

static void
dump_list(struct dump *d, const struct jv_list *l, int level)
{
	size_t i;

	jv_build_adds(&d->b, "[", 1);
	for (i = 0; i < l->n; i++) {
		if (i > 0)
			jv_build_add(&d->b, d->item_sep);
		newline(d, level + 1);
		dump_value(d, l->v[i], level + 1);
	}
	if (l->n > 0)
		newline(d, level);
	jv_build_adds(&d->b, "]", 1);
}

/* Index of the i-th member in the order of printing. */
static size_t
member(struct dump *d, const struct jv_dict *m, size_t i)
{
	size_t k, j, before;

	if (!d->sort_keys)
		return i;
	for (k = 0; k < m->n; k++) {
		before = 0;
		for (j = 0; j < m->n; j++) {
			int o = jv_order(d->c, m->v[j].key, m->v[k].key);

			before += o < 0 || (o == 0 && j < k);
		}
		if (before == i)
			return k;
	}
	return i;
}

static void
dump_dict(struct dump *d, const struct jv_dict *m, int level)
{
	size_t i;

	jv_build_adds(&d->b, "{", 1);
	for (i = 0; i < m->n; i++) {
		const struct jv_pair *p = &m->v[member(d, m, i)];

		if (i > 0)
			jv_build_add(&d->b, d->item_sep);
		newline(d, level + 1);
		dump_string(d, jv_to_str(d->c, p->key).u.s);
		jv_build_add(&d->b, d->key_sep);
		dump_value(d, p->val, level + 1);
	}
	if (m->n > 0)
		newline(d, level);
	jv_build_adds(&d->b, "}", 1);
}

static void
dump_value(struct dump *d, struct jv v, int level)
{
	if (level > 60)
		jinja_fail(d->c, "tojson: nested deeper than 60");
	if (d->c->failed)
		return;
	switch (v.t) {
	case JV_NONE: jv_build_adds(&d->b, "null", 4); break;
	case JV_BOOL: jv_build_adds(&d->b, v.u.b ? "true" : "false", v.u.b ? 4 : 5); break;
	case JV_STR: dump_string(d, v.u.s); break;
	case JV_LIST: dump_list(d, v.u.l, level); break;
	case JV_DICT: dump_dict(d, v.u.m, level); break;
	case JV_INT:
	case JV_FLOAT: jv_build_add(&d->b, jv_to_str(d->c, v).u.s); break;
	default: jinja_fail(d->c, "tojson: an undefined value is not serializable");
	}
}

struct jv
jv_json(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct dump d = { .c = c, .indent = -1 };
	struct jv undef = { .t = JV_UNDEF }, sep, indent;

	/* tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False) */
	indent = jargs_get(a, 1, "indent", undef);
	if (indent.t == JV_INT)
		d.indent = indent.u.i > 16 ? 16 : (int)indent.u.i;
	d.item_sep = (struct jv_str){ d.indent < 0 ? ", " : ",", NULL, d.indent < 0 ? 2 : 1 };
	d.key_sep = (struct jv_str){ ": ", NULL, 2 };
	sep = jargs_get(a, 2, "separators", undef);
	if (sep.t == JV_LIST && sep.u.l->n == 2 && sep.u.l->v[0].t == JV_STR &&
	    sep.u.l->v[1].t == JV_STR) {
		d.item_sep = sep.u.l->v[0].u.s;
		d.key_sep = sep.u.l->v[1].u.s;
	}
	d.sort_keys = jv_true(jargs_get(a, 3, "sort_keys", undef));
	jv_build_init(&d.b);
	dump_value(&d, v, 0);
	return jv_build_done(c, &d.b);
}
