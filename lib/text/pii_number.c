/* pii_number.c - telephone numbers, payment cards, IBANs. */
#include <string.h>

#include "text/pii_internal.h"

enum { MOST_DIGITS = 19 };

static const char *const other_numbers[] = { "isbn", "issn", "doi", "pmid", "rfc", "oid", "ean", "upc",
	"#", "order", "invoice", "part no", "serial", "id", NULL };

/*
 * Reads digits with single spaces or dashes between them (never mixed) into d; returns the bytes up
 * to the last digit.
 */
static size_t
grouped_digits(const char *s, size_t n, size_t at, char d[MOST_DIGITS + 1], size_t *digits)
{
	size_t i = at, end = at;
	char gap = 0;

	*digits = 0;
	while (i < n && *digits <= MOST_DIGITS) {
		if (pii_digit(s[i])) {
			if (*digits < MOST_DIGITS)
				d[*digits] = s[i];
			++*digits;
			end = ++i;
		} else if ((s[i] == ' ' || s[i] == '-') && (gap == 0 || gap == s[i]) && i + 1 < n &&
		    pii_digit(s[i + 1])) {
			gap = s[i++];
		} else {
			break;
		}
	}
	return end - at;
}

static bool
luhn(const char *d, size_t n)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned v = (unsigned)(d[n - 1 - i] - '0');

		v = i % 2 ? v * 2 : v;
		sum += v > 9 ? v - 9 : v;
	}
	return sum % 10 == 0;
}

/* Number ranges of the card networks, with their lengths. */
static bool
is_issuer(const char *d, size_t n)
{
	int two = (d[0] - '0') * 10 + d[1] - '0', four = two * 100 + (d[2] - '0') * 10 + d[3] - '0';

	if (d[0] == '4')
		return n == 13 || n == 16 || n == 19;
	if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720))
		return n == 16;
	if (two == 34 || two == 37)
		return n == 15;
	if (two == 36 || two == 38 || (four >= 3000 && four <= 3059))
		return n == 14;
	return n == 16 && (four == 6011 || two == 65 || two == 35 || (four >= 6440 && four <= 6499));
}

size_t
pii_card(const char *s, size_t n, size_t at)
{
	char d[MOST_DIGITS + 1];
	size_t digits, bytes, i;

	if (at > 0 && (s[at - 1] == '.' || s[at - 1] == '-' || s[at - 1] == '_'))
		return 0;
	bytes = grouped_digits(s, n, at, d, &digits);
	if (digits < 13 || digits > MOST_DIGITS || (at + bytes < n && (pii_alnum(s[at + bytes]) ||
	    s[at + bytes] == '_' || (s[at + bytes] == '.' && at + bytes + 1 < n &&
	    pii_digit(s[at + bytes + 1])))))
		return 0;
	for (i = 1; i < digits && d[i] == d[0]; i++)
		;
	if (i == digits || !is_issuer(d, digits) || !luhn(d, digits))
		return 0;
	return pii_context(s, at, 16, other_numbers) ? 0 : bytes;
}

static const char iban_length[][5] = {
	"AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BR29", "BY28", "CH21",
	"CR22", "CY28", "CZ24", "DE22", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18", "FO18", "FR27",
	"GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HR21", "HU28", "IE22", "IL23", "IQ23", "IS26",
	"IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20", "LU20", "LV21", "LY25", "MC27",
	"MD24", "ME22", "MK19", "MR27", "MT31", "MU30", "NL18", "NO15", "PK24", "PL28", "PS29", "PT25",
	"QA29", "RO24", "RS22", "SA24", "SC31", "SE24", "SI19", "SK24", "SM27", "ST25", "SV28", "TL23",
	"TN24", "TR26", "UA29", "VA22", "VG24", "XK20"
};

static size_t
iban_digits(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(iban_length) / sizeof(iban_length[0]); i++)
		if (memcmp(iban_length[i], s, 2) == 0)
			return (size_t)(iban_length[i][2] - '0') * 10 + (size_t)(iban_length[i][3] - '0');
	return 0;
}

