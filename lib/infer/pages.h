/*
 * pages.h - inside the room: who has which page of the cache, and which tokens are in it.
 *
 * A page's rows are a function of its tokens, of the pages before it and of the adapter alone.  Pages
 * therefore form a tree: parent = the page before.  A page is found by its parent and its first token.
 *
 * A page is free (never used, or dropped), idle (no sequence has it, its rows are known) or used.
 * Idle pages are in a list by age.  A sequence gives its pages back last page first, so an idle page
 * always comes before its parent in the list: the oldest has no children and can go.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/jkv.h"

struct page {
	int32_t refs;			/* sequences that have it */
	int32_t parent;			/* -1: the first of a sequence, of this root */
	int32_t children;		/* known pages behind it */
	int32_t chain;			/* next of the bucket, -1 = none */
	int32_t older, newer;		/* idle ones; free ones by newer */
	int32_t n;			/* known tokens; 0: not to be found */
	uint32_t ids[JKV_PAGE];
	uint64_t root;			/* which adapter */
};

struct pages {
	struct page *v;
	int32_t *bucket;		/* [mask + 1] */
	uint32_t mask;
	int32_t free, oldest, newest;
	size_t n, n_free, n_idle, most;
};

bool pages_init(struct pages *p, size_t n);		/* false: no memory */
void pages_release(struct pages *p);
size_t pages_available(const struct pages *p);
/* A page for one sequence behind `parent`; there is one available. */
int32_t pages_take(struct pages *p, int32_t parent, uint64_t root);
void pages_ref(struct pages *p, int32_t i);
void pages_unref(struct pages *p, int32_t i, bool drop);	/* drop: its tokens are of no use */
/* The known page behind `parent` that begins most like ids[0..n-1]; *same: how many tokens; or -1. */
int32_t pages_find(const struct pages *p, int32_t parent, uint64_t root, const uint32_t *ids,
	size_t n, size_t *same);
/* May its only sequence write at token `at`?  Else it is to be copied first. */
bool pages_own(const struct pages *p, int32_t i);
/* Tokens from `at` on are about to be others, and then are these. */
void pages_cut(struct pages *p, int32_t i, int32_t at);
void pages_know(struct pages *p, int32_t i, int32_t at, const uint32_t *ids, int32_t n);

#endif
