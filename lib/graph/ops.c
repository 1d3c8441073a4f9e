/* ops.c - the table of operations.  A new one is a file in ops/ and a row here. */
#include "graph/ops.h"

const struct jop *const jops[] = {
	&jop_embed,
	&jop_linear,
	&jop_rmsnorm,
	&jop_rope_table,
	&jop_rope,
	&jop_attention,
	&jop_attention_cached,
	&jop_swiglu,
	&jop_add,
	&jop_rows,
	&jop_linear_ce,
	&jop_lora,
	&jop_loras,
	&jop_dora,
	&jop_dropout,
	&jop_noise,
	&jop_layernorm,
	&jop_act,
	&jop_columns,
	&jop_scale,
	&jop_pool,
	&jop_moe_plan,
	&jop_moe_route,
	&jop_moe_spread,
	&jop_moe_linear,
	&jop_moe_combine,
	NULL
};
