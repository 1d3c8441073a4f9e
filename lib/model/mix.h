/* mix.h - inside the room model: the type that a mix gives a tensor. */
#ifndef MIX_H
#define MIX_H

#include "model/jquantize.h"

struct mix_tensor {
	const char *name;		/* GGUF name */
	int n_dims;
	int64_t cols;			/* values of a row */
	int64_t layer, layers;		/* layer -1 outside */
	bool tied;
};
enum jdtype mix_type(const struct jmix *x, const struct mix_tensor *t, bool *fell_back);
uint32_t mix_file_type(const struct jmix *x);

#endif
