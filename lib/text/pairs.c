/*
 * pairs.c - question-answer pairs from the structure of a document.
 *
 * One row of `forms` per kind of question; the wording is chosen by a hash, so that a corpus gets
 * all of them and a document always the same.
 */
#include <ctype.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jrand.h"
#include "text/jstructure.h"

/* %s is the name asked about; %o, where present, the page it stands on. */
static const char *const ask_function[] = {
	"What does %s do?", "What does the %s function do?", "What is %s for?", "Explain %s.",
	"What does %s() do?", NULL
};
static const char *const ask_class[] = {
	"What is the class %s?", "What is %s?", "Explain the class %s.", NULL
};
static const char *const ask_thing[] = {
	"What is %s?", "What does %s mean?", "Explain %s.", NULL
};
static const char *const ask_term[] = {		/* common nouns: "list comprehension" */
	"What is a %s?", "What is %s?", "Explain %s.", NULL
};
static const char *const ask_itself[] = { "%s", NULL };	/* the heading is a question */
static const char *const ask_signature[] = {
	"What is the signature of %s?", "How is %s called?", "What are the parameters of %s?", NULL
};
static const char *const ask_option[] = {
	"What does the option %s do in %o?", "What does %s mean in %o?", "In %o, what is %s?", NULL
};
static const char *const ask_member[] = {	/* EPERM, a field, a parameter: of that page only */
	"What is %s in %o?", "What does %s mean in %o?", "In %o, what is %s?", NULL
};
static const char *const ask_command[] = {
	"What does %s do?", "What is %s?", "What is %s for?", NULL
};
static const char *const ask_topic[] = {
	"Tell me about %s in %o.", "What does the page on %o say about %s?", "Explain: %s (%o).", NULL
};

/* Headings that name a place in a page, not a subject. */
static const char *const generic[] = {
	"overview", "introduction", "description", "notes", "note", "examples", "example", "see also",
	"options", "synopsis", "name", "author", "authors", "bugs", "copyright", "history", "files",
	"parameters", "outputs", "output", "compatibility", "references", "summary", "contents",
	"table of contents", "usage", "return value", "errors", "standards", "versions", "attributes",
	"reporting bugs", "environment", "exit status", "colophon", "diagnostics", "abstract", "git",
	"conforming to", "caveats", "warning", "tip", "important", "caution", "deprecated", "changed",
	"new", "todo", "danger", "hint", "availability", NULL
};

struct maker {
	const char *text;
	const char *page;	/* what the document is about, cleaned */
	const char *id;
	const struct jpair_opts *o;
	struct jarena *a;
	struct jpair *v;
	size_t n, cap;
};

static int
is_generic(const char *s)
{
	size_t i, k;

	for (i = 0; generic[i]; i++) {
		for (k = 0; generic[i][k] && tolower((unsigned char)s[k]) == generic[i][k]; k++)
			;
		if (!generic[i][k] && !s[k])
			return 1;
	}
	return 0;
}

/* Wording number h of the form with the name and the page filled in. */
static const char *
word_question(struct maker *m, const char *const *forms, const char *name, uint64_t h)
{
	struct jbuf b;
	const char *f, *out;
	size_t count = 0;

	while (forms[count])
		count++;
	jbuf_init(&b);
	for (f = forms[h % count]; *f; f++) {
		if (f[0] == '%' && (f[1] == 's' || f[1] == 'o'))
			jbuf_adds(&b, *++f == 's' ? name : m->page);
		else
			jbuf_addc(&b, *f);
	}
	out = jarena_strndup(m->a, b.p, b.n);
	jbuf_release(&b);
	return out;
}

static void
add_pair(struct maker *m, const char *const *forms, const char *name, struct jpair pair)
{
	struct jrand r;

	if (pair.answer_n == 0)
		return;
	JARENA_GROW(m->a, m->v, m->cap, m->n + 1);
	jrand_init(&r, m->o->seed, jhash64(m->id, strlen(m->id), m->n));
	pair.prompt = word_question(m, forms, name, jrand_u64(&r));
	m->v[m->n++] = pair;
}

/* The first prose of [from, from + n) as an answer; answer_n = 0 if it is missing or too short. */
static struct jpair
prose_pair(struct maker *m, size_t from, size_t n, const char *form)
{
	struct jpair p = { .form = form };
	size_t at = 0, len = 0;

	jstructure_prose(m->text, from, n, m->o->max_answer, &at, &len);
	if (len < m->o->min_answer)
		return p;
	p.from = at;
	p.answer = jarena_strndup(m->a, m->text + at, len);
	p.answer_n = len;
	return p;
}

/* "class json.JSONEncoder(*, skipkeys=False)" -> name "json.JSONEncoder", what stands before it. */
static const char *
object_name(struct maker *m, const struct jsection *s, int *is_class, int *is_call)
{
	const char *t = m->text + s->title;
	size_t n = s->title_n, i, start = 0, end;

	for (end = 0; end < n && t[end] != '(' && t[end] != '\n'; end++)
		;
	*is_call = end < n && t[end] == '(';
	while (end > 0 && t[end - 1] == ' ')
		end--;
	*is_class = end > 6 && memcmp(t, "class ", 6) == 0;
	if (!*is_class && !*is_call && end > 10 && memcmp(t, "exception ", 10) == 0)
		start = 10;
	else if (*is_class || *is_call || memchr(t, '*', end))	/* modifiers, types before it */
		for (i = 0; i < end; i++)
			if (t[i] == ' ' || t[i] == '*')
				start = i + 1;
	if (end - start < 2 || end - start > 80)
		return NULL;
	return jarena_strndup(m->a, t + start, end - start);
}

