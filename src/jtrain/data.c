/*
 * data.c - jtrain data: what records are worth to fine-tuning, and the same records as chat.
 */
#include <string.h>

#include "base/jjson.h"
#include "io/jio.h"
#include "jtrain_tool.h"

struct data {
	struct jcli *cli;
	bool chat;			/* records go to out as they pass */
	struct jout *out;		/* NULL: only the report is wanted */
	struct jout *rejects;
	struct jbuf line;
	struct jerr e;			/* of a file that is written */
};

static void
hook_record(void *arg, const char *line, size_t n, const char *reason)
{
	struct data *d = arg;
	struct jcli_counts *c = jcli_counts(d->cli);

	c->in++;
	c->bytes_in += n + 1;
	if (reason) {
		jcli_reject(d->cli, reason);
		if (d->rejects)
			tool_put_reject(d->rejects, line, n, reason, &d->e);
		return;
	}
	c->out++;
	if (!d->chat)
		return;
	jbuf_reset(&d->line);
	if (jtrain_data_chat(line, n, &d->line, &d->e) == 0)
		jout_write(d->out, d->line.p, d->line.n, &d->e);
}

static int
put_ids(void *arg, const uint32_t *ids, const unsigned char *mask, size_t n, struct jerr *e)
{
	struct data *d = arg;
	size_t i;

	jbuf_reset(&d->line);
	jbuf_adds(&d->line, "{\"ids\":[");
	for (i = 0; i < n; i++)
		jbuf_printf(&d->line, "%s%u", i ? "," : "", ids[i]);
	jbuf_adds(&d->line, "],\"mask\":[");
	for (i = 0; i < n; i++)
		jbuf_printf(&d->line, "%s%u", i ? "," : "", mask[i]);
	jbuf_adds(&d->line, "]}\n");
	return jout_write(d->out, d->line.p, d->line.n, e);
}

static void
put_report(const struct jtrain_data_report *r, struct jbuf *b)
{
	const char *comma = "";

	jbuf_printf(b, "{\"records\":%llu,\"kept\":%llu,\"refused\":%llu,\"kinds\":{",
		(unsigned long long)(r->kept + r->refused), (unsigned long long)r->kept,
		(unsigned long long)r->refused);
	for (int i = 0; i < JTRAIN_KINDS; i++) {
		if (r->kinds[i] == 0)
			continue;
		jbuf_printf(b, "%s\"%s\":%llu", comma, jtrain_kind_names[i],
			(unsigned long long)r->kinds[i]);
		comma = ",";
	}
	jbuf_printf(b, "},\"tokens\":%llu,\"targets\":%llu,\"target_share\":",
		(unsigned long long)r->tokens, (unsigned long long)r->targets);
	jjson_num(b, r->tokens ? (double)r->targets / (double)r->tokens : 0);
	jbuf_printf(b, ",\"eos_targets\":%llu,\"length\":{\"min\":%llu,\"median\":%llu,\"p95\":%llu,"
		"\"max\":%llu},\"truncated\":%llu,\"cut_tokens\":%llu,\"rows\":%llu}\n",
		(unsigned long long)r->eos_targets, (unsigned long long)r->shortest,
		(unsigned long long)r->median, (unsigned long long)r->p95,
		(unsigned long long)r->longest, (unsigned long long)r->truncated,
		(unsigned long long)r->cut_tokens, (unsigned long long)r->rows);
}

/* The report goes to standard output, or into the message log where that has the records. */
static int
tell(struct data *d, const struct data_values *v, const struct jtrain_data_report *r, struct jerr *e)
{
	struct jout *out;
	struct jbuf b;

	jbuf_init(&b);
	put_report(r, &b);
	if (strcmp(v->to, "report") != 0) {
		jbuf_trim(&b);
		jcli_info(d->cli, "%s", b.p);
	} else if (jout_open(&out, jcli_common(d->cli)->output, e) == 0) {
		jout_write(out, b.p, b.n, e);
		jout_commit(out, e);
	}
	jbuf_release(&b);
	return e->code;
}

static int
finish(struct jout *out, struct jerr *e)
{
	if (!out)
		return e->code;
	if (e->code < 0) {
		jout_abort(out);
		return e->code;
	}
	return jout_commit(out, e);
}

void
data_verb_options(struct data_values *v, struct jopt table[DATA_OPTIONS])
{
	const struct jopt t[] = {
		{ "tokenizer", 't', JOPT_STR, &v->o.tokenizer, "TOK", .help =
			"tokenizer folder or file, or a model folder" },
		{ "data", 'd', JOPT_LIST, &v->data, "PATH", .many = true, .help =
			"record files, as operands are" },
		{ "chat-template", 0, JOPT_STR, &v->o.chat_template, "FILE", .help =
			"template for conversations: a file, chatml or none; default: the tokenizer's" },
		{ "seq", 0, JOPT_INT, &v->o.seq, "N", .help = "tokens in a sequence" },
		{ "to", 0, JOPT_STR, &v->to, "WHAT", .choices = "report|chat|ids", .help =
			"write the report, the records as conversations, or their ids and loss masks" },
		{ .type = JOPT_END }
	};

	memcpy(table, t, sizeof(t));
}

/* Opens what is written beside the report. */
static int
open_outputs(struct data *d, bool records, struct jerr *e)
{
	const struct jcommon *c = jcli_common(d->cli);

	if (records && jout_open(&d->out, c->output, e) < 0)
		return e->code;
	if (c->rejects && jout_open(&d->rejects, c->rejects, e) < 0 && d->out)
		jout_abort(d->out);
	return e->code;
}

int
tool_data(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct data_values *v = arg;
	bool ids = strcmp(v->to, "ids") == 0;
	struct data d = { .cli = cli, .chat = strcmp(v->to, "chat") == 0 };
	struct jtrain_hooks h = { .arg = &d, .record = hook_record };
	struct jtrain_data_report r;

	v->o.data = argc > 0 ? (const char *const *)argv : v->data.v;
	v->o.n_data = argc > 0 ? (size_t)argc : v->data.n;
	v->o.max_line = (uint64_t)jcli_common(cli)->max_line;
	for (size_t i = 0; i < v->o.n_data; i++)
		jcli_input(cli, v->o.data[i]);
	if (open_outputs(&d, ids || d.chat, e) < 0)
		return e->code;
	jbuf_init(&d.line);
	jtrain_data_check(&v->o, &h, ids ? put_ids : NULL, &d, &r, e);
	if (e->code == 0 && d.e.code < 0)
		jerr_set(e, d.e.code, "%s", d.e.msg);
	if (e->code == 0)
		tell(&d, v, &r, e);
	jbuf_release(&d.line);
	finish(d.rejects, e);
	return finish(d.out, e);
}
