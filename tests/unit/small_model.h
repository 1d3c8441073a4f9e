/* A small model of a preset's kind with random weights, for tests of graphs. */
#ifndef SMALL_MODEL_H
#define SMALL_MODEL_H

#include "model/jmodel.h"
#include "t.h"

/* `layers` layers, 100 words, `copies` of the gradients; narrow where the preset is wide. */
static struct jmodel *
small_model(const char *preset, int64_t layers, int copies)
{
	struct jmodel_config c;
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	ok(jmodel_preset(&c, preset, &e) == 0);
	c.vocab_size = 100;
	c.layers = layers;
	if (c.hidden > 128) {
		c.hidden = 96;
		c.ffn = 192;
		c.heads = c.kv_heads = 4;
		c.head_dim = 24;
	}
	ok(jmodel_new(&m, &c, &e) == 0 && jmodel_alloc_grads(m, copies, &e) == 0);
	jmodel_init_weights(m, 1);
	return m;
}

#endif
