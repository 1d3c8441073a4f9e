/*
 * run.c - records in, answers out.
 */
#include "synth.h"

#include <string.h>

#include "conf/jval.h"
#include "io/jio.h"
#include "record/jreader.h"
#include "swarm/jroute.h"

#define MAX_SOURCES 256

struct run {
	struct jcli *cli;
	struct jexperts x;
	struct jswarm *swarm;		/* NULL: the answers are in the records */
	struct jsynth_opts o;
	struct jbuf key, line;
	struct jout *out, *rejects;
	bool said;			/* some text was written, even if it is no answer */
	struct jerr *e;			/* of writing while it streams */
	int rc;
};

static int
index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return 0;
}

static void
add_source(struct jsynth_source *src, size_t *n, struct jsynth_source one)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(src[i].expert, one.expert) == 0) {
			if (!src[i].text)
				src[i].text = one.text;
			return;
		}
	if (*n < MAX_SOURCES)
		src[(*n)++] = one;
}

/* Of an array of objects: who, with which score, and with a text or without. */
static int
add_list(const struct jrec *rec, const char *key, const char *name_key, struct jsynth_source *src,
	size_t *n)
{
	const struct jrec_member *m = jrec_find(rec, key);
	struct jerr e = { 0 };
	struct jval *v;

	if (!m)
		return 0;
	if (jval_parse_json(&v, m->val, m->val_n, key, rec->arena, &e) < 0 || v->type != JVAL_ARR)
		return -1;
	for (size_t i = 0; i < v->u.a.n; i++) {
		const struct jval *x = v->u.a.v[i];
		const char *name = jval_str(x, name_key, NULL);
		bool ask = strcmp(name_key, "name") == 0;
		const char *text = ask ? NULL : jval_str(x, "text", "");

		if (!name)
			return -1;
		if (!ask || synth_opts.top_k == 0 || (int64_t)i < synth_opts.top_k)
			add_source(src, n, (struct jsynth_source){ .expert = name, .text = text,
				.score = jval_num(x, "score", 0), .why = jval_str(x, "why", NULL) });
	}
	return 0;
}

static void
add_default(const struct run *r, struct jsynth_source *src, size_t *n)
{
	for (size_t i = 0; i < synth_opts.ask.n; i++)
		add_source(src, n, (struct jsynth_source){ .expert = synth_opts.ask.v[i], .score = 1 });
	for (size_t i = 0; synth_opts.ask.n == 0 && i < r->x.n; i++)
		add_source(src, n, (struct jsynth_source){ .expert = r->x.v[i].name, .score = 1 });
}

static int
on_text(void *arg, const char *p, size_t n)
{
	struct run *r = arg;

	r->said = true;
	r->rc = jout_write(r->out, p, n, r->e);
	if (r->rc >= 0)
		r->rc = jout_flush(r->out, r->e);
	return r->rc < 0;
}

static int
put_result(struct run *r, const struct jrec *rec, const struct jsynth_question *q,
	const struct jsynth_result *res, struct jerr *e)
{
	jbuf_reset(&r->line);
	if (synth_opts.stream) {
		jbuf_adds(&r->line, r->said ? "\n\n" : "");
		jsynth_tell(res, q, &r->line);
	} else {
		write_answer(rec, res, synth_opts.times && r->swarm, &r->line);
	}
	if (res->fallback.n > 0)
		jcli_warn(r->cli, "%s", res->fallback.p);
	for (size_t i = 0; !synth_opts.stream && i < res->n; i++)
		if (res->replies[i].missing.n > 0)
			jcli_debug(r->cli, "%s: %s", res->names[i], res->replies[i].missing.p);
	return jout_write(r->out, r->line.p, r->line.n, e);
}

