/* pii.c - the walk over a text, and what replaces a value; see jpii.h. */
#include "text/jpii.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "text/pii_internal.h"

static const char *const names[JPII_KINDS] = {
	"email", "phone", "ipv4", "ipv6", "card", "iban", "key"
};

const char *
jpii_name(enum jpii_kind kind)
{
	return names[kind];
}

bool
pii_context(const char *s, size_t at, size_t reach, const char *const *words)
{
	size_t from = at > reach ? at - reach : 0, i, k;
	char low[64];

	if (reach >= sizeof(low))
		return false;
	for (i = from; i < at; i++)
		low[i - from] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	low[at - from] = 0;
	for (k = 0; words[k]; k++) {
		const char *hit = strstr(low, words[k]);

		for (; hit; hit = strstr(hit + 1, words[k]))
			if ((hit == low || !pii_alnum(hit[-1]) || !pii_alnum(words[k][0])))
				return true;
	}
	return false;
}

/* What a byte can be the beginning of; for e-mail the @ within. */
enum { AT = 1, DIGIT = 2, PLUS = 4, CAPITAL = 8, HEX = 16, KEY = 32 };

static void
make_classes(unsigned char class[256])
{
	int c;

	memset(class, 0, 256);
	class['@'] = AT;
	class['+'] = class['('] = PLUS;
	for (c = '0'; c <= '9'; c++)
		class[c] |= DIGIT | HEX | KEY;
	for (c = 'A'; c <= 'Z'; c++)
		class[c] |= CAPITAL;
	for (c = 'a'; c <= 'f'; c++) {
		class[c] |= HEX;
		class[c - 32] |= HEX;
	}
	class[':'] |= HEX;
	class['-'] = KEY;
	for (c = 'A'; c <= 'Z'; c++) {
		class[c] |= KEY;
		class[c + 32] |= KEY;
	}
}

static void
add(struct jpii_list *list, size_t at, size_t n, enum jpii_kind kind)
{
	while (list->n > 0 && list->v[list->n - 1].at + list->v[list->n - 1].n > at) {
		list->n--;
		list->count[list->v[list->n].kind]--;
	}
	JMEM_GROW(list->v, list->cap, list->n + 1);
	list->v[list->n++] = (struct jpii_span){ at, n, kind };
	list->count[kind]++;
}

static size_t
match_number(const char *s, size_t n, size_t i, enum jpii_kind *kind)
{
	size_t k;

	*kind = JPII_IPV4;
	if ((k = pii_ipv4(s, n, i)) > 0)
		return k;
	*kind = JPII_CARD;
	if ((k = pii_card(s, n, i)) > 0)
		return k;
	*kind = JPII_PHONE;
	return pii_phone(s, n, i);
}

/* The value that starts at i, at the beginning of a word. */
static size_t
match(const char *s, size_t n, size_t i, unsigned class, enum jpii_kind *kind)
{
	size_t k = 0;

	if (class & (DIGIT | PLUS))
		k = class & DIGIT ? match_number(s, n, i, kind) : pii_phone(s, n, i);
	if (k == 0 && class & PLUS)
		return 0;
	if (k > 0) {
		*kind = class & PLUS ? JPII_PHONE : *kind;
		return k;
	}
	*kind = JPII_IBAN;
	if (class & CAPITAL && (k = pii_iban(s, n, i)) > 0)
		return k;
	*kind = JPII_KEY;
	if (class & KEY && (k = pii_key(s, n, i)) > 0)
		return k;
	*kind = JPII_IPV6;
	return class & HEX ? pii_ipv6(s, n, i) : 0;
}

