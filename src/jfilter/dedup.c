#include "dedup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "recordtext.h"

void
dedup_put64(unsigned char *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

uint64_t
dedup_get64(const unsigned char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

int
dedup_get(const struct dedup *d, uint64_t rank, struct dedup_doc *doc, struct jerr *e)
{
	return scratch_read(&d->docs, rank * sizeof(*doc), doc, sizeof(*doc), e);
}

int
dedup_put(struct dedup *d, uint64_t rank, const struct dedup_doc *doc, struct jerr *e)
{
	return scratch_write(&d->docs, rank * sizeof(*doc), doc, sizeof(*doc), e);
}

bool
dedup_is_gone(const struct dedup *d, uint64_t rank)
{
	return d->gone[rank / 8] >> (rank % 8) & 1;
}

void
dedup_set_gone(struct dedup *d, uint64_t rank)
{
	d->gone[rank / 8] |= (unsigned char)(1u << (rank % 8));
}

bool
dedup_parse(struct block *b, size_t i, struct jarena *a, struct jrec *r, const char **rule,
	struct jerr *why)
{
	const struct line *l = &b->v[i];
	const char *text;
	size_t n;

	if (l->too_long) {
		*rule = "too_long";
		jerr_set(why, JERR_LIMIT, "line is longer than --max-line");
		return false;
	}
	if (jrec_parse(r, b->bytes.p + l->at, l->n, a, why) < 0) {
		*rule = "malformed";
		return false;
	}
	if (!record_text(r, &text, &n)) {
		*rule = "no_text";
		jerr_set(why, JERR_FORMAT, "expected text, prompt or messages");
		return false;
	}
	return true;
}

static bool
can_read_twice(int argc, char **argv)
{
	struct stat st;
	int i;

	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], "-") == 0 || stat(argv[i], &st) != 0 ||
		    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			return false;
	return argc > 0;
}

/* Copies all lines to the spool. */
static int
fill_spool(struct dedup *d, struct jerr *e)
{
	struct jreader r;
	char *line;
	size_t n;
	int rc;

	rc = jreader_open(&r, d->argc, d->argv, e);
	if (rc < 0)
		return rc;
	r.max_line = (size_t)jcli_common(d->cli)->max_line;
	rc = scratch_open(&d->spool, e);
	while (rc >= 0 && (rc = jreader_line(&r, &line, &n, e)) > 0) {
		/* A line over the cap is kept as one that no reader can take, to be counted there. */
		rc = scratch_add(&d->spool, rc == 2 ? "\1" : line, rc == 2 ? 1 : n, e);
		if (rc == 0)
			rc = scratch_add(&d->spool, "\n", 1, e);
	}
	jreader_close(&r);
	return rc < 0 ? rc : scratch_flush(&d->spool, e);
}

int
dedup_open_input(struct dedup *d, struct jerr *e)
{
	char path[32], *argv[1] = { path };

	if (!d->spool.buf)
		return lines_open(&d->lines, d->cli, d->argc, d->argv, e);
	if (lseek(d->spool.fd, 0, SEEK_SET) < 0)
		return jerr_sys(e, "cannot rewind the copy of the input");
	snprintf(path, sizeof(path), "/dev/fd/%d", d->spool.fd);
	return lines_open_copy(&d->lines, d->cli, argv, d->argc > 0 ? d->argv[0] : "-", e);
}

static int
check_opts(const struct dedup_opts *o, struct jerr *e)
{
	if (!(o->threshold > 0 && o->threshold <= 1))
		return jerr_set(e, JERR_ARG, "--threshold %g: expected more than 0, at most 1",
			o->threshold);
	if (o->shingle < 1 || o->shingle > 100)
		return jerr_set(e, JERR_ARG, "--shingle %lld: expected 1 to 100 words",
			(long long)o->shingle);
	if (strcmp(o->keep, "first") != 0 && strcmp(o->keep, "longest") != 0 &&
	    !(jstr_starts(o->keep, "score:") && o->keep[6]))
		return jerr_set(e, JERR_ARG, "--keep %s: expected first, longest or score:NAME", o->keep);
	return 0;
}

static void
release(struct dedup *d)
{
	scratch_close(&d->spool);
	scratch_close(&d->sets);
	scratch_close(&d->ids);
	scratch_close(&d->bands);
	scratch_close(&d->docs);
	scratch_close(&d->twins);
	jsort_close(d->ranks);
	jmem_free(d->gone);
}

int
dedup_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct dedup d = { .opts = opts, .cli = cli, .argc = argc, .argv = argv };
	int bands, rows, rc;

	rc = check_opts(d.opts, e);
	if (rc < 0)
		return rc;
	d.sort_memory = (size_t)(jcli_common(cli)->memory / 4);
	jminhash_choose(d.opts->threshold, &bands, &rows);
	rc = jminhash_init(&d.hash, bands, rows, 1, e);
	if (rc == 0 && !can_read_twice(argc, argv))
		rc = fill_spool(&d, e);
	if (rc == 0)
		rc = dedup_sign(&d, e);
	if (rc == 0)
		rc = dedup_rank(&d, e);
	if (rc == 0)
		rc = dedup_pairs(&d, e);
	if (rc == 0)
		rc = dedup_write(&d, e);
	release(&d);
	return rc;
}
