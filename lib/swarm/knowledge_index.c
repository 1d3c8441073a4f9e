/*
 * knowledge_index.c - making the index of a record file, and opening it.
 */
#include "swarm/knowledge_index.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jmem.h"
#include "io/jfs.h"
#include "record/jreader.h"
#include "record/jrec.h"
#include "swarm/jsynth.h"

#define VERSION 1
#define PASSAGE 900		/* bytes that a passage should have at most ... */
#define WHOLE 4000		/* ... unless it is code, which is whole up to here */

static const char schema[] =
	"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
	"CREATE TABLE meta(version INTEGER, size INTEGER, time INTEGER);"
	"CREATE TABLE place(rowid INTEGER PRIMARY KEY, id TEXT, source TEXT, at INTEGER);"
	"CREATE VIRTUAL TABLE passage USING fts5(title, text, tokenize='unicode61 remove_diacritics 2');"
	"BEGIN;";

struct build {
	sqlite3 *db;
	sqlite3_stmt *place, *passage;
	int64_t n;
};

static int
sql_error(sqlite3 *db, const char *file, struct jerr *e)
{
	return jerr_set(e, JERR_IO, "%s: index: %s", file, db ? sqlite3_errmsg(db) : "no memory");
}

static bool
put_row(struct build *b, const char *const text[4], const char *p, size_t n, int64_t at)
{
	b->n++;
	sqlite3_bind_int64(b->place, 1, b->n);
	sqlite3_bind_text(b->place, 2, text[0], -1, SQLITE_STATIC);
	sqlite3_bind_text(b->place, 3, text[2], -1, SQLITE_STATIC);
	sqlite3_bind_int64(b->place, 4, at);
	sqlite3_bind_int64(b->passage, 1, b->n);
	sqlite3_bind_text(b->passage, 2, text[1], -1, SQLITE_STATIC);
	sqlite3_bind_text(b->passage, 3, p, (int)n, SQLITE_STATIC);
	if (sqlite3_step(b->place) != SQLITE_DONE || sqlite3_step(b->passage) != SQLITE_DONE)
		return false;
	sqlite3_reset(b->place);
	sqlite3_reset(b->passage);
	return true;
}

static size_t
passage_length(const char *p, size_t n)
{
	size_t len = jsynth_cut(p, n, PASSAGE);

	if (len == 0)
		len = jsynth_cut(p, n, WHOLE);
	if (len > 0)
		return len;
	for (len = PASSAGE < n ? PASSAGE : n; len < n && ((unsigned char)p[len] & 0xc0) == 0x80;)
		len++;
	return len;
}

static const char *
member(const struct jrec *r, const char *key, const char *other)
{
	const char *p = "";
	size_t n;

	if (!jrec_str(r, key, &p, &n) && other && !jrec_str(r, other, &p, &n))
		p = "";
	return p;
}

/* Documents by title and text, pairs by question and answer. */
static bool
add_record(struct build *b, const struct jrec *r)
{
	const char *text[4] = { member(r, "id", NULL), member(r, "title", "prompt"),
		member(r, "source", NULL), member(r, "text", "answer") };
	struct jrec source;
	size_t n = strlen(text[3]);

	if (!*text[1])
		text[1] = member(r, "question", NULL);
	if (jrec_obj(r, "source", &source))
		text[2] = member(&source, "uri", NULL);
	for (size_t at = 0; at < n;) {
		size_t len = passage_length(text[3] + at, n - at);

		if (!put_row(b, text, text[3] + at, len, (int64_t)at))
			return false;
		at += len;
	}
	return true;
}

