/*
 * mdoc.c - the macros of mdoc(7).  A macro line is a list of words in which macros call each other;
 * punctuation sticks to what it follows.
 */
#include <stdio.h>
#include <string.h>

#include "doc/roff.h"

/* How an inline macro shows its words. */
static const struct style {
	const char *name;
	char font;
	const char *before, *after;	/* around all words, without blanks */
	const char *empty;		/* shown when there are none; NULL = nothing */
} styles[] = {
	{ "Ad", 'I', "", "", NULL }, { "An", 'R', "", "", NULL }, { "Ar", 'I', "", "", "file ..." },
	{ "Cd", 'B', "", "", NULL }, { "Cm", 'B', "", "", NULL }, { "Dv", 'C', "", "", NULL },
	{ "Em", 'I', "", "", NULL }, { "Er", 'C', "", "", NULL }, { "Ev", 'C', "", "", NULL },
	{ "Fa", 'I', "", "", NULL }, { "Fd", 'C', "", "", NULL }, { "Ft", 'C', "", "", NULL },
	{ "Ic", 'B', "", "", NULL }, { "In", 'C', "#include <", ">", NULL }, { "Li", 'C', "", "", NULL },
	{ "Ms", 'R', "", "", NULL }, { "Mt", 'R', "", "", NULL }, { "No", 'R', "", "", NULL },
	{ "Pa", 'I', "", "", "~" }, { "Ql", 'C', "", "", NULL }, { "Sy", 'B', "", "", NULL },
	{ "Tn", 'R', "", "", NULL }, { "Va", 'C', "", "", NULL }, { "Vt", 'C', "", "", NULL },
	{ "Sx", 'I', "", "", NULL }, { "Lb", 'R', "library ", "", NULL }, { "St", 'R', "", "", NULL },
	{ "At", 'R', "AT&T UNIX", "", "" }, { "Bx", 'R', "", "BSD", "" }, { "Ux", 'R', "UNIX", "", "" },
	{ "Nx", 'R', "NetBSD ", "", "" }, { "Fx", 'R', "FreeBSD ", "", "" }, { "Ox", 'R', "OpenBSD ", "", "" },
	{ "%A", 'R', "", ",", NULL }, { "%T", 'I', "", ",", NULL }, { "%B", 'I', "", ",", NULL },
	{ "%J", 'I', "", ",", NULL }, { "%D", 'R', "", ".", NULL }, { "%R", 'R', "", ",", NULL },
	{ "%U", 'R', "", ",", NULL }, { "%I", 'R', "", ",", NULL }, { "%N", 'R', "no. ", ",", NULL },
	{ "%V", 'R', "vol. ", ",", NULL }, { "%P", 'R', "", ",", NULL }, { "%O", 'R', "", ".", NULL }
};

/* Macros that enclose the rest of their line, and their open and close forms. */
static const struct pair {
	const char *line, *open, *close, *left, *right;
} pairs[] = {
	{ "Op", "Oo", "Oc", "[", "]" }, { "Pq", "Po", "Pc", "(", ")" }, { "Bq", "Bo", "Bc", "[", "]" },
	{ "Brq", "Bro", "Brc", "{", "}" }, { "Aq", "Ao", "Ac", "<", ">" }, { "Qq", "Qo", "Qc", "\"", "\"" },
	{ "Dq", "Do", "Dc", "\xe2\x80\x9c", "\xe2\x80\x9d" },
	{ "Sq", "So", "Sc", "\xe2\x80\x98", "\xe2\x80\x99" }
};

static const char *const others[] = { "Ap", "Fl", "Fn", "Lk", "Nm", "Ns", "Pf", "Xr", "Ta" };

static const struct style *
find_style(const char *s)
{
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if (strcmp(s, styles[i].name) == 0)
			return &styles[i];
	return NULL;
}

static bool
is_callable(const struct roff_arg *a)
{
	if (a->quoted || find_style(a->s))
		return !a->quoted;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (strcmp(a->s, pairs[i].line) == 0 || strcmp(a->s, pairs[i].open) == 0 ||
		    strcmp(a->s, pairs[i].close) == 0)
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(a->s, others[i]) == 0)
			return true;
	return false;
}

static bool
is_closing(const char *s)
{
	return s[0] && !s[1] && strchr(".,:;)]?!", s[0]);
}

/* A blank between words, unless the last one asked for none. */
static void
gap(struct roff *r)
{
	char last = r->fenced && r->fence.n > 0 ? r->fence.p[r->fence.n - 1] : r->fenced ? '\n' : 'x';

	if (!r->no_space && last != ' ' && last != '\n')
		roff_put(r, " ", 1);
	r->no_space = false;
}

