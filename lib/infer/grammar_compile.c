/*
 * From expressions to the network: Thompson's construction per rule (CACM 11, 1968), with calls for
 * references; then what cannot be finished is found (Knuth's generalisation of Dijkstra's algorithm,
 * Inf. Proc. Letters 6, 1977, gives the shortest end of each state), and left recursion is refused.
 */
#include "infer/grammar.h"

#include "base/jhash.h"
#include "base/jutf8.h"

#define MAX_STATES ((size_t)1 << 28)

struct raw_edge {
	uint32_t from;
	struct gedge e;
};

struct compiler {
	struct gbuild *b;
	struct raw_edge *edges;
	size_t n_edges, cap_edges;
	uint32_t *owner, *like;		/* of each state: its rule; see grammar.h */
	size_t n_states, cap_states, cap_like;
	char *nullable;			/* of each rule: 0 not known, 1 asked for, 2 no, 3 yes */
	uint32_t *starts, *ends;	/* by rule */
	uint32_t rule;			/* being compiled */
	bool full;
};

static uint32_t
new_state(struct compiler *c)
{
	if (c->n_states >= MAX_STATES) {
		c->full = true;
		return 0;
	}
	JMEM_GROW(c->owner, c->cap_states, c->n_states + 1);
	JMEM_GROW(c->like, c->cap_like, c->n_states + 1);
	c->owner[c->n_states] = c->rule;
	c->like[c->n_states] = (uint32_t)c->n_states;
	return (uint32_t)c->n_states++;
}

static void
add_edge(struct compiler *c, uint32_t from, struct gedge e)
{
	if (c->full)
		return;
	JMEM_GROW(c->edges, c->cap_edges, c->n_edges + 1);
	c->edges[c->n_edges++] = (struct raw_edge){ from, e };
}

static void
add_empty(struct compiler *c, uint32_t from, uint32_t to)
{
	add_edge(c, from, (struct gedge){ .kind = GE_EMPTY, .to = to });
}

static void
add_bytes(struct compiler *c, uint32_t from, uint32_t to, unsigned lo, unsigned hi)
{
	add_edge(c, from, (struct gedge){ .kind = GE_BYTE, .lo = (uint8_t)lo, .hi = (uint8_t)hi,
		.to = to });
}

/*
 * Code points lo..hi as sequences of byte ranges.  The range is cut until its bounds have the same
 * length and, at every byte, either agree so far or run over whole blocks.
 */
static void
add_range(struct compiler *c, uint32_t from, uint32_t to, uint32_t lo, uint32_t hi)
{
	static const uint32_t ends[] = { 0x7f, 0x7ff, 0xffff };
	char a[4], z[4];
	int n;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (lo <= ends[i] && hi > ends[i]) {
			add_range(c, from, to, lo, ends[i]);
			add_range(c, from, to, ends[i] + 1, hi);
			return;
		}
	}
	for (int bits = 6; hi > 0x7f && bits <= 18; bits += 6) {
		uint32_t low = (1u << bits) - 1;

		if ((lo & ~low) == (hi & ~low))
			continue;
		if (lo & low) {
			add_range(c, from, to, lo, lo | low);
			add_range(c, from, to, (lo | low) + 1, hi);
			return;
		}
		if ((hi & low) != low) {
			add_range(c, from, to, lo, (hi & ~low) - 1);
			add_range(c, from, to, hi & ~low, hi);
			return;
		}
	}
	n = jutf8_encode(lo, a);
	jutf8_encode(hi, z);
	for (int i = 0; i < n; i++) {
		uint32_t next = i + 1 == n ? to : new_state(c);

		add_bytes(c, from, next, (uint8_t)a[i], (uint8_t)z[i]);
		from = next;
	}
}

static void emit(struct compiler *c, const struct gx *x, uint32_t from, uint32_t to);

static void
emit_bytes(struct compiler *c, const struct gx *x, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t next = i + 1 == x->n ? to : new_state(c);
		uint8_t byte = (uint8_t)x->u.bytes[i];

		add_bytes(c, from, next, byte, byte);
		from = next;
	}
}

