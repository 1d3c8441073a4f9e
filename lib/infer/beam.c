/*
 * Beam search as Hugging Face's generate() does it (num_beams, length_penalty, no early stopping): of
 * twice as many continuations as there are beams, those that end the text and rank among the first
 * `width` are finished, the others go on.  It ends when no running beam can beat the finished ones.
 *
 * Each beam has a slot of the engine.  The first child of a beam keeps its slot; further children
 * take the slots of beams that died out, with a copy of the rows.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/engine.h"

struct hypothesis {
	struct jids ids;		/* generated */
	double score;			/* running: sum of log-probabilities; finished: normalised */
	int slot;
};

struct candidate {
	double score;
	int beam;
	uint32_t id;
};

struct beams {
	const struct jgen_task *t;
	const struct jbeam_opts *o;
	struct jinfer *inf;
	struct hypothesis *run, *next, *done;	/* [width] each */
	int n_run, n_done;
	struct candidate *c;			/* [2 * width + 1] */
	float *logits;				/* [width, V] */
	int64_t V;
};

static bool
ends(const struct beams *b, uint32_t id)
{
	const struct jmodel_config *c = &b->inf->m->cfg;

	if (b->t->opts->ignore_eos)
		return false;
	if (id == (uint64_t)c->eos)
		return true;
	for (int i = 0; i < c->n_eos; i++)
		if (id == (uint64_t)c->eos_list[i])
			return true;
	return false;
}

static void
copy_ids(struct jids *to, const struct jids *from, const uint32_t *more)
{
	JMEM_GROW(to->v, to->cap, from->n + 1);
	if (from->n)
		memcpy(to->v, from->v, from->n * sizeof(*to->v));
	to->n = from->n;
	if (more)
		to->v[to->n++] = *more;
}

/* Keeps the 2 * width best (score, then beam, then id) in order. */
static size_t
offer(struct candidate *c, size_t n, size_t most, struct candidate x)
{
	size_t at = n;

	while (at > 0 && c[at - 1].score < x.score)
		at--;
	if (at >= most)
		return n;
	memmove(c + at + 1, c + at, (n - at) * sizeof(*c));
	c[at] = x;
	return n < most ? n + 1 : n;
}

static size_t
gather(struct beams *b)
{
	size_t n = 0, most = 2 * (size_t)b->o->width;

	for (int i = 0; i < b->n_run; i++) {
		const float *row = b->logits + i * b->V;
		double base = b->run[i].score - jsample_log_sum(row, b->V);

		for (int64_t v = 0; v < b->V; v++) {
			double score = base + row[v];

			if (n < most || score > b->c[n - 1].score)
				n = offer(b->c, n, most, (struct candidate){ score, i, (uint32_t)v });
		}
	}
	return n;
}

static double
normalised(const struct beams *b, double score, size_t length)
{
	return score / pow((double)length, b->o->length_penalty);
}

/* A finished text, if it is among the best `width`; its length counts the token that stops it. */
static void
finish(struct beams *b, const struct jids *ids, bool stop, double score)
{
	double s = normalised(b, score, ids->n + stop);
	int at = b->n_done;

	if (b->n_done == b->o->width) {
		at = 0;
		for (int i = 1; i < b->n_done; i++)
			if (b->done[i].score < b->done[at].score)
				at = i;
		if (s <= b->done[at].score)
			return;
	} else {
		b->n_done++;
	}
	b->done[at].score = s;
	copy_ids(&b->done[at].ids, ids, NULL);
}

static bool
taken(const struct hypothesis *h, int n, int slot)
{
	for (int i = 0; i < n; i++)
		if (h[i].slot == slot)
			return true;
	return false;
}

/* Slots for the chosen children: next[i].slot is the parent's until here. */
static void
give_slots(struct beams *b, int n)
{
	int *parent = jmem_alloc((size_t)n + 1, sizeof(*parent));

	for (int i = 0; i < n; i++) {
		parent[i] = b->next[i].slot;
		b->next[i].slot = taken(b->next, i, parent[i]) ? -1 : parent[i];
	}
	for (int i = 0; i < n; i++) {
		if (b->next[i].slot >= 0)
			continue;
		for (int s = 0; s < b->o->width && b->next[i].slot < 0; s++)
			if (!taken(b->next, n, s))
				b->next[i].slot = s;
		jinfer_fork(b->inf, parent[i], b->next[i].slot);
	}
	jmem_free(parent);
}

static void
select_next(struct beams *b, size_t n)
{
	struct hypothesis *swap;
	int k = 0;

	for (size_t i = 0; i < n && k < b->o->width; i++) {
		const struct candidate *c = &b->c[i];
		const struct hypothesis *parent = &b->run[c->beam];

		if (ends(b, c->id)) {
			if (i < (size_t)b->o->width)
				finish(b, &parent->ids, true, c->score);
			continue;
		}
		copy_ids(&b->next[k].ids, &parent->ids, &c->id);
		b->next[k].score = c->score;
		b->next[k++].slot = parent->slot;
	}
	give_slots(b, k);
	swap = b->run;
	b->run = b->next;
	b->next = swap;
	b->n_run = k;
}

