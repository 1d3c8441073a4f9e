/*
 * answer.c - asking: nodes in threads of their own, local experts meanwhile one by one.
 */
#include "swarm/answer.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jsys.h"
#include "io/jfs.h"
#include "swarm/features.h"
#include "swarm/knowledge.h"
#include "swarm/remote.h"

#define LOOP_WORDS 40		/* fewer words are never called a loop */

void
jswarm_reply_init(struct jswarm_reply *r, const struct jexpert *x)
{
	memset(r, 0, sizeof(*r));
	r->expert = x;
	jbuf_init(&r->text);
	jbuf_init(&r->missing);
	jarena_init(&r->arena, 0);
}

void
jswarm_reply_release(struct jswarm_reply *r)
{
	jbuf_release(&r->text);
	jbuf_release(&r->missing);
	jarena_release(&r->arena);
}

static size_t
count_words(const char *p, size_t n)
{
	size_t words = 0;

	for (size_t i = 0; i < n; i++)
		words += !isspace((unsigned char)p[i]) && (i == 0 || isspace((unsigned char)p[i - 1]));
	return words;
}

const char *
jswarm_nonsense(const char *text, size_t n)
{
	struct features f = { 0 };
	size_t words = count_words(text, n), bad = 0, distinct;

	if (words == 0)
		return "it said nothing";
	for (size_t i = 0; i < n; i++)
		bad += ((unsigned char)text[i] < 0x20 && !isspace((unsigned char)text[i])) ||
			(i + 2 < n && memcmp(text + i, "\xef\xbf\xbd", 3) == 0);
	if (bad * 5 > n)
		return "it is not text";
	features_make(&f, text, n);
	distinct = f.n_words;
	features_release(&f);
	if (words >= LOOP_WORDS && distinct * 10 < words)
		return "it repeats itself";
	return NULL;
}

bool
jswarm_model_of(const struct jexpert *x, struct jswarm_model *m)
{
	m->model = jexpert_model(x);
	m->adapter = x->adapter;
	return !x->node && m->model && jfs_exists(m->model) && (!m->adapter || jfs_exists(m->adapter));
}

const char *
jswarm_absent(const struct jexpert *x, struct jbuf *why)
{
	const char *model = jexpert_model(x), *path = model;

	if (x->node)
		return NULL;
	if (!model) {
		jbuf_printf(why, "%s names no model_path, base_model or node", x->file);
		return why->p;
	}
	if (jfs_exists(model)) {
		path = x->adapter;
		if (!path || jfs_exists(path))
			return NULL;
	}
	jbuf_printf(why, "not trained yet: there is no %s (jupiter swarm train --expert %s)", path,
		x->name);
	return why->p;
}

/* --- here --- */
static void
gen_opts(const struct jswarm *s, const struct jswarm_ask *q, const struct jexpert *x,
	struct jgen_opts *g)
{
	static const struct jsample_opts defaults = JSAMPLE_OPTS_INIT;
	uint64_t name = x ? jhash64(x->name, strlen(x->name), 0) : 0;

	memset(g, 0, sizeof(*g));
	g->sample = defaults;
	g->sample.top_p = x ? x->top_p : 0.95;
	if (!(g->sample.top_p > 0))
		g->sample.top_p = 1;
	g->sample.temperature = s->o.temperature >= 0 ? s->o.temperature : x ? x->temperature : 0;
	g->seed = s->o.seed;
	g->key = jhash64(q->question, strlen(q->question), name) + q->key;
	g->max_tokens = s->o.max_tokens > 0 ? s->o.max_tokens : x ? x->max_tokens : 1024;
	g->on_text = q->on_text;
	g->arg = q->arg;
}

