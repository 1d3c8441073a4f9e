/*
 * pagelines.c - what each line of a page is, and each word.
 *
 * A line is code inside a ``` or ~~~ fence, or when it is indented by four columns after a blank
 * line or after code, or when it starts with a shell or interpreter prompt.
 */
#include <string.h>

#include "base/jmem.h"
#include "base/jutf8.h"
#include "text/junicode.h"
#include "text/jwords.h"
#include "text/page_internal.h"

struct walk {
	char fence;			/* '`' or '~' inside a fence, else 0 */
	bool blank_before, code_before;
	bool term_before, in_item;	/* the last line was a **term**; the lines before a list item */
};

static uint16_t
traits_of(const struct jpage *pg, const struct jpage_word *w)
{
	const struct jpage_tables *t = pg->t;
	const char *s = pg->p + w->at;
	struct jtext_word span = { w->at, w->n, w->chars, w->flags };
	uint32_t row = w->chars > 12 ? JINTERN_NONE :
		jintern_find(&t->function_key, jtext_word_hash(pg->p, &span)), i;
	unsigned traits = row == JINTERN_NONE ? 0 : t->languages[row];

	for (i = 0; i < w->n && s[i] >= 'a' && s[i] <= 'z'; i++)
		;
	if (i >= 4 && i == w->n)
		traits |= JPAGE_W_PLAIN | (jpage_is_odd(s, w->n) ? JPAGE_W_ODD : 0);
	return (uint16_t)traits;
}

/* Looks at each distinct word once; ids are in the order of first sight. */
static void
find_traits(struct jpage *pg)
{
	struct jpage_tables *t = pg->t;
	uint32_t next = 0;
	size_t i;

	JMEM_GROW(t->traits, t->traits_cap, (size_t)pg->ids + 1);
	for (i = 0; i < pg->words; i++)
		if (pg->word[i].id == next)
			t->traits[next++] = traits_of(pg, &pg->word[i]);
}

static bool
is_fence(const char *s, size_t n, char fence)
{
	char c = s[0];

	if (n < 3 || (c != '`' && c != '~') || s[1] != c || s[2] != c)
		return false;
	if (fence)
		return fence == c;
	while (n > 0 && *s == c) {
		s++;
		n--;
	}
	return c == '~' || !memchr(s, c, n);	/* ```code``` in one line opens nothing */
}

static bool
is_prompt(const char *s, size_t n)
{
	return (n >= 4 && (memcmp(s, ">>> ", 4) == 0 || memcmp(s, "... ", 4) == 0)) ||
		(n >= 3 && s[0] == '$' && s[1] == ' ');
}

static bool
is_bullet(const char *s, size_t n)
{
	static const char wide[][4] = { "\xe2\x80\xa2", "\xe2\x97\x8f", "\xe2\x97\xa6", "\xe2\x80\xa3" };
	size_t i;

	if (n > 1 && (s[0] == '-' || s[0] == '*' || s[0] == '+') && s[1] == ' ')
		return true;
	for (i = 0; i < 4; i++)
		if (n >= 3 && memcmp(s, wide[i], 3) == 0)
			return true;
	for (i = 0; i < n && i < 3 && s[i] >= '0' && s[i] <= '9'; i++)
		;
	return i > 0 && i + 1 < n && (s[i] == '.' || s[i] == ')') && s[i + 1] == ' ';
}

/* **term** of a definition list, alone on its line. */
static bool
is_term(const char *s, size_t n)
{
	return n > 4 && memcmp(s, "**", 2) == 0 && memcmp(s + n - 2, "**", 2) == 0;
}

static bool
is_heading(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] == '#')
		i++;
	return i > 0 && i <= 6 && i < n && s[i] == ' ';
}

/* Ends in . ! ? : ; or their wide forms, perhaps inside closing quotes or brackets. */
static bool
ends_in_stop(const char *s, size_t n)
{
	while (n > 0 && (s[n - 1] == '"' || s[n - 1] == '\'' || s[n - 1] == ')' || s[n - 1] == '*' ||
	    s[n - 1] == '`'))
		n--;
	if (n == 0)
		return false;
	if (n >= 3) {
		static const char wide[][4] = { "\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f",
			"\xe2\x80\xa6" };
		size_t i;

		for (i = 0; i < 4; i++)
			if (memcmp(s + n - 3, wide[i], 3) == 0)
				return true;
	}
	return strchr(".!?:;", s[n - 1]) != NULL;
}

