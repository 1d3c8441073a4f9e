#include "batch.h"

#include <string.h>

#include "base/jhash.h"
#include "conf/jval.h"
#include "io/jio.h"
#include "record/jreader.h"
#include "record/jrec.h"

/* One record between reading and writing. */
struct job {
	struct job *next;
	char *line;			/* the record's own copy */
	size_t line_n;
	struct jarena arena;
	struct jrec rec;
	struct jids prompt;
	struct jgen_opts gen;
	struct jgen_result result;
	struct jgen *g;			/* NULL before it starts and after it ended */
	const char *adapter;		/* its name, NULL = none */
	const char *drop;		/* why it was refused, NULL = it was not */
	bool started, done;
};

struct batch {
	struct jcli *cli;
	struct model *m;
	const struct batch_opts *o;
	struct jreader reader;
	struct jout *out, *rejects;
	struct job *first, *last;	/* in reading order */
	int waiting;			/* jobs in that list */
	struct jgen **running;		/* [slots] */
	struct job **owner;		/* [slots] */
	uint64_t number;
	bool end;
};

static void
free_job(struct job *j)
{
	jgen_free(j->g);
	jgen_result_release(&j->result);
	jids_release(&j->prompt);
	jarena_release(&j->arena);
	jmem_free(j->line);
	jmem_free(j);
}

static int
prompt_from_ids(struct job *j, const struct jrec_member *m, struct jerr *e)
{
	struct jval *v;

	if (jval_parse_json(&v, m->val, m->val_n, "ids", &j->arena, e) < 0)
		return e->code;
	for (size_t i = 0; v->type == JVAL_ARR && i < v->u.a.n; i++) {
		const struct jval *id = v->u.a.v[i];

		if (id->type != JVAL_INT || id->u.i < 0 || id->u.i > UINT32_MAX)
			return jerr_set(e, JERR_FORMAT, "ids are not token ids");
		JMEM_GROW(j->prompt.v, j->prompt.cap, j->prompt.n + 1);
		j->prompt.v[j->prompt.n++] = (uint32_t)id->u.i;
	}
	return 0;
}

static int
prompt_from_messages(struct batch *b, struct job *j, const struct jrec_member *m, struct jerr *e)
{
	struct jbuf text;
	int rc;

	jbuf_init(&text);
	rc = jinfer_chat(b->m->tok, m->val, m->val_n, &text, e);
	if (rc >= 0)
		rc = jtok_encode(b->m->state, text.p, text.n, JTOK_SPECIAL, &j->prompt, e);
	jbuf_release(&text);
	return rc;
}

/* A prompt beyond the context is refused with both numbers, or loses its beginning if so asked. */
static const char *
fit_prompt(struct batch *b, struct job *j)
{
	size_t room = (size_t)jinfer_capacity(b->m->inf);

	if (j->prompt.n > room && b->o->truncate)
		truncate_prompt(&j->prompt, b->m, (size_t)j->gen.max_tokens);
	if (j->prompt.n <= room)
		return NULL;
	return jarena_printf(&j->arena, "the prompt has %zu tokens, the context %zu", j->prompt.n, room);
}

/* The adapter that the record names; returns why it cannot be used. */
static const char *
find_adapter(struct job *j)
{
	const char *name;
	size_t n;

	if (!jrec_find(&j->rec, "adapter"))
		return NULL;
	if (!jrec_str(&j->rec, "adapter", &name, &n) || memchr(name, 0, n))
		return "adapter is not a name";
	j->adapter = jarena_strndup(&j->arena, name, n);
	return NULL;
}

/* Sets j->prompt, or j->drop where the record cannot be used. */
static void
make_prompt(struct batch *b, struct job *j)
{
	const struct jrec_member *ids, *messages;
	struct jerr e = { 0 };
	struct jprompt p = { .special = b->o->special };
	int rc;

	if (jrec_parse(&j->rec, j->line, j->line_n, &j->arena, &e) < 0) {
		j->drop = "not a JSON record";
		return;
	}
	j->drop = find_adapter(j);
	if (j->drop)
		return;
	ids = jrec_find(&j->rec, "ids");
	messages = jrec_find(&j->rec, "messages");
	if (ids && (b->o->ids || !jrec_find(&j->rec, "prompt")))
		rc = prompt_from_ids(j, ids, &e);
	else if (b->o->ids || !b->m->tok)
		rc = jerr_set(&e, JERR_FORMAT, "no ids");
	else if (jrec_str(&j->rec, "prompt", &p.text, &p.n))
		rc = jinfer_prompt(b->m->state, b->m->tok, &p, &j->prompt, &e);
	else if (messages)
		rc = prompt_from_messages(b, j, messages, &e);
	else
		rc = jerr_set(&e, JERR_FORMAT, "no prompt, ids or messages");
	if (rc < 0)
		j->drop = jarena_strndup(&j->arena, e.msg, strlen(e.msg));
	else if (j->prompt.n == 0)
		j->drop = "empty prompt";
	else
		j->drop = fit_prompt(b, j);
	for (size_t i = 0; i < j->prompt.n && !j->drop; i++)
		if (j->prompt.v[i] >= (uint64_t)b->m->m->cfg.vocab_size)
			j->drop = "token id beyond the vocabulary";
}

