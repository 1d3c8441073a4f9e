/*
 * signals_stack.c - the measures of source files that depend on the language (Lozhkov et al. 2024,
 * section 2, and the scripts of StarCoder): what holds for code does not for data and markup.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "text/jabout.h"
#include "text/jcomments.h"
#include "text/signals.h"

enum { HEADER = 100 };

/* False where the language is not known. */
static bool
lang_in(const struct jpage *pg, const char *langs)
{
	return pg->about && pg->about->code_lang && jcomments_lang_in(langs, pg->about->code_lang);
}

/* Their lines may be long. */
static bool
is_markup(const struct jpage *pg)
{
	return lang_in(pg, " html json markdown roff smt tex texinfo text xml ");
}

static double
share(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

static double
mean_line(const struct jpage *pg)
{
	return share((double)(pg->count.chars - pg->count.newlines), (double)pg->count.lines_all);
}

static double
sig_code_max_line(struct jpage *pg)
{
	return is_markup(pg) ? NAN : (double)pg->count.max_line;
}

static double
sig_code_mean_line(struct jpage *pg)
{
	return is_markup(pg) ? NAN : mean_line(pg);
}

static double
sig_markup_max_line(struct jpage *pg)
{
	return is_markup(pg) ? (double)pg->count.max_line : NAN;
}

static double
sig_data_lines(struct jpage *pg)
{
	return lang_in(pg, " text json yaml owl dot ") ? (double)pg->count.lines_all : NAN;
}

static double
sig_config_chars(struct jpage *pg)
{
	return lang_in(pg, " json yaml ") ? (double)pg->count.chars : NAN;
}

/* Of assembly the numbers count too. */
static double
sig_code_letters(struct jpage *pg)
{
	const struct jpage_counts *c = &pg->count;

	return share((double)(c->letters + (lang_in(pg, " asm ") ? c->digits : 0)), (double)c->chars);
}

static double
sig_data_run(struct jpage *pg)
{
	jpage_data(pg);
	return (double)pg->data_run;
}

static double
sig_comment_share(struct jpage *pg)
{
	uint64_t bytes;

	if (!pg->about || !pg->about->code_lang || pg->n == 0 ||
	    !jcomments_bytes(pg->about->code_lang, pg->p, pg->n, &bytes))
		return NAN;
	return (double)bytes / (double)pg->n;
}

static double
sig_xml_header(struct jpage *pg)
{
	size_t n = pg->n < HEADER ? pg->n : HEADER, i;

	if (lang_in(pg, " xml xslt "))
		return NAN;
	for (i = 0; i + 14 <= n; i++)
		if (memcmp(pg->p + i, "<?xml version=", 14) == 0)
			return 1;
	return 0;
}

static double
sig_html_text(struct jpage *pg)
{
	return lang_in(pg, " html ") ? (double)jcomments_html_text(pg->p, pg->n) : NAN;
}

static double
sig_html_text_share(struct jpage *pg)
{
	return share(sig_html_text(pg), (double)pg->n);
}

/* A file of plain text among code is worth something when its name says what it is. */
static double
sig_text_name(struct jpage *pg)
{
	static const char *const names[] = { "readme", "notes", "todo", "description", "cmakelists" };
	const char *name;
	size_t n, i, k;

	if (!lang_in(pg, " text ") || !pg->about->uri)
		return NAN;
	name = pg->about->uri;
	n = pg->about->uri_n;
	for (i = n; i > 0 && name[i - 1] != '/' && name[i - 1] != '!'; i--)
		;
	name += i;
	n -= i;
	for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t len = strlen(names[k]);

		if (n >= len && strncasecmp(name, names[k], len) == 0 && (n == len || name[len] == '.'))
			return 1;
	}
	for (i = 0; i + 11 <= n; i++)
		if (strncasecmp(name + i, "requirement", 11) == 0)
			return 1;
	return 0;
}

const struct jsignal jsignals_stack[] = {
	{ "code_max_line", sig_code_max_line, "characters of the longest line, but of markup and JSON" },
	{ "code_mean_line", sig_code_mean_line, "mean characters of a line, but of markup and JSON" },
	{ "markup_max_line", sig_markup_max_line, "characters of the longest line of markup and JSON" },
	{ "data_lines", sig_data_lines, "lines of plain text, JSON, YAML, OWL and DOT" },
	{ "config_chars", sig_config_chars, "characters of JSON and YAML" },
	{ "code_letters", sig_code_letters, "share of letters; of assembly, letters and digits" },
	{ "data_run", sig_data_run, "characters of the longest run of encoded data" },
	{ "comment_share", sig_comment_share, "share of bytes in comments, by language" },
	{ "xml_header", sig_xml_header, "XML declaration in the first 100 bytes of another language (0 or 1)" },
	{ "html_text", sig_html_text, "bytes of visible text in HTML" },
	{ "html_text_share", sig_html_text_share, "share of the bytes of HTML that are visible text" },
	{ "text_name", sig_text_name, "a file of plain text is named readme, notes, ... (0 or 1)" },
	{ .name = NULL }
};
