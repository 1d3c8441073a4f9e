/* admit.c - who has pages to go on. */
#include <stdio.h>

#include "infer/gen.h"

/* Pages for all tokens that it has, and those that it may guess. */
static size_t
wanted(const struct jgen *g)
{
	size_t n = g->ids.n + (g->plain ? 0 : (size_t)g->o->speculate);
	size_t room = (size_t)jinfer_capacity(g->inf);

	return jinfer_need(g->inf, g->t.slot, (n < room ? n : room) - g->fed);
}

/* What those that run want; *running: how many they are. */
static size_t
wanted_by_all(struct jgen *const *g, size_t n, size_t *running)
{
	size_t sum = 0;

	*running = 0;
	for (size_t i = 0; i < n; i++) {
		if (!g[i] || g[i]->done || !g[i]->running)
			continue;
		sum += wanted(g[i]);
		++*running;
	}
	return sum;
}

/* The oldest that waits, or the youngest that runs. */
static struct jgen *
find(struct jgen *const *g, size_t n, bool running)
{
	struct jgen *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (g[i] && !g[i]->done && g[i]->running == running
		    && (!best || (g[i]->age > best->age) == running))
			best = g[i];
	return best;
}

static void
put_off(struct jgen *g)
{
	jinfer_reset(g->inf, g->t.slot);
	g->fed = 0;
	g->running = false;
}

/* Alone it does not fit: without guesses perhaps, else never. */
static bool
fits_alone(struct jgen *g)
{
	size_t pages = jinfer_available(g->inf);

	if (wanted(g) <= pages)
		return true;
	g->plain = true;
	if (wanted(g) <= pages)
		return true;
	snprintf(g->why, sizeof(g->why), "%zu tokens do not fit into a cache of %zu pages of %d: it "
		"wants more memory (-M) or a smaller --cache-type", g->ids.n, g->inf->pages.n, JKV_PAGE);
	put_off(g);
	gen_finish(g, "memory");
	return false;
}

static void
begin(struct jgen *g)
{
	g->fed = jinfer_begin(g->inf, g->t.slot, g->o->adapter, g->ids.v,
		g->o->whole_prompt ? 0 : g->ids.n);
	if (!g->begun)
		g->r->reused = g->fed;
}

void
gen_admit(struct jgen *const *g, size_t n)
{
	size_t running, want = wanted_by_all(g, n, &running);
	struct jgen *x;

	while (running > 0 && want > jinfer_available((x = find(g, n, true))->inf)) {
		if (running == 1 && fits_alone(x))
			break;
		if (running > 1) {
			put_off(x);
			x->inf->preempted++;
		}
		want = wanted_by_all(g, n, &running);
	}
	while ((x = find(g, n, false))) {
		begin(x);
		/* A page more for each: not to be put off at the next one. */
		want = wanted_by_all(g, n, &running);
		if (running > 0 && want + wanted(x) + running > jinfer_available(x->inf)) {
			put_off(x);
			return;
		}
		if (running > 0 || fits_alone(x))
			x->running = x->begun = true;
	}
}
