/* adapters.c - the adapters of an engine by name, and how long each of them lives. */
#include "infer/engine.h"

#include <string.h>

int
jinfer_adapter_find(const struct jinfer *inf, const char *name)
{
	if (!name)
		return 0;
	for (int i = 0; i < inf->n_named; i++)
		if (inf->named[i].name && strcmp(inf->named[i].name, name) == 0)
			return i + 1;
	return -1;
}

int
jinfer_adapter_add(struct jinfer *inf, const char *name, const char *dir, struct jerr *e)
{
	int i, rc;

	if (!name[0] || jinfer_adapter_find(inf, name) >= 0)
		return jerr_set(e, JERR_ARG, "adapter '%s': the name is %s", name, name[0] ? "taken"
			: "empty");
	if (!inf->adapters)
		inf->adapters = jadapters_new(inf->m);
	rc = jadapters_add(inf->adapters, dir, &i, e);
	if (rc < 0)
		return rc;
	if (i == inf->n_named)
		inf->named = jmem_realloc(inf->named, (size_t)++inf->n_named, sizeof(*inf->named));
	inf->named[i] = (struct named){ .name = jmem_strndup(name, strlen(name)), .refs = 1,
		.root = ++inf->roots };
	engine_forget_graphs(inf);
	return 0;
}

void
jinfer_adapter_hold(struct jinfer *inf, int adapter)
{
	if (adapter > 0)
		inf->named[adapter - 1].refs++;
}

void
jinfer_adapter_drop(struct jinfer *inf, int adapter)
{
	if (adapter <= 0 || --inf->named[adapter - 1].refs > 0)
		return;
	jadapters_remove(inf->adapters, adapter - 1);
	engine_forget_graphs(inf);
}

int
jinfer_adapter_remove(struct jinfer *inf, const char *name, struct jerr *e)
{
	int adapter = jinfer_adapter_find(inf, name);

	if (adapter <= 0)
		return jerr_set(e, JERR_ARG, "no adapter is called '%s'", name ? name : "");
	jmem_free(inf->named[adapter - 1].name);
	inf->named[adapter - 1].name = NULL;
	jinfer_adapter_drop(inf, adapter);
	return 0;
}

void
engine_free_adapters(struct jinfer *inf)
{
	for (int i = 0; i < inf->n_named; i++)
		jmem_free(inf->named[i].name);
	jmem_free(inf->named);
	jadapters_free(inf->adapters);
}
