#include "deconload.h"

#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "conf/jval.h"
#include "doc/jarchive.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "text/jcsv.h"

#define MAX_FILE ((size_t)1 << 30)

static const char *const questions[] = { "question", "query", "prompt", "problem", "goal",
	"sentence", "text", "instruction", "stem", "context", "premise", "passage", NULL };
static const char *const contexts[] = { "context", "passage", "premise", NULL };
static const char *const answers[] = { "answer", "answers", "target", "output", "response",
	"canonical_solution", "solution", "code", "best_answer", "correct_answers", "sol1", "sol2",
	NULL };
static const char *const golds[] = { "gold", "label", "answerkey", NULL };

struct item {				/* as it is read */
	struct jbuf label;		/* its id in the set, else empty */
	struct jbuf question, context;
	struct jbuf *answer;
	size_t answers, cap;
};

static void
item_begin(struct item *it)
{
	size_t i;

	jbuf_reset(&it->label);
	jbuf_reset(&it->question);
	jbuf_reset(&it->context);
	for (i = 0; i < it->answers; i++)
		jbuf_reset(&it->answer[i]);
	it->answers = 0;
}

static void
item_answer(struct item *it, const char *p, size_t n)
{
	size_t had = it->cap;

	JMEM_GROW(it->answer, it->cap, it->answers + 1);
	for (; had < it->cap; had++)
		jbuf_init(&it->answer[had]);
	jbuf_add(&it->answer[it->answers++], p, n);
}

static void
item_release(struct item *it)
{
	size_t i;

	jbuf_release(&it->label);
	jbuf_release(&it->question);
	jbuf_release(&it->context);
	for (i = 0; i < it->cap; i++)
		jbuf_release(&it->answer[i]);
	jmem_free(it->answer);
}

/* The part of a prompt that is the question. */
static void
trim_prompt(const char **p, size_t *n)
{
	static const char *const ends[] = { "\nChoices:", "\nAnswer:", "\nA. ", NULL };
	const char *end;
	int i;

	if (*n > 9 && memcmp(*p, "Question:", 9) == 0) {
		*p += 9;
		*n -= 9;
	}
	for (i = 0; ends[i]; i++) {
		end = strstr(*p, ends[i]);
		if (end && end > *p && end < *p + *n)
			*n = (size_t)(end - *p);
	}
}

static int
add_one(struct decon_sets *s, const struct jbuf *text, const struct item *it, bool answers_too,
	struct jerr *e)
{
	const char *p = text->p;
	size_t n = text->n;
	struct decon_set *set = &s->v[s->n - 1];
	struct jbuf name;
	size_t i;
	int rc;

	jbuf_init(&name);
	jbuf_printf(&name, "%s:", set->name);
	if (it->label.n > 0)
		jbuf_add(&name, it->label.p, it->label.n);
	else
		jbuf_printf(&name, "%zu", set->items + set->skipped);
	trim_prompt(&p, &n);
	rc = jevals_add(s->evals, name.p, p, n, e);
	for (i = 0; rc > 0 && answers_too && i < it->answers; i++)
		jevals_add_answer(s->evals, it->answer[i].p, it->answer[i].n);
	set->items += rc > 0;
	set->skipped += rc == 0;
	jbuf_release(&name);
	return rc < 0 ? rc : 0;
}

static int
item_end(struct decon_sets *s, const struct item *it, struct jerr *e)
{
	int rc = 0;

	if (it->question.n > 0)
		rc = add_one(s, &it->question, it, true, e);
	if (rc == 0 && it->context.n > 0)
		rc = add_one(s, &it->context, it, false, e);
	return rc;
}

/* Letter case, and blank or underscore, aside. */
static bool
is_key(const char *s, const char *key)
{
	for (; *s && *key; s++, key++) {
		int c = *s >= 'A' && *s <= 'Z' ? *s + 32 : *s == ' ' ? '_' : *s;

		if (c != *key)
			return false;
	}
	return *s == *key;
}

static const struct jval *
member(const struct jval *v, const char *const *keys)
{
	size_t i;

	for (; *keys; keys++)
		for (i = 0; i < v->u.o.n; i++)
			if (is_key(v->u.o.k[i], *keys) && v->u.o.v[i]->type != JVAL_NULL)
				return v->u.o.v[i];
	return NULL;
}

/* Strings in it, however they are nested, and numbers as text. */
static void
take_answers(struct item *it, const struct jval *v)
{
	char number[32];
	size_t i;

	switch (v->type) {
	case JVAL_STR:
		item_answer(it, v->u.s.p, v->u.s.n);
		break;
	case JVAL_INT:
		snprintf(number, sizeof(number), "%lld", (long long)v->u.i);
		item_answer(it, number, strlen(number));
		break;
	case JVAL_ARR:
		for (i = 0; i < v->u.a.n; i++)
			take_answers(it, v->u.a.v[i]);
		break;
	case JVAL_OBJ:
		for (i = 0; i < v->u.o.n; i++)
			if (!is_key(v->u.o.k[i], "label"))
				take_answers(it, v->u.o.v[i]);
		break;
	default:
		break;
	}
}

