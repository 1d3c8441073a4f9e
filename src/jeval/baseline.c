/* jeval baseline: what a model has to beat on the same held-out documents. */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "io/jio.h"
#include "record/jreader.h"
#include "record/jrec.h"
#include "score/jbaseline.h"

static struct baseline_opts {
	const char *tokenizer, *train;
	int64_t order;
} opts = { .order = 5 };

static const struct jopt table[] = {
	{ .name = "tokenizer", .letter = 't', .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer of the model, for the n-gram model" },
	{ .name = "train", .type = JOPT_STR, .value = &opts.train, .arg = "FILE",
		.help = "documents that the model was trained on" },
	{ .name = "order", .type = JOPT_INT, .value = &opts.order, .arg = "N",
		.help = "tokens of the longest n-gram" },
	{ .type = JOPT_END }
};

/* Texts of the documents, a NUL after each (a NUL inside a text becomes a space). */
static int
read_texts(struct jcli *cli, int argc, char **argv, struct jbuf *out, struct jerr *e)
{
	struct jarena a;
	struct jreader in;
	struct jrec r;
	const char *text;
	char *line, *nul;
	size_t n, from;
	int rc;

	if (jreader_open(&in, argc, argv, e) < 0)
		return e->code;
	jarena_init(&a, 0);
	while ((rc = jreader_line(&in, &line, &n, e)) > 0) {
		if (rc == 2 || jrec_parse(&r, line, n, &a, e) < 0 || !jrec_str(&r, "text", &text, &n)) {
			rc = jerr_set(e, JERR_FORMAT, "%s:%llu: not a document record with a text",
				jreader_name(&in), (unsigned long long)jreader_lineno(&in));
			break;
		}
		from = out->n;
		jbuf_add(out, text, n);
		while ((nul = memchr(out->p + from, 0, out->n - from)) != NULL)
			*nul = ' ';
		jbuf_addc(out, 0);
		jcli_counts(cli)->in++;
		jcli_counts(cli)->bytes_in += n;
		jarena_reset(&a);
	}
	if (rc == 0 && out->over)
		rc = jerr_set(e, JERR_LIMIT, "the texts need more than a quarter of -M");
	jarena_release(&a);
	jreader_close(&in);
	return rc;
}

static void
put_xz(struct jbuf *b, const char *name, double bpb, size_t bytes, const char *note)
{
	jrec_begin(b);
	jrec_put_str(b, "metric", "ppl", 3);
	jrec_put_str(b, "name", name, strlen(name));
	jrec_put_int(b, "bytes", (int64_t)bytes);
	jrec_put_num(b, "bpb", bpb);
	jrec_put_str(b, "note", note, strlen(note));
	jrec_end(b);
}

static int
measure(struct jcli *cli, const struct jbuf *train, const struct jbuf *held, struct jbuf *b,
	struct jerr *e)
{
	struct jbaseline_ngram o = { .order = (int)opts.order, .memory = jcli_common(cli)->memory / 2 };
	struct jbaseline_xz xz;
	struct jppl_result r;
	struct jtok *tok;
	char name[40];
	int rc = jbaseline_xz(train, held, &xz, e);

	if (rc < 0 || jtok_load(&tok, opts.tokenizer, e) < 0)
		return e->code;
	put_xz(b, "xz -9", xz.alone, held->n, "the held-out text alone");
	put_xz(b, "xz -9 after training text", xz.after, held->n,
		"what the held-out text adds to the compressed training text");
	o.tok = tok;
	o.end = jtok_eos(tok);
	rc = jbaseline_ngram(&o, train, held, &r, e);
	jtok_free(tok);
	if (rc < 0)
		return rc;
	snprintf(name, sizeof(name), "%d-gram model", o.order);
	jrec_begin(b);
	jrec_put_str(b, "metric", "ppl", 3);
	jrec_put_str(b, "name", name, strlen(name));
	jppl_put(&r, b);
	jrec_put_str(b, "note", "modified Kneser-Ney on the same training text and tokens", 56);
	jrec_end(b);
	return 0;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jbuf train, held, b;
	char *train_file;
	int rc;

	if (!opts.tokenizer || !opts.train)
		return jerr_set(e, JERR_ARG, "need --tokenizer TOK and --train FILE");
	if (opts.order < 1 || opts.order > 8)
		return jerr_set(e, JERR_ARG, "--order %lld: expected 1 to 8", (long long)opts.order);
	jbuf_init_max(&train, jcli_common(cli)->memory / 4);
	jbuf_init_max(&held, jcli_common(cli)->memory / 4);
	jbuf_init(&b);
	train_file = jmem_strdup(opts.train);
	jcli_input(cli, opts.train);
	for (int i = 0; i < argc; i++)
		jcli_input(cli, argv[i]);
	rc = read_texts(cli, 1, &train_file, &train, e);
	if (rc == 0)
		rc = read_texts(cli, argc, argv, &held, e);
	if (rc == 0)
		rc = measure(cli, &train, &held, &b, e);
	if (rc == 0) {
		jcli_counts(cli)->out = 3;
		rc = jout_put(jcli_common(cli)->output, b.p, b.n, e);
	}
	jmem_free(train_file);
	jbuf_release(&train);
	jbuf_release(&held);
	jbuf_release(&b);
	return rc;
}

const struct jverb baseline_verb = {
	.name = "baseline",
	.args = "--tokenizer TOK --train FILE [FILE ...]",
	.summary = "bits per byte of xz -9 and of an n-gram model on held-out documents",
	.opts = table,
	.run = run,
};
