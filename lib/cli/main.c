#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jsys.h"
#include "cli/internal.h"
#include "io/jio.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_REJECTS, EXIT_UNMET };

/*
 * A file must never get the number of a standard stream that the caller closed.  The stand-in is
 * opened the wrong way round, so that using it is an error and not silence.
 */
static void
guard_standard_streams(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			return;
}

/* The command line as a shell would read it. */
static const char *
quoted(struct jcli *cli)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_./=:,+@%";
	struct jbuf b;
	const char *p, *s;
	int i;

	jbuf_init(&b);
	jbuf_adds(&b, cli->tool->name);
	for (i = 1; i < cli->argc; i++) {
		jbuf_addc(&b, ' ');
		p = cli->argv[i];
		if (*p && !p[strspn(p, plain)]) {
			jbuf_adds(&b, p);
			continue;
		}
		jbuf_addc(&b, '\'');
		for (; *p; p++)
			if (*p == '\'')
				jbuf_adds(&b, "'\\''");
			else
				jbuf_addc(&b, *p);
		jbuf_addc(&b, '\'');
	}
	s = jarena_strndup(&cli->arena, b.p, b.n);
	jbuf_release(&b);
	return s;
}

static void
release(struct jcli *cli)
{
	size_t i;

	for (i = 0; i < cli->n_reason; i++)
		jmem_free(cli->reason[i].name);
	for (i = 0; i < cli->n_note; i++) {
		jmem_free(cli->note[i].name);
		jmem_free(cli->note[i].json);
	}
	for (i = 0; i < cli->n_input; i++)
		jmem_free(cli->input[i]);
	jmem_free(cli->reason);
	jmem_free(cli->note);
	jmem_free(cli->input);
	jarena_release(&cli->arena);
	pthread_mutex_destroy(&cli->lock);
}

/* Standard output is flushed and its errors, also those of earlier writes, are seen here. */
static int
close_stdout(struct jerr *e)
{
	bool failed = ferror(stdout) != 0;

	if (fflush(stdout) != 0 || failed)
		return jerr_sys(e, "standard output");
	return 0;
}

static int
environment(struct jcli *cli, struct jerr *e)
{
	static const char *const word[] = { "json", "quiet", "verbose" };
	static const char *const option[] = { "log-json", "quiet", "verbose" };
	const char *v = getenv("J_LOG");
	size_t i;

	if (!v || !*v)
		return 0;
	for (i = 0; i < 3; i++)
		if (strcmp(v, word[i]) == 0)
			return option_set(cli, option_find(cli, option[i]), "true",
				FROM_ENVIRONMENT, NULL, e);
	return jerr_set(e, JERR_ARG, "J_LOG: expected json, quiet or verbose, found '%s'", v);
}

static int
parse(struct jcli *cli, struct jerr *e)
{
	int words;

	if (parse_verb(cli, &words, e) < 0) {
		options_init(cli);
		return e->code;
	}
	options_init(cli);
	if (environment(cli, e) < 0 || parse_words(cli, 1 + words, e) < 0)
		return e->code;
	if (cli->preset && preset_apply(cli, cli->preset, e) < 0)
		return e->code;
	return options_settle(cli, e);
}

/* What an earlier run left when it was killed. */
static void
clean(const struct jcli *cli)
{
	const char *out = cli->common.output;
	struct jbuf prov;

	jout_clean(out);
	if (cli->common.rejects)
		jout_clean(cli->common.rejects);
	jbuf_init(&prov);
	jbuf_printf(&prov, "%s.prov", out);
	if (strcmp(out, "-") != 0)
		jout_clean(prov.p);
	jbuf_release(&prov);
}

static jcli_run_fn *
run_function(const struct jcli *cli)
{
	return cli->verb ? cli->verb->run : cli->tool->run;
}

static int
need_verb(struct jcli *cli, struct jerr *e)
{
	const struct jverb *v;
	struct jbuf b;

	if (run_function(cli) && !cli->group)
		return 0;
	jbuf_init(&b);
	for (v = cli->tool->verbs; v && v->name; v++)
		jbuf_printf(&b, "%s%s", b.n ? ", " : "", v->name);
	jerr_set(e, JERR_ARG, "a verb must come first, one of: %s", b.p);
	jbuf_release(&b);
	return e->code;
}

static void *
run_arg(const struct jcli *cli)
{
	return cli->verb ? cli->verb->arg : cli->tool->arg;
}

