/* engine.h - inside the room infer: what the engine holds. */
#ifndef ENGINE_H
#define ENGINE_H

#include "infer/jinfer.h"
#include "model/jadapters.h"
#include "infer/pages.h"

#define MAX_GRAPHS 24		/* the longest unused one makes room */

struct shaped {
	struct jmodel_infer_graph ig;
	int R, N;
	uint64_t used;
};

struct sequence {
	size_t length;			/* tokens */
	int32_t n_pages;		/* in its row of the table; more than the length asks for only
					 * after a feed that failed */
	int adapter;			/* 0 = none */
	uint64_t root;			/* of its pages: another one for every adapter that ever was */
};

/* Number i + 1 of the callers; its number in the set is i as well. */
struct named {
	char *name;			/* NULL: removed, or never there */
	int refs;			/* sequences, and holds; + 1 while it has its name */
	uint64_t root;
};

struct jinfer {
	struct jmodel *m;
	struct jpar *pool;
	int slots, capacity;
	struct sequence *seq;		/* [slots] */
	struct pages pages;
	int32_t *table;			/* [slots, per_slot] */
	size_t per_slot;
	struct jkv_cache *kv;		/* [layers] */
	char *kv_slab;
	size_t kv_bytes;
	uint64_t copied, preempted;
	struct jadapters *adapters;	/* NULL before the first */
	struct named *named;		/* [n_named] */
	int n_named;
	uint64_t roots;
	struct shaped graphs[MAX_GRAPHS];
	int n_graphs;
	uint64_t clock;
};

/* Graphs are made anew from here on. */
void engine_forget_graphs(struct jinfer *inf);
void engine_free_adapters(struct jinfer *inf);
/* Pages of the slot, of which there are n_pages. */
int32_t *engine_pages(const struct jinfer *inf, int slot);
/* Makes ready for n more tokens: pages that this sequence alone writes; there are enough. */
void engine_grow(struct jinfer *inf, int slot, size_t n);
/* The tokens are computed. */
void engine_know(struct jinfer *inf, int slot, const uint32_t *ids, size_t n);
/* Keys or values of a page. */
struct jkv_rows engine_rows(const struct jinfer *inf, int64_t layer, bool values, int32_t page);

#endif