static int
add_file(struct build *b, const char *file, struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	char *name = jmem_strdup(file), *line;
	size_t n;
	int rc = jreader_open(&in, 1, &name, e);

	jarena_init(&a, 0);
	while (rc >= 0 && (rc = jreader_line(&in, &line, &n, e)) > 0) {
		struct jerr ignored = { 0 };
		struct jrec r;

		jarena_reset(&a);
		if (rc == 1 && jrec_parse(&r, line, n, &a, &ignored) == 0 && !add_record(b, &r))
			rc = sql_error(b->db, file, e);
	}
	if (e->code == 0 || rc >= 0)
		jreader_close(&in);
	jarena_release(&a);
	jmem_free(name);
	return rc < 0 ? rc : 0;
}

static int
finish(struct build *b, const char *file, struct jerr *e)
{
	char done[160];

	snprintf(done, sizeof(done), "INSERT INTO meta VALUES(%d,%lld,%lld); COMMIT;", VERSION,
		(long long)jfs_size(file), (long long)jfs_mtime_ns(file));
	return sqlite3_exec(b->db, done, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_error(b->db, file, e);
}

static int
build(sqlite3 *db, const char *file, struct jerr *e)
{
	struct build b = { .db = db };
	int rc = 0;

	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "INSERT INTO place VALUES(?,?,?,?)", -1, &b.place, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "INSERT INTO passage(rowid,title,text) VALUES(?,?,?)", -1, &b.passage,
		NULL) != SQLITE_OK)
		rc = sql_error(db, file, e);
	if (rc == 0)
		rc = add_file(&b, file, e);
	sqlite3_finalize(b.place);
	sqlite3_finalize(b.passage);
	return rc == 0 ? finish(&b, file, e) : rc;
}

/* Made of the file as it is now? */
static bool
is_current(sqlite3 *db, const char *file)
{
	sqlite3_stmt *s;
	bool good = false;

	if (sqlite3_prepare_v2(db, "SELECT version, size, time FROM meta", -1, &s, NULL) != SQLITE_OK)
		return false;
	if (sqlite3_step(s) == SQLITE_ROW)
		good = sqlite3_column_int(s, 0) == VERSION &&
			sqlite3_column_int64(s, 1) == jfs_size(file) &&
			sqlite3_column_int64(s, 2) == jfs_mtime_ns(file);
	sqlite3_finalize(s);
	return good;
}

static int
open_current(sqlite3 **db, const char *index, const char *file)
{
	if (jfs_exists(index) && sqlite3_open_v2(index, db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    is_current(*db, file))
		return 1;
	sqlite3_close(*db);
	*db = NULL;
	return 0;
}

/* Under another name first, so that nobody reads half of it. */
static int
make(const char *index, const char *file, struct jerr *e)
{
	struct jarena a;
	sqlite3 *db = NULL;
	char *tmp;
	int rc;

	jarena_init(&a, 0);
	tmp = jarena_printf(&a, "%s.tmp.%ld", index, (long)getpid());
	if (sqlite3_open(tmp, &db) != SQLITE_OK)
		rc = sql_error(db, file, e);
	else
		rc = build(db, file, e);
	sqlite3_close(db);
	if (rc == 0)
		rc = jfs_rename(tmp, index, e);
	if (rc < 0)
		unlink(tmp);
	jarena_release(&a);
	return rc;
}

int
knowledge_open(sqlite3 **db, const char *file, struct jerr *e)
{
	struct jerr beside = { 0 };
	struct jarena a;
	char *index;
	int rc = 0;

	*db = NULL;
	if (!jfs_exists(file))
		return jerr_set(e, JERR_ARG, "%s: no such file of documents", file);
	jarena_init(&a, 0);
	index = jarena_printf(&a, "%s.fts", file);
	if (!open_current(db, index, file) &&
	    (make(index, file, &beside) < 0 || !open_current(db, index, file))) {
		if (sqlite3_open(":memory:", db) != SQLITE_OK)
			rc = sql_error(*db, file, e);
		else
			rc = build(*db, file, e);
	}
	if (rc < 0) {
		sqlite3_close(*db);
		*db = NULL;
	}
	jarena_release(&a);
	return rc;
}
