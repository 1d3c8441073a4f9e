/*
 * groups.h - sums per value of a member, or per input file: how well a tokenizer fits each domain.
 */
#ifndef GROUPS_H
#define GROUPS_H

#include "base/jstr.h"
#include "io/jio.h"

struct group {
	char *name;
	uint64_t docs, tokens, bytes;
};
struct groups {
	struct group *v;		/* sorted by name */
	size_t n, cap;
};

void groups_add(struct groups *g, const char *name, uint64_t tokens, uint64_t bytes);
int groups_write(const struct groups *g, struct jout *out, struct jerr *e);	/* a record each */
void groups_release(struct groups *g);

#endif
