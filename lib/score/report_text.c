/* report_text.c - the report for a terminal. */
#include <string.h>

#include "score/jreport.h"

static void
stage_table(const struct jreport *r, struct jbuf *out)
{
	char in[16], kept[16];
	size_t i;

	jbuf_printf(out, "%-20s %9s %9s %9s %10s %10s %9s  %s\n", "stage", "in", "kept", "dropped",
		"bytes in", "bytes kept", "tokens", "main reasons");
	for (i = 0; i < r->n_stages; i++) {
		const struct jreport_stage *s = &r->stages[i];
		char tokens[16] = "";

		if (s->tokens > 0)
			jstr_human_count(tokens, (double)s->tokens);
		jbuf_printf(out, "%-20s %9llu %9llu %9llu %10s %10s %9s  %s\n", s->name,
			(unsigned long long)s->in, (unsigned long long)s->out,
			(unsigned long long)s->rejected, jstr_human_bytes(in, (double)s->bytes_in),
			jstr_human_bytes(kept, (double)s->bytes_out), tokens, s->reasons);
		jbuf_trim(out);
		jbuf_addc(out, '\n');
	}
}

static void
score_table(const struct jreport *r, struct jbuf *out)
{
	size_t i;

	jbuf_printf(out, "%-28s %14s %9s\n", "on held-out documents", "bits per byte", "+-");
	for (i = 0; i < r->n_scores; i++) {
		jbuf_printf(out, "%-28s %14.4f", r->scores[i].name, r->scores[i].bpb);
		if (r->scores[i].stderr_bpb >= 0)
			jbuf_printf(out, " %9.4f", r->scores[i].stderr_bpb);
		else
			jbuf_printf(out, " %9s", "");
		jbuf_printf(out, "  %s", r->scores[i].note);
		jbuf_trim(out);
		jbuf_addc(out, '\n');
	}
}

/* Text wrapped at width, each line with an indent. */
static void
wrapped(const char *s, int width, struct jbuf *out)
{
	int col = 0;

	while (*s) {
		size_t word = strcspn(s, " \n");

		if (col > 0 && col + (int)word + 1 > width - 4) {
			jbuf_adds(out, "\n");
			col = 0;
		}
		jbuf_adds(out, col == 0 ? "    " : " ");
		jbuf_add(out, s, word);
		col += (int)word + 1;
		s += word;
		if (*s == '\n') {
			jbuf_adds(out, "\n");
			col = 0;
		}
		if (*s)
			s++;
	}
	if (col > 0)
		jbuf_adds(out, "\n");
}

static void
curve_charts(const struct jreport *r, const struct jreport_terminal *t, struct jbuf *out)
{
	struct jplot_opts o = { .x_label = "step", .width = t->width, .height = 16,
		.unicode = t->unicode, .colour = t->colour };

	if (r->curves[0].n > 0) {
		o.title = "loss, nats per token: pre-training";
		jplot_term(r->curves, 2, &o, out);
	}
	if (r->curves[2].n > 0) {
		o.title = "loss, nats per answer token: fine-tuning";
		o.height = 11;
		jplot_term(r->curves + 2, 2, &o, out);
	}
}

void
jreport_text(const struct jreport *r, const struct jreport_terminal *t, struct jbuf *out)
{
	size_t i;

	jbuf_printf(out, "\nThe expert for \"%s\"\n\n", r->domain);
	stage_table(r, out);
	jbuf_addc(out, '\n');
	curve_charts(r, t, out);
	jbuf_addc(out, '\n');
	score_table(r, out);
	for (i = 0; i < r->n_answers; i++) {
		jbuf_printf(out, "\nQ: %s\n", r->answers[i].prompt);
		wrapped(r->answers[i].text[0] ? r->answers[i].text : "(no answer)", t->width, out);
	}
	jbuf_printf(out, "\nEverything lies in %s:\n"
		"    expert/        the model (Hugging Face folder); jgen chat -m %s/expert\n"
		"    base/          the model before fine-tuning\n"
		"    tok/           the tokenizer\n"
		"    train.jsonl    the documents it was trained on; valid.jsonl those held out\n"
		"    *.rejects.jsonl  what was dropped, each record with the reason\n"
		"    report.html    this report as a page\n", r->dir, r->dir);
}