static void
stick(struct roff *r)
{
	if (!r->fenced)
		r->m->space = false;
	else
		while (r->fence.n > 0 && r->fence.p[r->fence.n - 1] == ' ')
			r->fence.p[--r->fence.n] = '\0';
}

static void
word(struct roff *r, const char *s)
{
	if (is_closing(s))
		stick(r);
	else
		gap(r);
	roff_text(r, s, strlen(s));
	if (strcmp(s, "(") == 0 || strcmp(s, "[") == 0)
		r->no_space = true;
}

/* Words that stand for themselves up to the next macro or punctuation. */
static int
own_words(int argc, struct roff_arg *argv)
{
	int n = 0;

	while (n < argc && !is_callable(&argv[n]) && !is_closing(argv[n].s) &&
	    strcmp(argv[n].s, "|") != 0)
		n++;
	return n;
}

static int
styled(struct roff *r, const struct style *st, int argc, struct roff_arg *argv)
{
	int n = own_words(argc, argv);
	bool open = *st->before == '\0';

	if (n == 0 && !st->empty)
		return 0;
	gap(r);
	roff_font(r, &st->font, 1);
	roff_text(r, st->before, strlen(st->before));
	for (int i = 0; i < n; i++) {
		if (i > 0 || (!open && n > 0 && st->before[strlen(st->before) - 1] == 'X'))
			roff_put(r, " ", 1);
		roff_text(r, argv[i].s, strlen(argv[i].s));
	}
	if (n == 0)
		roff_text(r, st->empty, strlen(st->empty));
	roff_text(r, st->after, strlen(st->after));
	roff_font(r, "R", 1);
	return n;
}

static int
flags(struct roff *r, int argc, struct roff_arg *argv)
{
	int n = own_words(argc, argv);

	for (int i = 0; i < n || i == 0; i++) {
		gap(r);
		roff_font(r, "B", 1);
		roff_put(r, "-", 1);
		if (i < n)
			roff_text(r, argv[i].s, strlen(argv[i].s));
		roff_font(r, "R", 1);
	}
	if (n == 0 && argc > 0 && is_callable(&argv[0]))
		r->no_space = true;
	return n;
}

static int
function(struct roff *r, int argc, struct roff_arg *argv)
{
	int n = own_words(argc, argv);

	if (n == 0)
		return 0;
	gap(r);
	roff_font(r, "C", 1);
	roff_text(r, argv[0].s, strlen(argv[0].s));
	roff_put(r, "(", 1);
	for (int i = 1; i < n; i++) {
		roff_put(r, ", ", i > 1 ? 2 : 0);
		roff_text(r, argv[i].s, strlen(argv[i].s));
	}
	roff_put(r, ")", 1);
	roff_font(r, "R", 1);
	return n;
}

static int
name(struct roff *r, int argc, struct roff_arg *argv)
{
	int n = own_words(argc, argv);

	if (n > 0 && r->name.n == 0)
		jbuf_adds(&r->name, argv[0].s);
	gap(r);
	roff_font(r, "B", 1);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			roff_put(r, " ", 1);
		roff_text(r, argv[i].s, strlen(argv[i].s));
	}
	if (n == 0)
		roff_text(r, r->name.p, r->name.n);
	roff_font(r, "R", 1);
	return n;
}

static int
reference(struct roff *r, int argc, struct roff_arg *argv)
{
	int n = own_words(argc, argv);

	if (n == 0)
		return 0;
	gap(r);
	roff_text(r, argv[0].s, strlen(argv[0].s));
	if (n > 1) {
		roff_put(r, "(", 1);
		roff_text(r, argv[1].s, strlen(argv[1].s));
		roff_put(r, ")", 1);
	}
	return n > 2 ? 2 : n;
}

static void words(struct roff *r, int argc, struct roff_arg *argv, int depth);

/* Encloses all words but the punctuation at the end. */
static void
enclose(struct roff *r, const struct pair *p, int argc, struct roff_arg *argv, int depth)
{
	int n = argc;

	while (n > 0 && is_closing(argv[n - 1].s) && !argv[n - 1].quoted)
		n--;
	gap(r);
	roff_put(r, p->left, strlen(p->left));
	r->no_space = true;
	words(r, n, argv, depth + 1);
	stick(r);
	r->no_space = false;
	roff_put(r, p->right, strlen(p->right));
	for (int i = n; i < argc; i++)
		word(r, argv[i].s);
}

