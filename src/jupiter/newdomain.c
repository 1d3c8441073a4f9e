/* newdomain.c - a domain file from the template, with its name filled in. */
#include <stdio.h>
#include <string.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "jupiter.h"

static bool
good_name(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(s);
}

/* Copies the template, NAME replaced. */
static void
fill_template(const struct jbuf *from, const char *name, struct jbuf *to)
{
	const char *s = from->p, *hit;

	while ((hit = strstr(s, "NAME")) != NULL) {
		jbuf_add(to, s, (size_t)(hit - s));
		jbuf_adds(to, name);
		s = hit + 4;
	}
	jbuf_adds(to, s);
}

int
new_domain_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct new_opts *o = arg;
	const char *dir = strcmp(jcli_common(cli)->output, "-") == 0 ? o->dir :
		jcli_common(cli)->output;
	struct jbuf from, to;
	struct jarena a;
	char *path;
	int rc;

	if (argc != 1 || !good_name(argv[0]))
		return jerr_set(e, JERR_ARG, "give one name of lower-case letters, digits, - and _");
	jarena_init(&a, 0);
	jbuf_init_max(&from, 1u << 20);
	jbuf_init(&to);
	path = jarena_printf(&a, "%s/%s.yaml", dir, argv[0]);
	rc = jin_slurp(shipped(&a, "domains/_template.yaml"), &from, e);
	if (rc == 0 && jfs_exists(path))
		rc = jerr_set(e, JERR_IO, "%s exists already; it is not overwritten", path);
	if (rc == 0)
		rc = jfs_mkdirs(dir, e);
	if (rc == 0) {
		fill_template(&from, argv[0], &to);
		rc = jout_put(path, to.p, to.n, e);
	}
	if (rc == 0)
		printf("%s\nedit it, then: jupiter start --domain %s\n", path, path);
	jbuf_release(&from);
	jbuf_release(&to);
	jarena_release(&a);
	return rc;
}
