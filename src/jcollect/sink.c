/*
 * sink.c - the record stream out, resumable when it goes to a file.
 *
 * FILE.part receives the records; FILE.journal has one line for the key of the run (what decides
 * its output) and one line for each checkpoint, written after the records before it are on disk:
 *
 *	jcollect-journal 1 KEY
 *	SOURCES ITEMS OFFSET IN OUT REJECTED
 *
 * A run that finds both with its own key cuts FILE.part at the last checkpoint and goes on there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect.h"
#include "io/jfs.h"
#include "io/jio.h"

struct sink {
	struct jout *out;	/* standard output and devices */
	FILE *part;
	FILE *journal;
	char *name, *part_name, *journal_name;
	uint64_t offset;
	struct sink_state start;
	bool worth;		/* a checkpoint holds documents */
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

static void
sink_free(struct sink *s)
{
	if (s->part)
		fclose(s->part);
	if (s->journal)
		fclose(s->journal);
	jout_abort(s->out);
	jmem_free(s->name);
	jmem_free(s->part_name);
	jmem_free(s->journal_name);
	jmem_free(s);
}

/* The last whole checkpoint of a journal with this key; false if there is none to use. */
static bool
last_checkpoint(struct sink *s, const char *key)
{
	FILE *f = fopen(s->journal_name, "r");
	char line[256];
	bool good = false;
	int64_t have = jfs_size(s->part_name);

	if (!f || have < 0) {
		if (f)
			fclose(f);
		return false;
	}
	if (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		good = strncmp(line, "jcollect-journal 1 ", 19) == 0 && strcmp(line + 19, key) == 0;
	}
	while (good && fgets(line, sizeof(line), f)) {
		struct sink_state st;
		uint64_t offset;

		/* a line that was cut by the kill has no end */
		if (!strchr(line, '\n') || sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		    " %" SCNu64 " %" SCNu64, &st.source, &st.items, &offset, &st.in, &st.out, &st.rejected) != 6 ||
		    offset > (uint64_t)have)
			break;
		s->start = st;
		s->offset = offset;
	}
	fclose(f);
	return good;
}

static int
sync_file(FILE *f, const char *name, struct jerr *e)
{
	if (fflush(f) != 0 || fsync(fileno(f)) != 0)
		return jerr_sys(e, "%s: cannot write", name);
	return 0;
}

/* Opens the part for this process alone: two runs into one file would mix their records. */
static int
open_part(struct sink *s, struct jerr *e)
{
	struct stat mine, named;
	int fd = open(s->part_name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return jerr_sys(e, "%s: cannot open", s->part_name);
	s->part = fdopen(fd, "r+");
	if (!s->part) {
		close(fd);
		return jerr_sys(e, "%s: cannot open", s->part_name);
	}
	/* the other run may have finished between our open and our lock */
	if (!jfs_lock(fd) || fstat(fd, &mine) != 0 || stat(s->part_name, &named) != 0 ||
	    mine.st_ino != named.st_ino)
		return jerr_set(e, JERR_IO, "%s: another jcollect is writing it", s->part_name);
	return 0;
}

static int
open_files(struct sink *s, const char *key, struct jerr *e)
{
	if (open_part(s, e) < 0)
		return e->code;
	if (!key || !last_checkpoint(s, key))
		s->offset = 0;
	if (ftruncate(fileno(s->part), (off_t)s->offset) != 0 ||
	    fseeko(s->part, (off_t)s->offset, SEEK_SET) != 0)
		return jerr_sys(e, "%s: cannot go on at byte %" PRIu64, s->part_name, s->offset);
	/* rewritten, so that a line cut by the kill does not stay in the middle */
	s->journal = fopen(s->journal_name, "w");
	if (!s->journal)
		return jerr_sys(e, "%s: cannot open", s->journal_name);
	if (fprintf(s->journal, "jcollect-journal 1 %s\n", key ? key : "-") < 0)
		return jerr_sys(e, "%s: cannot write", s->journal_name);
	return sink_checkpoint(s, &s->start, e);
}

int
sink_open(struct sink **out, const char *name, const char *key, struct jerr *e)
{
	struct sink *s = jmem_zalloc(1, sizeof(*s));
	struct stat st;
	int rc;

	s->name = jmem_strdup(name);
	if (strcmp(name, "-") == 0 || (stat(name, &st) == 0 && !S_ISREG(st.st_mode))) {
		rc = jout_open(&s->out, name, e);
	} else {
		s->part_name = with_suffix(name, ".part");
		s->journal_name = with_suffix(name, ".journal");
		rc = open_files(s, key, e);
	}
	if (rc < 0) {
		sink_abort(s);
		return rc;
	}
	*out = s;
	return 0;
}

const struct sink_state *
sink_start(const struct sink *s)
{
	return &s->start;
}

int
sink_write(struct sink *s, const struct jbuf *rec, struct jerr *e)
{
	if (s->out)
		return jout_write(s->out, rec->p, rec->n, e);
	if (fwrite(rec->p, 1, rec->n, s->part) != rec->n)
		return jerr_sys(e, "%s: cannot write", s->part_name);
	s->offset += rec->n;
	return 0;
}

int
sink_checkpoint(struct sink *s, const struct sink_state *now, struct jerr *e)
{
	int rc;

	if (s->out)
		return 0;
	rc = sync_file(s->part, s->part_name, e);
	if (rc < 0)
		return rc;
	if (fprintf(s->journal, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    now->source, now->items, s->offset, now->in, now->out, now->rejected) < 0)
		return jerr_sys(e, "%s: cannot write", s->journal_name);
	s->worth = now->in > 0;
	return sync_file(s->journal, s->journal_name, e);
}

int
sink_commit(struct sink *s, struct jerr *e)
{
	int rc;

	if (s->out) {
		rc = jout_commit(s->out, e);
		s->out = NULL;
	} else {
		rc = sync_file(s->part, s->part_name, e);
		/* before the rename: nobody would come back to remove it */
		if (rc == 0 && unlink(s->journal_name) != 0)
			rc = jerr_sys(e, "%s: cannot remove", s->journal_name);
		if (rc == 0)
			rc = jfs_rename(s->part_name, s->name, e);
	}
	sink_free(s);
	return rc;
}

void
sink_abort(struct sink *s)
{
	if (!s)
		return;
	if (s->journal && !s->worth) {	/* nothing that another run could go on with */
		unlink(s->journal_name);
		unlink(s->part_name);
	}
	sink_free(s);
}
