#include "text/jlicences.h"

#include <string.h>

enum { MAX_NAME = 80, MAX_DEPTH = 16 };

static const char permissive[] = "mit,expat,x11,isc,bsd,apache,zlib,libpng,python,psf,cnri-python,postgresql,"
	"unlicense,0bsd,cc0,cc-by-1,cc-by-2,cc-by-3,cc-by-4,public-domain,public domain,ntp,bsl,boost,curl,"
	"unicode,w3c,ncsa,tcl,ofl,artistic,ruby,vim,wtfpl,mit-0,blessing,fsfap";

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
}

/* Does the name begin with the wanted one and go on with a version or variant, or end? */
static bool
covers(const char *want, size_t want_n, const char *name, size_t n)
{
	size_t i;

	if (want_n == 0 || want_n > n)
		return false;
	for (i = 0; i < want_n; i++)
		if (lower(want[i]) != lower(name[i]))
			return false;
	return n == want_n || strchr("-+ ./0123456789", name[want_n]) != NULL;
}

/* CC-BY-4.0 is free; what adds NC, ND or SA to it is another licence. */
static bool
is_restricted(const char *name, size_t n)
{
	static const char *const parts[] = { "-nc", "-nd", "-sa" };
	size_t i, k;

	for (i = 0; i + 3 <= n; i++)
		for (k = 0; k < 3; k++)
			if (name[i] == '-' && lower(name[i + 1]) == parts[k][1] && lower(name[i + 2]) == parts[k][2] &&
			    (i + 3 == n || name[i + 3] == '-' || name[i + 3] == ' '))
				return true;
	return false;
}

static bool
name_allowed(const char *wanted, const char *name, size_t n)
{
	size_t k;

	for (; *wanted; wanted += k + (wanted[k] == ',')) {
		k = strcspn(wanted, ",");
		if (k == 10 && memcmp(wanted, "permissive", 10) == 0) {
			if (!is_restricted(name, n) && name_allowed(permissive, name, n))
				return true;
			continue;
		}
		if (covers(wanted, k, name, n))
			return true;
	}
	return false;
}

static bool
is_word(const char *s, size_t n, const char *word)
{
	size_t i;

	for (i = 0; i < n && word[i]; i++)
		if (lower(s[i]) != word[i])
			return false;
	return i == n && word[i] == 0;
}

struct walk {
	const char *wanted, *s;
	size_t n, at;
	int depth;
};

/* The next token: a bracket, a comma, or a run of other characters.  0 at the end. */
static size_t
token(struct walk *w, const char **s)
{
	size_t i;

	while (w->at < w->n && strchr(" \t\n", w->s[w->at]))
		w->at++;
	*s = w->s + w->at;
	if (w->at == w->n)
		return 0;
	if (strchr("(),", **s))
		return w->at++, 1;
	for (i = w->at; i < w->n && !strchr(" \t\n(),", w->s[i]); i++)
		;
	i -= w->at;
	w->at += i;
	return i;
}

/*
 * "or" binds weaker than "and", which binds weaker than a comma's meaning of both; a name may have
 * several words.  Brackets nest to a fixed depth.
 */
static bool
expression(struct walk *w)
{
	bool any = false, all = true, open = false, skip = false;
	char name[MAX_NAME];
	size_t n = 0, k;
	const char *s;

	for (;;) {
		k = token(w, &s);
		if (k == 1 && *s == '(') {
			open = w->depth++ < MAX_DEPTH;
			all &= open && expression(w);
			w->depth--;
			open = true;
			continue;
		}
		if (k > 0 && !is_word(s, k, "or") && !is_word(s, k, "and") && *s != ')' && *s != ',' && *s != '(') {
			skip |= is_word(s, k, "with");
			if (!skip && n + k + 1 < MAX_NAME) {
				name[n] = ' ';
				memcpy(name + n + (n > 0), s, k);
				n += k + (n > 0);
			}
			continue;
		}
		if (n > 0)
			all &= name_allowed(w->wanted, name, n);
		open |= n > 0;
		n = 0;
		skip = false;
		if (k == 0 || *s == ')' || is_word(s, k, "or")) {
			any |= all && open;
			all = true;
			open = false;
		}
		if (k == 0 || (*s == ')' && w->depth > 0))
			return any;
	}
}

bool
jlicences_allow(const char *wanted, const char *s, size_t n)
{
	struct walk w = { .wanted = wanted, .s = s, .n = n };

	return expression(&w);
}