/* The right choice if the record tells, else all. */
static void
take_choices(struct item *it, const struct jval *v)
{
	static const char *const keys[] = { "choices", "options", "endings", NULL };
	const struct jval *c = member(v, keys), *gold = member(v, golds);
	int64_t i = -1;

	if (!c)
		return;
	if (c->type == JVAL_OBJ && jval_get(c, "text"))
		c = jval_get(c, "text");
	if (gold && gold->type == JVAL_INT)
		i = gold->u.i;
	else if (gold && gold->type == JVAL_STR && gold->u.s.n == 1)
		i = gold->u.s.p[0] >= 'A' ? gold->u.s.p[0] - 'A' : gold->u.s.p[0] - '0';
	if (c->type == JVAL_ARR && i >= 0 && (uint64_t)i < c->u.a.n)
		take_answers(it, c->u.a.v[i]);
	else
		take_answers(it, c);
}

static void
take_label(struct item *it, const struct jval *v)
{
	static const char *const keys[] = { "task_id", "question_id", "id", "ind", NULL };
	const struct jval *l = member(v, keys);

	if (l && l->type == JVAL_STR)
		jbuf_add(&it->label, l->u.s.p, l->u.s.n);
	else if (l && l->type == JVAL_INT)
		jbuf_printf(&it->label, "%lld", (long long)l->u.i);
}

static int
add_options(struct decon_sets *s, struct item *it, const struct jval *options,
	const struct jval *rest, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < options->u.a.n && rc == 0; i++) {
		const struct jval *o = options->u.a.v[i];

		if (o->type != JVAL_STR)
			continue;
		item_begin(it);
		jbuf_add(&it->question, o->u.s.p, o->u.s.n);
		if (rest && rest->type == JVAL_STR) {
			jbuf_addc(&it->question, ' ');
			jbuf_add(&it->question, rest->u.s.p, rest->u.s.n);
		}
		rc = item_end(s, it, e);
	}
	return rc;
}

static int
add_object(struct decon_sets *s, struct item *it, const struct jval *v, struct jerr *e)
{
	const struct jval *q, *c, *a, *o = jval_get(v, "context_options");
	const char *const *key;

	if (v->type == JVAL_STR) {
		item_begin(it);
		jbuf_add(&it->question, v->u.s.p, v->u.s.n);
		return item_end(s, it, e);
	}
	if (v->type != JVAL_OBJ)
		return 0;
	if (o && o->type == JVAL_ARR)
		return add_options(s, it, o, jval_get(v, "continuation"), e);
	item_begin(it);
	take_label(it, v);
	q = member(v, questions);
	c = member(v, contexts);
	if (q && q->type == JVAL_STR)
		jbuf_add(&it->question, q->u.s.p, q->u.s.n);
	if (c && c != q && c->type == JVAL_STR)
		jbuf_add(&it->context, c->u.s.p, c->u.s.n);
	for (key = answers; *key; key++) {
		const char *const one[] = { *key, NULL };

		a = member(v, one);
		if (a)
			take_answers(it, a);
	}
	take_choices(it, v);
	return item_end(s, it, e);
}

static int
load_lines(struct decon_sets *s, struct item *it, const struct jbuf *b, const char *name,
	struct jerr *e)
{
	size_t at = 0, end, number = 0;
	struct jarena a;
	struct jval *v;
	int rc = 0;

	jarena_init(&a, 0);
	for (; at < b->n && rc == 0; at = end + 1) {
		const char *nl = memchr(b->p + at, '\n', b->n - at);

		end = nl ? (size_t)(nl - b->p) : b->n;
		number++;
		if (strspn(b->p + at, " \t\r") >= end - at)
			continue;
		jarena_reset(&a);
		rc = jval_parse_json(&v, b->p + at, end - at, name, &a, e);
		if (rc < 0)
			jerr_wrap(e, "line %zu", number);
		else
			rc = add_object(s, it, v, e);
	}
	jarena_release(&a);
	return rc;
}

static int
load_array(struct decon_sets *s, struct item *it, const struct jbuf *b, const char *name,
	struct jerr *e)
{
	struct jarena a;
	struct jval *v;
	size_t i;
	int rc;

	jarena_init(&a, 0);
	rc = jval_parse_json(&v, b->p, b->n, name, &a, e);
	for (i = 0; rc == 0 && v->type == JVAL_ARR && i < v->u.a.n; i++)
		rc = add_object(s, it, v->u.a.v[i], e);
	jarena_release(&a);
	return rc;
}

static bool
is_one_of(const char *s, const char *const *keys)
{
	for (; *keys; keys++)
		if (is_key(s, *keys))
			return true;
	return false;
}

/* What each column is: q, a or nothing; false if this is no header. */
static bool
read_header(const struct jbuf *cell, size_t n, char *what)
{
	bool any = false;
	size_t i;

	for (i = 0; i < n; i++) {
		what[i] = 0;
		if (!any && is_one_of(cell[i].p, questions)) {
			what[i] = 'q';
			any = true;
		} else if (is_one_of(cell[i].p, answers)) {
			what[i] = 'a';
		}
	}
	return any;
}

