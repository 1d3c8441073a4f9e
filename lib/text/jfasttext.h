/*
 * jfasttext.h - linear text classifiers in fastText's file format, version 12 (.bin, and .ftz with
 * product-quantized matrices): read, applied, trained and written.
 *
 * A text is split at white space; each token brings its vector, those of its character n-grams and
 * of its word n-grams (hashed into buckets); the mean of all is a hidden vector, and a softmax, a
 * binary tree of logistic units (hierarchical softmax) or one logistic unit a label turns it into
 * probabilities (Joulin et al. 2016; quantization: Joulin et al. 2016, FastText.zip).  Line ends
 * count as spaces; the end of the text is the token "</s>", as fastText's own predict has it, so
 * that probabilities are those of fastText to rounding.
 *
 * Training is supervised with a softmax, one thread, examples in the order given: the same input
 * and seed give the same bytes.  What is written loads in fastText.
 *
 * A model is read-only once open and may be used by many threads, each with its own bench.
 */
#ifndef JFASTTEXT_H
#define JFASTTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jfasttext;

/* *m is freed by jfasttext_free(). */
int jfasttext_open(struct jfasttext **m, const char *file, struct jerr *e);
/* Copies what it needs; name stands in messages. */
int jfasttext_open_mem(struct jfasttext **m, const void *p, size_t n, const char *name,
	struct jerr *e);
void jfasttext_free(struct jfasttext *m);		/* NULL is fine */

size_t jfasttext_labels(const struct jfasttext *m);
const char *jfasttext_label(const struct jfasttext *m, size_t i);	/* without "__label__" */
/* Number of the label, or -1. */
int jfasttext_find_label(const struct jfasttext *m, const char *name);

struct jfasttext_bench;			/* one worker's scratch */
struct jfasttext_bench *jfasttext_bench_new(void);
void jfasttext_bench_free(struct jfasttext_bench *b);

struct jfasttext_guess {
	int label;
	float p;
};
/*
 * The k most probable labels, best first, into out; returns how many there are (0 for a text
 * without a known feature).  Labels that fastText would not report (below 1e-5) are left out.
 */
size_t jfasttext_predict(const struct jfasttext *m, struct jfasttext_bench *b, const char *s,
	size_t n, size_t k, struct jfasttext_guess *out);
/* Probability of one label; 0 if it is not among those that fastText would report. */
double jfasttext_probability(const struct jfasttext *m, struct jfasttext_bench *b, const char *s,
	size_t n, int label);

struct jfasttext_opts {
	int dim;		/* 32 */
	int epochs;		/* 5 */
	int word_ngrams;	/* 2 */
	int min_count;		/* 1: tokens seen less often have no vector of their own */
	uint32_t buckets;	/* 1 << 18 */
	double rate;		/* 0.1, falling to 0 */
	uint64_t seed;
	uint64_t memory;	/* bytes; 0: as many as it takes */
};
#define JFASTTEXT_OPTS_INIT \
	{ .dim = 32, .epochs = 5, .word_ngrams = 2, .min_count = 1, .buckets = 1 << 18, .rate = 0.1 }

struct jfasttext_trainer;
int jfasttext_train_open(struct jfasttext_trainer **t, const struct jfasttext_opts *o,
	struct jerr *e);
/*
 * label is a plain word; JERR_ARG if it has white space or is empty.  JERR_LIMIT where texts and
 * dictionary take the memory, as from jfasttext_train_finish() where the matrix does not fit the rest.
 */
int jfasttext_train_add(struct jfasttext_trainer *t, const char *label, const char *s, size_t n,
	struct jerr *e);
/* Frees t in any case.  JERR_ARG with fewer than two labels. */
int jfasttext_train_finish(struct jfasttext_trainer *t, struct jfasttext **m, struct jerr *e);
void jfasttext_train_abort(struct jfasttext_trainer *t);	/* NULL is fine */
/* The bytes of the file. */
void jfasttext_write(const struct jfasttext *m, struct jbuf *out);

#endif
