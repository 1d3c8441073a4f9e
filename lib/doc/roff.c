/* roff.c - lines, requests and macro definitions of a roff page; see roff.h. */
#include "doc/roff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "doc/readers.h"

const struct roff_def *
roff_find(const struct roff *r, const char *name, size_t n, int kind)
{
	for (size_t i = r->n_def; i > 0; i--) {
		const struct roff_def *d = &r->def[i - 1];

		if (d->kind == kind && strlen(d->name) == n && memcmp(d->name, name, n) == 0)
			return d;
	}
	return NULL;
}

static struct roff_def *
define(struct roff *r, const char *name, int kind)
{
	struct roff_def *d = (struct roff_def *)roff_find(r, name, strlen(name), kind);

	if (d)
		return d;
	if (r->n_def >= 4096)
		return NULL;
	JMEM_GROW(r->def, r->cap_def, r->n_def + 1);
	d = &r->def[r->n_def++];
	*d = (struct roff_def){ .name = jarena_strndup(&r->mem, name, strlen(name)), .text = "",
		.kind = kind };
	return d;
}

/* One line of the page, without continuations. */
static bool
raw_line(struct roff *r, const char **s, size_t *n)
{
	while (r->n_in > 0 && r->in[r->n_in - 1].p >= r->in[r->n_in - 1].end)
		r->n_in--;
	if (r->n_in == 0 || r->budget-- <= 0)
		return false;
	{
		const char *p = r->in[r->n_in - 1].p, *end = r->in[r->n_in - 1].end;
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		*s = p;
		*n = (size_t)((nl ? nl : end) - p);
		r->in[r->n_in - 1].p = nl ? nl + 1 : end;
		if (*n > 0 && p[*n - 1] == '\r')
			--*n;
	}
	return true;
}

/* True if the line ends in a backslash that is not itself escaped. */
static bool
continues(const char *s, size_t n)
{
	size_t k = 0;

	while (k < n && s[n - 1 - k] == '\\')
		k++;
	return k % 2 == 1;
}

bool
roff_next(struct roff *r, const char **s, size_t *n)
{
	if (!raw_line(r, s, n))
		return false;
	jbuf_reset(&r->line);
	while (continues(*s, *n)) {
		jbuf_add(&r->line, *s, *n - 1);
		if (!raw_line(r, s, n)) {
			*n = 0;
			break;
		}
	}
	if (r->line.n > 0) {
		jbuf_add(&r->line, *s, *n);
		*s = r->line.p;
		*n = r->line.n;
	}
	return true;
}

/* Splits macro arguments: blanks, "quotes", doubled quotes inside; from the arena. */
static int
split(struct roff *r, const char *s, size_t n, struct roff_arg *argv)
{
	char *out = jarena_alloc(&r->mem, n + ROFF_ARGS + 1, 1);
	size_t i = 0;
	int argc = 0;

	while (argc < ROFF_ARGS) {
		while (i < n && (s[i] == ' ' || s[i] == '\t'))
			i++;
		if (i == n || (s[i] == '\\' && i + 1 < n && (s[i + 1] == '"' || s[i + 1] == '#')))
			break;
		argv[argc].s = out;
		argv[argc].quoted = s[i] == '"';
		i += s[i] == '"';
		while (i < n) {
			if (argv[argc].quoted && s[i] == '"') {
				if (i + 1 == n || s[i + 1] != '"')
					break;
				i++;
			} else if (!argv[argc].quoted && (s[i] == ' ' || s[i] == '\t')) {
				break;
			} else if (s[i] == '\\' && i + 1 < n) {
				*out++ = s[i++];
			}
			*out++ = s[i++];
		}
		i += i < n;
		*out++ = '\0';
		argc++;
	}
	return argc;
}

/* Reads the body of .de or .ig up to ".." or ".END"; body NULL: thrown away. */
static void
body(struct roff *r, const char *stop, struct jbuf *out)
{
	const char *s;
	size_t n, len = strlen(stop);

	while (raw_line(r, &s, &n)) {
		size_t i = 1;

		if (n > 0 && (s[0] == '.' || s[0] == '\'')) {
			while (i < n && s[i] == ' ')
				i++;
			if (n - i >= len && memcmp(s + i, stop, len) == 0 && (n - i == len ||
			    isspace((unsigned char)s[i + len])))
				return;
		}
		for (i = 0; out && i < n; i++) {	/* copy mode: "\\" is one backslash */
			jbuf_addc(out, s[i]);
			if (s[i] == '\\' && i + 1 < n && s[i + 1] == '\\')
				i++;
		}
		if (out)
			jbuf_addc(out, '\n');
	}
}

/* .de, or .am, which adds to what is there. */
static void
define_macro(struct roff *r, bool append, int argc, struct roff_arg *argv)
{
	struct roff_def *d = argc > 0 ? define(r, argv[0].s, 'm') : NULL;
	struct jbuf b;

	jbuf_init(&b);
	if (d && append)
		jbuf_adds(&b, d->text);
	body(r, argc > 1 ? argv[1].s : ".", &b);
	if (d && b.n < 65536)
		d->text = jarena_strndup(&r->mem, b.p, b.n);
	jbuf_release(&b);
}

