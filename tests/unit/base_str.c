/*
 * Buffers, number parsers, text for people, errors.
 */
#include <errno.h>
#include <stdint.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "t.h"

static void
buffers(void)
{
	struct jbuf b;
	char *p, big[1000];
	size_t i;

	jbuf_init(&b);
	eq_str(b.p, "");
	jbuf_reset(&b);
	for (i = 0; i < 1000; i++)
		jbuf_addc(&b, 'a' + (int)(i % 26));
	eq_int(b.n, 1000);
	ok(b.p[1000] == 0 && b.p[999] == 'a' + 999 % 26);
	jbuf_reset(&b);
	jbuf_printf(&b, "%d-%s", 42, "x");
	eq_str(b.p, "42-x");
	memset(big, 'y', sizeof(big));
	big[999] = 0;
	jbuf_printf(&b, "%s!", big);
	ok(b.n == 4 + 1000 && b.p[1003] == '!');
	p = jbuf_detach(&b);
	ok(strlen(p) == 1004 && b.n == 0);
	jmem_free(p);
	p = jbuf_detach(&b);
	eq_str(p, "");
	jmem_free(p);
	jbuf_adds(&b, "  a b \t\r\n");
	jbuf_trim(&b);
	eq_str(b.p, "  a b");
	jbuf_release(&b);
	eq_str(b.p, "");

	jbuf_init_max(&b, 5);
	jbuf_adds(&b, "1234");
	ok(!b.over);
	jbuf_adds(&b, "56");
	ok(b.over);
	jbuf_addc(&b, '5');
	eq_str(b.p, "1234");
	jbuf_reset(&b);
	jbuf_adds(&b, "12345");
	ok(!b.over && b.n == 5);
	jbuf_printf(&b, "%0*d", 500, 0);
	ok(b.over && b.n == 5);
	jbuf_release(&b);
}

