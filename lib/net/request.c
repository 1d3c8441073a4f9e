/* request.c - one HTTP request through libcurl; see http.h. */
#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/jmem.h"
#include "net/http.h"

struct request {
	CURL *curl;
	size_t max;
	struct jbuf body, location, type, etag, modified;
	double retry_after;
	bool large;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
request_start(void)
{
	pthread_once(&once, start_curl);
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	n *= size;
	if (r->body.n + n > r->max) {
		r->large = true;
		return 0;
	}
	jbuf_add(&r->body, p, n);
	return n;
}

/* The value if the line is "Name: value"; false otherwise. */
static bool
header(const char *p, size_t n, const char *name, struct jbuf *out)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(p, name, len) != 0 || p[len] != ':' || n > 16384)
		return false;
	p += len + 1;
	n -= len + 1;
	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	jbuf_reset(out);
	for (size_t i = 0; i < n; i++)	/* one line, whatever is sent */
		jbuf_addc(out, (unsigned char)p[i] < 0x20 || p[i] == 0x7f ? ' ' : p[i]);
	return true;
}

static void
take_retry(struct request *r, const char *value)
{
	int64_t s;
	time_t t;

	if (jstr_to_i64(value, &s) == 0) {
		r->retry_after = s > 0 && s < 1000000 ? (double)s : 0;
	} else {
		t = curl_getdate(value, NULL);
		r->retry_after = t > 0 ? difftime(t, time(NULL)) : 0;
	}
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	struct jbuf b;

	n *= size;
	if (header(p, n, "Location", &r->location) || header(p, n, "Content-Type", &r->type) ||
	    header(p, n, "ETag", &r->etag) || header(p, n, "Last-Modified", &r->modified))
		return n;
	jbuf_init(&b);
	if (header(p, n, "Retry-After", &b))
		take_retry(r, b.p);
	jbuf_release(&b);
	return n;
}

struct request *
request_new(const struct jhttp_opts *o)
{
	struct request *r;
	long ms = (long)(o->timeout_s * 1000);

	request_start();
	r = jmem_zalloc(1, sizeof(*r));
	jbuf_init(&r->body);
	jbuf_init(&r->location);
	jbuf_init(&r->type);
	jbuf_init(&r->etag);
	jbuf_init(&r->modified);
	r->max = o->max_bytes;
	r->curl = curl_easy_init();
	if (!r->curl) {
		request_free(r);
		return NULL;
	}
	curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(r->curl, CURLOPT_USERAGENT, o->agent);
	curl_easy_setopt(r->curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(r->curl, CURLOPT_CONNECTTIMEOUT_MS, ms);
	/* a slow answer is fine, silence is not */
	curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_TIME, ms / 1000 > 0 ? ms / 1000 : 1L);
	curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, ms * 20);
	curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
	return r;
}

void
request_free(struct request *r)
{
	if (!r)
		return;
	if (r->curl)
		curl_easy_cleanup(r->curl);
	jbuf_release(&r->body);
	jbuf_release(&r->location);
	jbuf_release(&r->type);
	jbuf_release(&r->etag);
	jbuf_release(&r->modified);
	jmem_free(r);
}

/* "text/html; charset=UTF-8" into its parts. */
static void
media_type(const char *s, struct jhttp_page *p)
{
	size_t n = strcspn(s, "; \t");
	const char *c = s;

	jbuf_reset(&p->type);
	jbuf_reset(&p->charset);
	for (size_t i = 0; i < n; i++)
		jbuf_addc(&p->type, tolower((unsigned char)s[i]));
	while ((c = strchr(c, ';')) != NULL) {
		c++;
		c += strspn(c, " \t");
		if (strncasecmp(c, "charset=", 8) != 0)
			continue;
		c += 8;
		c += *c == '"';
		jbuf_add(&p->charset, c, strcspn(c, "\"; \t"));
		return;
	}
}

static struct curl_slist *
conditions(const struct jhttp_page *p)
{
	struct curl_slist *l = NULL;
	struct jbuf b;

	jbuf_init(&b);
	if (p->etag.n > 0) {
		jbuf_printf(&b, "If-None-Match: %s", p->etag.p);
		l = curl_slist_append(l, b.p);
	}
	if (p->modified.n > 0) {
		jbuf_reset(&b);
		jbuf_printf(&b, "If-Modified-Since: %s", p->modified.p);
		l = curl_slist_append(l, b.p);
	}
	jbuf_release(&b);
	return l;
}

static void
take_answer(struct request *r, long status, struct jhttp_page *p)
{
	time_t t;

	if (status == 304 && (p->etag.n > 0 || p->modified.n > 0)) {
		p->status = 200;
		p->same = true;
		return;
	}
	p->status = (int)status;
	p->same = false;
	jbuf_reset(&p->body);
	jbuf_add(&p->body, r->body.p, r->body.n);
	media_type(r->type.p, p);
	jbuf_reset(&p->etag);
	jbuf_add(&p->etag, r->etag.p, r->etag.n);
	jbuf_reset(&p->modified);
	jbuf_add(&p->modified, r->modified.p, r->modified.n);
	t = r->modified.n > 0 ? curl_getdate(r->modified.p, NULL) : -1;
	p->when = t > 0 ? (int64_t)t : (int64_t)time(NULL);
}

int
request_run(struct request *r, const char *url, struct jhttp_page *p, struct jerr *e)
{
	struct curl_slist *headers = conditions(p);
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode rc;

	jbuf_reset(&r->body);
	jbuf_reset(&r->location);
	jbuf_reset(&r->type);
	jbuf_reset(&r->etag);
	jbuf_reset(&r->modified);
	r->retry_after = 0;
	r->large = false;
	curl_easy_setopt(r->curl, CURLOPT_URL, url);
	curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, why);
	rc = curl_easy_perform(r->curl);
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	if (r->large) {
		take_answer(r, status, p);
		return jerr_set(e, JERR_LIMIT, "%s: more than %zu bytes", url, r->max);
	}
	if (rc != CURLE_OK)
		return jerr_set(e, JERR_NET, "%s: %s", url, *why ? why : curl_easy_strerror(rc));
	take_answer(r, status, p);
	return 0;
}

const char *
request_location(const struct request *r)
{
	return r->location.p;
}

double
request_retry_after(const struct request *r)
{
	return r->retry_after;
}
