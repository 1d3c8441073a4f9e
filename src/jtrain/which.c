/*
 * which.c - jtrain which: the documents that entered steps of a run, as JSON lines.
 */
#include <stdlib.h>
#include <string.h>

#include "io/jio.h"
#include "jtrain_tool.h"
#include "record/jrec.h"

struct out {
	struct jout *f;
	struct jbuf line;
};

static int
put_document(void *arg, const struct jtrain_where *w, struct jerr *e)
{
	struct out *o = arg;

	jbuf_reset(&o->line);
	jrec_begin(&o->line);
	jrec_put_int(&o->line, "step", w->step);
	jrec_put_int(&o->line, "row", w->row);
	if (w->source)
		jrec_put_str(&o->line, "source", w->source, strlen(w->source));
	jrec_put_str(&o->line, "document", w->document, strlen(w->document));
	if (w->left_out)
		jrec_put_str(&o->line, "left_out", w->left_out, strlen(w->left_out));
	jrec_end(&o->line);
	return jout_write(o->f, o->line.p, o->line.n, e);
}

/* "N" or "N-M" */
static int
parse_steps(const char *text, int64_t *from, int64_t *to, struct jerr *e)
{
	char word[64];
	size_t n = text ? strcspn(text, "-") : 0;

	if (text && n > 0 && n < sizeof(word)) {
		memcpy(word, text, n);
		word[n] = 0;
		if (jstr_to_i64(word, from) == 0 && *from >= 1
			&& jstr_to_i64(text[n] ? text + n + 1 : word, to) == 0 && *to >= *from)
			return 0;
	}
	return jerr_set(e, JERR_ARG, "--step: expected N or N-M from 1, as in 12-15, got '%s'",
		text ? text : "");
}

int
tool_which(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct which_values *v = arg;
	struct out o = { .f = NULL };
	int64_t from, to;

	if (argc != 1)
		return jerr_set(e, JERR_ARG, "expected one operand: the folder of a run");
	if (parse_steps(v->steps, &from, &to, e) < 0)
		return e->code;
	if (jout_open(&o.f, jcli_common(cli)->output, e) < 0)
		return e->code;
	jbuf_init(&o.line);
	if (jtrain_which(argv[0], from, to, put_document, &o, e) < 0)
		jout_abort(o.f);
	else
		jout_commit(o.f, e);
	jbuf_release(&o.line);
	return e->code;
}