/* Passages that a small context cannot hold are left out, the worst first. */
static int
fit_ids(const struct member *x, const struct jswarm_ask *q, struct jswarm_reply *r,
	struct jids *ids, struct jerr *e)
{
	for (;;) {
		struct jerr why = { 0 };

		ids->n = 0;
		if (ask_ids(x, q, r, ids, &why) == 0)
			return 0;
		if (why.code != JERR_LIMIT || r->n_cites == 0)
			return jerr_set(e, why.code, "%s", why.msg);
		r->n_cites--;
	}
}

static int
generate(struct member *x, const struct jswarm_ask *q, const struct jgen_opts *g,
	struct jswarm_reply *r, struct jerr *e)
{
	struct jgen_result res;
	struct jids ids = { 0 };
	int rc = fit_ids(x, q, r, &ids, e);

	jgen_result_init(&res);
	if (rc == 0)
		rc = jinfer_complete(&(struct jgen_task){ .inf = x->inf, .tok = x->tok,
			.state = x->state, .prompt = ids.v, .n = ids.n, .opts = g, .result = &res }, e);
	if (rc == 0) {
		jbuf_add(&r->text, res.text.p, res.text.n);
		r->prompt_tokens += ids.n;
		r->tokens += res.ids.n;
	}
	jgen_result_release(&res);
	jids_release(&ids);
	return rc;
}

int
jswarm_generate(struct jswarm *s, const struct jswarm_model *m, const struct jswarm_ask *q,
	struct jswarm_reply *r, struct jerr *e)
{
	double begin = jsys_now();
	struct jgen_opts g;
	struct member *x;
	int rc = member_get(s, m, &x, e);

	if (rc < 0)
		return rc;
	gen_opts(s, q, r->expert, &g);
	rc = generate(x, q, &g, r, e);
	member_put(x);
	r->seconds += jsys_now() - begin;
	return rc;
}

static int
find_choices(struct member *x, const char *regex, const struct jgrammar **out, struct jerr *e)
{
	struct jgrammar *g;
	struct choices *c;
	int rc;

	for (c = x->choices; c && strcmp(c->regex, regex) != 0;)
		c = c->next;
	if (!c) {
		rc = jgrammar_regex(&g, regex, strlen(regex), "choices", e);
		if (rc < 0)
			return rc;
		c = jmem_alloc(1, sizeof(*c));
		*c = (struct choices){ x->choices, jmem_strdup(regex), g };
		x->choices = c;
	}
	if (!x->vocab)
		x->vocab = jgvocab_new(x->tok, x->m->cfg.vocab_size);
	*out = c->grammar;
	return 0;
}

int
jswarm_choose(struct jswarm *s, const struct jswarm_model *m, const char *question,
	const char *regex, struct jbuf *out, struct jerr *e)
{
	struct jswarm_ask q = { .question = question };
	struct jswarm_reply r;
	struct jgen_opts g;
	struct member *x;
	int rc = member_get(s, m, &x, e);

	if (rc < 0)
		return rc;
	jswarm_reply_init(&r, NULL);
	gen_opts(s, &q, NULL, &g);
	g.sample.temperature = 0;
	if (g.max_tokens < 64)
		g.max_tokens = 64;
	rc = find_choices(x, regex, &g.grammar, e);
	g.vocab = x->vocab;
	if (rc == 0)
		rc = generate(x, &q, &g, &r, e);
	jbuf_add(out, r.text.p, r.text.n);
	jswarm_reply_release(&r);
	member_put(x);
	return rc;
}

static void
answer_here(struct jswarm *s, const struct jswarm_ask *q, struct jswarm_reply *r)
{
	struct jswarm_model m;
	struct jerr why = { 0 };

	if (!jswarm_model_of(r->expert, &m)) {
		jswarm_absent(r->expert, &r->missing);
		return;
	}
	if (jswarm_generate(s, &m, q, r, &why) < 0)
		jbuf_adds(&r->missing, why.msg);
}

/* --- on nodes --- */
struct call {
	const struct jswarm *s;
	const struct jswarm_ask *q;
	struct jswarm_reply *r;
	pthread_t thread;
	bool running;
};

