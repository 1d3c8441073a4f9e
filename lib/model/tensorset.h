/*
 * tensorset.h - inside the room model: the set of named tensors behind struct jst, which two formats
 * fill: safetensors and PyTorch's zip checkpoints.
 */
#ifndef TENSORSET_H
#define TENSORSET_H

#include <stdbool.h>

#include "io/jfs.h"
#include "model/jsafetensors.h"

struct jval;

struct st_part {
	struct jmapped map;
	const char *name;
};

struct jst {
	struct jarena arena;		/* names, metadata, copies of scattered tensors */
	struct st_part *parts;
	size_t n_parts;
	struct jst_tensor *t;		/* sorted by name */
	size_t n, cap;
	const struct jval *meta;	/* of the first part */
	void **copies;			/* tensors that were not contiguous */
	size_t n_copies, cap_copies;
};

/* A zip file?  Then its tensors are added. */
bool pytorch_matches(const struct st_part *part);
int pytorch_read(struct jst *s, const struct st_part *part, struct jerr *e);

#endif
