#include "resume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "io/jfs.h"
#include "io/jgrow.h"
#include "record/jreader.h"
#include "record/jrec.h"

/* When a checkpoint is made, which does not decide what is written. */
static const double least_s = 0.05, most_s = 10;
static const double lost = 0.01;	/* of the run's time may be lost by a kill */
static const double cost = 0.05;	/* of it may go into checkpoints */

enum { OUT, REJECTS, MORE, PARTS = MORE + RESUME_MORE };

struct reason {
	char *name;
	uint64_t count;
};

struct resume {
	struct jcli *cli;
	const struct resume_opts *o;
	struct jgrow *file;
	struct resume_point at;
	bool end;			/* the journal says that all is written */
	struct reason *reason;
	size_t reasons, reason_cap;
	struct resume_clock clock;
};

/* In the journal. */
static const char *const part_keys[PARTS] = { "out", "rejects", "more0", "more1" };
static const char *const count_keys[RESUME_COUNTS] = { "count0", "count1", "count2" };

static void
key_file(struct jbuf *key, const char *path)
{
	if (jfs_exists(path))
		jbuf_printf(key, " %" PRId64 " %" PRId64, jfs_size(path), jfs_mtime_ns(path));
}

static void
key_text(struct jbuf *key, const char *s)
{
	const char *eq = strchr(s, '=');

	jbuf_printf(key, " %zu:%s", strlen(s), s);
	key_file(key, s);
	if (eq)			/* KIND=FILE */
		key_file(key, eq + 1);
}

void
resume_file(struct jbuf *key, const char *file)
{
	jbuf_adds(key, "\n");
	key_text(key, file);
}

int
resume_files(struct jbuf *key, int argc, char **argv, struct jerr *e)
{
	struct jreader r;
	size_t i;
	int rc = jreader_open(&r, argc, argv, e);

	if (rc < 0)
		return rc;
	for (i = 0; rc == 0 && i < r.n; i++) {
		if (strcmp(r.files[i], "-") == 0)
			rc = jerr_set(e, JERR_ARG, "--resume needs files: standard input cannot be read again");
		resume_file(key, r.files[i]);
	}
	jreader_close(&r);
	return rc;
}

void
resume_key(struct jbuf *key, const struct jopt *o)
{
	const struct jopt_list *list;
	size_t i;

	jbuf_adds(key, JVERSION);
	for (; o->type != JOPT_END; o++) {
		jbuf_printf(key, "\n%s", o->name);
		if (o->type == JOPT_BOOL)
			jbuf_printf(key, " %d", *(const bool *)o->value);
		else if (o->type == JOPT_INT)
			jbuf_printf(key, " %" PRId64, *(const int64_t *)o->value);
		else if (o->type == JOPT_SIZE || o->type == JOPT_COUNT)
			jbuf_printf(key, " %" PRIu64, *(const uint64_t *)o->value);
		else if (o->type == JOPT_DOUBLE)
			jbuf_printf(key, " %.17g", *(const double *)o->value);
		else if (o->type == JOPT_STR && *(const char *const *)o->value)
			key_text(key, *(const char *const *)o->value);
		if (o->type != JOPT_LIST)
			continue;
		list = o->value;
		for (i = 0; i < list->n; i++)
			key_text(key, list->v[i]);
	}
}

static void
add_reason(struct resume *r, const char *name, size_t n, uint64_t count)
{
	size_t i;

	for (i = 0; i < r->reasons; i++)
		if (strlen(r->reason[i].name) == n && memcmp(r->reason[i].name, name, n) == 0)
			break;
	if (i == r->reasons) {
		JMEM_GROW(r->reason, r->reason_cap, i + 1);
		r->reason[r->reasons++] = (struct reason){ jmem_strndup(name, n), 0 };
	}
	r->reason[i].count += count;
}

void
resume_count(struct resume *r, const char *reason)
{
	add_reason(r, reason, strlen(reason), 1);
}

static void
drop_reasons(struct resume *r)
{
	while (r->reasons > 0)
		jmem_free(r->reason[--r->reasons].name);
}

static bool
get(const struct jrec *rec, const char *key, uint64_t *v)
{
	int64_t i;

	if (!jrec_int(rec, key, &i) || i < 0)
		return false;
	*v = (uint64_t)i;
	return true;
}

