/*
 * Running the network: sets of configurations (state, frame), interned, with cached transitions.  A
 * frame is where a call returns to and the frame below; equal stacks are one frame.
 */
#include "infer/grammar.h"

#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"

#define TRIM_SETS 16384		/* sets kept before gmachine_trim() forgets: some 20 MB */
#define TRIM_FRAMES (1u << 20)
#define UNKNOWN_SET UINT32_MAX	/* a transition not taken yet */

struct frame {
	uint32_t ret, below;
	uint64_t key;			/* hash of the states alike to those of the returns */
	uint64_t shortest;		/* bytes from the return to the end of everything */
};

struct set {
	size_t first;			/* configurations, in `configs` */
	uint32_t n;
	unsigned flags;
	uint64_t shortest;
	uint32_t *next;			/* [256], or NULL before the first step */
};

struct index {				/* open addressing: numbers + 1 */
	uint32_t *slot;
	size_t size, used;
};

struct gmachine {
	const struct jgrammar *g;
	struct frame *frames;
	size_t n_frames, cap_frames;
	struct set *sets;
	size_t n_sets, cap_sets;
	struct gconfig *configs;
	size_t n_configs, cap_configs;
	struct index frame_index, set_index;
	/* The closure being made. */
	struct gconfig *work, *kept;
	size_t n_work, cap_work, n_kept, cap_kept;
	unsigned flags;
	struct gconfig *seen;		/* hash set, cleared by its list of used slots */
	uint32_t *seen_stamp;
	size_t seen_size, n_seen;
	uint32_t stamp;
};

static uint64_t
hash_pair(uint32_t a, uint32_t b)
{
	uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15ull;

	return h ^ h >> 29;
}

static uint64_t
add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void
put_frame(struct gmachine *m, struct frame f)
{
	JMEM_GROW(m->frames, m->cap_frames, m->n_frames + 1);
	m->frames[m->n_frames++] = f;
}

static void
put_set(struct gmachine *m, struct set s)
{
	JMEM_GROW(m->sets, m->cap_sets, m->n_sets + 1);
	m->sets[m->n_sets++] = s;
}

static void
set_up(struct gmachine *m)
{
	m->n_frames = m->n_sets = m->n_configs = 0;
	m->frame_index.used = m->set_index.used = 0;
	if (m->frame_index.slot)
		memset(m->frame_index.slot, 0, m->frame_index.size * sizeof(uint32_t));
	if (m->set_index.slot)
		memset(m->set_index.slot, 0, m->set_index.size * sizeof(uint32_t));
	put_frame(m, (struct frame){ .key = 1 });	/* GFRAME_END */
	put_frame(m, (struct frame){ .key = 2 });	/* GFRAME_UNKNOWN */
	put_set(m, (struct set){ .shortest = UINT64_MAX });	/* GSET_DEAD */
}

struct gmachine *
gmachine_new(const struct jgrammar *g)
{
	struct gmachine *m = jmem_zalloc(1, sizeof(*m));

	m->g = g;
	set_up(m);
	return m;
}

static void
free_tables(struct gmachine *m)
{
	for (size_t i = 0; i < m->n_sets; i++)
		jmem_free(m->sets[i].next);
}

void
gmachine_free(struct gmachine *m)
{
	if (!m)
		return;
	free_tables(m);
	jmem_free(m->frames);
	jmem_free(m->sets);
	jmem_free(m->configs);
	jmem_free(m->frame_index.slot);
	jmem_free(m->set_index.slot);
	jmem_free(m->work);
	jmem_free(m->kept);
	jmem_free(m->seen);
	jmem_free(m->seen_stamp);
	jmem_free(m);
}

/* Room for one more, at most half full; the caller puts everything in again where this is true. */
static bool
grow_index(struct index *x)
{
	if (2 * (x->used + 1) <= x->size)
		return false;
	jmem_free(x->slot);
	x->size = x->size ? 2 * x->size : 1024;
	x->slot = jmem_zalloc(x->size, sizeof(*x->slot));
	return true;
}

static uint64_t
frame_key(const struct gmachine *m, uint32_t ret, uint32_t below)
{
	const uint64_t v[2] = { m->g->states[ret].like, m->frames[below].key };

	return jhash64(v, sizeof(v), 0);
}

static uint32_t
intern_frame(struct gmachine *m, uint32_t ret, uint32_t below)
{
	struct index *x = &m->frame_index;
	uint32_t *slot;
	size_t at;

	if (grow_index(x)) {
		for (size_t i = 2; i < m->n_frames; i++) {
			at = hash_pair(m->frames[i].ret, m->frames[i].below) & (x->size - 1);
			while (x->slot[at])
				at = (at + 1) & (x->size - 1);
			x->slot[at] = (uint32_t)i + 1;
		}
	}
	for (at = hash_pair(ret, below) & (x->size - 1); x->slot[at]; at = (at + 1) & (x->size - 1)) {
		const struct frame *f = &m->frames[x->slot[at] - 1];

		if (f->ret == ret && f->below == below)
			return x->slot[at] - 1;
	}
	slot = &x->slot[at];
	put_frame(m, (struct frame){ ret, below, frame_key(m, ret, below),
		add_capped(m->g->states[ret].shortest, m->frames[below].shortest) });
	x->used++;
	*slot = (uint32_t)m->n_frames;
	return *slot - 1;
}