void
jpii_find(struct jpii_list *list, const char *s, size_t n)
{
	unsigned char class[256];
	size_t i = 0, k, from;
	enum jpii_kind kind = JPII_EMAIL;

	make_classes(class);
	list->n = 0;
	memset(list->count, 0, sizeof(list->count));
	while (i < n) {
		unsigned c = class[(unsigned char)s[i]];

		if (c == 0) {
			i++;
			continue;
		}
		if (c & AT) {
			k = pii_email(s, n, i, &from);
			if (k > 0)
				add(list, from, k, JPII_EMAIL);
			i = k > 0 ? from + k : i + 1;
			continue;
		}
		k = i > 0 && pii_alnum(s[i - 1]) ? 0 : match(s, n, i, c, &kind);
		if (k > 0)
			add(list, i, k, kind);
		i += k ? k : 1;
		if (k == 0 && pii_alnum(s[i - 1]))	/* nothing starts inside a word */
			while (i < n && pii_alnum(s[i]))
				i++;
	}
}

void
jpii_list_release(struct jpii_list *list)
{
	jmem_free(list->v);
	memset(list, 0, sizeof(*list));
}

void
jpii_mask(enum jpii_kind kind, struct jbuf *out)
{
	const char *p;

	jbuf_addc(out, '<');
	for (p = names[kind]; *p; p++)
		jbuf_addc(out, *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
	jbuf_addc(out, '>');
}

static void
hmac(const void *key, size_t key_n, const void *p, size_t n, unsigned char out[32])
{
	unsigned char block[64] = { 0 }, inner[64], outer[64];
	struct jsha256 h;
	int i;

	if (key_n > sizeof(block)) {
		jsha256_init(&h);
		jsha256_add(&h, key, key_n);
		jsha256_done(&h, block);
	} else if (key_n > 0) {
		memcpy(block, key, key_n);
	}
	for (i = 0; i < 64; i++) {
		inner[i] = block[i] ^ 0x36;
		outer[i] = block[i] ^ 0x5c;
	}
	jsha256_init(&h);
	jsha256_add(&h, inner, sizeof(inner));
	jsha256_add(&h, p, n);
	jsha256_done(&h, out);
	jsha256_init(&h);
	jsha256_add(&h, outer, sizeof(outer));
	jsha256_add(&h, out, 32);
	jsha256_done(&h, out);
}

/* Spaces, dots, dashes and letter case are how a value is written, not what it is. */
static void
plain_form(enum jpii_kind kind, const char *s, size_t n, struct jbuf *b)
{
	size_t i;

	jbuf_adds(b, names[kind]);
	jbuf_addc(b, ':');
	for (i = 0; i < n; i++) {
		if ((kind == JPII_PHONE || kind == JPII_CARD || kind == JPII_IBAN) && !pii_alnum(s[i]))
			continue;
		jbuf_addc(b, kind != JPII_KEY && s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	}
}

void
jpii_pseudonym(enum jpii_kind kind, const char *s, size_t n, const void *key, size_t key_n,
	struct jbuf *out)
{
	static const char *const nets[3] = { "192.0.2", "198.51.100", "203.0.113" };
	unsigned char h[32];
	char hex[65];
	uint64_t number = 0;
	struct jbuf b;
	int i;

	jbuf_init(&b);
	plain_form(kind, s, n, &b);
	hmac(key, key_n, b.p, b.n, h);
	jbuf_release(&b);
	jhash_hex(h, 32, hex);
	for (i = 0; i < 8; i++)
		number = number << 8 | h[i];
	switch (kind) {
	case JPII_EMAIL:
		jbuf_printf(out, "user-%.10s@example.org", hex);
		break;
	case JPII_PHONE:		/* +999 is assigned to no country */
		jbuf_printf(out, "+999 %03u %06u", (unsigned)(number % 1000),
			(unsigned)(number / 1000 % 1000000));
		break;
	case JPII_IPV4:
		jbuf_printf(out, "%s.%u", nets[h[0] % 3], 1 + h[1] % 254u);
		break;
	case JPII_IPV6:
		jbuf_printf(out, "2001:db8:%.4s:%.4s::%.4s", hex, hex + 4, hex + 8);
		break;
	default:
		jbuf_printf(out, "%s-%.12s", kind == JPII_CARD ? "CARD" : kind == JPII_IBAN ? "IBAN" :
			"KEY", hex);
	}
}
