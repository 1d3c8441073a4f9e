/*
 * batch.h - completions of a stream of records, several at once.  The random stream of a record
 * hangs on its id (or its number), so what runs beside it changes nothing.
 */
#ifndef BATCH_H
#define BATCH_H

#include "verbs.h"

struct batch_opts {
	struct jgen_opts gen;
	bool ids, special, truncate;
	int slots;
};

int batch_run(struct jcli *cli, struct model *m, const struct batch_opts *o, int argc, char **argv,
	struct jerr *e);

#endif