static int
answer_record(struct run *r, const struct jrec *rec, struct jerr *e)
{
	struct jsynth_source src[MAX_SOURCES];
	struct jsynth_question q = { .sources = src, .on_text = synth_opts.stream ? on_text : NULL,
		.arg = r };
	struct jsynth_result res;
	size_t len;
	int rc;

	if (!jroute_question(rec, &q.question, &len) || strlen(q.question) != len)
		return jerr_set(e, JERR_FORMAT, "no question, prompt or messages");
	if (add_list(rec, "answers", "expert", src, &q.n) < 0 ||
	    (r->swarm && add_list(rec, "experts", "name", src, &q.n) < 0))
		return jerr_set(e, JERR_FORMAT, "\"answers\" wants {expert, text}, \"experts\" {name}");
	if (r->swarm && q.n == 0 && !jrec_find(rec, "experts"))
		add_default(r, src, &q.n);
	else if (!r->swarm && !jrec_find(rec, "answers"))
		return jerr_set(e, JERR_FORMAT, "no answers, and no experts to ask (--experts DIR)");
	jsynth_result_init(&res);
	r->said = false;
	rc = jsynth_answer(r->swarm, &q, &r->o, &res, e);
	if (rc == 0)
		rc = put_result(r, rec, &q, &res, e);
	jsynth_result_release(&res);
	return rc;
}

static int
refuse(struct run *r, const char *line, size_t n, const char *why, struct jerr *e)
{
	jcli_reject(r->cli, why);
	if (!r->rejects)
		return 0;
	jbuf_reset(&r->line);
	jrec_put_refused(&r->line, line, n, why);
	return jout_write(r->rejects, r->line.p, r->line.n, e);
}

static int
answer_line(struct run *r, const char *line, size_t n, struct jarena *a, struct jerr *e)
{
	struct jerr why = { 0 };
	struct jrec rec;
	int rc;

	jarena_reset(a);
	jcli_counts(r->cli)->in++;
	rc = jrec_parse(&rec, line, n, a, &why);
	if (rc == 0)
		rc = answer_record(r, &rec, &why);
	if (r->rc < 0)
		return r->rc;
	if (rc == 0) {
		jcli_counts(r->cli)->out++;
		return 0;
	}
	if (why.code != JERR_FORMAT) {
		*e = why;
		return rc;
	}
	return refuse(r, line, n, why.msg, e);
}

static int
answer_files(struct run *r, int argc, char **argv, struct jerr *e)
{
	int64_t limit = jcli_common(r->cli)->limit;
	struct jreader in;
	struct jarena a;
	char *line;
	size_t n;
	int rc = jreader_open(&in, argc, argv, e);

	if (rc < 0)
		return rc;
	for (int i = 0; i < argc; i++)
		jcli_input(r->cli, argv[i]);
	jarena_init(&a, 0);
	while ((limit == 0 || (int64_t)jcli_counts(r->cli)->in < limit) &&
	    (rc = jreader_line(&in, &line, &n, e)) > 0) {
		rc = rc == 2 ? refuse(r, "", 0, "line too long", e) : answer_line(r, line, n, &a, e);
		if (rc < 0)
			break;
		jcli_progress(r->cli, "records", jreader_done(&in), in.bytes_total, NULL);
	}
	jarena_release(&a);
	jreader_close(&in);
	return rc < 0 ? rc : 0;
}

