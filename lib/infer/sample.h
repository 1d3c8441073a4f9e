/* sample.h - inside the room infer: what choosing and penalties share. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "infer/jsample.h"

struct candidate {
	float logit;
	uint32_t id;
	double p;
	double distance;		/* of typical sampling */
};

struct jsampler {
	int64_t vocab;
	struct candidate *c;		/* [V] */
	uint32_t *work;			/* of DRY: tokens from the last to the first ... */
	size_t cap_work;
	uint32_t *lengths;		/* ... and how far each place repeats the end */
	size_t cap_lengths;
	uint32_t *longest;		/* [V], by token; 0 between calls */
};

#endif
