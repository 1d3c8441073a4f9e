#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsys.h"
#include "cli/internal.h"

/* The shared options: the only place that names them. */
static void
shared_table(struct jcli *cli)
{
	struct jcommon *c = &cli->common;
	const struct jopt table[SHARED_OPTIONS] = {
		{ "help", 'h', JOPT_BOOL, &cli->help, .help = "print this help and exit" },
		{ "version", 'V', JOPT_STR, &cli->version, "full|short",
			.help = "print the version and what the program was built with, and exit",
			.choices = "full|short", .alone = "full" },
		{ "jobs", 'j', JOPT_INT, &c->jobs, "N", .help = "threads; the output does not depend on it" },
		{ "output", 'o', JOPT_STR, &c->output, "FILE",
			.help = "write to FILE, which appears when it is whole; - is standard output" },
		{ "seed", 0, JOPT_STR, &cli->seed, "N",
			.help = "seed of every random choice; \"random\" draws one and records it" },
		{ "memory", 'M', JOPT_SIZE, &c->memory, "SIZE",
			.help = "memory to use (K M G = powers of 1024); more is spilled to files" },
		{ "rejects", 0, JOPT_STR, &c->rejects, "FILE",
			.help = "write refused records to FILE with the reason in the member drop" },
		{ "max-bad", 0, JOPT_STR, &c->max_bad, "N|P%",
			.help = "exit with status 3 if more than N records, or P percent, were refused" },
		{ "limit", 0, JOPT_INT, &c->limit, "N", .help = "stop after N input records; 0 = no limit" },
		{ "max-line", 0, JOPT_SIZE, &cli->max_line, "SIZE", .help = "refuse longer input lines" },
		{ "prov", 0, JOPT_BOOL, &c->prov, .help = "write the provenance beside -o FILE" },
		{ "progress", 0, JOPT_STR, &cli->progress_mode, "auto|never|SEC",
			.help = "show progress: on a terminal, never, or a line every SEC seconds",
			.alone = "auto" },
		{ "log-json", 0, JOPT_BOOL, &c->log_json,
			.help = "messages and progress as JSON events on standard error" },
		{ "quiet", 'q', JOPT_BOOL, &cli->quiet, .help = "only warnings and errors" },
		{ "verbose", 'v', JOPT_BOOL, &cli->verbose, .help = "say more" },
		{ "preset", 0, JOPT_STR, &cli->preset, "NAME",
			.help = "read options from the shipped preset NAME, or from a file if NAME has a /" },
		{ "print-config", 0, JOPT_BOOL, &cli->print_config,
			.help = "print each option's value and where it came from, and exit" },
		{ "dump-options", 0, JOPT_BOOL, &cli->dump, .help = NULL },	/* for the tests */
		{ .type = JOPT_END }
	};

	memcpy(cli->shared, table, sizeof(table));
}

static size_t
table_length(const struct jopt *o)
{
	size_t n = 0;

	while (o && o[n].type != JOPT_END)
		n++;
	return n;
}

/* A clash between a tool's table and the shared one is a bug of ours; see jcli.h for the rule. */
static void
check_against_shared(struct jcli *cli, const struct jopt *t)
{
	size_t i;

	for (i = 0; cli->shared[i].type != JOPT_END; i++) {
		struct jopt *s = &cli->shared[i];

		if (strcmp(s->name, t->name) == 0)
			jbug("%s redefines the shared option --%s", cli->tool->name, t->name);
		if (!s->letter || s->letter != t->letter)
			continue;
		if (strchr("hVjo", s->letter))
			jbug("%s redefines the shared option -%c", cli->tool->name, t->letter);
		s->letter = 0;
	}
}

void
options_init(struct jcli *cli)
{
	const struct jopt *t = tool_options(cli);
	size_t i, n = table_length(t), n_shared;

	cli->common = (struct jcommon){ .jobs = jsys_cpus(), .output = "-",
		.memory = jsys_memory() / 2 >> 20 << 20, .prov = true };
	cli->seed = "0";
	cli->max_line = 16 << 20;
	cli->progress_mode = "auto";
	shared_table(cli);
	for (i = 0; i < n; i++)
		if (t[i].type != JOPT_HEAD)
			check_against_shared(cli, &t[i]);
	n_shared = table_length(cli->shared);
	cli->n_opt = n + n_shared;
	cli->opt = jarena_alloc(&cli->arena, cli->n_opt, sizeof(*cli->opt));
	for (i = 0; i < cli->n_opt; i++) {
		cli->opt[i].o = i < n ? &t[i] : &cli->shared[i - n];
		cli->opt[i].shared = i >= n;
	}
}

