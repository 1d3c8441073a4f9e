/*
 * jgen chat: a conversation through the model's chat template.  User turns are lines of standard
 * input, or --messages names a JSON file of messages to answer once.  A line that begins with a
 * slash is a command, with two slashes a turn that begins with one.
 */
#include "verbs.h"

#include <string.h>

#include "chatline.h"
#include "conf/jval.h"
#include "io/jio.h"
#include "tok/jtemplate.h"

static struct chat_opts {
	struct model_opts model;
	const char *messages, *system, *history;
} opts = { .model = MODEL_OPTS_INIT };

static const struct jopt table[] = {
	MODEL_OPTS(&opts.model),
	{ .name = "messages", .type = JOPT_STR, .value = &opts.messages, .arg = "FILE",
		.help = "answer this JSON array of messages once" },
	{ .name = "system", .type = JOPT_STR, .value = &opts.system, .arg = "TEXT",
		.help = "the first message, from the system" },
	{ .name = "history", .type = JOPT_STR, .value = &opts.history, .arg = "FILE",
		.help = "keep the lines that were typed on a terminal in FILE" },
	{ .type = JOPT_END }
};

struct chat {
	struct jcli *cli;
	struct model m;
	struct jout *out;
	struct jbuf messages;		/* JSON array without its closing bracket */
	size_t first_turn;		/* where the turns begin in it, behind the system's message */
	char *model_name;		/* after /model; NULL: the option's */
	char *adapter;			/* of the next answers; NULL: none by name */
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
	rc = jinfer_chat(c->m.tok, messages, n, &text, e);
	if (rc >= 0)
		rc = jtok_encode(c->m.state, text.p, text.n, JTOK_SPECIAL, &ids, e);
	if (rc >= 0) {
		model_gen_opts(&c->m, &opts.model, c->cli, &g);
		g.key = c->turn++;
		g.on_text = stream;
		g.arg = c;
		rc = adapters_find(&c->m, c->adapter, &g.adapter, e);
	}
	if (rc >= 0)
		rc = jinfer_complete(&(struct jgen_task){ .inf = c->m.inf, .tok = c->m.tok,
			.state = c->m.state, .prompt = ids.v, .n = ids.n, .opts = &g, .result = r }, e);
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

static void
begin(struct chat *c, const char *system)
{
	jbuf_reset(&c->messages);
	jbuf_addc(&c->messages, '[');
	if (system && *system)
		add_message(c, "system", system, strlen(system));
	c->first_turn = c->messages.n;
}

static int
say(struct chat *c, const char *text, struct jerr *e)
{
	int rc = jout_write(c->out, text, strlen(text), e);

	return rc < 0 ? rc : jout_flush(c->out, e);
}

/* One record {"messages": [...]}: what jtrain sft and jgen complete read. */
static int
save(struct chat *c, const char *path, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jbuf_adds(&b, "{\"messages\":");
	jbuf_add(&b, c->messages.p, c->messages.n);
	jbuf_adds(&b, "]}\n");
	rc = jout_put(path, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

/* The conversation goes on with another model; if that cannot be opened, with the one at hand. */
static int
change_model(struct chat *c, const char *path, struct jerr *e)
{
	struct model_opts o = opts.model;
	struct model other = { 0 };
	int rc;

	o.model = path;
	o.tokenizer = NULL;
	rc = model_open(&other, &o, c->cli, true, e);
	if (rc >= 0)
		rc = model_start(&other, &o, c->cli, 1, e);
	if (rc < 0) {
		model_close(&other);
		return rc;
	}
	model_close(&c->m);
	c->m = other;
	jmem_free(c->model_name);
	c->model_name = jmem_strdup(path);
	return 0;
}

/* Another one of --adapter NAME=DIR, or (NULL) the model without. */
static int
change_adapter(struct chat *c, const char *name, struct jerr *e)
{
	int number;

	if (adapters_find(&c->m, name, &number, e) < 0)
		return e->code;
	jmem_free(c->adapter);
	c->adapter = name ? jmem_strdup(name) : NULL;
	return 0;
}

static const char help_text[] =
	"/help           this list\n"
	"/adapter NAME   go on with this one of --adapter NAME=DIR; without a name, with none\n"
	"/save FILE      write the conversation as a record\n"
	"/model MODEL    go on with another model\n"
	"/system TEXT    begin again, with this message from the system\n"
	"/reset          begin again\n"
	"/quit           end (or the end of input)\n"
	"//...           a turn that begins with a slash\n";

/* 1: go on, 0: end, < 0: an error that ends the program; others are told and the talk goes on. */
static int
command(struct chat *c, char *line, struct jerr *e)
{
	char *arg = strchr(line, ' ');
	struct jerr why = { 0 };
	int rc = 0;

	if (arg)
		*arg++ = '\0';
	if (strcmp(line, "/quit") == 0)
		return 0;
	if (strcmp(line, "/help") == 0)
		rc = say(c, help_text, e);
	else if (strcmp(line, "/reset") == 0)
		c->messages.n = c->first_turn;
	else if (strcmp(line, "/system") == 0)
		begin(c, arg);
	else if (strcmp(line, "/save") == 0 && arg)
		rc = save(c, arg, &why);
	else if (strcmp(line, "/adapter") == 0)
		rc = change_adapter(c, arg && *arg ? arg : NULL, &why);
	else if (strcmp(line, "/model") == 0 && arg)
		rc = change_model(c, arg, &why);
	else
		jcli_warn(c->cli, "%s: no such command, or its operand is missing (/help)", line);
	if (why.code) {
		jcli_warn(c->cli, "%s", why.msg);
		jerr_clear(&why);
		rc = 0;
	}
	return rc < 0 ? rc : 1;
}

static int
converse(struct chat *c, struct jerr *e)
{
	struct chatline *in;
	char *line;
	size_t n;
	int rc = chatline_open(&in, opts.history, c->out, e), closed;

	begin(c, opts.system);
	while (rc >= 0 && (rc = chatline_read(in, "> ", &line, &n, e)) == 1) {
		if (n > 1 && line[0] == '/' && line[1] != '/')
			rc = command(c, line, e);
		else if (n > 0)
			rc = one_turn(c, line + (line[0] == '/'), n - (line[0] == '/'), e) < 0 ? e->code : 1;
		if (rc == 0)
			break;
	}
	closed = chatline_close(in, e);
	return rc < 0 ? rc : closed;
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

	if (rc == 0)
		rc = adapters_check(&opts.model, true, e);
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
	c.adapter = rc >= 0 ? adapters_first(&opts.model) : NULL;
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
	jmem_free(c.model_name);
	jmem_free(c.adapter);
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
