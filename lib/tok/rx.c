#include "rx.h"

#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/jmem.h"
#include "base/jutf8.h"

#define MAX_PATTERN 65536
#define STEPS 10000000		/* of PCRE2's match counter, for one match */

struct rx {
	pcre2_code *code;
	pcre2_match_context *limits;
};

int
rx_compile(struct rx **out, const char *pattern, size_t n, int literal, struct jerr *e)
{
	uint32_t flags = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP);
	PCRE2_SIZE at;
	int err;
	struct rx *r;
	PCRE2_UCHAR why[128];

	if (n > MAX_PATTERN)
		return jerr_set(e, JERR_LIMIT, "a pattern of %zu bytes is over %d", n, MAX_PATTERN);
	r = jmem_zalloc(1, sizeof(*r));
	r->code = pcre2_compile((PCRE2_SPTR)pattern, n, flags, &err, &at, NULL);
	if (!r->code) {
		pcre2_get_error_message(err, why, sizeof(why));
		jmem_free(r);
		return jerr_set(e, JERR_FORMAT, "pattern \"%.*s\": %s at offset %zu",
			(int)(n < 200 ? n : 200), pattern, (const char *)why, (size_t)at);
	}
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);	/* without a JIT it is only slower */
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, STEPS);
	*out = r;
	return 0;
}

void
rx_free(struct rx *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->limits);
	jmem_free(r);
}

/* One character on, so that an empty match cannot be found again. */
static size_t
step_over(const char *p, size_t n, size_t at)
{
	uint32_t c;
	int k = at < n ? jutf8_decode(p + at, n - at, &c) : 1;

	return at + (k < 0 ? 1 : (size_t)k);
}

int
rx_each(const struct rx *r, const char *p, size_t n, void (*fn)(void *arg, size_t from, size_t to),
	void *arg, struct jerr *e)
{
	pcre2_match_data *m = pcre2_match_data_create(1, NULL);
	PCRE2_SIZE *o = pcre2_get_ovector_pointer(m);
	size_t at = 0;
	int rc = 0;

	while (at <= n) {
		rc = pcre2_match(r->code, (PCRE2_SPTR)p, n, at, 0, m, r->limits);
		if (rc < 0)
			break;
		if (o[1] > o[0])
			fn(arg, o[0], o[1]);
		at = o[1] > o[0] ? o[1] : step_over(p, n, o[1]);
	}
	pcre2_match_data_free(m);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		return jerr_set(e, JERR_LIMIT, "a tokenizer pattern gave up at byte %zu (PCRE2 error %d)", at, rc);
	return 0;
}
