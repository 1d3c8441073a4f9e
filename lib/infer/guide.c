/*
 * Masks over a vocabulary.  Tokens lie sorted by their bytes, each with the length it shares with
 * the one before: walking the list in order is walking the trie.
 */
#include "infer/grammar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define MASKS_KEPT 64		/* whole masks kept by a guide, by the number of their set */

struct entry {
	const unsigned char *p;
	uint32_t n, id;
	uint32_t shared;		/* bytes in common with the entry before */
};

/* Some ids. */
struct id_set {
	uint64_t *bits;			/* one per id; NULL where a list is shorter */
	uint32_t *ids;			/* the list */
	size_t n;
};

/* What one state says about the vocabulary. */
struct state_mask {
	struct id_set allowed;
	uint32_t *unsure;		/* entries that run past the end of the rule ... */
	size_t n_unsure;
	uint32_t *longer;		/* ... or past the length up to which states are alike */
	size_t n_longer;
};

/* Which of a state's unsure tokens go on above one stack, or one that is alike. */
struct resolved {
	uint32_t state;
	uint64_t frame_key;
	bool used;
	struct id_set allowed;
};
#define RESOLVED 1024		/* entries, direct-mapped */

struct jgvocab {
	int64_t V;
	size_t words;			/* of a bitmap */
	struct entry *e;
	size_t n;
	uint32_t *entry_of;		/* by id; NONE: a token without text */
	size_t longest;
	/* Masks by state of the grammar that was used last. */
	const struct jgrammar *of;	/* the grammar that m runs; may be gone when no guide is left */
	struct gmachine *m;		/* NULL: none yet */
	uint64_t key;
	size_t n_states;
	struct state_mask **masks;
	struct resolved *resolved;	/* [RESOLVED] */
	uint32_t *path;			/* sets along the token being walked */
};

struct jguide {
	const struct jgrammar *g;
	struct jgvocab *v;
	struct gmachine *m;
	uint32_t set;
	struct kept_mask {
		uint32_t set;
		uint64_t *bits;
	} kept[MASKS_KEPT];
	uint32_t *path;
};

