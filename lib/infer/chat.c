/*
 * Conversations as the model's chat template writes them.
 */
#include "infer/jinfer.h"

#include <string.h>

#include "conf/jval.h"
#include "tok/jtemplate.h"

static void
put_token(struct jbuf *b, const char *key, const struct jtok *t, int64_t id)
{
	const char *p;
	size_t n;

	if (id < 0 || !(p = jtok_bytes(t, (uint32_t)id, &n)))
		return;
	jbuf_printf(b, ",\"%s\":", key);
	jjson_str(b, p, n);
}

int
jinfer_chat(const struct jtok *t, const char *messages, size_t n, struct jbuf *out, struct jerr *e)
{
	const char *src = jtok_chat_template(t);
	struct jtemplate *tpl;
	struct jtemplate_out text;
	struct jarena a;
	struct jval *vars;
	struct jbuf b;
	int rc;

	if (!src)
		return jerr_set(e, JERR_ARG, "the tokenizer has no chat template");
	rc = jtemplate_parse(&tpl, src, strlen(src), e);
	if (rc < 0)
		return jerr_wrap(e, "chat template");
	jbuf_init(&b);
	jarena_init(&a, 0);
	jtemplate_out_init(&text);
	jbuf_adds(&b, "{\"messages\":");
	jbuf_add(&b, messages, n);
	put_token(&b, "bos_token", t, jtok_bos(t));
	put_token(&b, "eos_token", t, jtok_eos(t));
	jbuf_adds(&b, ",\"add_generation_prompt\":true}");
	rc = jval_parse_json(&vars, b.p, b.n, "messages", &a, e);
	if (rc >= 0)
		rc = jtemplate_render(tpl, vars, &text, e);
	if (rc >= 0)
		jbuf_add(out, text.text.p, text.text.n);
	jtemplate_out_release(&text);
	jarena_release(&a);
	jbuf_release(&b);
	jtemplate_free(tpl);
	return rc < 0 ? rc : 0;
}
