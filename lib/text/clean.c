#include "text/jclean.h"

#include <string.h>

#include "base/jutf8.h"
#include "text/junicode.h"
#include "text/jwords.h"

enum { MAX_WORD = 1000, BAN_WORDS = 10 };

struct shape {			/* of a line */
	uint64_t words, chars, upper, digits, spaces;
	uint64_t longest;	/* characters of its longest word */
	uint64_t before;	/* words that count as those that there were */
};

struct jclean {
	const char *name;
	const char *ends;	/* characters that end a line, "" = any; NULL for refinedweb */
	uint64_t min_words;
	bool cut_first;		/* citations are cut before words are counted */
};

static const struct jclean kinds[] = {
	{ "c4", ".?!\"", 5, true },
	{ "c4-paper", ".?!\"'", 3, false },
	{ "fineweb", "", 3, false },
	{ "refinedweb", NULL, 2, false }
};

const struct jclean *
jclean_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *
jclean_name(const struct jclean *rules)
{
	return rules->name;
}

bool
jclean_is_last(const struct jclean *rules)
{
	return !rules->ends;
}

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
}

bool
jclean_begins(const char *s, size_t n, const char *phrase)
{
	size_t i;

	for (i = 0; i < n && phrase[i] && lower(s[i]) == phrase[i]; i++)
		;
	return phrase[i] == 0;
}

/* Is the phrase around some c of s, which is its letter number `at`? */
static bool
has_around(const char *s, size_t n, const char *phrase, size_t at, int c)
{
	size_t k = strlen(phrase), i = at;
	const char *hit;

	while (i + k <= n + at && (hit = memchr(s + i, c, n - k + at + 1 - i)) != NULL) {
		if (jclean_begins(hit - at, k, phrase))
			return true;
		i = (size_t)(hit - s) + 1;
	}
	return false;
}

/* Looks for the letter of the phrase that is rarest in English, then for the phrase around it. */
bool
jclean_has(const char *s, size_t n, const char *phrase)
{
	static const char rarest[] = "zqxjkvbpygfwmucldrhsnioate";
	const char *letter = rarest, *at = NULL;
	size_t k = strlen(phrase);

	while (*letter && !(at = strchr(phrase, *letter)))
		letter++;
	if (k > n || k == 0)
		return false;
	if (!at)
		return has_around(s, n, phrase, 0, phrase[0]);
	return has_around(s, n, phrase, (size_t)(at - phrase), *letter) ||
		has_around(s, n, phrase, (size_t)(at - phrase), *letter & ~32);
}

static void
measure(const char *s, size_t n, struct shape *to)
{
	uint64_t word = 0;
	size_t i = 0;

	memset(to, 0, sizeof(*to));
	while (i < n) {
		uint32_t cp = (unsigned char)s[i];
		int k = cp < 0x80 ? 1 : jutf8_decode(s + i, n - i, &cp);

		i += (size_t)(k > 0 ? k : 1);
		to->chars++;
		if (cp >= 0x80 ? jtext_class(cp) == JTEXT_SPACE : cp == ' ' || (cp >= 9 && cp <= 13)) {
			to->spaces++;
			word = 0;
			continue;
		}
		to->words += word++ == 0;
		to->longest = word > to->longest ? word : to->longest;
		to->upper += cp < 0x80 ? cp - 'A' < 26 : jtext_is_upper(cp);
		to->digits += cp < 0x80 ? cp - '0' < 10 : jtext_class(cp) == JTEXT_DIGIT;
	}
}

