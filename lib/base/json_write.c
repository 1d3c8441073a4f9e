#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jjson.h"
#include "base/jutf8.h"

static void
escaped(struct jbuf *b, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *hit = c ? strchr(from, c) : NULL;

	if (hit) {
		jbuf_addc(b, '\\');
		jbuf_addc(b, to[hit - from]);
	} else {
		jbuf_printf(b, "\\u%04x", c);
	}
}

void
jjson_str(struct jbuf *b, const char *s, size_t n)
{
	size_t i, run = 0;
	uint32_t cp;
	int len;

	jbuf_addc(b, '"');
	for (i = 0; i < n; i += (size_t)len) {
		unsigned char c = (unsigned char)s[i];

		len = 1;
		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\')
			continue;
		if (c >= 0x80) {
			len = jutf8_decode(s + i, n - i, &cp);
			if (len > 0)
				continue;
			len = 1;
		}
		jbuf_add(b, s + run, i - run);
		if (c < 0x80)
			escaped(b, c);
		else
			jbuf_adds(b, "\xEF\xBF\xBD");
		run = i + 1;
	}
	jbuf_add(b, s + run, n - run);
	jbuf_addc(b, '"');
}

void
jjson_num(struct jbuf *b, double d)
{
	/* Below the normal range fewer than 15 digits may do. */
	int digits = fabs(d) < 2.3e-308 ? 1 : 15;
	char s[32];

	if (!isfinite(d)) {
		jbuf_adds(b, "null");
		return;
	}
	/* "-0" would be read back as an integer, which has no sign at zero. */
	if (d == 0 && signbit(d)) {
		jbuf_adds(b, "-0.0");
		return;
	}
	do
		snprintf(s, sizeof(s), "%.*g", digits, d);
	while (strtod(s, NULL) != d && ++digits <= 17);
	jbuf_adds(b, s);
}

void
jjson_int(struct jbuf *b, int64_t i)
{
	jbuf_printf(b, "%" PRId64, i);
}
