#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/internal.h"
#include "io/jfs.h"
#include "io/jio.h"

#define MAX_PRESET (64u << 10)

/* The folder of the running program, with a '/' at its end; empty if the system does not tell. */
static void
program_folder(struct jbuf *b)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n > 0)
		jbuf_add(b, path, (size_t)n);
}

char *
jcli_share(const char *relative)
{
	static const char *const root[] = { "../share/jupiter", NULL, J_PREFIX "/share/jupiter" };
	struct jbuf b, folder;
	size_t i;

	jbuf_init(&b);
	jbuf_init(&folder);
	program_folder(&folder);
	for (i = 0; i < sizeof(root) / sizeof(root[0]); i++) {
		jbuf_reset(&b);
		if (i == 0)
			jbuf_adds(&b, folder.p);
		jbuf_adds(&b, root[i] ? root[i] : J_SHARE);
		if ((i > 0 || folder.n) && jfs_is_dir(b.p))
			break;
	}
	jbuf_printf(&b, "/%s", relative);
	jbuf_release(&folder);
	return jbuf_detach(&b);
}

/* "name = value # comment", cut in place.  1, 0 for a line without an assignment, or an error. */
static int
split_line(char *line, char **name, char **value)
{
	char *hash, *eq, *p;

	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	hash = strstr(line, " #");
	if (hash)
		*hash = '\0';
	eq = strchr(line, '=');
	if (!eq)
		return JERR_FORMAT;
	for (p = eq; p > line && (p[-1] == ' ' || p[-1] == '\t'); p--)
		;
	*p = '\0';
	*name = line;
	*value = eq + 1 + strspn(eq + 1, " \t");
	for (p = *value + strlen(*value); p > *value && strchr(" \t\r", p[-1]); p--)
		;
	*p = '\0';
	return 1;
}

static int
apply_line(struct jcli *cli, char *line, const char *where, struct jerr *e)
{
	char *name, *value;
	struct option *o;
	int rc = split_line(line, &name, &value);

	if (rc < 0)
		return jerr_set(e, JERR_ARG, "%s: expected 'name = value', found '%s'", where, line);
	if (rc == 0)
		return 0;
	o = option_find(cli, name);
	if (!o || strcmp(name, "preset") == 0) {
		const char *near = option_nearest(cli, name);

		if (near && !o)
			return jerr_set(e, JERR_ARG, "%s: unknown option '%s' (did you mean '%s'?)",
				where, name, near);
		return jerr_set(e, JERR_ARG, "%s: unknown option '%s'", where, name);
	}
	return option_set(cli, o, value, FROM_PRESET, where, e);
}

static void
list_presets(const char *dir, struct jbuf *b)
{
	struct jerr ignored = { 0 };
	struct jarena a;
	char **names;
	size_t i, n;

	jarena_init(&a, 0);
	if (jfs_list(dir, &a, &names, &n, &ignored) == 0)
		for (i = 0; i < n; i++)
			jbuf_printf(b, "%s%s", b->n ? ", " : "", names[i]);
	jarena_release(&a);
}

static int
no_such_preset(const struct jcli *cli, const char *name, const char *dir, struct jerr *e)
{
	struct jbuf have;

	jbuf_init(&have);
	list_presets(dir, &have);
	jerr_set(e, JERR_ARG, "no preset '%s' for %s (there is: %s)", name, cli->tool->name,
		have.n ? have.p : "none");
	jbuf_release(&have);
	return e->code;
}

int
preset_apply(struct jcli *cli, const char *name, struct jerr *e)
{
	char *dir = jcli_share(jarena_printf(&cli->arena, "presets/%s", cli->tool->name));
	const char *path = strchr(name, '/') ? name : jarena_printf(&cli->arena, "%s/%s", dir, name);
	struct jbuf text;
	char *line, *next;
	int rc = 0, number = 0;

	jbuf_init_max(&text, MAX_PRESET);
	if (!jfs_exists(path) || jfs_is_dir(path))
		rc = no_such_preset(cli, name, dir, e);
	else
		rc = jin_slurp(path, &text, e);
	for (line = text.p; rc == 0 && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		rc = apply_line(cli, line, jarena_printf(&cli->arena, "%s:%d", path, ++number), e);
	}
	jbuf_release(&text);
	jmem_free(dir);
	return rc;
}

static void
print_setting(const struct option *o, size_t i)
{
	static const char *const from[] = { "default", "J_LOG", "file", "preset", "command line" };
	struct jbuf b;

	jbuf_init(&b);
	option_format(o->o, i, &b);
	/* An option without a value is a comment, so that the output is a preset file. */
	printf("%s%-20s = %-24s # %s%s%s\n", b.n ? "" : "# ", o->o->name, b.p, from[o->from],
		o->where ? " " : "", o->where ? o->where : "");
	jbuf_release(&b);
}

void
print_config(const struct jcli *cli)
{
	static const char *const action[] = { "help", "version", "print-config", "dump-options",
		"preset", NULL };
	size_t i, k, n;

	for (i = 0; i < cli->n_opt; i++) {
		const struct option *o = &cli->opt[i];

		for (k = 0; o->shared && action[k] && strcmp(action[k], o->o->name) != 0; k++)
			;
		if (o->o->type == JOPT_HEAD || (o->shared && action[k]))
			continue;
		n = o->o->type == JOPT_LIST ? ((struct jopt_list *)o->o->value)->n : 1;
		for (k = 0; k < (n ? n : 1); k++)
			print_setting(o, k);
	}
}
