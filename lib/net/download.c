/* download.c - see jdownload.h. */
#include "net/jdownload.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "io/jfs.h"

#define MAX_ERROR_BODY 400

struct transfer {
	CURL *curl;
	const struct jdownload *d;
	FILE *out;			/* NULL: text */
	struct jbuf *text;
	size_t max;
	uint64_t had, done;		/* bytes of the part before this try, and now */
	bool started, failed, large;
	char linked[65];		/* X-Linked-Etag */
	char range[32];
	struct jbuf complaint;		/* beginning of the body of an error */
};

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	static const char name[] = "x-linked-etag:";
	struct transfer *t = arg;
	size_t at = sizeof(name) - 1, k = 0;

	n *= size;
	if (n < at || strncasecmp(p, name, at) != 0)
		return n;
	while (at < n && (p[at] == ' ' || p[at] == '"'))
		at++;
	while (at + k < n && k < 64 && strchr("0123456789abcdef", p[at + k]) && p[at + k])
		k++;
	if (k == 64) {
		memcpy(t->linked, p + at, 64);
		t->linked[64] = 0;
	}
	return n;
}

/* The first bytes of an answer say whether the server goes on or begins again. */
static bool
start(struct transfer *t, long status)
{
	t->started = true;
	if (t->had && status == 200) {
		if (fflush(t->out) != 0 || ftruncate(fileno(t->out), 0) != 0)
			return false;
		rewind(t->out);
		t->had = t->done = 0;
	}
	return true;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	n *= size;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		if (t->complaint.n < MAX_ERROR_BODY)
			jbuf_add(&t->complaint, p, n < MAX_ERROR_BODY ? n : MAX_ERROR_BODY);
		return n;
	}
	if (!t->out) {
		t->large = t->text->n + n > t->max;
		if (t->large)
			return 0;
		jbuf_add(t->text, p, n);
		return n;
	}
	t->failed = (!t->started && !start(t, status)) || fwrite(p, 1, n, t->out) != n;
	if (t->failed)
		return 0;
	t->done += n;
	t->large = t->d->size >= 0 && t->done > (uint64_t)t->d->size;
	if (t->d->progress)
		t->d->progress(t->d->arg, t->done, t->d->size > 0 ? (uint64_t)t->d->size : 0);
	return t->large ? 0 : n;
}

/* https, or a server on this machine. */
static bool
may_have_token(const char *url)
{
	static const char *const local[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };

	if (strncasecmp(url, "https://", 8) == 0)
		return true;
	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(local[i]);

		if (strncmp(url, local[i], n) == 0 && (url[n] == ':' || url[n] == '/'))
			return true;
	}
	return false;
}

static void
set_options(struct transfer *t)
{
	double timeout = t->d->timeout_s > 0 ? t->d->timeout_s : 30;
	CURL *c = t->curl;

	curl_easy_setopt(c, CURLOPT_URL, t->d->url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, 8L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(c, CURLOPT_USERAGENT, t->d->agent);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout * 1000));
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)timeout > 0 ? (long)timeout : 1L);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	if (t->had) {	/* not RESUME_FROM, which gives up where ranges are not offered */
		snprintf(t->range, sizeof(t->range), "%llu-", (unsigned long long)t->had);
		curl_easy_setopt(c, CURLOPT_RANGE, t->range);
	}
	if (t->d->token) {	/* libcurl keeps it from other hosts */
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, t->d->token);
	}
}

static int
status_error(const struct transfer *t, long status, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	for (size_t i = 0; i < t->complaint.n && i < 200; i++) {
		unsigned char c = (unsigned char)t->complaint.p[i];

		jbuf_addc(&b, c < 0x20 || c > 0x7e ? ' ' : c);
	}
	rc = jerr_set(e, JERR_NET, "%s: the server answers %ld%s%s%s", t->d->url, status,
		status == 401 || status == 403 ? " (a token is needed, or has no access)" : "",
		b.n ? ": " : "", b.p);
	jbuf_release(&b);
	return rc;
}

