/*
 * answer_model.c - opening models when they are needed and closing them when memory is.
 */
#include "swarm/answer.h"

#include <string.h>

#include "base/jsys.h"
#include "swarm/footprint.h"

#define DEFAULT_CONTEXT 4096

static void
member_free(struct member *x)
{
	jinfer_free(x->inf);
	jgvocab_free(x->vocab);
	while (x->choices) {
		struct choices *c = x->choices;

		x->choices = c->next;
		jgrammar_free(c->grammar);
		jmem_free(c->regex);
		jmem_free(c);
	}
	if (x->state)
		jtok_state_free(x->state);
	if (x->tok)
		jtok_free(x->tok);
	jmodel_free(x->m);
	jmem_free(x->model);
	jmem_free(x->adapter);
	jmem_free(x);
}

struct jswarm *
jswarm_new(const struct jswarm_opts *o)
{
	struct jswarm *s = jmem_zalloc(1, sizeof(*s));

	s->o = *o;
	if (!(s->o.timeout_s > 0))
		s->o.timeout_s = 60;
	s->pool = jpar_new(o->jobs > 0 ? o->jobs : 1);
	return s;
}

void
jswarm_free(struct jswarm *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		member_free(s->v[i]);
	jmem_free(s->v);
	jpar_free(s->pool);
	jmem_free(s);
}

void
jswarm_stats(const struct jswarm *s, struct jswarm_stats *st)
{
	*st = s->stats;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What is open now: every file once. */
static void
count_bytes(struct jswarm *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen = seen || same(s->v[j]->model, s->v[i]->model);
		sum += s->v[i]->own_bytes + (seen ? 0 : s->v[i]->file_bytes);
	}
	s->stats.open = s->n;
	s->stats.bytes = sum;
	if (sum > s->stats.peak_bytes)
		s->stats.peak_bytes = sum;
}

static void
close_member(struct jswarm *s, size_t i)
{
	member_free(s->v[i]);
	s->v[i] = s->v[--s->n];
	s->stats.closed++;
	count_bytes(s);
}

void
jswarm_rest(struct jswarm *s, double idle_s)
{
	double now = jsys_now();

	for (size_t i = s->n; i-- > 0;)
		if (!s->v[i]->held && now - s->v[i]->used_s > idle_s)
			close_member(s, i);
}

static int
capacity_of(const struct jswarm *s, const struct jmodel_config *c)
{
	int64_t most = s->o.context > 0 ? s->o.context : DEFAULT_CONTEXT;

	return (int)(c->context < most ? c->context : most);
}

static int
estimate(const struct jswarm *s, struct member *x, struct jerr *e)
{
	struct jmodel_config c;
	int rc = jmodel_config_load(&c, x->model, e);

	if (rc < 0)
		return rc;
	x->file_bytes = footprint_files(x->model);
	x->own_bytes = footprint_work(&c, capacity_of(s, &c)) +
		(x->adapter ? footprint_files(x->adapter) : 0);
	return 0;
}

/* Closes what was unused for longest until x fits. */
static int
make_room(struct jswarm *s, const struct member *x, struct jerr *e)
{
	for (;;) {
		uint64_t file = x->file_bytes;
		size_t oldest = SIZE_MAX;

		for (size_t i = 0; i < s->n; i++) {
			if (same(s->v[i]->model, x->model))
				file = 0;
			if (!s->v[i]->held && (oldest == SIZE_MAX || s->v[i]->used < s->v[oldest]->used))
				oldest = i;
		}
		if (s->o.beside + s->stats.bytes + x->own_bytes + file <= s->o.memory)
			return 0;
		if (oldest == SIZE_MAX)
			return jerr_set(e, JERR_NOMEM, "%s needs %.1f MB, and %.1f of %.1f MB (-M) are "
				"taken by what works beside it", x->model, (double)(x->own_bytes + file) * 1e-6,
				(double)(s->o.beside + s->stats.bytes) * 1e-6,
				(double)s->o.memory * 1e-6);
		close_member(s, oldest);
	}
}

static int
open_member(struct jswarm *s, struct member *x, struct jerr *e)
{
	int rc = jinfer_open(&x->m, &x->tok, x->model, NULL, true, e);

	if (rc == 0 && x->adapter)
		rc = jmodel_adapt(x->m, x->adapter, e);
	if (rc == 0 && !jmodel_has_head(&x->m->cfg))
		rc = jerr_set(e, JERR_ARG, "%s: an encoder writes no text", x->model);
	if (rc < 0)
		return rc;
	x->state = jtok_state_new(x->tok);
	return jinfer_new(&x->inf, x->m, s->pool, 1, capacity_of(s, &x->m->cfg), e);
}

static struct member *
find_member(struct jswarm *s, const struct jswarm_model *m)
{
	for (size_t i = 0; i < s->n; i++)
		if (same(s->v[i]->model, m->model) && same(s->v[i]->adapter, m->adapter))
			return s->v[i];
	return NULL;
}

static void
hold(struct jswarm *s, struct member *x)
{
	x->held++;
	x->used = ++s->clock;
	x->used_s = jsys_now();
}

int
member_get(struct jswarm *s, const struct jswarm_model *m, struct member **out, struct jerr *e)
{
	struct member *x = find_member(s, m);
	int rc;

	if (!x) {
		x = jmem_zalloc(1, sizeof(*x));
		x->model = jmem_strdup(m->model);
		x->adapter = m->adapter ? jmem_strdup(m->adapter) : NULL;
		rc = estimate(s, x, e);
		if (rc == 0)
			rc = make_room(s, x, e);
		if (rc == 0)
			rc = open_member(s, x, e);
		if (rc < 0) {
			member_free(x);
			return rc;
		}
		JMEM_GROW(s->v, s->cap, s->n + 1);
		s->v[s->n++] = x;
		s->stats.opened++;
		count_bytes(s);
	}
	hold(s, x);
	*out = x;
	return 0;
}

void
member_put(struct member *x)
{
	x->held--;
	x->used_s = jsys_now();
}
