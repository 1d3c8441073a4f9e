/* engine.h - inside the room infer: what the engine holds. */
#ifndef ENGINE_H
#define ENGINE_H

#include "infer/jinfer.h"

#define MAX_GRAPHS 24		/* the longest unused one makes room */

struct shaped {
	struct jmodel_infer_graph ig;
	int R, N;
	uint64_t used;
};

struct jinfer {
	struct jmodel *m;
	struct jpar *pool;
	int slots, capacity;
	size_t *length;			/* [slots] tokens of the sequence */
	size_t *kept;			/* [slots] >= length: tokens whose rows are still in the cache ... */
	uint32_t **ids;			/* ... and which they are; NULL before the first */
	struct jkv_cache *kv;		/* [layers] */
	float *kv_slab;
	size_t kv_bytes;
	struct shaped graphs[MAX_GRAPHS];
	int n_graphs;
	uint64_t clock;
};

#endif
