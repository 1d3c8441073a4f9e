/* merge_models.h - jmodel merge of whole models. */
#ifndef MERGE_MODELS_H
#define MERGE_MODELS_H

#include "cli/jcli.h"
#include "store.h"

struct merge_models {
	const char *method;		/* one of jmerge_names */
	const char *base;		/* ties, dare */
	char **models;			/* each "MODEL" or "MODEL=WEIGHT" */
	size_t n;
	double density, t;
	const char *out;		/* folder */
	struct store_form form;		/* of the merged model */
};

/* Writes the folder and prints a JSON line of drift for each tensor, and one for all. */
int merge_models(const struct merge_models *o, struct jcli *cli, struct jerr *e);

#endif