static bool
get_sizes(const struct jrec *rec, size_t n, uint64_t size[PARTS], uint64_t count[RESUME_COUNTS])
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!get(rec, part_keys[i], &size[i]))
			return false;
	for (i = 0; n > MORE && i < RESUME_COUNTS; i++)
		if (!get(rec, count_keys[i], &count[i]))
			return false;
	return true;
}

static size_t
parts_of(const struct resume_opts *o)
{
	return o->counts ? PARTS : MORE;
}

/* Takes the checkpoint of a journal record, if it is one that the files agree with. */
static void
take_checkpoint(struct resume *r, struct jgrow *g, const struct jrec *rec)
{
	struct jcli_counts *c = jcli_counts(r->cli);
	struct jcli_counts to = { .in = 0 };
	struct resume_point at;
	struct jrec reasons;
	uint64_t size[PARTS], more[RESUME_COUNTS], count;
	bool end = jrec_bool(rec, "end", &end) && end;
	size_t i;

	if (!get(rec, "file", &at.file) || !get(rec, "line", &at.line) ||
	    !get(rec, "offset", &at.offset) || !get(rec, "read", &at.read) ||
	    !get(rec, "kept", &to.out) || !get(rec, "bytes_in", &to.bytes_in) ||
	    !get(rec, "bytes_out", &to.bytes_out) || !jrec_obj(rec, "reasons", &reasons) ||
	    !get_sizes(rec, parts_of(r->o), size, more) || !jgrow_fit(g, size, end))
		return;
	drop_reasons(r);
	for (i = 0; i < reasons.n; i++) {
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)reasons.m[i].key_n, reasons.m[i].key);
		if (get(&reasons, name, &count))
			add_reason(r, name, strlen(name), count);
	}
	for (i = 0; r->o->counts && i < RESUME_COUNTS; i++)
		r->o->counts[i] = more[i];
	to.in = at.read;
	*c = to;
	r->at = at;
	r->end = end;
}

static void
take_line(void *arg, struct jgrow *g, char *line, size_t n)
{
	struct jerr ignored = { 0 };
	struct jarena a;
	struct jrec rec;

	jarena_init(&a, 0);
	if (jrec_parse(&rec, line, n, &a, &ignored) == 0)
		take_checkpoint(arg, g, &rec);
	jarena_release(&a);
}

int
resume_check_name(const char *name, const char *option, struct jerr *e)
{
	struct stat st;

	if (name && (strcmp(name, "-") == 0 || (stat(name, &st) == 0 && !S_ISREG(st.st_mode))))
		return jerr_set(e, JERR_ARG, "--resume needs %s FILE, which can be gone on with", option);
	return 0;
}

static void
tell_counts(struct resume *r)
{
	uint64_t k;
	size_t i;

	for (i = 0; i < r->reasons; i++)
		for (k = 0; k < r->reason[i].count; k++)
			jcli_reject(r->cli, r->reason[i].name);
	if (r->at.read > 0)
		jcli_info(r->cli, "going on after %" PRIu64 " records of an earlier run", r->at.read);
}

void
resume_head(struct jcli *cli, const struct jbuf *key, char head[RESUME_HEAD])
{
	const struct jcommon *c = jcli_common(cli);
	struct jbuf b;
	char hash[65];

	jbuf_init(&b);
	jbuf_printf(&b, "%s\n%" PRId64 " %" PRId64 " %" PRId64 " %s", key->p, c->seed, c->limit,
		c->max_line, c->rejects ? c->rejects : "");
	jsha256_hex(b.p, b.n, hash);
	snprintf(head, RESUME_HEAD, "{\"jfilter_journal\":1,\"key\":\"%s\"}", hash);
	jbuf_release(&b);
}

static int
open_files(struct resume *r, const char *const names[PARTS], const struct jbuf *key, struct jerr *e)
{
	struct jgrow_opts o = { .names = names, .n = parts_of(r->o), .tool = "jfilter",
		.take = take_line, .arg = r };
	char head[RESUME_HEAD];

	resume_head(r->cli, key, head);
	o.head = head;
	return jgrow_open(&r->file, &o, e);
}

