/*
 * remote_parse.c - what a node sends back.
 */
#include "swarm/remote.h"

#include <string.h>

#include "conf/jval.h"

void
remote_reply_init(struct remote_reply *r)
{
	memset(r, 0, sizeof(*r));
	jbuf_init(&r->text);
}

void
remote_reply_release(struct remote_reply *r)
{
	jbuf_release(&r->text);
}

static int
told_error(const struct jval *v, struct jerr *e)
{
	const struct jval *err = jval_get(v, "error");
	const char *text;

	if (!err || err->type == JVAL_NULL)
		return 0;
	text = err->type == JVAL_STR ? err->u.s.p : jval_str(err, "message", "no reason given");
	return jerr_set(e, JERR_NET, "the node says: %.300s", text);
}

static void
take_usage(const struct jval *v, struct remote_reply *r)
{
	const struct jval *u = jval_get(v, "usage");
	int64_t in = jval_int(u, "prompt_tokens", 0), out = jval_int(u, "completion_tokens", 0);

	if (in > 0)
		r->prompt_tokens = (uint64_t)in;
	if (out > 0)
		r->tokens = (uint64_t)out;
}

/* One object: whole (message) or a piece (delta) of the first choice. */
static int
take_object(const struct jval *v, struct remote_reply *r, struct jerr *e)
{
	const struct jval *choices = jval_get(v, "choices"), *c, *message;
	const char *text;
	int rc = told_error(v, e);

	if (rc < 0)
		return rc;
	take_usage(v, r);
	if (!choices || choices->type != JVAL_ARR)
		return jerr_set(e, JERR_FORMAT, "the node's answer has no \"choices\"");
	if (choices->u.a.n == 0)
		return 0;
	c = choices->u.a.v[0];
	message = jval_get(c, "message");
	if (!message)
		message = jval_get(c, "delta");
	text = message ? jval_str(message, "content", "") : jval_str(c, "text", "");
	jbuf_adds(&r->text, text);
	if (jval_str(c, "finish_reason", NULL))
		r->whole = true;
	return 0;
}

/* The data of one event. */
static int
take_event(const char *p, size_t n, struct jarena *a, struct remote_reply *r, struct jerr *e)
{
	struct jerr why = { 0 };
	struct jval *v;

	if (n == 6 && memcmp(p, "[DONE]", 6) == 0) {
		r->whole = true;
		return 0;
	}
	jarena_reset(a);
	if (jval_parse_json(&v, p, n, "event", a, &why) < 0)
		return jerr_set(e, JERR_FORMAT, "an event of the node is not JSON");
	return take_object(v, r, e);
}

static int
parse_events(const char *p, size_t n, struct jarena *a, struct remote_reply *r, struct jerr *e)
{
	uint64_t pieces = 0;
	size_t at = 0;

	while (at < n) {
		const char *lf = memchr(p + at, '\n', n - at), *line = p + at;
		size_t len;
		int rc;

		if (!lf)
			break;		/* cut in the middle of a line */
		len = (size_t)(lf - line);
		at += len + 1;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len < 5 || memcmp(line, "data:", 5) != 0)
			continue;	/* comments, names of events, blank lines */
		line += 5;
		len -= 5;
		if (len > 0 && *line == ' ') {
			line++;
			len--;
		}
		rc = take_event(line, len, a, r, e);
		if (rc < 0)
			return rc;
		pieces++;
	}
	if (r->tokens == 0)
		r->tokens = pieces;
	return 0;
}

int
remote_parse(const char *p, size_t n, struct remote_reply *r, struct jerr *e)
{
	const char *from = jjson_space(p, p + n);
	struct jerr why = { 0 };
	struct jarena a;
	struct jval *v;
	int rc;

	jarena_init(&a, 0);
	if (from == p + n) {
		rc = jerr_set(e, JERR_FORMAT, "the node sent nothing");
	} else if (*from != '{') {
		rc = parse_events(p, n, &a, r, e);
		if (rc == 0 && r->tokens == 0 && !r->whole)
			rc = jerr_set(e, JERR_FORMAT, "the node's answer is neither JSON nor a stream of "
				"events");
	} else if (jval_parse_json(&v, p, n, "answer", &a, &why) < 0) {
		rc = jerr_set(e, JERR_FORMAT, "the node's answer is cut or not JSON");
	} else {
		rc = take_object(v, r, e);
	}
	jarena_release(&a);
	return rc;
}
