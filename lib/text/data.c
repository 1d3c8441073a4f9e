/*
 * data.c - binary data written as text: base64, hex, \x and \u escapes, number arrays.
 *
 * The usual patterns (64 characters of the base64 alphabet, 8 hex bytes) match word lists and
 * tables of two-digit numbers.  Here a base64 run must lie within lines, mix capitals, small
 * letters and digits and carry at least 4.5 bits per character; lines of one length that are
 * nothing else are taken together.  A hex run has 64 digits without a gap, or 8 marked bytes.
 */
#include <math.h>
#include <string.h>

#include "base/jutf8.h"
#include "text/page_internal.h"

enum { RUN = 64, MARKED = 8, SHORT_LINE = 40 };

struct run {
	uint32_t count[256];
	uint32_t n, upper, lower, digit, hex;
};

static bool
is_hex(unsigned c)
{
	return c - '0' < 10u || (c | 32u) - 'a' < 6u;
}

static bool
is_base64(unsigned c)
{
	return (c | 32u) - 'a' < 26u || c - '0' < 10u || c == '+' || c == '/' || c == '=' || c == '-' ||
		c == '_';
}

static void
run_add(struct run *r, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned c = (unsigned char)s[i];

		r->count[c]++;
		r->upper += c - 'A' < 26u;
		r->lower += c - 'a' < 26u;
		r->digit += c - '0' < 10u;
		r->hex += is_hex(c);
	}
	r->n += (uint32_t)n;
}

static bool
run_is_data(const struct run *r)
{
	double bits = 0;
	int i;

	if (r->n < RUN)
		return false;
	if (r->hex == r->n)
		return r->digit > 0 && r->upper + r->lower > 0;
	if (r->upper == 0 || r->lower == 0 || r->digit == 0)
		return false;
	for (i = 0; i < 256; i++) {
		double p = (double)r->count[i] / r->n;

		if (p > 0)
			bits -= p * log2(p);
	}
	/* Identifiers and paths have few capitals and digits; encoded bytes have about 42% and 16%. */
	return bits >= 4.5 && r->upper * 6 > r->n && r->digit * 20 > r->n;
}

/* Longest stretch of base64 characters that starts at s. */
static size_t
stretch(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && is_base64((unsigned char)s[i]))
		i++;
	return i;
}

/* Length of a marked byte at s: 0x12, \x12, \u1234, \123; 0 if none. */
static size_t
marked_byte(const char *s, size_t n)
{
	size_t i = 2, digits = 0;

	if (n < 4 || (s[0] != '0' && s[0] != '\\'))
		return 0;
	if (s[0] == '0' ? (s[1] | 32) != 'x' : s[1] != 'x' && s[1] != 'u')
		return 0;
	while (i < n && digits < 4 && is_hex((unsigned char)s[i])) {
		i++;
		digits++;
	}
	return digits >= 2 ? i : 0;
}

/* Characters of a line that belong to runs of at least MARKED marked bytes. */
static uint64_t
marked_runs(const char *s, size_t n)
{
	uint64_t sum = 0;
	size_t i = 0, from = 0, count = 0, end = 0, k;

	while (i < n) {
		k = marked_byte(s + i, n - i);
		if (k > 0) {
			if (count++ == 0)
				from = i;
			end = i += k;
			continue;
		}
		if (count > 0 && i - end < 4 && (s[i] == ',' || s[i] == ' ' || s[i] == '"')) {
			i++;
			continue;
		}
		if (count >= MARKED)
			sum += end - from;
		count = 0;
		i++;
	}
	return count >= MARKED ? sum + (end - from) : sum;
}

/* Runs inside one line.  Any run that counts has its character 64 places on, so most are skipped. */
static uint64_t
inner_runs(const char *s, size_t n)
{
	uint64_t sum = 0;
	size_t i = 0, k;

	while (i + RUN <= n) {
		struct run r;

		for (k = RUN; k > 0 && is_base64((unsigned char)s[i + k - 1]); k--)
			;
		if (k > 0) {
			i += k;
			continue;
		}
		k = stretch(s + i, n - i);
		memset(&r, 0, sizeof(r));
		run_add(&r, s + i, k);
		if (run_is_data(&r))
			sum += k;
		i += k + 1;
	}
	return sum;
}

/*
 * A block of whole lines of base64 that starts at line i: all of one length, but for a shorter
 * last one.  Returns the number of lines and adds them to r.
 */
static size_t
block(const struct jpage *pg, size_t i, struct run *r)
{
	uint32_t len = pg->line[i].n;
	size_t k;

	r->n = 0;
	if (stretch(pg->p + pg->line[i].at, len) != len)
		return 0;
	memset(r, 0, sizeof(*r));

	for (k = i; k < pg->lines; k++) {
		const struct jpage_line *l = &pg->line[k];

		if (l->n > len || stretch(pg->p + l->at, l->n) != l->n)
			break;
		run_add(r, pg->p + l->at, l->n);
		if (l->n < len)
			return k - i + 1;
	}
	return k - i;
}

/* Runs of one line are taken together. */
static void
add_run(struct jpage *pg, uint64_t *sum, uint64_t n)
{
	*sum += n;
	pg->data_run = n > pg->data_run ? n : pg->data_run;
}

double
jpage_data(struct jpage *pg)
{
	uint64_t sum = 0;
	size_t i = 0;

	if (pg->done & JPAGE_DID_DATA)
		return pg->data_share;
	pg->data_run = 0;
	while (i < pg->lines) {
		const struct jpage_line *l = &pg->line[i];
		struct run r;
		size_t k;

		if (l->n >= SHORT_LINE && (k = block(pg, i, &r)) > 1) {
			add_run(pg, &sum, run_is_data(&r) ? r.n : 0);
			i += k;
			continue;
		}
		k = inner_runs(pg->p + l->at, l->n);
		add_run(pg, &sum, k ? k : marked_runs(pg->p + l->at, l->n));
		i++;
	}
	pg->data_share = pg->count.chars ? (double)sum / (double)pg->count.chars : 0;
	pg->done |= JPAGE_DID_DATA;
	return pg->data_share;
}
