/* gen.h - inside the room: a completion under way, and which of many have pages to go on. */
#ifndef GEN_H
#define GEN_H

#include "base/jrand.h"
#include "infer/draft.h"
#include "infer/engine.h"

struct jgen {
	struct jgen_task t;		/* its prompt is in ids */
	struct jinfer *inf;		/* of t, as are o and r */
	const struct jgen_opts *o;
	struct jgen_result *r;
	struct jsampler *sampler;
	struct jrand rand;
	struct jguide *guide;		/* NULL: free text */
	struct jids ids;		/* prompt and what was generated */
	size_t fed;
	float *logits;			/* [V] */
	uint32_t *guess;		/* [1 + speculate]: the last token, and what may follow */
	size_t n_guess;			/* of what may follow */
	float *guess_logits;		/* [1 + speculate, V] */
	struct draft_model draft;
	size_t shown;			/* bytes of r->text given to on_text */
	bool spelled;			/* a token has shown text: the next ones spell alone */
	bool done;
	bool running;			/* has its pages; else it waits for them */
	bool plain;			/* no guesses: there are no pages for them */
	bool keep;			/* the sequence stays in the slot when it is done */
	bool begun;
	uint64_t age;			/* the lower the older */
	char why[160];			/* of finish "memory" */
	double started;
};

void gen_finish(struct jgen *g, const char *why);
/*
 * Decides which of them run in this step.  The oldest come first: where pages are short the youngest
 * gives its own back and waits until there is room for all that it has so far.  One that does not fit
 * even alone is finished.
 */
void gen_admit(struct jgen *const *g, size_t n);

#endif