int
resume_open(struct resume **out, const struct resume_opts *o, const struct jbuf *key, struct jerr *e)
{
	const struct jcommon *c = jcli_common(o->cli);
	const char *const names[PARTS] = { c->output, c->rejects, o->more[0].name, o->more[1].name };
	struct resume *r = jmem_zalloc(1, sizeof(*r));
	size_t i;
	int rc;

	r->cli = o->cli;
	r->o = o;
	resume_clock_start(&r->clock);
	rc = resume_check_name(c->output, "-o", e);
	if (rc == 0)
		rc = resume_check_name(c->rejects, "--rejects", e);
	for (i = 0; i < RESUME_MORE && rc == 0; i++)
		rc = resume_check_name(o->more[i].name, o->more[i].option, e);
	if (rc == 0)
		rc = open_files(r, names, key, e);
	if (rc < 0) {
		resume_abort(r);
		return rc;
	}
	tell_counts(r);
	*out = r;
	return 0;
}

const struct resume_point *
resume_start(const struct resume *r)
{
	return &r->at;
}

int
resume_write(struct resume *r, const struct jbuf *out, const struct jbuf *rejects, struct jerr *e)
{
	int rc = jgrow_write(r->file, OUT, out->p, out->n, e);

	return rc == 0 ? jgrow_write(r->file, REJECTS, rejects->p, rejects->n, e) : rc;
}

int
resume_write_more(struct resume *r, size_t i, const void *p, size_t n, struct jerr *e)
{
	return jgrow_write(r->file, MORE + i, p, n, e);
}

void
resume_clock_start(struct resume_clock *c)
{
	c->began = c->last = jsys_now();
	c->took = 0;
}

bool
resume_clock_due(const struct resume_clock *c)
{
	double now = jsys_now(), wait = (now - c->began) * lost;

	wait = wait < least_s ? least_s : wait > most_s ? most_s : wait;
	return now - c->last >= wait && now - c->last >= c->took / cost;
}

void
resume_clock_done(struct resume_clock *c, double from)
{
	c->last = jsys_now();
	c->took = c->last - from;
}

bool
resume_due(const struct resume *r)
{
	return resume_clock_due(&r->clock);
}

static void
put_numbers(const struct resume *r, const struct resume_point *at, struct jbuf *b)
{
	const struct jcli_counts *c = jcli_counts(r->cli);
	size_t i;

	jbuf_printf(b, "{\"file\":%" PRIu64 ",\"line\":%" PRIu64 ",\"offset\":%" PRIu64
		",\"read\":%" PRIu64, at->file, at->line, at->offset, at->read);
	for (i = 0; i < parts_of(r->o); i++)
		jbuf_printf(b, ",\"%s\":%" PRIu64, part_keys[i], jgrow_size(r->file, i));
	for (i = 0; r->o->counts && i < RESUME_COUNTS; i++)
		jbuf_printf(b, ",\"%s\":%" PRIu64, count_keys[i], r->o->counts[i]);
	jbuf_printf(b, ",\"kept\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64,
		c->out, c->bytes_in, c->bytes_out);
}

static int
put_checkpoint(struct resume *r, const struct resume_point *at, bool end, struct jerr *e)
{
	double from = jsys_now();
	struct jbuf b;
	size_t i;
	int rc;

	jbuf_init(&b);
	put_numbers(r, at, &b);
	jbuf_adds(&b, ",\"reasons\":{");
	for (i = 0; i < r->reasons; i++) {
		jbuf_adds(&b, i ? "," : "");
		jjson_str(&b, r->reason[i].name, strlen(r->reason[i].name));
		jbuf_printf(&b, ":%" PRIu64, r->reason[i].count);
	}
	jbuf_adds(&b, end ? "},\"end\":true}" : "}}");
	rc = jgrow_mark(r->file, b.p, b.n, e);
	jbuf_release(&b);
	resume_clock_done(&r->clock, from);
	return rc;
}

int
resume_checkpoint(struct resume *r, const struct resume_point *at, struct jerr *e)
{
	return put_checkpoint(r, at, r->end, e);
}

static void
release(struct resume *r)
{
	drop_reasons(r);
	jmem_free(r->reason);
	jmem_free(r);
}

int
resume_commit(struct resume *r, const struct resume_point *end, struct jerr *e)
{
	int rc = put_checkpoint(r, end, true, e);

	if (rc == 0)
		rc = jgrow_commit(r->file, e);
	else
		jgrow_abort(r->file);
	release(r);
	return rc;
}

void
resume_abort(struct resume *r)
{
	if (!r)
		return;
	jgrow_abort(r->file);
	release(r);
}