static int
by_bytes(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	if (order == 0)
		order = (x->n > y->n) - (x->n < y->n);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

static uint32_t
shared_bytes(const struct entry *a, const struct entry *b)
{
	uint32_t n = 0;

	while (n < a->n && n < b->n && a->p[n] == b->p[n])
		n++;
	return n;
}

struct jgvocab *
jgvocab_new(const struct jtok *t, int64_t V)
{
	struct jgvocab *v = jmem_zalloc(1, sizeof(*v));
	int64_t ids = jtok_vocab_size(t);

	v->V = V;
	v->words = ((size_t)V + 63) / 64;
	v->e = jmem_alloc((size_t)V + 1, sizeof(*v->e));
	v->entry_of = jmem_alloc((size_t)V + 1, sizeof(*v->entry_of));
	memset(v->entry_of, 0xff, ((size_t)V + 1) * sizeof(*v->entry_of));
	for (int64_t id = 0; id < V && id < ids; id++) {
		size_t n = 0;
		const char *p = jtok_bytes(t, (uint32_t)id, &n);

		if (!p || n == 0 || n >= UINT32_MAX || jtok_is_special(t, (uint32_t)id))
			continue;
		v->e[v->n++] = (struct entry){ (const unsigned char *)p, (uint32_t)n,
			(uint32_t)id, 0 };
		if (n > v->longest)
			v->longest = n;
	}
	qsort(v->e, v->n, sizeof(*v->e), by_bytes);
	for (size_t i = 0; i < v->n; i++) {
		v->e[i].shared = i ? shared_bytes(&v->e[i - 1], &v->e[i]) : 0;
		v->entry_of[v->e[i].id] = (uint32_t)i;
	}
	v->path = jmem_alloc(v->longest + 1, sizeof(*v->path));
	return v;
}

static void
free_ids(struct id_set *s)
{
	jmem_free(s->bits);
	jmem_free(s->ids);
	s->bits = NULL;
	s->ids = NULL;
}

static void
forget_masks(struct jgvocab *v)
{
	for (size_t i = 0; v->masks && i < v->n_states; i++) {
		if (!v->masks[i])
			continue;
		free_ids(&v->masks[i]->allowed);
		jmem_free(v->masks[i]->unsure);
		jmem_free(v->masks[i]->longer);
		jmem_free(v->masks[i]);
	}
	jmem_free(v->masks);
	v->masks = NULL;
	for (size_t i = 0; v->resolved && i < RESOLVED; i++)
		free_ids(&v->resolved[i].allowed);
	jmem_free(v->resolved);
	v->resolved = NULL;
	gmachine_free(v->m);
	v->m = NULL;
}

void
jgvocab_free(struct jgvocab *v)
{
	if (!v)
		return;
	forget_masks(v);
	jmem_free(v->e);
	jmem_free(v->entry_of);
	jmem_free(v->path);
	jmem_free(v);
}

struct jguide *
jguide_new(const struct jgrammar *g, struct jgvocab *v)
{
	struct jguide *s = jmem_zalloc(1, sizeof(*s));

	if (!v->m || v->key != g->key || v->n_states != g->n_states) {
		forget_masks(v);
		v->key = g->key;
		v->n_states = g->n_states;
		v->masks = jmem_zalloc(g->n_states + 1, sizeof(*v->masks));
		v->resolved = jmem_zalloc(RESOLVED, sizeof(*v->resolved));
	}
	if (!v->m || v->of != g) {
		gmachine_free(v->m);
		v->m = gmachine_new(g);
		v->of = g;
	}
	s->g = g;
	s->v = v;
	s->m = gmachine_new(g);
	s->set = gmachine_start(s->m);
	s->path = jmem_alloc(v->longest + 1, sizeof(*s->path));
	for (size_t i = 0; i < MASKS_KEPT; i++)
		s->kept[i].set = NONE;
	return s;
}

void
jguide_free(struct jguide *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < MASKS_KEPT; i++)
		jmem_free(s->kept[i].bits);
	gmachine_free(s->m);
	jmem_free(s->path);
	jmem_free(s);
}

static void
set_bit(uint64_t *bits, uint32_t id)
{
	bits[id >> 6] |= (uint64_t)1 << (id & 63);
}

static bool
get_bit(const uint64_t *bits, uint32_t id)
{
	return bits[id >> 6] >> (id & 63) & 1;
}

/* A list where that is shorter than a bit for every id. */
static void
shorten(const struct jgvocab *v, struct id_set *s)
{
	size_t n = 0;

	if (s->n >= v->words)
		return;
	s->ids = jmem_alloc(s->n + 1, sizeof(*s->ids));
	for (size_t i = 0; i < v->words; i++) {
		uint64_t word = s->bits[i];

		for (uint32_t id = (uint32_t)i * 64; word; id++, word >>= 1)
			if (word & 1)
				s->ids[n++] = id;
	}
	jmem_free(s->bits);
	s->bits = NULL;
}

static void
add_ids(const struct jgvocab *v, uint64_t *bits, const struct id_set *s)
{
	for (size_t w = 0; s->bits && w < v->words; w++)
		bits[w] |= s->bits[w];
	for (size_t i = 0; !s->bits && i < s->n; i++)
		set_bit(bits, s->ids[i]);
}

/* Where the walk over the sorted vocabulary stands: sets along the token, and what became of them. */
struct walk {
	struct gmachine *m;
	uint32_t *path;			/* path[k]: the set after k bytes */
	size_t dead, escaped;		/* lengths from which on; SIZE_MAX: not */
};

/* To the end of a token that shares `shared` bytes with the one before. */
static void
walk_on(struct walk *w, const struct entry *t, size_t shared)
{
	size_t at = shared;

	if (w->dead != SIZE_MAX && at < w->dead)
		w->dead = SIZE_MAX;
	if (w->escaped != SIZE_MAX && at < w->escaped)
		w->escaped = SIZE_MAX;
	while (w->dead == SIZE_MAX && at < t->n) {
		w->path[at + 1] = gmachine_step(w->m, w->path[at], t->p[at]);
		at++;
		if (w->escaped == SIZE_MAX && gmachine_flags(w->m, w->path[at]) & GS_ESCAPED)
			w->escaped = at;
		if (w->path[at] == GSET_DEAD)
			w->dead = at;
	}
}

