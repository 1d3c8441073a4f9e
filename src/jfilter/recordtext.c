#include "recordtext.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "conf/jval.h"
#include "talk.h"

static void
add_part(struct jbuf *b, const char *s, size_t n)
{
	if (b->n > 0)
		jbuf_adds(b, "\n\n");
	jbuf_add(b, s, n);
}

static void
add_chat(const struct jrec *r, struct jbuf *b)
{
	const struct jrec_member *m = jrec_find(r, "messages");
	struct jval *v;
	size_t i;

	if (!m || m->val[0] != '[' ||
	    jval_parse_json(&v, m->val, m->val_n, "messages", r->arena, NULL) < 0)
		return;
	for (i = 0; i < v->u.a.n; i++) {
		const struct jval *c = jval_get(v->u.a.v[i], "content");

		if (c && c->type == JVAL_STR)
			add_part(b, c->u.s.p, c->u.s.n);
	}
}

bool
record_has_text(const struct jrec *r)
{
	const struct jrec_member *m = jrec_find(r, "text");
	const char *s;
	size_t n;

	return (m && m->val[0] == '"') || record_text(r, &s, &n);
}

bool
record_text(const struct jrec *r, const char **s, size_t *n)
{
	static const char *const parts[] = { "prompt", "answer", "chosen" };
	const char *part;
	struct jbuf b;
	size_t part_n, i;

	if (jrec_str(r, "text", s, n))
		return true;
	jbuf_init(&b);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (jrec_str(r, parts[i], &part, &part_n))
			add_part(&b, part, part_n);
	if (b.n == 0)
		add_chat(r, &b);
	if (b.n == 0)
		talk_text(r, &b);
	*n = b.n;
	*s = jarena_strndup(r->arena, b.p, b.n);
	jbuf_release(&b);
	return *n > 0;
}

const char *
record_kind(const struct jrec *r)
{
	const char *s;
	struct jrec source;
	size_t n;

	if (jrec_str(r, "type", &s, &n))
		return s;
	if (jrec_obj(r, "source", &source) && jrec_str(&source, "kind", &s, &n))
		return s;
	return "";
}

void
record_about(const struct jrec *r, struct jabout *about)
{
	struct jrec source;
	const char *s;
	size_t n;

	*about = (struct jabout)JABOUT_INIT;
	about->talk = talk_read(r);
	if (jrec_str(r, "code_lang", &s, &n))
		about->code_lang = s;
	if (jrec_obj(r, "source", &source)) {
		jrec_str(&source, "uri", &about->uri, &about->uri_n);
		jrec_str(&source, "licence", &about->licence, &about->licence_n);
	}
	if (!about->uri)
		jrec_str(r, "url", &about->uri, &about->uri_n);
	if (!about->licence && !jrec_str(r, "licence", &about->licence, &about->licence_n))
		jrec_str(r, "license", &about->licence, &about->licence_n);
}

bool
record_number(const struct jrec *r, const char *name, double *v)
{
	const char *dot = strchr(name, '.');
	struct jrec inner;
	char object[64];

	if (jrec_num(r, name, v))
		return true;
	snprintf(object, sizeof(object), "%.*s", dot ? (int)(dot - name) : 0, name);
	if (dot && jrec_obj(r, object, &inner) && jrec_num(&inner, dot + 1, v))
		return true;
	return jrec_obj(r, "scores", &inner) && jrec_num(&inner, name, v);
}

const char *
record_id(const struct jrec *r, const char *text, size_t n, size_t *id_n)
{
	const char *id;

	if (jrec_str(r, "id", &id, id_n) && *id_n > 0)
		return id;
	id = jarena_printf(r->arena, "%016llx", (unsigned long long)jhash64(text, n, 0));
	*id_n = strlen(id);
	return id;
}
