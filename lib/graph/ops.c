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
	NULL
};
