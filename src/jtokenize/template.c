/* Messages through the chat template of the tokenizer. */
#include <string.h>

#include "base/jjson.h"
#include "base/jmem.h"
#include "conf/jval.h"
#include "io/jio.h"
#include "tok/jtemplate.h"
#include "tokenize.h"

#define MAX_INPUT ((size_t)64 << 20)

struct job {
	const struct tokenize_opts *o;
	struct jtok *tok;
	struct jtemplate *tmpl;
	struct jbuf tools, source;
	struct jtemplate_out out;
};

static void
put_token(struct jbuf *b, const struct jtok *t, const char *key, int64_t id)
{
	size_t n = 0;
	const char *p = id < 0 ? NULL : jtok_bytes(t, (uint32_t)id, &n);

	if (!p)
		return;
	jbuf_printf(b, ",\"%s\":", key);
	jjson_str(b, p, n);
}

/* The variables of the template as JSON: the members of the record, and what the tokenizer knows. */
static void
put_vars(const struct job *j, const struct jval *in, struct jbuf *b)
{
	size_t i;

	jbuf_printf(b, "{\"add_generation_prompt\":%s", j->o->generation_prompt ? "true" : "false");
	put_token(b, j->tok, "bos_token", jtok_bos(j->tok));
	put_token(b, j->tok, "eos_token", jtok_eos(j->tok));
	put_token(b, j->tok, "pad_token", jtok_pad(j->tok));
	if (j->tools.n)
		jbuf_printf(b, ",\"tools\":%s", j->tools.p);
	if (in->type == JVAL_ARR) {
		jbuf_adds(b, ",\"messages\":");
		jjson_val(b, in);
	}
	for (i = 0; in->type == JVAL_OBJ && i < in->u.o.n; i++) {
		const char *k = in->u.o.k[i];

		if (strcmp(k, "add_generation_prompt") == 0 || strcmp(k, "bos_token") == 0 ||
		    strcmp(k, "eos_token") == 0 || strcmp(k, "pad_token") == 0 ||
		    (strcmp(k, "tools") == 0 && j->tools.n))
			continue;
		jbuf_addc(b, ',');
		jjson_str(b, k, strlen(k));
		jbuf_addc(b, ':');
		jjson_val(b, in->u.o.v[i]);
	}
	jbuf_addc(b, '}');
}

static int
render(struct job *j, const char *p, size_t n, const char *name, struct jerr *e)
{
	struct jarena a;
	struct jval *in = NULL, *vars;
	struct jbuf b;
	int rc;

	jarena_init(&a, 0);
	jbuf_init(&b);
	rc = jval_parse_json(&in, p, n, name, &a, e);
	vars = in;
	if (!rc && j->o->vars && in->type != JVAL_OBJ)
		rc = jerr_set(e, JERR_FORMAT, "%s: expected an object of variables", name);
	if (!rc && !j->o->vars && in->type != JVAL_ARR && !jval_get(in, "messages"))
		rc = jerr_set(e, JERR_FORMAT, "%s: expected an array of messages, or an object with one", name);
	if (!rc && !j->o->vars) {
		put_vars(j, in, &b);
		rc = jval_parse_json(&vars, b.p, b.n, name, &a, e);
	}
	if (!rc)
		rc = jtemplate_render(j->tmpl, vars, &j->out, e);
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

static int
render_lines(struct job *j, const char *name, struct jout *out, struct jerr *e)
{
	struct jin *in;
	struct jbuf text;
	char *line;
	size_t n;
	int rc = jin_open(&in, name, e);

	jbuf_init(&text);
	while (!rc && (rc = jin_line(in, &line, &n, e)) == 1) {
		jtemplate_out_release(&j->out);
		jtemplate_out_init(&j->out);
		rc = render(j, line, n, jin_name(in), e);
		jbuf_reset(&text);
		jjson_str(&text, j->out.text.p, j->out.text.n);
		jbuf_addc(&text, '\n');
		if (!rc)
			rc = jout_write(out, text.p, text.n, e);
	}
	if (rc == 2)
		rc = jerr_set(e, JERR_LIMIT, "%s: line too long", name);
	jbuf_release(&text);
	jin_close(in);
	return rc;
}

static int
render_one(struct job *j, const char *name, struct jout *out, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init_max(&b, MAX_INPUT);
	rc = jin_slurp(name, &b, e);
	if (!rc)
		rc = render(j, b.p, b.n, name, e);
	if (!rc)
		rc = jout_write(out, j->out.text.p, j->out.text.n, e);
	jbuf_release(&b);
	return rc;
}

/* The template that was named, or that of the tokenizer, which --vars does not need otherwise. */
static int
open_template(struct job *j, struct jerr *e)
{
	const char *src;
	int rc = 0;

	if (!j->o->vars || !j->o->template)
		rc = tokenizer_open(&j->tok, j->o, e);
	if (!rc && j->o->template) {
		rc = jin_slurp(j->o->template, &j->source, e);
		if (!rc)
			rc = jtemplate_parse(&j->tmpl, j->source.p, j->source.n, e);
		if (rc)
			jerr_wrap(e, "%s", j->o->template);
		return rc;
	}
	src = rc ? NULL : jtok_chat_template(j->tok);
	if (!rc && !src)
		rc = jerr_set(e, JERR_ARG, "this tokenizer has no chat template");
	return rc ? rc : jtemplate_parse(&j->tmpl, src, strlen(src), e);
}

int
template_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct job j = { .o = arg };
	const char *name = argc ? argv[0] : "-";
	struct jout *out = NULL;
	int rc;

	if (argc > 1)
		return jerr_set(e, JERR_ARG, "one file of messages at a time");
	jbuf_init_max(&j.tools, MAX_INPUT);
	jbuf_init_max(&j.source, MAX_INPUT);
	jtemplate_out_init(&j.out);
	rc = open_template(&j, e);
	if (!rc && j.o->tools)
		rc = jin_slurp(j.o->tools, &j.tools, e);
	if (!rc)
		rc = jout_open(&out, jcli_common(cli)->output, e);
	if (!rc)
		rc = j.o->lines ? render_lines(&j, name, out, e) : render_one(&j, name, out, e);
	if (!rc) {
		rc = jout_commit(out, e);
		out = NULL;
	}
	jout_abort(out);
	jtemplate_out_release(&j.out);
	jbuf_release(&j.tools);
	jbuf_release(&j.source);
	jtemplate_free(j.tmpl);
	jtok_free(j.tok);
	return rc;
}
