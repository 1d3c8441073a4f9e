/* jeval report: the page of a domain's run, and the same for a terminal. */
#include "verbs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/jio.h"
#include "score/jreport.h"

static struct report_opts {
	bool show;
} opts;

static const struct jopt table[] = {
	{ .name = "show", .type = JOPT_BOOL, .value = &opts.show,
		.help = "print the report on standard output instead of writing the page" },
	{ .type = JOPT_END }
};

static bool
unicode_terminal(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	size_t i;

	for (i = 0; i < 3; i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8");
	}
	return false;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const char *name = opts.show ? "-" : jcli_common(cli)->output;
	struct jreport_terminal t = { .width = 100, .unicode = unicode_terminal(),
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct jreport r;
	struct jbuf b;
	int rc;

	if (argc != 1)
		return jerr_set(e, JERR_ARG, "give the folder of one run: jeval report work/NAME");
	rc = jreport_load(&r, argv[0], e);
	jbuf_init(&b);
	if (rc == 0 && opts.show)
		jreport_text(&r, &t, &b);
	else if (rc == 0)
		jreport_html(&r, &b);
	jreport_release(&r);
	if (rc == 0)
		rc = jout_put(name, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

const struct jverb report_verb = {
	.name = "report",
	.args = "[--show] [-o FILE.html] DIR",
	.summary = "the report of a domain's run",
	.opts = table,
	.run = run,
};
