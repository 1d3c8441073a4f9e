/* compare_html.c - arms beside a reference as one self-contained page. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "score/html_internal.h"
#include "score/jcompare.h"

#define WIDTH 620		/* of the picture, in pixels */
#define LABEL 150
#define ROW 22

const char *
jcompare_verdict(const struct jcompare_figure *f)
{
	return f->diff_high < 0 ? "better" : f->diff_low > 0 ? "WORSE" : "no difference shown";
}

/* "worse than generalist: routed (+0.063), ..." */
static void
put_list(const struct jcompare *c, const struct jcompare_names *names, const struct jcompare_figure *all,
	const char *verdict, struct jbuf *out)
{
	size_t n = 0;

	for (size_t a = 0; a < c->arms; a++) {
		if (a == c->reference || strcmp(jcompare_verdict(&all[a]), verdict) != 0)
			continue;
		jbuf_adds(out, n++ ? ", " : "");
		html_escape(out, names->arm[a]);
		jbuf_printf(out, " (%+.4f)", all[a].diff);
	}
	if (n == 0)
		jbuf_adds(out, "none");
}

static double
place(double v, double lo, double hi)
{
	return LABEL + (v - lo) / (hi - lo) * (WIDTH - LABEL - 10);
}

/* The interval of each arm's difference, the line at 0 being the reference. */
static void
put_picture(const struct jcompare *c, const struct jcompare_names *names,
	const struct jcompare_figure *all, struct jbuf *out)
{
	double lo = 0, hi = 0, zero;

	for (size_t a = 0; a < c->arms; a++) {
		lo = fmin(lo, all[a].diff_low);
		hi = fmax(hi, all[a].diff_high);
	}
	if (!(hi > lo))
		return;
	zero = place(0, lo, hi);
	jbuf_printf(out, "<svg viewBox='0 0 %d %zu' font-size='12' fill='currentColor'>"
		"<line x1='%.1f' x2='%.1f' y1='0' y2='%zu' stroke='#888'/>\n", WIDTH, c->arms * ROW + 4, zero,
		zero, c->arms * ROW);
	for (size_t a = 0; a < c->arms; a++) {
		const struct jcompare_figure *f = &all[a];
		const char *colour = f->diff_high < 0 ? "#15803d" : f->diff_low > 0 ? "#b91c1c" : "#6b7280";
		double y = (double)a * ROW + ROW / 2.0;

		jbuf_printf(out, "<text x='0' y='%.1f'>", y + 4);
		html_escape(out, names->arm[a]);
		jbuf_printf(out, "</text><line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s' "
			"stroke-width='3'/><circle cx='%.1f' cy='%.1f' r='4.5' fill='%s'/>\n",
			place(f->diff_low, lo, hi), place(f->diff_high, lo, hi), y, y, colour,
			place(f->diff, lo, hi), y, colour);
	}
	jbuf_adds(out, "</svg>\n");
}

static void
put_all(const struct jcompare *c, const struct jcompare_names *names, const struct jcompare_figure *all,
	struct jbuf *out)
{
	jbuf_adds(out, "<table><tr><th>all documents<th>bits per byte<th>95 %<th>difference<th>95 %"
		"<th class=l>against ");
	html_escape(out, names->arm[c->reference]);
	jbuf_adds(out, "</tr>\n");
	for (size_t a = 0; a < c->arms; a++) {
		const struct jcompare_figure *f = &all[a];

		jbuf_adds(out, "<tr><td>");
		html_escape(out, names->arm[a]);
		jbuf_printf(out, "<td>%.4f<td>%.4f to %.4f", f->bpb, f->low, f->high);
		if (a != c->reference)
			jbuf_printf(out, "<td>%+.4f<td>%+.4f to %+.4f<td class=l>%s", f->diff, f->diff_low,
				f->diff_high, jcompare_verdict(f));
		jbuf_adds(out, "</tr>\n");
	}
	jbuf_adds(out, "</table>\n");
}

/* Each group's difference with its interval; what is worse or better than the reference in bold. */
static void
put_groups(const struct jcompare *c, const struct jcompare_names *names, const struct jcompare_figure *f,
	struct jbuf *out)
{
	jbuf_adds(out, "<table><tr><th>bits per byte");
	for (size_t g = 0; g < c->groups; g++) {
		jbuf_adds(out, "<th>");
		html_escape(out, names->group[g]);
	}
	jbuf_adds(out, "</tr>\n");
	for (size_t a = 0; a < c->arms; a++) {
		jbuf_adds(out, "<tr><td>");
		html_escape(out, names->arm[a]);
		for (size_t g = 0; g < c->groups; g++) {
			const struct jcompare_figure *x = &f[g * c->arms + a];
			bool sure = a != c->reference && (x->diff_high < 0 || x->diff_low > 0);

			jbuf_printf(out, "<td title='%+.4f (%+.4f to %+.4f)'>%s%.4f%s", x->diff, x->diff_low,
				x->diff_high, sure ? x->diff < 0 ? "<b style=color:#15803d>" :
				"<b style=color:#b91c1c>" : "", x->bpb, sure ? "</b>" : "");
		}
		jbuf_adds(out, "</tr>\n");
	}
	jbuf_adds(out, "</table>\n");
}

void
jcompare_html(const struct jcompare *c, const struct jcompare_names *names,
	const struct jcompare_figure *f, struct jbuf *out)
{
	const struct jcompare_figure *all = f + c->groups * c->arms;

	jbuf_printf(out, "<!doctype html><meta charset=utf-8><title>Experts beside one model - Jupiter</title>"
		"<style>%s</style>\n<h1>Experts beside one model</h1>\n<p>%zu held-out documents, %zu seed%s; "
		"bits per byte, lower is better; 95 %% intervals over %s.</p>\n", html_style, c->docs, c->seeds,
		c->seeds == 1 ? "" : "s", c->seeds == 1 ? "documents (one seed says nothing about others)" :
		"documents and seeds");
	jbuf_adds(out, "<p><b>Worse than ");
	html_escape(out, names->arm[c->reference]);
	jbuf_adds(out, ":</b> ");
	put_list(c, names, all, "WORSE", out);
	jbuf_adds(out, ".<br><b>Better:</b> ");
	put_list(c, names, all, "better", out);
	jbuf_adds(out, ".<br><b>No difference shown:</b> ");
	put_list(c, names, all, "no difference shown", out);
	jbuf_adds(out, ".</p>\n<h2>All documents</h2>\n");
	put_picture(c, names, all, out);
	put_all(c, names, all, out);
	jbuf_adds(out, "<h2>By domain</h2>\n<p>Bold: the interval of the difference does not hold 0 "
		"(green better, red worse).</p>\n");
	put_groups(c, names, f, out);
}
