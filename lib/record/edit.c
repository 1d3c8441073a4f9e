/*
 * edit.c - records written: unchanged, spliced, or built member by member.
 */
#include <string.h>

#include "base/jjson.h"
#include "record/jrec.h"

void
jrec_write(const struct jrec *r, struct jbuf *out)
{
	jbuf_add(out, r->line, r->line_n);
	jbuf_addc(out, '\n');
}

static const struct jrec_edit *
edit_of(const struct jrec_edit *ed, size_t n, const struct jrec_member *m)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(ed[i].key) == m->key_n && memcmp(ed[i].key, m->key, m->key_n) == 0)
			return &ed[i];
	return NULL;
}

/* Where the member's text, from its first quote on, begins and ends. */
static const char *
member_start(const struct jrec_member *m)
{
	return m->key - 1;
}

static const char *
member_end(const struct jrec_member *m)
{
	return m->val + m->val_n;
}

static void
add_new(const struct jrec *r, const struct jrec_edit *ed, bool comma, struct jbuf *out)
{
	if (!ed->val || jrec_find(r, ed->key))
		return;
	if (comma)
		jbuf_addc(out, ',');
	jjson_str(out, ed->key, strlen(ed->key));
	jbuf_addc(out, ':');
	jbuf_add(out, ed->val, ed->val_n);
}

/*
 * Copies the line around the edited values.  A member carries the separator in front of it, so
 * that a deleted one takes its comma along; the first that is kept leaves its separator out.
 */
static void
splice(const struct jrec *r, const struct jrec_edit *ed, size_t n, struct jbuf *out)
{
	const char *end = r->line + r->line_n, *prev = memchr(r->line, '{', r->line_n);
	bool any = false;
	size_t i, before;

	prev = r->n ? member_start(&r->m[0]) : prev + 1;
	jbuf_add(out, r->line, (size_t)(prev - r->line));
	for (i = 0; i < r->n; i++) {
		const struct jrec_member *m = &r->m[i];
		const struct jrec_edit *x = edit_of(ed, n, m);
		const char *from = any ? prev : member_start(m);

		prev = member_end(m);
		if (x && !x->val)
			continue;
		any = true;
		if (!x) {
			jbuf_add(out, from, (size_t)(prev - from));
			continue;
		}
		jbuf_add(out, from, (size_t)(m->val - from));
		jbuf_add(out, x->val, x->val_n);
	}
	for (i = 0; i < n; i++) {
		before = out->n;
		add_new(r, &ed[i], any, out);
		any = any || out->n > before;
	}
	jbuf_add(out, prev, (size_t)(end - prev));
}

void
jrec_write_edits(const struct jrec *r, const struct jrec_edit *ed, size_t n, struct jbuf *out)
{
	splice(r, ed, n, out);
	jbuf_addc(out, '\n');
}

const char *
jrec_add_score(const struct jrec *r, const char *name, double value, size_t *n)
{
	struct jrec_edit ed = { .key = name };
	struct jbuf num, out;
	struct jrec scores;
	const char *raw;

	jbuf_init(&num);
	jbuf_init(&out);
	jjson_num(&num, value);
	ed.val = num.p;
	ed.val_n = num.n;
	if (!jrec_obj(r, "scores", &scores))
		jrec_parse(&scores, "{}", 2, r->arena, NULL);
	splice(&scores, &ed, 1, &out);
	*n = out.n;
	raw = jarena_strndup(r->arena, out.p, out.n);
	jbuf_release(&num);
	jbuf_release(&out);
	return raw;
}

void
jrec_begin(struct jbuf *b)
{
	jbuf_addc(b, '{');
}

static void
put_key(struct jbuf *b, const char *key)
{
	if (b->n && b->p[b->n - 1] != '{')
		jbuf_addc(b, ',');
	jjson_str(b, key, strlen(key));
	jbuf_addc(b, ':');
}

void
jrec_put_str(struct jbuf *b, const char *key, const char *s, size_t n)
{
	put_key(b, key);
	jjson_str(b, s, n);
}

void
jrec_put_num(struct jbuf *b, const char *key, double v)
{
	put_key(b, key);
	jjson_num(b, v);
}

void
jrec_put_int(struct jbuf *b, const char *key, int64_t v)
{
	put_key(b, key);
	jjson_int(b, v);
}

void
jrec_put_bool(struct jbuf *b, const char *key, bool v)
{
	put_key(b, key);
	jbuf_adds(b, v ? "true" : "false");
}

void
jrec_put_raw(struct jbuf *b, const char *key, const char *json, size_t n)
{
	put_key(b, key);
	jbuf_add(b, json, n);
}

void
jrec_end(struct jbuf *b)
{
	jbuf_adds(b, "}\n");
}

void
jrec_put_refused(struct jbuf *b, const char *line, size_t n, const char *why)
{
	jrec_begin(b);
	jrec_put_str(b, "line", line, n);
	jrec_put_str(b, "drop", why, strlen(why));
	jrec_end(b);
}
