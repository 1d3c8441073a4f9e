/* url.c - see jurl.h. */
#include "net/jurl.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void
jurl_init(struct jurl *u)
{
	memset(u, 0, sizeof(*u));
	jbuf_init(&u->text);
}

void
jurl_release(struct jurl *u)
{
	jbuf_release(&u->text);
}

static int
hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
unreserved(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

void
jurl_normal(const char *s, size_t n, struct jbuf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		int v = -1;

		if (c == '%' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			v = hex(s[i + 1]) << 4 | hex(s[i + 2]);
			i += 2;
		}
		if (v >= 0 && unreserved(v)) {
			jbuf_addc(out, v);
		} else if (v >= 0 || c <= 0x20 || c >= 0x7f || strchr("%\"<>\\^`{|}", c)) {
			c = v >= 0 ? (unsigned char)v : c;
			jbuf_addc(out, '%');
			jbuf_addc(out, digits[c >> 4]);
			jbuf_addc(out, digits[c & 15]);
		} else {
			jbuf_addc(out, c);
		}
	}
}

/* Removes "." and ".." from the path that begins at b->p[start] (RFC 3986, 5.2.4). */
static void
dot_segments(struct jbuf *b, size_t start)
{
	char *p = b->p;
	size_t in = start, out = start, end = b->n;

	while (in < end) {
		size_t len = 1;

		while (in + len < end && p[in + len] != '/')
			len++;
		/* a segment with its leading slash */
		if (len == 2 && p[in + 1] == '.') {
			if (in + len == end)
				p[out++] = '/';
		} else if (len == 3 && p[in + 1] == '.' && p[in + 2] == '.') {
			while (out > start && p[--out] != '/')
				;
			if (in + len == end)
				p[out++] = '/';
		} else {
			memmove(p + out, p + in, len);
			out += len;
		}
		in += len;
	}
	if (out == start)
		p[out++] = '/';
	b->n = out;
	p[out] = '\0';
}

static int
bad(const char *s, const char *what, struct jerr *e)
{
	return jerr_set(e, JERR_ARG, "%.200s: %s", s, what);
}

/* Host and port between p and end, appended in normal form. */
static int
authority(struct jurl *u, const char *s, const char *p, const char *end, struct jerr *e)
{
	const char *colon = NULL;
	int64_t port = u->tls ? 443 : 80;

	if (memchr(p, '@', (size_t)(end - p)))
		return bad(s, "a URL with a user name is refused", e);
	for (const char *c = p; c < end; c++)
		if (*c == ':')
			colon = c;
		else if (*c == ']')
			colon = NULL;
	u->host = u->text.n;
	for (const char *c = p; c < (colon ? colon : end); c++) {
		bool v6 = *p == '[' && strchr("[]:", *c);

		if (!isalnum((unsigned char)*c) && !strchr("-._~", *c) && !v6)
			return bad(s, "a host name holds letters, digits, '-' and '.' only", e);
		jbuf_addc(&u->text, tolower((unsigned char)*c));
	}
	u->host_n = u->text.n - u->host;
	if (*p == '[' && memchr(p, ']', (size_t)(end - p)) != (colon ? colon : end) - 1)
		return bad(s, "an address in [ ] has to end before the port", e);
	if (u->host_n == 0)
		return bad(s, "a URL needs a host", e);
	if (colon && colon + 1 < end) {
		char digits[8];
		size_t n = (size_t)(end - colon - 1);

		if (n >= sizeof(digits))
			return bad(s, "expected a port from 1 to 65535", e);
		memcpy(digits, colon + 1, n);
		digits[n] = '\0';
		if (jstr_to_i64(digits, &port) != 0 || port < 1 || port > 65535)
			return bad(s, "expected a port from 1 to 65535", e);
	}
	u->port = (int)port;
	if (port != (u->tls ? 443 : 80))
		jbuf_printf(&u->text, ":%d", (int)port);
	return 0;
}

int
jurl_parse(struct jurl *u, const char *s, struct jerr *e)
{
	const char *p, *end, *query;
	size_t n = strlen(s);
	int rc;

	jbuf_reset(&u->text);
	if (n > JURL_MAX)
		return bad(s, "the URL is longer than 8192 bytes", e);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return bad("URL", "a URL holds no control characters", e);
	if (strncasecmp(s, "http://", 7) == 0) {
		u->tls = 0;
		p = s + 7;
	} else if (strncasecmp(s, "https://", 8) == 0) {
		u->tls = 1;
		p = s + 8;
	} else {
		return bad(s, "expected http:// or https://", e);
	}
	jbuf_adds(&u->text, u->tls ? "https://" : "http://");
	end = p + strcspn(p, "/?#\\");
	rc = authority(u, s, p, end, e);
	if (rc < 0)
		return rc;
	u->path = u->text.n;
	p = end;
	query = p + strcspn(p, "?#");
	if (*p != '/')
		jbuf_addc(&u->text, '/');
	jurl_normal(p, (size_t)(query - p), &u->text);
	dot_segments(&u->text, u->path);
	if (*query == '?')
		jurl_normal(query, strcspn(query, "#"), &u->text);
	if (u->text.n > JURL_MAX)
		return bad(s, "the URL is longer than 8192 bytes", e);
	return 0;
}

void
jurl_origin(const struct jurl *u, struct jbuf *out)
{
	jbuf_add(out, u->text.p, u->path);
}

/* True if ref begins with a scheme. */
static bool
has_scheme(const char *ref)
{
	size_t i = 0;

	if (!isalpha((unsigned char)*ref))
		return false;
	while (isalnum((unsigned char)ref[i]) || (ref[i] && strchr("+-.", ref[i])))
		i++;
	return ref[i] == ':';
}

int
jurl_resolve(struct jurl *u, const struct jurl *base, const char *ref, struct jerr *e)
{
	const char *path = base->text.p + base->path;
	struct jbuf b;
	int rc;

	while (*ref == ' ' || *ref == '\t' || *ref == '\n' || *ref == '\r')
		ref++;
	jbuf_init(&b);
	if (has_scheme(ref)) {
		jbuf_adds(&b, ref);
	} else if (ref[0] == '/' && ref[1] == '/') {
		jbuf_adds(&b, base->tls ? "https:" : "http:");
		jbuf_adds(&b, ref);
	} else {
		size_t keep = strcspn(path, "?");

		jbuf_add(&b, base->text.p, base->path);
		if (*ref == '\0' || *ref == '#')
			jbuf_adds(&b, path);
		else if (*ref == '?')
			jbuf_add(&b, path, keep);
		else if (*ref != '/')
			while (keep > 0 && path[keep - 1] != '/')
				keep--;
		if (*ref && *ref != '#' && *ref != '?' && *ref != '/')
			jbuf_add(&b, path, keep);
		if (*ref != '#')
			jbuf_adds(&b, ref);
	}
	jbuf_trim(&b);
	rc = jurl_parse(u, b.p, e);
	jbuf_release(&b);
	return rc;
}
