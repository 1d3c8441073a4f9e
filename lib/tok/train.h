/*
 * train.h - words as rows of symbols, merged pair by pair (private to the room).
 */
#ifndef TOK_TRAIN_H
#define TOK_TRAIN_H

#include "jtoktrain.h"
#include "tok.h"

struct train_word {
	uint64_t at, count;		/* at: first symbol in sym[] */
	uint32_t n;			/* symbols left */
};
struct train_words {
	uint32_t byte_id[256];
	uint32_t *sym;
	size_t sym_n, sym_cap;
	struct train_word *v;
	size_t n, cap;
};

void train_words_add(struct train_words *w, const unsigned char *p, size_t n, uint64_t count);
void train_words_release(struct train_words *w);
uint64_t train_words_bytes(const struct train_words *w);	/* that merging will need at most */

struct train_plan {
	uint32_t vocab_size;
	uint64_t min_frequency;
	int (*tick)(void *arg, uint64_t done, uint64_t total);	/* or NULL; non-zero stops */
	void *arg;
};

/* extend.c: a new t that begins as base, and words as base encodes them. */
int extend_copy(struct jtok *t, const struct jtok *base, struct jerr *e);
void extend_words(struct train_words *w, const struct jtok *base);

/* Merges until t's vocabulary is as large as planned or no pair is frequent enough. */
int train_merge(struct train_words *w, struct jtok *t, const struct train_plan *plan, struct jerr *e);

#endif
