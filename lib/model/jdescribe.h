/*
 * jdescribe.h - what a configuration says beyond its shape: for people, and as numbers.
 */
#ifndef JDESCRIBE_H
#define JDESCRIBE_H

#include "model/jmodel.h"

/* Lines about positions, norms, windows, experts; the same as members of an open JSON object. */
void jmodel_describe(const struct jmodel_config *c, struct jbuf *b);
void jmodel_describe_json(const struct jmodel_config *c, struct jbuf *b);

bool jmodel_has_head(const struct jmodel_config *c);	/* a language model, no encoder */
bool jmodel_layer_in(const struct jmodel_layers *s, int64_t layer);

const char *jmodel_rope_name(const struct jmodel_config *c);	/* "default", "linear", ... */
/* Rotary frequencies [rope_dim / 2], scaling applied; longrope asks how long sequences may become. */
void jmodel_inv_freq(const struct jmodel_config *c, int64_t length, float *inv_freq);
double jmodel_rope_attention(const struct jmodel_config *c);	/* factor of cosines and sines */

#endif