/* .als NEW OLD */
static void
alias(struct roff *r, int argc, struct roff_arg *argv)
{
	const struct roff_def *old = argc > 1 ? roff_find(r, argv[1].s, strlen(argv[1].s), 'm') : NULL;
	const char *text = old ? old->text : NULL;
	struct roff_def *d = text ? define(r, argv[0].s, 'm') : NULL;

	if (d)
		d->text = text;
}

static void
set_string(struct roff *r, const char *s, size_t n, bool append)
{
	size_t i = 0;
	char *name;
	struct roff_def *d;

	while (i < n && s[i] != ' ' && s[i] != '\t')
		i++;
	name = jarena_strndup(&r->mem, s, i);
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	i += i < n && s[i] == '"';
	d = *name ? define(r, name, 's') : NULL;
	if (!d || n - i > 4096)
		return;
	if (append && strlen(d->text) < 4096)
		d->text = jarena_printf(&r->mem, "%s%.*s", d->text, (int)(n - i), s + i);
	else
		d->text = jarena_strndup(&r->mem, s + i, n - i);
}

static void
set_register(struct roff *r, int argc, struct roff_arg *argv)
{
	struct roff_def *d;
	size_t used;
	long v;

	if (argc < 2)
		return;
	d = define(r, argv[0].s, 'n');
	v = roff_number(r, argv[1].s, strlen(argv[1].s), &used) % 1000000000;
	if (d)
		d->number = argv[1].s[0] == '+' ? d->number % 1000000 + (int)v : (int)v;
}

/* Braces that open minus braces that close a block. */
static int
braces(const char *s, size_t n)
{
	int k = 0;

	for (size_t i = 0; i + 1 < n; i++)
		if (s[i] == '\\') {
			k += s[i + 1] == '{' ? 1 : s[i + 1] == '}' ? -1 : 0;
			i++;
		}
	return k;
}

/* The rest of a condition's line: run it, or pass over it and its block. */
static void
branch(struct roff *r, const char *s, size_t n, bool yes)
{
	size_t i = 0;

	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	if (!yes) {
		int open = braces(s + i, n - i);

		r->skip = open > 0 ? open : 0;
		return;
	}
	if (n - i >= 2 && s[i] == '\\' && s[i + 1] == '{')
		i += 2;
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	if (i < n)
		roff_line(r, s + i, n - i);
}

static void
condition(struct roff *r, const char *name, const char *s, size_t n)
{
	size_t used;
	bool yes;

	if (strcmp(name, "el") == 0) {
		yes = r->n_else > 0 && r->else_runs[--r->n_else];
		branch(r, s, n, yes);
		return;
	}
	yes = roff_condition(r, s, n, &used);
	if (strcmp(name, "ie") == 0 && r->n_else < ROFF_LEVELS)
		r->else_runs[r->n_else++] = !yes;
	branch(r, s + used, n - used, yes);
}

/* Runs a macro that the page defined, its arguments put in. */
static void
call(struct roff *r, const struct roff_def *d, int argc, struct roff_arg *argv)
{
	struct jbuf b;

	if (r->n_in >= ROFF_INPUTS || r->budget <= 0)
		return;
	jbuf_init_max(&b, 65536);
	for (const char *p = d->text; *p; p++) {
		if (p[0] != '\\' || p[1] != '$' || !p[2]) {
			jbuf_addc(&b, *p);
			continue;
		}
		if (isdigit((unsigned char)p[2])) {
			int k = p[2] - '1';

			if (k >= 0 && k < argc)
				jbuf_adds(&b, argv[k].s);
		} else if (p[2] == '*' || p[2] == '@') {
			for (int k = 0; k < argc; k++) {
				jbuf_adds(&b, k > 0 ? " " : "");
				jbuf_adds(&b, argv[k].s);
			}
		}
		p += 2;
	}
	r->budget -= 1 + (long)(b.n / 64);
	if (b.n > 0) {
		r->in[r->n_in].p = jarena_strndup(&r->mem, b.p, b.n);
		r->in[r->n_in].end = r->in[r->n_in].p + b.n;
		r->n_in++;
	}
	jbuf_release(&b);
}

