/* paths.c - where things are, in a build tree and in an installation. */
#include <stdlib.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jproc.h"
#include "jupiter.h"

static char *
share(struct jarena *a, const char *relative)
{
	char *p = jcli_share(relative), *copy = jarena_strndup(a, p, strlen(p));

	jmem_free(p);
	return copy;
}

char *
shipped(struct jarena *a, const char *name)
{
	char *path = share(a, name);

	if (!jfs_exists(path) && strncmp(name, "pipelines/", 10) == 0)	/* a build tree */
		path = share(a, jarena_printf(a, "../%s", name));
	return path;
}

char *
program(struct jarena *a, const char *name)
{
	char *tree = share(a, jarena_printf(a, "../bin/%s", name));

	return jfs_exists(tree) ? tree : share(a, jarena_printf(a, "../../bin/%s", name));
}

const char *
work_folder(void)
{
	const char *work = getenv("J_WORK");

	return work && *work ? work : "work";
}

int
find_domain(struct jarena *a, const char *name, const char *config, char **path, struct jerr *e)
{
	char *tried[4];
	size_t n = 0, i;

	if (strchr(name, '/') || (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".yaml") == 0)) {
		*path = jarena_strndup(a, name, strlen(name));
		if (!jfs_exists(name))
			return jerr_set(e, JERR_ARG, "%s: no such domain file", name);
		return 0;
	}
	if (config) {
		tried[n++] = jarena_printf(a, "%s/domains/%s.yaml", config, name);
		tried[n++] = jarena_printf(a, "%s/%s.yaml", config, name);
	} else {
		tried[n++] = jarena_printf(a, "domains/%s.yaml", name);
	}
	tried[n++] = shipped(a, jarena_printf(a, "domains/%s.yaml", name));
	for (i = 0; i < n; i++)
		if (jfs_exists(tried[i])) {
			*path = tried[i];
			return 0;
		}
	return jerr_set(e, JERR_ARG, "no domain '%s': neither %s nor %s exists (jupiter new-domain %s "
		"makes one)", name, tried[0], tried[n - 1], name);
}

int
run_program(const char *const argv[], struct jerr *e)
{
	struct jproc_opts o = { .in_file = NULL };
	int status;

	if (jproc_run((char *const *)argv, &o, &status, e) < 0)
		return e->code;
	if (status > 128)
		return jerr_set(e, JERR_STOP, "%s was stopped by signal %d", argv[0], status - 128);
	if (status != 0)
		return jerr_set(e, JERR_IO, "%s failed with status %d", jfs_base(argv[0]), status);
	return 0;
}
