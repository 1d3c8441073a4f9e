/*
 * Sentencepiece's precompiled character map: u32 size of a Darts double-array trie, the trie, then
 * replacement strings ended by NUL.  The longest key at each position is replaced; a key's value is
 * the offset of its string.  (Unit bits: see Darts-clone, BSD licence; format read from its header.)
 */
#include "norm.h"

#include <string.h>

#include "base/jle.h"
#include "base/jutf8.h"

#define MAX_MAP (1u << 26)

struct norm_map {
	uint32_t *unit;
	size_t units;
	char *text;
	size_t text_n;
};

static int
base64_value(int c)
{
	static const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(alphabet, c) : NULL;

	return p ? (int)(p - alphabet) : -1;
}

bool
tok_base64(const char *p, size_t n, struct jbuf *out)
{
	uint32_t acc = 0;
	int bits = 0;
	size_t i;

	for (i = 0; i < n && p[i] != '='; i++) {
		int v = base64_value(p[i]);

		if (v < 0)
			return false;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			jbuf_addc(out, (int)(acc >> bits & 255));
		}
	}
	return true;
}

int
norm_map_new_raw(struct norm_map **out, const char *p, size_t n, struct jerr *e)
{
	struct norm_map *m;
	uint32_t bytes;
	size_t i;

	if (n < 4 || n > MAX_MAP || (bytes = jle_u32(p)) > n - 4 || bytes % 4 || bytes < 4)
		return jerr_set(e, JERR_FORMAT, "the precompiled character map of %zu bytes is damaged", n);
	m = jmem_zalloc(1, sizeof(*m));
	m->units = bytes / 4;
	m->unit = jmem_alloc(m->units, sizeof(*m->unit));
	for (i = 0; i < m->units; i++)
		m->unit[i] = jle_u32(p + 4 + 4 * i);
	m->text_n = n - 4 - bytes;
	m->text = jmem_alloc(m->text_n + 1, 1);
	memcpy(m->text, p + 4 + bytes, m->text_n);
	m->text[m->text_n] = 0;
	*out = m;
	return 0;
}

int
norm_map_new(struct norm_map **m, const char *base64, size_t n, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init_max(&b, MAX_MAP);
	rc = tok_base64(base64, n, &b) && !b.over ? norm_map_new_raw(m, b.p, b.n, e) :
		jerr_set(e, JERR_FORMAT, "the precompiled character map is not base64");
	jbuf_release(&b);
	return rc;
}

void
norm_map_free(struct norm_map *m)
{
	if (!m)
		return;
	jmem_free(m->unit);
	jmem_free(m->text);
	jmem_free(m);
}

/* Longest key that begins p: its length, and the offset of its string. */
static size_t
longest(const struct norm_map *m, const char *p, size_t n, uint32_t *value)
{
	uint32_t unit = m->unit[0];
	size_t pos = (size_t)(unit >> 10) << ((unit & 1 << 9) >> 6), i, best = 0;

	for (i = 0; i < n; i++) {
		pos ^= (unsigned char)p[i];
		if (pos >= m->units)
			break;
		unit = m->unit[pos];
		if ((unit & (1u << 31 | 255)) != (unsigned char)p[i])
			break;
		pos ^= (size_t)(unit >> 10) << ((unit & 1 << 9) >> 6);
		if (pos >= m->units)
			break;
		if (unit >> 8 & 1) {
			best = i + 1;
			*value = m->unit[pos] & 0x7FFFFFFFu;
		}
	}
	return best;
}

void
norm_map_apply(const struct norm_map *m, const char *p, size_t n, struct jbuf *out)
{
	while (n) {
		uint32_t at = 0, c;
		size_t k = longest(m, p, n, &at);
		int step;

		if (k && at < m->text_n) {
			jbuf_adds(out, m->text + at);
		} else {
			step = jutf8_decode(p, n, &c);
			k = step < 0 ? 1 : (size_t)step;
			jbuf_add(out, p, k);
		}
		p += k;
		n -= k;
	}
}
