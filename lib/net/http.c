/* http.c - the client of jhttp.h: politeness, redirects, retries.  One request is in request.c. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/jmem.h"
#include "base/jsys.h"
#include "net/http.h"
#include "net/jrobots.h"
#include "net/jurl.h"

enum { MAX_HOSTS = 4096 };

/* What is known of one origin. */
struct host {
	char *origin;
	struct jrobots *robots;
	double last;		/* time of the last request */
};

struct jhttp {
	struct jhttp_opts o;
	struct request *req;
	struct host *host;
	size_t n_host, cap_host;
};

void
jhttp_page_init(struct jhttp_page *p)
{
	memset(p, 0, sizeof(*p));
	jbuf_init(&p->body);
	jbuf_init(&p->url);
	jbuf_init(&p->type);
	jbuf_init(&p->charset);
	jbuf_init(&p->etag);
	jbuf_init(&p->modified);
}

void
jhttp_page_release(struct jhttp_page *p)
{
	jbuf_release(&p->body);
	jbuf_release(&p->url);
	jbuf_release(&p->type);
	jbuf_release(&p->charset);
	jbuf_release(&p->etag);
	jbuf_release(&p->modified);
}

int
jhttp_open(struct jhttp **out, const struct jhttp_opts *o, struct jerr *e)
{
	struct jhttp *h = jmem_zalloc(1, sizeof(*h));

	h->o = *o;
	h->o.agent = jmem_strdup(o->agent && *o->agent ? o->agent : "jupiter");
	h->o.state = o->state ? jmem_strdup(o->state) : NULL;
	h->o.timeout_s = o->timeout_s > 0 ? o->timeout_s : 30;
	h->o.max_bytes = o->max_bytes ? o->max_bytes : (size_t)64 << 20;
	h->o.redirects = o->redirects > 0 ? o->redirects : 8;
	h->o.retries = o->retries == 0 ? 3 : o->retries < 0 ? 0 : o->retries;
	h->o.retry_s = o->retry_s > 0 ? o->retry_s : 1;
	h->o.retry_max_s = o->retry_max_s > 0 ? o->retry_max_s : 120;
	h->req = request_new(&h->o);
	if (!h->req) {
		jhttp_close(h);
		return jerr_set(e, JERR_NET, "the HTTP library does not start");
	}
	*out = h;
	return 0;
}

void
jhttp_close(struct jhttp *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_host; i++) {
		jmem_free(h->host[i].origin);
		jrobots_free(h->host[i].robots);
	}
	jmem_free(h->host);
	request_free(h->req);
	jmem_free((char *)h->o.agent);
	jmem_free((char *)h->o.state);
	jmem_free(h);
}

