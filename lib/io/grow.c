/* grow.c - parts and their journal. */
#include "io/jgrow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jio.h"

enum { MAX_LINE = 1 << 20 };

struct part {
	FILE *f;
	char *name, *growing;		/* NULL: no such output */
	uint64_t n;			/* bytes written */
	bool published;
};

struct jgrow {
	struct part part[JGROW_MAX];
	size_t n;
	FILE *journal;
	char *journal_name;
	uint64_t journal_n;		/* bytes of it that stay */
	const char *tool;
	bool end;			/* the journal says that all is written */
	bool worth;			/* there is a checkpoint */
};

static char *
with_suffix(const char *name, const char *suffix)
{
	struct jbuf b;

	jbuf_init(&b);
	jbuf_adds(&b, name);
	jbuf_adds(&b, suffix);
	return jbuf_detach(&b);
}

/* The part can be cut at byte n, or is published with just these. */
static bool
part_fits(const struct part *p, uint64_t n, bool end)
{
	int64_t have;

	if (!p->name)
		return n == 0;
	have = jfs_size(p->growing);
	if (have >= 0 && (uint64_t)have >= n)
		return true;
	return end && have < 0 && jfs_size(p->name) == (int64_t)n;
}

bool
jgrow_fit(struct jgrow *g, const uint64_t *size, bool end)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (!part_fits(&g->part[i], size[i], end && i > 0))
			return false;
	for (i = 0; i < g->n; i++)
		g->part[i].n = size[i];
	g->end = end;
	g->worth = true;
	return true;
}

/* Reads the journal; journal_n is where its whole lines end, 0 if it is another run's. */
static void
read_journal(struct jgrow *g, const struct jgrow_opts *o)
{
	struct jerr ignored = { 0 };
	struct jin *in;
	char *line;
	size_t n;

	if (!jfs_exists(g->journal_name) || jin_open(&in, g->journal_name, &ignored) < 0)
		return;
	jin_set_max_line(in, MAX_LINE);
	/* what a kill cut has no end */
	while (jin_line(in, &line, &n, &ignored) == 1 && jin_offset(in) == g->journal_n + n + 1) {
		if (g->journal_n > 0)
			o->take(o->arg, g, line, n);
		else if (strcmp(line, o->head) != 0)
			break;
		g->journal_n = jin_offset(in);
	}
	jin_close(in);
}

