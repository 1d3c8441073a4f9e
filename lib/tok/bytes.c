/*
 * Byte-level vocabularies print each byte as one character: 33-126, 161-172 and 174-255 as
 * themselves, the other 68 in order from U+0100 (GPT-2's bytes_to_unicode).
 */
#include "tok.h"

#include "base/jutf8.h"

static int
plain(unsigned b)
{
	return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
}

uint32_t
tok_byte_char(unsigned char b)
{
	uint32_t c = 256;
	unsigned i;

	if (plain(b))
		return b;
	for (i = 0; i < b; i++)
		c += !plain(i);
	return c;
}

/* Byte of a code point, or -1. */
static int
char_byte(uint32_t c)
{
	unsigned i;

	if (c < 256)
		return plain(c) ? (int)c : -1;
	if (c >= 256 + 68)
		return -1;
	for (i = 0; i < 256; i++)
		if (!plain(i) && c-- == 256)
			return (int)i;
	return -1;
}

void
tok_bytes_to_text(const char *p, size_t n, struct jbuf *out)
{
	char c[4];
	size_t i;

	for (i = 0; i < n; i++)
		jbuf_add(out, c, (size_t)jutf8_encode(tok_byte_char((unsigned char)p[i]), c));
}

bool
tok_text_to_bytes(const char *p, size_t n, struct jbuf *out)
{
	size_t start = out->n, i = 0;

	while (i < n) {
		uint32_t c;
		int step = jutf8_decode(p + i, n - i, &c);
		int b = step > 0 ? char_byte(c) : -1;

		if (b < 0) {
			out->n = start;
			out->p[start] = 0;
			return false;
		}
		jbuf_addc(out, b);
		i += (size_t)step;
	}
	return true;
}