/* Can it match nothing?  In a circle of rules: perhaps, which is as good as yes. */
static bool
nullable(struct compiler *c, const struct gx *x)
{
	bool any = false;

	switch (x->kind) {
	case GX_EMPTY:
		return true;
	case GX_BYTES:
	case GX_CLASS:
		return false;
	case GX_SEQ:
		for (uint32_t i = 0; i < x->n; i++)
			if (!nullable(c, x->u.parts[i]))
				return false;
		return true;
	case GX_ALT:
		for (uint32_t i = 0; i < x->n && !any; i++)
			any = nullable(c, x->u.parts[i]);
		return any;
	case GX_REPEAT:
		return x->min == 0 || nullable(c, x->u.sub);
	case GX_RULE:
		break;
	}
	if (c->nullable[x->u.rule] == 0 && c->b->rules[x->u.rule].x) {
		c->nullable[x->u.rule] = 1;
		c->nullable[x->u.rule] = nullable(c, c->b->rules[x->u.rule].x) ? 3 : 2;
	}
	return c->nullable[x->u.rule] != 2;
}

/* How far the i-th state of a repetition is from its counts, as far as near texts can tell. */
static uint64_t
distances(const struct gx *x, uint32_t i)
{
	uint64_t low = i < x->min ? x->min - i : 0, high = x->max == GX_ANY ? GX_ANY : x->max - i;

	if (low > GRAMMAR_ALIKE)
		low = GRAMMAR_ALIKE + 1;
	if (high > GRAMMAR_ALIKE)
		high = GRAMMAR_ALIKE + 1;
	return low << 32 | high;
}

/* The state after the i-th copy; the first one of its kind stands for those that are alike. */
static uint32_t
after_copy(struct compiler *c, const struct gx *x, uint32_t i, uint32_t before, bool eats)
{
	uint32_t next = new_state(c);

	if (eats && i > 1 && !c->full && distances(x, i) == distances(x, i - 1))
		c->like[next] = c->like[before];
	return next;
}

static void
emit_repeat(struct compiler *c, const struct gx *x, uint32_t from, uint32_t to)
{
	bool eats = !nullable(c, x->u.sub);
	uint32_t i, at = from;

	for (i = 0; i < x->min && !c->full; i++) {
		uint32_t next = after_copy(c, x, i + 1, at, eats);

		emit(c, x->u.sub, at, next);
		at = next;
	}
	if (x->max == GX_ANY) {
		uint32_t loop = new_state(c);

		add_empty(c, at, loop);
		emit(c, x->u.sub, loop, loop);
		at = loop;
	}
	for (; x->max != GX_ANY && i < x->max && !c->full; i++) {
		uint32_t next = after_copy(c, x, i + 1, at, eats);

		add_empty(c, at, to);
		emit(c, x->u.sub, at, next);
		at = next;
	}
	add_empty(c, at, to);
}

static void
emit(struct compiler *c, const struct gx *x, uint32_t from, uint32_t to)
{
	switch (x->kind) {
	case GX_EMPTY:
		add_empty(c, from, to);
		break;
	case GX_BYTES:
		emit_bytes(c, x, from, to);
		break;
	case GX_CLASS:
		for (uint32_t i = 0; i < x->n; i++)
			add_range(c, from, to, x->u.ranges[i].lo, x->u.ranges[i].hi);
		break;
	case GX_SEQ:
		for (uint32_t i = 0; i < x->n; i++) {
			uint32_t next = i + 1 == x->n ? to : new_state(c);

			emit(c, x->u.parts[i], from, next);
			from = next;
		}
		break;
	case GX_ALT:
		for (uint32_t i = 0; i < x->n; i++)
			emit(c, x->u.parts[i], from, to);
		break;
	case GX_REPEAT:
		emit_repeat(c, x, from, to);
		break;
	case GX_RULE:
		add_edge(c, from, (struct gedge){ .kind = GE_CALL, .rule = x->u.rule, .to = to });
		break;
	}
}

