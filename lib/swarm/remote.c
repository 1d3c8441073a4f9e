/*
 * remote.c - asking a node: the request, retries within the time, what came before a failure.
 */
#include "swarm/remote.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "net/jhttp.h"

#define MAX_ANSWER ((size_t)16 << 20)
#define FIRST_WAIT 0.5

static void
put_url(struct jbuf *b, const char *node)
{
	size_t n = strlen(node);

	while (n > 0 && node[n - 1] == '/')
		n--;
	jbuf_add(b, node, n);
	if (jstr_ends(b->p, "/completions"))
		return;
	if (!strstr(b->p, "/v1"))
		jbuf_adds(b, "/v1");
	jbuf_adds(b, "/chat/completions");
}

static bool
is_chat(const char *url)
{
	return jstr_ends(url, "/chat/completions");
}

static void
put_body(struct jbuf *b, const struct remote_ask *q, const char *url)
{
	jbuf_adds(b, "{\"model\":");
	jjson_str(b, q->model, strlen(q->model));
	if (is_chat(url)) {
		jbuf_printf(b, ",\"messages\":%s", q->messages);
	} else {
		jbuf_adds(b, ",\"prompt\":");
		jjson_str(b, q->prompt, strlen(q->prompt));
	}
	jbuf_printf(b, ",\"max_tokens\":%d,\"temperature\":", q->max_tokens);
	jjson_num(b, q->temperature);
	jbuf_adds(b, ",\"top_p\":");
	jjson_num(b, q->top_p);
	jbuf_printf(b, ",\"seed\":%lld,\"stream\":true}", (long long)(q->seed & INT32_MAX));
}

/* A stream that is being read: what is new is shown as it comes. */
struct stream {
	const struct remote_ask *q;
	struct jbuf answer;
	size_t shown;
};

static int
on_data(void *arg)
{
	struct stream *s = arg;
	struct remote_reply r;
	struct jerr ignored = { 0 };
	int stop = 0;

	remote_reply_init(&r);
	remote_parse(s->answer.p, s->answer.n, &r, &ignored);
	if (r.text.n > s->shown) {
		stop = s->q->on_text(s->q->arg, r.text.p + s->shown, r.text.n - s->shown);
		s->shown = r.text.n;
	}
	remote_reply_release(&r);
	return stop;
}

/* JERR_NET where another try may help. */
static int
try_once(const struct remote_ask *q, const char *url, double left, struct remote_reply *r,
	struct jerr *e)
{
	struct stream s = { .q = q };
	struct jhttp_post post = { .url = url, .type = "application/json", .bearer = q->key,
		.timeout_s = left, .max_bytes = MAX_ANSWER, .arg = &s };
	struct jerr told = { 0 };
	struct jbuf body;
	int rc, parsed;

	jbuf_init(&body);
	jbuf_init(&s.answer);
	put_body(&body, q, url);
	post.body = body.p;
	post.n = body.n;
	if (q->on_text)
		post.on_data = on_data;
	rc = jhttp_post(&post, &s.answer, &r->status, e);
	jbuf_reset(&r->text);
	parsed = s.answer.n > 0 || rc == 0 ? remote_parse(s.answer.p, s.answer.n, r, &told) : 0;
	if (rc == 0 && (r->status < 200 || r->status > 299))
		rc = jerr_set(e, JERR_NET, "%s: status %d%s%.300s", url, r->status,
			told.code == JERR_NET ? ": " : "", told.code == JERR_NET ? told.msg : "");
	else if (rc == 0 && parsed < 0)
		rc = jerr_set(e, JERR_FORMAT, "%s: %s", url, told.msg);
	else if (rc == 0 && !r->whole && r->text.n > 0)
		rc = jerr_set(e, JERR_FORMAT, "%s: the answer broke off", url);
	jbuf_release(&body);
	jbuf_release(&s.answer);
	return rc;
}

static bool
may_pass(const struct remote_reply *r, int rc)
{
	return rc == JERR_NET && r->text.n == 0 && (r->status == 0 || r->status == 429 ||
		r->status >= 500);
}

int
remote_ask(const struct remote_ask *q, struct remote_reply *r, struct jerr *e)
{
	double end = jsys_now() + q->timeout_s, wait = FIRST_WAIT;
	struct jbuf url;
	int rc;

	jbuf_init(&url);
	put_url(&url, q->node);
	for (int tries = 0;; tries++) {
		struct timespec t = { (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) };
		struct jerr now = { 0 };

		rc = try_once(q, url.p, end - jsys_now(), r, &now);
		if (tries >= q->retries || !may_pass(r, rc) || jsys_now() + wait >= end) {
			if (rc < 0)
				jerr_set(e, now.code, "%s", now.msg);
			break;
		}
		while (nanosleep(&t, &t) != 0 && errno == EINTR)
			;
		wait *= 2;
	}
	jbuf_release(&url);
	return rc;
}
