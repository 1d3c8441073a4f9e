/*
 * jgen complete: the continuation of one text, streamed; or of every record of a file, several at
 * once, written in the order in which they were read.
 */
#include "verbs.h"

#include <string.h>

#include "batch.h"
#include "io/jfs.h"
#include "io/jio.h"

static struct complete_opts {
	struct model_opts model;
	const char *prompt, *cache;
	bool ids, special, share_prefix, truncate;
	int64_t slots, logprobs, beams;
	double length_penalty;
} opts = { .model = MODEL_OPTS_INIT, .slots = 8, .share_prefix = true,
	.length_penalty = 1 };

static const struct jopt table[] = {
	MODEL_OPTS(&opts.model),
	{ .name = "prompt", .letter = 'p', .type = JOPT_STR, .value = &opts.prompt, .arg = "TEXT",
		.help = "continue this text and print the continuation alone" },
	{ .name = "ids", .type = JOPT_BOOL, .value = &opts.ids,
		.help = "records carry token ids, no tokenizer is needed" },
	{ .name = "special", .type = JOPT_BOOL, .value = &opts.special,
		.help = "text of special tokens in prompts becomes those tokens" },
	{ .name = "beams", .type = JOPT_INT, .value = &opts.beams, .arg = "N",
		.help = "with -p: the likeliest text by a search with N beams" },
	{ .name = "length-penalty", .type = JOPT_DOUBLE, .value = &opts.length_penalty, .arg = "X",
		.help = "of beams: scores are divided by the length to the power of X" },
	{ .name = "truncate", .type = JOPT_BOOL, .value = &opts.truncate,
		.help = "prompts beyond the context lose their beginning instead of being refused" },
	{ .name = "cache", .type = JOPT_STR, .value = &opts.cache, .arg = "FILE",
		.help = "with -p: take what is computed already from FILE, and keep it there" },
	{ .name = "share-prefix", .type = JOPT_BOOL, .value = &opts.share_prefix,
		.help = "prompts that begin alike are computed once" },
	{ .name = "logprobs", .type = JOPT_INT, .value = &opts.logprobs, .arg = "N",
		.help = "records: log-probabilities of each token and of the N likeliest" },
	{ .name = "adapters", .type = JOPT_STR, .value = &opts.model.adapters, .arg = "DIR",
		.help = "records: a folder of adapters, read when a record names one" },
	{ .name = "adapters-kept", .type = JOPT_INT, .value = &opts.model.adapters_kept, .arg = "N",
		.help = "of that folder, adapters in memory; the longest unused go" },
	{ .name = "slots", .type = JOPT_INT, .value = &opts.slots, .arg = "N",
		.help = "sequences that run at once" },
	{ .type = JOPT_END }
};

struct sink {
	struct jout *out;
	struct jerr *e;
	int rc;
};

static int
stream(void *arg, const char *p, size_t n)
{
	struct sink *s = arg;

	s->rc = jout_write(s->out, p, n, s->e);
	if (s->rc >= 0)
		s->rc = jout_flush(s->out, s->e);
	return s->rc < 0;
}

static int
generate(const struct jgen_task *t, struct jerr *e)
{
	const struct jbeam_opts beam = { (int)opts.beams, opts.length_penalty };
	struct jgen_result *r = t->result;
	int rc;

	if (opts.beams == 0)
		return jinfer_complete(t, e);
	rc = jinfer_beam(t, &beam, e);
	if (rc == 0)
		t->opts->on_text(t->opts->arg, r->text.p, r->text.n);
	return rc;
}

