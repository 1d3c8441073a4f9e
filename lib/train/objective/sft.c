/*
 * sft.c - supervised fine-tuning on conversations: the loss falls on what the assistant says and on
 * the token that ends its turn, never on the prompt, the template or padding.
 *
 * A record of any kind that records.h lists becomes a list of messages, which is
 * rendered through the chat template, which tells for each byte from which message it came; the
 * rendered text is encoded once, special tokens parsed, no BOS or EOS added, exactly as it will be
 * when the model serves.  A token is a target if any of its bytes came from an assistant message,
 * and so are the tokens between the end of that message and the first token that ends a turn, that
 * token included: the mask goes by position, never by token id, so a pad token that is also the end
 * token stays trained.
 *
 * Where tokens cannot be laid side by side with the text (a tokenizer that normalises), the text is
 * encoded in pieces cut where the origin changes.
 */
#include <string.h>

#include "conf/jval.h"
#include "io/jio.h"
#include "train/objective/records.h"
#include "tok/jtemplate.h"
#include "train/encode.h"

#define MAX_MESSAGES 254	/* the origin of a byte has 8 bits */

struct sft {
	struct jtrain_data *d;
	struct jtemplate *tmpl;		/* NULL: prompt, line feed, answer, end-of-text token */
	struct jtemplate_out out, before;	/* before: what stands in front of a turn */
	struct jbuf vars;
	int kind;			/* of the record at hand */
	bool is_answer[MAX_MESSAGES + 2];	/* by origin */
	const uint32_t *stops;
	size_t n_stops;
};

static bool
is_stop(const struct sft *s, uint32_t id)
{
	size_t i;

	for (i = 0; i < s->n_stops; i++)
		if (s->stops[i] == id)
			return true;
	return false;
}

static void
put_special(struct jbuf *b, const struct jtok *t, const char *key, int64_t id)
{
	const char *s;
	size_t n;

	if (id < 0 || !(s = jtok_bytes(t, (uint32_t)id, &n)))
		return;
	jbuf_printf(b, ",\"%s\":", key);
	jjson_str(b, s, n);
}

/* Messages of "prompt": what the answers of a completion record come after. */
static size_t
count_prompt(const struct jrec *r, int kind, struct jarena *a)
{
	const struct jrec_member *m = jrec_find(r, "prompt");
	struct jerr ignored = { 0 };
	struct jval *v;

	if (kind != JTRAIN_COMPLETION || jval_parse_json(&v, m->val, m->val_n, "prompt", a, &ignored) < 0)
		return 0;
	return v->type == JVAL_ARR ? v->u.a.n : 0;
}

/* Said by the assistant, and not left out by "weight": 0 or "train": false. */
static bool
is_trained(const struct jval *message)
{
	return strcmp(jval_str(message, "role", ""), "assistant") == 0
		&& jval_num(message, "weight", 1) != 0 && jval_bool(message, "train", true);
}

/* The variables of the template, and which origins are answers. */
static int
make_vars(struct sft *s, const struct encoder *en, const struct jrec *r, struct jval **vars,
	struct jerr *e)
{
	const struct jrec_member *tools = jrec_find(r, "tools");
	const struct jval *list;
	struct jbuf *b = &s->vars;
	size_t i, answers = 0, first = count_prompt(r, s->kind, en->arena);