static int
prepare(struct jcli *cli, struct jerr *e)
{
	jcli_run_fn *fn = cli->verb ? cli->verb->prepare : cli->tool->prepare;

	if (!fn)
		return 0;
	if (fn(cli, run_arg(cli), cli->n_operand, cli->operand, e) < 0)
		return e->code;
	return options_settle(cli, e);
}

/* True when an option asked for text instead of a run. */
static bool
answer(struct jcli *cli)
{
	if (cli->help)
		help_print(cli);
	else if (cli->version)
		version_print(cli);
	else if (cli->dump)
		dump_options(cli);
	else
		return false;
	return true;
}

static int
status_of(const struct jcli *cli, int code)
{
	if (code == 0)
		return cli->unmet ? EXIT_UNMET : EXIT_DONE;
	if (code == JERR_STOP && signals_stop())
		return 128 + signals_stop();
	return code == JERR_ARG ? EXIT_USAGE : EXIT_FAILED;
}

/* Everything after run(): its result is code; tells the exit status. */
static int
finish(struct jcli *cli, int code, struct jerr *e)
{
	struct jbuf bad;
	int status;

	if (close_stdout(e) < 0 && code == 0)
		code = e->code;
	if (code == 0 && cli->ran && prov_write(cli, e) < 0)
		code = e->code;
	status = status_of(cli, code);
	jbuf_init(&bad);
	if (code == 0 && summary_too_bad(cli, &bad))
		status = EXIT_REJECTS;
	if (cli->ran)
		summary_print(cli, status);
	if (code != 0)
		log_line(cli, "error", e->code ? e->msg : "failed");
	else if (status == EXIT_REJECTS)
		log_line(cli, "error", bad.p);
	if (cli->unmet)
		log_line(cli, "error", cli->unmet_msg);
	if (status == EXIT_USAGE && cli->common.verbosity >= 0)
		log_line(cli, "info", jarena_printf(&cli->arena, "try '%s%s%s --help'",
			cli->tool->name, cli->verb ? " " : "", cli->verb ? cli->verb->name : ""));
	jbuf_release(&bad);
	return status;
}

int
jcli_main(const struct jtool *tool, int argc, char **argv)
{
	struct jcli cli = { .tool = tool, .argc = argc, .argv = argv };
	struct jerr e = { 0 };
	bool asked;
	int code;

	guard_standard_streams();
	cli.start = jsys_now();
	jarena_init(&cli.arena, 0);
	pthread_mutex_init(&cli.lock, NULL);
	cli.command_line = quoted(&cli);
	signals_install();
	code = parse(&cli, &e);
	asked = code == 0 && answer(&cli);
	if (code == 0 && !asked)
		code = need_verb(&cli, &e);
	if (code == 0 && !asked)
		code = prepare(&cli, &e);
	if (code == 0 && !asked && cli.print_config) {
		print_config(&cli);
		asked = true;
	}
	if (code == 0 && !asked) {
		cli.ran = true;
		clean(&cli);
		code = run_function(&cli)(&cli, run_arg(&cli), cli.n_operand, cli.operand, &e);
		code = code < 0 && e.code ? e.code : code;
	}
	code = finish(&cli, code, &e);
	release(&cli);
	return code;
}

const struct jcommon *
jcli_common(const struct jcli *cli)
{
	return &cli->common;
}

bool
jcli_was_set(const struct jcli *cli, const char *long_name)
{
	const struct option *o = option_find(cli, long_name);

	if (!o)
		jbug("%s has no option --%s", cli->tool->name, long_name);
	return o->from > FROM_ENVIRONMENT;
}

int
jcli_set(struct jcli *cli, const char *long_name, const char *value, const char *origin,
	struct jerr *e)
{
	struct option *o = option_find(cli, long_name);

	if (!o)
		jbug("%s has no option --%s", cli->tool->name, long_name);
	return option_set(cli, o, value, FROM_FILE, origin, e);
}

const char *
jcli_tool(const struct jcli *cli)
{
	return cli->tool->name;
}

const char *
jcli_command_line(const struct jcli *cli)
{
	return cli->command_line;
}

void
jcli_unmet(struct jcli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!cli->unmet)
		vsnprintf(cli->unmet_msg, sizeof(cli->unmet_msg), fmt, ap);
	va_end(ap);
	cli->unmet = true;
}
