/*
 * merge.h - merging the symbols of one word (private to the room).
 */
#ifndef TOK_MERGE_H
#define TOK_MERGE_H

#include "tok.h"

struct merge_symbol {
	uint32_t id, prev, next;
	uint32_t rank, merged;		/* of the pair with next */
};
struct tok_merger {			/* buffers of one thread; zero but for pairs to begin with */
	const struct tok_pairs *pairs;
	struct merge_symbol *v;
	size_t v_cap;
	uint64_t *heap;			/* rank << 32 | position */
	size_t heap_n, heap_cap;
	uint64_t *done;			/* end among the symbols << 32 | id of the tokens that are sure */
	size_t done_cap;
};
void tok_merger_release(struct tok_merger *m);

/* Merges the n ids in place, lowest rank first, leftmost first; how many are left. */
size_t tok_merge(struct tok_merger *m, uint32_t *ids, size_t n);
/* The two ways of long words, which give the same: one heap over n > 0 ids, and window by window. */
size_t tok_merge_whole(struct tok_merger *m, uint32_t *ids, size_t n);
size_t tok_merge_windows(struct tok_merger *m, uint32_t *ids, size_t n);

#endif
