/*
 * Completions: sampling until a stop token, a stop string, -n or the end of the context; text comes
 * out in whole UTF-8 characters and never contains part of a stop string.
 */
#include "infer/gen.h"

#include <math.h>
#include <string.h>

#include "base/jsys.h"

#define PROMPT_CHUNK 512	/* prompt tokens of one sequence per step, so that others go on */
#define CONTEXT_IDS 8		/* tokens before the first new one that its spelling may depend on */

void
jgen_result_init(struct jgen_result *r)
{
	memset(r, 0, sizeof(*r));
	jbuf_init(&r->text);
	r->finish = "";
}

void
jgen_result_release(struct jgen_result *r)
{
	jbuf_release(&r->text);
	jids_release(&r->ids);
	jmem_free(r->logprobs);
}

static void
push_id(struct jids *ids, uint32_t id)
{
	JMEM_GROW(ids->v, ids->cap, ids->n + 1);
	ids->v[ids->n++] = id;
}

static void
start_guessing(struct jgen *g)
{
	size_t k = (size_t)g->o->speculate, V = (size_t)jinfer_config(g->inf)->vocab_size;

	if (k == 0)
		return;
	g->guess = jmem_alloc(k + 1, sizeof(*g->guess));
	g->guess_logits = jmem_alloc((k + 1) * V, sizeof(*g->guess_logits));
	if (!g->o->draft)
		return;
	g->draft = (struct draft_model){ g->o->draft, g->t.slot, jmem_alloc(V, sizeof(float)) };
	jinfer_reset(g->o->draft, g->t.slot);
}

int
jgen_start(struct jgen **out, const struct jgen_task *t, struct jerr *e)
{
	size_t V = (size_t)jinfer_config(t->inf)->vocab_size;
	struct jgen *g;

	if (t->n == 0)
		return jerr_set(e, JERR_ARG, "an empty prompt, and the tokenizer has no BOS token to "
			"begin with");
	if (t->n > (size_t)jinfer_capacity(t->inf))
		return jerr_set(e, JERR_LIMIT, "the prompt has %zu tokens, the context %d", t->n,
			jinfer_capacity(t->inf));
	g = jmem_zalloc(1, sizeof(*g));
	g->t = *t;
	g->inf = t->inf;
	g->o = t->opts;
	g->r = t->result;
	g->sampler = jsampler_new((int64_t)V);
	g->logits = jmem_alloc(V, sizeof(*g->logits));
	start_guessing(g);
	if (g->o->grammar)
		g->guide = jguide_new(g->o->grammar, g->o->vocab);
	for (size_t i = 0; i < t->n; i++)
		push_id(&g->ids, t->prompt[i]);
	jrand_init(&g->rand, g->o->seed, g->o->key);
	jinfer_reset(t->inf, t->slot);
	jinfer_adapter_hold(t->inf, g->o->adapter);
	g->age = ++t->inf->clock;
	g->started = jsys_now();
	*out = g;
	return 0;
}

static void
free_jgen(struct jgen *g)
{
	jinfer_adapter_drop(g->inf, g->o->adapter);
	jsampler_free(g->sampler);
	jguide_free(g->guide);
	jmem_free(g->guess);
	jmem_free(g->guess_logits);
	jmem_free(g->draft.logits);
	jmem_free(g->logits);
	jids_release(&g->ids);
	jmem_free(g);
}

void
jgen_free(struct jgen *g)
{
	if (!g)
		return;
	if (!g->done)
		jinfer_reset(g->inf, g->t.slot);
	free_jgen(g);
}

const char *
jgen_failed(const struct jgen *g)
{
	return g->why[0] ? g->why : NULL;
}

bool
jgen_done(const struct jgen *g)
{
	return g->done;
}

/* A BOS counts too: where documents are trained behind a BOS, it says that another one begins. */
static bool
ends_text(void *arg, uint32_t id)
{
	const struct jgen *g = arg;
	const struct jmodel_config *c = jinfer_config(g->inf);
	const uint32_t *stops;
	size_t n;

	if (id == c->eos || id == c->bos)
		return true;
	for (int i = 0; i < c->n_eos; i++)
		if (id == c->eos_list[i])
			return true;
	if (!g->t.tok)
		return false;
	if (id == jtok_bos(g->t.tok))
		return true;
	stops = jtok_stops(g->t.tok, &n);
	for (size_t i = 0; i < n; i++)
		if (stops[i] == id)
			return true;
	return false;
}

