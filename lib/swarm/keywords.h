/* keywords.h - inside the room swarm: how well a text meets the keywords of each expert. */
#ifndef KEYWORDS_H
#define KEYWORDS_H

#include <stddef.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "swarm/jexpert.h"

struct keywords;
int keywords_new(struct keywords **k, const struct jexperts *x, struct jerr *e);
void keywords_free(struct keywords *k);		/* NULL is fine */
/* score[experts], 0..1. */
void keywords_score(struct keywords *k, const char *text, size_t n, double *score);
/* After a score: appends the keywords of one expert that occurred, separated by ", ". */
void keywords_found(const struct keywords *k, size_t expert, struct jbuf *out);

#endif
