/* merge_adapter.h - jmodel merge of adapters into their base, and adapters converted. */
#ifndef MERGE_ADAPTER_H
#define MERGE_ADAPTER_H

#include "cli/jcli.h"
#include "model/jadapter.h"

struct merge_adapters {
	const char *base;		/* model; NULL: the one that the first adapter names */
	const char *const *adapters;	/* folders, each "DIR" or "DIR=WEIGHT" */
	size_t n;
	const char *out;		/* folder */
	enum jdtype dtype;		/* of the merged model */
	int method;			/* enum jmerge_method: how several are joined */
	double density, t;		/* of the method */
};

/*
 * Base plus the weighted adapters, in fp32, written as a model folder; tells how far the written
 * model's logits are from those of base and adapter (several: from those of the sum).
 */
int merge_adapters(const struct merge_adapters *o, struct jcli *cli, struct jerr *e);

/* An adapter folder as another: PEFT's, or, where dst ends in ".gguf", a file for llama.cpp. */
int convert_adapter(const char *src, const char *dst, struct jerr *e);

#endif
