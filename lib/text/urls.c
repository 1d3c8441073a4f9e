#include "text/jurls.h"

#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "text/jmatch.h"

enum { MAX_PATTERN = 2048, MAX_URI = 8192 };

struct list {			/* of words, for a matcher */
	char **v;
	size_t n, cap;
};

struct jurls {
	uint64_t *hash;		/* sorted once finished */
	size_t n, cap;
	struct list word, soft, part;
	struct jmatch *words, *softs;
};

static bool
is_alnum(int c)
{
	return (unsigned)c - '0' < 10 || (unsigned)(c | 32) - 'a' < 26 || c >= 0x80;
}

struct jurls *
jurls_new(void)
{
	return jmem_zalloc(1, sizeof(struct jurls));
}

static void
list_release(struct list *l)
{
	while (l->n > 0)
		jmem_free(l->v[--l->n]);
	jmem_free(l->v);
}

void
jurls_free(struct jurls *u)
{
	if (!u)
		return;
	jmatch_free(u->words);
	jmatch_free(u->softs);
	list_release(&u->word);
	list_release(&u->soft);
	list_release(&u->part);
	jmem_free(u->hash);
	jmem_free(u);
}

static void
list_add(struct list *l, const char *s, size_t n)
{
	JMEM_GROW(l->v, l->cap, l->n + 1);
	l->v[l->n++] = jmem_strndup(s, n);
}

/* What is no letter or digit separates words, also within a pattern. */
static int
add_word(struct list *l, const char *s, size_t n, struct jerr *e)
{
	bool letters = false;
	size_t i;

	list_add(l, s, n);
	for (i = 0; i < n; i++) {
		if (is_alnum((unsigned char)s[i]))
			letters = true;
		else
			l->v[l->n - 1][i] = ' ';
	}
	return letters ? 0 : jerr_set(e, JERR_FORMAT, "expected a word, found \"%.*s\"", (int)n, s);
}

/*
 * Lower case; no scheme, user, "www.", port, final dot of the host or final slash.  False if it is no
 * address.  out has room for n bytes.
 */
static bool
plain_address(const char *s, size_t n, bool scheme, char *out, size_t *len)
{
	size_t i, host, name, k = 0;
	const char *at;

	if (n > 7 && memcmp(s, "http://", 7) == 0) {
		s += 7;
		n -= 7;
	} else if (n > 8 && memcmp(s, "https://", 8) == 0) {
		s += 8;
		n -= 8;
	} else if (scheme) {
		return false;
	}
	for (host = 0; host < n && !strchr("/?#", s[host]); host++)
		;
	at = memchr(s, '@', host);
	if (at) {
		host -= (size_t)(at + 1 - s);
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	if (host > 4 && (memcmp(s, "www.", 4) == 0 || memcmp(s, "WWW.", 4) == 0)) {
		s += 4;
		n -= 4;
		host -= 4;
	}
	for (i = 0; i < host && s[i] != ':'; i++)
		out[k++] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 32 : s[i]);
	while (k > 0 && out[k - 1] == '.')
		k--;
	name = k;
	if (k == 0)
		return false;
	for (i = host; i < n && s[i] != '#'; i++)
		out[k++] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 32 : s[i]);
	while (k > name && out[k - 1] == '/')
		k--;
	*len = k;
	return true;
}

static void
add_hash(struct jurls *u, const char *s, size_t n)
{
	JMEM_GROW(u->hash, u->cap, u->n + 1);
	u->hash[u->n++] = jhash64(s, n, 0);
}

