/*
 * Which characters may not be in NFC: all of Unicode, against what tests/ref/make_nfc.py wrote.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "io/jio.h"
#include "t.h"
#include "text/junicode.h"

enum { END = 0x110000 };

static unsigned char want[END];		/* may not be */

static bool
read_want(void)
{
	char *line, *s;
	struct jin *in;
	size_t n;

	if (jin_open(&in, "tests/ref/unicode/nfc.tsv", NULL) < 0)
		return false;
	while (jin_line(in, &line, &n, NULL) == 1) {
		unsigned long first, last;

		if (line[0] == '#')
			continue;
		first = strtoul(line, &s, 16);
		last = strtoul(s, NULL, 16);
		if (last < END)
			memset(want + first, 1, last - first + 1);
	}
	jin_close(in);
	return true;
}

int
main(void)
{
	uint32_t cp, missed = 0, first_missed = 0, needless = 0, first_needless = 0, changed = 0;
	struct jbuf nfc;
	char s[16];

	if (!ok(read_want()))
		return t_done();
	jbuf_init(&nfc);
	for (cp = 0x80; cp < END; cp++) {
		size_t n;
		bool may;

		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		n = 2 + (size_t)jutf8_encode(cp, s + 2);
		memcpy(s, "a ", 2);
		s[n] = '.';
		may = jtext_maybe_not_nfc(s, n + 1);
		if (want[cp] && !may && missed++ == 0)
			first_missed = cp;
		/* every mark counts, and all conjoining jamo: nothing else that need not */
		if (may && !want[cp] && jtext_class(cp) != JTEXT_MARK && (cp < 0x1100 || cp > 0x11ff) &&
		    needless++ == 0)
			first_needless = cp;
		jbuf_reset(&nfc);
		if (jtext_normalise(s, n, JTEXT_NFC, &nfc, NULL) < 0)
			break;
		changed += !may && (nfc.n != n || memcmp(nfc.p, s, n) != 0);
	}
	printf("# first missed %x, first needless %x\n", first_missed, first_needless);
	eq_int(cp, END);
	eq_int(missed, 0);
	eq_int(needless, 0);
	eq_int(changed, 0);
	jbuf_release(&nfc);
	return t_done();
}
