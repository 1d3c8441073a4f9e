#include <string.h>

#include "cli/internal.h"
#include "io/jfs.h"

const struct jopt *
tool_options(const struct jcli *cli)
{
	return cli->verb ? cli->verb->opts : cli->tool->opts;
}

/* How many words of argv the verb's name takes if they spell it, else 0. */
static int
spells(const char *name, int argc, char **argv)
{
	const char *space = strchr(name, ' ');
	size_t n = space ? (size_t)(space - name) : strlen(name);

	if (argc < 2 || strlen(argv[1]) != n || memcmp(argv[1], name, n) != 0)
		return 0;
	if (!space)
		return 1;
	return argc > 2 && strcmp(argv[2], space + 1) == 0 ? 2 : 0;
}

/* The first word of two-word verbs: then the second is a verb too, never an operand. */
static bool
is_group(const struct jtool *tool, const char *word)
{
	const struct jverb *v;
	size_t n = strlen(word);

	for (v = tool->verbs; v && v->name; v++)
		if (strncmp(v->name, word, n) == 0 && v->name[n] == ' ')
			return true;
	return false;
}

static int
unknown_verb(const struct jtool *tool, const char *word, struct jerr *e)
{
	const struct jverb *v;
	const char *best = NULL;
	int d, best_d = 4;

	for (v = tool->verbs; v->name; v++) {
		d = jstr_distance(word, v->name);
		if (d < best_d && d < (int)strlen(v->name)) {
			best = v->name;
			best_d = d;
		}
	}
	if (best)
		return jerr_set(e, JERR_ARG, "unknown verb '%s' (did you mean '%s'?)", word, best);
	return jerr_set(e, JERR_ARG, "unknown verb '%s'", word);
}

int
parse_verb(struct jcli *cli, int *words, struct jerr *e)
{
	const struct jtool *tool = cli->tool;
	const struct jverb *v;
	const char *word = cli->argc > 1 ? cli->argv[1] : NULL;

	*words = 0;
	for (v = tool->verbs; v && v->name; v++) {
		*words = spells(v->name, cli->argc, cli->argv);
		if (*words) {
			cli->verb = v;
			return 0;
		}
	}
	if (!tool->verbs || !word || word[0] == '-')
		return 0;
	if (is_group(tool, word)) {
		const char *next = cli->argc > 2 ? cli->argv[2] : "";

		*words = 1;
		cli->group = word;
		if (next[0] == '-' || !next[0])
			return 0;
		return unknown_verb(tool, jarena_printf(&cli->arena, "%s %s", word, next), e);
	}
	return tool->run ? 0 : unknown_verb(tool, word, e);
}

static int
unknown_option(const struct jcli *cli, const char *name, struct jerr *e)
{
	bool no = jstr_starts(name, "no-");
	const char *near = option_nearest(cli, name);

	if (near)
		return jerr_set(e, JERR_ARG, "unknown option --%s (did you mean --%s?)", name, near);
	near = no ? option_nearest(cli, name + 3) : NULL;
	if (near && option_find(cli, near)->o->type == JOPT_BOOL)
		return jerr_set(e, JERR_ARG, "unknown option --%s (did you mean --no-%s?)", name,
			near);
	return jerr_set(e, JERR_ARG, "unknown option --%s", name);
}

/*
 * The option at argv[i] takes its value from the same word (inline_value), from the next one, or
 * for a list from all up to the next option.  Returns the index of the last word used.
 */
static int
take_value(struct jcli *cli, struct option *o, const char *inline_value, int i, struct jerr *e)
{
	if (!inline_value && o->o->alone)
		inline_value = o->o->alone;
	if (inline_value) {
		if (option_set(cli, o, inline_value, FROM_COMMAND_LINE, NULL, e) < 0)
			return -1;
		return i;
	}
	if (i + 1 >= cli->argc) {
		jerr_set(e, JERR_ARG, "option --%s: a value is missing (%s)", o->o->name,
			o->o->arg ? o->o->arg : "VALUE");
		return -1;
	}
	do {
		if (option_set(cli, o, cli->argv[++i], FROM_COMMAND_LINE, NULL, e) < 0)
			return -1;
	} while (o->o->many && i + 1 < cli->argc &&
	    (cli->argv[i + 1][0] != '-' || !cli->argv[i + 1][1]));
	return i;
}

static int
parse_long(struct jcli *cli, int i, struct jerr *e)
{
	const char *word = cli->argv[i] + 2, *eq = strchr(word, '=');
	const char *name = eq ? jarena_strndup(&cli->arena, word, (size_t)(eq - word)) : word;
	struct option *o = option_find(cli, name);
	const char *value = "true";

	if (!o && jstr_starts(name, "no-")) {
		o = option_find(cli, name + 3);
		if (o && o->o->type != JOPT_BOOL)
			o = NULL;
		value = "false";
	}
	if (!o) {
		unknown_option(cli, name, e);
		return -1;
	}
	if (o->o->type != JOPT_BOOL)
		return take_value(cli, o, eq ? eq + 1 : NULL, i, e);
	if (eq) {
		jerr_set(e, JERR_ARG, "option --%s takes no value", name);
		return -1;
	}
	return option_set(cli, o, value, FROM_COMMAND_LINE, NULL, e) < 0 ? -1 : i;
}

/* "-qj4": flags may be joined, the first option with a value takes the rest of the word. */
static int
parse_letters(struct jcli *cli, int i, struct jerr *e)
{
	const char *p;

	for (p = cli->argv[i] + 1; *p; p++) {
		struct option *o = option_letter(cli, (unsigned char)*p);

		if (!o) {
			jerr_set(e, JERR_ARG, "unknown option -%c", *p);
			return -1;
		}
		if (o->o->type != JOPT_BOOL)
			return take_value(cli, o, p[1] ? p + 1 : NULL, i, e);
		if (option_set(cli, o, "true", FROM_COMMAND_LINE, NULL, e) < 0)
			return -1;
	}
	return i;
}

/* "jfilter -q dedup": a verb behind options would be taken for a file, if there is no such file. */
static int
late_verb(const struct jcli *cli, const char *word, struct jerr *e)
{
	const struct jverb *v;

	if (cli->verb || jfs_exists(word))
		return 0;
	for (v = cli->tool->verbs; v && v->name; v++)
		if (strcmp(v->name, word) == 0)
			return jerr_set(e, JERR_ARG, "the verb %s must come before the options: %s %s",
				word, cli->tool->name, word);
	return 0;
}

int
parse_words(struct jcli *cli, int first, struct jerr *e)
{
	bool options = true;
	int i;

	cli->operand = jarena_alloc(&cli->arena, (size_t)cli->argc + 1, sizeof(char *));
	for (i = first; i < cli->argc; i++) {
		char *word = cli->argv[i];

		if (options && cli->n_operand == 0 && late_verb(cli, word, e) < 0)
			return e->code;
		if (!options || word[0] != '-' || !word[1])
			cli->operand[cli->n_operand++] = word;
		else if (strcmp(word, "--") == 0)
			options = false;
		else
			i = word[1] == '-' ? parse_long(cli, i, e) : parse_letters(cli, i, e);
		if (i < 0)
			return e->code;
	}
	return 0;
}