int
jurls_add(struct jurls *u, const char *line, size_t n, struct jerr *e)
{
	const char *comment = memchr(line, '#', n);
	char plain[MAX_PATTERN];
	size_t len;

	n = comment ? (size_t)(comment - line) : n;
	while (n > 0 && (unsigned char)line[n - 1] <= ' ')
		n--;
	while (n > 0 && (unsigned char)*line <= ' ') {
		line++;
		n--;
	}
	if (n == 0)
		return 0;
	if (n >= MAX_PATTERN || memchr(line, 0, n))
		return jerr_set(e, JERR_FORMAT, "expected a domain, an address or a word of at most %d bytes",
			MAX_PATTERN - 1);
	if (*line == '*') {
		if (n < 3 || line[n - 1] != '*')
			return jerr_set(e, JERR_FORMAT, "expected *LETTERS*, found \"%.*s\"", (int)n, line);
		list_add(&u->part, line + 1, n - 2);
		return 0;
	}
	if (*line == '~')
		return add_word(&u->soft, line + 1, n - 1, e);
	if (!memchr(line, '.', n))
		return add_word(&u->word, line, n, e);
	if (!plain_address(line, n, false, plain, &len))
		return jerr_set(e, JERR_FORMAT, "expected a domain or an address, found \"%.*s\"", (int)n, line);
	add_hash(u, plain, len);
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
make_matcher(struct jmatch **m, const struct list *l, struct jerr *e)
{
	return l->n == 0 ? 0 : jmatch_new(m, (const char *const *)l->v, l->n, e);
}

int
jurls_finish(struct jurls *u, struct jerr *e)
{
	size_t i, n = 0;
	char *s;
	int rc;

	if (u->n > 0)
		qsort(u->hash, u->n, sizeof(*u->hash), by_value);
	for (i = 0; i < u->n; i++)
		if (i == 0 || u->hash[i] != u->hash[i - 1])
			u->hash[n++] = u->hash[i];
	u->n = n;
	for (i = 0; i < u->part.n; i++)
		for (s = u->part.v[i]; *s; s++)
			*s = (char)(*s >= 'A' && *s <= 'Z' ? *s | 32 : *s);
	rc = make_matcher(&u->words, &u->word, e);
	return rc == 0 ? make_matcher(&u->softs, &u->soft, e) : rc;
}

size_t
jurls_count(const struct jurls *u)
{
	return u->n + u->word.n + u->soft.n + u->part.n;
}

static bool
has_hash(const struct jurls *u, const char *s, size_t n)
{
	uint64_t h = jhash64(s, n, 0);

	return bsearch(&h, u->hash, u->n, sizeof(h), by_value) != NULL;
}

/* The host and every domain above it; then the host with more and more of the path. */
static bool
is_listed(const struct jurls *u, const char *s, size_t n)
{
	size_t host = 0, i;

	if (u->n == 0)
		return false;
	while (host < n && s[host] != '/' && s[host] != '?')
		host++;
	for (i = 0; i < host; i++)
		if ((i == 0 || s[i - 1] == '.') && has_hash(u, s + i, host - i))
			return true;
	for (i = host + 1; i <= n; i++)
		if ((i == n || strchr("/?&", s[i])) && has_hash(u, s, i))
			return true;
	return false;
}

/* How many different keys stand in the text. */
static uint32_t
count_keys(const struct jmatch *m, const char *s, size_t n)
{
	uint32_t *count, kinds = 0;
	size_t i;

	if (!m)
		return 0;
	count = jmem_zalloc(jmatch_size(m) + 1, sizeof(*count));
	jmatch_count(m, s, n, count);
	for (i = 0; i < jmatch_size(m); i++)
		kinds += count[i] > 0;
	jmem_free(count);
	return kinds;
}

bool
jurls_match(const struct jurls *u, const char *uri, size_t n, struct jurls_hits *hits)
{
	char plain[MAX_URI];
	size_t len, i;

	memset(hits, 0, sizeof(*hits));
	n = n < MAX_URI ? n : MAX_URI;
	if (!plain_address(uri, n, true, plain, &len))
		return false;
	hits->listed = is_listed(u, plain, len);
	for (i = 0; i < u->part.n; i++) {
		const char *part = u->part.v[i];
		size_t k = strlen(part), at;

		for (at = 0; at + k <= len && memcmp(plain + at, part, k) != 0; at++)
			;
		hits->words += at + k <= len;
	}
	/* an underscore joins words of a text, not of an address */
	for (i = 0; i < len; i++)
		plain[i] = is_alnum((unsigned char)plain[i]) ? plain[i] : ' ';
	hits->words += count_keys(u->words, plain, len);
	hits->soft = count_keys(u->softs, plain, len);
	return true;
}
