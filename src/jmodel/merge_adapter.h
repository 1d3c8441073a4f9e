/* merge_adapter.h - jmodel merge of adapters into their base, and adapters converted. */
#ifndef MERGE_ADAPTER_H
#define MERGE_ADAPTER_H

#include "cli/jcli.h"
#include "store.h"
#include "model/jadapter.h"

struct merge_adapters {
	const char *base;		/* model; NULL: the one that the first adapter names */
	const char *const *adapters;	/* folders, each "DIR" or "DIR=WEIGHT" */
	size_t n;
	const char *out;		/* folder */
	struct store_form form;		/* of the merged model */
	int method;			/* enum jmerge_method: how several are joined */
	double density, t;		/* of the method */
	int64_t rank;			/* join_adapters(): of svd */
	bool as_given;			/* onto the base as it is, even if it was quantized for training */
};

/*
 * Base plus the weighted adapters, in fp32, written as a model folder; tells how far the written
 * model's logits are from those of base and adapter (several: from those of the sum).
 */
int merge_adapters(const struct merge_adapters *o, struct jcli *cli, struct jerr *e);

/* One adapter folder of all, by method, which is enum jadapter_join_method. */
int join_adapters(const struct merge_adapters *o, struct jcli *cli, struct jerr *e);

/*
 * An adapter folder as another: PEFT's, or, where dst ends in ".gguf", a file for llama.cpp.  forget: the
 * copy does not know its base's fingerprint.
 */
int convert_adapter(const char *src, const char *dst, bool forget, struct jerr *e);

#endif
