/*
 * text.c - plain text and source code: lines kept, line ends made LF; Info files lose their node
 * headers and menus.
 */
#include <string.h>

#include "doc/readers.h"

size_t
text_overstrike(char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\b' && k > 0 && p[k - 1] != '\n') {
			/* back over the whole of a UTF-8 sequence */
			do
				k--;
			while (k > 0 && ((unsigned char)p[k] & 0xc0) == 0x80);
			continue;
		}
		p[k++] = p[i];
	}
	return k;
}

/* One line without its end; returns where the next begins. */
static const char *
next_line(const char *p, const char *end, size_t *len)
{
	const char *s = p;

	while (s < end && *s != '\n' && *s != '\r')
		s++;
	*len = (size_t)(s - p);
	if (s < end && *s == '\r' && s + 1 < end && s[1] == '\n')
		s++;
	return s < end ? s + 1 : s;
}

static bool
begins(const char *s, size_t n, const char *word)
{
	return n >= strlen(word) && memcmp(s, word, strlen(word)) == 0;
}

static bool
holds(const char *s, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= n; i++)
		if (memcmp(s + i, word, len) == 0)
			return true;
	return false;
}

/* The first line with letters, if it is short enough for a title. */
static void
title_line(struct jdoc *d, const char *s, size_t n)
{
	while (n > 0 && (*s == ' ' || *s == '\t' || *s == '=' || *s == '#' || *s == '*' || *s == '-')) {
		s++;
		n--;
	}
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '=' || s[n - 1] == '#' || s[n - 1] == '*'))
		n--;
	if (n >= 3 && n <= 120)
		jbuf_add(&d->title, s, n);
}

/* State of an Info file: what is not text in it. */
struct info {
	bool on;		/* this is one */
	bool menu, dir, tail;	/* inside a menu, the directory entry, the tag table */
};

static bool
info_skips(struct info *in, const char *s, size_t n)
{
	if (begins(s, n, "Tag Table:") || begins(s, n, "Indirect:"))
		in->tail = true;
	if (in->tail)
		return true;
	if (begins(s, n, "File: ") && holds(s, n, "Node: ")) {
		in->menu = false;
		return true;
	}
	if (begins(s, n, "START-INFO-DIR-ENTRY"))
		in->dir = true;
	if (in->dir) {
		in->dir = !begins(s, n, "END-INFO-DIR-ENTRY");
		return true;
	}
	if (begins(s, n, "INFO-DIR-SECTION"))
		return true;
	if (begins(s, n, "* Menu:"))
		in->menu = true;
	return in->menu;
}

int
text_read(struct jdoc *d, const char *p, size_t n)
{
	const char *end = p + n;
	struct info in = { 0 };
	int blank = 2;
	size_t head = n < 4096 ? n : 4096;

	in.on = holds(p, head, "Node: Top") && holds(p, head, "File: ");
	while (p < end) {
		size_t len;
		const char *s = p;

		p = next_line(p, end, &len);
		while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\f'))
			len--;
		while (len > 0 && *s == '\f') {
			s++;
			len--;
		}
		if (in.on && info_skips(&in, s, len))
			continue;
		blank = len == 0 ? blank + 1 : 0;
		if (blank > 2)
			continue;
		if (d->title.n == 0 && d->text.n < 400)
			title_line(d, s, len);
		jbuf_add(&d->text, s, len);
		jbuf_addc(&d->text, '\n');
	}
	return 0;
}

int
code_read(struct jdoc *d, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		size_t len;
		const char *s = p;

		p = next_line(p, end, &len);
		jbuf_add(&d->text, s, len);
		if (p < end || p[-1] == '\n' || p[-1] == '\r')
			jbuf_addc(&d->text, '\n');
	}
	return 0;
}