/* --- the closure: everything that is reached without eating a byte --- */
static void
grow_seen(struct gmachine *m)
{
	struct gconfig *old = m->seen;
	uint32_t *old_stamp = m->seen_stamp;
	size_t old_size = m->seen_size;

	m->seen_size = old_size ? 2 * old_size : 256;
	m->seen = jmem_alloc(m->seen_size, sizeof(*m->seen));
	m->seen_stamp = jmem_zalloc(m->seen_size, sizeof(*m->seen_stamp));
	for (size_t i = 0; i < old_size; i++) {
		size_t at;

		if (old_stamp[i] != m->stamp)
			continue;
		at = hash_pair(old[i].state, old[i].frame) & (m->seen_size - 1);
		while (m->seen_stamp[at] == m->stamp)
			at = (at + 1) & (m->seen_size - 1);
		m->seen[at] = old[i];
		m->seen_stamp[at] = m->stamp;
	}
	jmem_free(old);
	jmem_free(old_stamp);
}

static void
reach(struct gmachine *m, uint32_t state, uint32_t frame)
{
	size_t at;

	/* A state from which the rule cannot be finished leads nowhere. */
	if (m->g->states[state].shortest == UINT64_MAX)
		return;
	if (2 * (m->n_seen + 1) > m->seen_size)
		grow_seen(m);
	for (at = hash_pair(state, frame) & (m->seen_size - 1); m->seen_stamp[at] == m->stamp;
	     at = (at + 1) & (m->seen_size - 1))
		if (m->seen[at].state == state && m->seen[at].frame == frame)
			return;
	m->seen[at] = (struct gconfig){ state, frame };
	m->seen_stamp[at] = m->stamp;
	m->n_seen++;
	JMEM_GROW(m->work, m->cap_work, m->n_work + 1);
	m->work[m->n_work++] = (struct gconfig){ state, frame };
}

static void
keep(struct gmachine *m, struct gconfig c)
{
	JMEM_GROW(m->kept, m->cap_kept, m->n_kept + 1);
	m->kept[m->n_kept++] = c;
}

static void
begin(struct gmachine *m)
{
	m->n_work = m->n_kept = m->n_seen = 0;
	m->flags = 0;
	if (++m->stamp == 0) {
		memset(m->seen_stamp, 0, m->seen_size * sizeof(*m->seen_stamp));
		m->stamp = 1;
	}
}

/* A return to a state that only ends its own rule needs no frame: right recursion stays flat. */
static uint32_t
frame_of_call(struct gmachine *m, uint32_t to, uint32_t frame)
{
	const struct gstate *s = &m->g->states[to];

	if (s->accept && s[1].first == s->first)
		return frame;
	return intern_frame(m, to, frame);
}

static void
expand(struct gmachine *m, struct gconfig c)
{
	const struct jgrammar *g = m->g;
	const struct gstate *s = &g->states[c.state];

	if (s->eats)
		keep(m, c);
	if (s->accept) {
		if (c.frame == GFRAME_END)
			m->flags |= GS_END;
		else if (c.frame == GFRAME_UNKNOWN)
			m->flags |= GS_ESCAPED;
		else
			reach(m, m->frames[c.frame].ret, m->frames[c.frame].below);
	}
	for (uint32_t i = s->first; i < s[1].first; i++) {
		const struct gedge *e = &g->edges[i];

		if (e->kind == GE_EMPTY)
			reach(m, e->to, c.frame);
		else if (e->kind == GE_CALL && g->states[e->to].shortest != UINT64_MAX)
			reach(m, g->starts[e->rule], frame_of_call(m, e->to, c.frame));
	}
}

static int
by_config(const void *a, const void *b)
{
	const struct gconfig *x = a, *y = b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return (x->frame > y->frame) - (x->frame < y->frame);
}

static bool
same_set(const struct gmachine *m, const struct set *s)
{
	return s->n == m->n_kept && s->flags == m->flags &&
		memcmp(m->configs + s->first, m->kept, s->n * sizeof(*m->kept)) == 0;
}

static uint64_t
hash_set(const struct gconfig *c, size_t n, unsigned flags)
{
	return jhash64(c, n * sizeof(*c), flags);
}

static void
rehash_sets(struct gmachine *m)
{
	struct index *x = &m->set_index;

	for (size_t i = 1; i < m->n_sets; i++) {
		const struct set *s = &m->sets[i];
		size_t at = hash_set(m->configs + s->first, s->n, s->flags) & (x->size - 1);

		while (x->slot[at])
			at = (at + 1) & (x->size - 1);
		x->slot[at] = (uint32_t)i + 1;
	}
}

