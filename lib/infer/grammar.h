/*
 * grammar.h - inside the room infer: expressions that the readers of GBNF, JSON Schema and regular
 * expressions build, and the network that they are compiled to.
 */
#ifndef GRAMMAR_H
#define GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "infer/jgrammar.h"

/* --- expressions, in the builder's arena --- */
enum gx_kind { GX_EMPTY, GX_BYTES, GX_CLASS, GX_SEQ, GX_ALT, GX_REPEAT, GX_RULE };

struct grange {
	uint32_t lo, hi;		/* code points, inclusive */
};

struct gx {
	enum gx_kind kind;
	uint32_t n;			/* bytes, ranges or parts */
	union {
		const char *bytes;
		const struct grange *ranges;	/* sorted, disjoint */
		const struct gx *const *parts;
		const struct gx *sub;		/* of a repetition */
		uint32_t rule;
	} u;
	uint32_t min, max;		/* of a repetition; max GX_ANY: no end */
};
#define GX_ANY UINT32_MAX

struct grule {
	const char *name;
	const struct gx *x;		/* NULL: named, not defined (yet) */
	int line;			/* of the first mention */
};

struct gbuild {
	struct jarena arena;
	struct grule *rules;
	size_t n, cap;
	uint32_t *index;		/* hash of names to rules + 1 */
	size_t index_size;
	const char *name;		/* of the input, for messages */
};

void gbuild_init(struct gbuild *b, const char *name);
void gbuild_release(struct gbuild *b);
/* The rule of that name, made if need be. */
uint32_t gbuild_rule(struct gbuild *b, const char *name, size_t n, int line);
uint32_t gbuild_anonymous(struct gbuild *b, const struct gx *x);

const struct gx *gx_empty(struct gbuild *b);
const struct gx *gx_bytes(struct gbuild *b, const char *p, size_t n);	/* copied */
const struct gx *gx_str(struct gbuild *b, const char *s);
/* Ranges in any order; negated: all other code points. */
const struct gx *gx_class(struct gbuild *b, const struct grange *r, size_t n, bool negated);
const struct gx *gx_ref(struct gbuild *b, uint32_t rule);
const struct gx *gx_repeat(struct gbuild *b, const struct gx *x, uint32_t min, uint32_t max);

/* A list of parts being gathered for a sequence or an alternative. */
struct gx_list {
	const struct gx **v;
	size_t n, cap;
};
void gx_push(struct gbuild *b, struct gx_list *l, const struct gx *x);
const struct gx *gx_seq(struct gbuild *b, const struct gx_list *l);
const struct gx *gx_alt(struct gbuild *b, const struct gx_list *l);	/* no parts: nothing matches */
const struct gx *gx_seq2(struct gbuild *b, const struct gx *x, const struct gx *y);

/*
 * A regular expression.  json: the text it matches is the content of a JSON string, so characters
 * that JSON escapes are written in their escaped form.  whole: anchored at both ends whatever it says.
 */
struct gregex_opts {
	bool json, whole;
};
int gregex_parse(struct gbuild *b, const char *p, size_t n, const struct gregex_opts *o,
	const struct gx **x, struct jerr *e);

/* --- the network --- */
enum gedge_kind { GE_BYTE, GE_EMPTY, GE_CALL };
struct gedge {
	uint8_t kind, lo, hi;
	uint32_t rule;			/* of a call */
	uint32_t to;			/* where it goes, or returns to */
};
struct gstate {
	uint32_t first;			/* edges first .. first of the next state */
	uint32_t rule;
	bool accept;			/* the end of its rule */
	bool eats;			/* has edges that eat bytes */
	uint32_t like;			/* a state that no text of up to GRAMMAR_ALIKE bytes tells apart */
	uint64_t shortest;		/* bytes to the end of the rule; UINT64_MAX: none */
};
/*
 * The states in the middle of a long counted repetition are alike for what is near: masks over tokens
 * of up to so many bytes are made once for all of them.
 */
#define GRAMMAR_ALIKE 32
struct jgrammar {
	struct gstate *states;		/* n + 1: the last closes the list of edges */
	struct gedge *edges;
	uint32_t *starts;		/* by rule */
	size_t n_states, n_edges, n_rules;
	uint32_t root;			/* rule */
	uint64_t key;			/* hash of all that: equal grammars have equal masks */
};
int grammar_compile(struct jgrammar **g, struct gbuild *b, uint32_t root, struct jerr *e);

/* --- running it: sets of configurations --- */
struct gmachine;
enum gset_flag { GS_END = 1, GS_ESCAPED = 2 };	/* the text may end; the unknown stack was reached */
struct gconfig {
	uint32_t state, frame;
};
#define GFRAME_END 0			/* below the root */
#define GFRAME_UNKNOWN 1		/* below a state whose caller is not known */
#define GSET_DEAD 0			/* the set without configurations and flags */

struct gmachine *gmachine_new(const struct jgrammar *g);
void gmachine_free(struct gmachine *m);
uint32_t gmachine_start(struct gmachine *m);			/* before the first byte */
uint32_t gmachine_state(struct gmachine *m, uint32_t state);	/* just there, caller unknown */
uint32_t gmachine_config(struct gmachine *m, struct gconfig c);	/* just there */
uint32_t gmachine_step(struct gmachine *m, uint32_t set, unsigned char byte);
unsigned gmachine_flags(const struct gmachine *m, uint32_t set);
uint64_t gmachine_shortest(const struct gmachine *m, uint32_t set);
/* Equal for frames whose states, from here to the bottom, are alike. */
uint64_t gmachine_frame_key(const struct gmachine *m, uint32_t frame);
const struct gconfig *gmachine_configs(const struct gmachine *m, uint32_t set, size_t *n);
/* Forgets everything but *set, once there is much of it: true, and *set is renumbered. */
bool gmachine_trim(struct gmachine *m, uint32_t *set);

#endif
