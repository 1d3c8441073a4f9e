/*
 * source/url.c - pages of the web: one URL, or a file with one URL a line ("urls:FILE").
 *
 * A single URL that cannot be had is an error; in a list it is a reject, so that one dead page does
 * not end the run.
 */
#include <stdlib.h>
#include <string.h>

#include "doc/jdoc.h"
#include "io/jio.h"
#include "net/jhttp.h"
#include "net/jurl.h"

#include "../collect.h"

struct url_source {
	const struct collect_opts *o;
	struct jhttp *http;
	struct jbuf state;
	struct jarena mem;
	char **url;
	size_t n, cap, at;
	bool list;
};

static bool
url_match(const char *spec)
{
	return jstr_starts(spec, "http://") || jstr_starts(spec, "https://");
}

static bool
urls_match(const char *spec)
{
	return jstr_starts(spec, "urls:");
}

static void
url_close(void *src)
{
	struct url_source *s = src;

	jhttp_close(s->http);
	jbuf_release(&s->state);
	jarena_release(&s->mem);
	jmem_free(s->url);
	jmem_free(s);
}

/* --cache DIR, else J_WORK/pages, else ~/.cache/jupiter/pages. */
static void
state_dir(const struct collect_opts *o, struct jbuf *dir)
{
	const char *work = getenv("J_WORK"), *home = getenv("HOME");

	if (o->cache)
		jbuf_printf(dir, "%s/pages", o->cache);
	else if (work && *work)
		jbuf_printf(dir, "%s/pages", work);
	else
		jbuf_printf(dir, "%s/.cache/jupiter/pages", home && *home ? home : "/tmp");
}

static void
add_url(struct url_source *s, const char *url, size_t n)
{
	JMEM_GROW(s->url, s->cap, s->n + 1);
	s->url[s->n++] = jarena_strndup(&s->mem, url, n);
}

static int
read_list(struct url_source *s, const char *file, struct jerr *e)
{
	struct jin *in;
	char *line;
	size_t n;
	int rc = jin_open(&in, file, e);

	if (rc < 0)
		return rc;
	while ((rc = jin_line(in, &line, &n, e)) > 0) {
		if (rc == 2 || n > JURL_MAX) {
			rc = jerr_set(e, JERR_FORMAT, "%s:%llu: the line is too long for a URL", file,
			    (unsigned long long)jin_lineno(in));
			break;
		}
		while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
			n--;
		while (n > 0 && (*line == ' ' || *line == '\t')) {
			line++;
			n--;
		}
		if (n > 0 && *line != '#')
			add_url(s, line, n);
	}
	jin_close(in);
	return rc;
}

static int
open_any(void **out, const char *spec, const struct collect_opts *o, bool list, struct jerr *e)
{
	struct url_source *s = jmem_zalloc(1, sizeof(*s));
	struct jhttp_opts h = { .agent = o->agent, .timeout_s = o->timeout, .robots = o->robots,
		.max_bytes = (size_t)o->max_bytes, .delay_s = (double)o->delay_ms / 1000 };
	int rc = 0;

	s->o = o;
	s->list = list;
	jarena_init(&s->mem, 0);
	jbuf_init(&s->state);
	state_dir(o, &s->state);
	h.state = s->state.p;
	if (list)
		rc = read_list(s, spec + 5, e);
	else
		add_url(s, spec, strlen(spec));
	if (rc == 0)
		rc = jhttp_open(&s->http, &h, e);
	if (rc < 0)
		url_close(s);
	else
		*out = s;
	return rc;
}

static int
url_open(void **out, const char *spec, const struct collect_opts *o, struct jerr *e)
{
	return open_any(out, spec, o, false, e);
}

static int
urls_open(void **out, const char *spec, const struct collect_opts *o, struct jerr *e)
{
	return open_any(out, spec, o, true, e);
}

static const char *
reason(enum jhttp_why why, int status)
{
	switch (why) {
	case JHTTP_ROBOTS: return "robots.txt";
	case JHTTP_LARGE: return "too large";
	case JHTTP_REDIRECTS: return "redirects";
	case JHTTP_STATUS:
		return status == 404 || status == 410 ? "not found" : status >= 500 ? "server error" : "refused";
	default: return "unreachable";
	}
}

/* The media type outranks the name: a page may end in .php. */
static int
format(const char *type)
{
	if (strcmp(type, "text/html") == 0 || strcmp(type, "application/xhtml+xml") == 0)
		return JDOC_HTML;
	return strcmp(type, "text/markdown") == 0 ? JDOC_MARKDOWN : JDOC_AUTO;
}

static int
fetch(struct url_source *s, const char *url, struct item *it, struct jerr *e)
{
	struct jhttp_page p;
	struct jerr now = { 0 };
	enum jhttp_why why;
	int rc;

	jhttp_page_init(&p);
	rc = jhttp_get(s->http, url, &p, &why, &now);
	if (rc < 0 && s->list) {
		it->reject = rc == JERR_ARG ? "no URL" : reason(why, p.status);
		rc = 0;
	} else if (rc < 0) {
		jerr_set(e, now.code, "%s", now.msg);
	} else {
		jbuf_add(&it->data, p.body.p, p.body.n);
		jbuf_add(&it->charset, p.charset.p, p.charset.n);
		it->when = p.when;
		it->format = format(p.type.p);
		if (strcmp(p.url.p, it->uri.p) != 0) {	/* the page's own place, and who sent us there */
			jbuf_add(&it->parent, it->uri.p, it->uri.n);
			jbuf_reset(&it->uri);
			jbuf_add(&it->uri, p.url.p, p.url.n);
		}
		if (it->data.n == 0)
			it->reject = "empty";
	}
	jhttp_page_release(&p);
	return rc;
}

static int
url_next(void *src, struct item *it, bool skip, struct jerr *e)
{
	struct url_source *s = src;
	const char *url;
	struct jurl u;
	int rc = 0;

	if (s->at == s->n)
		return 0;
	url = s->url[s->at++];
	jurl_init(&u);
	it->kind = "url";
	if (jurl_parse(&u, url, NULL) == 0) {
		jbuf_add(&it->uri, u.text.p, u.text.n);
		jbuf_add(&it->path, u.text.p + u.path, strcspn(u.text.p + u.path, "?"));
		it->reject = select_globs(s->o, it->path.p);
	} else {
		jbuf_adds(&it->uri, url);
	}
	if (!skip && !it->reject)
		rc = fetch(s, url, it, e);
	jurl_release(&u);
	return rc < 0 ? rc : 1;
}

const struct source_type source_url = { "url", url_match, url_open, url_next, url_close };
const struct source_type source_urls = { "urls", urls_match, urls_open, url_next, url_close };
