/* kv.h - inside the room: a head of a page as attention wants it. */
#ifndef KV_H
#define KV_H

#include "graph/jkv.h"
#include "tensor/jkern.h"

/* Floats of scratch that kv_tile() may want. */
#define KV_TILE_FLOATS(d) (JKV_PAGE * ((d) + 1))
/*
 * A head of a page as floats, keys [d, JKV_PAGE], values [JKV_PAGE, d]: where they lie, or decoded into
 * work.  Of values the first n rows.
 */
const float *kv_tile(const struct jkern *k, const struct jkv_rows *page, int64_t head, float *work);

#endif
