#include <stdbool.h>
#include <string.h>

#include "base/jjson.h"
#include "base/jutf8.h"

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull

const char *
jjson_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static const char *
fault(struct jjson_fault *f, const char *at, const char *why)
{
	f->at = at;
	f->why = why;
	return NULL;
}

/* High bit set in each byte of w that is zero; bytes above a zero byte may be set falsely. */
static inline uint64_t
zero_bytes(uint64_t w)
{
	return (w - ONES) & ~w & HIGH;
}

/*
 * Skips plain bytes (ASCII, no control character, quote or backslash), eight at a time.  A word
 * with anything else in it is left to the byte loop, so false positives of the bit tricks only
 * cost time.
 */
static const char *
skip_plain(const char *p, const char *end)
{
	uint64_t w;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		if ((w & HIGH) | zero_bytes(w ^ ONES * '"') | zero_bytes(w ^ ONES * '\\') |
		    ((w - ONES * 0x20) & ~w & HIGH))
			break;
	}
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 &&
	    *p != '"' && *p != '\\')
		p++;
	return p;
}

static int
hex4(const char *p)
{
	int v = 0, i, c;

	for (i = 0; i < 4; i++) {
		c = (unsigned char)p[i];
		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			c = (c | 32) - 'a' + 10;
		else
			return -1;
		v = v << 4 | c;
	}
	return v;
}

/* p is at the backslash. */
static const char *
escape(const char *p, const char *end, struct jjson_fault *f)
{
	int u;

	if (end - p < 2)
		return fault(f, p, "the string does not end");
	if (p[1] != 'u') {
		if (p[1] == '\0' || !strchr("\"\\/bfnrt", p[1]))
			return fault(f, p, "unknown escape");
		return p + 2;
	}
	u = end - p < 6 ? -1 : hex4(p + 2);
	if (u < 0)
		return fault(f, p, "expected four hexadecimal digits after \\u");
	if (u < 0xD800 || u > 0xDFFF)
		return p + 6;
	if (u > 0xDBFF || end - p < 12 || p[6] != '\\' || p[7] != 'u' ||
	    (u = hex4(p + 8)) < 0xDC00 || u > 0xDFFF)
		return fault(f, p, "a surrogate without its other half");
	return p + 12;
}

const char *
jjson_string(const char *p, const char *end, struct jjson_fault *f)
{
	uint32_t cp;
	int len;

	if (p >= end || *p != '"')
		return fault(f, p, "expected a string");
	for (p++;;) {
		p = skip_plain(p, end);
		if (p >= end)
			return fault(f, p, "the string does not end");
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			p = escape(p, end, f);
			if (!p)
				return NULL;
		} else if ((unsigned char)*p < 0x20) {
			return fault(f, p, "a control character in a string must be escaped");
		} else {
			len = jutf8_decode(p, (size_t)(end - p), &cp);
			if (len < 0)
				return fault(f, p, "invalid UTF-8");
			p += len;
		}
	}
}

static const char *
digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *
number(const char *p, const char *end, struct jjson_fault *f)
{
	const char *start = p, *q;

	if (p < end && *p == '-')
		p++;
	q = digits(p, end);
	if (q == p || (*p == '0' && q - p > 1))
		return fault(f, start, "malformed number");
	p = q;
	if (p < end && *p == '.') {
		q = digits(p + 1, end);
		if (q == p + 1)
			return fault(f, start, "malformed number");
		p = q;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		q = digits(p, end);
		if (q == p)
			return fault(f, start, "malformed number");
		p = q;
	}
	return p;
}

static const char *
scalar(const char *p, const char *end, struct jjson_fault *f)
{
	static const char *const word[] = { "true", "false", "null" };
	size_t i, n;

	if (*p == '"')
		return jjson_string(p, end, f);
	if (*p == '-' || (*p >= '0' && *p <= '9'))
		return number(p, end, f);
	for (i = 0; i < 3; i++) {
		n = strlen(word[i]);
		if ((size_t)(end - p) >= n && memcmp(p, word[i], n) == 0)
			return p + n;
	}
	return fault(f, p, "expected a value");
}

/* A key and its colon, with white space on both sides. */
static const char *
key(const char *p, const char *end, struct jjson_fault *f)
{
	p = jjson_space(p, end);
	if (p >= end || *p != '"')
		return fault(f, p, "expected a key in quotes");
	p = jjson_string(p, end, f);
	if (!p)
		return NULL;
	p = jjson_space(p, end);
	if (p >= end || *p != ':')
		return fault(f, p, "expected ':' after a key");
	return jjson_space(p + 1, end);
}

/* After a value inside a container: closes what ends here.  Leaves *level at 0 when all is closed. */
static const char *
close_levels(const char *p, const char *end, const char *open, int *level, struct jjson_fault *f)
{
	while (*level > 0) {
		p = jjson_space(p, end);
		if (p < end && *p == ',') {
			p = jjson_space(p + 1, end);
			return open[*level - 1] == '{' ? key(p, end, f) : p;
		}
		if (p >= end || *p != (open[*level - 1] == '{' ? '}' : ']'))
			return fault(f, p, open[*level - 1] == '{' ?
			    "expected ',' or '}' in an object" : "expected ',' or ']' in an array");
		p++;
		--*level;
	}
	return p;
}

const char *
jjson_value(const char *p, const char *end, int depth, struct jjson_fault *f)
{
	char open[JJSON_DEPTH];
	int level = 0;

	if (depth > JJSON_DEPTH)
		depth = JJSON_DEPTH;
	do {
		if (p >= end)
			return fault(f, p, "expected a value, found the end");
		if (*p != '{' && *p != '[') {
			p = scalar(p, end, f);
		} else {
			if (level == depth)
				return fault(f, p, "nested too deep");
			open[level++] = *p;
			p = jjson_space(p + 1, end);
			if (p >= end || *p != (open[level - 1] == '{' ? '}' : ']')) {
				if (open[level - 1] == '{')
					p = key(p, end, f);
				if (!p)
					return NULL;
				continue;
			}
			p++;
			level--;
		}
		if (p)
			p = close_levels(p, end, open, &level, f);
		if (!p)
			return NULL;
	} while (level > 0);
	return p;
}

int
jjson_check(const char *p, size_t n, int depth, struct jjson_fault *f)
{
	const char *end = p + n;

	p = jjson_value(jjson_space(p, end), end, depth, f);
	if (!p)
		return -1;
	p = jjson_space(p, end);
	if (p < end)
		fault(f, p, "something follows the value");
	return p < end ? -1 : 0;
}

size_t
jjson_unescape(const char *p, size_t n, char *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *end = p + n, *q, *hit;
	char *o = out;
	uint32_t u;

	while (p < end) {
		q = memchr(p, '\\', (size_t)(end - p));
		if (!q)
			q = end;
		memmove(o, p, (size_t)(q - p));
		o += q - p;
		if (q == end)
			break;
		p = q + 2;
		if (q[1] != 'u') {
			hit = strchr(from, q[1]);
			*o++ = hit ? to[hit - from] : q[1];
			continue;
		}
		u = (uint32_t)hex4(q + 2);
		p = q + 6;
		if (u >= 0xD800 && u <= 0xDBFF) {
			u = 0x10000 + ((u - 0xD800) << 10) + ((uint32_t)hex4(q + 8) - 0xDC00);
			p = q + 12;
		}
		o += jutf8_encode(u, o);
	}
	return (size_t)(o - out);
}