static int
answer_question(struct run *r, struct jerr *e)
{
	struct jarena a;
	struct jbuf b;
	int rc;

	jarena_init(&a, 0);
	jbuf_init(&b);
	jbuf_adds(&b, "{\"question\":");
	jjson_str(&b, synth_opts.question, strlen(synth_opts.question));
	jbuf_addc(&b, '}');
	rc = answer_line(r, b.p, b.n, &a, e);
	if (rc == 0 && jcli_counts(r->cli)->rejected)
		rc = jerr_set(e, JERR_ARG, "a question wants experts to ask (--experts DIR)");
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

static int
open_swarm(struct run *r, struct jerr *e)
{
	struct jswarm_opts o = { .memory = jcli_common(r->cli)->memory,
		.jobs = (int)jcli_common(r->cli)->jobs, .seed = (uint64_t)jcli_common(r->cli)->seed,
		.context = (int)synth_opts.context, .max_tokens = (int)synth_opts.max_tokens,
		.temperature = synth_opts.temperature, .timeout_s = synth_opts.timeout,
		.retries = (int)synth_opts.retries, .passages = (int)synth_opts.passages,
		.quote = synth_opts.quote };
	int rc = 0;

	if (!synth_opts.experts && !synth_opts.model)
		return 0;
	if (synth_opts.experts)
		rc = jexperts_load(&r->x, synth_opts.experts, e);
	if (rc == 0 && synth_opts.key_file) {
		rc = jin_slurp(synth_opts.key_file, &r->key, e);
		r->key.n = strcspn(r->key.p, "\r\n");
		r->key.p[r->key.n] = '\0';
		o.key = r->key.p;
	}
	for (size_t i = 0; rc == 0 && i < synth_opts.ask.n; i++)
		if (!jexperts_find(&r->x, synth_opts.ask.v[i]))
			rc = jerr_set(e, JERR_ARG, "--ask %s: there is no expert of this name",
				synth_opts.ask.v[i]);
	if (rc < 0)
		return rc;
	o.experts = &r->x;
	r->swarm = jswarm_new(&o);
	return 0;
}

static int
check(int argc, struct jerr *e)
{
	const struct synth_opts *o = &synth_opts;

	if (o->question && argc > 0)
		return jerr_set(e, JERR_ARG, "either -p TEXT or files of records, not both");
	if (o->question && !o->experts)
		return jerr_set(e, JERR_ARG, "-p TEXT wants experts to ask (--experts DIR)");
	if (o->top_k < 0 || o->max_tokens < 0 || o->max_tokens > INT32_MAX || o->context < 0 ||
	    o->context > INT32_MAX || o->rounds < 0 || o->rounds > 100 || o->samples < 1 ||
	    o->samples > 64 || o->retries < 0 || o->retries > 100 || o->passages < 0 ||
	    o->passages > 100)
		return jerr_set(e, JERR_ARG, "expected --rounds, --retries and --passages of 0..100, "
			"--samples 1..64 and other counts of 0 or more");
	if (o->share < 0 || o->share > 1 || o->consensus < 0 || !(o->timeout > 0))
		return jerr_set(e, JERR_ARG, "expected --share 0..1, --consensus 0 or more and --timeout "
			"above 0");
	return 0;
}

static int
close_output(struct jout *out, int rc, struct jerr *e)
{
	if (out && rc < 0)
		jout_abort(out);
	return out && rc >= 0 ? jout_commit(out, e) : rc;
}

int
synth_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	static const char *const ranks[] = { "any", "judge", "question", "experts", NULL };
	struct run r = { .cli = cli, .o = JSYNTH_OPTS_INIT, .e = e };
	const struct jcommon *common = jcli_common(cli);
	int rc = check(argc, e);

	(void)arg;
	if (rc < 0)
		return rc;
	r.o.mode = (enum jsynth_mode)index_of(jsynth_modes, synth_opts.mode);
	r.o.rank = (enum jsynth_rank)index_of(ranks, synth_opts.rank);
	r.o.model = synth_opts.model;
	r.o.rounds = (int)synth_opts.rounds;
	r.o.consensus = synth_opts.consensus;
	r.o.samples = (int)synth_opts.samples;
	r.o.share = synth_opts.share;
	r.o.control = synth_opts.control;
	r.o.weighted = (struct jsynth_weighted){ (size_t)synth_opts.max_length, synth_opts.threshold,
		synth_opts.attribution };
	jbuf_init_max(&r.key, 1 << 16);
	jbuf_init(&r.line);
	rc = open_swarm(&r, e);
	if (rc == 0)
		rc = jout_open(&r.out, common->output, e);
	if (rc == 0 && common->rejects)
		rc = jout_open(&r.rejects, common->rejects, e);
	if (rc == 0)
		rc = synth_opts.question ? answer_question(&r, e) : answer_files(&r, argc, argv, e);
	rc = close_output(r.rejects, rc, e);
	rc = close_output(r.out, rc, e);
	jswarm_free(r.swarm);
	jexperts_release(&r.x);
	jbuf_release(&r.key);
	jbuf_release(&r.line);
	return rc;
}