static uint64_t
record_key(const struct job *j, uint64_t number)
{
	const char *id;
	size_t n;

	return jrec_str(&j->rec, "id", &id, &n) ? jhash64(id, n, 0) : number;
}

static int
read_job(struct batch *b, struct jerr *e)
{
	int64_t limit = jcli_common(b->cli)->limit;
	struct job *j;
	char *line;
	size_t n;
	int rc;

	if (limit > 0 && b->number >= (uint64_t)limit) {
		b->end = true;
		return 0;
	}
	rc = jreader_line(&b->reader, &line, &n, e);
	if (rc <= 0) {
		b->end = true;
		return rc;
	}
	jcli_counts(b->cli)->in++;
	if (rc == 2) {
		jcli_reject(b->cli, "line too long");
		return 0;
	}
	j = jmem_zalloc(1, sizeof(*j));
	j->line = jmem_strndup(line, n);
	j->line_n = n;
	jarena_init(&j->arena, 4096);
	jgen_result_init(&j->result);
	j->gen = b->o->gen;
	make_prompt(b, j);
	if (!j->drop)
		j->gen.key = record_key(j, b->number);
	b->number++;
	j->done = j->drop != NULL;
	*(b->last ? &b->last->next : &b->first) = j;
	b->last = j;
	b->waiting++;
	return 0;
}

static int
write_rejected(struct batch *b, struct job *j, struct jerr *e)
{
	struct jrec_edit ed = { .key = "drop" };
	struct jbuf line, why;
	int rc = 0;

	jcli_reject(b->cli, j->drop);
	if (!b->rejects)
		return 0;
	jbuf_init(&line);
	jbuf_init(&why);
	jjson_str(&why, j->drop, strlen(j->drop));
	ed.val = why.p;
	ed.val_n = why.n;
	if (j->rec.m)
		jrec_write_edits(&j->rec, &ed, 1, &line);
	else
		jrec_put_refused(&line, j->line, j->line_n, j->drop);
	rc = jout_write(b->rejects, line.p, line.n, e);
	jbuf_release(&line);
	jbuf_release(&why);
	return rc;
}

/* [{"id": its own, "logprob": ..., "top": [{"id", "logprob"}, ...]}, ...] */
static void
put_logprobs(struct jbuf *out, const struct jgen_result *r, size_t top)
{
	jbuf_addc(out, '[');
	for (size_t i = 0; i < r->n_logprobs; i += 1 + top) {
		for (size_t k = 0; k <= top; k++) {
			const struct jlogprob *p = &r->logprobs[i + k];

			jbuf_printf(out, "%s{\"id\":%lu,\"logprob\":", i + k && k != 1 ? "," : "",
				(unsigned long)p->id);
			jjson_num(out, (double)p->logprob);
			jbuf_adds(out, k == 0 ? ",\"top\":[" : "}");
		}
		jbuf_adds(out, "]}");
	}
	jbuf_addc(out, ']');
}

static int
write_done(struct batch *b, struct job *j, struct jerr *e)
{
	struct jbuf text, ids, finish, logprobs, line;
	struct jrec_edit ed[4] = { { .key = "text" }, { .key = "ids" }, { .key = "finish" },
		{ .key = "logprobs" } };
	struct jbuf *val[4] = { &text, &ids, &finish, &logprobs };
	int from = b->m->tok ? 0 : 1, n = j->gen.logprobs > 0 ? 4 : 3, rc;

	for (int i = 0; i < 4; i++)
		jbuf_init(val[i]);
	put_logprobs(&logprobs, &j->result, (size_t)j->gen.logprobs);
	jbuf_init(&line);
	jjson_str(&text, j->result.text.p, j->result.text.n);
	jbuf_addc(&ids, '[');
	for (size_t i = 0; i < j->result.ids.n; i++)
		jbuf_printf(&ids, "%s%lu", i ? "," : "", (unsigned long)j->result.ids.v[i]);
	jbuf_addc(&ids, ']');
	jjson_str(&finish, j->result.finish, strlen(j->result.finish));
	for (int i = 0; i < n; i++) {
		ed[i].val = val[i]->p;
		ed[i].val_n = val[i]->n;
	}
	jrec_write_edits(&j->rec, ed + from, (size_t)(n - from), &line);
	rc = jout_write(b->out, line.p, line.n, e);
	for (int i = 0; i < 4; i++)
		jbuf_release(val[i]);
	jbuf_release(&line);
	jcli_counts(b->cli)->out++;
	jcli_counts(b->cli)->bytes_out = jout_offset(b->out);
	return rc;
}

