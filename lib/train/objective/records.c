/*
 * records.c - records of several kinds as one list of messages.
 */
#include "train/objective/records.h"

#include <string.h>

#include "conf/jval.h"

const char *const jtrain_kind_names[JTRAIN_KINDS + 1] = {
	"chat", "sharegpt", "alpaca", "pair", "completion", "text", NULL
};

static bool
has(const struct jrec *r, const char *key)
{
	return jrec_find(r, key) != NULL;
}

/* A key "from" says in whose way "conversations" is written. */
static int
conversations_kind(const struct jrec *r)
{
	static const char key[] = "\"from\"";
	const struct jrec_member *m = jrec_find(r, "conversations");

	for (size_t i = 0; i + strlen(key) <= m->val_n; i++)
		if (memcmp(m->val + i, key, strlen(key)) == 0)
			return JTRAIN_SHAREGPT;
	return JTRAIN_CHAT;
}

int
sft_kind(const struct jrec *r, struct jerr *e)
{
	if (has(r, "messages"))
		return JTRAIN_CHAT;
	if (has(r, "conversations"))
		return conversations_kind(r);
	if (has(r, "instruction") && has(r, "output"))
		return JTRAIN_ALPACA;
	if (has(r, "prompt") && has(r, "answer"))
		return JTRAIN_PAIR;
	if (has(r, "prompt") && has(r, "completion"))
		return JTRAIN_COMPLETION;
	if (has(r, "text"))
		return JTRAIN_TEXT;
	return jerr_set(e, JERR_FORMAT, "neither \"messages\", \"conversations\", \"instruction\" and "
		"\"output\", \"prompt\" and \"answer\" or \"completion\", nor \"text\"");
}

bool
sft_is_plain(const struct jrec *r, int kind)
{
	const struct jrec_member *m = jrec_find(r, "completion");

	return kind == JTRAIN_TEXT || (kind == JTRAIN_COMPLETION && m->val_n > 0
		&& m->val[0] == '"');
}

static void
put_message(struct jbuf *b, const char *role, const char *text, size_t n)
{
	jbuf_printf(b, "%s{\"role\":\"%s\",\"content\":", b->p[b->n - 1] == '[' ? "" : ",", role);
	jjson_str(b, text, n);
	jbuf_addc(b, '}');
}

static void
put_system(struct jbuf *b, const struct jrec *r)
{
	const char *text;
	size_t n;

	if (jrec_str(r, "system", &text, &n) && n > 0)
		put_message(b, "system", text, n);
}

/* Two texts of the record as a question and its answer. */
static int
put_pair(struct jbuf *b, const struct jrec *r, const char *ask, const char *say, struct jerr *e)
{
	const char *prompt, *answer;
	size_t n_prompt, n_answer;

	if (!jrec_str(r, ask, &prompt, &n_prompt) || !jrec_str(r, say, &answer, &n_answer))
		return jerr_set(e, JERR_FORMAT, "\"%s\" and \"%s\" are not both strings", ask, say);
	put_system(b, r);
	put_message(b, "user", prompt, n_prompt);
	put_message(b, "assistant", answer, n_answer);
	return 0;
}

/* Instruction and input, where there is one, stand in one message, as LLaMA-Factory has it. */
static int
put_alpaca(struct jbuf *b, const struct jrec *r, struct jerr *e)
{
	const char *ask, *input, *say;
	size_t n_ask, n_input, n_say;
	struct jbuf both;

	if (!jrec_str(r, "instruction", &ask, &n_ask) || !jrec_str(r, "output", &say, &n_say))
		return jerr_set(e, JERR_FORMAT, "\"instruction\" and \"output\" are not both strings");
	put_system(b, r);
	jbuf_init(&both);
	jbuf_add(&both, ask, n_ask);
	if (jrec_str(r, "input", &input, &n_input) && n_input > 0) {
		jbuf_addc(&both, '\n');
		jbuf_add(&both, input, n_input);
	}
	put_message(b, "user", both.p, both.n);
	put_message(b, "assistant", say, n_say);
	jbuf_release(&both);
	return 0;
}

static const char *
role_of(const char *from)
{
	static const struct {
		const char *from, *role;
	} roles[] = {
		{ "human", "user" }, { "user", "user" }, { "gpt", "assistant" },
		{ "assistant", "assistant" }, { "chatgpt", "assistant" }, { "model", "assistant" },
		{ "bot", "assistant" }, { "system", "system" }, { "function_call", "assistant" },
		{ "tool", "tool" }, { "observation", "tool" }, { "function_response", "tool" },
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(from, roles[i].from) == 0)
			return roles[i].role;
	return NULL;
}

static int
put_sharegpt(struct jbuf *b, const struct jrec *r, struct jarena *a, struct jerr *e)
{
	const struct jrec_member *m = jrec_find(r, "conversations");
	struct jval *list;

	if (jval_parse_json(&list, m->val, m->val_n, "conversations", a, e) < 0)
		return e->code;
	if (list->type != JVAL_ARR)
		return jerr_set(e, JERR_FORMAT, "\"conversations\" is not a list");
	put_system(b, r);
	for (size_t i = 0; i < list->u.a.n; i++) {
		const struct jval *from = jval_get(list->u.a.v[i], "from");
		const struct jval *value = jval_get(list->u.a.v[i], "value");
		const char *role = from && from->type == JVAL_STR ? role_of(from->u.s.p) : NULL;

		if (!role || !value || value->type != JVAL_STR)
			return jerr_set(e, JERR_FORMAT, "turn %zu of \"conversations\": expected from "
				"(human, gpt, system, tool ...) and value, found from \"%.40s\"", i + 1,
				from && from->type == JVAL_STR ? from->u.s.p : "");
		put_message(b, role, value->u.s.p, value->u.s.n);
	}
	return 0;
}

/* The elements of a list of messages as they stand. */
static int
put_list(struct jbuf *b, const struct jrec *r, const char *key, struct jerr *e)
{
	const struct jrec_member *m = jrec_find(r, key);
	const char *p = m->val, *end = m->val + m->val_n;

	if (m->val_n < 2 || *p != '[')
		return jerr_set(e, JERR_FORMAT, "\"%s\" is not a list of messages", key);
	p = jjson_space(p + 1, end);
	if (p < end && *p == ']')
		return 0;
	if (b->p[b->n - 1] != '[')
		jbuf_addc(b, ',');
	jbuf_add(b, p, (size_t)(end - 1 - p));
	return 0;
}

int
sft_messages(struct jbuf *b, const struct jrec *r, int kind, struct jarena *a, struct jerr *e)
{
	jbuf_addc(b, '[');
	switch (kind) {
	case JTRAIN_CHAT:
		put_list(b, r, has(r, "messages") ? "messages" : "conversations", e);
		break;
	case JTRAIN_SHAREGPT:
		put_sharegpt(b, r, a, e);
		break;
	case JTRAIN_ALPACA:
		put_alpaca(b, r, e);
		break;
	case JTRAIN_PAIR:
		put_pair(b, r, "prompt", "answer", e);
		break;
	default:
		if (jrec_find(r, "prompt")->val[0] == '"')
			return jerr_set(e, JERR_FORMAT, "\"prompt\" is text but \"completion\" is not");
		if (put_list(b, r, "prompt", e) == 0)
			put_list(b, r, "completion", e);
	}
	jbuf_addc(b, ']');
	return e->code;
}
