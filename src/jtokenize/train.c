/* Training: read | count words on all threads | add up in order; then merge. */
#include <string.h>

#include "documents.h"
#include "par/jpar.h"
#include "tok/jtoktrain.h"
#include "tokenize.h"

struct block {
	struct unit_block in;
	const char **reason;		/* [in.n] NULL or why the record is refused */
	struct jtok_count *count;
};

struct job {
	struct jcli *cli;
	const char *pre;
	struct jarena *arena;		/* [jobs] */
	int jobs;
	struct units units;
	struct rejects rejects;
	struct jtok_trainer *trainer;
};

static void
block_free(void *arg, void *block)
{
	struct block *b = block;

	unit_block_release(&b->in);
	jmem_free(b->reason);
	jtok_count_free(b->count);
	jmem_free(b);
}

static int
read_block(void *arg, void **block, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = jmem_zalloc(1, sizeof(*b));
	int rc;

	unit_block_init(&b->in);
	rc = jcli_stopping(j->cli) ? jerr_set(e, JERR_STOP, "stopped") : units_read(&j->units, &b->in, e);
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
	int k;

	b->count = jtok_count_new(j->pre);
	b->reason = jmem_zalloc(b->in.n, sizeof(*b->reason));
	for (i = 0; i < b->in.n; i++) {
		struct doc_text t;

		jarena_reset(&j->arena[worker]);
		b->reason[i] = doc_text(&b->in, &b->in.v[i], &j->arena[worker], &t);
		for (k = 0; !b->reason[i] && k < t.parts; k++)
			jtok_count_text(b->count, t.p[k], t.n[k]);
	}
	return 0;
}

static int
write_block(void *arg, void *block, struct jerr *e)
{
	struct job *j = arg;
	struct block *b = block;
	struct jcli_counts *c = jcli_counts(j->cli);
	size_t i;
	int rc = jtok_trainer_add(j->trainer, b->count, e);

	for (i = 0; !rc && i < b->in.n; i++) {
		c->in++;
		c->bytes_in += b->in.v[i].n;
		c->out += !b->reason[i];
		if (b->reason[i])
			rc = rejects_add(&j->rejects, &b->in, &b->in.v[i], b->reason[i], e);
	}
	jcli_progress(j->cli, "bytes", b->in.done, j->units.files.bytes_total, NULL);
	block_free(j, b);
	return rc;
}

static int
tick(void *arg, uint64_t done, uint64_t total)
{
	struct job *j = arg;

	jcli_progress(j->cli, "merges", done, total, NULL);
	return jcli_stopping(j->cli);
}

static int
count_words(struct job *j, int argc, char **argv, struct jerr *e)
{
	const struct jpar_pipe pipe = { read_block, work_block, write_block, block_free, j };
	int i, rc = units_open(&j->units, UNITS_TEXT_LINES, j->cli, argc, argv, e);

	if (!rc)
		rc = rejects_open(&j->rejects, j->cli, e);
	j->arena = jmem_zalloc((size_t)j->jobs, sizeof(*j->arena));
	for (i = 0; i < j->jobs; i++)
		jarena_init(&j->arena[i], 0);
	if (!rc)
		rc = jpar_pipe_run(&pipe, j->jobs, e);
	if (!rc)
		rc = rejects_commit(&j->rejects, e);
	for (i = 0; i < j->jobs; i++)
		jarena_release(&j->arena[i]);
	jmem_free(j->arena);
	rejects_abort(&j->rejects);
	units_close(&j->units);
	if (!rc && !jcli_counts(j->cli)->out)
		rc = jerr_set(e, JERR_FORMAT, "no text to train on");
	return rc;
}

static int
open_base(struct jtok **base, struct jtok_train_opts *to, const struct tokenize_opts *o, struct jerr *e)
{
	int rc = jtok_load(base, o->extend, e);

	if (rc)
		return rc;
	if (o->specials.n)
		return jerr_set(e, JERR_ARG, "--special-token: %s keeps those it has", o->extend);
	to->base = *base;
	to->pre = jtok_train_pre(*base);
	return to->pre ? 0 : jerr_set(e, JERR_UNSUPPORTED, "%s: only byte-level BPE with the pre-tokenizer of "
		"llama3, gpt2 or qwen2 can be extended", o->extend);
}

int
train_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct tokenize_opts *o = arg;
	const struct jcommon *c = jcli_common(cli);
	struct jtok_train_opts to = { .vocab_size = o->vocab > UINT32_MAX ? UINT32_MAX : (uint32_t)o->vocab,
		.min_frequency = (uint64_t)o->min_frequency, .memory = c->memory, .pre = o->pre,
		.special = jtok_default_special, .n_special = 4 };
	struct job j = { .cli = cli, .pre = o->pre, .jobs = (int)c->jobs };
	struct jtok *t = NULL, *base = NULL;
	int rc = 0;

	if (strcmp(c->output, "-") == 0)
		return jerr_set(e, JERR_ARG, "a tokenizer is a folder: give it with -o");
	if (o->choose && (!o->model || !o->held_out || o->extend))
		return jerr_set(e, JERR_ARG, "--choose needs --model PRESET and --held-out FILE, and no --extend");
	if (o->specials.n) {
		to.special = o->specials.v;
		to.n_special = o->specials.n;
	}
	jcli_catch_stop(cli);
	if (o->extend)
		rc = open_base(&base, &to, o, e);
	j.pre = to.pre;
	if (!rc)
		rc = jtok_trainer_new(&j.trainer, &to, e);
	if (!rc)
		rc = count_words(&j, argc, argv, e);
	if (!rc)
		rc = jtok_trainer_run(j.trainer, &t, tick, &j, e);
	if (!rc && jtok_vocab_size(t) < to.vocab_size)
		jcli_warn(cli, "only %u tokens: no further pair occurs %lld times", (unsigned)jtok_vocab_size(t),
			(long long)o->min_frequency);
	if (!rc && o->choose)
		rc = choose_size(cli, o, &t, e);
	if (!rc)
		rc = tokenizer_save(t, c->output, e);
	jtok_trainer_free(j.trainer);
	jtok_free(t);
	jtok_free(base);
	return rc;
}
