/* Personal data and secrets: what is found, and above all what only looks like it. */
#include "t.h"

#include <zlib.h>

#include "text/jpii.h"

/* The text with every span replaced by its kind: "mail <EMAIL> now". */
static const char *
masked(const char *text)
{
	static struct jbuf b;
	struct jpii_list list = { .n = 0 };
	size_t i, at = 0;

	if (!b.p)
		jbuf_init(&b);
	jbuf_reset(&b);
	jpii_find(&list, text, strlen(text));
	for (i = 0; i < list.n; i++) {
		jbuf_add(&b, text + at, list.v[i].at - at);
		jpii_mask(list.v[i].kind, &b);
		at = list.v[i].at + list.v[i].n;
	}
	jbuf_adds(&b, text + at);
	jpii_list_release(&list);
	return b.p;
}

static void
found(void)
{
	eq_str(masked("write to Jane.Doe+x@mail.uni-ulm.de, or not"), "write to <EMAIL>, or not");
	eq_str(masked("<a_b@c.org>;d%e@f.co.uk."), "<<EMAIL>>;<EMAIL>.");
	eq_str(masked("call +49 (0)711 123-4567 or (212) 867-5309 or 415-555-2671."),
		"call <PHONE> or <PHONE> or <PHONE>.");
	eq_str(masked("from 93.184.216.34 and host 8.8.4.4:53"), "from <IPV4> and host <IPV4>:53");
	eq_str(masked("at 2a00:1450:4001:81b::200e, 2606:2800:220:1:248:1893:25c8:1946"),
		"at <IPV6>, <IPV6>");
	eq_str(masked("Visa 4111 1111 1111 1111, amex 378282246310005"), "Visa <CARD>, amex <CARD>");
	eq_str(masked("DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432"), "<IBAN> and <IBAN>");
	eq_str(masked("id=AKIAQ7RXW2MPL9TZVKDA"), "id=<KEY>");
	eq_str(masked("token: \"f3A9c77e01B2d84Kq0Zx91mV\""), "token: \"<KEY>\"");
	eq_str(masked("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nx"),
		"<KEY>\nx");
}

static void
look_alikes(void)
{
	static const char *const same[] = {
		"see section 3.2.1.4 and 1.2.3.4567, OID 1.3.6.1.4.1.311", "version 10.15.7.1 of 1.2.3.4",
		"127.0.0.1, 10.0.0.1, 192.168.1.1, 192.0.2.7, 0.0.0.0, 255.255.255.255", "300.1.1.1",
		"01.02.03.04 and v1.2.3.4-beta", "ISBN 978-3-16-148410-0", "2026-11-21 12:34:56",
		"std::vector<int> a::b::c", "12:34:56:78:9a:bc", "::1 fe80::1 2001:db8::1",
		"git@github.com:x/y.git", "@app.route", "image@2x.png", "user@example.com", "a@b", "x@1.2.3",
		"4111 1111 1111 1112", "1234567890123456", "0000 0000 0000 0000", "DE89 3704 0044 0532 0130 01",
		"AKIAIOSFODNN7EXAMPLE", "password = your_password_goes_here_12", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"555-0123 and (212) 555-0123", "123-456-7890", "+1 and +12 345", "a+4915112345678b",
		"pi = 3.14159265358979323846", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "doi:10.1000/212-867-5309"
	};
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		eq_str(masked(same[i]), same[i]);
}

/* A token as GitHub makes them: 30 characters and their CRC-32 in base 62. */
static void
checksum(void)
{
	static const char digit[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char token[] = "ghp_k3Jd92LmQz7TrVb1XcPw8NyHs5GfA0??????";
	unsigned long crc = crc32(0, (unsigned char *)token + 4, 30);
	int i;

	for (i = 39; i >= 34; i--, crc /= 62)
		token[i] = digit[crc % 62];
	eq_str(masked(token), "<KEY>");
	token[39] = token[39] == '0' ? '1' : '0';
	eq_str(masked(token), token);
}

static void
pseudonyms(void)
{
	struct jbuf a, b, c;

	jbuf_init(&a);
	jbuf_init(&b);
	jbuf_init(&c);
	jpii_pseudonym(JPII_EMAIL, "Jane@Doe.org", 12, "k", 1, &a);
	jpii_pseudonym(JPII_EMAIL, "jane@doe.org", 12, "k", 1, &b);
	jpii_pseudonym(JPII_EMAIL, "jane@doe.org", 12, "l", 1, &c);
	eq_str(a.p, b.p);
	ok(strcmp(a.p, c.p) != 0 && strstr(a.p, "@example.org"));
	eq_str(masked(a.p), a.p);
	jbuf_reset(&a);
	jbuf_reset(&b);
	jpii_pseudonym(JPII_PHONE, "(212) 867-5309", 14, "k", 1, &a);
	jpii_pseudonym(JPII_PHONE, "212-867-5309", 12, "k", 1, &b);
	eq_str(a.p, b.p);
	jbuf_reset(&a);
	jpii_pseudonym(JPII_IPV4, "8.8.4.4", 7, "k", 1, &a);
	eq_str(masked(a.p), a.p);
	jbuf_reset(&a);
	jpii_pseudonym(JPII_IPV6, "2a00:1450:4001:81b::200e", 24, "k", 1, &a);
	eq_str(masked(a.p), a.p);
	jbuf_release(&a);
	jbuf_release(&b);
	jbuf_release(&c);
}

int
main(void)
{
	found();
	look_alikes();
	checksum();
	pseudonyms();
	return t_done();
}
