/* topk.h - inside the room: the largest of many values by magnitude. */
#ifndef TOPK_H
#define TOPK_H

#include <stdbool.h>
#include <stdint.h>

/* The magnitude of the k-th smallest of n values, k from 0 to n - 1. */
float topk_smallest(const float *v, int64_t n, int64_t k);
/* Sets all but the `keep` largest of n values to 0; with ties those that equal the last one stay too,
 * else the first of them. */
void topk_keep(float *v, int64_t n, int64_t keep, bool ties);

#endif
