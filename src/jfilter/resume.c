#include "resume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "record/jrec.h"

/* When a checkpoint is made, which does not decide what is written. */
static const double least_s = 0.05, most_s = 10;
static const double lost = 0.01;	/* of the run's time may be lost by a kill */
static const double cost = 0.05;	/* of it may go into checkpoints */
enum { MAX_JOURNAL_LINE = 1 << 20 };

struct part {			/* a product and the file in which it grows; name NULL = none */
	FILE *f;
	char *name, *growing;
	uint64_t n;		/* bytes written */
	bool published;		/* has its name already, by a run killed at its end */
};

struct reason {
	char *name;
	uint64_t count;
};

struct resume {
	struct jcli *cli;
	struct part out, rejects;
	FILE *journal;
	char *journal_name;
	uint64_t journal_n;		/* bytes of it that stay */
	char key[65];
	struct resume_point at;
	bool end;			/* the journal says that all is written */
	struct reason *reason;
	size_t reasons, reason_cap;
	double began, last, took;	/* times of the run and of its last checkpoint */
	bool worth;			/* a checkpoint holds records */
};

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
resume_key(struct jbuf *key, const struct jopt *o, char **files, size_t n)
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
	for (i = 0; i < n; i++) {
		jbuf_adds(key, "\n");
		key_text(key, files[i]);
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

/* A part can be cut at byte n, or is published with just these. */
static bool
part_fits(struct part *p, uint64_t n, bool end)
{
	int64_t have;

	if (!p->name)
		return n == 0;
	have = jfs_size(p->growing);
	if (have >= 0 && (uint64_t)have >= n)
		return true;
	return end && have < 0 && jfs_size(p->name) == (int64_t)n;
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

/* Takes the checkpoint of a journal record; false if it is none that the files agree with. */
static bool
take_checkpoint(struct resume *r, const struct jrec *rec)
{
	struct jcli_counts *c = jcli_counts(r->cli);
	struct jcli_counts to = { .in = 0 };
	struct resume_point at;
	struct jrec reasons;
	uint64_t out, rejects, count;
	bool end = jrec_bool(rec, "end", &end) && end;
	size_t i;

	if (!get(rec, "file", &at.file) || !get(rec, "line", &at.line) ||
	    !get(rec, "offset", &at.offset) || !get(rec, "read", &at.read) ||
	    !get(rec, "out", &out) || !get(rec, "rejects", &rejects) ||
	    !get(rec, "kept", &to.out) || !get(rec, "bytes_in", &to.bytes_in) ||
	    !get(rec, "bytes_out", &to.bytes_out) || !jrec_obj(rec, "reasons", &reasons) ||
	    !part_fits(&r->out, out, false) || !part_fits(&r->rejects, rejects, end))
		return false;
	drop_reasons(r);
	for (i = 0; i < reasons.n; i++) {
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)reasons.m[i].key_n, reasons.m[i].key);
		if (!get(&reasons, name, &count))
			return false;
		add_reason(r, name, strlen(name), count);
	}
	to.in = at.read;
	*c = to;
	r->at = at;
	r->out.n = out;
	r->rejects.n = rejects;
	r->end = end;
	return true;
}

/*
 * The last whole checkpoint of a journal with this run's key, if there is one; journal_n is where
 * its whole records end.
 */
static void
read_journal(struct resume *r)
{
	struct jerr ignored = { 0 };
	struct jarena a;
	struct jrec rec;
	struct jin *in;
	const char *key;
	char *line;
	size_t n;
	bool good = false;

	if (!jfs_exists(r->journal_name) || jin_open(&in, r->journal_name, &ignored) < 0)
		return;
	jin_set_max_line(in, MAX_JOURNAL_LINE);
	jarena_init(&a, 0);
	/* what a kill cut has no end, or is no record */
	while (jin_line(in, &line, &n, &ignored) == 1 && jin_offset(in) == r->journal_n + n + 1) {
		jarena_reset(&a);
		if (jrec_parse(&rec, line, n, &a, &ignored) < 0)
			break;
		if (good)
			take_checkpoint(r, &rec);
		else if (jrec_str(&rec, "key", &key, &n) && strcmp(key, r->key) == 0)
			good = true;
		else
			break;
		r->journal_n = jin_offset(in);
	}
	jarena_release(&a);
	jin_close(in);
}

