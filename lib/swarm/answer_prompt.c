/*
 * answer_prompt.c - what an expert is asked: an introduction, passages, what others said, the question.
 */
#include "swarm/answer.h"

#include <string.h>

#define QUOTED 1500		/* bytes of another expert's answer */

static const char *
system_of(const struct jswarm_ask *q, const struct jswarm_reply *r)
{
	const struct jexpert *x = r->expert;

	if (q->system)
		return q->system;
	if (!x)
		return NULL;
	return x->own_prompt || x->node || !x->model_path ? x->system_prompt : NULL;
}

static void
put_others(struct jbuf *b, const struct jswarm_ask *q, const struct jswarm_reply *r)
{
	bool any = false;

	for (size_t i = 0; i < q->n_others; i++) {
		const struct jsynth_answer *o = &q->others[i];

		if (r->expert && strcmp(r->expert->name, o->expert) == 0)
			continue;
		if (!any)
			jbuf_adds(b, "\n\nOthers have answered:");
		any = true;
		jbuf_printf(b, "\n\n[%s]\n", o->expert);
		jbuf_add(b, o->text, jsynth_cut(o->text, o->n, QUOTED));
	}
	if (any)
		jbuf_adds(b, "\n\nAnswer the question yourself. Keep what is right in their answers, "
			"correct what is wrong.");
}

static void
put_question(struct jbuf *b, const struct jswarm_ask *q, const struct jswarm_reply *r)
{
	for (size_t i = 0; i < r->n_cites; i++)
		jbuf_printf(b, "%s[%zu] %s\n%s\n\n", i ? "" : "These passages may help:\n\n", i + 1,
			r->cites[i].title, r->cites[i].text);
	jbuf_adds(b, q->question);
	put_others(b, q, r);
}

static void
put_message(struct jbuf *out, const char *role, const char *text, size_t n)
{
	jbuf_printf(out, "%s{\"role\":\"%s\",\"content\":", out->n > 1 ? "," : "", role);
	jjson_str(out, text, n);
	jbuf_addc(out, '}');
}

void
ask_messages(const struct jswarm_ask *q, const struct jswarm_reply *r, struct jbuf *out)
{
	const char *system = system_of(q, r);
	struct jbuf b;

	jbuf_init(&b);
	put_question(&b, q, r);
	jbuf_addc(out, '[');
	if (system)
		put_message(out, "system", system, strlen(system));
	if (q->history && *q->history)
		jbuf_printf(out, "%s%s", out->n > 1 ? "," : "", q->history);
	put_message(out, "user", b.p, b.n);
	jbuf_addc(out, ']');
	jbuf_release(&b);
}

void
ask_plain(const struct jswarm_ask *q, const struct jswarm_reply *r, struct jbuf *out)
{
	const char *system = system_of(q, r);

	if (system)
		jbuf_printf(out, "%s\n\n", system);
	jbuf_adds(out, "Question: ");
	put_question(out, q, r);
	jbuf_adds(out, "\nAnswer:");
}

int
ask_ids(const struct member *x, const struct jswarm_ask *q, const struct jswarm_reply *r,
	struct jids *ids, struct jerr *e)
{
	struct jbuf messages, text;
	int rc;

	jbuf_init(&messages);
	jbuf_init(&text);
	if (jtok_chat_template(x->tok)) {
		ask_messages(q, r, &messages);
		rc = jinfer_chat(x->tok, messages.p, messages.n, &text, e);
		if (rc >= 0)
			rc = jtok_encode(x->state, text.p, text.n, JTOK_SPECIAL, ids, e);
	} else {
		ask_plain(q, r, &text);
		rc = jinfer_prompt(x->state, x->tok, &(struct jprompt){ text.p, text.n, false }, ids, e);
	}
	if (rc >= 0 && ids->n >= (size_t)jinfer_capacity(x->inf))
		rc = jerr_set(e, JERR_LIMIT, "the question has %zu tokens, the context is %d", ids->n,
			jinfer_capacity(x->inf));
	jbuf_release(&messages);
	jbuf_release(&text);
	return rc < 0 ? rc : 0;
}