	jbuf_reset(b);
	jbuf_adds(b, "{\"messages\":");
	if (sft_messages(b, r, s->kind, en->arena, e) < 0)
		return e->code;
	if (tools && (tools->val[0] == '[' || tools->val[0] == 'n')) {
		jbuf_adds(b, ",\"tools\":");
		jbuf_add(b, tools->val, tools->val_n);
	}
	put_special(b, en->tok, "bos_token", jtok_bos(en->tok));
	put_special(b, en->tok, "eos_token", jtok_eos(en->tok));
	jbuf_adds(b, ",\"add_generation_prompt\":false}");
	if (jval_parse_json(vars, b->p, b->n, "record", en->arena, e) < 0)
		return e->code;
	list = jval_get(*vars, "messages");
	if (!list || list->type != JVAL_ARR || list->u.a.n == 0)
		return jerr_set(e, JERR_FORMAT, "\"messages\" is not a list of messages");
	if (list->u.a.n > MAX_MESSAGES)
		return jerr_set(e, JERR_LIMIT, "more than %d messages", MAX_MESSAGES);
	memset(s->is_answer, 0, sizeof(s->is_answer));
	for (i = first; i < list->u.a.n; i++) {
		s->is_answer[i + 1] = is_trained(list->u.a.v[i]);
		answers += s->is_answer[i + 1];
	}
	return answers ? 0 : jerr_set(e, JERR_FORMAT, "no message of the assistant");
}

/* Length in bytes of each token's text, summed, must be the text itself, byte for byte. */
static bool
aligned(const struct jtok *t, const struct jids *ids, const struct jbuf *text)
{
	size_t at = 0, i, n;

	for (i = 0; i < ids->n; i++) {
		const char *p = jtok_bytes(t, ids->v[i], &n);

		if (!p || n > text->n - at || memcmp(p, text->p + at, n) != 0)
			return false;
		at += n;
	}
	return at == text->n;
}

static void
mark_aligned(struct sft *s, const struct jtok *t, struct encoded *out)
{
	const unsigned char *origin = (const unsigned char *)s->out.origin.p;
	size_t at = 0, i, j, n;

	for (i = 0; i < out->ids.n; i++, at += n) {
		int target = 0;

		jtok_bytes(t, out->ids.v[i], &n);
		for (j = at; j < at + n && !target; j++)
			target = s->is_answer[origin[j]];
		jbuf_addc(&out->mask, target);
	}
}

/* Encodes run by run of one kind of origin. */
static int
encode_pieces(struct sft *s, struct encoder *en, struct encoded *out, struct jerr *e)
{
	const unsigned char *origin = (const unsigned char *)s->out.origin.p;
	size_t at = 0, end, n = s->out.text.n;

	out->ids.n = 0;
	jbuf_reset(&out->mask);
	for (; at < n; at = end) {
		bool answer = s->is_answer[origin[at]];

		for (end = at + 1; end < n && s->is_answer[origin[end]] == answer; end++)
			;
		if (jtok_encode(en->state, s->out.text.p + at, end - at, JTOK_SPECIAL, &out->ids,
			e) < 0)
			return e->code;
		while (out->mask.n < out->ids.n)
			jbuf_addc(&out->mask, answer);
	}
	return 0;
}

/*
 * From the end of each answer to the token that ends the turn.  A gap that reaches the next answer
 * or the end of the text without such a token is left out: nothing there is the assistant's.
 */
static void
mark_ends(struct sft *s, struct encoded *out)
{
	size_t i, j, n = out->ids.n;
	char *mask = out->mask.p;

	for (i = 1; i < n; i++) {
		if (mask[i] || !mask[i - 1])
			continue;
		for (j = i; j < n && !mask[j] && !is_stop(s, out->ids.v[j]); j++)
			;
		if (j < n && !mask[j]) {
			memset(mask + i, 1, j + 1 - i);
			s->d->eos_targets++;
			i = j + 1;	/* what follows that token is not the turn's */
		}
	}
}

static uint64_t
count_targets(const struct jbuf *mask)
{
	uint64_t k = 0;
	size_t i;

	/* The first token is never a target: nothing stands before it. */
	for (i = 1; i < mask->n; i++)
		k += mask->p[i] != 0;
	return k;
}

static int
add_id(struct encoded *out, int64_t id, int mask)
{
	if (id < 0)
		return 0;
	JMEM_GROW(out->ids.v, out->ids.cap, out->ids.n + 1);
	out->ids.v[out->ids.n++] = (uint32_t)id;
	jbuf_addc(&out->mask, mask);
	return 1;
}

