/*
 * jmix.h - which of several sets of rows gives row i of a run, so that each has its share.
 *
 * A share is weight / sum of weights.  After any number of rows the rows that a set has given differ
 * from its share by less than one: row x of a set with share w may stand at places floor(x / w) to
 * ceil((x + 1) / w) - 1, and of the sets whose next row may stand here the one with the earliest last
 * place is taken (proportionate progress: Baruah, Cohen, Plaxton and Varvel, 1996; on one resource
 * the earliest deadline suffices).  Ties are settled by the seed.  A set with a limit drops out when
 * it has given that many rows, and the others share what follows by their weights.
 *
 * The schedule is a function of (limits, weights, seed); no state but the row number needs saving.
 * Row numbers that come back count on through the epochs of a set, as jpack_row() wants them:
 *
 *	jmix_row(m, i, &set, &row, e) -> jpack_row(pack[set], row, &out, e)
 */
#ifndef JMIX_H
#define JMIX_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

#define JMIX_MAX 4096			/* sets */

struct jmix;

struct jmix_set {
	double weight;			/* > 0 */
	uint64_t limit;			/* rows it gives in all; 0 = any number */
};

int jmix_open(struct jmix **m, const struct jmix_set *v, size_t n, uint64_t seed, struct jerr *e);
void jmix_close(struct jmix *m);
uint64_t jmix_rows(const struct jmix *m);	/* UINT64_MAX: a set has no limit, so there is no end */
/* Row i, in any order; JERR_ARG past the end.  Thread safe; rows in sequence cost O(sets) each, others
 * up to some thousand times that. */
int jmix_row(struct jmix *m, uint64_t i, size_t *set, uint64_t *row, struct jerr *e);

/*
 * The operand PATH=WEIGHT or PATH=WEIGHT,LIMIT, where LIMIT is epochs ("3x", "0.5x") or tokens ("50m",
 * powers of 1000).  PATH may hold '='.
 */
struct jmix_part {
	char *path;			/* owned */
	double weight;
	double epochs;			/* 0 = no limit of this kind */
	uint64_t tokens;		/* 0 = no limit of this kind */
};
int jmix_parse(struct jmix_part *p, const char *word, struct jerr *e);
void jmix_part_release(struct jmix_part *p);
/* The limit in rows of a set of `rows` rows an epoch of seq tokens each: at least 1, 0 = none. */
uint64_t jmix_limit(const struct jmix_part *p, uint64_t rows, int seq);

#endif
