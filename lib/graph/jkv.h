/*
 * jkv.h - keys and values of many sequences, in pages of JKV_PAGE tokens, as f32, f16 or q8_0.
 *
 * A page of one layer holds JKV_PAGE tokens' keys (another one their values), head after head.  Page
 * and tile of attention (attn.h) are the same size, so a page is what attention reads at once; keys
 * lie turned around, so that a tile of scores is a product of rows as they lie:
 *
 *	keys	[heads, d, JKV_PAGE]		values	[heads, JKV_PAGE, d]
 *
 * q8_0: blocks of up to 32 values along d share a scale in f16, max |x| / 127 (as ggml's Q8_0); within
 * a head first the scales (keys [blocks, JKV_PAGE], values [JKV_PAGE, blocks]), then the bytes.
 *
 * Which pages a sequence has is a table that all layers share; the pages belong to the caller, and
 * so does their sharing: rows are written only by jg_attention_cached(), at the positions of the
 * rows it is given.
 */
#ifndef JKV_H
#define JKV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/jtensor.h"

enum { JKV_PAGE = 64, JKV_BLOCK = 32 };

/* One layer's pages.  k and v: n_pages of jkv_page_bytes() each. */
struct jkv_cache {
	void *k, *v;
	int64_t slots, capacity;	/* sequences, tokens of each at most */
	/* [slots, jkv_pages(capacity)], or NULL: every sequence has its own, in order. */
	const int32_t *table;
	enum jdtype k_type, v_type;
};

bool jkv_offers(enum jdtype type);
int64_t jkv_pages(int64_t tokens);		/* pages for so many tokens */
uint64_t jkv_page_bytes(enum jdtype type, int64_t heads, int64_t d);	/* keys or values of a layer */

/* Some rows of a page, first..first + n, between the page and plain rows [n, heads * d]. */
struct jkv_rows {
	void *page;
	enum jdtype type;
	bool values;			/* a page of values, else of keys */
	int64_t heads, d, first, n;
};
int64_t jkv_blocks(int64_t heads, int64_t d);	/* scales of one row */
/* As they are kept: F32, F16 or, for Q8_0, I8 and scales [n, jkv_blocks()]; NULL for others. */
void jkv_get(const struct jkv_rows *r, void *to, uint16_t *scales);
void jkv_put(const struct jkv_rows *r, const void *from, const uint16_t *scales);
void jkv_put_f32(const struct jkv_rows *r, const float *from);	/* rounded to the type */

#endif