static int
write_front(struct batch *b, struct jerr *e)
{
	while (b->first && b->first->done) {
		struct job *j = b->first;
		int rc = j->drop ? write_rejected(b, j, e) : write_done(b, j, e);

		if (rc < 0)
			return rc;
		b->first = j->next;
		if (!b->first)
			b->last = NULL;
		b->waiting--;
		free_job(j);
	}
	return 0;
}

static struct job *
next_to_start(struct batch *b)
{
	struct job *j = b->first;

	while (j && (j->started || j->done))
		j = j->next;
	return j;
}

/* In a slot; or the job is done, because its adapter cannot be used. */
static int
start_job(struct batch *b, struct job *j, int slot, struct jerr *e)
{
	struct jerr why = { 0 };

	if (adapters_find(b->m, j->adapter, &j->gen.adapter, &why) < 0) {
		j->drop = jarena_strndup(&j->arena, why.msg, strlen(why.msg));
		j->done = true;
		return 0;
	}
	return jgen_start(&j->g, &(struct jgen_task){ .inf = b->m->inf, .slot = slot, .tok = b->m->tok,
		.state = b->m->state, .prompt = j->prompt.v, .n = j->prompt.n, .opts = &j->gen,
		.result = &j->result }, e);
}

/* Gives every free slot a job; reads on while there is one, but not far past the oldest. */
static int
fill_slots(struct batch *b, struct jerr *e)
{
	for (int s = 0; s < b->o->slots; s++) {
		struct job *j;
		int rc;

		if (b->running[s])
			continue;
		while (!(j = next_to_start(b)) && !b->end && b->waiting < 16 * b->o->slots)
			if ((rc = read_job(b, e)) < 0)
				return rc;
		if (!j)
			return 0;
		if ((rc = start_job(b, j, s, e)) < 0)
			return rc;
		if (j->done) {
			s--;		/* the next one */
			continue;
		}
		j->started = true;
		b->running[s] = j->g;
		b->owner[s] = j;
	}
	return 0;
}

static void
retire(struct batch *b)
{
	for (int s = 0; s < b->o->slots; s++) {
		if (!b->running[s] || !jgen_done(b->running[s]))
			continue;
		if (jgen_failed(b->running[s]))
			b->owner[s]->drop = jarena_strndup(&b->owner[s]->arena, jgen_failed(b->running[s]),
				strlen(jgen_failed(b->running[s])));
		b->owner[s]->done = true;
		b->owner[s]->g = NULL;
		jgen_free(b->running[s]);
		b->running[s] = NULL;
	}
}

static int
loop(struct batch *b, struct jerr *e)
{
	int rc;

	for (;;) {
		if ((rc = fill_slots(b, e)) < 0)
			return rc;
		if ((rc = write_front(b, e)) < 0)
			return rc;
		if (b->end && !b->first)
			return 0;
		if ((rc = jgen_step(b->running, (size_t)b->o->slots, e)) < 0)
			return rc;
		retire(b);
		jcli_progress(b->cli, "records", jreader_done(&b->reader), b->reader.bytes_total, NULL);
	}
}

static int
finish_output(struct jout *out, int rc, struct jerr *e)
{
	if (!out)
		return rc;
	if (rc >= 0)
		return jout_commit(out, e);
	jout_abort(out);
	return rc;
}

int
batch_run(struct jcli *cli, struct model *m, const struct batch_opts *o, int argc, char **argv,
	struct jerr *e)
{
	struct batch b = { .cli = cli, .m = m, .o = o };
	int rc = jreader_open(&b.reader, argc, argv, e);

	if (rc < 0)
		return rc;
	for (int i = 0; i < argc; i++)
		jcli_input(cli, argv[i]);
	b.running = jmem_zalloc((size_t)o->slots, sizeof(struct jgen *));
	b.owner = jmem_zalloc((size_t)o->slots, sizeof(struct job *));
	rc = jout_open(&b.out, jcli_common(cli)->output, e);
	if (rc >= 0 && jcli_common(cli)->rejects)
		rc = jout_open(&b.rejects, jcli_common(cli)->rejects, e);
	if (rc >= 0)
		rc = loop(&b, e);
	rc = finish_output(b.rejects, rc, e);
	rc = finish_output(b.out, rc, e);
	while (b.first) {
		struct job *j = b.first;

		b.first = j->next;
		free_job(j);
	}
	jmem_free(b.running);
	jmem_free(b.owner);
	jreader_close(&b.reader);
	return rc;
}
