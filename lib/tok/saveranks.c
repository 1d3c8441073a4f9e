/* Writing .tiktoken: a token in base64 and its rank, which is its id, a line. */
#include "io/jio.h"
#include "tok.h"

static void
put_base64(const unsigned char *p, size_t n, struct jbuf *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < n; i += 3) {
		uint32_t x = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
			(i + 2 < n ? p[i + 2] : 0);

		jbuf_addc(out, digit[x >> 18]);
		jbuf_addc(out, digit[x >> 12 & 63]);
		jbuf_addc(out, i + 1 < n ? digit[x >> 6 & 63] : '=');
		jbuf_addc(out, i + 2 < n ? digit[x & 63] : '=');
	}
}

/* The format knows bytes and ranks only: can it say what this tokenizer does? */
static int
check_ranks(const struct jtok *t, struct jerr *e)
{
	uint32_t last = 0;
	size_t i;

	if (t->model != TOK_BPE || !t->byte_level || t->prefix || t->suffix)
		return jerr_set(e, JERR_ARG, "%s: .tiktoken is for byte-level BPE only", t->name);
	for (i = 0; i < 256; i++)
		if (t->byte_id[i] < 0)
			return jerr_set(e, JERR_ARG, "%s: .tiktoken needs a token for byte %zu", t->name, i);
	for (i = 0; i < t->merges.n; i += 3) {
		if (t->merges.v[i + 2] < last)
			return jerr_set(e, JERR_ARG, "%s: .tiktoken needs ids in the order of merges; id %u follows %u",
				t->name, (unsigned)t->merges.v[i + 2], (unsigned)last);
		last = t->merges.v[i + 2];
	}
	return 0;
}

static bool
is_added(const struct jtok *t, uint32_t id)
{
	size_t i;

	for (i = 0; i < t->n_added; i++)
		if (t->added[i].id == id)
			return true;
	return false;
}

int
jtok_save_tiktoken(const struct jtok *t, const char *path, struct jerr *e)
{
	struct jbuf b;
	uint32_t id;
	int rc = check_ranks(t, e);

	if (rc)
		return rc;
	jbuf_init(&b);
	for (id = 0; id < t->vocab.n; id++) {
		size_t n;
		const char *p = tok_vocab_text(&t->vocab, id, &n);

		if (!p || !n || is_added(t, id))
			continue;
		put_base64((const unsigned char *)p, n, &b);
		jbuf_printf(&b, " %u\n", (unsigned)id);
	}
	rc = jout_put(path, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}
