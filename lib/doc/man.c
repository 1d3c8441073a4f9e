/* man.c - the macros of man(7), pod2man's and groff's extensions included. */
#include <ctype.h>
#include <string.h>

#include "doc/roff.h"

/* Prints the arguments, joined by blanks, in one font. */
static void
one_font(struct roff *r, const char *font, int argc, struct roff_arg *argv)
{
	roff_font(r, font, strlen(font));
	for (int i = 0; i < argc; i++) {
		if (i > 0)
			roff_put(r, " ", 1);
		roff_text(r, argv[i].s, strlen(argv[i].s));
	}
	roff_font(r, "R", 1);
	roff_eol(r);
}

/* .BR and its like: fonts in turn, nothing between the arguments. */
static void
two_fonts(struct roff *r, const char *name, int argc, struct roff_arg *argv)
{
	for (int i = 0; i < argc; i++) {
		roff_font(r, &name[i % 2], 1);
		roff_text(r, argv[i].s, strlen(argv[i].s));
	}
	roff_font(r, "R", 1);
	roff_eol(r);
}

static void
join_args(struct jbuf *out, int argc, struct roff_arg *argv)
{
	for (int i = 0; i < argc; i++) {
		jbuf_adds(out, i > 0 ? " " : "");
		jbuf_adds(out, argv[i].s);
	}
}

static const char *
fence_lang(const struct roff *r)
{
	return strstr(r->fence.p, "#include <") ? "c" : "";
}

static void
close_section(struct roff *r)
{
	while (r->n_lev > 0)
		roff_outdent(r);
	roff_fence_close(r, fence_lang(r));
	roff_item_end(r);
	r->lev[0].term = false;
	r->synopsis = false;
	r->nofill = 0;
	r->font = 'R';
}

static void
section(struct roff *r, int level, const char *text)
{
	struct jbuf b;

	close_section(r);
	jbuf_init(&b);
	roff_capture(r, text, true, &b);
	roff_heading(r, level, b.p, b.n);
	if (level == 2 && (strcmp(b.p, "SYNOPSIS") == 0 || strcmp(b.p, "SYNTAX") == 0 ||
	    strcmp(b.p, "Synopsis") == 0)) {
		r->synopsis = true;
		roff_fence_open(r);
	}
	jbuf_release(&b);
}

static void
title(struct roff *r, int argc, struct roff_arg *argv)
{
	struct jbuf b;

	if (r->d->title.n > 0 || argc == 0)
		return;
	jbuf_init(&b);
	roff_capture(r, argv[0].s, true, &b);
	/* old pages shout their own name; only the title line, not the names inside */
	jbuf_add(&r->d->title, b.p, b.n);
	if (argc > 1 && *argv[1].s) {
		jbuf_addc(&r->d->title, '(');
		jbuf_adds(&r->d->title, argv[1].s);
		jbuf_addc(&r->d->title, ')');
		jbuf_adds(&r->section, argv[1].s);
	}
	roff_heading(r, 1, r->d->title.p, r->d->title.n);
	jbuf_release(&b);
}

/* A sign in bold is what is explained, one in plain text is a bullet. */
static void
term(struct roff *r, const char *text, bool bold)
{
	struct jbuf b;

	jbuf_init(&b);
	roff_capture(r, text, true, &b);
	roff_item(r, b.p, b.n, !bold && !strstr(text, "\\fB") && !strstr(text, "\\f3"));
	jbuf_release(&b);
}

/* .IP [tag [indent]]; without a tag the item goes on with another paragraph. */
static void
ip(struct roff *r, int argc, struct roff_arg *argv)
{
	if (r->synopsis) {
		roff_break(r);
		if (argc > 0)
			roff_text(r, argv[0].s, strlen(argv[0].s));
		roff_eol(r);
		return;
	}
	roff_fence_close(r, fence_lang(r));
	if (argc == 0 || !*argv[0].s)
		roff_para(r);
	else
		term(r, argv[0].s, false);
}

static void
fill(struct roff *r, bool on)
{
	if (on) {
		roff_break(r);
		r->nofill = 0;
		if (!r->synopsis)
			roff_fence_close(r, fence_lang(r));
		else
			roff_para(r);
	} else {
		if (r->fenced)
			roff_break(r);
		roff_fence_open(r);
		r->nofill = 1;
	}
}

/* .SY and .OP of groff. */
static void
option(struct roff *r, int argc, struct roff_arg *argv)
{
	roff_put(r, "[", 1);
	for (int i = 0; i < argc && i < 2; i++) {
		if (i > 0)
			roff_put(r, " ", 1);
		roff_font(r, i == 0 ? "B" : "I", 1);
		roff_text(r, argv[i].s, strlen(argv[i].s));
		roff_font(r, "R", 1);
	}
	roff_put(r, "]", 1);
	roff_eol(r);
}

static void
link_end(struct roff *r, int argc, struct roff_arg *argv)
{
	/* the URL itself was text; only punctuation is left to print, right behind it */
	if (argc > 0 && !r->fenced)
		r->m->space = false;
	if (argc > 0)
		roff_text(r, argv[0].s, strlen(argv[0].s));
	roff_eol(r);
}