/* Length of [12], [], [edit] or [citation needed] at s, 0 if there is none. */
static size_t
citation(const char *s, size_t n)
{
	static const char *const marks[] = { "[edit]", "[citation needed]" };
	size_t i = 1;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	if (i < n && s[i] == ']')
		return i + 1;
	for (i = 0; i < 2; i++)
		if (n >= strlen(marks[i]) && memcmp(s, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return 0;
}

/* Appends the line without its citations. */
static void
cut_citations(const char *s, size_t n, struct jbuf *out)
{
	const char *hit;
	size_t k;

	while (n > 0 && (hit = memchr(s, '[', n)) != NULL) {
		k = citation(hit, n - (size_t)(hit - s));
		jbuf_add(out, s, (size_t)(hit - s) + (k == 0));
		k += (size_t)(hit - s) + (k == 0);
		s += k;
		n -= k;
	}
	jbuf_add(out, s, n);
}

static bool
has_policy(const char *s, size_t n)
{
	static const char *const phrases[] = { "terms of use", "privacy policy", "cookie policy",
		"uses cookies", "use of cookies", "use cookies" };
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (jclean_has(s, n, phrases[i]))
			return true;
	return false;
}

/* In the order of the original: what drops the page comes before some of what drops the line. */
static bool
c4_keeps(const struct jclean *c, const char *s, size_t n, uint64_t words)
{
	if (*c->ends && (n == 0 || !strchr(c->ends, s[n - 1]) || (n >= 3 && memcmp(s + n - 3, "...", 3) == 0)))
		return false;
	if (words < c->min_words)
		return false;
	if (jclean_has(s, n, "lorem ipsum"))
		return true;
	if (jclean_has(s, n, "javascript"))
		return false;
	return memchr(s, '{', n) || !has_policy(s, n);
}

/* What is left of a line goes to `left`, measured; false if nothing is to stay of it. */
static bool
c4_line(const struct jclean *c, const char *s, size_t n, struct jbuf *left, struct shape *x)
{
	uint64_t words = x->before = x->words;

	if (x->longest > MAX_WORD)
		return false;
	cut_citations(s, n, left);
	if (left->n != n)
		measure(left->p, left->n, x);
	x->before = words;
	return c4_keeps(c, left->p, left->n, c->cut_first ? x->words : words);
}

static bool
is_word_char(char c)
{
	return (unsigned)c - '0' < 10 || (unsigned)(c | 32) - 'a' < 26 || c == '_';
}

static bool
is_counter(const char *s, size_t n)
{
	static const char *const things[] = { "likes", "shares", "comments", "retweets", "reposts", "quotes",
		"bookmarks", "upvotes", "downvotes", "downloads", "views", "followers" };
	size_t i = 0, k;

	while (i < n && (unsigned char)s[i] < 0x80 && !is_word_char(s[i]))
		i++;
	if (i == n || !(s[i] >= '0' && s[i] <= '9'))
		return false;
	while (i < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == '.' || s[i] == ','))
		i++;
	i += i < n && strchr("kKmMbB", s[i]) != NULL;
	if (i == n || s[i] != ' ')
		return false;
	while (i < n && s[i] == ' ')
		i++;
	for (k = 0; k < sizeof(things) / sizeof(things[0]); k++)
		if (jclean_begins(s + i, n - i, things[k]))
			break;
	if (k == sizeof(things) / sizeof(things[0]))
		return false;
	for (i += strlen(things[k]); i < n && (unsigned char)s[i] < 0x80 && !is_word_char(s[i]); i++)
		;
	return i == n;
}

static bool
is_address(const char *s, size_t n)
{
	return jclean_begins(s, n, "http://") || jclean_begins(s, n, "https://") || jclean_begins(s, n, "www.");
}

/* Appends the line without the words that are addresses, and the space before each. */
static void
cut_addresses(const char *s, size_t n, struct jbuf *out)
{
	size_t i = 0, space, k;

	while (i < n) {
		for (space = i; i < n && (s[i] == ' ' || s[i] == '\t'); i++)
			;
		for (k = i; k < n && s[k] != ' ' && s[k] != '\t'; k++)
			;
		if (!is_address(s + i, k - i))
			jbuf_add(out, s + space, k - space);
		i = k;
	}
}

/* Takes the bytes at..at+n out. */
static void
cut_bytes(struct jbuf *b, size_t at, size_t n)
{
	memmove(b->p + at, b->p + at + n, b->n - at - n);
	b->n -= n;
	b->p[b->n] = 0;
}

/* Phrases of shops and blogs, with the space before or behind. */
static void
cut_phrases(struct jbuf *b)
{
	static const char cart[] = "items in cart", more[] = "read more...", sign[] = "sign-in";
	size_t i = 0, at, k = sizeof(more) - 1;

	while (i < b->n)
		if (jclean_begins(b->p + i, b->n - i, cart)) {
			at = i - (i > 0 && b->p[i - 1] == ' ');
			cut_bytes(b, at, i - at + sizeof(cart) - 1);
			i = at;
		} else {
			i++;
		}
	if (b->n >= k && jclean_begins(b->p + b->n - k, k, more)) {
		k += b->n > k && b->p[b->n - k - 1] == ' ';
		cut_bytes(b, b->n - k, k);
	}
	if (jclean_begins(b->p, b->n, sign))
		cut_bytes(b, 0, sizeof(sign) - 1 + (b->p[sizeof(sign) - 1] == ' '));
}

/* x comes as what the line is, and leaves the words that count before as those without addresses. */
static bool
web_line(const struct jclean *c, const char *s, size_t n, struct jbuf *left, struct shape *x)
{
	uint64_t had;

	cut_addresses(s, n, left);
	if (left->n != n)
		measure(left->p, left->n, x);
	x->before = had = x->words;
	if (had < c->min_words || x->upper * 2 > x->chars || x->digits == x->chars ||
	    is_counter(left->p, left->n))
		return false;
	if (had > BAN_WORDS)
		return true;
	n = left->n;
	cut_phrases(left);
	if (left->n != n) {
		measure(left->p, left->n, x);
		x->before = had;
	}
	return x->words > 0;
}

/* Blank lines separate paragraphs for refinedweb and are nothing to C4. */
void
jclean_text(const struct jclean *c, const char *p, size_t n, struct jbuf *out, struct jclean_counts *to)
{
	size_t at = 0, begin = out->n;
	struct jtext_span line;
	bool blank = false, keep;
	struct jbuf left;

	memset(to, 0, sizeof(*to));
	jbuf_init(&left);
	while (jtext_next_line(p, n, &at, &line)) {
		struct shape x;

		line = jtext_trim(p, line);
		blank |= line.n == 0 && !c->ends;
		if (line.n == 0)
			continue;
		measure(p + line.at, line.n, &x);
		jbuf_reset(&left);
		keep = (c->ends ? c4_line : web_line)(c, p + line.at, line.n, &left, &x);
		to->lines++;
		to->words += x.before;
		if (!keep)
			continue;
		jbuf_adds(out, out->n == begin ? "" : blank ? "\n\n" : "\n");
		jbuf_add(out, left.p, left.n);
		blank = false;
		to->kept_lines++;
		to->kept_words += x.words;
	}
	jbuf_release(&left);
}