static bool
is_stop(struct jgen *g, uint32_t id)
{
	/* Under a grammar the mask says whether the text may end. */
	return (g->guide || !g->o->ignore_eos) && ends_text(g, id);
}

/* Length of s without a last character that is not complete yet. */
static size_t
whole_utf8(const char *s, size_t n)
{
	size_t back = 0;

	while (back < 3 && back < n && ((unsigned char)s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n) {
		unsigned char lead = (unsigned char)s[n - 1 - back];
		size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

		if (want > back + 1)
			return n - 1 - back;
	}
	return n;
}

static const char *
find(const char *p, size_t n, const char *needle, size_t m)
{
	for (size_t i = 0; m && i + m <= n; i++)
		if (memcmp(p + i, needle, m) == 0)
			return p + i;
	return NULL;
}

/* Cuts the text at the first stop string that ends in bytes new since `from`. */
static bool
cut_at_stop(struct jgen *g, size_t from)
{
	struct jbuf *t = &g->r->text;
	size_t cut = t->n;

	for (size_t i = 0; g->o->stop && g->o->stop[i]; i++) {
		size_t m = strlen(g->o->stop[i]), begin = from + 1 > m ? from + 1 - m : 0;
		const char *at = find(t->p + begin, t->n - begin, g->o->stop[i], m);

		if (at && (size_t)(at - t->p) < cut)
			cut = (size_t)(at - t->p);
	}
	if (cut == t->n)
		return false;
	t->n = cut;
	t->p[cut] = '\0';
	return true;
}

/* Bytes at the end that may yet turn out to begin a stop string. */
static size_t
held_back(const struct jgen *g)
{
	const struct jbuf *t = &g->r->text;
	size_t held = 0;

	for (size_t i = 0; g->o->stop && g->o->stop[i]; i++) {
		size_t m = strlen(g->o->stop[i]), k = m ? m - 1 : 0;

		if (k > t->n)
			k = t->n;
		while (k > held && memcmp(t->p + t->n - k, g->o->stop[i], k) != 0)
			k--;
		if (k > held)
			held = k;
	}
	return held;
}

static bool
show(struct jgen *g, bool all)
{
	const struct jbuf *t = &g->r->text;
	size_t end = t->n;

	if (!all) {
		end -= held_back(g);
		end = whole_utf8(t->p, end);
	}
	if (!g->o->on_text || end <= g->shown)
		return false;
	if (g->o->on_text(g->o->arg, t->p + g->shown, end - g->shown) != 0)
		return true;
	g->shown = end;
	return false;
}

/*
 * The text that the last id adds.  Until some text has appeared its spelling depends on what stands
 * before it (sentencepiece drops the space of the first word), so it is decoded with context.
 */
static int
spell(struct jgen *g, struct jerr *e)
{
	struct jbuf before, after;
	const struct jids *ids = &g->ids;
	size_t from = ids->n > CONTEXT_IDS ? ids->n - CONTEXT_IDS : 0, n;
	const char *p;
	int rc;

	if (!g->t.tok)
		return 0;
	if (g->spelled) {
		p = jtok_bytes(g->t.tok, ids->v[ids->n - 1], &n);
		if (p && !jtok_is_special(g->t.tok, ids->v[ids->n - 1]))
			jbuf_add(&g->r->text, p, n);
		return 0;
	}
	jbuf_init(&before);
	jbuf_init(&after);
	rc = jtok_decode(g->t.state, ids->v + from, ids->n - 1 - from, false, &before, e);
	if (rc >= 0)
		rc = jtok_decode(g->t.state, ids->v + from, ids->n - from, false, &after, e);
	if (rc >= 0 && after.n > before.n) {
		jbuf_add(&g->r->text, after.p + before.n, after.n - before.n);
		g->spelled = true;
	}
	jbuf_release(&before);
	jbuf_release(&after);
	return rc < 0 ? rc : 0;
}

void
gen_finish(struct jgen *g, const char *why)
{
	g->r->finish = why;
	g->done = true;
	g->r->decode_s = jsys_now() - g->started - g->r->prompt_s;
	show(g, true);
}

static void
note_logprobs(struct jgen *g, const float *logits, uint32_t id)
{
	size_t k = (size_t)g->o->logprobs;
	struct jgen_result *r = g->r;

	JMEM_GROW(r->logprobs, r->cap_logprobs, r->n_logprobs + k + 1);
	jsample_top(g->sampler, logits, k, r->logprobs + r->n_logprobs + 1);
	r->logprobs[r->n_logprobs] = (struct jlogprob){ id, (float)(logits[id] -
		jsample_log_sum(logits, jinfer_config(g->inf)->vocab_size)) };
	r->n_logprobs += k + 1;
}

/*
 * Under a grammar: a token after which the shortest end would not fit any more is drawn again
 * without it, as long as the end still fits now.
 */
static int
choose_guided(struct jgen *g, uint32_t *id, struct jerr *e)
{
	uint64_t left = (uint64_t)g->o->max_tokens - g->r->ids.n;
	uint64_t room = (uint64_t)jinfer_capacity(g->inf) - g->fed;
	bool fits;
	int rc = jguide_mask(g->guide, g->logits, ends_text, g, e);

	if (rc < 0)
		return rc;
	if (room + 1 < left)
		left = room + 1;	/* the last token need not be fed */
	fits = jguide_shortest(g->guide) <= left;
	for (;;) {
		*id = jsample_choose(g->sampler, g->logits, &g->o->sample, &g->rand);
		if (g->logits[*id] == -INFINITY)
			return jerr_set(e, JERR_LIMIT, "no token of the vocabulary leads to an end in time: "
				"it lacks single bytes that the grammar needs");
		if (!fits || ends_text(g, *id) || jguide_shortest_after(g->guide, *id) < left)
			return 0;
		g->logits[*id] = -INFINITY;
	}
}

static int
choose(struct jgen *g, uint32_t *id, struct jerr *e)
{
	size_t V = (size_t)jinfer_config(g->inf)->vocab_size;
	float *plain = NULL;
	int rc = 0;

	if (g->o->logprobs > 0) {
		plain = jmem_alloc(V, sizeof(*plain));
		memcpy(plain, g->logits, V * sizeof(*plain));
	}
	jsample_penalise(g->sampler, g->logits, &g->o->sample, g->ids.v, g->ids.n);
	if (g->guide)
		rc = choose_guided(g, id, e);
	else
		*id = jsample_choose(g->sampler, g->logits, &g->o->sample, &g->rand);
	if (rc == 0 && plain && !is_stop(g, *id))
		note_logprobs(g, plain, *id);
	jmem_free(plain);
	return rc;
}

/* Takes the next token from the logits. */
static int
take(struct jgen *g, struct jerr *e)
{
	size_t from = g->r->text.n;
	uint32_t id;
	int rc;

	if (g->r->ids.n == 0)
		g->r->prompt_s = jsys_now() - g->started;
	if ((int64_t)g->r->ids.n >= g->o->max_tokens) {
		gen_finish(g, "length");
		return 0;
	}
	rc = choose(g, &id, e);
	if (rc < 0)
		return rc;
	if (is_stop(g, id)) {
		gen_finish(g, "stop");
		return 0;
	}
	push_id(&g->ids, id);
	push_id(&g->r->ids, id);
	if (g->guide)
		jguide_accept(g->guide, id);
	rc = spell(g, e);
	if (rc < 0)
		return rc;
	if (cut_at_stop(g, from) || show(g, false) || (g->guide && jguide_must_end(g->guide)))
		gen_finish(g, "stop");
	else if ((int64_t)g->r->ids.n >= g->o->max_tokens)
		gen_finish(g, g->guide && jguide_may_end(g->guide) ? "stop" : "length");
	else if (g->fed >= (size_t)jinfer_capacity(g->inf))
		gen_finish(g, "context");
	return 0;
}

/* Guesses what follows the last token, no further than the answer may go. */
static int
guess(struct jgen *g, struct jerr *e)
{
	size_t left = (size_t)g->o->max_tokens - g->r->ids.n, max = (size_t)g->o->speculate;
	size_t room = (size_t)jinfer_capacity(g->inf) - g->ids.n;

	g->n_guess = 0;
	if (max == 0 || g->plain || g->r->ids.n == 0 || g->ids.n - g->fed != 1 || left < 2)
		return 0;
	if (max > left - 1)
		max = left - 1;
	if (max > room)
		max = room;
	g->guess[0] = g->ids.v[g->fed];
	if (g->draft.inf)
		return draft_model(&g->draft, &g->ids, max, g->guess + 1, &g->n_guess, e);
	g->n_guess = draft_lookup(&g->ids, max, g->guess + 1);
	return 0;
}

static void
pending(struct jgen *g, struct jinfer_feed *f)
{
	size_t n = g->ids.n - g->fed;

	if (n > PROMPT_CHUNK)
		n = PROMPT_CHUNK;
	memset(f, 0, sizeof(*f));
	f->slot = g->t.slot;
	f->ids = g->ids.v + g->fed;
	f->n = n;
	f->logits = g->fed + n == g->ids.n ? g->logits : NULL;
	if (g->n_guess > 0) {
		f->ids = g->guess;
		f->n = 1 + g->n_guess;
		f->logits = NULL;
		f->all_logits = g->guess_logits;
	}
}

/* Draws token after token as long as they are the ones that were guessed. */
static int
take_guessed(struct jgen *g, struct jerr *e)
{
	size_t V = (size_t)jinfer_config(g->inf)->vocab_size;
	int rc = 0;

	g->r->drafted += g->n_guess;
	for (size_t i = 0; rc == 0 && i <= g->n_guess; i++) {
		g->fed++;
		memcpy(g->logits, g->guess_logits + i * V, V * sizeof(*g->logits));
		rc = take(g, e);
		if (g->done || i == g->n_guess || g->ids.v[g->ids.n - 1] != g->guess[i + 1])
			break;
		g->r->accepted++;
	}
	g->n_guess = 0;
	jinfer_truncate(g->inf, g->t.slot, g->fed);
	if (g->draft.inf)
		jinfer_truncate(g->draft.inf, g->t.slot, g->fed);
	return rc;
}

static int
advance(struct jgen *g, const struct jinfer_feed *f, struct jerr *e)
{
	if (g->n_guess > 0)
		return take_guessed(g, e);
	g->fed += f->n;
	return g->fed == g->ids.n ? take(g, e) : 0;
}

static bool
runs(const struct jgen *g)
{
	return g && g->running && !g->done;
}

int
jgen_step(struct jgen *const *g, size_t n, struct jerr *e)
{
	struct jinfer_feed *f = jmem_alloc(n ? n : 1, sizeof(*f));
	struct jinfer *inf = NULL;
	size_t k = 0, at = 0;
	int rc = 0;

	gen_admit(g, n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (!runs(g[i]))
			continue;
		rc = guess(g[i], e);
		pending(g[i], &f[k++]);
		inf = g[i]->inf;
	}
	if (rc == 0 && k > 0)
		rc = jinfer_feed(inf, f, k, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (!runs(g[i]))
			continue;
		rc = advance(g[i], &f[at++], e);
		if (g[i]->done && !g[i]->keep)
			jinfer_reset(g[i]->inf, g[i]->t.slot);
	}
	jmem_free(f);
	return rc;
}

int
jinfer_complete(const struct jgen_task *t, struct jerr *e)
{
	struct jgen *g;
	int rc = jgen_start(&g, t, e);

	if (rc < 0)
		return rc;
	g->keep = true;
	while (rc == 0 && !jgen_done(g))
		rc = jgen_step(&g, 1, e);
	if (rc == 0 && jgen_failed(g))
		rc = jerr_set(e, JERR_LIMIT, "%s", jgen_failed(g));
	free_jgen(g);
	return rc;
}