/* The line that .TP, .SH or .SS waited for. */
static void
awaited(struct roff *r, bool bold, int argc, struct roff_arg *argv)
{
	int want = r->want;
	struct jbuf b;

	r->want = 0;
	jbuf_init(&b);
	join_args(&b, argc, argv);
	if (want == 't')
		term(r, b.p, bold);
	else
		section(r, want == 'h' ? 2 : 3, b.p);
	jbuf_release(&b);
}

static bool
is_font_macro(const char *name)
{
	static const char *const names[] = { "B", "I", "R", "SM", "SB", "BR", "BI", "IB", "IR", "RB", "RI" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void
font_macro(struct roff *r, const char *name, int argc, struct roff_arg *argv)
{
	if (r->want) {
		/* ".TP" and ".BI -o file": the pieces join without fonts */
		struct jbuf b;
		struct roff_arg a;
		bool blanks = !name[1] || name[0] == 'S';
		int want = r->want;

		jbuf_init(&b);
		for (int i = 0; i < argc; i++) {
			jbuf_adds(&b, blanks && i > 0 ? " " : "");
			jbuf_adds(&b, argv[i].s);
		}
		a.s = b.p;
		a.quoted = false;
		if (argc > 0)
			awaited(r, strchr(name, 'B') != NULL, 1, &a);
		else
			r->want = want;
		jbuf_release(&b);
	} else if (argc == 0) {
		roff_font(r, name, 1);
		r->font_line = true;
	} else if (!name[1]) {
		one_font(r, name, argc, argv);
	} else if (name[0] == 'S') {
		one_font(r, name[1] == 'B' ? "B" : "R", argc, argv);
	} else {
		two_fonts(r, name, argc, argv);
	}
}

static void
begin_para(struct roff *r)
{
	if (!r->synopsis && r->fenced && r->nofill == 0)
		roff_fence_close(r, fence_lang(r));
	roff_para(r);
	if (!r->fenced)
		roff_item_end(r);
	roff_para(r);
}

/* Macros that shape blocks. */
static bool
block_macro(struct roff *r, const char *name, int argc, struct roff_arg *argv)
{
	struct jbuf b;

	if (strcmp(name, "SH") == 0 || strcmp(name, "SS") == 0) {
		jbuf_init(&b);
		join_args(&b, argc, argv);
		if (argc == 0)
			r->want = name[1] == 'H' ? 'h' : 's';
		else
			section(r, name[1] == 'H' ? 2 : 3, b.p);
		jbuf_release(&b);
	} else if (strcmp(name, "PP") == 0 || strcmp(name, "P") == 0 || strcmp(name, "LP") == 0 ||
	    strcmp(name, "HP") == 0) {
		begin_para(r);
	} else if (strcmp(name, "Sp") == 0) {
		roff_para(r);
	} else if (strcmp(name, "TP") == 0 || strcmp(name, "TQ") == 0) {
		if (r->synopsis)
			roff_break(r);
		else
			r->want = 't';
	} else if (strcmp(name, "IP") == 0) {
		ip(r, argc, argv);
	} else if (strcmp(name, "RS") == 0) {
		if (r->synopsis)
			roff_break(r);
		else
			roff_indent(r);
	} else if (strcmp(name, "RE") == 0) {
		if (r->synopsis)
			roff_break(r);
		else
			roff_outdent(r);
	} else if (strcmp(name, "nf") == 0 || strcmp(name, "EX") == 0 || strcmp(name, "Vb") == 0) {
		fill(r, false);
	} else if (strcmp(name, "fi") == 0 || strcmp(name, "EE") == 0 || strcmp(name, "Ve") == 0) {
		fill(r, true);
	} else {
		return false;
	}
	return true;
}

bool
man_macro(struct roff *r, const char *name, int argc, struct roff_arg *argv)
{
	if (*name == '\0') {
		awaited(r, false, argc, argv);
		return true;
	}
	if (strcmp(name, "TH") == 0) {
		title(r, argc, argv);
		return true;
	}
	if (is_font_macro(name)) {
		font_macro(r, name, argc, argv);
		return true;
	}
	if (block_macro(r, name, argc, argv))
		return true;
	if (strcmp(name, "UR") == 0 || strcmp(name, "MT") == 0) {
		if (argc > 0) {
			roff_text(r, argv[0].s, strlen(argv[0].s));
			roff_eol(r);
		}
	} else if (strcmp(name, "UE") == 0 || strcmp(name, "ME") == 0) {
		link_end(r, argc, argv);
	} else if (strcmp(name, "SY") == 0) {
		roff_break(r);
		one_font(r, "B", argc, argv);
	} else if (strcmp(name, "YS") == 0) {
		roff_break(r);
	} else if (strcmp(name, "OP") == 0) {
		option(r, argc, argv);
	} else {
		return false;
	}
	return true;
}

void
man_end(struct roff *r)
{
	close_section(r);
	roff_flush(r);
	if (r->terms.n > 0)	/* a term without a description */
		roff_para(r);
}
