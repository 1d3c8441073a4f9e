#include "textids.h"

#include <string.h>

#include "base/jmem.h"
#include "infer/jinfer.h"
#include "io/jio.h"
#include "record/jrec.h"

#define MAX_TEXT ((size_t)1 << 30)

/* Found "text" in a line that is a record? */
static bool
record_text(const char *line, size_t n, struct jarena *a, const char **text, size_t *text_n)
{
	struct jerr ignored = { 0 };
	struct jrec r;

	jarena_reset(a);
	return n > 0 && line[0] == '{' && jrec_parse(&r, line, n, a, &ignored) == 0 &&
		jrec_str(&r, "text", text, text_n);
}

static int
add_text(struct jids *ids, struct jtok_state *s, const struct jtok *tok, const char *p, size_t n,
	struct jerr *e)
{
	const struct jprompt prompt = { .text = p, .n = n };

	return jinfer_prompt(s, tok, &prompt, ids, e);
}

static int
add_records(struct jids *ids, struct jtok_state *s, const struct jtok *tok, struct jbuf *b,
	const char *path, struct jerr *e)
{
	struct jin *in;
	struct jarena a;
	char *line;
	size_t n;
	int rc = jin_open_mem(&in, b->p, b->n, path, e);

	if (rc < 0)
		return rc;
	jarena_init(&a, 0);
	while ((rc = jin_line(in, &line, &n, e)) > 0) {
		const char *text;
		size_t text_n;

		if (rc == 2 || (n && !record_text(line, n, &a, &text, &text_n)))
			rc = jerr_set(e, JERR_FORMAT, "%s:%llu: no record with \"text\"", path,
				(unsigned long long)jin_lineno(in));
		else
			rc = n ? add_text(ids, s, tok, text, text_n, e) : 0;
		if (rc < 0)
			break;
	}
	jarena_release(&a);
	jin_close(in);
	return rc;
}

int
textids_add(struct jids *ids, const struct jtok *tok, const char *path, struct jerr *e)
{
	struct jtok_state *s = jtok_state_new(tok);
	struct jarena a;
	struct jbuf b;
	int rc;

	jarena_init(&a, 0);
	jbuf_init_max(&b, MAX_TEXT);
	rc = jin_slurp(path, &b, e);
	if (rc >= 0) {
		const char *end = memchr(b.p, '\n', b.n), *text;
		size_t n;

		if (record_text(b.p, end ? (size_t)(end - b.p) : b.n, &a, &text, &n))
			rc = add_records(ids, s, tok, &b, path, e);
		else
			rc = add_text(ids, s, tok, b.p, b.n, e);
	}
	jbuf_release(&b);
	jarena_release(&a);
	jtok_state_free(s);
	return rc < 0 ? rc : 0;
}
