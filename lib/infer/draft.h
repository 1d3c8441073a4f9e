/* draft.h - inside the room infer: guesses of the next tokens, for speculation. */
#ifndef DRAFT_H
#define DRAFT_H

#include "infer/jinfer.h"

/* What followed the longest earlier occurrence of the last words: at most max ids into out. */
size_t draft_lookup(const struct jids *ids, size_t max, uint32_t *out);
/* The draft model's likeliest continuation; its cache is brought up to ids first. */
struct draft_model {
	struct jinfer *inf;
	int slot;
	float *logits;			/* [V] of the draft model */
};
int draft_model(const struct draft_model *d, const struct jids *ids, size_t max, uint32_t *out,
	size_t *n, struct jerr *e);

#endif
