/*
 * objective.c - the table of objectives.
 */
#include <string.h>

#include "base/jmem.h"
#include "train/jobjective.h"

static const struct jobjective *const table[] = {
	&jobjective_pretrain,
	&jobjective_sft,
};

const struct jobjective *
jobjective_find(const char *name, struct jerr *e)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	jerr_set(e, JERR_UNSUPPORTED, "no objective named '%s'", name);
	return NULL;
}

void
jtrain_data_release(struct jtrain_data *d)
{
	size_t i;

	jshard_close(d->set);
	for (i = 0; i < d->n_files; i++)
		jmem_free(d->files[i]);
	jmem_free(d->files);
	jmem_free(d->lines);
	memset(d, 0, sizeof(*d));
}
