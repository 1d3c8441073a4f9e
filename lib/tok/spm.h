/*
 * spm.h - pieces with scores, whichever file they came from (private to the room).
 */
#ifndef TOK_SPM_H
#define TOK_SPM_H

#include "tok.h"

struct spm_piece {
	const char *p;
	size_t n;
	float score;
	enum tok_type type;
};

/* Adds piece id with its score; special ones become added tokens. */
int tok_add_piece(struct jtok *t, uint32_t id, const struct spm_piece *x, struct jerr *e);
/* The merges of a BPE whose order is that of the scores. */
void tok_scores_to_merges(struct jtok *t);

#endif
