/* post.c - one POST through libcurl; see jhttp.h. */
#include <curl/curl.h>
#include <string.h>

#include "base/jmem.h"
#include "net/http.h"
#include "net/jurl.h"

struct post {
	const struct jhttp_post *o;
	struct jbuf *answer;
	size_t max;
	bool large, stopped;
};

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct post *x = arg;

	n *= size;
	if (x->answer->n + n > x->max) {
		x->large = true;
		return 0;
	}
	jbuf_add(x->answer, p, n);
	if (x->o->on_data && x->o->on_data(x->o->arg) != 0) {
		x->stopped = true;
		return 0;
	}
	return n;
}

/* A secret goes over TLS, or to this machine. */
static int
check_bearer(const struct jhttp_post *o, const struct jurl *u, struct jerr *e)
{
	const char *host = u->text.p + u->host;

	if (strpbrk(o->bearer, "\r\n"))
		return jerr_set(e, JERR_ARG, "the key has more than one line");
	if (u->tls || (u->host_n == 9 && strncmp(host, "127.0.0.1", 9) == 0) ||
	    (u->host_n == 9 && strncmp(host, "localhost", 9) == 0) ||
	    (u->host_n == 5 && strncmp(host, "[::1]", 5) == 0))
		return 0;
	return jerr_set(e, JERR_ARG, "%s: a key is not sent without https", o->url);
}

static struct curl_slist *
headers_of(const struct jhttp_post *o)
{
	struct curl_slist *l = NULL;
	struct jbuf b;

	jbuf_init(&b);
	jbuf_printf(&b, "Content-Type: %s", o->type);
	l = curl_slist_append(l, b.p);
	l = curl_slist_append(l, "Expect:");	/* the body goes at once */
	if (o->bearer) {
		jbuf_reset(&b);
		jbuf_printf(&b, "Authorization: Bearer %s", o->bearer);
		l = curl_slist_append(l, b.p);
	}
	jbuf_release(&b);
	return l;
}

static CURLcode
perform(CURL *c, struct post *x, char *why)
{
	struct curl_slist *headers = headers_of(x->o);
	CURLcode rc;

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(c, CURLOPT_USERAGENT, "jupiter");
	curl_easy_setopt(c, CURLOPT_URL, x->o->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->o->body);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->o->n);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(x->o->timeout_s * 1000));
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	rc = curl_easy_perform(c);
	curl_slist_free_all(headers);
	return rc;
}

static int
post(struct post *x, int *status, struct jerr *e)
{
	char why[CURL_ERROR_SIZE] = "";
	long code = 0;
	CURL *c;
	CURLcode rc;

	request_start();
	c = curl_easy_init();
	if (!c)
		return jerr_set(e, JERR_NET, "the HTTP library does not start");
	rc = perform(c, x, why);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_cleanup(c);
	*status = (int)code;
	if (x->large)
		return jerr_set(e, JERR_LIMIT, "%s: more than %zu bytes", x->o->url, x->max);
	if (x->stopped)
		return jerr_set(e, JERR_STOP, "%s: stopped", x->o->url);
	if (rc != CURLE_OK)
		return jerr_set(e, JERR_NET, "%s: %s", x->o->url, *why ? why : curl_easy_strerror(rc));
	return 0;
}

int
jhttp_post(const struct jhttp_post *o, struct jbuf *answer, int *status, struct jerr *e)
{
	struct post x = { .o = o, .answer = answer,
		.max = o->max_bytes ? o->max_bytes : (size_t)16 << 20 };
	struct jurl u;
	int rc;

	*status = 0;
	jurl_init(&u);
	rc = jurl_parse(&u, o->url, e);
	if (rc == 0 && o->bearer)
		rc = check_bearer(o, &u, e);
	if (rc == 0)
		rc = post(&x, status, e);
	jurl_release(&u);
	return rc;
}
