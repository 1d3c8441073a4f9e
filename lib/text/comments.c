#include "text/jcomments.h"

#include <string.h>

struct marks {
	const char *langs;		/* by spaces */
	const char *line, *line2;	/* to the end of the line; NULL = none */
	const char *open, *close;	/* over line ends */
	const char *quotes;		/* characters that begin and end strings */
	bool triple;			/* """ and ''' strings */
};

static const struct marks table[] = {
	{ " c cpp csharp java kotlin scala swift go rust javascript typescript dart zig protobuf groovy ",
		"//", NULL, "/*", "*/", "\"'`", false },
	{ " php ", "//", "#", "/*", "*/", "\"'", false },
	{ " css ", NULL, NULL, "/*", "*/", "\"'", false },
	{ " python cython ", "#", NULL, NULL, NULL, "\"'", true },
	{ " shell fish perl ruby r elixir awk sed tcl make cmake dockerfile yaml toml ", "#", NULL, NULL, NULL,
		"\"'", false },
	{ " julia ", "#", NULL, "#=", "=#", "\"", true },
	{ " powershell ", "#", NULL, "<#", "#>", "\"'", false },
	{ " sql ", "--", NULL, "/*", "*/", "'\"", false },
	{ " lua ", "--", NULL, "--[[", "]]", "\"'", false },
	{ " haskell ", "--", NULL, "{-", "-}", "\"", false },
	{ " ocaml ", NULL, NULL, "(*", "*)", "\"", false },
	{ " lisp elisp scheme clojure ", ";", NULL, NULL, NULL, "\"", false },
	{ " ini asm ", ";", "#", NULL, NULL, "\"", false },
	{ " tex erlang ", "%", NULL, NULL, NULL, "", false },
	{ " fortran ", "!", NULL, NULL, NULL, "\"'", false },
	{ " html xml ", NULL, NULL, "<!--", "-->", "", false }
};

struct scan {
	const struct marks *m;
	const char *p;
	size_t n, at;
	bool first;		/* nothing but white space before on this line */
};

static bool
here(const struct scan *s, const char *mark)
{
	size_t k = mark ? strlen(mark) : 0;

	return k > 0 && s->n - s->at >= k && memcmp(s->p + s->at, mark, k) == 0;
}

/* Behind the next mark, or the end. */
static size_t
after(const struct scan *s, size_t from, const char *mark)
{
	size_t k = strlen(mark), i;

	for (i = from; i + k <= s->n; i++)
		if (memcmp(s->p + i, mark, k) == 0)
			return i + k;
	return s->n;
}

/* Where the string at s->at ends; one that stands alone in its line ends there (an apostrophe). */
static size_t
string_end(const struct scan *s)
{
	char quote = s->p[s->at];
	size_t i;

	for (i = s->at + 1; i < s->n && s->p[i] != quote; i++) {
		if (s->p[i] == '\n' && quote != '`')
			return i;
		i += s->p[i] == '\\' && i + 1 < s->n;
	}
	return i < s->n ? i + 1 : s->n;
}

static size_t
line_end(const struct scan *s)
{
	const char *end = memchr(s->p + s->at, '\n', s->n - s->at);

	return end ? (size_t)(end - s->p) : s->n;
}

/* The end of what begins at s->at; *comment says what it is. */
static size_t
piece(const struct scan *s, bool *comment)
{
	char c = s->p[s->at], three[4] = { c, c, c, 0 };

	*comment = true;
	if (here(s, s->m->open))
		return after(s, s->at + strlen(s->m->open), s->m->close);
	/* "$#" and "a#b" of a shell are no comments */
	if ((here(s, s->m->line) && (c != '#' || s->first || strchr(" \t\n;", s->p[s->at - 1]))) ||
	    here(s, s->m->line2))
		return line_end(s);
	*comment = false;
	if (c == 0 || !strchr(s->m->quotes, c))
		return s->at + 1;
	if (s->m->triple && here(s, three)) {
		*comment = s->first;
		return after(s, s->at + 3, three);
	}
	return string_end(s);
}

bool
jcomments_lang_in(const char *langs, const char *lang)
{
	size_t k = strlen(lang);
	const char *hit = k && !strchr(lang, ' ') ? strstr(langs, lang) : NULL;

	while (hit && !(hit[-1] == ' ' && hit[k] == ' '))
		hit = strstr(hit + 1, lang);
	return hit != NULL;
}

static const struct marks *
marks_of(const char *lang)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (jcomments_lang_in(table[i].langs, lang))
			return &table[i];
	return NULL;
}

bool
jcomments_bytes(const char *lang, const char *p, size_t n, uint64_t *bytes)
{
	struct scan s = { .m = marks_of(lang), .p = p, .n = n, .first = true };

	*bytes = 0;
	while (s.m && s.at < n) {
		bool comment, blank = strchr(" \t\r\n", p[s.at]) != NULL;
		size_t end = piece(&s, &comment);

		*bytes += comment ? end - s.at : 0;
		s.first = p[s.at] == '\n' || (s.first && blank);
		s.at = end;
	}
	return s.m != NULL;
}

static bool
tag_is(const char *p, size_t n, const char *name)
{
	size_t k = strlen(name), i;

	for (i = 0; i < k; i++)
		if (i >= n || (p[i] | 32) != name[i])
			return false;
	return k == n || strchr(" \t\r\n/>", p[k]) != NULL;
}

/* Behind the tag, comment, script or style that begins at i with '<'. */
static size_t
skip_tag(const char *p, size_t n, size_t i)
{
	static const char *const raw[] = { "script", "style" };
	const char *end;
	size_t k;

	if (n - i >= 4 && memcmp(p + i, "<!--", 4) == 0) {
		for (k = i + 4; k + 3 <= n && memcmp(p + k, "-->", 3) != 0; k++)
			;
		return k + 3 <= n ? k + 3 : n;
	}
	for (k = 0; k < 2; k++) {
		size_t at = i + 1;

		if (!tag_is(p + at, n - at, raw[k]))
			continue;
		while ((end = memchr(p + at, '<', n - at)) != NULL) {
			at = (size_t)(end - p) + 1;
			if (at < n && p[at] == '/' && tag_is(p + at + 1, n - at - 1, raw[k]))
				break;
		}
		if (!end)
			return n;
		i = at;
	}
	end = memchr(p + i, '>', n - i);
	return end ? (size_t)(end - p) + 1 : n;
}

uint64_t
jcomments_html_text(const char *p, size_t n)
{
	uint64_t text = 0;
	bool space = true;
	size_t i = 0;

	while (i < n) {
		if (p[i] == '<' && i + 1 < n && (p[i + 1] == '!' || p[i + 1] == '/' || p[i + 1] == '?' ||
		    (unsigned)(p[i + 1] | 32) - 'a' < 26)) {
			i = skip_tag(p, n, i);
			continue;
		}
		if ((unsigned char)p[i] > ' ') {
			text++;
			space = false;
		} else if (!space) {
			text++;
			space = true;
		}
		i++;
	}
	return text;
}