static void
wait_s(double s)
{
	struct timespec t;

	if (!(s > 0))
		return;
	t.tv_sec = (time_t)s;
	t.tv_nsec = (long)((s - floor(s)) * 1e9);
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static struct host *
find_host(struct jhttp *h, const struct jurl *u)
{
	struct host *x;

	for (size_t i = 0; i < h->n_host; i++)
		if (strncmp(h->host[i].origin, u->text.p, u->path) == 0 && !h->host[i].origin[u->path])
			return &h->host[i];
	if (h->n_host == MAX_HOSTS) {	/* forget the oldest */
		jmem_free(h->host[0].origin);
		jrobots_free(h->host[0].robots);
		memmove(h->host, h->host + 1, (MAX_HOSTS - 1) * sizeof(*h->host));
		h->n_host--;
	}
	JMEM_GROW(h->host, h->cap_host, h->n_host + 1);
	x = &h->host[h->n_host++];
	memset(x, 0, sizeof(*x));
	x->origin = jmem_strndup(u->text.p, u->path);
	x->last = -1e9;
	return x;
}

/* One request when the host may be asked again. */
static int
ask(struct jhttp *h, struct host *x, const char *url, struct jhttp_page *p, struct jerr *e)
{
	double pause = h->o.delay_s, crawl = x->robots ? jrobots_delay(x->robots) : 0;
	int rc;

	if (crawl > pause)
		pause = crawl < h->o.retry_max_s ? crawl : h->o.retry_max_s;
	wait_s(x->last + pause - jsys_now());
	rc = request_run(h->req, url, p, e);
	x->last = jsys_now();
	return rc;
}

/* With retries of what may pass: no answer, 429 and 5xx. */
static int
insist(struct jhttp *h, struct host *x, const char *url, struct jhttp_page *p, struct jerr *e)
{
	double wait = h->o.retry_s;

	for (int try = 0;; try++) {
		struct jerr now = { 0 };
		double after;
		int rc = ask(h, x, url, p, &now);

		if (rc == JERR_LIMIT || (rc == 0 && p->status != 429 && p->status < 500) ||
		    try >= h->o.retries) {
			if (rc < 0)
				jerr_set(e, now.code, "%s", now.msg);
			return rc;
		}
		after = request_retry_after(h->req);
		after = after > wait ? after : wait;
		wait_s(after < h->o.retry_max_s ? after : h->o.retry_max_s);
		wait *= 2;
	}
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static struct jrobots *
fetch_robots(struct jhttp *h, struct host *x)
{
	struct jhttp_page p;
	struct jrobots *r;
	struct jurl u, next;
	int rc;

	jhttp_page_init(&p);
	jurl_init(&u);
	jurl_init(&next);
	jbuf_printf(&p.url, "%s/robots.txt", x->origin);
	rc = jurl_parse(&u, p.url.p, NULL);
	for (int hop = 0; rc == 0 && hop <= 5; hop++) {
		jbuf_reset(&p.body);
		rc = insist(h, x, u.text.p, &p, NULL);
		if (rc < 0 || !is_redirect(p.status))
			break;
		rc = jurl_resolve(&next, &u, request_location(h->req), NULL);
		if (rc == 0)
			rc = jurl_parse(&u, next.text.p, NULL);
	}
	if (rc == JERR_LIMIT)	/* a huge file: its beginning counts */
		r = jrobots_parse(p.body.p, p.body.n, h->o.agent);
	else if (rc < 0)
		r = jrobots_from_status(599);
	else if (p.status >= 200 && p.status < 300)
		r = jrobots_parse(p.body.p, p.body.n, h->o.agent);
	else	/* redirected without end: as if there were none */
		r = jrobots_from_status(is_redirect(p.status) ? 404 : p.status);
	jhttp_page_release(&p);
	jurl_release(&u);
	jurl_release(&next);
	return r;
}

static void
reset(struct jhttp_page *p)
{
	p->status = 0;
	p->same = false;
	p->when = 0;
	jbuf_reset(&p->body);
	jbuf_reset(&p->url);
	jbuf_reset(&p->type);
	jbuf_reset(&p->charset);
	jbuf_reset(&p->etag);
	jbuf_reset(&p->modified);
}

/* One hop: robots, the remembered page, the request. */
static int
hop(struct jhttp *h, const struct jurl *u, struct jhttp_page *p, enum jhttp_why *why,
	struct jerr *e)
{
	struct host *x = find_host(h, u);
	int rc;

	if (h->o.robots && !x->robots)
		x->robots = fetch_robots(h, x);
	if (h->o.robots && !jrobots_allowed(x->robots, u->text.p + u->path)) {
		*why = JHTTP_ROBOTS;
		return jerr_set(e, JERR_NET, "%s: robots.txt does not allow it", u->text.p);
	}
	rc = insist(h, x, u->text.p, p, e);
	if (rc == JERR_LIMIT)
		*why = JHTTP_LARGE;
	else if (rc < 0)
		*why = JHTTP_UNREACHABLE;
	return rc;
}

static int
follow(struct jhttp *h, struct jurl *u, struct jhttp_page *p, enum jhttp_why *why, struct jerr *e)
{
	struct jurl next;
	int rc = 0;

	jurl_init(&next);
	for (int n = 0;; n++) {
		reset(p);
		if (h->o.state)
			state_load(h->o.state, u->text.p, p);
		rc = hop(h, u, p, why, e);
		if (rc < 0 || !is_redirect(p->status))
			break;
		if (n == h->o.redirects) {
			*why = JHTTP_REDIRECTS;
			rc = jerr_set(e, JERR_NET, "%s: more than %d redirects", u->text.p, h->o.redirects);
			break;
		}
		rc = jurl_resolve(&next, u, request_location(h->req), e);
		if (rc == 0 && u->tls && !next.tls)
			rc = jerr_set(e, JERR_NET, "%s: redirected from https to http", u->text.p);
		if (rc < 0) {
			*why = JHTTP_REDIRECTS;
			break;
		}
		rc = jurl_parse(u, next.text.p, e);
	}
	jurl_release(&next);
	return rc;
}

int
jhttp_get(struct jhttp *h, const char *url, struct jhttp_page *p, enum jhttp_why *why,
	struct jerr *e)
{
	enum jhttp_why unused;
	struct jurl u;
	int rc;

	why = why ? why : &unused;
	*why = JHTTP_OK;
	jurl_init(&u);
	rc = jurl_parse(&u, url, e);
	if (rc == 0)
		rc = follow(h, &u, p, why, e);
	if (rc == 0 && (p->status < 200 || p->status > 299)) {
		*why = JHTTP_STATUS;
		rc = jerr_set(e, JERR_NET, "%s: the server answered %d", u.text.p, p->status);
	}
	if (rc == 0) {
		jbuf_reset(&p->url);
		jbuf_add(&p->url, u.text.p, u.text.n);
		if (h->o.state && !p->same)
			rc = state_save(h->o.state, u.text.p, p, e);
	}
	jurl_release(&u);
	return rc;
}
