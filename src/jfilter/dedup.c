#include "dedup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "dedupfiles.h"
#include "io/jfs.h"

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

int
dedup_read_id(const struct dedup *d, uint64_t rank, struct jbuf *id, struct jerr *e)
{
	struct dedup_doc doc;
	int rc = dedup_get(d, rank, &doc, e);

	jbuf_reset(id);
	if (rc < 0)
		return rc;
	jbuf_reserve(id, doc.id_n);
	rc = scratch_read(&d->ids, doc.id_at, id->p, doc.id_n, e);
	id->n = doc.id_n;
	id->p[id->n] = 0;
	return rc;
}

int
dedup_find_twin(const struct dedup *d, const struct dedup_doc *doc, uint64_t *twin,
	double *similarity, bool *exact, struct jerr *e)
{
	struct dedup_doc best;
	int rc;

	*twin = doc->twin;
	*similarity = doc->similarity;
	*exact = doc->exact != 0;
	if (!doc->exact)
		return 0;
	rc = dedup_get(d, doc->twin, &best, e);
	if (rc == 0 && best.twin != DEDUP_KEPT) {
		*twin = best.twin;
		*similarity = best.similarity;
		*exact = false;
	}
	return rc;
}

int
dedup_bits(unsigned char **bits, uint64_t n, struct jerr *e)
{
	*bits = n < SIZE_MAX ? jmem_try((size_t)(n / 8 + 1), 1) : NULL;
	if (!*bits)
		return jerr_set(e, JERR_NOMEM, "no memory for one bit each of %llu lines",
			(unsigned long long)n);
	memset(*bits, 0, (size_t)(n / 8 + 1));
	return 0;
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
dedup_spool(struct dedup *d, struct jerr *e)
{
	return can_read_twice(d->argc, d->argv) ? 0 : fill_spool(d, e);
}

static int
check_keep(const char *keep, struct jerr *e)
{
	if (strcmp(keep, "first") == 0 || strcmp(keep, "longest") == 0 ||
	    (jstr_starts(keep, "score:") && keep[6]))
		return 0;
	return jerr_set(e, JERR_ARG, "--keep %s: expected first, longest or score:NAME", keep);
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
	if (o->min_words < 1 || o->min_words > 1000000)
		return jerr_set(e, JERR_ARG, "--min-words %lld: expected 1 to 1000000",
			(long long)o->min_words);
	if (o->min_bytes < 16 || o->min_bytes > 1 << 20)
		return jerr_set(e, JERR_ARG, "--min-bytes %lld: expected 16 to 1048576",
			(long long)o->min_bytes);
	if (!o->work && (o->step || o->shard))
		return jerr_set(e, JERR_ARG, "--step and --shard need --work FOLDER");
	if (o->work && !o->step)
		return jerr_set(e, JERR_ARG, "--work needs --step: sign, merge or apply");
	return check_keep(o->keep, e);
}

/* What only one kind of comparison, or one step, can do. */
static int
check_use(const struct dedup *d, struct jerr *e)
{
	const struct dedup_opts *o = d->opts;
	bool merge = !o->step || strcmp(o->step, "merge") == 0;
	bool apply = !o->step || strcmp(o->step, "apply") == 0;

	if (d->by != DEDUP_DOCUMENT && (o->clusters || o->index))
		return jerr_set(e, JERR_ARG, "%s needs --by document",
			o->clusters ? "--clusters" : "--index");
	if (d->by == DEDUP_DOCUMENT && o->cuts)
		return jerr_set(e, JERR_ARG, "--cuts needs --by paragraph, line or substring");
	if (!merge && (o->clusters || o->index))
		return jerr_set(e, JERR_ARG, "%s belongs to the step merge",
			o->clusters ? "--clusters" : "--index");
	if (!apply && o->cuts)
		return jerr_set(e, JERR_ARG, "--cuts belongs to the step apply");
	if (o->work && jcli_common(d->cli)->limit > 0)
		return jerr_set(e, JERR_ARG, "--limit cannot be used with --work");
	if (o->work && !can_read_twice(d->argc, d->argv))
		return jerr_set(e, JERR_ARG, "--work needs files, the same ones for every step");
	return 0;
}

void
dedup_release(struct dedup *d)
{
	int i;

	scratch_close(&d->spool);
	scratch_close(&d->sign);
	scratch_close(&d->plan);
	scratch_close(&d->sets);
	scratch_close(&d->ids);
	scratch_close(&d->docs);
	scratch_close(&d->rank_of);
	jsort_close(d->plans);
	jsort_close(d->cuts);
	jmem_free(d->gone);
	jmem_free(d->wanted);
	jmem_free(d->part);
	jbuf_release(&d->params);
	for (i = 0; d->own_argv && i < d->argc; i++)
		jmem_free(d->argv[i]);
	if (d->own_argv)
		jmem_free(d->argv);
}

static int
compare(struct dedup *d, struct jerr *e)
{
	int rc;

	switch (d->by) {
	case DEDUP_PARAGRAPH:
	case DEDUP_LINE:
		return dedup_units(d, e);
	case DEDUP_SUBSTRING:
		return dedup_spans(d, e);
	case DEDUP_DOCUMENT:
	case DEDUP_EVALS:
		break;
	}
	rc = dedup_exact(d, e);
	return rc < 0 ? rc : dedup_pairs(d, e);
}

static int
merge(struct dedup *d, struct jout **index, struct jerr *e)
{
	int rc = dedup_rank(d, e);

	if (rc == 0)
		rc = jsort_open(&d->plans, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = jsort_open(&d->cuts, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = compare(d, e);
	if (rc == 0 && d->opts->clusters)
		rc = dedup_clusters(d, e);
	if (rc == 0 && d->opts->index && d->opts->add)
		rc = dedup_index(d, index, e);
	return rc < 0 ? rc : dedup_plan(d, e);
}

static int
run_merge(struct dedup *d, struct jerr *e)
{
	struct jout *index = NULL;
	int rc = merge(d, &index, e);

	if (rc < 0) {
		jout_abort(index);
		return rc;
	}
	jcli_info(d->cli, "%d shards, %llu documents: %llu equal to another, %llu near one", d->shards,
		(unsigned long long)d->n, (unsigned long long)d->exact, (unsigned long long)d->near);
	return index ? jout_commit(index, e) : 0;
}

static int
run_alone(struct dedup *d, struct jerr *e)
{
	struct jout *index = NULL;
	int rc = dedup_spool(d, e);

	if (rc == 0)
		rc = dedup_sign(d, e);
	if (rc == 0)
		rc = merge(d, &index, e);
	if (rc == 0)
		rc = dedup_write(d, e);
	if (rc < 0) {
		jout_abort(index);
		return rc;
	}
	return index ? jout_commit(index, e) : 0;
}

static enum dedup_by
by_name(const char *s)
{
	static const char *const names[] = { "document", "paragraph", "line", "substring" };
	int i;

	for (i = 0; i < 3 && strcmp(s, names[i]) != 0; i++)
		;
	return (enum dedup_by)i;
}

/* Up to five sorts, filters and merges at a time, beside the program and the blocks of the pipeline. */
static size_t
sort_memory(uint64_t memory)
{
	const uint64_t program = 16 << 20;

	return (size_t)(memory > 2 * program ? (memory - program) / 6 : memory / 12);
}

int
dedup_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct dedup d = { .opts = opts, .cli = cli, .argc = argc, .argv = argv, .shard = 1,
		.shards = 1 };
	const char *step = d.opts->step;
	int bands, rows, rc;

	jbuf_init(&d.params);
	d.by = by_name(d.opts->by);
	d.sort_memory = sort_memory(jcli_common(cli)->memory);
	rc = check_opts(d.opts, e);
	if (rc == 0)
		rc = check_use(&d, e);
	if (rc == 0) {
		jminhash_choose(d.opts->threshold, &bands, &rows);
		rc = jminhash_init(&d.hash, bands, rows, 1, e);
	}
	if (rc == 0)
		rc = dedup_files_init(&d, e);
	if (rc == 0)
		rc = !step ? run_alone(&d, e) : strcmp(step, "sign") == 0 ? dedup_sign(&d, e) :
			strcmp(step, "merge") == 0 ? run_merge(&d, e) : dedup_write(&d, e);
	dedup_release(&d);
	return rc;
}
