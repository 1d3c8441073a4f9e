/*
 * Each scanner takes the alternatives of its pattern in order.  The only lookahead of the patterns,
 * \s+(?!\S), is "a run of white space gives back its last character if something follows".
 * Invalid bytes count as characters that are neither letter, number nor space.
 */
#include "scan.h"

#include <string.h>

#include "uni.h"

/* First position from p whose class has a bit of mask. */
static const unsigned char *
run_until(const unsigned char *p, const unsigned char *end, unsigned mask)
{
	unsigned cls;

	while (p < end) {
		int n = uni_step(p, end, &cls);

		if (cls & mask)
			break;
		p += n;
	}
	return p;
}

static const unsigned char *
run_while(const unsigned char *p, const unsigned char *end, unsigned mask)
{
	unsigned cls;

	while (p < end) {
		int n = uni_step(p, end, &cls);

		if (!(cls & mask))
			break;
		p += n;
	}
	return p;
}

#define WORD (UNI_L | UNI_N | UNI_S)

/* Letters run fast over ASCII, which most text is. */
static const unsigned char *
letters(const unsigned char *p, const unsigned char *end)
{
	while (p < end && (unsigned char)((*p | 32) - 'a') < 26)
		p++;
	return p < end && *p >= 0x80 ? run_while(p, end, UNI_L) : p;
}

/* Length of a contraction at the apostrophe p; fold: any case, and U+017F as s. */
static size_t
contraction(const unsigned char *p, const unsigned char *end, int fold)
{
	size_t n = (size_t)(end - p);
	int a, b;

	if (n < 2)
		return 0;
	if (fold && n >= 3 && p[1] == 0xC5 && p[2] == 0xBF)
		return 3;
	a = fold && p[1] >= 'A' && p[1] <= 'Z' ? p[1] | 32 : p[1];
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return 2;
	if (n < 3)
		return 0;
	b = fold && p[2] >= 'A' && p[2] <= 'Z' ? p[2] | 32 : p[2];
	if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
		return 3;
	return 0;
}

/* \s+(?!\S)|\s+ on the run [p, q). */
static const unsigned char *
spaces(const unsigned char *p, const unsigned char *q, const unsigned char *end)
{
	unsigned cls;
	const unsigned char *last;

	if (q == end)
		return q;
	last = q - uni_step_back(p, q, &cls);
	return last > p ? last : q;
}

static const unsigned char *
next_gpt2(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;
	unsigned cls;
	int n;

	if (*p == '\'') {
		size_t c = contraction(p, end, 0);

		if (c)
			return p + c;
	}
	n = uni_step(p, end, &cls);
	if (*p == ' ' && p + 1 < end) {
		unsigned after;
		int m = uni_step(p + 1, end, &after);

		if (!(after & UNI_S)) {
			p++;
			n = m;
			cls = after;
		}
	}
	if (cls & UNI_L)
		return letters(p, end);
	if (cls & UNI_N)
		return run_while(p + n, end, UNI_N);
	if (!(cls & UNI_S))
		return run_until(p + n, end, WORD);
	return spaces(start, run_while(p + n, end, UNI_S), end);
}

static const unsigned char *
newlines(const unsigned char *p, const unsigned char *end)
{
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* White space of the cl100k family: up to the last line end of the run, if it has one. */
static const unsigned char *
cl100k_spaces(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = run_while(p, end, UNI_S), *r = q;

	while (r > p && r[-1] != '\n' && r[-1] != '\r')
		r--;
	return r > p ? r : spaces(p, q, end);
}

static const unsigned char *
next_cl100k(const unsigned char *p, const unsigned char *end, int digits)
{
	const unsigned char *q;
	unsigned cls, after = 0;
	int n;

	if (*p == '\'') {
		size_t c = contraction(p, end, 1);

		if (c)
			return p + c;
	}
	n = uni_step(p, end, &cls);
	if (cls & UNI_L)
		return letters(p, end);
	q = p + n;
	if (cls & UNI_N) {
		while (--digits > 0 && q < end) {
			n = uni_step(q, end, &cls);
			if (!(cls & UNI_N))
				break;
			q += n;
		}
		return q;
	}
	n = 0;
	if (q < end)
		n = uni_step(q, end, &after);
	if (n && *p != '\r' && *p != '\n' && (after & UNI_L))
		return letters(q, end);
	if (!(cls & UNI_S))
		return newlines(run_until(q, end, WORD), end);
	if (*p == ' ' && n && !(after & WORD))
		return newlines(run_until(q + n, end, WORD), end);
	return cl100k_spaces(p, end);
}

static const unsigned char *
next_spaces(const unsigned char *p, const unsigned char *end)
{
	static const unsigned char mark[] = { 0xE2, 0x96, 0x81 };

	while (end - p >= 3 && memcmp(p, mark, 3) == 0)
		p += 3;
	while (p < end) {
		p = memchr(p, 0xE2, (size_t)(end - p));
		if (!p)
			return end;
		if (end - p >= 3 && memcmp(p, mark, 3) == 0)
			return p;
		p++;
	}
	return p;
}

size_t
scan_next(enum scan_kind kind, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;

	switch (kind) {
	case SCAN_GPT2:
		return (size_t)(next_gpt2(p, end) - p);
	case SCAN_LLAMA3:
		return (size_t)(next_cl100k(p, end, 3) - p);
	case SCAN_QWEN2:
		return (size_t)(next_cl100k(p, end, 1) - p);
	case SCAN_SPACES:
		return (size_t)(next_spaces(p, end) - p);
	default:
		return n;
	}
}

#define LLAMA3_HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
#define LLAMA3_TAIL "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GPT2_TAIL "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

static const struct pattern {
	enum scan_kind kind;
	const char *text;
} patterns[] = {
	{ SCAN_GPT2, "'s|'t|'re|'ve|'m|'ll|'d" GPT2_TAIL },
	{ SCAN_GPT2, "'(?:[sdmt]|ll|ve|re)" GPT2_TAIL },
	{ SCAN_GPT2, "(?:'s|'t|'re|'ve|'m|'ll|'d)" GPT2_TAIL },
	{ SCAN_LLAMA3, LLAMA3_HEAD "{1,3}" LLAMA3_TAIL },
	{ SCAN_QWEN2, LLAMA3_HEAD LLAMA3_TAIL },
};

enum scan_kind
scan_by_pattern(const char *pattern, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (strlen(patterns[i].text) == n && memcmp(patterns[i].text, pattern, n) == 0)
			return patterns[i].kind;
	return SCAN_NONE;
}

const char *
scan_pattern(enum scan_kind kind)
{
	size_t i;

	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (patterns[i].kind == kind)
			return patterns[i].text;
	return NULL;
}

const char *
scan_gguf_name(enum scan_kind kind)
{
	return kind == SCAN_GPT2 ? "gpt-2" : kind == SCAN_LLAMA3 ? "llama-bpe" :
		kind == SCAN_QWEN2 ? "qwen2" : NULL;
}
