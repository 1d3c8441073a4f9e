/* synth_modes.h - inside the room swarm: the modes that run models, one file each. */
#ifndef SYNTH_MODES_H
#define SYNTH_MODES_H

#include "swarm/jswarm.h"

/* A question on its way to its answer. */
struct synth {
	struct jswarm *s;		/* NULL: nobody can be asked */
	const struct jsynth_question *q;
	const struct jsynth_opts *o;
	struct jsynth_result *r;
};

/* Asks the sources that gave no text; `others` go with the question, round makes another stream. */
void synth_ask(struct synth *y, const struct jsynth_answer *others, size_t n_others, uint64_t round);
/* Makes parts of the replies that have a text. */
void synth_parts(struct synth *y);
/* The model that judges and merges: the one named, else that of the best expert here; false: none. */
bool synth_model(const struct synth *y, struct jswarm_model *m);
const struct jexpert *synth_expert(const struct synth *y, const char *name);
/* The part most like the others, the one of the higher score among equals. */
size_t synth_central(const struct jsynth_answer *a, size_t n, double *agreement);
void synth_say(const struct synth *y, const char *p, size_t n);	/* to on_text */

/* New scores for the parts; JERR_ARG where there is nobody to judge. */
int synth_rank(struct synth *y, struct jerr *e);
/* How often the first is preferred, of the two orders: 0, 1 or 2. */
int synth_prefer(struct synth *y, const struct jswarm_model *judge, const char *first,
	const char *second, int *wins, struct jerr *e);
int synth_fuse(struct synth *y, struct jerr *e);
void synth_debate(struct synth *y);
int synth_mix(struct synth *y, struct jerr *e);
/* Samples of one expert until so many (and so many tokens): the one most like the others into out. */
struct synth_self {
	const struct jexpert *x;
	int samples;			/* at least, with tokens 0 exactly */
	uint64_t tokens;		/* go on until so many are spent; 0 = do not */
	int taken;
	uint64_t spent, prompt_spent;
	struct jbuf why;		/* what the expert lacked, where nothing came */
};
int synth_self(struct synth *y, struct synth_self *self, struct jbuf *out);
void synth_control(struct synth *y);

#endif
