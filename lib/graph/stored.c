/*
 * stored.c - activations in bf16: values are rounded where they are made, so that they can lie in two
 * bytes until the backward pass reads them, and nothing depends on which of them do.
 */
#include "graph/graph.h"

static void
round_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);

	x->k->round_bf16((float *)n->data + first * C, count * C);
}

static void
pack_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);

	x->k->f32_to_bf16(n->stored + first * C, (const float *)n->data + first * C, count * C);
}

static void
unpack_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);

	x->k->bf16_to_f32((float *)n->data + first * C, n->stored + first * C, count * C);
}

bool
jstored_may(const struct jnode *n)
{
	return n->g->opts.bf16_values && (n->op->flags & JOP_STORED);
}

void
jstored_round(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), round_rows);
}

void
jstored_pack(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), pack_rows);
}

void
jstored_unpack(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), unpack_rows);
}
