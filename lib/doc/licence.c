/* licence.c - see jlicence.h. */
#include <string.h>
#include <strings.h>

#include "doc/jlicence.h"

enum { MAX_NAMES = 8, NAME_LEN = 64 };

struct names {
	char v[MAX_NAMES][NAME_LEN];
	size_t n;
};

static void
add_name(struct names *s, const char *p, size_t n)
{
	char name[NAME_LEN];

	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		n--;
	if (n == 0 || n >= NAME_LEN)
		return;
	memcpy(name, p, n);
	name[n] = '\0';
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], name) == 0)
			return;
	if (s->n == MAX_NAMES)
		return;
	memcpy(s->v[s->n], name, n + 1);
	s->n++;
}

/* True if the paragraph's files are all of the package. */
static bool
is_star(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\r'))
		n--;
	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	return n == 1 && *p == '*';
}

/* Paragraphs of "Field: value"; a Files paragraph tells what is licensed, the rest are texts. */
static void
dep5(const char *p, size_t n, struct names *s)
{
	const char *end = p + n;
	bool files = false, star = false, debian = false, done = false;

	while (p < end && !done) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		if (len == 0) {
			files = false;
		} else if (len > 6 && strncasecmp(p, "Files:", 6) == 0) {
			files = true;
			star = is_star(p + 6, len - 6);
			debian = len >= 15 && memcmp(p + 7, "debian/*", 8) == 0;
		} else if (files && !debian && len > 8 && strncasecmp(p, "License:", 8) == 0) {
			s->n = star ? 0 : s->n;
			add_name(s, p + 8, len - 8);
			files = false;
			done = star && s->n > 0;
		}
		p = nl ? nl + 1 : end;
	}
}

static bool
find_text(const char *p, size_t n, const char *text)
{
	size_t len = strlen(text);

	/* wording is compared without regard to line breaks and case */
	for (size_t i = 0; i < n; i++) {
		size_t a = i, b = 0;

		while (a < n && b < len) {
			if (text[b] == ' ' && (p[a] == ' ' || p[a] == '\n' || p[a] == '\t')) {
				while (a < n && (p[a] == ' ' || p[a] == '\n' || p[a] == '\t'))
					a++;
				b++;
				continue;
			}
			if ((p[a] | 32) != (text[b] | 32))
				break;
			a++;
			b++;
		}
		if (b == len)
			return true;
	}
	return false;
}

static void
by_wording(const char *p, size_t n, struct names *s)
{
	static const struct {
		const char *text, *name;
	} known[] = {
		{ "PSF LICENSE AGREEMENT FOR PYTHON", "Python-2.0" },
		{ "Python Software Foundation License", "Python-2.0" },
		{ "PostgreSQL License", "PostgreSQL" },
		{ "GNU Free Documentation License", "GFDL" },
		{ "common-licenses/GFDL", "GFDL" },
		{ "GNU Affero General Public License", "AGPL" },
		{ "common-licenses/LGPL", "LGPL" },
		{ "common-licenses/GPL-3", "GPL-3" },
		{ "common-licenses/GPL-2", "GPL-2" },
		{ "common-licenses/GPL", "GPL" },
		{ "common-licenses/Apache-2.0", "Apache-2.0" },
		{ "Apache License, Version 2.0", "Apache-2.0" },
		{ "common-licenses/Artistic", "Artistic" },
		{ "Mozilla Public License", "MPL" },
		{ "Permission is hereby granted, free of charge", "MIT" },
		{ "Permission to use, copy, modify, and", "permissive" },
		{ "Redistribution and use in source and binary forms", "BSD" },
		{ "public domain", "public-domain" }
	};

	/* a copyright file may quote dozens; the first by rank stands for it */
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && s->n < 1; i++)
		if (find_text(p, n, known[i].text))
			add_name(s, known[i].name, strlen(known[i].name));
}

void
jlicence_from_copyright(const char *p, size_t n, struct jbuf *out)
{
	struct names s = { .n = 0 };
	size_t head = n < 400 ? n : 400;

	if (n > (size_t)1 << 20)
		n = (size_t)1 << 20;
	if (find_text(p, head, "Format:"))
		dep5(p, n, &s);
	if (s.n == 0)
		by_wording(p, n, &s);
	for (size_t i = 0; i < s.n; i++) {
		jbuf_adds(out, i > 0 ? " AND " : "");
		jbuf_adds(out, s.v[i]);
	}
	if (s.n == 0)
		jbuf_adds(out, "see copyright");
}
