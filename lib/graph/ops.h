/* ops.h - inside the room: the operations of ops/ by name. */
#ifndef OPS_H
#define OPS_H

#include "graph/graph.h"

extern const struct jop jop_embed, jop_linear, jop_rmsnorm, jop_rope_table, jop_rope,
	jop_attention, jop_attention_cached, jop_swiglu, jop_add, jop_rows, jop_linear_ce,
	jop_lora, jop_loras, jop_dora, jop_dropout, jop_noise, jop_layernorm, jop_act, jop_columns, jop_scale,
	jop_pool, jop_moe_plan, jop_moe_route, jop_moe_spread, jop_moe_linear, jop_moe_combine;

/* A weight alone, whatever adapter hangs on it. */
struct jnode *jg_linear_base(struct jgraph *g, struct jnode *x, struct jparam *w,
	struct jparam *bias);
struct jnode *jg_embed_base(struct jgraph *g, struct jnode *ids, struct jparam *table);

#endif
