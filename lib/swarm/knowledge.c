/*
 * knowledge.c - finding passages, and answering with them alone.
 */
#include "swarm/knowledge.h"

#include <ctype.h>
#include <string.h>

#include "swarm/knowledge_index.h"
#include "text/jwords.h"

#define MAX_WORDS 64

static const char find_sql[] =
	"SELECT place.id, passage.title, place.source, passage.text, place.at,"
	" -bm25(passage, 3.0, 1.0) FROM passage JOIN place ON place.rowid = passage.rowid"
	" WHERE passage MATCH ?1 ORDER BY bm25(passage, 3.0, 1.0), passage.rowid LIMIT ?2";

/* Words that any question may have: they find nothing. */
static bool
is_common(const char *p, size_t n)
{
	static const char common[] = " a an and are as at be can do does for from has have how i if in is it "
		"its my of on or so that the there this to was what when where which who why will with you ";
	char word[8] = " ";

	if (n + 2 >= sizeof(word))
		return false;
	for (size_t i = 0; i < n; i++)
		word[i + 1] = (char)tolower((unsigned char)p[i]);
	word[n + 1] = ' ';
	return strstr(common, word) != NULL;
}

/* "word" OR "word" ...: words of the question, dotted names as phrases. */
static size_t
put_query(struct jbuf *b, const char *question, bool common)
{
	size_t at = 0, n = strlen(question), words = 0;
	struct jtext_word w;

	while (words < MAX_WORDS && jtext_next_word(question, n, &at, &w)) {
		if (memchr(question + w.at, '"', w.n) || (!common && is_common(question + w.at, w.n)))
			continue;
		jbuf_printf(b, "%s\"%.*s\"", words++ ? " OR " : "", (int)w.n, question + w.at);
	}
	return words;
}

static const char *
column(sqlite3_stmt *s, int i, struct jarena *a)
{
	const char *p = (const char *)sqlite3_column_text(s, i);

	return jarena_strndup(a, p ? p : "", p ? (size_t)sqlite3_column_bytes(s, i) : 0);
}

/* Keeps the list in falling order, at most max. */
static void
insert(struct jswarm_reply *r, int max, struct jcitation c)
{
	size_t at = r->n_cites;

	if (at == (size_t)max) {
		if (r->cites[at - 1].score >= c.score)
			return;
		at--;
	} else {
		r->n_cites++;
	}
	for (; at > 0 && r->cites[at - 1].score < c.score; at--)
		r->cites[at] = r->cites[at - 1];
	r->cites[at] = c;
}

static int
find_in(sqlite3 *db, const char *query, int max, struct jswarm_reply *r, struct jerr *e)
{
	sqlite3_stmt *s;
	int rc = 0;

	if (sqlite3_prepare_v2(db, find_sql, -1, &s, NULL) != SQLITE_OK)
		return jerr_set(e, JERR_IO, "index: %s", sqlite3_errmsg(db));
	sqlite3_bind_text(s, 1, query, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, max);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		insert(r, max, (struct jcitation){ .id = column(s, 0, &r->arena),
			.title = column(s, 1, &r->arena), .source = column(s, 2, &r->arena),
			.text = column(s, 3, &r->arena), .at = sqlite3_column_int64(s, 4),
			.score = sqlite3_column_double(s, 5) });
	rc = rc == SQLITE_DONE ? 0 : jerr_set(e, JERR_IO, "index: %s", sqlite3_errmsg(db));
	sqlite3_finalize(s);
	return rc;
}

int
knowledge_find(const struct jexpert *x, const char *question, int max, struct jswarm_reply *r,
	struct jerr *e)
{
	struct jbuf query;
	int rc = 0;

	if (max < 1)
		return 0;
	jbuf_init(&query);
	r->n_cites = 0;
	r->cites = jarena_alloc(&r->arena, (size_t)max, sizeof(*r->cites));
	if (put_query(&query, question, false) == 0 && put_query(&query, question, true) == 0)
		max = 0;
	for (size_t i = 0; rc == 0 && max > 0 && i < x->n_knowledge; i++) {
		sqlite3 *db;

		rc = knowledge_open(&db, x->knowledge[i], e);
		if (rc == 0)
			rc = find_in(db, query.p, max, r, e);
		sqlite3_close(db);
	}
	jbuf_release(&query);
	return rc;
}

static void
put_quoted(struct jbuf *out, const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	while (n > 0 && (*text == '\n' || *text == '\r')) {
		text++;
		n--;
	}
	jbuf_adds(out, "> ");
	for (size_t i = 0; i < n; i++) {
		jbuf_addc(out, text[i]);
		if (text[i] == '\n')
			jbuf_adds(out, "> ");
	}
}

void
knowledge_quote(const struct jswarm_reply *r, struct jbuf *out)
{
	for (size_t i = 0; i < r->n_cites; i++) {
		const struct jcitation *c = &r->cites[i];

		jbuf_adds(out, i ? "\n\n" : "");
		put_quoted(out, c->text);
		jbuf_printf(out, "\n\n[%zu] %s%s%s", i + 1, c->title, *c->title && *c->source ? ", " : "",
			c->source);
	}
}
