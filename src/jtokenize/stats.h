/*
 * stats.h - what a set of shards is made of: lengths of documents, use of the vocabulary.
 */
#ifndef STATS_H
#define STATS_H

#include "base/jstr.h"
#include "shard/jshard.h"

/* Appends a member "stats", comma first, to a JSON object that is not closed yet. */
int stats_put(const struct jshard_set *s, struct jbuf *out, struct jerr *e);

#endif