/* Most of the line is [text](target) or bare addresses. */
static bool
is_link_line(const char *s, size_t n)
{
	size_t i, linked = 0;

	for (i = 0; i + 7 < n; i++) {
		if (memcmp(s + i, "](", 2) != 0 && memcmp(s + i, "://", 3) != 0)
			continue;
		while (i < n && s[i] != ' ' && s[i] != ')') {
			linked++;
			i++;
		}
	}
	return linked * 2 > n;
}

/* Running text: five words of which two are function words of one language, or a stop at the end. */
static bool
is_prose(const struct jpage *pg, const struct jpage_line *l)
{
	unsigned seen[8] = { 0 }, bits;
	uint32_t i, unspaced = 0;
	int k;

	if (l->words < 5)
		return false;
	if (l->flags & JPAGE_L_STOP)
		return true;
	for (i = 0; i < l->words; i++) {
		const struct jpage_word *w = &pg->word[l->word + i];
		uint32_t cp;

		bits = jpage_word_traits(pg, w->id) & JPAGE_W_LANGUAGES;
		for (k = 0; bits; k++, bits >>= 1)
			if ((bits & 1) && ++seen[k] >= 2)
				return true;
		if (!(w->flags & JTEXT_W_ASCII) && jutf8_decode(pg->p + w->at, w->n, &cp) > 0)
			unspaced += jtext_is_unspaced(cp);
	}
	return unspaced >= 10;
}

static unsigned
classify_text(const struct jpage *pg, const struct jpage_line *l, const struct walk *w,
	uint32_t indent)
{
	const char *s = pg->p + l->at;
	bool defines = l->words >= 2 && (w->term_before || (w->in_item && indent >= 2));
	struct jpage_line marked = *l;

	if (ends_in_stop(s, l->n))
		marked.flags |= JPAGE_L_STOP;
	if (is_heading(s, l->n) || is_term(s, l->n))
		return marked.flags | JPAGE_L_HEADING;
	if (is_bullet(s, l->n))
		marked.flags |= JPAGE_L_BULLET;
	if (is_link_line(s, l->n))
		return marked.flags | JPAGE_L_LINK;
	/* What stands below a term or inside a list item says what it is, however briefly. */
	if (is_prose(pg, &marked) || (defines && !(marked.flags & JPAGE_L_BULLET)))
		marked.flags |= JPAGE_L_PROSE;
	return marked.flags;
}

static void
classify(const struct jpage *pg, struct jpage_line *l, struct walk *w, uint32_t indent)
{
	const char *s = pg->p + l->at;
	size_t n = l->n;

	if (is_fence(s, n, w->fence)) {
		w->fence = w->fence ? 0 : s[0];
		l->flags = JPAGE_L_CODE;
	} else if (w->fence || is_prompt(s, n) ||
	    (indent >= 4 && (w->blank_before || w->code_before) && !w->in_item && !is_bullet(s, n) &&
	     !is_prose(pg, l))) {
		l->flags = JPAGE_L_CODE;
	} else if (s[0] == '|' && n > 2 && memchr(s + 1, '|', n - 1)) {
		l->flags = JPAGE_L_TABLE;
	} else {
		l->flags = classify_text(pg, l, w, indent);
		w->in_item = l->flags & JPAGE_L_BULLET || (w->in_item && indent >= 2);
		w->term_before = is_term(s, n);
		return;
	}
	w->term_before = false;
}

static uint32_t
indent_of(const char *p, size_t from, size_t to)
{
	uint32_t columns = 0;

	for (; from < to; from++)
		columns += p[from] == '\t' ? 8 - columns % 8 : 1;
	return columns;
}

void
jpage_classify(struct jpage *pg)
{
	struct walk w = { .blank_before = true };
	size_t i;
	uint32_t k;

	if (pg->done & JPAGE_DID_CLASS)
		return;
	pg->done |= JPAGE_DID_CLASS;
	find_traits(pg);
	for (i = 0; i < pg->paras; i++)
		for (k = 0; k < pg->para[i].lines; k++) {
			struct jpage_line *l = &pg->line[pg->para[i].line + k];

			w.blank_before = k == 0;
			classify(pg, l, &w, indent_of(pg->p, l->raw, l->at));
			w.code_before = (l->flags & JPAGE_L_CODE) != 0;
		}
}