/*
 * The walk over the whole vocabulary from one state.  Nothing below a dead set is looked at again.
 * What a token does beyond GRAMMAR_ALIKE bytes is left open: it may differ between states that are
 * alike.
 */
static struct state_mask *
make_state_mask(struct jgvocab *v, uint32_t state)
{
	struct state_mask *k = jmem_zalloc(1, sizeof(*k));
	struct walk w = { .m = v->m, .path = v->path, .dead = SIZE_MAX, .escaped = SIZE_MAX };
	uint32_t none = GSET_DEAD;
	size_t cap = 0, cap_longer = 0;

	k->allowed.bits = jmem_zalloc(v->words, sizeof(*k->allowed.bits));
	gmachine_trim(v->m, &none);
	v->path[0] = gmachine_state(v->m, state);
	for (size_t i = 0; i < v->n; i++) {
		const struct entry *t = &v->e[i];

		walk_on(&w, t, t->shared);
		if (t->n > GRAMMAR_ALIKE && (w.dead > GRAMMAR_ALIKE || w.escaped != SIZE_MAX)) {
			JMEM_GROW(k->longer, cap_longer, k->n_longer + 1);
			k->longer[k->n_longer++] = (uint32_t)i;
		} else if (w.dead == SIZE_MAX) {
			set_bit(k->allowed.bits, t->id);
			k->allowed.n++;
		} else if (w.escaped != SIZE_MAX) {
			JMEM_GROW(k->unsure, cap, k->n_unsure + 1);
			k->unsure[k->n_unsure++] = (uint32_t)i;
		}
	}
	shorten(v, &k->allowed);
	return k;
}

static const struct state_mask *
state_mask(struct jgvocab *v, uint32_t state)
{
	if (!v->masks[state])
		v->masks[state] = make_state_mask(v, state);
	return v->masks[state];
}

/* The set that a token leads to from the guide's, or GSET_DEAD. */
static uint32_t
walk_token(struct jguide *s, const struct entry *t)
{
	uint32_t set = s->set;

	for (uint32_t i = 0; i < t->n && set != GSET_DEAD; i++)
		set = gmachine_step(s->m, set, t->p[i]);
	return set;
}

static uint32_t
in_common(const struct jgvocab *v, uint32_t from, uint32_t to)
{
	uint32_t n = UINT32_MAX;

	for (uint32_t i = from + 1; i <= to; i++)
		if (v->e[i].shared < n)
			n = v->e[i].shared;
	return n;
}

/* Asks the unsure tokens of one state again, with the stack that the configuration has. */
static void
resolve(struct jguide *s, const struct state_mask *k, struct gconfig c, struct id_set *out)
{
	struct walk w = { .m = s->m, .path = s->path, .dead = SIZE_MAX, .escaped = SIZE_MAX };

	out->bits = jmem_zalloc(s->v->words, sizeof(*out->bits));
	out->n = 0;
	s->path[0] = gmachine_config(s->m, c);
	for (size_t u = 0; u < k->n_unsure; u++) {
		const struct entry *t = &s->v->e[k->unsure[u]];

		walk_on(&w, t, u ? in_common(s->v, k->unsure[u - 1], k->unsure[u]) : 0);
		if (w.dead == SIZE_MAX) {
			set_bit(out->bits, t->id);
			out->n++;
		}
	}
	shorten(s->v, out);
}

static const struct id_set *
resolved(struct jguide *s, const struct state_mask *k, uint32_t state, struct gconfig c)
{
	uint64_t key = gmachine_frame_key(s->m, c.frame);
	struct resolved *r = &s->v->resolved[(key ^ state * 0x9e3779b97f4a7c15ull) >> 20 & (RESOLVED - 1)];

	if (!r->used || r->state != state || r->frame_key != key) {
		free_ids(&r->allowed);
		r->used = true;
		r->state = state;
		r->frame_key = key;
		resolve(s, k, c, &r->allowed);
	}
	return &r->allowed;
}