size_t
pii_iban(const char *s, size_t n, size_t at)
{
	char c[40];
	size_t want, have = 0, i, k;
	unsigned mod = 0;

	if (at + 15 > n || !pii_digit(s[at + 2]) || !pii_digit(s[at + 3]))
		return 0;
	want = iban_digits(s + at);
	for (i = at; i < n && have < want; i++) {
		if (s[i] == ' ' && have % 4 == 0 && have > 0)
			continue;
		if (!pii_digit(s[i]) && (unsigned)s[i] - 'A' >= 26u)
			break;
		c[have++] = s[i];
	}
	if (want == 0 || have != want || (i < n && pii_alnum(s[i])))
		return 0;
	for (k = 0; k < have; k++) {		/* ISO 7064, 97-10: the first four go to the end */
		char x = c[(k + 4) % have];

		mod = pii_digit(x) ? (mod * 10 + (unsigned)(x - '0')) % 97 :
			(mod * 100 + (unsigned)(x - 'A') + 10) % 97;
	}
	return mod == 1 ? i - at : 0;
}

/* +CC and 7 to 13 more digits, with spaces, dots, dashes and brackets between groups. */
static size_t
international(const char *s, size_t n, size_t at)
{
	size_t i = at + 1, digits = 0, end = at, run = 0, groups = 0;

	if (at > 0 && !strchr(" \t\n\r(:,;>\"'", s[at - 1]))
		return 0;
	if (i >= n || !pii_digit(s[i]) || s[i] == '0')
		return 0;
	if (i + 3 <= n && memcmp(s + i, "999", 3) == 0)
		return 0;	/* no country's; what pseudonyms look like */
	while (i < n && digits < 16) {
		if (pii_digit(s[i])) {
			digits++;
			groups += run == 0;
			run++;
			end = ++i;
		} else if (strchr(" .-()", s[i]) && s[i] && i + 1 < n && (pii_digit(s[i + 1]) ||
		    (strchr(" (", s[i + 1]) && s[i + 1] && i + 2 < n && (pii_digit(s[i + 2]) ||
		    s[i + 2] == '(')) )) {
			run = 0;
			i++;
		} else {
			break;
		}
	}
	if (digits < 8 || digits > 15 || groups > 7 || (end < n && (pii_alnum(s[end]) || s[end] == '_')))
		return 0;
	return end - at;
}

/* (ddd) ddd-dddd and ddd-ddd-dddd, area and exchange not starting with 0 or 1; 555-01xx is fiction. */
static size_t
north_american(const char *s, size_t n, size_t at)
{
	bool open = s[at] == '(';
	size_t i = at + open, k;
	char d[10], gap = 0;
	static const size_t size[3] = { 3, 3, 4 };
	int g, to = 0;

	if (at > 0 && strchr(".-_/+:#=", s[at - 1]))
		return 0;
	for (g = 0; g < 3; g++) {
		if (g == 1 && open && (i >= n || s[i++] != ')'))
			return 0;
		if (g == 1 && open && i < n && s[i] == ' ')
			i++;
		else if (g > 0 && !(g == 1 && open)) {
			if (i >= n || !strchr("-. ", s[i]) || (gap && s[i] != gap) || !s[i])
				return 0;
			gap = s[i++];
		}
		for (k = 0; k < size[g]; k++, i++) {
			if (i >= n || !pii_digit(s[i]))
				return 0;
			d[to++] = s[i];
		}
	}
	if (d[0] < '2' || d[3] < '2' || (gap == ' ' && !open) || memcmp(d + 3, "55501", 5) == 0)
		return 0;
	if (i < n && (pii_alnum(s[i]) || s[i] == '-' || s[i] == '_' ||
	    (s[i] == '.' && i + 1 < n && pii_digit(s[i + 1]))))
		return 0;
	return i - at;
}

size_t
pii_phone(const char *s, size_t n, size_t at)
{
	size_t k = s[at] == '+' ? international(s, n, at) : north_american(s, n, at);

	return k > 0 && pii_context(s, at, 16, other_numbers) ? 0 : k;
}