/* Opens the part for this process alone: two runs into one file would mix their bytes. */
static int
open_part(struct jgrow *g, struct part *p, struct jerr *e)
{
	struct stat mine, named;
	int fd = open(p->growing, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

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
		return jerr_set(e, JERR_IO, "%s: another %s is writing it", p->growing, g->tool);
	return 0;
}

static int
cut_part(struct part *p, struct jerr *e)
{
	if (ftruncate(fileno(p->f), (off_t)p->n) != 0 || fseeko(p->f, (off_t)p->n, SEEK_SET) != 0)
		return jerr_sys(e, "%s: cannot go on at byte %" PRIu64, p->growing, p->n);
	return 0;
}

/* Anew, or behind the last whole line: one that was cut may not stay in the middle. */
static int
open_journal(struct jgrow *g, const char *head, struct jerr *e)
{
	g->journal = fopen(g->journal_name, g->journal_n ? "r+" : "w");
	if (!g->journal)
		return jerr_sys(e, "%s: cannot open", g->journal_name);
	if (g->journal_n == 0 && fprintf(g->journal, "%s\n", head) < 0)
		return jerr_sys(e, "%s: cannot write", g->journal_name);
	if (g->journal_n > 0 && (ftruncate(fileno(g->journal), (off_t)g->journal_n) != 0 ||
	    fseeko(g->journal, 0, SEEK_END) != 0))
		return jerr_sys(e, "%s: cannot go on at byte %" PRIu64, g->journal_name, g->journal_n);
	return 0;
}

static int
open_files(struct jgrow *g, const struct jgrow_opts *o, struct jerr *e)
{
	size_t i;
	int rc = open_part(g, &g->part[0], e);

	if (rc < 0)
		return rc;
	if (!o->anew)
		read_journal(g, o);
	for (i = 0; i < g->n && rc == 0; i++) {
		struct part *p = &g->part[i];

		if (!p->name)
			continue;
		p->published = i > 0 && g->end && !jfs_exists(p->growing);
		if (i > 0 && !p->published)
			rc = open_part(g, p, e);
		if (rc == 0 && !p->published)
			rc = cut_part(p, e);
	}
	return rc == 0 ? open_journal(g, o->head, e) : rc;
}

int
jgrow_open(struct jgrow **out, const struct jgrow_opts *o, struct jerr *e)
{
	struct jgrow *g = jmem_zalloc(1, sizeof(*g));
	size_t i;
	int rc;

	g->n = o->n;
	g->tool = o->tool;
	g->journal_name = with_suffix(o->names[0], ".journal");
	for (i = 0; i < o->n; i++)
		if (o->names[i]) {
			g->part[i].name = jmem_strdup(o->names[i]);
			g->part[i].growing = with_suffix(o->names[i], ".part");
		}
	rc = open_files(g, o, e);
	if (rc < 0) {
		jgrow_abort(g);
		return rc;
	}
	*out = g;
	return 0;
}

bool
jgrow_published(const struct jgrow *g, size_t i)
{
	return g->part[i].published;
}

uint64_t
jgrow_size(const struct jgrow *g, size_t i)
{
	return g->part[i].n;
}

int
jgrow_write(struct jgrow *g, size_t i, const void *p, size_t n, struct jerr *e)
{
	struct part *to = &g->part[i];

	if (n == 0 || !to->name)
		return 0;
	if (fwrite(p, 1, n, to->f) != n)
		return jerr_sys(e, "%s: cannot write", to->growing);
	to->n += n;
	return 0;
}

int
jgrow_read(struct jgrow *g, size_t i, uint64_t at, void *p, size_t n, struct jerr *e)
{
	const struct part *from = &g->part[i];
	size_t had;
	ssize_t got;

	if (fflush(from->f) != 0)
		return jerr_sys(e, "%s: cannot write", from->growing);
	for (had = 0; had < n; had += (size_t)got) {
		got = pread(fileno(from->f), (char *)p + had, n - had, (off_t)(at + had));
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return jerr_set(e, JERR_IO, "%s: cannot read %zu bytes at %" PRIu64 " back",
				from->growing, n, at);
	}
	return 0;
}

static int
sync_file(FILE *f, const char *name, struct jerr *e)
{
	if (f && (fflush(f) != 0 || fsync(fileno(f)) != 0))
		return jerr_sys(e, "%s: cannot write", name);
	return 0;
}

int
jgrow_mark(struct jgrow *g, const char *line, size_t n, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < g->n && rc == 0; i++)
		rc = sync_file(g->part[i].f, g->part[i].growing, e);
	if (rc < 0)
		return rc;
	if (fwrite(line, 1, n, g->journal) != n || fputc('\n', g->journal) == EOF)
		return jerr_sys(e, "%s: cannot write", g->journal_name);
	g->worth = true;
	return sync_file(g->journal, g->journal_name, e);
}

static void
release(struct jgrow *g)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		if (g->part[i].f)
			fclose(g->part[i].f);
		jmem_free(g->part[i].name);
		jmem_free(g->part[i].growing);
	}
	if (g->journal)
		fclose(g->journal);
	jmem_free(g->journal_name);
	jmem_free(g);
}

int
jgrow_commit(struct jgrow *g, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < g->n && rc == 0; i++)
		rc = sync_file(g->part[i].f, g->part[i].growing, e);
	for (i = g->n; i-- > 0 && rc == 0;)
		if (g->part[i].name && !g->part[i].published)
			rc = jfs_rename(g->part[i].growing, g->part[i].name, e);
	if (rc == 0 && unlink(g->journal_name) != 0)
		rc = jerr_sys(e, "%s: cannot remove", g->journal_name);
	release(g);
	return rc;
}

static void
unlink_all(const struct jgrow *g)
{
	size_t i;

	unlink(g->journal_name);
	for (i = 0; i < g->n; i++)
		if (g->part[i].f)
			unlink(g->part[i].growing);
}

void
jgrow_abort(struct jgrow *g)
{
	if (!g)
		return;
	if (g->journal && !g->worth)	/* nothing that another run could go on with */
		unlink_all(g);
	release(g);
}

void
jgrow_remove(struct jgrow *g)
{
	unlink_all(g);
	release(g);
}
