#include "lines.h"

#include "par/jpar.h"
#include "units.h"

struct block {
	struct unit_block in;
	struct jbuf out;
};

struct job {
	struct jcli *cli;
	line_fn *fn;
	struct jtok *tok;
	struct line_ctx *ctx;		/* [jobs] */
	int jobs;
	struct units units;
	struct jout *out;
};

static void
block_free(void *arg, void *block)
{
	struct block *b = block;

	unit_block_release(&b->in);
	jbuf_release(&b->out);
	jmem_free(b);
}

static int
read_block(void *arg, void **block, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = jmem_zalloc(1, sizeof(*b));
	int rc;

	unit_block_init(&b->in);
	jbuf_init(&b->out);
	rc = units_read(&j->units, &b->in, e);
	if (rc == 1)
		*block = b;
	else
		block_free(j, b);
	return rc;
}

static int
work_block(void *arg, void *block, int worker, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = block;
	size_t i;

	for (i = 0; i < b->in.n; i++) {
		const struct unit *x = &b->in.v[i];
		int rc;

		jarena_reset(&j->ctx[worker].arena);
		rc = x->too_long ? jerr_set(e, JERR_LIMIT, "line too long (see --max-line)") :
			j->fn(&j->ctx[worker], b->in.bytes.p + x->at, x->n, &b->out, e);
		if (rc) {
			jerr_wrap(e, "%s:%llu", units_name(&j->units, x), (unsigned long long)x->line);
			return rc;
		}
	}
	return 0;
}

static int
write_block(void *arg, void *block, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = block;
	int rc = jout_write(j->out, b->out.p, b->out.n, e);

	jcli_counts(j->cli)->in += b->in.n;
	jcli_counts(j->cli)->out += b->in.n;
	jcli_counts(j->cli)->bytes_in += b->in.bytes.n;
	jcli_counts(j->cli)->bytes_out += b->out.n;
	jcli_progress(j->cli, "bytes", b->in.done, j->units.files.bytes_total, NULL);
	block_free(j, b);
	return rc;
}

static void
start_workers(struct job *j, const struct tokenize_opts *o)
{
	int i;

	j->ctx = jmem_zalloc((size_t)j->jobs, sizeof(*j->ctx));
	for (i = 0; i < j->jobs; i++) {
		j->ctx[i].o = o;
		j->ctx[i].tok = j->tok;
		j->ctx[i].state = jtok_state_new(j->tok);
		jarena_init(&j->ctx[i].arena, 0);
		jbuf_init(&j->ctx[i].text);
	}
}

static void
stop_workers(struct job *j)
{
	int i;

	for (i = 0; j->ctx && i < j->jobs; i++) {
		jtok_state_free(j->ctx[i].state);
		jarena_release(&j->ctx[i].arena);
		jids_release(&j->ctx[i].ids);
		jids_release(&j->ctx[i].ends);
		jbuf_release(&j->ctx[i].text);
	}
	jmem_free(j->ctx);
}

int
lines_run(struct jcli *cli, const struct tokenize_opts *o, int argc, char **argv, line_fn *fn,
	struct jerr *e)
{
	struct job j = { .cli = cli, .fn = fn, .jobs = (int)jcli_common(cli)->jobs };
	const struct jpar_pipe pipe = { read_block, work_block, write_block, block_free, &j };
	int rc = tokenizer_open(&j.tok, o, e);

	if (!rc)
		rc = units_open(&j.units, UNITS_LINES, cli, argc, argv, e);
	if (!rc)
		rc = jout_open(&j.out, jcli_common(cli)->output, e);
	if (!rc) {
		start_workers(&j, o);
		rc = jpar_pipe_run(&pipe, j.jobs, e);
	}
	if (!rc) {
		rc = jout_commit(j.out, e);
		j.out = NULL;
	}
	jout_abort(j.out);
	stop_workers(&j);
	units_close(&j.units);
	jtok_free(j.tok);
	return rc;
}