static void
integers(void)
{
	static const char *const bad[] = { "", "-", "+", " 1", "1 ", "1x", "0x10", "--1", "1.0",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999" };
	int64_t v = 7;
	uint64_t u = 7;
	size_t i;
	int rejected = 0;

	ok(jstr_to_i64("0", &v) == 0 && v == 0);
	ok(jstr_to_i64("-17", &v) == 0 && v == -17);
	ok(jstr_to_i64("+5", &v) == 0 && v == 5);
	ok(jstr_to_i64("9223372036854775807", &v) == 0 && v == INT64_MAX);
	ok(jstr_to_i64("-9223372036854775808", &v) == 0 && v == INT64_MIN);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		rejected += jstr_to_i64(bad[i], &v) == JERR_ARG;
	eq_int(rejected, sizeof(bad) / sizeof(bad[0]));
	ok(v == INT64_MIN);	/* untouched by failures */
	ok(jstr_to_u64("18446744073709551615", &u) == 0 && u == UINT64_MAX);
	eq_int(jstr_to_u64("18446744073709551616", &u), JERR_ARG);
	eq_int(jstr_to_u64("-1", &u), JERR_ARG);
	eq_int(jstr_to_u64("", &u), JERR_ARG);
}

static void
reals(void)
{
	static const char *const bad[] = { "", " 1", "1 ", "nan", "inf", "0x1p3", "1e999", "-", ".", "e5",
		"1e", "1,5" };
	double d = 3;
	size_t i;
	int rejected = 0;

	ok(jstr_to_double("1e-3", &d) == 0 && d == 1e-3);
	ok(jstr_to_double("-2.5", &d) == 0 && d == -2.5);
	ok(jstr_to_double(".5", &d) == 0 && d == 0.5);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		rejected += jstr_to_double(bad[i], &d) == JERR_ARG;
	eq_int(rejected, sizeof(bad) / sizeof(bad[0]));
}

static void
sizes(void)
{
	static const char *const bad[] = { "", "M", "1X", "1KB", "-1K", "1.5", "1.M", "18446744073709551615K",
		"17179869184G" };
	uint64_t v;
	size_t i;
	int rejected = 0;

	ok(jstr_to_size("812", &v) == 0 && v == 812);
	ok(jstr_to_size("512K", &v) == 0 && v == 524288);
	ok(jstr_to_size("64M", &v) == 0 && v == 67108864);
	ok(jstr_to_size("2g", &v) == 0 && v == 2147483648u);
	ok(jstr_to_size("1.5G", &v) == 0 && v == 1610612736);
	ok(jstr_to_size("1T", &v) == 0 && v == UINT64_C(1) << 40);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		rejected += jstr_to_size(bad[i], &v) == JERR_ARG;
	eq_int(rejected, sizeof(bad) / sizeof(bad[0]));
	ok(jstr_to_count("300k", &v) == 0 && v == 300000);
	ok(jstr_to_count("2m", &v) == 0 && v == 2000000);
	ok(jstr_to_count("1.2b", &v) == 0 && v == 1200000000);
	eq_int(jstr_to_count("1g", &v), JERR_ARG);
}

static void
people(void)
{
	char out[16];

	eq_str(jstr_human_bytes(out, 0), "0 B");
	eq_str(jstr_human_bytes(out, 812), "812 B");
	eq_str(jstr_human_bytes(out, 999), "999 B");
	eq_str(jstr_human_bytes(out, 1000), "1.00 kB");
	eq_str(jstr_human_bytes(out, 51.2e6), "51.2 MB");
	eq_str(jstr_human_bytes(out, 999.7e6), "1.00 GB");
	eq_str(jstr_human_bytes(out, 123.4e9), "123 GB");
	ok(strlen(jstr_human_bytes(out, 1e300)) < 16);
	eq_str(jstr_human_time(out, 0.5), "0.50s");
	eq_str(jstr_human_time(out, 41.5), "41.5s");
	eq_str(jstr_human_time(out, 59.97), "1m00s");
	eq_str(jstr_human_time(out, 2 * 3600 + 3 * 60), "2h03m");
	eq_str(jstr_human_time(out, 90000), "1d01h");
	ok(strlen(jstr_human_time(out, 1e300)) < 16);
	ok(jstr_starts("abc", "ab") && !jstr_starts("a", "ab") && jstr_starts("a", ""));
	ok(jstr_ends("abc", "bc") && !jstr_ends("c", "bc") && jstr_ends("a", ""));
	eq_int(jstr_distance("output", "output"), 0);
	eq_int(jstr_distance("ouput", "output"), 1);
	eq_int(jstr_distance("kitten", "sitting"), 3);
	eq_int(jstr_distance("", "abc"), 3);
	eq_int(jstr_distance("abcdefgh", "zyxwvuts"), 4);
}

static void
errors(void)
{
	struct jerr e = { 0 };
	char big[1000];

	eq_int(jerr_set(&e, JERR_FORMAT, "a:%d", 7), JERR_FORMAT);
	eq_int(jerr_set(&e, JERR_IO, "later"), JERR_FORMAT);
	eq_str(e.msg, "a:7");
	jerr_wrap(&e, "reading %s", "x");
	eq_str(e.msg, "reading x: a:7");
	jerr_clear(&e);
	errno = ENOSPC;
	eq_int(jerr_sys(&e, "cannot write %s", "a\nb"), JERR_IO);
	eq_str(e.msg, "cannot write a?b: No space left on device");
	jerr_clear(&e);
	memset(big, 'x', sizeof(big));
	big[999] = 0;
	jerr_set(&e, JERR_ARG, "%s", big);
	jerr_wrap(&e, "%s", big);
	eq_int(strlen(e.msg), sizeof(e.msg) - 1);
	eq_int(jerr_set(NULL, JERR_ARG, "x"), JERR_ARG);
}

int
main(void)
{
	buffers();
	integers();
	reals();
	sizes();
	people();
	errors();
	return t_done();
}
