/*
 * fit.h - best fit decreasing over a window of pieces (private to the room).
 */
#ifndef SHARD_FIT_H
#define SHARD_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIT_WINDOW 65536

struct fit_item {
	uint32_t len, at;	/* at: number in the window, which breaks ties */
	uint64_t id;
	uint32_t bin;		/* the row that it is in */
};

struct fit {
	uint32_t cap;		/* tokens of a row */
	struct fit_item *v;	/* [FIT_WINDOW] */
	size_t n;
	uint32_t *head;		/* [cap + 1] first bin with that much room, or none */
	uint64_t *bits;		/* which heads are set */
	uint32_t *next;		/* [FIT_WINDOW] of bins */
	uint32_t bins;
};

void fit_init(struct fit *f, uint32_t cap);
void fit_release(struct fit *f);
/* A piece of 1 to cap tokens; true: the window is full. */
bool fit_add(struct fit *f, uint32_t len, uint64_t id);
/* Gives each piece its row and sorts v by row, then by at.  The caller sets n = 0 for the next window. */
void fit_place(struct fit *f);

#endif
