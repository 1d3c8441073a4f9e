/* robots.c - see jrobots.h. */
#include "net/jrobots.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "net/jurl.h"

struct rule {
	char *pattern;		/* in normal form */
	size_t n;
	bool allow;
};

struct rules {
	struct rule *v;
	size_t n, cap;
	double delay;
	bool named;		/* a group for this agent exists */
};

struct jrobots {
	struct rules own, any;	/* of our groups, of the groups for "*" */
	bool all, none;		/* everything is allowed, nothing is */
};

struct line {
	const char *key, *val;
	size_t key_n, val_n;
};

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* "key: value # comment"; false if the line is no such thing. */
static bool
split(const char *s, size_t n, struct line *l)
{
	const char *hash = memchr(s, '#', n), *sep, *end;

	end = hash ? hash : s + n;
	while (s < end && blank(*s))
		s++;
	while (end > s && blank(end[-1]))
		end--;
	sep = memchr(s, ':', (size_t)(end - s));
	if (!sep)	/* a common slip: the colon is missing */
		for (sep = s; sep < end && !blank(*sep); sep++)
			;
	if (sep >= end || sep == s)
		return false;
	l->key = s;
	l->key_n = (size_t)(sep - s);
	while (l->key_n > 0 && blank(s[l->key_n - 1]))
		l->key_n--;
	l->val = sep + 1;
	while (l->val < end && blank(*l->val))
		l->val++;
	l->val_n = l->val < end ? (size_t)(end - l->val) : 0;
	return true;
}

static bool
is_key(const struct line *l, const char *key)
{
	return l->key_n == strlen(key) && strncasecmp(l->key, key, l->key_n) == 0;
}

static bool
is_agent_key(const struct line *l)
{
	return is_key(l, "user-agent") || is_key(l, "useragent") || is_key(l, "user agent");
}

static size_t
token(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (isalpha((unsigned char)s[i]) || s[i] == '-' || s[i] == '_'))
		i++;
	return i;
}

static void
add_rule(struct rules *r, const struct line *l, bool allow)
{
	struct jbuf b;

	if (l->val_n == 0)	/* an empty rule says nothing */
		return;
	jbuf_init(&b);
	jurl_normal(l->val, l->val_n, &b);
	JMEM_GROW(r->v, r->cap, r->n + 1);
	r->v[r->n].n = b.n;
	r->v[r->n].allow = allow;
	r->v[r->n++].pattern = jbuf_detach(&b);
}

static void
add_delay(struct rules *r, const struct line *l)
{
	char num[32];
	double v;

	if (l->val_n == 0 || l->val_n >= sizeof(num))
		return;
	memcpy(num, l->val, l->val_n);
	num[l->val_n] = '\0';
	if (jstr_to_double(num, &v) == 0 && v > 0 && v < 86400 && v > r->delay)
		r->delay = v;
}

struct jrobots *
jrobots_parse(const char *p, size_t n, const char *agent)
{
	struct jrobots *r = jmem_zalloc(1, sizeof(*r));
	size_t name_n = token(agent, strlen(agent)), i = 0;
	bool in_own = false, in_any = false, heading = false;

	if (n > JROBOTS_MAX)
		n = JROBOTS_MAX;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < n) {
		struct line l;
		size_t len = 0;

		while (i + len < n && p[i + len] != '\n' && p[i + len] != '\r')
			len++;
		if (split(p + i, len, &l)) {
			if (is_agent_key(&l)) {
				size_t t = token(l.val, l.val_n);

				if (!heading)
					in_own = in_any = false;
				heading = true;
				if (l.val_n > 0 && l.val[0] == '*' && (l.val_n == 1 || blank(l.val[1])))
					in_any = r->any.named = true;
				else if (t == name_n && t > 0 && strncasecmp(l.val, agent, t) == 0)
					in_own = r->own.named = true;
			} else if (is_key(&l, "allow") || is_key(&l, "disallow")) {
				heading = false;
				if (in_own)
					add_rule(&r->own, &l, is_key(&l, "allow"));
				if (in_any)
					add_rule(&r->any, &l, is_key(&l, "allow"));
			} else if (is_key(&l, "crawl-delay")) {
				if (in_own)
					add_delay(&r->own, &l);
				if (in_any)
					add_delay(&r->any, &l);
			}
		}
		i += len + 1;
	}
	return r;
}

struct jrobots *
jrobots_from_status(int status)
{
	struct jrobots *r = jmem_zalloc(1, sizeof(*r));

	r->all = status >= 400 && status < 500;
	r->none = !r->all;
	return r;
}

/*
 * Whether the pattern matches from the start of the path.  One star is remembered at a time, so the
 * work is at most the product of the lengths.
 */
static bool
matches(const char *pat, size_t n, const char *path)
{
	bool anchored = n > 0 && pat[n - 1] == '$';
	size_t i = 0, star = (size_t)-1, from = 0, k = 0;

	n -= anchored;
	for (;;) {
		if (i < n && pat[i] == '*') {
			star = ++i;
			from = k;
			continue;
		}
		if (i == n && (!anchored || path[k] == '\0'))
			return true;
		if (i < n && path[k] && pat[i] == path[k]) {
			i++;
			k++;
			continue;
		}
		if (star == (size_t)-1 || path[from] == '\0')
			return false;
		i = star;
		k = ++from;
	}
}

bool
jrobots_allowed(const struct jrobots *r, const char *path)
{
	const struct rules *set = r->own.named ? &r->own : &r->any;
	const struct rule *best = NULL;
	struct jbuf b;

	if (r->all || strcmp(path, "/robots.txt") == 0)
		return true;
	if (r->none)
		return false;
	jbuf_init(&b);
	jurl_normal(path, strlen(path), &b);
	for (size_t i = 0; i < set->n; i++) {
		const struct rule *v = &set->v[i];

		if (best && (v->n < best->n || (v->n == best->n && !v->allow)))
			continue;
		if (matches(v->pattern, v->n, b.p))
			best = v;
	}
	jbuf_release(&b);
	return !best || best->allow;
}

double
jrobots_delay(const struct jrobots *r)
{
	return r->own.named ? r->own.delay : r->any.delay;
}

static void
free_rules(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		jmem_free(r->v[i].pattern);
	jmem_free(r->v);
}

void
jrobots_free(struct jrobots *r)
{
	if (!r)
		return;
	free_rules(&r->own);
	free_rules(&r->any);
	jmem_free(r);
}