static void *
answer_there(void *arg)
{
	struct call *c = arg;
	const struct jexpert *x = c->r->expert;
	double begin = jsys_now();
	struct jerr why = { 0 };
	struct remote_reply reply;
	struct jgen_opts g;
	struct jbuf messages, prompt;

	jbuf_init(&messages);
	jbuf_init(&prompt);
	ask_messages(c->q, c->r, &messages);
	ask_plain(c->q, c->r, &prompt);
	gen_opts(c->s, c->q, x, &g);
	remote_reply_init(&reply);
	if (remote_ask(&(struct remote_ask){ .node = x->node,
		.model = jexpert_model(x) ? jexpert_model(x) : x->name, .messages = messages.p,
		.prompt = prompt.p, .max_tokens = g.max_tokens, .temperature = g.sample.temperature,
		.top_p = g.sample.top_p, .seed = g.seed + g.key, .key = c->s->o.key,
		.timeout_s = c->s->o.timeout_s, .retries = c->s->o.retries, .on_text = c->q->on_text,
		.arg = c->q->arg }, &reply, &why) < 0)
		jbuf_adds(&c->r->missing, why.msg);
	jbuf_add(&c->r->text, reply.text.p, reply.text.n);
	c->r->prompt_tokens += reply.prompt_tokens;
	c->r->tokens += reply.tokens;
	c->r->seconds += jsys_now() - begin;
	remote_reply_release(&reply);
	jbuf_release(&messages);
	jbuf_release(&prompt);
	return NULL;
}

/* --- from its documents --- */
static void
look_up(const struct jswarm *s, const struct jswarm_ask *q, struct jswarm_reply *r)
{
	int max = s->o.passages > 0 ? s->o.passages : s->o.quote ? 2 : 0;
	struct jerr why = { 0 };

	if (r->n_cites > 0 || max == 0)
		return;
	if (knowledge_find(r->expert, q->question, max, r, &why) < 0)
		jbuf_printf(&r->missing, "its documents: %s", why.msg);
	if (!s->o.quote)
		return;
	knowledge_quote(r, &r->text);
	if (r->n_cites == 0 && r->missing.n == 0)
		jbuf_adds(&r->missing, r->expert->n_knowledge ? "its documents say nothing about that" :
			"its file names no documents (knowledge)");
}

/* What is nothing or nonsense does not count as an answer. */
static void
judge_text(struct jswarm_reply *r)
{
	const char *why = jswarm_nonsense(r->text.p, r->text.n);

	if (!why)
		return;
	if (r->missing.n == 0)
		jbuf_adds(&r->missing, why);
	jbuf_reset(&r->text);
}

void
jswarm_ask(struct jswarm *s, const struct jswarm_ask *question, struct jswarm_reply *r, size_t n)
{
	struct call *calls = jmem_zalloc(n ? n : 1, sizeof(*calls));
	struct jswarm_ask q = *question;

	if (n > 1)
		q.on_text = NULL;
	for (size_t i = 0; i < n; i++)
		look_up(s, &q, &r[i]);
	for (size_t i = 0; !s->o.quote && i < n; i++) {
		calls[i] = (struct call){ .s = s, .q = &q, .r = &r[i] };
		if (r[i].expert->node)
			calls[i].running = pthread_create(&calls[i].thread, NULL, answer_there,
				&calls[i]) == 0;
	}
	for (size_t i = 0; !s->o.quote && i < n; i++)
		if (!r[i].expert->node)
			answer_here(s, &q, &r[i]);
		else if (!calls[i].running)
			answer_there(&calls[i]);
	for (size_t i = 0; i < n; i++)
		if (calls[i].running)
			pthread_join(calls[i].thread, NULL);
	for (size_t i = 0; i < n; i++)
		judge_text(&r[i]);
	if (s->o.quote && q.on_text && n == 1 && r[0].text.n > 0)
		q.on_text(q.arg, r[0].text.p, r[0].text.n);
	jmem_free(calls);
}
