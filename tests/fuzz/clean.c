/*
 * Line rules, lists of addresses, licences and comments on hostile bytes.  What line rules leave they
 * leave again, counts never exceed what there was, a list matches each of its own domains.  The first
 * line of the input is the second text that each needs: pattern, wanted licences, language.
 */
#include <stdlib.h>
#include <string.h>

#include "text/jclean.h"
#include "text/jcomments.h"
#include "text/jlicences.h"
#include "text/jurls.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_clean(const char *name, const char *s, size_t n)
{
	const struct jclean *rules = jclean_find(name);
	struct jclean_counts c, d;
	struct jbuf once, twice;

	jbuf_init(&once);
	jbuf_init(&twice);
	jclean_text(rules, s, n, &once, &c);
	if (c.kept_words > c.words || c.kept_lines > c.lines || once.n > n + 1)
		abort();
	jclean_text(rules, once.p, once.n, &twice, &d);
	if (d.words > c.words || d.kept_lines > c.kept_lines)
		abort();
	jbuf_release(&once);
	jbuf_release(&twice);
}

static void
check_urls(const char *s, size_t n)
{
	struct jurls *u = jurls_new();
	struct jurls_hits h;
	struct jerr e = { 0 };
	size_t at = 0, k;
	bool good = true;

	while (at < n) {
		for (k = at; k < n && s[k] != '\n'; k++)
			;
		good &= jurls_add(u, s + at, k - at, &e) == 0;
		at = k + 1;
	}
	if (good && jurls_finish(u, &e) == 0) {
		for (at = 0; at < n; at = k + 1) {
			for (k = at; k < n && s[k] != '\n'; k++)
				;
			jurls_match(u, s + at, k - at, &h);
			if (h.words > jurls_count(u) || h.soft > jurls_count(u))
				abort();
		}
	}
	jurls_free(u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *s = (const char *)p, *end = memchr(p, '\n', n);
	size_t k = end ? (size_t)(end - s) : 0;
	char first[64];
	uint64_t bytes;

	check_clean("c4", s, n);
	check_clean("c4-paper", s, n);
	check_clean("fineweb", s, n);
	check_clean("refinedweb", s, n);
	check_urls(s, n);
	k = k < sizeof(first) - 1 ? k : sizeof(first) - 1;
	memcpy(first, s, k);
	first[k] = 0;
	jlicences_allow(first, s, n);
	jlicences_allow("permissive", s, n);
	if (jcomments_bytes(first, s, n, &bytes) && bytes > n)
		abort();
	if (jcomments_bytes("python", s, n, &bytes) && bytes > n)
		abort();
	if (jcomments_html_text(s, n) > n)
		abort();
	return 0;
}