/* Edges in the order of their states. */
static void
flatten(struct compiler *c, struct jgrammar *g)
{
	g->n_states = c->n_states;
	g->n_edges = c->n_edges;
	g->states = jmem_zalloc(c->n_states + 1, sizeof(*g->states));
	g->edges = jmem_alloc(c->n_edges + 1, sizeof(*g->edges));
	for (size_t i = 0; i < c->n_edges; i++)
		g->states[c->edges[i].from + 1].first++;
	for (size_t i = 0; i < c->n_states; i++) {
		g->states[i + 1].first += g->states[i].first;
		g->states[i].rule = c->owner[i];
		g->states[i].like = c->like[i];
		g->states[i].shortest = UINT64_MAX;
	}
	for (size_t i = c->n_edges; i-- > 0;)
		g->edges[--g->states[c->edges[i].from + 1].first] = c->edges[i].e;
	/* The counts were used up as cursors: they now stand at each state's first edge, one late. */
	for (size_t i = 0; i < c->n_states; i++)
		g->states[i].first = g->states[i + 1].first;
	g->states[c->n_states].first = (uint32_t)c->n_edges;
	for (size_t r = 0; r < c->b->n; r++)
		g->states[c->ends[r]].accept = true;
	for (size_t i = 0; i < c->n_edges; i++)
		if (c->edges[i].e.kind == GE_BYTE)
			g->states[c->edges[i].from].eats = true;
}

static uint64_t
key_of(const struct jgrammar *g)
{
	uint64_t key = jhash64(g->starts, g->n_rules * sizeof(*g->starts), g->root);

	for (size_t i = 0; i < g->n_states; i++) {
		const struct gstate *s = &g->states[i];
		const uint64_t v[3] = { key, (uint64_t)s->first << 32 | s->like, s->accept };

		key = jhash64(v, sizeof(v), 0);
	}
	for (size_t i = 0; i < g->n_edges; i++) {
		const struct gedge *e = &g->edges[i];
		const uint64_t v[3] = { key, (uint64_t)e->kind << 16 | (uint64_t)e->lo << 8 | e->hi,
			(uint64_t)e->to << 32 | (e->kind == GE_CALL ? e->rule : 0) };

		key = jhash64(v, sizeof(v), 0);
	}
	return key;
}

/* --- the shortest end of each state --- */
struct item {
	uint64_t d;
	uint32_t state;
};

struct shortest {
	const struct jgrammar *g;
	const struct raw_edge *edges;
	uint32_t *into, *into_first;	/* edges by the state they go to */
	uint32_t *calls, *calls_first;	/* edges by the rule they call */
	uint64_t *rule;			/* shortest text of each rule, once known */
	bool *done;			/* by state */
	uint32_t *start_of;		/* rule whose start a state is, + 1 */
	struct item *heap;
	size_t n, cap;
};

static void
push(struct shortest *s, uint64_t d, uint32_t state)
{
	size_t at = s->n++;

	if (s->done[state]) {
		s->n--;
		return;
	}
	JMEM_GROW(s->heap, s->cap, s->n);
	for (; at > 0 && s->heap[(at - 1) / 2].d > d; at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = (struct item){ d, state };
}

static struct item
pop(struct shortest *s)
{
	struct item top = s->heap[0], last = s->heap[--s->n];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < s->n) {
		if (child + 1 < s->n && s->heap[child + 1].d < s->heap[child].d)
			child++;
		if (s->heap[child].d >= last.d)
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = last;
	return top;
}

/* Index of edges by a key below n: first[key] .. first[key + 1]. */
static void
index_edges(const struct compiler *c, bool by_call, size_t n, uint32_t **out, uint32_t **first)
{
	uint32_t *at = jmem_zalloc(n + 2, sizeof(*at)), *list = jmem_alloc(c->n_edges + 1,
		sizeof(*list));

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < c->n_edges; i++) {
			const struct gedge *e = &c->edges[i].e;
			uint32_t key = by_call ? e->rule : e->to;

			if (by_call && e->kind != GE_CALL)
				continue;
			if (pass == 0)
				at[key + 2]++;
			else
				list[at[key + 1]++] = (uint32_t)i;
		}
		for (size_t k = 0; pass == 0 && k < n; k++)
			at[k + 2] += at[k + 1];
	}
	*out = list;
	*first = at;
}

