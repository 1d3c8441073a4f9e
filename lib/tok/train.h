/*
 * train.h - words as rows of symbols, merged pair by pair (private to the room).
 */
#ifndef TOK_TRAIN_H
#define TOK_TRAIN_H

#include "jtoktrain.h"
#include "store.h"
#include "tok.h"

struct train_word {
	uint64_t at, count;		/* at: first symbol in sym[] */
	uint32_t n;			/* symbols left */
};
/* Arrays of a struct train_words: symbols, words, and lists of the words of each pair. */
enum { TRAIN_SYM, TRAIN_WORDS, TRAIN_POOL };
struct train_words {
	uint32_t byte_id[256];
	struct pager pager;
	uint32_t *sym;			/* in the pager, as v */
	size_t sym_n;
	struct train_word *v;
	size_t n;
	uint64_t memory;		/* bytes for all of it; more goes to files */
};

void train_words_init(struct train_words *w, uint64_t memory);
int train_words_add(struct train_words *w, const unsigned char *p, size_t n, uint64_t count, struct jerr *e);
void train_words_release(struct train_words *w);
/* The word i, whose symbols will be read or written. */
struct train_word *train_words_at(struct train_words *w, size_t i);

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