/* Opens the growing file for this process alone: two runs into one file would mix their records. */
static int
open_part(struct part *p, struct jerr *e)
{
	struct stat mine, named;
	int fd;

	if (!p->name)
		return 0;
	fd = open(p->growing, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return jerr_sys(e, "%s: cannot open", p->growing);
	p->f = fdopen(fd, "r+");
	if (!p->f) {
		close(fd);
		return jerr_sys(e, "%s: cannot open", p->growing);
	}
	/* the other run may have finished between our open and our lock */
	if (!jfs_lock(fd) || fstat(fd, &mine) != 0 || stat(p->growing, &named) != 0 ||
	    mine.st_ino != named.st_ino)
		return jerr_set(e, JERR_IO, "%s: another jfilter is writing it", p->growing);
	return 0;
}

static int
cut_part(struct part *p, struct jerr *e)
{
	if (!p->name || p->published)
		return 0;
	if (ftruncate(fileno(p->f), (off_t)p->n) != 0 || fseeko(p->f, (off_t)p->n, SEEK_SET) != 0)
		return jerr_sys(e, "%s: cannot go on at byte %" PRIu64, p->growing, p->n);
	return 0;
}

static int
name_part(struct part *p, const char *name, const char *option, struct jerr *e)
{
	struct stat st;
	struct jbuf b;

	if (!name)
		return 0;
	if (strcmp(name, "-") == 0 || (stat(name, &st) == 0 && !S_ISREG(st.st_mode)))
		return jerr_set(e, JERR_ARG, "--resume needs %s FILE, which can be gone on with", option);
	p->name = jmem_strdup(name);
	jbuf_init(&b);
	jbuf_printf(&b, "%s.part", name);
	p->growing = jbuf_detach(&b);
	return 0;
}

/* Anew, or behind the last whole record: a line that was cut may not stay in the middle. */
static int
open_journal(struct resume *r, struct jerr *e)
{
	r->worth = r->at.read > 0;
	r->journal = fopen(r->journal_name, r->journal_n ? "r+" : "w");
	if (!r->journal)
		return jerr_sys(e, "%s: cannot open", r->journal_name);
	if (r->journal_n == 0 && fprintf(r->journal, "{\"jfilter_journal\":1,\"key\":\"%s\"}\n", r->key) < 0)
		return jerr_sys(e, "%s: cannot write", r->journal_name);
	if (r->journal_n > 0 && (ftruncate(fileno(r->journal), (off_t)r->journal_n) != 0 ||
	    fseeko(r->journal, 0, SEEK_END) != 0))
		return jerr_sys(e, "%s: cannot go on at byte %" PRIu64, r->journal_name, r->journal_n);
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

static int
open_files(struct resume *r, struct jerr *e)
{
	bool had = r->rejects.name && jfs_exists(r->rejects.growing);
	int rc = open_part(&r->out, e);

	if (rc < 0)
		return rc;
	read_journal(r);
	r->rejects.published = r->end && r->rejects.name && !had;
	if (!r->rejects.published)
		rc = open_part(&r->rejects, e);
	if (rc == 0)
		rc = cut_part(&r->out, e);
	if (rc == 0)
		rc = cut_part(&r->rejects, e);
	if (rc == 0)
		rc = open_journal(r, e);
	if (rc == 0)
		tell_counts(r);
	return rc;
}

int
resume_open(struct resume **out, struct jcli *cli, const struct jbuf *key, struct jerr *e)
{
	const struct jcommon *c = jcli_common(cli);
	struct resume *r = jmem_zalloc(1, sizeof(*r));
	struct jbuf b;
	int rc;

	r->cli = cli;
	r->began = r->last = jsys_now();
	jbuf_init(&b);
	jbuf_printf(&b, "%s\n%" PRId64 " %" PRId64 " %" PRId64 " %s", key->p, c->seed, c->limit,
		c->max_line, c->rejects ? c->rejects : "");
	jsha256_hex(b.p, b.n, r->key);
	jbuf_reset(&b);
	jbuf_printf(&b, "%s.journal", c->output);
	r->journal_name = jbuf_detach(&b);
	rc = name_part(&r->out, c->output, "-o", e);
	if (rc == 0)
		rc = name_part(&r->rejects, c->rejects, "--rejects", e);
	if (rc == 0)
		rc = open_files(r, e);
	if (rc < 0) {
		resume_abort(r);
		return rc;
	}
	*out = r;
	return 0;
}

const struct resume_point *
resume_start(const struct resume *r)
{
	return &r->at;
}

static int
write_part(struct part *p, const struct jbuf *b, struct jerr *e)
{
	if (!p->name || b->n == 0)
		return 0;
	if (fwrite(b->p, 1, b->n, p->f) != b->n)
		return jerr_sys(e, "%s: cannot write", p->growing);
	p->n += b->n;
	return 0;
}

int
resume_write(struct resume *r, const struct jbuf *out, const struct jbuf *rejects, struct jerr *e)
{
	int rc = write_part(&r->out, out, e);

	return rc == 0 ? write_part(&r->rejects, rejects, e) : rc;
}

bool
resume_due(const struct resume *r)
{
	double now = jsys_now(), wait = (now - r->began) * lost;

	wait = wait < least_s ? least_s : wait > most_s ? most_s : wait;
	return now - r->last >= wait && now - r->last >= r->took / cost;
}

static int
sync_file(FILE *f, const char *name, struct jerr *e)
{
	if (f && (fflush(f) != 0 || fsync(fileno(f)) != 0))
		return jerr_sys(e, "%s: cannot write", name);
	return 0;
}

static int
put_checkpoint(struct resume *r, const struct resume_point *at, bool end, struct jerr *e)
{
	const struct jcli_counts *c = jcli_counts(r->cli);
	double from = jsys_now();
	struct jbuf b;
	size_t i;
	int rc = sync_file(r->out.f, r->out.growing, e);

	if (rc == 0)
		rc = sync_file(r->rejects.f, r->rejects.growing, e);
	if (rc < 0)
		return rc;
	jbuf_init(&b);
	jbuf_printf(&b, "{\"file\":%" PRIu64 ",\"line\":%" PRIu64 ",\"offset\":%" PRIu64
		",\"read\":%" PRIu64 ",\"out\":%" PRIu64 ",\"rejects\":%" PRIu64 ",\"kept\":%" PRIu64
		",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"reasons\":{", at->file, at->line,
		at->offset, at->read, r->out.n, r->rejects.n, c->out, c->bytes_in, c->bytes_out);
	for (i = 0; i < r->reasons; i++) {
		jbuf_adds(&b, i ? "," : "");
		jjson_str(&b, r->reason[i].name, strlen(r->reason[i].name));
		jbuf_printf(&b, ":%" PRIu64, r->reason[i].count);
	}
	jbuf_adds(&b, end ? "},\"end\":true}\n" : "}}\n");
	if (fwrite(b.p, 1, b.n, r->journal) != b.n)
		rc = jerr_sys(e, "%s: cannot write", r->journal_name);
	jbuf_release(&b);
	r->worth = at->read > 0;
	if (rc == 0)
		rc = sync_file(r->journal, r->journal_name, e);
	r->last = jsys_now();
	r->took = r->last - from;
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
	struct part *const parts[] = { &r->out, &r->rejects };
	size_t i;

	for (i = 0; i < 2; i++) {
		if (parts[i]->f)
			fclose(parts[i]->f);
		jmem_free(parts[i]->name);
		jmem_free(parts[i]->growing);
	}
	if (r->journal)
		fclose(r->journal);
	drop_reasons(r);
	jmem_free(r->reason);
	jmem_free(r->journal_name);
	jmem_free(r);
}

int
resume_commit(struct resume *r, const struct resume_point *end, struct jerr *e)
{
	int rc = put_checkpoint(r, end, true, e);

	if (rc == 0 && r->rejects.name && !r->rejects.published)
		rc = jfs_rename(r->rejects.growing, r->rejects.name, e);
	if (rc == 0)
		rc = jfs_rename(r->out.growing, r->out.name, e);
	if (rc == 0 && unlink(r->journal_name) != 0)
		rc = jerr_sys(e, "%s: cannot remove", r->journal_name);
	release(r);
	return rc;
}

void
resume_abort(struct resume *r)
{
	if (!r)
		return;
	if (r->journal && !r->worth) {	/* nothing that another run could go on with */
		unlink(r->journal_name);
		unlink(r->out.growing);
		if (r->rejects.growing)
			unlink(r->rejects.growing);
	}
	release(r);
}