/* Lower-case words: a thing of which there are many. */
static const char *const *
thing_forms(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && name[i] != ' ' && name[i] != '-')
			return ask_thing;
	return ask_term;
}

static void
object_pairs(struct maker *m, const struct jsection *s)
{
	int is_class, is_call;
	const char *name = object_name(m, s, &is_class, &is_call);
	struct jpair p;

	if (!name)
		return;
	p = prose_pair(m, s->body, s->body_n, "object");
	add_pair(m, is_class ? ask_class : is_call ? ask_function : thing_forms(name), name, p);
	if (!is_call || s->title_n < strlen(name) + 4 || s->title_n > m->o->max_answer)
		return;
	p.form = "signature";
	p.from = s->title - 1;		/* with the backticks */
	p.answer_n = s->title_n + 2;
	p.answer = jarena_strndup(m->a, m->text + p.from, p.answer_n);
	add_pair(m, ask_signature, name, p);
}

/* NAME section of a manual page: "ls - list directory contents". */
static int
name_pair(struct maker *m, const struct jsection *s)
{
	static const char *const dashes[] = { " - ", " \xe2\x80\x93 ", " \xe2\x80\x94 ", NULL };
	const char *t = m->text;
	size_t at = s->body, end = s->body + s->body_n, i, k, dn;
	struct jpair p = { .form = "name" };

	if (s->title_n != 4 || (memcmp(t + s->title, "NAME", 4) && memcmp(t + s->title, "Name", 4)))
		return 0;
	while (at < end && t[at] == '\n')
		at++;
	for (i = at; i < end && t[i] != '\n'; i++) {
		for (k = 0; dashes[k]; k++) {
			dn = strlen(dashes[k]);
			if (i + dn < end && memcmp(t + i, dashes[k], dn) == 0)
				break;
		}
		if (dashes[k] && i > at && i - at < 60) {
			size_t stop = i;

			while (stop < end && t[stop] != '\n')
				stop++;
			p.from = at;
			p.answer_n = stop - at;
			p.answer = jarena_strndup(m->a, t + at, p.answer_n);
			add_pair(m, ask_command, jarena_strndup(m->a, t + at, i - at), p);
			return 1;
		}
	}
	return 1;
}

/* Length of "9.3. " or "B.2. " in front of a heading. */
static size_t
numbering(const char *s)
{
	size_t i = 0;

	if (s[0] >= 'A' && s[0] <= 'Z' && s[1] == '.')
		i = 1;
	i += strspn(s + i, "0123456789.");
	return i > 1 && s[i] == ' ' ? i + 1 : 0;
}

static void
section_pairs(struct maker *m, const struct jsection *s)
{
	char *name = jarena_strndup(m->a, m->text + s->title, s->title_n);
	size_t from = 0, to = strlen(name), i, k = 0;

	while (to > from && name[to - 1] == '.')		/* "9.3. Operators." */
		name[--to] = 0;
	from = numbering(name);
	for (i = from; name[i]; i++)			/* no emphasis marks inside a question */
		if (name[i] != '`' && !(name[i] == '*' && s->kind == JSECTION_TERM))
			name[k++] = name[i];
	name[k] = 0;
	if (k < 2 || k > 80)
		return;
	if (is_generic(name))
		return;
	if (s->kind == JSECTION_TERM && m->page[0])
		add_pair(m, name[0] == '-' ? ask_option : ask_member, name,
			prose_pair(m, s->body, s->body_n, "option"));
	else if (s->kind == JSECTION_HEADING && name[k - 1] == '?')
		add_pair(m, ask_itself, name, prose_pair(m, s->body, s->body_n, "topic"));
	else if (s->kind == JSECTION_HEADING && s->parent < 0)
		add_pair(m, thing_forms(name), name, prose_pair(m, s->body, s->body_n, "topic"));
	else if (s->kind == JSECTION_HEADING && m->page[0])
		add_pair(m, ask_topic, name, prose_pair(m, s->body, s->body_n, "topic"));
}

/* "json — JSON encoder and decoder — Python 3.11.2 documentation" -> "json". */
static const char *
page_name(struct jarena *a, const char *title)
{
	static const char *const cuts[] = { " \xe2\x80\x94 ", " - ", ": ", NULL };
	size_t n, k;

	if (!title)
		return "";
	title += numbering(title);
	n = strlen(title);
	for (k = 0; cuts[k]; k++) {
		const char *c = strstr(title, cuts[k]);

		if (c && c > title && (size_t)(c - title) < n)
			n = (size_t)(c - title);
	}
	return jarena_strndup(a, title, n < 80 ? n : 80);
}

void
jstructure_pairs(const struct jpair_doc *d, const struct jpair_opts *o, struct jarena *a,
	struct jpair **v, size_t *count)
{
	struct maker m = { .text = d->text, .page = page_name(a, d->title), .id = d->id, .o = o,
		.a = a };
	struct jsection *s;
	size_t ns, i;

	jstructure_parse(d->text, d->n, a, &s, &ns);
	for (i = 0; i < ns; i++) {
		if (s[i].kind == JSECTION_OBJECT)
			object_pairs(&m, &s[i]);
		else if (s[i].kind != JSECTION_HEADING || !name_pair(&m, &s[i]))
			section_pairs(&m, &s[i]);
	}
	*v = m.v;
	*count = m.n;
}
