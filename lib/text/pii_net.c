/* pii_net.c - e-mail and IP addresses. */
#include <string.h>

#include "text/pii_internal.h"

static bool
local_char(char c)
{
	return pii_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

static bool
same_word(const char *s, size_t n, const char *const *list)
{
	size_t i, k;

	for (i = 0; list[i]; i++) {
		for (k = 0; k < n && list[i][k] && ((s[k] >= 'A' && s[k] <= 'Z' ? s[k] + 32 : s[k]) ==
		    list[i][k]); k++)
			;
		if (k == n && !list[i][k])
			return true;
	}
	return false;
}

/* Ends of names that are files, and domains that are nobody's (RFC 2606). */
static bool
is_nobody(const char *domain, size_t n, size_t label, size_t last)
{
	static const char *const ends[] = { "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts",
		"json", "html", "example", "invalid", "localhost", "test", "local", "internal", NULL };
	static const char *const second[] = { "example", NULL };

	if (same_word(domain + last, n - last, ends))
		return true;
	return last > 0 && same_word(domain + label, last - 1 - label, second);
}

/* Length of the domain at s, 0 if it is none. */
static size_t
domain_length(const char *s, size_t n)
{
	size_t i = 0, last = 0, label = 0, k;

	while (i < n && i < 255) {
		for (k = i; k < n && (pii_alnum(s[k]) || (s[k] == '-' && k > i)); k++)
			;
		if (k == i || k - i > 63)
			break;
		label = last;
		last = i;
		i = k;
		if (i + 1 >= n || s[i] != '.' || !pii_alnum(s[i + 1]))
			break;
		i++;
	}
	if (last == 0 || i <= last || s[i - 1] == '-' || i - last < 2)
		return 0;
	for (k = last; k < i; k++)
		if (!pii_alpha(s[k]))
			return 0;
	return is_nobody(s, i, label, last) ? 0 : i;
}

size_t
pii_email(const char *s, size_t n, size_t at, size_t *from)
{
	static const char *const nobody[] = { "git", "hg", "svn", NULL };
	size_t i = at, k, domain;

	while (i > 0 && at - i < 64 && local_char(s[i - 1]))
		i--;
	while (i < at && !pii_alnum(s[i]) && s[i] != '_')
		i++;
	if (i == at || s[at - 1] == '.' || same_word(s + i, at - i, nobody))
		return 0;
	for (k = i; k + 1 < at; k++)
		if (s[k] == '.' && s[k + 1] == '.')
			return 0;
	/* https://user@host and @scope/name@1.0 are no mail. */
	if (i > 0 && (s[i - 1] == '/' || s[i - 1] == '@'))
		return 0;
	domain = domain_length(s + at + 1, n - at - 1);
	if (domain == 0 || (at + 1 + domain < n && s[at + 1 + domain] == '@'))
		return 0;
	*from = i;
	return at + 1 + domain - i;
}

static const char *const net_words[] = { "ip", "ips", "address", "addr", "host", "server", "from", "ping",
	"dns", "inet", "client", "remote", "connect", "connected", "listen", "bind", "router", "gateway",
	"login", "proxy", "peer", "//", NULL };
static const char *const number_words[] = { "section", "sect", "sec", "version", "ver", "release",
	"chapter", "rfc", "oid", "figure", "fig", "table", "clause", "iso", "paragraph", "para", "appendix",
	"v", "build", "firmware", "revision", "item", "no", "\xc2\xa7", NULL };

/* Addresses of nobody: this net, private, loopback, link-local, documentation, multicast and up. */
static bool
is_reserved(const unsigned p[4])
{
	return p[0] == 0 || p[0] == 10 || p[0] == 127 || p[0] >= 224 ||
		(p[0] == 172 && p[1] >= 16 && p[1] < 32) || (p[0] == 192 && p[1] == 168) ||
		(p[0] == 169 && p[1] == 254) || (p[0] == 100 && p[1] >= 64 && p[1] < 128) ||
		(p[0] == 192 && p[1] == 0 && p[2] == 2) || (p[0] == 198 && p[1] == 51 && p[2] == 100) ||
		(p[0] == 203 && p[1] == 0 && p[2] == 113) || (p[0] == 198 && (p[1] & 254) == 18);
}

size_t
pii_ipv4(const char *s, size_t n, size_t at)
{
	unsigned part[4] = { 0 };
	size_t i = at, k;
	bool wide = false, net;
	int p;

	if (at > 0 && (s[at - 1] == '.' || s[at - 1] == '-' || s[at - 1] == '_' || s[at - 1] == ','))
		return 0;
	for (p = 0; p < 4; p++) {
		if (p > 0 && (i >= n || s[i++] != '.'))
			return 0;
		for (k = i; k < n && k - i < 4 && pii_digit(s[k]); k++)
			part[p] = part[p] * 10 + (unsigned)(s[k] - '0');
		if (k == i || k - i > 3 || part[p] > 255 || (k - i > 1 && s[i] == '0'))
			return 0;
		wide = wide || k - i == 3;
		i = k;
	}
	if (i < n && (pii_alnum(s[i]) || s[i] == '_' || s[i] == '-'))
		return 0;
	if (i + 1 < n && s[i] == '.' && pii_alnum(s[i + 1]))
		return 0;
	if (is_reserved(part) || pii_context(s, at, 12, number_words))
		return 0;
	/* Four small numbers are a version as often as an address. */
	net = pii_context(s, at, 32, net_words) || (i + 1 < n && (s[i] == ':' || s[i] == '/') &&
		pii_digit(s[i + 1]));
	return wide || net ? i - at : 0;
}

static unsigned
hex_value(char c)
{
	return pii_digit(c) ? (unsigned)(c - '0') : ((unsigned)c | 32u) - 'a' < 6u ?
		((unsigned)c | 32u) - 'a' + 10 : 16;
}

size_t
pii_ipv6(const char *s, size_t n, size_t at)
{
	unsigned first = 0, group;
	size_t i = at, k, widest = 0;
	int groups = 0, gaps = 0;

	if (at > 0 && (s[at - 1] == ':' || s[at - 1] == '.' || s[at - 1] == '_' || s[at - 1] == '-'))
		return 0;
	for (;;) {
		for (k = i, group = 0; k < n && k - i < 5 && hex_value(s[k]) < 16; k++)
			group = group * 16 + hex_value(s[k]);
		if (k - i > 4)
			return 0;
		if (k > i) {
			first = groups == 0 && gaps == 0 ? group : first;
			groups++;
			widest = k - i > widest ? k - i : widest;
		}
		i = k;
		if (i >= n || s[i] != ':')
			break;
		if (i + 1 < n && s[i + 1] == ':') {
			gaps++;
			i += 2;
		} else if (k > at && i + 1 < n && hex_value(s[i + 1]) < 16) {
			i++;
		} else {
			break;
		}
	}
	if (i < n && (pii_alnum(s[i]) || s[i] == '_' || (s[i] == '.' && i + 1 < n && pii_digit(s[i + 1]))))
		return 0;
	if (gaps > 1 || (gaps == 1 ? groups < 3 || groups > 7 : groups != 8) || widest < 3)
		return 0;
	/* Unique-local, link-local, multicast and documentation addresses. */
	if ((first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80 || first >= 0xff00 || first == 0 ||
	    (first == 0x2001 && at + 8 < n && memcmp(s + at + 4, ":db8", 4) == 0))
		return 0;
	return i - at;
}