struct option *
option_find(const struct jcli *cli, const char *name)
{
	size_t i;

	for (i = 0; i < cli->n_opt; i++)
		if (cli->opt[i].o->type != JOPT_HEAD && strcmp(cli->opt[i].o->name, name) == 0)
			return &cli->opt[i];
	return NULL;
}

struct option *
option_letter(const struct jcli *cli, int letter)
{
	size_t i;

	for (i = 0; i < cli->n_opt; i++)
		if (cli->opt[i].o->type != JOPT_HEAD && cli->opt[i].o->letter == letter)
			return &cli->opt[i];
	return NULL;
}

const char *
option_nearest(const struct jcli *cli, const char *name)
{
	const char *best = NULL;
	int d, best_d = 8;
	size_t i;

	for (i = 0; i < cli->n_opt; i++) {
		const struct jopt *o = cli->opt[i].o;

		if (o->type == JOPT_HEAD || !o->help)
			continue;
		d = jstr_distance(name, o->name);
		if (d >= (int)strlen(o->name))
			continue;
		/* Of two as near, the one that begins alike. */
		d = 2 * d + (name[0] != o->name[0]);
		if (d < best_d) {
			best = o->name;
			best_d = d;
		}
	}
	return best;
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text), part;
	const char *p;

	for (p = choices; ; p += part + 1) {
		part = strcspn(p, "|");
		if (part == n && memcmp(p, text, n) == 0)
			return true;
		if (!p[part])
			return false;
	}
}

