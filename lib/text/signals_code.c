/* signals_code.c - the measures of source files (StarCoder, Stack v2). */
#include <math.h>

#include "text/signals.h"

static double
sig_max_line(struct jpage *pg)
{
	return (double)pg->count.max_line;
}

static double
sig_mean_line(struct jpage *pg)
{
	const struct jpage_counts *c = &pg->count;

	return c->lines_all ? (double)(c->chars - c->newlines) / (double)c->lines_all : NAN;
}

static double
sig_lines_all(struct jpage *pg)
{
	return (double)pg->count.lines_all;
}

static double
sig_alnum_chars(struct jpage *pg)
{
	const struct jpage_counts *c = &pg->count;

	return c->chars ? (double)(c->letters + c->digits) / (double)c->chars : NAN;
}

static double
sig_letter_chars(struct jpage *pg)
{
	const struct jpage_counts *c = &pg->count;

	return c->chars ? (double)c->letters / (double)c->chars : NAN;
}

static double
sig_data_chars(struct jpage *pg)
{
	return jpage_data(pg);
}

static double
sig_generated(struct jpage *pg)
{
	return jpage_phrases(pg, JPAGE_GENERATED);
}

const struct jsignal jsignals_code[] = {
	{ "max_line", sig_max_line, "characters of the longest line" },
	{ "mean_line", sig_mean_line, "mean characters of a line" },
	{ "lines_all", sig_lines_all, "lines with blank ones" },
	{ "alnum_chars", sig_alnum_chars, "share of characters that are letters or digits" },
	{ "letter_chars", sig_letter_chars, "share of characters that are letters" },
	{ "data_chars", sig_data_chars, "share of characters in base64, hex or escaped data" },
	{ "generated", sig_generated, "phrases of generated files in the first five lines" },
	{ .name = NULL }
};