/* One callable macro; returns how many of the words behind its name it took. */
static int
callable(struct roff *r, const char *m, int argc, struct roff_arg *argv, int depth)
{
	const struct style *st = find_style(m);

	if (st)
		return styled(r, st, argc, argv);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strcmp(m, pairs[i].line) == 0) {
			enclose(r, &pairs[i], argc, argv, depth);
			return argc;
		}
		if (strcmp(m, pairs[i].open) == 0) {
			gap(r);
			roff_put(r, pairs[i].left, strlen(pairs[i].left));
			r->no_space = true;
			return 0;
		}
		if (strcmp(m, pairs[i].close) == 0) {
			stick(r);
			roff_put(r, pairs[i].right, strlen(pairs[i].right));
			return 0;
		}
	}
	if (strcmp(m, "Fl") == 0)
		return flags(r, argc, argv);
	if (strcmp(m, "Fn") == 0)
		return function(r, argc, argv);
	if (strcmp(m, "Nm") == 0)
		return name(r, argc, argv);
	if (strcmp(m, "Xr") == 0)
		return reference(r, argc, argv);
	if (strcmp(m, "Pf") == 0 && argc > 0) {
		word(r, argv[0].s);
		r->no_space = true;
		return 1;
	}
	if (strcmp(m, "Ap") == 0) {
		stick(r);
		roff_put(r, "'", 1);
		r->no_space = true;
	} else if (strcmp(m, "Ns") == 0) {
		stick(r);
		r->no_space = true;
	} else if (strcmp(m, "Ta") == 0) {
		word(r, "|");
	}
	return 0;
}

static void
words(struct roff *r, int argc, struct roff_arg *argv, int depth)
{
	for (int i = 0; i < argc; i++) {
		if (depth < 16 && is_callable(&argv[i]))
			i += callable(r, argv[i].s, argc - i - 1, argv + i + 1, depth + 1);
		else
			word(r, argv[i].s);
	}
}

static void
heading(struct roff *r, int level, int argc, struct roff_arg *argv)
{
	struct roff_capture c;
	struct jbuf b;

	while (r->n_lev > 0)
		roff_outdent(r);
	roff_fence_close(r, "");
	roff_item_end(r);
	r->lev[0].term = false;
	r->nofill = 0;
	r->synopsis = false;
	jbuf_init(&b);
	roff_capture_begin(r, &c, true);
	words(r, argc, argv, 0);
	roff_capture_end(r, &c, &b);
	roff_heading(r, level, b.p, b.n);
	if (level == 2 && strcmp(b.p, "SYNOPSIS") == 0) {
		r->synopsis = true;
		roff_fence_open(r);
	}
	jbuf_release(&b);
}

static void
page_title(struct roff *r, int argc, struct roff_arg *argv)
{
	if (argc == 0 || r->d->title.n > 0)
		return;
	for (const char *p = argv[0].s; *p; p++)	/* mdoc writes it in capitals */
		jbuf_addc(&r->d->title, *p >= 'A' && *p <= 'Z' ? *p | 32 : *p);
	if (argc > 1) {
		jbuf_addc(&r->d->title, '(');
		jbuf_adds(&r->d->title, argv[1].s);
		jbuf_addc(&r->d->title, ')');
	}
	roff_heading(r, 1, r->d->title.p, r->d->title.n);
}

static void
list_begin(struct roff *r, int argc, struct roff_arg *argv)
{
	char kind = 't';

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i].s, "-bullet") == 0)
			kind = 'b';
		else if (strcmp(argv[i].s, "-dash") == 0 || strcmp(argv[i].s, "-hyphen") == 0)
			kind = 'b';
		else if (strcmp(argv[i].s, "-enum") == 0)
			kind = 'e';
		else if (strcmp(argv[i].s, "-item") == 0)
			kind = 'i';
		else if (strcmp(argv[i].s, "-column") == 0)
			kind = 'c';
	}
	roff_para(r);
	roff_indent(r);
	r->lev[r->n_lev].list = kind;
	r->lev[r->n_lev].number = 0;
}

static void
item(struct roff *r, int argc, struct roff_arg *argv)
{
	struct roff_level *l = &r->lev[r->n_lev];
	struct roff_capture c;
	struct jbuf b;
	char number[24];

	if (r->fenced && !r->synopsis)
		roff_fence_close(r, "");
	if (l->list == 'b' || l->list == 'e') {
		if (l->list == 'b')
			snprintf(number, sizeof(number), "-");
		else
			snprintf(number, sizeof(number), "%d.", ++l->number % 1000);
		roff_item(r, number, strlen(number), true);
		words(r, argc, argv, 0);
		roff_eol(r);
	} else if (l->list == 'i' || l->list == 'c') {
		roff_flush(r);
		md_block(r->m, l->list == 'i' ? 2 : 1);
		words(r, argc, argv, 0);
		roff_eol(r);
	} else {
		jbuf_init(&b);
		roff_capture_begin(r, &c, true);
		words(r, argc, argv, 0);
		roff_capture_end(r, &c, &b);
		roff_item(r, b.p, b.n, false);
		jbuf_release(&b);
	}
}