static int
add_text(struct encoder *en, struct encoded *out, const char *p, size_t n, int mask, struct jerr *e)
{
	if (jtok_encode(en->state, p, n, 0, &out->ids, e) < 0)
		return e->code;
	while (out->mask.n < out->ids.n)
		jbuf_addc(&out->mask, mask);
	out->text_bytes += n;
	return 0;
}

/* Two texts, the second of which is learned: with what stands between them. */
static int
encode_two(struct encoder *en, const struct jrec *r, const char *keys[2], const char *between,
	struct encoded *out, struct jerr *e)
{
	const char *ask, *say;
	size_t n_ask, n_say;

	if (!jrec_str(r, keys[0], &ask, &n_ask) || !jrec_str(r, keys[1], &say, &n_say))
		return jerr_set(e, JERR_FORMAT, "\"%s\" and \"%s\" are not both strings", keys[0],
			keys[1]);
	if (n_say == 0)
		return jerr_set(e, JERR_FORMAT, "\"%s\" is empty", keys[1]);
	if (add_text(en, out, ask, n_ask, 0, e) < 0
		|| add_text(en, out, between, strlen(between), 0, e) < 0)
		return e->code;
	return add_text(en, out, say, n_say, 1, e);
}

/* Without a template: text, prompt and completion as they stand, prompt and answer on lines. */
static int
encode_plain(struct sft *s, struct encoder *en, const struct jrec *r, struct encoded *out,
	struct jerr *e)
{
	const char *text;
	size_t n;

	if (jtok_adds_bos(en->tok))
		add_id(out, jtok_bos(en->tok), 0);
	if (s->kind == JTRAIN_TEXT) {
		if (!jrec_str(r, "text", &text, &n) || n == 0)
			return jerr_set(e, JERR_FORMAT, "\"text\" is no string or empty");
		add_text(en, out, text, n, 1, e);
	} else if (s->kind == JTRAIN_COMPLETION && sft_is_plain(r, s->kind)) {
		encode_two(en, r, (const char *[]){ "prompt", "completion" }, "", out, e);
	} else if (s->kind == JTRAIN_PAIR) {
		encode_two(en, r, (const char *[]){ "prompt", "answer" }, "\n", out, e);
	} else {
		jerr_set(e, JERR_FORMAT, "--chat-template none takes text, prompt and completion, or "
			"prompt and answer, no conversations");
	}
	if (e->code < 0)
		return e->code;
	s->d->eos_targets += (uint64_t)add_id(out, jtok_eos(en->tok), 1);
	s->d->target_tokens += count_targets(&out->mask);
	return 0;
}

/*
 * The assistant's call of a tool is its own from the first byte of the turn, though the template, not
 * the message, spells much of it: the turn begins where a generation would.
 */
static int
mark_call(struct sft *s, struct jval *vars, size_t message, struct jerr *e)
{
	struct jval *list = (struct jval *)(uintptr_t)jval_get(vars, "messages");
	struct jval *prompt = (struct jval *)(uintptr_t)jval_get(vars, "add_generation_prompt");
	size_t all = list->u.a.n, at, end;
	int rc;

	jbuf_reset(&s->before.text);
	jbuf_reset(&s->before.origin);
	list->u.a.n = message;
	prompt->u.b = true;
	rc = jtemplate_render(s->tmpl, vars, &s->before, e);
	list->u.a.n = all;
	prompt->u.b = false;
	at = s->before.text.n;
	if (rc < 0 || at >= s->out.text.n || memcmp(s->before.text.p, s->out.text.p, at) != 0)
		return rc;
	for (end = s->out.text.n; end > at + 1; end--)
		if ((unsigned char)s->out.origin.p[end - 1] == message + 1)
			break;
	memset(s->out.origin.p + at, (int)message + 1, end - at);
	return 0;
}

static int
mark_calls(struct sft *s, struct jval *vars, struct jerr *e)
{
	const struct jval *list = jval_get(vars, "messages");

	for (size_t i = 0; i < list->u.a.n; i++) {
		const struct jval *calls = jval_get(list->u.a.v[i], "tool_calls");

		if (s->is_answer[i + 1] && i > 0 && calls && calls->type == JVAL_ARR
		    && calls->u.a.n > 0 && mark_call(s, vars, i, e) < 0)
			return e->code;
	}
	return 0;
}

