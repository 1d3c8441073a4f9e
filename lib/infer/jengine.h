/*
 * jengine.h - the engine: sequences over a shared model, and the pages that hold their keys and values.
 *
 * `slots` sequences run at once.  The cache is one pool of pages (graph/jkv.h, 64 tokens each); a
 * sequence takes pages as it grows, so that memory follows the tokens that are there, not the context
 * times the sequences.  Pages are shared: a sequence that begins like another one, running or over,
 * takes its pages, and a page that several have is copied before one of them writes into it.  The
 * pages of a sequence that is over stay known until the pool needs them, the longest unused first.
 *
 *	jinfer_new | jinfer_make -> jinfer_begin -> jinfer_feed ... -> jinfer_reset -> jinfer_free
 *
 * Adapters by name: a sequence has one of them, or none; the product with a weight of the model is one
 * for all rows of a batch.  They come and go at any time.  Pages are never shared across adapters.
 *
 * A sequence's numbers do not depend on how its tokens were fed, on the sequences beside it, on what
 * was shared, or on -j.  With a cache in f16 or q8_0 they are other numbers than with f32, and no less
 * independent.
 *
 * One thread uses an engine at a time.
 */
#ifndef JENGINE_H
#define JENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "model/jmodel.h"

struct jinfer;

struct jinfer_opts {
	int slots;			/* sequences at once */
	int capacity;			/* tokens of one, at most the model's context */
	enum jdtype k_type, v_type;	/* of the cache: F32 (0), F16 or Q8_0 */
	uint64_t cache_bytes;		/* of the pool at most; 0: every sequence finds room */
};
int jinfer_make(struct jinfer **inf, struct jmodel *m, struct jpar *pool,
	const struct jinfer_opts *o, struct jerr *e);
/* The same with a cache in f32 in which every sequence finds room. */
int jinfer_new(struct jinfer **inf, struct jmodel *m, struct jpar *pool, int slots, int capacity,
	struct jerr *e);
void jinfer_free(struct jinfer *inf);
/* Bytes of a cache in f32 for so many tokens, in whole pages where there is more than one token. */
uint64_t jinfer_kv_bytes(const struct jmodel_config *c, int slots, int capacity);
/* Bytes of one page, all layers. */
uint64_t jinfer_page_bytes(const struct jmodel_config *c, enum jdtype k_type, enum jdtype v_type);

/*
 * Puts tokens of a slot at the end of its cache; with many slots per call their rows run as one batch.
 * JERR_LIMIT beyond the capacity, or where the pool has too few pages: then nothing has happened.
 */
struct jinfer_feed {
	int slot;
	const uint32_t *ids;
	size_t n;
	float *logits;		/* [V] of the last token, filled by the call; NULL = not wanted */
	float *all_logits;	/* [n, V] of every token, or NULL */
	float *hidden;		/* [n, C] of every token, the final norm applied, or NULL */
};
int jinfer_feed(struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e);
size_t jinfer_length(const struct jinfer *inf, int slot);
int jinfer_capacity(const struct jinfer *inf);
const struct jmodel_config *jinfer_config(const struct jinfer *inf);
void jinfer_reset(struct jinfer *inf, int slot);	/* the sequence is over */
void jinfer_truncate(struct jinfer *inf, int slot, size_t n);	/* keeps the first n tokens */
/*
 * Begins a new sequence in the slot.  Where the cache holds tokens that ids[0..n-1] begin with, their
 * rows are taken over: returns how many, at most n - 1; feed the rest.  The bits are those of feeding
 * everything.  adapter: of jinfer_adapter_find(), or 0.
 */
size_t jinfer_begin(struct jinfer *inf, int slot, int adapter, const uint32_t *ids, size_t n);
void jinfer_fork(struct jinfer *inf, int from, int to);	/* `to` becomes a copy of the sequence */
/*
 * A sequence's cache as a file (safetensors), and back: only into an engine with the same model and the
 * same types of cache.
 */
int jinfer_save(const struct jinfer *inf, int slot, const char *path, struct jerr *e);
int jinfer_restore(struct jinfer *inf, int slot, const char *path, struct jerr *e);
/* The same from bytes; name is for messages. */
int jinfer_restore_mem(struct jinfer *inf, int slot, const void *p, size_t n, const char *name,
	struct jerr *e);

/*
 * Reads an adapter folder, which is to be known by that name.  Not while the model itself bears an
 * adapter; what jadapters.h refuses is refused.
 */
int jinfer_adapter_add(struct jinfer *inf, const char *name, const char *dir, struct jerr *e);
/*
 * The name is free at once; sequences that have the adapter go on, and with the last of them its memory
 * is freed.
 */
int jinfer_adapter_remove(struct jinfer *inf, const char *name, struct jerr *e);
/* The adapter of that name, > 0; 0 for NULL, -1 where there is none.  Valid until it is removed. */
int jinfer_adapter_find(const struct jinfer *inf, const char *name);
/* Keeps a removed adapter alive for sequences to come; each hold wants its drop.  0 is fine. */
void jinfer_adapter_hold(struct jinfer *inf, int adapter);
void jinfer_adapter_drop(struct jinfer *inf, int adapter);

/* Pages that feeding n more tokens takes, and those that are to be had. */
size_t jinfer_need(const struct jinfer *inf, int slot, size_t n);
size_t jinfer_available(const struct jinfer *inf);
struct jinfer_stats {
	uint64_t page_bytes;
	size_t pages, used, known;	/* in the pool; of sequences now; kept of those that are over */
	size_t most;			/* used at once so far */
	uint64_t copied, preempted;	/* pages copied before a write; sequences put off for pages */
};
void jinfer_stats(const struct jinfer *inf, struct jinfer_stats *s);

#endif