/* Requests of roff itself; false if it is none. */
static bool
request(struct roff *r, const char *name, const char *s, size_t n)
{
	struct roff_arg argv[ROFF_ARGS];
	int argc;

	if (strcmp(name, "if") == 0 || strcmp(name, "ie") == 0 || strcmp(name, "el") == 0) {
		condition(r, name, s, n);
		return true;
	}
	if (strcmp(name, "ds") == 0 || strcmp(name, "as") == 0) {
		set_string(r, s, n, name[0] == 'a');
		return true;
	}
	if (strcmp(name, "TS") == 0) {
		tbl_read(r);
		return true;
	}
	argc = split(r, s, n, argv);
	if (strcmp(name, "de") == 0 || strcmp(name, "de1") == 0 || strcmp(name, "am") == 0)
		define_macro(r, name[0] == 'a', argc, argv);
	else if (strcmp(name, "als") == 0)
		alias(r, argc, argv);
	else if (strcmp(name, "ig") == 0)
		body(r, argc > 0 ? argv[0].s : ".", NULL);
	else if (strcmp(name, "EQ") == 0)
		body(r, "EN", NULL);
	else if (strcmp(name, "nr") == 0)
		set_register(r, argc, argv);
	else if (strcmp(name, "so") == 0 && argc > 0 && r->d->text.n == 0 && r->d->alias.n == 0)
		jbuf_adds(&r->d->alias, argv[0].s);
	else if (strcmp(name, "ft") == 0)
		roff_font(r, argc > 0 ? argv[0].s : "P", argc > 0 ? strlen(argv[0].s) : 1);
	else if (strcmp(name, "br") == 0)
		roff_break(r);
	else if (strcmp(name, "sp") == 0)
		roff_para(r);
	else
		return false;
	return true;
}

static void
control(struct roff *r, const char *s, size_t n)
{
	struct roff_arg argv[ROFF_ARGS];
	const struct roff_def *d;
	char name[16];
	size_t i = 1, k = 0;
	int argc;

	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	while (i < n && k + 1 < sizeof(name) && s[i] != ' ' && s[i] != '\t' && s[i] != '\\')
		name[k++] = s[i++];
	name[k] = '\0';
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	if (k == 0)
		return;
	d = roff_find(r, name, k, 'm');
	if (!d && request(r, name, s + i, n - i))
		return;
	argc = split(r, s + i, n - i, argv);
	if (d) {
		call(r, d, argc, argv);
	} else if (r->mdoc) {
		mdoc_macro(r, name, argc, argv);
	} else if (!man_macro(r, name, argc, argv) && strcmp(name, "Dd") == 0) {
		r->mdoc = true;
		mdoc_macro(r, name, argc, argv);
	}
}

/* A line of text: what waits for one, else the paragraph. */
static void
text_line(struct roff *r, const char *s, size_t n)
{
	if (r->want) {
		struct roff_arg a = { jarena_strndup(&r->mem, s, n), false };

		man_macro(r, "", 1, &a);
		return;
	}
	if (n == 0) {
		if (r->fenced && r->nofill > 0)
			jbuf_addc(&r->fence, '\n');
		else
			roff_para(r);
		return;
	}
	if ((s[0] == ' ' || s[0] == '\t') && !r->fenced)
		roff_break(r);
	roff_text(r, s, n);
	if (r->font_line) {
		roff_font(r, "R", 1);
		r->font_line = false;
	}
	roff_eol(r);
}

void
roff_line(struct roff *r, const char *s, size_t n)
{
	if (r->skip > 0) {
		r->skip += braces(s, n);
		if (r->skip < 0)
			r->skip = 0;
		return;
	}
	if (n > 0 && (s[0] == '.' || s[0] == '\''))
		control(r, s, n);
	else
		text_line(r, s, n);
}

/* Names of strings and characters are bytes; what one cut out of the middle of a letter is mended. */
static void
mend(struct jbuf *b)
{
	struct jbuf good;

	if (jutf8_valid(b->p, b->n) == b->n)
		return;
	jbuf_init(&good);
	jdoc_to_utf8(b->p, b->n, "utf-8", &good);
	jbuf_reset(b);
	jbuf_add(b, good.p, good.n);
	jbuf_release(&good);
}

static void
start(struct roff *r, struct jdoc *d)
{
	memset(r, 0, sizeof(*r));
	r->d = d;
	r->m = &r->page;
	r->font = r->last_font = r->marked = 'R';
	md_init(&r->page, &d->text);
	jarena_init(&r->mem, 0);
	jbuf_init(&r->line);
	jbuf_init(&r->fence);
	jbuf_init(&r->code);
	jbuf_init(&r->terms);
	jbuf_init(&r->name);
	jbuf_init(&r->section);
}

int
man_read(struct jdoc *d, const char *p, size_t n, struct jerr *e)
{
	struct roff r;
	const char *s;
	size_t len;

	(void)e;
	start(&r, d);
	r.budget = ROFF_BUDGET + 4 * (long)n;
	r.in[r.n_in].p = p;
	r.in[r.n_in].end = p + n;
	r.n_in++;
	while (roff_next(&r, &s, &len)) {
		struct jbuf copy;

		/* the line may be replaced while it runs */
		jbuf_init(&copy);
		jbuf_add(&copy, s, len);
		roff_line(&r, copy.p, copy.n);
		jbuf_release(&copy);
	}
	man_end(&r);
	md_finish(&r.page);
	mend(&d->text);
	mend(&d->title);
	mend(&d->alias);
	if (d->alias.n > 0 && d->text.n > 200)
		jbuf_reset(&d->alias);
	jmem_free(r.def);
	jarena_release(&r.mem);
	jbuf_release(&r.line);
	jbuf_release(&r.fence);
	jbuf_release(&r.code);
	jbuf_release(&r.terms);
	jbuf_release(&r.name);
	jbuf_release(&r.section);
	return 0;
}
