/*
 * jcli.h - what every program shares at the command line: the option table, help, version, log,
 * progress, summary, exit codes.  The only room that prints or exits.
 *
 * A program has one const table of options (and, if it has verbs, one table of verbs with an
 * option table each).  Parsing, --help, --print-config and the conformance test against the man
 * page all read that table.  Long options: --x=V or --x V; no abbreviations; a JOPT_BOOL also has
 * --no-x; an unknown one is a usage error that names the nearest.  Options and operands may mix;
 * "--" ends the options.  The value that a variable has before jcli_main() is its default.  A tool
 * may not redefine a shared long option, nor -h -V -j -o; it may take another shared letter for
 * itself (jtokenize train -v).
 *
 * A value comes from the command line, else from --preset NAME (share/presets/TOOL/NAME, or a path
 * with a slash: lines "name = value", # comments), else from a file that the tool read in its
 * prepare() (jcli_set()), else from J_LOG (json, quiet or verbose), else it is the default.
 *
 *	static int verb_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct filter_opts o = FILTER_OPTS_INIT;
 *		const struct jopt opts[] = { ... , { .type = JOPT_END } };
 *		const struct jtool tool = { .name = "jfilter", .args = "[options] [FILE ...]",
 *			.summary = "filter JSONL records", .opts = opts, .run = filter_run, .arg = &o };
 *		return jcli_main(&tool, argc, argv);
 *	}
 *
 * jcli_main() parses, answers --help and --version, installs the signal handlers, calls run() with
 * the operands, flushes and checks standard output, writes the provenance file, prints the summary
 * line and the error line, and returns the exit code: 0 done, 1 failed, 2 usage (also JERR_ARG
 * from run()), 3 more rejects than --max-bad, 4 a demanded condition is not met; 128 + signal
 * after JERR_STOP.
 *
 * Provenance (jprov(5)): when -o names a regular file, FILE.prov; when a folder, FOLDER/prov.json.
 *
 * The struct jcli and the texts that options point to are owned by jcli_main().  Messages, progress and counts by jcli_reject() may come
 * from any thread; the rest belongs to the thread that called run().
 */
#ifndef JCLI_H
#define JCLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

#define JVERSION "0.1.0"

enum jopt_type {
	JOPT_END,
	JOPT_BOOL,	/* bool; --x, --no-x */
	JOPT_INT,	/* int64_t */
	JOPT_DOUBLE,	/* double */
	JOPT_SIZE,	/* uint64_t bytes, K M G = powers of 1024 */
	JOPT_COUNT,	/* uint64_t, k m b = powers of 1000 */
	JOPT_STR,	/* const char * */
	JOPT_LIST,	/* struct jopt_list, option may be repeated, or takes several operands (see many) */
	JOPT_HEAD	/* no option: a heading in the help */
};

struct jopt_list {
	const char **v;
	size_t n;
};

struct jopt {
	const char *name;	/* long name without dashes; for JOPT_HEAD the heading */
	int letter;		/* 0 = none */
	enum jopt_type type;
	void *value;
	const char *arg;	/* "FILE"; NULL for JOPT_BOOL */
	const char *help;	/* one line, no full stop; the default is appended by --help */
	const char *choices;	/* JOPT_STR: "a|b|c" or NULL */
	bool many;		/* JOPT_LIST: takes every following word up to the next option */
	const char *alone;	/* JOPT_STR: the value may be left out (then only --x=V) and is this */
};