static void
row_item(struct item *it, const struct jbuf *cell, size_t n, const char *what, bool header)
{
	size_t i, right;

	item_begin(it);
	for (i = 0; header && i < n; i++) {
		if (what[i] == 'q')
			jbuf_add(&it->question, cell[i].p, cell[i].n);
		else if (what[i] == 'a')
			item_answer(it, cell[i].p, cell[i].n);
	}
	if (header || n == 0)
		return;
	/* Question, choices, letter of the right one. */
	jbuf_add(&it->question, cell[0].p, cell[0].n);
	right = cell[n - 1].n == 1 && cell[n - 1].p[0] >= 'A' ? (size_t)(cell[n - 1].p[0] - 'A') + 1 : 0;
	if (right > 0 && right < n - 1)
		item_answer(it, cell[right].p, cell[right].n);
}

static int
load_csv(struct decon_sets *s, struct item *it, const struct jbuf *b, struct jerr *e)
{
	struct jcsv_row *r = jmem_alloc(1, sizeof(*r));
	char what[JCSV_CELLS] = { 0 };
	size_t at = 0, row = 0;
	bool header = false;
	int rc = 0;

	jcsv_row_init(r);
	while (rc == 0 && jcsv_next(b->p, b->n, &at, r)) {
		if (row++ == 0) {
			header = read_header(r->cell, r->n, what);
			if (header)
				continue;
		}
		row_item(it, r->cell, r->n, what, header);
		rc = item_end(s, it, e);
	}
	jcsv_row_release(r);
	jmem_free(r);
	return rc;
}

/* Paragraphs: runs of lines that are not blank. */
static int
load_text(struct decon_sets *s, struct item *it, const struct jbuf *b, struct jerr *e)
{
	size_t at = 0, end;
	int rc = 0;

	item_begin(it);
	for (; at < b->n && rc == 0; at = end) {
		const char *nl = memchr(b->p + at, '\n', b->n - at);

		end = nl ? (size_t)(nl - b->p) + 1 : b->n;
		if (strspn(b->p + at, " \t\r\n") < end - at) {
			jbuf_add(&it->question, b->p + at, end - at);
			continue;
		}
		rc = item_end(s, it, e);
		item_begin(it);
	}
	return rc < 0 ? rc : item_end(s, it, e);
}

static void
begin_set(struct decon_sets *s, const char *path)
{
	const char *base = jfs_base(path), *dot = strchr(base, '.');

	JMEM_GROW(s->v, s->cap, s->n + 1);
	s->v[s->n++] = (struct decon_set){ .name = dot && dot > base ?
		jmem_strndup(base, (size_t)(dot - base)) : jmem_strdup(base) };
}

static int
load_bytes(struct decon_sets *s, const struct jbuf *b, const char *path, struct jerr *e)
{
	size_t blank = strspn(b->p, " \t\r\n\xef\xbb\xbf");
	struct item it = { .answer = NULL };
	char first = blank < b->n ? b->p[blank] : 0;
	int rc;

	jbuf_init(&it.label);
	jbuf_init(&it.question);
	jbuf_init(&it.context);
	begin_set(s, path);
	if (first == '{')
		rc = load_lines(s, &it, b, path, e);
	else if (first == '[')
		rc = load_array(s, &it, b, path, e);
	else if (strstr(jfs_base(path), ".csv"))
		rc = load_csv(s, &it, b, e);
	else
		rc = load_text(s, &it, b, e);
	item_release(&it);
	return rc;
}

static int
load_archive(struct decon_sets *s, const char *path, struct jerr *e)
{
	struct jarchive_member m;
	struct jarchive *a;
	struct jbuf b;
	int rc = jarchive_open(&a, path, NULL, e);

	if (rc < 0)
		return rc;
	jbuf_init(&b);
	while (rc >= 0 && (rc = jarchive_next(a, &m, e)) > 0) {
		if (m.broken || m.link || jstr_starts(jfs_base(m.path), "."))
			continue;
		jbuf_reset(&b);
		rc = jarchive_read(a, &b, e);
		if (rc == 1)
			rc = load_bytes(s, &b, m.path, e);
	}
	jbuf_release(&b);
	jarchive_close(a);
	return rc;
}

static int
load_file(const char *path, void *arg, struct jerr *e)
{
	struct decon_sets *s = arg;
	struct jbuf b;
	int rc;

	if (jstr_ends(path, ".prov") || jstr_starts(jfs_base(path), "."))
		return 0;
	if (jarchive_name(path))
		return load_archive(s, path, e);
	jbuf_init_max(&b, MAX_FILE);
	rc = jin_slurp(path, &b, e);
	if (rc == 0)
		rc = load_bytes(s, &b, path, e);
	jbuf_release(&b);
	return rc;
}

int
decon_load(struct decon_sets *s, const char *path, struct jerr *e)
{
	if (!jfs_exists(path))
		return jerr_set(e, JERR_IO, "%s: no such file or folder", path);
	return jfs_walk(path, load_file, s, e);
}

void
decon_sets_release(struct decon_sets *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		jmem_free(s->v[i].name);
	jmem_free(s->v);
}