static void
fill_mask(struct jguide *s, uint64_t *bits)
{
	size_t n;

	memset(bits, 0, s->v->words * sizeof(*bits));
	gmachine_configs(s->m, s->set, &n);
	for (size_t i = 0; i < n; i++) {
		const struct gconfig c = gmachine_configs(s->m, s->set, &n)[i];
		uint32_t state = s->g->states[c.state].like;
		const struct state_mask *k = state_mask(s->v, state);

		add_ids(s->v, bits, &k->allowed);
		if (k->n_unsure)
			add_ids(s->v, bits, resolved(s, k, state, c));
		for (size_t u = 0; u < k->n_longer; u++) {
			const struct entry *t = &s->v->e[k->longer[u]];

			if (!get_bit(bits, t->id) && walk_token(s, t) != GSET_DEAD)
				set_bit(bits, t->id);
		}
	}
}

static const uint64_t *
current_mask(struct jguide *s)
{
	struct kept_mask *k;

	if (gmachine_trim(s->m, &s->set))
		for (size_t i = 0; i < MASKS_KEPT; i++)
			s->kept[i].set = NONE;
	k = &s->kept[s->set % MASKS_KEPT];
	if (k->set != s->set) {
		if (!k->bits)
			k->bits = jmem_alloc(s->v->words, sizeof(*k->bits));
		fill_mask(s, k->bits);
		k->set = s->set;
	}
	return k->bits;
}

int
jguide_mask(struct jguide *s, float *logits, bool (*stop)(void *arg, uint32_t id), void *arg,
	struct jerr *e)
{
	const uint64_t *bits = current_mask(s);
	bool any = false, may_end = jguide_may_end(s);

	for (size_t w = 0; w < s->v->words; w++) {
		uint64_t word = bits[w];
		size_t end = w * 64 + 64 < (size_t)s->v->V ? w * 64 + 64 : (size_t)s->v->V;

		any |= word != 0;
		if (word == UINT64_MAX)
			continue;
		for (size_t id = w * 64; id < end; id++, word >>= 1)
			if (!(word & 1) && !(may_end && stop && stop(arg, (uint32_t)id)))
				logits[id] = -INFINITY;
	}
	if (!any && !may_end)
		return jerr_set(e, JERR_LIMIT, "no token of the vocabulary can go on here: it lacks single "
			"bytes that the grammar needs");
	return 0;
}

void
jguide_accept(struct jguide *s, uint32_t id)
{
	uint32_t at = id < s->v->V ? s->v->entry_of[id] : NONE;

	s->set = at == NONE ? GSET_DEAD : walk_token(s, &s->v->e[at]);
}

bool
jguide_may_end(const struct jguide *s)
{
	return gmachine_flags(s->m, s->set) & GS_END;
}

bool
jguide_must_end(const struct jguide *s)
{
	size_t n;

	gmachine_configs(s->m, s->set, &n);
	return n == 0;
}

uint64_t
jguide_shortest(const struct jguide *s)
{
	return gmachine_shortest(s->m, s->set);
}

uint64_t
jguide_shortest_after(struct jguide *s, uint32_t id)
{
	uint32_t at = id < s->v->V ? s->v->entry_of[id] : NONE;

	return at == NONE ? UINT64_MAX : gmachine_shortest(s->m, walk_token(s, &s->v->e[at]));
}

bool
jgrammar_match(const struct jgrammar *g, const char *text, size_t n)
{
	struct gmachine *m = gmachine_new(g);
	uint32_t set = gmachine_start(m);
	bool whole;

	for (size_t i = 0; i < n && set != GSET_DEAD; i++) {
		set = gmachine_step(m, set, (unsigned char)text[i]);
		gmachine_trim(m, &set);
	}
	whole = gmachine_flags(m, set) & GS_END;
	gmachine_free(m);
	return whole;
}