/* One request.  1: try again; 0: done; < 0. */
static int
try_once(struct transfer *t, struct jerr *e)
{
	char why[CURL_ERROR_SIZE] = "";
	CURLcode code;
	long status = 0;

	t->started = false;
	t->done = t->had;
	jbuf_reset(&t->complaint);
	t->curl = curl_easy_init();
	if (!t->curl)
		return jerr_set(e, JERR_NET, "libcurl cannot start");
	set_options(t);
	curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, why);
	code = curl_easy_perform(t->curl);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(t->curl);
	if (t->failed)
		return jerr_sys(e, "%s: cannot write", t->d->path);
	if (t->large)
		return jerr_set(e, JERR_LIMIT, "%s: more bytes than expected", t->d->url);
	if (code == CURLE_OK && status >= 200 && status <= 299)
		return 0;
	if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
		return jerr_set(e, JERR_ARG, "%s: %s", t->d->url, why[0] ? why :
			curl_easy_strerror(code));
	if (code == CURLE_OK && status != 429 && status < 500)
		return status_error(t, status, e);
	jerr_clear(e);
	if (code == CURLE_OK)
		status_error(t, status, e);
	else
		jerr_set(e, JERR_NET, "%s: %s", t->d->url, why[0] ? why : curl_easy_strerror(code));
	return 1;
}

static void
wait_for(double seconds)
{
	struct timespec ts = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

/* Requests until one succeeds or no more are left; a text begins anew each time. */
static int
perform(struct transfer *t, struct jerr *e)
{
	double pause = t->d->retry_s > 0 ? t->d->retry_s : 1;
	int rc = 1;

	if (t->d->token && !may_have_token(t->d->url))
		return jerr_set(e, JERR_ARG, "%s: a token is sent over https only", t->d->url);
	jbuf_init(&t->complaint);
	for (int k = 0; rc == 1 && k <= t->d->retries; k++) {
		if (k > 0) {
			wait_for(pause);
			pause *= 2;
		}
		if (t->text)
			jbuf_reset(t->text);
		rc = try_once(t, e);
		if (rc == 1 && t->out)
			t->had = t->done;
	}
	jbuf_release(&t->complaint);
	if (rc == 0)
		jerr_clear(e);
	return rc == 1 ? e->code : rc;
}

int
jdownload_text(const struct jdownload *d, size_t max, struct jbuf *out, struct jerr *e)
{
	struct transfer t = { .d = d, .text = out, .max = max };

	return perform(&t, e);
}

static int
file_sha256(const char *path, char hex[65], struct jerr *e)
{
	struct jmapped m;
	int rc = jfs_map(&m, path, e);

	if (rc < 0)
		return rc;
	jsha256_hex(m.p, m.n, hex);
	jfs_unmap(&m);
	return 0;
}

/* Size and hash of what has come; the part of a wrong one is removed. */
static int
check_part(struct jdownload *d, const struct transfer *t, const char *part, struct jerr *e)
{
	const char *want = d->sha256 ? d->sha256 : t->linked[0] ? t->linked : NULL;
	char hex[65];
	int rc = 0;

	if (d->size >= 0 && jfs_size(part) != d->size)
		return jerr_set(e, JERR_NET, "%s: %lld bytes, expected %lld", d->path,
			(long long)jfs_size(part), (long long)d->size);
	if (!want)
		return 0;
	rc = file_sha256(part, hex, e);
	if (rc == 0 && strcasecmp(hex, want) != 0) {
		remove(part);
		return jerr_set(e, JERR_FORMAT, "%s: SHA-256 is %s, expected %s: removed", d->path,
			hex, want);
	}
	d->checked = rc == 0;
	return rc;
}

static int
fetch_part(struct jdownload *d, const char *part, struct jerr *e)
{
	struct transfer t = { .d = d };
	int64_t have = d->sha256 ? jfs_size(part) : -1;
	bool whole = have >= 0 && have == d->size;
	int rc = 0;

	if (!whole) {
		bool more = have > 0 && (d->size < 0 || have < d->size);
		uint64_t before = more ? (uint64_t)have : 0;

		t.had = before;
		t.out = fopen(part, more ? "r+b" : "wb");
		if (!t.out || fseeko(t.out, (off_t)t.had, SEEK_SET) != 0)
			rc = jerr_sys(e, "%s: cannot open", part);
		else
			rc = perform(&t, e);
		if (t.out && (fflush(t.out) != 0 || fsync(fileno(t.out)) != 0) && rc == 0)
			rc = jerr_sys(e, "%s: cannot write", part);
		if (t.out && fclose(t.out) != 0 && rc == 0)
			rc = jerr_sys(e, "%s: cannot write", part);
		d->fetched = t.done > before ? t.done - before : t.done;
	}
	return rc == 0 ? check_part(d, &t, part, e) : rc;
}

int
jdownload(struct jdownload *d, struct jerr *e)
{
	struct jarena a;
	char *part;
	int rc;

	jarena_init(&a, 0);
	part = jarena_printf(&a, "%s.part", d->path);
	d->fetched = 0;
	d->checked = false;
	rc = fetch_part(d, part, e);
	if (rc == 0)
		rc = jfs_rename(part, d->path, e);
	jarena_release(&a);
	return rc;
}
