/*
 * internal.h - the parts of lib/cli among themselves.
 *
 *	options.c  the shared options, the merged table, setting and formatting one value
 *	parse.c    words of the command line to values; which verb
 *	preset.c   option files, --print-config, where shipped files are
 *	help.c     --help, --version, --dump-options
 *	signals.c  stop signals
 *	log.c      lines and events on standard error
 *	progress.c
 *	summary.c  counts, the last line, the done event, --max-bad
 *	prov.c     the provenance file
 *	main.c     the order of all that
 */
#ifndef JCLI_INTERNAL_H
#define JCLI_INTERNAL_H

#include <pthread.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "cli/jcli.h"

/* Where a value came from; a higher one is never overwritten by a lower one. */
enum origin { FROM_DEFAULT, FROM_ENVIRONMENT, FROM_FILE, FROM_PRESET, FROM_COMMAND_LINE };

struct option {
	const struct jopt *o;
	enum origin from;
	const char *where;	/* "python.yaml:12"; NULL for the default and the command line */
	bool shared;
};

#define SHARED_OPTIONS 19

struct reason {
	char *name;
	uint64_t count;
};

struct note {
	char *name, *json;
};

struct progress {
	bool on, tty, shown;
	double every, next;	/* seconds */
	double start;		/* when the first call came, and at which count */
	uint64_t first;
};

struct jcli {
	const struct jtool *tool;
	const struct jverb *verb;	/* NULL: the tool itself */
	const char *group;		/* the first word of two-word verbs, given alone */
	int argc;
	char **argv;
	struct jarena arena;
	pthread_mutex_t lock;

	struct jcommon common;
	bool help, print_config, dump, quiet, verbose;
	const char *version, *progress_mode, *preset, *seed;
	uint64_t max_line;

	struct jopt shared[SHARED_OPTIONS];
	struct option *opt;
	size_t n_opt;
	char **operand;
	int n_operand;
	const char *command_line;

	struct jcli_counts counts;
	struct reason *reason;
	size_t n_reason, cap_reason;
	struct note *note;
	size_t n_note, cap_note;
	char **input;
	size_t n_input, cap_input;
	struct progress progress;
	bool ran;		/* run() was called: a summary is due */
	bool unmet;
	char unmet_msg[600];
	double start;
};

/* options.c */
void options_init(struct jcli *cli);
struct option *option_find(const struct jcli *cli, const char *name);
struct option *option_letter(const struct jcli *cli, int letter);
int option_set(struct jcli *cli, struct option *o, const char *text, enum origin from,
	const char *where, struct jerr *e);
/* The present value as text, empty if there is none; element i of a list. */
void option_format(const struct jopt *o, size_t i, struct jbuf *b);
const char *option_type(const struct jopt *o);
/* The name in the table (or the verb, where verbs) nearest to a misspelt one, or NULL. */
const char *option_nearest(const struct jcli *cli, const char *name);
/* What the values of the shared options mean together; after all were set. */
int options_settle(struct jcli *cli, struct jerr *e);

/* parse.c */
int parse_verb(struct jcli *cli, int *words, struct jerr *e);
int parse_words(struct jcli *cli, int first, struct jerr *e);
const struct jopt *tool_options(const struct jcli *cli);

/* preset.c */
int preset_apply(struct jcli *cli, const char *name, struct jerr *e);
void print_config(const struct jcli *cli);

/* help.c */
void help_print(const struct jcli *cli);
void version_print(const struct jcli *cli);
void dump_options(const struct jcli *cli);

/* signals.c */
void signals_install(void);
int signals_stop(void);			/* the stop signal that came, or 0 */

/* log.c */
void log_line(struct jcli *cli, const char *kind, const char *msg);
void log_raw(const struct jbuf *b);
void log_event_begin(const struct jcli *cli, struct jbuf *b, const char *event);

/* progress.c */
int progress_init(struct jcli *cli, struct jerr *e);
void progress_clear(struct jcli *cli);	/* takes the line off the terminal; lock held */

/* summary.c */
void summary_print(struct jcli *cli, int status);
void summary_reasons(struct jcli *cli, struct jbuf *b);	/* {"too_short":10,...} */
int summary_check_max_bad(const char *text, struct jerr *e);
bool summary_too_bad(const struct jcli *cli, struct jbuf *why);

/* prov.c */
int prov_write(struct jcli *cli, struct jerr *e);

#endif
