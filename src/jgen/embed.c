/*
 * jgen embed: adds to each record the vector of its text.
 */
#include "verbs.h"

#include <string.h>

#include "base/jjson.h"
#include "infer/jembed.h"
#include "io/jio.h"
#include "par/jpar.h"
#include "record/jreader.h"
#include "record/jrec.h"

static struct embed_opts {
	const char *model, *tokenizer, *member, *text;
	bool truncate;
} opts = { .member = "text" };

static const struct jopt table[] = {
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &opts.model, .arg = "MODEL",
		.help = "an encoder or a language model: folder or GGUF file" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where the model carries none" },
	{ .name = "prompt", .letter = 'p', .type = JOPT_STR, .value = &opts.text, .arg = "TEXT",
		.help = "embed this text and print the vector alone" },
	{ .name = "member", .type = JOPT_STR, .value = &opts.member, .arg = "KEY",
		.help = "member of the records that is embedded" },
	{ .name = "truncate", .type = JOPT_BOOL, .value = &opts.truncate,
		.help = "cut texts that are longer than the context instead of refusing them" },
	{ .type = JOPT_END }
};

struct embed {
	struct jcli *cli;
	struct jembedder *x;
	float *v;
	struct jout *out, *rejects;
	struct jbuf list, line;
};

static void
put_vector(struct embed *m)
{
	jbuf_reset(&m->list);
	for (size_t i = 0; i < jembed_width(m->x); i++) {
		jbuf_addc(&m->list, i ? ',' : '[');
		jjson_num(&m->list, (double)m->v[i]);
	}
	jbuf_addc(&m->list, ']');
}

static int
embed_record(struct embed *m, const struct jrec *r, struct jerr *e)
{
	struct jrec_edit ed = { .key = "embedding" };
	const char *text;
	size_t n;
	int rc;

	if (!jrec_str(r, opts.member, &text, &n))
		return jerr_set(e, JERR_FORMAT, "no %s", opts.member);
	rc = jembed_text(m->x, text, n, m->v, e);
	if (rc < 0)
		return rc;
	put_vector(m);
	ed.val = m->list.p;
	ed.val_n = m->list.n;
	jbuf_reset(&m->line);
	jrec_write_edits(r, &ed, 1, &m->line);
	jcli_counts(m->cli)->out++;
	return jout_write(m->out, m->line.p, m->line.n, e);
}

static int
refuse(struct embed *m, const char *line, size_t n, const char *why, struct jerr *e)
{
	jcli_reject(m->cli, why);
	if (!m->rejects)
		return 0;
	jbuf_reset(&m->line);
	jrec_put_refused(&m->line, line, n, why);
	return jout_write(m->rejects, m->line.p, m->line.n, e);
}

static int
embed_line(struct embed *m, const char *line, size_t n, struct jarena *a, struct jerr *e)
{
	struct jerr why = { 0 };
	struct jrec r;
	int rc;

	jarena_reset(a);
	jcli_counts(m->cli)->in++;
	rc = jrec_parse(&r, line, n, a, &why);
	if (rc == 0)
		rc = embed_record(m, &r, &why);
	if (rc >= 0)
		return 0;
	if (why.code == JERR_FORMAT || why.code == JERR_LIMIT)
		return refuse(m, line, n, why.msg, e);
	*e = why;
	return rc;
}

static int
embed_files(struct embed *m, int argc, char **argv, struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	char *line;
	size_t n;
	int rc = jreader_open(&in, argc, argv, e);

	if (rc < 0)
		return rc;
	for (int i = 0; i < argc; i++)
		jcli_input(m->cli, argv[i]);
	jarena_init(&a, 0);
	while ((rc = jreader_line(&in, &line, &n, e)) > 0) {
		rc = rc == 2 ? refuse(m, "", 0, "line too long", e) : embed_line(m, line, n, &a, e);
		if (rc < 0)
			break;
		jcli_progress(m->cli, "records", jreader_done(&in), in.bytes_total, NULL);
	}
	jarena_release(&a);
	jreader_close(&in);
	return rc;
}

static int
embed_text(struct embed *m, struct jerr *e)
{
	int rc = jembed_text(m->x, opts.text, strlen(opts.text), m->v, e);

	if (rc < 0)
		return rc;
	put_vector(m);
	jbuf_addc(&m->list, '\n');
	jcli_counts(m->cli)->in = jcli_counts(m->cli)->out = 1;
	return jout_write(m->out, m->list.p, m->list.n, e);
}

static int
close_output(struct jout *out, int rc, struct jerr *e)
{
	if (out && rc < 0)
		jout_abort(out);
	return out && rc >= 0 ? jout_commit(out, e) : rc;
}

static int
embed_all(struct embed *m, int argc, char **argv, struct jerr *e)
{
	const struct jcommon *c = jcli_common(m->cli);
	int rc = jout_open(&m->out, c->output, e);

	m->v = jmem_alloc(jembed_width(m->x), sizeof(*m->v));
	jbuf_init(&m->list);
	jbuf_init(&m->line);
	if (rc == 0 && c->rejects)
		rc = jout_open(&m->rejects, c->rejects, e);
	if (rc == 0)
		rc = opts.text ? embed_text(m, e) : embed_files(m, argc, argv, e);
	rc = close_output(m->rejects, rc, e);
	rc = close_output(m->out, rc, e);
	jmem_free(m->v);
	jbuf_release(&m->list);
	jbuf_release(&m->line);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct embed m = { .cli = cli };
	struct jmodel *model;
	struct jtok *tok;
	struct jpar *pool;
	int rc;

	(void)arg;
	if (!opts.model)
		return jerr_set(e, JERR_ARG, "no model given (-m MODEL)");
	if (opts.text && argc > 0)
		return jerr_set(e, JERR_ARG, "either -p TEXT or files of records, not both");
	rc = jinfer_open(&model, &tok, opts.model, opts.tokenizer, true, e);
	if (rc < 0)
		return rc;
	pool = jpar_new((int)jcli_common(cli)->jobs);
	rc = jembed_new(&m.x, model, tok, pool, opts.truncate, e);
	if (rc == 0)
		rc = embed_all(&m, argc, argv, e);
	jembed_free(m.x);
	jpar_free(pool);
	jtok_free(tok);
	jmodel_free(model);
	return rc < 0 ? rc : 0;
}

const struct jverb embed_verb = {
	.name = "embed",
	.args = "-m MODEL [-p TEXT | FILE ...]",
	.summary = "turn texts into vectors",
	.opts = table,
	.run = run,
};