/* The number of the set of what was kept. */
static uint32_t
intern_set(struct gmachine *m)
{
	struct index *x = &m->set_index;
	struct set s = { .n = (uint32_t)m->n_kept, .flags = m->flags, .shortest = UINT64_MAX };
	size_t at;

	if (s.n == 0 && s.flags == 0)
		return GSET_DEAD;
	qsort(m->kept, m->n_kept, sizeof(*m->kept), by_config);
	if (grow_index(x))
		rehash_sets(m);
	at = hash_set(m->kept, m->n_kept, m->flags) & (x->size - 1);
	for (; x->slot[at]; at = (at + 1) & (x->size - 1))
		if (same_set(m, &m->sets[x->slot[at] - 1]))
			return x->slot[at] - 1;
	s.first = m->n_configs;
	JMEM_GROW(m->configs, m->cap_configs, m->n_configs + s.n);
	if (s.n)
		memcpy(m->configs + s.first, m->kept, s.n * sizeof(*m->kept));
	m->n_configs += s.n;
	if (s.flags & GS_END)
		s.shortest = 0;
	for (uint32_t i = 0; i < s.n; i++) {
		uint64_t d = add_capped(m->g->states[m->kept[i].state].shortest,
			m->frames[m->kept[i].frame].shortest);

		if (d < s.shortest)
			s.shortest = d;
	}
	put_set(m, s);
	x->used++;
	x->slot[at] = (uint32_t)m->n_sets;
	return (uint32_t)m->n_sets - 1;
}

static uint32_t
close_set(struct gmachine *m)
{
	while (m->n_work > 0)
		expand(m, m->work[--m->n_work]);
	return intern_set(m);
}

uint32_t
gmachine_start(struct gmachine *m)
{
	begin(m);
	reach(m, m->g->starts[m->g->root], GFRAME_END);
	return close_set(m);
}

uint32_t
gmachine_config(struct gmachine *m, struct gconfig c)
{
	begin(m);
	keep(m, c);
	return intern_set(m);
}

uint32_t
gmachine_state(struct gmachine *m, uint32_t state)
{
	return gmachine_config(m, (struct gconfig){ state, GFRAME_UNKNOWN });
}

static uint32_t
make_step(struct gmachine *m, uint32_t set, unsigned char byte)
{
	const struct jgrammar *g = m->g;

	begin(m);
	for (uint32_t i = 0; i < m->sets[set].n; i++) {
		struct gconfig c = m->configs[m->sets[set].first + i];

		for (uint32_t k = g->states[c.state].first; k < g->states[c.state + 1].first; k++) {
			const struct gedge *e = &g->edges[k];

			if (e->kind == GE_BYTE && byte >= e->lo && byte <= e->hi)
				reach(m, e->to, c.frame);
		}
	}
	return close_set(m);
}

uint32_t
gmachine_step(struct gmachine *m, uint32_t set, unsigned char byte)
{
	uint32_t next;

	if (m->sets[set].n == 0)
		return GSET_DEAD;
	if (!m->sets[set].next) {
		m->sets[set].next = jmem_alloc(256, sizeof(uint32_t));
		memset(m->sets[set].next, 0xff, 256 * sizeof(uint32_t));
	}
	next = m->sets[set].next[byte];
	if (next == UNKNOWN_SET) {
		next = make_step(m, set, byte);
		m->sets[set].next[byte] = next;
	}
	return next;
}

unsigned
gmachine_flags(const struct gmachine *m, uint32_t set)
{
	return m->sets[set].flags;
}

uint64_t
gmachine_shortest(const struct gmachine *m, uint32_t set)
{
	return m->sets[set].shortest;
}

uint64_t
gmachine_frame_key(const struct gmachine *m, uint32_t frame)
{
	return m->frames[frame].key;
}

const struct gconfig *
gmachine_configs(const struct gmachine *m, uint32_t set, size_t *n)
{
	*n = m->sets[set].n;
	return m->configs + m->sets[set].first;
}

/* The frame in the new numbering, those below it first. */
static uint32_t
carry_frame(struct gmachine *m, const struct frame *old, uint32_t frame)
{
	uint32_t *path = NULL, now = GFRAME_END;
	size_t n = 0, cap = 0;

	for (; frame != GFRAME_END && frame != GFRAME_UNKNOWN; frame = old[frame].below) {
		JMEM_GROW(path, cap, n + 1);
		path[n++] = frame;
	}
	now = frame;
	while (n > 0) {
		n--;
		now = intern_frame(m, old[path[n]].ret, now);
	}
	jmem_free(path);
	return now;
}

bool
gmachine_trim(struct gmachine *m, uint32_t *set)
{
	struct frame *old;

	if (m->n_sets < TRIM_SETS && m->n_frames < TRIM_FRAMES)
		return false;
	begin(m);
	m->flags = m->sets[*set].flags;
	for (uint32_t i = 0; i < m->sets[*set].n; i++)
		keep(m, m->configs[m->sets[*set].first + i]);
	old = m->frames;
	m->frames = NULL;
	m->cap_frames = 0;
	free_tables(m);
	set_up(m);
	for (size_t i = 0; i < m->n_kept; i++)
		m->kept[i].frame = carry_frame(m, old, m->kept[i].frame);
	jmem_free(old);
	*set = intern_set(m);
	return true;
}
