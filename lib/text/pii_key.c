/* pii_key.c - keys and tokens: known prefixes with their shapes, private key blocks, assignments. */
#include <math.h>
#include <string.h>

#include <zlib.h>

#include "text/pii_internal.h"

static const struct shape {
	const char *prefix;
	const char *also;		/* characters beside letters and digits */
	size_t min, max;		/* characters after the prefix */
} shapes[] = {
	{ "AKIA", "", 16, 16 }, { "ASIA", "", 16, 16 }, { "AIza", "-_", 35, 35 },
	{ "ghp_", "", 36, 36 }, { "gho_", "", 36, 36 }, { "ghu_", "", 36, 36 }, { "ghs_", "", 36, 36 },
	{ "ghr_", "", 36, 76 }, { "github_pat_", "_", 82, 82 }, { "glpat-", "-_", 20, 40 },
	{ "xoxb-", "-", 20, 120 }, { "xoxp-", "-", 20, 120 }, { "xoxa-", "-", 20, 120 },
	{ "xoxs-", "-", 20, 120 }, { "sk-ant-", "-_", 32, 140 }, { "sk-proj-", "-_", 32, 200 },
	{ "sk-", "", 32, 64 }, { "sk_live_", "", 16, 120 }, { "rk_live_", "", 16, 120 },
	{ "npm_", "", 36, 36 }, { "pypi-", "-_", 60, 300 }, { "SG.", "._-", 60, 70 },
	{ "ya29.", "-_", 20, 300 }, { "eyJ", "._-=", 40, 4000 }
};

static double
entropy(const char *s, size_t n)
{
	unsigned count[256] = { 0 };
	double bits = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count[(unsigned char)s[i]]++;
	for (i = 0; i < 256; i++)
		if (count[i])
			bits -= count[i] / (double)n * log2(count[i] / (double)n);
	return bits;
}

/* What stands in documentation in place of a key. */
static bool
is_placeholder(const char *s, size_t n)
{
	static const char *const words[] = { "EXAMPLE", "example", "xxxx", "XXXX", "your", "YOUR", "1234567890",
		"abcdefgh", "...", "placeholder", "changeme", "dummy", "sample", NULL };
	size_t i, k;

	for (i = 0; words[i]; i++) {
		size_t len = strlen(words[i]);

		for (k = 0; k + len <= n; k++)
			if (memcmp(s + k, words[i], len) == 0)
				return true;
	}
	return false;
}

/* GitHub's tokens end in the CRC-32 of the rest, in six digits of base 62. */
static bool
github_sum(const char *s, size_t n)
{
	static const char digit[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned long crc = crc32(0, (const unsigned char *)s, (unsigned)(n - 6));
	int i;

	for (i = 0; i < 6; i++, crc /= 62)
		if (s[n - 1 - (size_t)i] != digit[crc % 62])
			return false;
	return true;
}

static bool
is_jwt(const char *s, size_t n)
{
	const char *dot = memchr(s, '.', n);

	return dot && n - (size_t)(dot - s) > 4 && memcmp(dot + 1, "eyJ", 3) == 0 &&
		memchr(dot + 1, '.', n - (size_t)(dot - s) - 1) != NULL;
}

static size_t
known(const char *s, size_t n, const struct shape *x)
{
	size_t p = strlen(x->prefix), i;

	if (n < p + x->min || memcmp(s, x->prefix, p) != 0)
		return 0;
	for (i = p; i < n && i - p <= x->max && (pii_alnum(s[i]) || (s[i] && strchr(x->also, s[i]))); i++)
		;
	while (i > p && !pii_alnum(s[i - 1]) && s[i - 1] != '=')
		i--;
	if (i - p < x->min || i - p > x->max || (i < n && s[i] == '_') || is_placeholder(s, i) ||
	    entropy(s + p, i - p) < 3)
		return 0;
	if (x->min == 36 && s[0] == 'g' && !github_sum(s + p, i - p))
		return 0;
	return x->prefix[0] == 'e' && !is_jwt(s, i) ? 0 : i;
}

static size_t
private_block(const char *s, size_t n)
{
	static const char head[] = "-----BEGIN ", tail[] = "PRIVATE KEY-----";
	size_t i, most = n < 16384 ? n : 16384;
	bool found = false;

	if (n < 40 || memcmp(s, head, sizeof(head) - 1) != 0)
		return 0;
	for (i = sizeof(head) - 1; i + 16 <= most && i < 48 && !found; i++)
		found = memcmp(s + i, tail, 16) == 0;
	if (!found)
		return 0;
	for (; i + 25 < most; i++)
		if (memcmp(s + i, "-----END ", 9) == 0) {
			const char *end = memchr(s + i, '\n', most - i);

			return end ? (size_t)(end - s) : most;
		}
	return 0;
}

static bool
has_mix(const char *s, size_t n)
{
	size_t i, digits = 0, letters = 0;

	for (i = 0; i < n; i++) {
		digits += pii_digit(s[i]);
		letters += pii_alpha(s[i]);
	}
	return digits >= 2 && letters >= 4;
}

/* password = "..." : the value, which must look drawn by lot.  The span is the value alone. */
static bool
is_assigned(const char *s, size_t at)
{
	static const char *const names[] = { "api_key", "apikey", "api-key", "secret", "token", "password",
		"passwd", "access_key", "auth", NULL };
	size_t i = at;

	if (i > 0 && (s[i - 1] == '"' || s[i - 1] == '\''))
		i--;
	while (i > 0 && (s[i - 1] == ' ' || s[i - 1] == '"' || s[i - 1] == '\''))
		i--;
	return i > 0 && (s[i - 1] == '=' || s[i - 1] == ':') && pii_context(s, i, 24, names);
}

static size_t
assigned(const char *s, size_t n, size_t at)
{
	size_t i = at;

	while (i < n && i - at < 200 && (pii_alnum(s[i]) || (s[i] && strchr("+/_-=", s[i]))))
		i++;
	if (i - at < 20 || !is_assigned(s, at) || is_placeholder(s + at, i - at) ||
	    !has_mix(s + at, i - at) || entropy(s + at, i - at) < 3.7)
		return 0;
	return i - at;
}

size_t
pii_key(const char *s, size_t n, size_t at)
{
	size_t i, k;

	if (s[at] == '-')
		return private_block(s + at, n - at);
	if (at > 0 && (s[at - 1] == '_' || s[at - 1] == '.'))
		return 0;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && strchr("AgxsrnpSye", s[at]); i++)
		if (shapes[i].prefix[0] == s[at] && (k = known(s + at, n - at, &shapes[i])) > 0)
			return k;
	return assigned(s, n, at);
}
