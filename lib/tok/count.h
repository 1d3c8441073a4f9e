/*
 * count.h - a table of words with 64-bit counts (private to the room).
 */
#ifndef TOK_COUNT_H
#define TOK_COUNT_H

#include "jtoktrain.h"
#include "scan.h"

struct count_word {
	uint64_t at, count;
	uint32_t n, hash;
};
struct jtok_count {
	enum scan_kind scan;
	char *text;
	size_t text_n, text_cap;
	struct count_word *v;
	size_t n, cap;
	uint32_t *slot;			/* index + 1 */
	size_t slots;
};

void count_add(struct jtok_count *c, const char *p, size_t n, uint64_t count);
void count_clear(struct jtok_count *c);

#endif