struct jcli;
typedef int jcli_run_fn(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

struct jverb {
	const char *name;	/* one word, or two: "swarm list" */
	const char *args;	/* synopsis after the verb */
	const char *summary;
	const struct jopt *opts;
	jcli_run_fn *run;
	void *arg;
	jcli_run_fn *prepare;	/* NULL, or called after parsing: reads files and calls jcli_set() */
};

struct jtool {
	const char *name;
	const char *args;
	const char *summary;
	const struct jopt *opts;	/* options of the tool itself, or of the call without a verb */
	jcli_run_fn *run;		/* NULL: a verb is required */
	void *arg;
	const struct jverb *verbs;	/* ends with .name NULL; NULL = none */
	bool no_summary;		/* tools whose last line is not wanted (jmodel info) */
	jcli_run_fn *prepare;		/* as in struct jverb */
};

/* The shared options (STYLE.md 3.5), parsed by jcli_main() before run(). */
struct jcommon {
	int64_t jobs;		/* -j, --jobs; default jsys_cpus() */
	const char *output;	/* -o, --output; default "-" */
	int64_t seed;		/* --seed, default 0 ("random" draws one and logs it) */
	uint64_t memory;	/* -M, --memory; default half of jsys_memory() */
	const char *rejects;	/* --rejects FILE or NULL */
	const char *max_bad;	/* --max-bad N|P% or NULL */
	int64_t limit;		/* --limit N records, 0 = all */
	bool prov;		/* --prov / --no-prov: write OUTPUT.prov beside -o FILE; default true */
	int64_t max_line;	/* --max-line, default 16 MiB */
	bool log_json;
	int verbosity;		/* -q lowers, -v raises; 0 = normal */
};

int jcli_main(const struct jtool *tool, int argc, char **argv);

/*
 * Path of a shipped file ("presets/jfilter/docs", "rules"), existing or not: below share/ of the
 * tree or share/jupiter/ of the installation that the running program belongs to.  The caller
 * frees it with jmem_free().
 */
char *jcli_share(const char *relative);

const struct jcommon *jcli_common(const struct jcli *cli);
/* Given on the command line, by a preset or by jcli_set(), that is, not just the default? */
bool jcli_was_set(const struct jcli *cli, const char *long_name);
/*
 * Gives an option a value from a file, unless the command line or a preset gave it one.  origin
 * ("python.yaml:12") is shown by --print-config and stands in front of an error.
 */
int jcli_set(struct jcli *cli, const char *long_name, const char *value, const char *origin,
	struct jerr *e);
const char *jcli_tool(const struct jcli *cli);
const char *jcli_command_line(const struct jcli *cli);			/* quoted, for provenance */

/* Set by SIGINT/SIGTERM for tools that called jcli_catch_stop(): poll it, save, return JERR_STOP. */
void jcli_catch_stop(struct jcli *cli);
bool jcli_stopping(const struct jcli *cli);

/* Messages to standard error: "jfilter: warning: ...".  Control characters become '?'. */
void jcli_info(struct jcli *cli, const char *fmt, ...) JPRINTF(2, 3);	/* -v or more is not needed; -q hides */
void jcli_warn(struct jcli *cli, const char *fmt, ...) JPRINTF(2, 3);
void jcli_debug(struct jcli *cli, const char *fmt, ...) JPRINTF(2, 3);	/* with -v */

/*
 * Progress on a terminal (rate, share, time left; a line that is redrawn), events with --log-json,
 * else silent.  total 0 = unknown.  Cheap enough to call per record.
 */
void jcli_progress(struct jcli *cli, const char *unit, uint64_t done, uint64_t total,
	const char *extra);

/*
 * Counts of the run, for the summary line, the `done` event, the provenance file and --max-bad.
 * jcli_reject() also counts the reason; reasons appear in the summary most frequent first.
 */
struct jcli_counts {
	uint64_t in, out, rejected;
	uint64_t bytes_in, bytes_out;
};
struct jcli_counts *jcli_counts(struct jcli *cli);
void jcli_reject(struct jcli *cli, const char *reason);
/* Adds "name": value (a JSON literal) to the provenance file and the done event. */
void jcli_note(struct jcli *cli, const char *name, const char *json);
/* Names an input for the provenance file (hashed when the run ends, if a regular file). */
void jcli_input(struct jcli *cli, const char *path);

/* The demanded condition is not met: run() returns 0 afterwards and the exit code is 4. */
void jcli_unmet(struct jcli *cli, const char *fmt, ...) JPRINTF(2, 3);

#endif