static void
relax(struct shortest *s, const struct raw_edge *r, uint64_t after)
{
	if (r->e.kind == GE_BYTE)
		push(s, after + 1, r->from);
	else if (r->e.kind == GE_EMPTY)
		push(s, after, r->from);
	else if (s->rule[r->e.rule] != UINT64_MAX)
		push(s, after + s->rule[r->e.rule], r->from);
}

static void
find_shortest(struct compiler *c, struct jgrammar *g)
{
	struct shortest s = { .g = g, .edges = c->edges };

	index_edges(c, false, c->n_states, &s.into, &s.into_first);
	index_edges(c, true, c->b->n, &s.calls, &s.calls_first);
	s.rule = jmem_alloc(c->b->n + 1, sizeof(*s.rule));
	s.done = jmem_zalloc(c->n_states + 1, sizeof(*s.done));
	s.start_of = jmem_zalloc(c->n_states + 1, sizeof(*s.start_of));
	for (size_t r = 0; r < c->b->n; r++) {
		s.rule[r] = UINT64_MAX;
		s.start_of[c->starts[r]] = (uint32_t)r + 1;
		push(&s, 0, c->ends[r]);
	}
	while (s.n > 0) {
		struct item it = pop(&s);
		uint32_t rule = s.start_of[it.state];

		if (s.done[it.state])
			continue;
		s.done[it.state] = true;
		g->states[it.state].shortest = it.d;
		for (uint32_t i = s.into_first[it.state]; i < s.into_first[it.state + 1]; i++)
			relax(&s, &s.edges[s.into[i]], it.d);
		if (!rule)
			continue;
		s.rule[rule - 1] = it.d;
		for (uint32_t i = s.calls_first[rule - 1]; i < s.calls_first[rule]; i++) {
			const struct raw_edge *r = &s.edges[s.calls[i]];

			if (s.done[r->e.to])
				relax(&s, r, g->states[r->e.to].shortest);
		}
	}
	jmem_free(s.into);
	jmem_free(s.into_first);
	jmem_free(s.calls);
	jmem_free(s.calls_first);
	jmem_free(s.rule);
	jmem_free(s.done);
	jmem_free(s.start_of);
	jmem_free(s.heap);
}

/* --- left recursion --- */
struct leftmost {
	const struct jgrammar *g;
	char *colour;			/* of rules: 0 new, 1 on the path, 2 done */
	uint32_t *seen;			/* by state: rule + 1 for which it was visited */
	uint32_t *work;			/* states to visit; shared by the nested walks */
	size_t n, cap;
	struct leftmost_frame {
		uint32_t rule;
		size_t base;		/* of its part of work */
	} *path;
	size_t depth, path_cap;
};

static void
enter(struct leftmost *l, uint32_t rule)
{
	JMEM_GROW(l->path, l->path_cap, l->depth + 1);
	l->path[l->depth++] = (struct leftmost_frame){ rule, l->n };
	l->colour[rule] = 1;
	JMEM_GROW(l->work, l->cap, l->n + 1);
	l->work[l->n++] = l->g->starts[rule];
}

/* Follows what can happen before a byte is eaten from one state; calls are entered first. */
static bool
visit(struct leftmost *l, uint32_t rule)
{
	uint32_t state = l->work[--l->n];

	if (l->seen[state] == rule + 1)
		return true;
	for (uint32_t i = l->g->states[state].first; i < l->g->states[state + 1].first; i++) {
		const struct gedge *e = &l->g->edges[i];

		if (e->kind == GE_CALL && l->colour[e->rule] == 1)
			return false;
		if (e->kind == GE_CALL && l->colour[e->rule] == 0) {
			l->n++;			/* this state again, after the rule */
			enter(l, e->rule);
			return true;
		}
	}
	l->seen[state] = rule + 1;
	for (uint32_t i = l->g->states[state].first; i < l->g->states[state + 1].first; i++) {
		const struct gedge *e = &l->g->edges[i];

		if (e->kind == GE_EMPTY || (e->kind == GE_CALL &&
		    l->g->states[l->g->starts[e->rule]].shortest == 0)) {
			JMEM_GROW(l->work, l->cap, l->n + 1);
			l->work[l->n++] = e->to;
		}
	}
	return true;
}

