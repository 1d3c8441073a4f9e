/*
 * shards.h - where encoded documents go: one stream, one file, or a folder of shards that appears
 * whole.
 */
#ifndef SHARDS_H
#define SHARDS_H

#include "base/jmem.h"
#include "shard/jrows.h"
#include "shard/jshard.h"

struct shards {
	const char *output;
	char *tmp;			/* folder being filled, or NULL */
	struct jarena arena;
	struct jshard_info info;
	struct jshard_writer *w;
	uint64_t per_shard;		/* tokens; 0 = never cut */
	unsigned n;
	const char *meta;
};

int shards_open(struct shards *s, const char *output, const struct jshard_info *info,
	uint64_t per_shard, const char *meta, struct jerr *e);
int shards_add(struct shards *s, const uint32_t *ids, const unsigned char *mask, size_t n,
	uint64_t text_bytes, struct jerr *e);
/* A row of a packed set: as jrows_fn, arg is the struct shards. */
int shards_row(void *arg, const struct jrows_piece *v, size_t n, struct jerr *e);
int shards_commit(struct shards *s, struct jerr *e);
void shards_abort(struct shards *s);

#endif
