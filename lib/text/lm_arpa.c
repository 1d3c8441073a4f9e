/* lm_arpa.c - reads ARPA files: \data\ with counts, \N-grams: sections, \end\. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/lm_internal.h"

struct arpa {
	const char *p, *end, *name;
	size_t line;
	uint64_t count[JLM_MAX_ORDER + 1];
	struct jlm *m;
	struct jerr *e;
};

/* The next line without white space at its end; false at the end of the text. */
static bool
next_line(struct arpa *a, const char **s, size_t *n)
{
	const char *lf;

	if (a->p >= a->end)
		return false;
	lf = memchr(a->p, '\n', (size_t)(a->end - a->p));
	lf = lf ? lf : a->end;
	*s = a->p;
	*n = (size_t)(lf - a->p);
	a->p = lf + (lf < a->end);
	a->line++;
	while (*n > 0 && strchr(" \t\r", (*s)[*n - 1]))
		--*n;
	return true;
}

static int
bad(struct arpa *a, const char *expected)
{
	return jerr_set(a->e, JERR_FORMAT, "%s:%zu: expected %s", a->name, a->line, expected);
}

static int
read_counts(struct arpa *a)
{
	const char *s;
	size_t n;
	bool data = false;

	while (next_line(a, &s, &n)) {
		char line[64];
		char *end;
		long order;

		if (n == 0)
			continue;
		if (n == 6 && memcmp(s, "\\data\\", 6) == 0) {
			data = true;
			continue;
		}
		if (s[0] == '\\' && data)
			return a->m->order > 0 && n == 9 && memcmp(s, "\\1-grams:", 9) == 0 ? 0 :
				bad(a, "\\1-grams: after the counts");
		if (!data)
			continue;	/* what stands before \data\ is a comment */
		if (n >= sizeof(line) || n < 8 || memcmp(s, "ngram ", 6) != 0)
			return bad(a, "ngram N=COUNT");
		memcpy(line, s, n);
		line[n] = 0;
		order = strtol(line + 6, &end, 10);
		if (*end != '=' || order != a->m->order + 1 || order > JLM_MAX_ORDER)
			return bad(a, "ngram N=COUNT, N from 1 to at most 8");
		a->m->order = (int)order;
		if (jstr_to_u64(end + 1, &a->count[order]) < 0)
			return bad(a, "ngram N=COUNT");
	}
	return bad(a, "\\data\\");
}

static bool
next_field(const char **s, size_t *n, const char **f, size_t *k)
{
	while (*n > 0 && (**s == ' ' || **s == '\t')) {
		++*s;
		--*n;
	}
	for (*f = *s, *k = 0; *k < *n && (*f)[*k] != ' ' && (*f)[*k] != '\t'; ++*k)
		;
	*s += *k;
	*n -= *k;
	return *k > 0;
}

static bool
read_number(const char *f, size_t k, float *v)
{
	char number[64];
	double d;

	if (k == 0 || k >= sizeof(number))
		return false;
	memcpy(number, f, k);
	number[k] = 0;
	if (jstr_to_double(number, &d) < 0 || isnan(d))
		return false;
	*v = (float)d;
	return true;
}

static int
read_gram(struct arpa *a, int order, const char *s, size_t n)
{
	uint64_t w[JLM_MAX_ORDER];
	const char *f;
	float p, back = 0;
	size_t k;
	int i;

	if (!next_field(&s, &n, &f, &k) || !read_number(f, k, &p) || p > 0)
		return bad(a, "a logarithm of a probability");
	for (i = order - 1; i >= 0; i--) {
		if (!next_field(&s, &n, &f, &k))
			return bad(a, "as many words as the section says");
		if (k == 5 && memcmp(f, "<UNK>", 5) == 0)
			f = "<unk>";
		w[i] = lm_word(f, k);
	}
	if (next_field(&s, &n, &f, &k) && !read_number(f, k, &back))
		return bad(a, "a back-off weight");
	lm_add(a->m, order, w, p, back);
	return 0;
}

static int
read_section(struct arpa *a, int order)
{
	const char *s;
	size_t n;
	int rc;

	while (next_line(a, &s, &n)) {
		if (n == 0)
			continue;
		if (s[0] == '\\' && n > 1 && (s[1] == 'e' || s[n - 1] == ':')) {
			if (a->m->own[order].n / 16 != a->count[order])
				return bad(a, "as many n-grams as \\data\\ says");
			if (order == a->m->order)
				return n == 5 && memcmp(s, "\\end\\", 5) == 0 ? 0 : bad(a, "\\end\\");
			if (s[1] - '0' != order + 1)
				return bad(a, "the section of the next order");
			return 0;
		}
		rc = read_gram(a, order, s, n);
		if (rc < 0)
			return rc;
	}
	return bad(a, "\\end\\");
}

int
lm_read_arpa(struct jlm *m, const char *p, size_t n, const char *name, struct jerr *e)
{
	struct arpa a = { .p = p, .end = p + n, .name = name, .m = m, .e = e };
	int rc = read_counts(&a), order;

	for (order = 1; order <= m->order && rc == 0; order++)
		rc = read_section(&a, order);
	return rc == 0 ? lm_sort(m, name, e) : rc;
}