/* The rule that begins with itself, or -1. */
static int64_t
find_left_recursion(const struct jgrammar *g)
{
	struct leftmost l = { .g = g };
	int64_t found = -1;

	l.colour = jmem_zalloc(g->n_rules + 1, 1);
	l.seen = jmem_zalloc(g->n_states + 1, sizeof(*l.seen));
	for (size_t r = 0; r < g->n_rules && found < 0; r++) {
		if (l.colour[r])
			continue;
		enter(&l, (uint32_t)r);
		while (l.depth > 0 && found < 0) {
			struct leftmost_frame *top = &l.path[l.depth - 1];

			if (l.n == top->base) {
				l.colour[top->rule] = 2;
				l.depth--;
			} else if (!visit(&l, top->rule)) {
				found = top->rule;
			}
		}
	}
	jmem_free(l.colour);
	jmem_free(l.seen);
	jmem_free(l.work);
	jmem_free(l.path);
	return found;
}

static int
check(const struct compiler *c, const struct jgrammar *g, struct jerr *e)
{
	int64_t left;

	if (g->states[g->starts[g->root]].shortest == UINT64_MAX)
		return jerr_set(e, JERR_FORMAT, "%s: no text can satisfy it: every way through needs "
			"itself again, or something that nothing matches", c->b->name);
	left = find_left_recursion(g);
	if (left < 0)
		return 0;
	if (c->b->rules[left].name)
		return jerr_set(e, JERR_FORMAT, "%s:%d: the rule \"%s\" is left-recursive: it begins with "
			"itself; write the repetition with * or +", c->b->name, c->b->rules[left].line,
			c->b->rules[left].name);
	return jerr_set(e, JERR_FORMAT, "%s: a group is left-recursive: it begins with itself",
		c->b->name);
}

static int
compile_rules(struct compiler *c, struct jerr *e)
{
	for (size_t r = 0; r < c->b->n; r++) {
		const struct grule *rule = &c->b->rules[r];

		if (!rule->x)
			return jerr_set(e, JERR_FORMAT, "%s:%d: the rule \"%s\" is used and not defined",
				c->b->name, rule->line, rule->name);
		c->rule = (uint32_t)r;
		c->starts[r] = new_state(c);
		c->ends[r] = new_state(c);
		emit(c, rule->x, c->starts[r], c->ends[r]);
		if (c->full || c->n_edges >= UINT32_MAX)
			return jerr_set(e, JERR_LIMIT, "%s: more than %zu states", c->b->name, MAX_STATES);
	}
	return 0;
}

int
grammar_compile(struct jgrammar **out, struct gbuild *b, uint32_t root, struct jerr *e)
{
	struct compiler c = { .b = b };
	struct jgrammar *g = jmem_zalloc(1, sizeof(*g));
	int rc;

	g->starts = c.starts = jmem_zalloc(b->n + 1, sizeof(*c.starts));
	c.ends = jmem_zalloc(b->n + 1, sizeof(*c.ends));
	c.nullable = jmem_zalloc(b->n + 1, 1);
	rc = compile_rules(&c, e);
	if (rc == 0) {
		flatten(&c, g);
		g->n_rules = b->n;
		g->root = root;
		g->key = key_of(g);
		find_shortest(&c, g);
		rc = check(&c, g, e);
	}
	jmem_free(c.ends);
	jmem_free(c.edges);
	jmem_free(c.owner);
	jmem_free(c.like);
	jmem_free(c.nullable);
	if (rc < 0) {
		jgrammar_free(g);
		g = NULL;
	}
	*out = g;
	return rc;
}

void
jgrammar_free(struct jgrammar *g)
{
	if (!g)
		return;
	jmem_free(g->states);
	jmem_free(g->edges);
	jmem_free(g->starts);
	jmem_free(g);
}

size_t
jgrammar_states(const struct jgrammar *g)
{
	return g->n_states;
}
