/*
 * buckets.h - the perplexities that cut what is kept into head, middle and tail (CCNet, Wenzek et al.
 * 2020): given, or percentiles of the perplexity of what the rules keep, language by language.
 *
 * Percentiles take a pass over the input of their own, which judges every record; what is measured
 * is sorted outside of memory.
 */
#ifndef BUCKETS_H
#define BUCKETS_H

#include "judge.h"

/* The language whose limits hold for the record: its own, else the page's; from the record's arena. */
const char *buckets_lang(const struct jrec *r, struct jpage *page);
/* Fills the limits of j's models from the input, where the option names percentiles. */
int buckets_measure(struct judge *j, struct jcli *cli, int argc, char **argv, struct jerr *e);

#endif
