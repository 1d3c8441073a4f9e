/* report_html.c - the report as one self-contained page. */
#include <string.h>

#include "score/html_internal.h"
#include "score/jreport.h"

const char html_style[] =
	"body{font:15px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
	"color:#1f2937;background:#fff}"
	"h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}"
	"table{border-collapse:collapse;width:100%;font-size:.92em}"
	"th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #8883}"
	"th:first-child,td:first-child,td.l,th.l{text-align:left;white-space:normal}td{white-space:nowrap}"
	"svg{max-width:100%;height:auto}"
	".a{white-space:pre-wrap;border-left:3px solid #2563eb;padding:.2rem .9rem;margin:.4rem 0 1.2rem}"
	"code{font-family:ui-monospace,monospace}"
	"@media(prefers-color-scheme:dark){body{color:#e5e7eb;background:#111827}}";

void
html_escape(struct jbuf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			jbuf_adds(out, "&lt;");
		else if (*s == '>')
			jbuf_adds(out, "&gt;");
		else if (*s == '&')
			jbuf_adds(out, "&amp;");
		else if (*s == '"')
			jbuf_adds(out, "&quot;");
		else
			jbuf_addc(out, *s);
	}
}

static void
stage_table(const struct jreport *r, struct jbuf *out)
{
	char in[16], kept[16];
	size_t i;

	jbuf_adds(out, "<h2>Stages</h2><table><tr><th>stage<th>in<th>kept<th>dropped<th>bytes in"
		"<th>bytes kept<th>tokens<th class=l>main reasons</tr>\n");
	for (i = 0; i < r->n_stages; i++) {
		const struct jreport_stage *s = &r->stages[i];
		char tokens[16] = "";

		if (s->tokens > 0)
			jstr_human_count(tokens, (double)s->tokens);
		jbuf_adds(out, "<tr><td>");
		html_escape(out, s->name);
		jbuf_printf(out, "<td>%llu<td>%llu<td>%llu<td>%s<td>%s<td>%s<td class=l>",
			(unsigned long long)s->in, (unsigned long long)s->out,
			(unsigned long long)s->rejected, jstr_human_bytes(in, (double)s->bytes_in),
			jstr_human_bytes(kept, (double)s->bytes_out), tokens);
		html_escape(out, s->reasons);
		jbuf_adds(out, "</tr>\n");
	}
	jbuf_adds(out, "</table>\n");
}

static void
charts(const struct jreport *r, struct jbuf *out)
{
	struct jplot_opts o = { .x_label = "step", .width = 900, .height = 340 };

	if (r->curves[0].n > 0) {
		o.title = "Pre-training loss";
		o.y_label = "nats per token";
		jbuf_adds(out, "<h2>Pre-training</h2>\n");
		jplot_svg(r->curves, 2, &o, out);
	}
	if (r->curves[2].n > 0) {
		o.title = "Fine-tuning loss";
		o.y_label = "nats per answer token";
		jbuf_adds(out, "<h2>Fine-tuning on question-answer pairs</h2>\n");
		jplot_svg(r->curves + 2, 2, &o, out);
	}
}

static void
score_table(const struct jreport *r, struct jbuf *out)
{
	size_t i;

	if (r->n_scores == 0)
		return;
	jbuf_adds(out, "<h2>Held-out documents</h2><p>Bits needed for each byte of text that no stage of "
		"training has seen; fewer is better.</p><table><tr><th>model<th>bits per byte"
		"<th>standard error<th>perplexity<th class=l>note</tr>\n");
	for (i = 0; i < r->n_scores; i++) {
		const struct jreport_score *s = &r->scores[i];

		jbuf_adds(out, "<tr><td>");
		html_escape(out, s->name);
		jbuf_printf(out, "<td>%.4f<td>", s->bpb);
		if (s->stderr_bpb >= 0)
			jbuf_printf(out, "%.4f", s->stderr_bpb);
		jbuf_adds(out, "<td>");
		if (s->ppl > 0)
			jbuf_printf(out, "%.2f", s->ppl);
		jbuf_adds(out, "<td class=l>");
		html_escape(out, s->note);
		jbuf_adds(out, "</tr>\n");
	}
	jbuf_adds(out, "</table>\n");
}

void
jreport_html(const struct jreport *r, struct jbuf *out)
{
	size_t i;

	jbuf_adds(out, "<!doctype html>\n<html lang=en><meta charset=utf-8>"
		"<meta name=viewport content=\"width=device-width\"><title>");
	html_escape(out, r->domain);
	jbuf_printf(out, " - Jupiter</title><style>%s</style>\n<h1>The expert for \xe2\x80\x9c", html_style);
	html_escape(out, r->domain);
	jbuf_adds(out, "\xe2\x80\x9d</h1>\n");
	stage_table(r, out);
	charts(r, out);
	score_table(r, out);
	if (r->n_answers > 0)
		jbuf_adds(out, "<h2>Questions and the expert\xe2\x80\x99s answers</h2>\n");
	for (i = 0; i < r->n_answers; i++) {
		jbuf_adds(out, "<p><b>");
		html_escape(out, r->answers[i].prompt);
		jbuf_adds(out, "</b></p><div class=a>");
		html_escape(out, r->answers[i].text);
		jbuf_adds(out, "</div>\n");
	}
	jbuf_adds(out, "<h2>Where everything lies</h2><p><code>");
	html_escape(out, r->dir);
	jbuf_adds(out, "</code>: <code>expert/</code> the model, <code>base/</code> the model before "
		"fine-tuning, <code>tok/</code> the tokenizer, <code>train.jsonl</code> and "
		"<code>valid.jsonl</code> the documents, <code>*.rejects.jsonl</code> what was dropped and "
		"why, <code>*.prov</code> which program made each file from what.</p></html>\n");
}
