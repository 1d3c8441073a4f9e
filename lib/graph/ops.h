/* ops.h - inside the room: the operations of ops/ by name. */
#ifndef OPS_H
#define OPS_H

#include "graph/graph.h"

extern const struct jop jop_embed, jop_linear, jop_rmsnorm, jop_rope_table, jop_rope,
	jop_attention, jop_attention_cached, jop_swiglu, jop_add, jop_rows, jop_linear_ce;

#endif
