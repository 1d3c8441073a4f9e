/*
 * deconhits.h - what was found in one record, as deconscan.c stores it.
 */
#ifndef DECONHITS_H
#define DECONHITS_H

#include "text/jevals.h"

struct decon_found {
	int what;			/* 'B' or 'H' */
	uint64_t line, source;
	size_t hits;
	struct jevals_hit hit;		/* read last */
	struct jevals_run *run;		/* to be freed; may be carried over to the next record */
	size_t run_cap;
	const unsigned char *p;
	size_t n;
};

void decon_read_found(struct decon_found *f, const unsigned char *rec, size_t n);
/* The next hit to f->hit; at starts as 0. */
bool decon_next_hit(struct decon_found *f, size_t *at);

#endif
