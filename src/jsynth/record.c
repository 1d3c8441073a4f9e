/* record.c - an answer record, jrecord(5). */
#include "synth.h"

#include <math.h>
#include <string.h>

static void
put_key(struct jbuf *b, const char *key)
{
	jbuf_printf(b, "%s\"%s\":", b->n > 0 && b->p[b->n - 1] != '{' ? "," : "", key);
}

static void
put_str(struct jbuf *b, const char *key, const char *s, size_t n)
{
	put_key(b, key);
	jjson_str(b, s, n);
}

static void
put_num(struct jbuf *b, const char *key, double v)
{
	put_key(b, key);
	jjson_num(b, v);
}

static void
put_parts(const struct jsynth_result *r, struct jbuf *b)
{
	jbuf_addc(b, '[');
	for (size_t i = 0; i < r->n_parts; i++) {
		const struct jsynth_answer *a = &r->parts[i];

		jbuf_adds(b, i ? ",{" : "{");
		put_str(b, "expert", a->expert, strlen(a->expert));
		put_str(b, "text", a->text, a->n);
		put_num(b, "weight", a->weight);
		put_num(b, "score", a->score);
		jbuf_addc(b, '}');
	}
	jbuf_addc(b, ']');
}

static void
put_missing(const struct jsynth_result *r, struct jbuf *b)
{
	bool any = false;

	jbuf_addc(b, '[');
	for (size_t i = 0; i < r->n; i++) {
		const struct jswarm_reply *x = &r->replies[i];

		if (x->missing.n == 0)
			continue;
		jbuf_adds(b, any ? ",{" : "{");
		any = true;
		put_str(b, "expert", r->names[i], strlen(r->names[i]));
		put_str(b, "why", x->missing.p, x->missing.n);
		put_key(b, "partial");
		jbuf_adds(b, x->text.n > 0 ? "true}" : "false}");
	}
	jbuf_addc(b, ']');
}

static size_t
put_citations(const struct jsynth_result *r, struct jbuf *b)
{
	size_t n = 0;

	jbuf_addc(b, '[');
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->replies[i].n_cites; k++, n++) {
			const struct jcitation *c = &r->replies[i].cites[k];

			jbuf_adds(b, n ? ",{" : "{");
			put_str(b, "expert", r->names[i], strlen(r->names[i]));
			put_str(b, "id", c->id, strlen(c->id));
			put_str(b, "title", c->title, strlen(c->title));
			put_str(b, "source", c->source, strlen(c->source));
			put_key(b, "at");
			jjson_int(b, c->at);
			put_str(b, "text", c->text, strlen(c->text));
			jbuf_addc(b, '}');
		}
	jbuf_addc(b, ']');
	return n;
}

static void
put_control(const struct jsynth_control *c, struct jbuf *b)
{
	jbuf_addc(b, '{');
	put_str(b, "expert", c->expert, strlen(c->expert));
	put_str(b, "text", c->text.p, c->text.n);
	put_num(b, "samples", c->samples);
	put_num(b, "tokens", (double)c->tokens);
	if (c->won)
		put_str(b, "won", c->won, strlen(c->won));
	jbuf_addc(b, '}');
}

/* Values in one buffer, their places beside them: the edits point into it when it is whole. */
struct members {
	struct jbuf b;
	struct jrec_edit ed[16];
	size_t at[17], n;
};

static void
next_member(struct members *m, const char *key)
{
	m->ed[m->n].key = key;
	m->at[m->n++] = m->b.n;
}

static void
put_about(struct members *m, const struct jsynth_result *r, bool times)
{
	if (r->fallback.n > 0) {
		next_member(m, "fallback");
		jjson_str(&m->b, r->fallback.p, r->fallback.n);
	}
	if (r->mode == JSYNTH_DEBATE) {
		next_member(m, "rounds");
		jjson_int(&m->b, r->rounds);
		next_member(m, "consensus");
		jjson_num(&m->b, r->consensus);
	}
	next_member(m, "prompt_tokens");
	jjson_int(&m->b, (int64_t)r->prompt_tokens);
	next_member(m, "tokens");
	jjson_int(&m->b, (int64_t)r->tokens);
	next_member(m, "cost");
	jjson_num(&m->b, r->cost);
	if (times) {
		next_member(m, "seconds");
		jjson_num(&m->b, floor(r->seconds * 1000 + 0.5) / 1000);
	}
	if (r->control.expert) {
		next_member(m, "control");
		put_control(&r->control, &m->b);
	}
}

void
write_answer(const struct jrec *rec, const struct jsynth_result *r, bool times, struct jbuf *out)
{
	struct members m = { .n = 0 };

	jbuf_init(&m.b);
	next_member(&m, "text");
	jjson_str(&m.b, r->text.p, r->text.n);
	next_member(&m, "mode");
	jjson_str(&m.b, jsynth_modes[r->mode], strlen(jsynth_modes[r->mode]));
	next_member(&m, "parts");
	put_parts(r, &m.b);
	next_member(&m, "missing");
	put_missing(r, &m.b);
	next_member(&m, "citations");
	if (put_citations(r, &m.b) == 0) {
		m.n--;
		m.b.n = m.at[m.n];
	}
	put_about(&m, r, times);
	m.at[m.n] = m.b.n;
	for (size_t i = 0; i < m.n; i++) {
		m.ed[i].val = m.b.p + m.at[i];
		m.ed[i].val_n = m.at[i + 1] - m.at[i];
	}
	jrec_write_edits(rec, m.ed, m.n, out);
	jbuf_release(&m.b);
}