/* Room doubles at powers of two, so that no capacity need be kept beside the tool's list. */
static void
list_add(struct jcli *cli, struct jopt_list *l, const char *text)
{
	if ((l->n & (l->n - 1)) == 0) {
		const char **v = jarena_alloc(&cli->arena, l->n ? 2 * l->n : 1, sizeof(*v));

		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = text;
}

static int
set_bool(bool *v, const char *text)
{
	*v = strcmp(text, "true") == 0;
	return *v || strcmp(text, "false") == 0 ? 0 : JERR_ARG;
}

static int
set_value(struct jcli *cli, const struct option *o, const char *text, bool fresh)
{
	struct jopt_list *list = o->o->value;

	switch (o->o->type) {
	case JOPT_BOOL:
		return set_bool(o->o->value, text);
	case JOPT_INT:
		return jstr_to_i64(text, o->o->value);
	case JOPT_DOUBLE:
		return jstr_to_double(text, o->o->value);
	case JOPT_SIZE:
		return jstr_to_size(text, o->o->value);
	case JOPT_COUNT:
		return jstr_to_count(text, o->o->value);
	case JOPT_STR:
		*(const char **)o->o->value = jarena_strndup(&cli->arena, text, strlen(text));
		return 0;
	case JOPT_LIST:
		if (fresh)
			*list = (struct jopt_list){ 0 };
		list_add(cli, list, jarena_strndup(&cli->arena, text, strlen(text)));
		return 0;
	default:
		return JERR_ARG;
	}
}

static const char *
expected(const struct jopt *o)
{
	switch (o->type) {
	case JOPT_BOOL:		return "true or false";
	case JOPT_INT:		return "a whole number";
	case JOPT_DOUBLE:	return "a number";
	case JOPT_SIZE:		return "a size such as 512K, 64M or 2G";
	case JOPT_COUNT:	return "a count such as 8192, 300k, 2m or 1b";
	default:		return "a value";
	}
}

int
option_set(struct jcli *cli, struct option *o, const char *text, enum origin from,
	const char *where, struct jerr *e)
{
	bool fresh = from != o->from;
	const char *colon = where ? ": " : "";

	if (!where)
		where = "";
	if (o->o->choices && !is_choice(o->o->choices, text))
		return jerr_set(e, JERR_ARG, "%s%soption --%s: expected one of %s, found '%s'",
			where, colon, o->o->name, o->o->choices, text);
	if (from < o->from)
		return 0;
	if (set_value(cli, o, text, fresh) < 0)
		return jerr_set(e, JERR_ARG, "%s%soption --%s: expected %s, found '%s'", where,
			colon, o->o->name, expected(o->o), text);
	o->from = from;
	o->where = *where ? jarena_strndup(&cli->arena, where, strlen(where)) : NULL;
	return 0;
}

/* The largest unit that divides v, as jstr_to_size() and jstr_to_count() read it. */
static void
format_scaled(struct jbuf *b, uint64_t v, uint64_t base, const char *letters)
{
	int i = -1;

	while (v && v % base == 0 && letters[i + 1]) {
		v /= base;
		i++;
	}
	jbuf_printf(b, "%" PRIu64, v);
	if (i >= 0)
		jbuf_addc(b, letters[i]);
}

void
option_format(const struct jopt *o, size_t i, struct jbuf *b)
{
	const struct jopt_list *list = o->value;
	const char *s;

	switch (o->type) {
	case JOPT_BOOL:
		jbuf_adds(b, *(bool *)o->value ? "true" : "false");
		break;
	case JOPT_INT:
		jbuf_printf(b, "%" PRId64, *(int64_t *)o->value);
		break;
	case JOPT_DOUBLE:
		jbuf_printf(b, "%.10g", *(double *)o->value);
		break;
	case JOPT_SIZE:
		format_scaled(b, *(uint64_t *)o->value, 1024, "KMG");
		break;
	case JOPT_COUNT:
		format_scaled(b, *(uint64_t *)o->value, 1000, "kmb");
		break;
	case JOPT_STR:
		s = *(const char **)o->value;
		jbuf_adds(b, s ? s : "");
		break;
	case JOPT_LIST:
		if (i < list->n)
			jbuf_adds(b, list->v[i]);
		break;
	default:
		break;
	}
}

const char *
option_type(const struct jopt *o)
{
	static const char *const name[] = { "end", "bool", "int", "double", "size", "count", "str",
		"list", "head" };

	return name[o->type];
}

static int
settle_seed(struct jcli *cli, struct jerr *e)
{
	uint64_t r = 0;
	FILE *f;

	if (strcmp(cli->seed, "random") != 0) {
		if (jstr_to_i64(cli->seed, &cli->common.seed) < 0)
			return jerr_set(e, JERR_ARG, "option --seed: expected a whole number or "
				"\"random\", found '%s'", cli->seed);
		return 0;
	}
	f = fopen("/dev/urandom", "rb");
	if (!f || fread(&r, sizeof(r), 1, f) != 1) {
		if (f)
			fclose(f);
		return jerr_sys(e, "/dev/urandom");
	}
	fclose(f);
	/* 53 bits, so that any JSON reader gets the recorded seed back exactly. */
	cli->common.seed = (int64_t)(r >> 11);
	cli->seed = jarena_printf(&cli->arena, "%" PRId64, cli->common.seed);
	jcli_info(cli, "seed %" PRId64, cli->common.seed);
	return 0;
}

int
options_settle(struct jcli *cli, struct jerr *e)
{
	struct jcommon *c = &cli->common;

	c->verbosity = cli->quiet ? -1 : cli->verbose ? 1 : 0;
	if (c->jobs < 1 || c->jobs > 4096)
		return jerr_set(e, JERR_ARG, "option --jobs: expected 1 to 4096, found %" PRId64,
			c->jobs);
	if (c->limit < 0)
		return jerr_set(e, JERR_ARG, "option --limit: expected 0 or more, found %" PRId64,
			c->limit);
	if (cli->max_line < 1 || cli->max_line > (uint64_t)1 << 40)
		return jerr_set(e, JERR_ARG, "option --max-line: expected 1 to 1024G");
	c->max_line = (int64_t)cli->max_line;
	if (!*c->output)
		return jerr_set(e, JERR_ARG, "option --output: the name is empty");
	if (c->max_bad && summary_check_max_bad(c->max_bad, e) < 0)
		return e->code;
	if (progress_init(cli, e) < 0)
		return e->code;
	return settle_seed(cli, e);
}
