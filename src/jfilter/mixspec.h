/* mixspec.h - the specification that `jfilter mix` reads, and how much each source gives. */
#ifndef MIXSPEC_H
#define MIXSPEC_H

#include "base/jerr.h"
#include "base/jmem.h"

enum mix_unit { MIX_WORDS, MIX_BYTES, MIX_RECORDS };

struct mix_source {
	const char *name;
	char **files;
	size_t n;
	double weight, max_epochs;
	uint64_t have, want, taken;	/* units: in one epoch, to be taken, taken */
	uint64_t records;
};

struct mix_spec {
	uint64_t total;			/* 0 = all there is */
	enum mix_unit unit;
	struct mix_source *v;
	size_t n;
};

/* Everything from the arena; an unknown key is an error with its line. */
int mix_spec_load(struct mix_spec *s, const char *file, struct jarena *a, struct jerr *e);
/* Fills want from have: shares by weight, what one lacks given to the others. */
void mix_spec_share(struct mix_spec *s);

#endif