/* Is there nothing that a running beam could still win? */
static bool
settled(const struct beams *b)
{
	double worst = INFINITY;

	if (b->n_done < b->o->width)
		return false;
	for (int i = 0; i < b->n_done; i++)
		if (b->done[i].score < worst)
			worst = b->done[i].score;
	return b->n_run == 0 || normalised(b, b->run[0].score, b->run[0].ids.n) <= worst;
}

static int
feed(struct beams *b, struct jerr *e)
{
	struct jinfer_feed *f = jmem_zalloc((size_t)b->n_run, sizeof(*f));
	int rc;

	for (int i = 0; i < b->n_run; i++)
		f[i] = (struct jinfer_feed){ .slot = b->run[i].slot, .n = 1,
			.ids = &b->run[i].ids.v[b->run[i].ids.n - 1], .logits = b->logits + i * b->V };
	rc = jinfer_feed(b->inf, f, (size_t)b->n_run, e);
	jmem_free(f);
	return rc;
}

static int
run_prompt(struct beams *b, struct jerr *e)
{
	size_t known = jinfer_begin(b->inf, 0, b->t->opts->adapter, b->t->prompt,
		b->t->n);
	struct jinfer_feed f = { .slot = 0, .ids = b->t->prompt + known, .n = b->t->n - known,
		.logits = b->logits };

	b->n_run = 1;
	b->run[0].slot = 0;
	b->run[0].score = 0;
	return jinfer_feed(b->inf, &f, 1, e);
}

static int
search(struct beams *b, const char **why, struct jerr *e)
{
	int rc = run_prompt(b, e);

	for (int step = 0; rc == 0 && step < b->t->opts->max_tokens; step++) {
		select_next(b, gather(b));
		*why = "stop";
		if (b->n_run == 0 || settled(b))
			return 0;
		*why = "length";
		if (step + 1 == b->t->opts->max_tokens)
			break;
		*why = "context";
		if (jinfer_length(b->inf, b->run[0].slot) >= (size_t)jinfer_capacity(b->inf))
			break;
		rc = feed(b, e);
	}
	/* Out of room: the running ones count as they are. */
	for (int i = 0; rc == 0 && i < b->n_run; i++)
		finish(b, &b->run[i].ids, false, b->run[i].score);
	return rc;
}

static int
put_best(struct beams *b, const char *why, struct jerr *e)
{
	struct jgen_result *r = b->t->result;
	const struct hypothesis *best = &b->done[0];

	for (int i = 1; i < b->n_done; i++)
		if (b->done[i].score > best->score)
			best = &b->done[i];
	copy_ids(&r->ids, &best->ids, NULL);
	r->finish = why;
	if (b->n_done == 0 || !b->t->tok)
		return 0;
	return jtok_decode(b->t->state, r->ids.v, r->ids.n, false, &r->text, e);
}

static void
free_all(struct hypothesis *h, int n)
{
	for (int i = 0; i < n; i++)
		jids_release(&h[i].ids);
	jmem_free(h);
}

int
jinfer_beam(const struct jgen_task *t, const struct jbeam_opts *o, struct jerr *e)
{
	struct beams b = { .t = t, .o = o, .inf = t->inf, .V = jinfer_config(t->inf)->vocab_size };
	const char *why = "length";
	size_t n = (size_t)o->width;
	int rc;

	if (o->width < 1 || o->width > t->inf->slots)
		return jerr_set(e, JERR_ARG, "%d beams: the engine has %d sequences", o->width, t->inf->slots);
	if (t->n == 0 || t->n > (size_t)jinfer_capacity(t->inf))
		return jerr_set(e, JERR_LIMIT, "the prompt has %zu tokens, the context %d", t->n,
			jinfer_capacity(t->inf));
	b.run = jmem_zalloc(n, sizeof(*b.run));
	b.next = jmem_zalloc(n, sizeof(*b.next));
	b.done = jmem_zalloc(n, sizeof(*b.done));
	b.c = jmem_zalloc(2 * n + 1, sizeof(*b.c));
	b.logits = jmem_alloc(n * (size_t)b.V, sizeof(*b.logits));
	rc = search(&b, &why, e);
	if (rc == 0)
		rc = put_best(&b, why, e);
	for (int i = 1; i < o->width; i++)	/* the first one's cache may be saved */
		jinfer_reset(t->inf, i);
	free_all(b.run, o->width);
	free_all(b.next, o->width);
	free_all(b.done, o->width);
	jmem_free(b.c);
	jmem_free(b.logits);
	return rc < 0 ? rc : 0;
}
