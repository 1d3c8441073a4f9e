/*
 * UTF-8: every code point there and back, and the malformed forms of RFC 3629.
 */
#include "base/jutf8.h"
#include "t.h"

static int
decodes_bad(const char *s)
{
	uint32_t cp = 0;

	return jutf8_decode(s, strlen(s), &cp) == -1 && cp == 0xfffd;
}

int
main(void)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41",
		"\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xf1\x80\x80",
		"\xe2\x28\xa1", "\xf0\x28\x8c\xbc" };
	char buf[4], text[64];
	uint32_t cp, got;
	size_t i, wrong = 0;
	int n;

	for (cp = 0; cp < 0x110000; cp++) {
		n = jutf8_encode(cp, buf);
		if (cp >= 0xd800 && cp < 0xe000) {
			wrong += n != 0;
			continue;
		}
		wrong += n != (cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
		wrong += jutf8_decode(buf, (size_t)n, &got) != n || got != cp;
		wrong += jutf8_valid(buf, (size_t)n) != (size_t)n;
		if (n > 1)
			wrong += jutf8_decode(buf, (size_t)n - 1, &got) != -1;
	}
	eq_int(wrong, 0);
	eq_int(jutf8_encode(0x110000, buf), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!decodes_bad(bad[i]))
			wrong++;
	eq_int(wrong, 0);
	eq_int(jutf8_valid("", 0), 0);
	/* the first bad byte is found wherever it lies behind ASCII */
	for (i = 0; i < 60; i++) {
		memset(text, 'a', sizeof(text));
		text[i] = (char)0xff;
		wrong += jutf8_valid(text, 64) != i;
	}
	eq_int(wrong, 0);
	eq_int(jutf8_valid("ab\xe2\x82", 4), 2);
	eq_int(jutf8_count("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4);
	return t_done();
}
