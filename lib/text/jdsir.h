/*
 * jdsir.h - how much more a text is like a target than like the rest: importance weights over hashed
 * n-grams (Xie et al. 2023, "Data selection for language models via importance resampling").
 *
 * A text is a bag of n-grams, n = 1 and 2, of its words and runs of other marks, in lower case; each
 * falls into one of JDSIR_BUCKETS buckets by a fixed hash.  With the shares p of the buckets in the
 * target and q in the raw texts, the weight of a text is
 *
 *	sum over its n-grams g of  log(p(g) + 1e-8) - log(q(g) + 1e-8)
 *
 * The best n by weight + Gumbel noise are a sample without replacement in proportion to the exponent
 * of the weight.  The functions are pure; counts are sums of integers, so they do not depend on the
 * order of the texts.
 */
#ifndef JDSIR_H
#define JDSIR_H

#include <stddef.h>
#include <stdint.h>

enum { JDSIR_BUCKETS = 10000 };

/* Adds the n-grams of a flattened text (jtext_flatten()) to count[JDSIR_BUCKETS]. */
void jdsir_count(const char *flat, size_t n, uint64_t *count);
/* ratio[JDSIR_BUCKETS] from the counts of the target and of the raw texts. */
void jdsir_ratio(const uint64_t *target, const uint64_t *raw, double *ratio);
/* *words: how many words the text has. */
double jdsir_weight(const char *flat, size_t n, const double *ratio, uint64_t *words);
/* Gumbel noise that is a function of seed and id. */
double jdsir_noise(uint64_t seed, const char *id, size_t n);

#endif
