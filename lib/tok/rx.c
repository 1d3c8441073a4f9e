#include "rx.h"

#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "base/jutf8.h"

#define MAX_PATTERN 65536
#define STEPS 10000000		/* of PCRE2's match counter, for one match */

struct rx {
	pcre2_code *code;
	pcre2_match_context *limits;
};

/*
 * Hugging Face runs patterns with Oniguruma, whose \w and \s have other members than PCRE2's: they
 * are spelled out, as sets inside a class and as classes outside.
 */
#define WORD "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}\\x{24b6}-\\x{24e9}" \
	"\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"
#define SPACE "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}" \
	"\\x{205f}\\x{3000}"

/* What stands for the escape of c, or NULL where it may stay. */
static const char *
spelled(char c, int in_class)
{
	switch (c) {
	case 'w':
		return in_class ? WORD : "[" WORD "]";
	case 's':
		return in_class ? SPACE : "[" SPACE "]";
	case 'W':
		return in_class ? NULL : "[^" WORD "]";
	case 'S':
		return in_class ? NULL : "[^" SPACE "]";
	default:
		return NULL;
	}
}

static void
translate(const char *p, size_t n, struct jbuf *out)
{
	size_t i, first = 0;
	int in_class = 0;

	for (i = 0; i < n; i++) {
		const char *other = p[i] == '\\' && i + 1 < n ? spelled(p[i + 1], in_class) : NULL;

		if (other) {
			jbuf_adds(out, other);
			i++;
			continue;
		}
		jbuf_addc(out, (unsigned char)p[i]);
		if (p[i] == '\\' && i + 1 < n) {
			jbuf_addc(out, (unsigned char)p[++i]);
		} else if (p[i] == '[' && !in_class) {
			in_class = 1;
			first = i + 1 + (i + 1 < n && p[i + 1] == '^');
		} else if (p[i] == ']' && in_class && i != first) {
			in_class = 0;
		}
	}
}

int
rx_compile(struct rx **out, const char *pattern, size_t n, int literal, struct jerr *e)
{
	uint32_t flags = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP);
	PCRE2_SIZE at;
	int err;
	struct rx *r;
	struct jbuf b;
	PCRE2_UCHAR why[128];

	if (n > MAX_PATTERN)
		return jerr_set(e, JERR_LIMIT, "a pattern of %zu bytes is over %d", n, MAX_PATTERN);
	r = jmem_zalloc(1, sizeof(*r));
	jbuf_init(&b);
	if (literal)
		jbuf_add(&b, pattern, n);
	else
		translate(pattern, n, &b);
	r->code = pcre2_compile((PCRE2_SPTR)b.p, b.n, flags, &err, &at, NULL);
	jbuf_release(&b);
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
		if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
			rc = pcre2_match(r->code, (PCRE2_SPTR)p, n, at, PCRE2_NO_JIT, m, r->limits);
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