static int
encode_conversation(struct sft *s, struct encoder *en, const struct jrec *r, struct encoded *out,
	struct jerr *e)
{
	struct jval *vars;

	if (make_vars(s, en, r, &vars, e) < 0)
		return e->code;
	jbuf_reset(&s->out.text);
	jbuf_reset(&s->out.origin);
	if (jtemplate_render(s->tmpl, vars, &s->out, e) < 0 || mark_calls(s, vars, e) < 0)
		return e->code;
	if (jtok_encode(en->state, s->out.text.p, s->out.text.n, JTOK_SPECIAL, &out->ids, e) < 0)
		return e->code;
	if (aligned(en->tok, &out->ids, &s->out.text))
		mark_aligned(s, en->tok, out);
	else if (encode_pieces(s, en, out, e) < 0)
		return e->code;
	mark_ends(s, out);
	if (count_targets(&out->mask) == 0)
		return jerr_set(e, JERR_FORMAT, "the answers are empty");
	s->d->target_tokens += count_targets(&out->mask);
	out->text_bytes = s->out.text.n;
	return 0;
}

static int
encode_record(struct encoder *en, const struct jrec *r, struct encoded *out, struct jerr *e)
{
	struct sft *s = en->arg;
	int rc;

	s->kind = sft_kind(r, e);
	if (s->kind < 0)
		return s->kind;
	if (!s->tmpl || sft_is_plain(r, s->kind))
		rc = encode_plain(s, en, r, out, e);
	else
		rc = encode_conversation(s, en, r, out, e);
	s->d->kinds[s->kind] += rc == 0;
	return rc;
}

static int
load_template(struct sft *s, const struct jtok *tok, const char *name, struct jerr *e)
{
	const char *src = jtok_chat_template(tok);
	struct jbuf file;
	int rc;

	if (name && strcmp(name, "none") == 0)
		return 0;
	if (!name && !src && jtok_id(tok, "<|im_start|>") >= 0)
		name = "chatml";
	if (name && strcmp(name, "chatml") == 0)
		return jtemplate_parse(&s->tmpl, jtemplate_chatml, strlen(jtemplate_chatml), e);
	if (!name && !src)
		return jerr_set(e, JERR_ARG, "the tokenizer has no chat template: give "
			"--chat-template FILE, chatml or none");
	if (!name)
		return jtemplate_parse(&s->tmpl, src, strlen(src), e);
	jbuf_init_max(&file, 1 << 20);
	rc = jin_slurp(name, &file, e);
	if (rc == 0 && file.over)
		rc = jerr_set(e, JERR_LIMIT, "%s: over 1 MiB", name);
	if (rc == 0 && jtemplate_parse(&s->tmpl, file.p, file.n, e) < 0)
		rc = jerr_wrap(e, "%s", name);
	jbuf_release(&file);
	return rc;
}

static int
open_sft(struct jtrain_data *d, const struct jtrain_source *src, struct jerr *e)
{
	struct sft s = { .d = d };
	struct encoder en = { .encode = encode_record, .has_mask = true, .arg = &s };
	int kind = train_data_kind(src, e);

	if (kind < 0)
		return kind;
	d->mode = JPACK_BEST_FIT;
	if (kind == 1)
		return train_open_shards(d, src, e);
	if (load_template(&s, src->tok, src->o->chat_template, e) < 0)
		return e->code;
	s.stops = jtok_stops(src->tok, &s.n_stops);
	jtemplate_out_init(&s.out);
	jtemplate_out_init(&s.before);
	jbuf_init(&s.vars);
	train_open_records(d, src, &en, e);
	jbuf_release(&s.vars);
	jtemplate_out_release(&s.out);
	jtemplate_out_release(&s.before);
	jtemplate_free(s.tmpl);
	return e->code;
}

const struct jobjective jobjective_sft = { .name = "sft", .open = open_sft };