static void
display(struct roff *r, int argc, struct roff_arg *argv)
{
	roff_para(r);
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i].s, "-literal") == 0 || strcmp(argv[i].s, "-unfilled") == 0) {
			roff_fence_open(r);
			r->nofill = 1;
			return;
		}
}

static void
display_end(struct roff *r)
{
	if (r->nofill > 0 && !r->synopsis)
		roff_fence_close(r, "");
	r->nofill = 0;
	roff_para(r);
}

/* .Dl and .D1: one line on its own. */
static void
one_line(struct roff *r, int argc, struct roff_arg *argv)
{
	bool inside = r->fenced;

	roff_para(r);
	roff_fence_open(r);
	words(r, argc, argv, 0);
	if (!inside)
		roff_fence_close(r, "");
	else
		roff_break(r);
}

static void
phrase(struct roff *r, const char *before, const char *after)
{
	gap(r);
	roff_put(r, before, strlen(before));
	roff_font(r, "B", 1);
	roff_text(r, r->name.p, r->name.n);
	roff_font(r, "R", 1);
	roff_put(r, after, strlen(after));
	roff_eol(r);
}

static bool
block_macro(struct roff *r, const char *m, int argc, struct roff_arg *argv)
{
	if (strcmp(m, "Dt") == 0) {
		page_title(r, argc, argv);
	} else if (strcmp(m, "Sh") == 0 || strcmp(m, "Ss") == 0) {
		heading(r, m[1] == 'h' ? 2 : 3, argc, argv);
	} else if (strcmp(m, "Pp") == 0 || strcmp(m, "Lp") == 0) {
		if (r->fenced && r->nofill > 0)
			jbuf_addc(&r->fence, '\n');
		else
			roff_para(r);
	} else if (strcmp(m, "Bl") == 0) {
		list_begin(r, argc, argv);
	} else if (strcmp(m, "El") == 0) {
		roff_outdent(r);
	} else if (strcmp(m, "It") == 0) {
		item(r, argc, argv);
	} else if (strcmp(m, "Bd") == 0) {
		display(r, argc, argv);
	} else if (strcmp(m, "Ed") == 0) {
		display_end(r);
	} else if (strcmp(m, "Dl") == 0 || strcmp(m, "D1") == 0) {
		one_line(r, argc, argv);
	} else if (strcmp(m, "Rs") == 0 || strcmp(m, "Re") == 0) {
		roff_para(r);
	} else {
		return false;
	}
	return true;
}

/* Macros whose line is not simply a list of words. */
static bool
line_macro(struct roff *r, const char *m, int argc, struct roff_arg *argv)
{
	static const char *const silent[] = { "Dd", "Os", "Bk", "Ek", "Sm", "Bf", "Ef", "Db", "Hf", "Lb",
		"Es", "En", "Tg" };

	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (strcmp(m, silent[i]) == 0)
			return true;
	if (strcmp(m, "Nd") == 0) {
		gap(r);
		roff_put(r, "\xe2\x80\x94", 3);
		words(r, argc, argv, 0);
		roff_eol(r);
	} else if (strcmp(m, "Lk") == 0) {
		for (int i = 1; i < argc; i++)
			word(r, argv[i].s);
		if (argc > 0)
			word(r, argv[0].s);
		roff_eol(r);
	} else if (strcmp(m, "Fo") == 0) {
		function(r, argc > 0 ? 1 : 0, argv);
		stick(r);
	} else if (strcmp(m, "Ex") == 0) {
		phrase(r, "The ", " utility exits 0 on success, and >0 if an error occurs.");
	} else if (strcmp(m, "Rv") == 0) {
		phrase(r, "The ", "() function returns the value 0 if successful; otherwise the value -1 is "
		    "returned and the global variable errno is set to indicate the error.");
	} else {
		return false;
	}
	return true;
}

bool
mdoc_macro(struct roff *r, const char *m, int argc, struct roff_arg *argv)
{
	struct roff_arg self = { (char *)m, false };

	if (block_macro(r, m, argc, argv))
		return true;
	/* in a synopsis each function, type and name begins a line */
	if (r->synopsis && r->fence.n > 0 && (strcmp(m, "Nm") == 0 || strcmp(m, "Ft") == 0 ||
	    strcmp(m, "In") == 0 || strcmp(m, "Vt") == 0 || strcmp(m, "Fd") == 0)) {
		roff_break(r);
	}
	if (line_macro(r, m, argc, argv) || !is_callable(&self))
		return true;
	{
		int used = callable(r, m, argc, argv, 0);

		words(r, argc - used, argv + used, 0);
	}
	roff_eol(r);
	return true;
}
