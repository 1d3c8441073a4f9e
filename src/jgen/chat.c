/*
 * jgen chat: a conversation through the model's chat template.  User turns are lines of standard
 * input, or --messages names a JSON file of messages to answer once.
 */
#include "verbs.h"

#include <string.h>
#include <unistd.h>

#include "conf/jval.h"
#include "io/jio.h"
#include "tok/jtemplate.h"

static struct chat_opts {
	struct model_opts model;
	const char *messages, *system;
} opts = { .model = MODEL_OPTS_INIT };

static const struct jopt table[] = {
	MODEL_OPTS(&opts.model),
	{ .name = "messages", .type = JOPT_STR, .value = &opts.messages, .arg = "FILE",
		.help = "answer this JSON array of messages once" },
	{ .name = "system", .type = JOPT_STR, .value = &opts.system, .arg = "TEXT",
		.help = "the first message, from the system" },
	{ .type = JOPT_END }
};

struct chat {
	struct jcli *cli;
	struct model m;
	struct jout *out;
	struct jbuf messages;		/* JSON array without its closing bracket */
	struct jerr *e;
	int rc;				/* of writing */
	uint64_t turn;
};

static int
stream(void *arg, const char *p, size_t n)
{
	struct chat *c = arg;

	c->rc = jout_write(c->out, p, n, c->e);
	if (c->rc >= 0)
		c->rc = jout_flush(c->out, c->e);
	return c->rc < 0;
}

static void
add_message(struct chat *c, const char *role, const char *text, size_t n)
{
	jbuf_printf(&c->messages, "%s{\"role\":\"%s\",\"content\":", c->messages.n > 1 ? "," : "",
		role);
	jjson_str(&c->messages, text, n);
	jbuf_addc(&c->messages, '}');
}

/* Renders the conversation, lets the model answer, and streams the answer. */
static int
answer(struct chat *c, const char *messages, size_t n, struct jgen_result *r, struct jerr *e)
{
	struct jgen_opts g;
	struct jbuf text;
	struct jids ids = { 0 };
	int rc;

	jbuf_init(&text);
	rc = chat_render(c->m.tok, messages, n, &text, e);
	if (rc >= 0)
		rc = jtok_encode(c->m.state, text.p, text.n, JTOK_SPECIAL, &ids, e);
	if (rc >= 0) {
		model_gen_opts(&c->m, &opts.model, c->cli, &g);
		g.key = c->turn++;
		g.on_text = stream;
		g.arg = c;
		rc = jinfer_complete(&(struct jgen_task){ .inf = c->m.inf, .tok = c->m.tok,
			.state = c->m.state, .prompt = ids.v, .n = ids.n, .opts = &g, .result = r }, e);
	}
	if (rc >= 0)
		rc = c->rc;
	if (rc >= 0)
		rc = jout_write(c->out, "\n", 1, e);
	if (rc >= 0)
		rc = jout_flush(c->out, e);
	if (rc >= 0 && strcmp(r->finish, "context") == 0)
		jcli_warn(c->cli, "the context of %d tokens is full", jinfer_capacity(c->m.inf));
	jids_release(&ids);
	jbuf_release(&text);
	return rc;
}

static int
one_turn(struct chat *c, const char *line, size_t n, struct jerr *e)
{
	struct jgen_result r;
	int rc;

	add_message(c, "user", line, n);
	jbuf_addc(&c->messages, ']');
	jgen_result_init(&r);
	rc = answer(c, c->messages.p, c->messages.n, &r, e);
	c->messages.n--;
	if (rc >= 0)
		add_message(c, "assistant", r.text.p, r.text.n);
	jgen_result_release(&r);
	jcli_counts(c->cli)->in++;
	jcli_counts(c->cli)->out += rc >= 0;
	return rc;
}

static int
converse(struct chat *c, struct jerr *e)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct jin *in;
	char *line;
	size_t n;
	int rc = jin_open(&in, "-", e);

	if (rc < 0)
		return rc;
	jbuf_addc(&c->messages, '[');
	if (opts.system)
		add_message(c, "system", opts.system, strlen(opts.system));
	for (;;) {
		if (terminal && ((rc = jout_write(c->out, "> ", 2, e)) < 0 ||
		    (rc = jout_flush(c->out, e)) < 0))
			break;
		rc = jin_line(in, &line, &n, e);
		if (rc != 1)
			break;
		if (n > 0 && (rc = one_turn(c, line, n, e)) < 0)
			break;
	}
	if (rc == 2)
		rc = jerr_set(e, JERR_LIMIT, "a turn of %zu bytes is too long", n);
	jin_close(in);
	return rc;
}

static int
answer_file(struct chat *c, struct jerr *e)
{
	struct jgen_result r;
	struct jbuf b;
	int rc;

	jbuf_init_max(&b, (size_t)64 << 20);
	jgen_result_init(&r);
	rc = jin_slurp(opts.messages, &b, e);
	if (rc >= 0)
		rc = answer(c, b.p, b.n, &r, e);
	if (rc < 0)
		jerr_wrap(e, "%s", opts.messages);
	jcli_counts(c->cli)->in = 1;
	jcli_counts(c->cli)->out = rc >= 0;
	jgen_result_release(&r);
	jbuf_release(&b);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct chat c = { .cli = cli, .e = e };
	int rc = model_check(&opts.model, e);

	(void)arg;
	(void)argv;
	if (rc < 0)
		return rc;
	if (argc > 0)
		return jerr_set(e, JERR_ARG, "chat takes no operands (--messages FILE)");
	jbuf_init(&c.messages);
	rc = model_open(&c.m, &opts.model, cli, true, e);
	if (rc >= 0)
		rc = model_start(&c.m, &opts.model, cli, 1, e);
	if (rc >= 0)
		rc = jout_open(&c.out, jcli_common(cli)->output, e);
	if (rc >= 0) {
		rc = opts.messages ? answer_file(&c, e) : converse(&c, e);
		if (rc >= 0)
			rc = jout_commit(c.out, e);
		else
			jout_abort(c.out);
	}
	model_close(&c.m);
	jbuf_release(&c.messages);
	return rc < 0 ? rc : 0;
}

const struct jverb chat_verb = {
	.name = "chat",
	.args = "-m MODEL [--messages FILE]",
	.summary = "talk to a model that has a chat template",
	.opts = table,
	.run = run,
};