static int
one_prompt(struct jcli *cli, struct model *m, struct jerr *e)
{
	const struct jprompt prompt = { opts.prompt, strlen(opts.prompt), opts.special };
	struct sink sink = { .e = e };
	struct jgen_opts g;
	struct jgen_result r;
	struct jids ids = { 0 };
	int rc = model_start(m, &opts.model, cli, opts.beams > 0 ? (int)opts.beams : 1, e);

	if (rc < 0 || (rc = jout_open(&sink.out, jcli_common(cli)->output, e)) < 0)
		return rc;
	jgen_result_init(&r);
	if (opts.cache && jfs_exists(opts.cache))
		rc = jinfer_restore(m->inf, 0, opts.cache, e);
	if (rc >= 0)
		rc = jinfer_prompt(m->state, m->tok, &prompt, &ids, e);
	if (rc >= 0) {
		model_gen_opts(m, &opts.model, cli, &g);
		g.on_text = stream;
		g.arg = &sink;
		g.whole_prompt = !opts.share_prefix;
		if (opts.truncate)
			truncate_prompt(&ids, m, (size_t)g.max_tokens);
		rc = generate(&(struct jgen_task){ .inf = m->inf, .tok = m->tok,
			.state = m->state, .prompt = ids.v, .n = ids.n, .opts = &g, .result = &r }, e);
	}
	if (rc >= 0)
		rc = sink.rc;
	if (rc >= 0 && strcmp(jcli_common(cli)->output, "-") == 0)
		rc = jout_write(sink.out, "\n", 1, e);
	if (rc >= 0)
		rc = jout_commit(sink.out, e);
	else
		jout_abort(sink.out);
	if (rc >= 0 && opts.cache)
		rc = jinfer_save(m->inf, 0, opts.cache, e);
	if (rc >= 0)
		jcli_debug(cli, "%zu (%zu known) + %zu tokens, %s; prompt %.3f s, %.1f tokens/s", ids.n,
			r.reused, r.ids.n,
			r.finish, r.prompt_s, r.decode_s > 0 ? (double)r.ids.n / r.decode_s : 0.0);
	if (rc >= 0 && r.drafted > 0)
		jcli_debug(cli, "%llu tokens guessed, %llu right", (unsigned long long)r.drafted,
			(unsigned long long)r.accepted);
	model_tell(m, cli);
	jcli_counts(cli)->in = jcli_counts(cli)->out = 1;
	jgen_result_release(&r);
	jids_release(&ids);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct batch_opts b = { .ids = opts.ids, .special = opts.special,
		.truncate = opts.truncate };
	struct model m = { 0 };
	int rc = model_check(&opts.model, e);

	(void)arg;
	if (rc == 0)
		rc = adapters_check(&opts.model, !opts.prompt, e);
	if (rc < 0)
		return rc;
	if (opts.prompt && argc > 0)
		return jerr_set(e, JERR_ARG, "either -p TEXT or files of records, not both");
	if (opts.slots < 1 || opts.slots > 1024)
		return jerr_set(e, JERR_ARG, "--slots %lld: expected 1..1024", (long long)opts.slots);
	if (opts.logprobs < 0 || opts.logprobs > 1000 || (opts.logprobs > 0 && opts.prompt))
		return jerr_set(e, JERR_ARG, "--logprobs: expected 0..1000, with records");
	if (opts.beams < 0 || opts.beams > 64 || (opts.beams > 0 && (!opts.prompt || opts.model.schema ||
	    opts.model.grammar || opts.model.regex || opts.model.stop.n)))
		return jerr_set(e, JERR_ARG, "--beams: expected 0..64, with -p and free text to its end");
	if (opts.cache && !opts.prompt)
		return jerr_set(e, JERR_ARG, "--cache goes with -p TEXT");
	rc = model_open(&m, &opts.model, cli, opts.prompt || !opts.ids, e);
	if (rc >= 0 && opts.prompt) {
		rc = one_prompt(cli, &m, e);
	} else if (rc >= 0) {
		b.slots = (int)opts.slots;
		rc = model_start(&m, &opts.model, cli, b.slots, e);
		model_gen_opts(&m, &opts.model, cli, &b.gen);
		b.gen.logprobs = (int)opts.logprobs;
		b.gen.whole_prompt = !opts.share_prefix;
		if (rc >= 0)
			rc = batch_run(cli, &m, &b, argc, argv, e);
		if (rc >= 0)
			model_tell(&m, cli);
	}
	model_close(&m);
	return rc < 0 ? rc : 0;
}

const struct jverb complete_verb = {
	.name = "complete",
	.args = "-m MODEL [-p TEXT | FILE ...]",
	.summary = "continue texts",
	.opts = table,
	.run = run,
};
