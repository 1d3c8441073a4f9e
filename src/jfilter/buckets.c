#include "buckets.h"

#include <math.h>
#include <string.h>

#include "dedupfiles.h"
#include "io/jsort.h"
#include "par/jpar.h"

/* A sorted record: the language, filled with zeros, then the perplexity, whose bits are in its order. */
enum { CODE = sizeof(((struct bucket_cut *)0)->lang), RECORD = CODE + 8 };

struct measure {
	struct judge *judge;
	struct lines lines;
	struct judge_bench *bench;
	struct jsort *sort;
	struct jcli *cli;
};

const char *
buckets_lang(const struct jrec *r, struct jpage *page)
{
	const struct jlang_guess *g;
	const char *s;
	size_t n;

	if (jrec_str(r, "lang", &s, &n))
		return s;
	g = jpage_lang(page);
	return g ? g->code : "";
}

static int
measure_line(struct measure *m, struct judge_bench *w, struct block *b, size_t i, struct jerr *e)
{
	struct judged t = { .page = true };
	unsigned char rec[RECORD] = "";
	struct jerr why = { 0 };
	const char *rule, *lang;
	struct verdict v;
	struct jrec r;
	double value;
	uint64_t bits;
	int rc;

	jarena_reset(&w->arena);
	if (!dedup_parse(b, i, &w->arena, &r, &rule, &why))
		return 0;
	t.r = &r;
	t.kind = record_kind(&r);
	record_text(&r, &t.text, &t.n);
	rc = judge_text(m->judge, w, &t, &v, e);
	if (rc < 0 || v.rule)
		return rc;
	value = jsignal_find("perplexity")->measure(w->page);
	if (isnan(value))
		return 0;
	lang = buckets_lang(&r, w->page);
	memcpy(rec, lang, strlen(lang) < CODE ? strlen(lang) : CODE - 1);
	memcpy(&bits, &value, sizeof(bits));	/* not negative */
	dedup_put64(rec + CODE, bits);
	jbuf_add(&b->out, rec, sizeof(rec));
	return 0;
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct measure *m = arg;
	struct block *b = block;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = measure_line(m, &m->bench[worker], b, i, e);
	return rc;
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct measure *m = arg;
	struct block *b = block;
	size_t at;
	int rc = 0;

	for (at = 0; at < b->out.n && rc == 0; at += RECORD)
		rc = jsort_add(m->sort, b->out.p + at, RECORD, e);
	jcli_progress(m->cli, "records measured", b->first + b->n, 0, NULL);
	block_free(b);
	return rc;
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct measure *m = arg;
	struct block *b = NULL;
	int rc = lines_read(&m->lines, &b, e);

	*block = b;
	return rc;
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

static int
run_pipe(struct measure *m, struct jerr *e)
{
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, m };
	int workers = (int)jcli_common(m->cli)->jobs, i, rc;

	m->bench = jmem_zalloc((size_t)workers, sizeof(*m->bench));
	for (i = 0; i < workers; i++)
		judge_bench_init(&m->bench[i], m->judge);
	rc = jpar_pipe_run(&p, workers, e);
	for (i = 0; i < workers; i++)
		judge_bench_release(&m->bench[i]);
	jmem_free(m->bench);
	return rc;
}

/* So many values of a language, to a scratch file: the limits are known when they are counted. */
struct run {
	unsigned char code[CODE];
	uint64_t n;
	struct scratch values;
};

static int
value_at(const struct run *run, double share, double *v, struct jerr *e)
{
	uint64_t rank = (uint64_t)ceil(share * (double)run->n), bits;
	int rc;

	rank = rank < 1 ? 1 : rank > run->n ? run->n : rank;
	rc = scratch_read(&run->values, (rank - 1) * 8, &bits, 8, e);
	memcpy(v, &bits, sizeof(*v));
	return rc;
}

static int
end_run(struct measure *m, struct run *run, struct jerr *e)
{
	struct models *models = &m->judge->models;
	struct bucket_cut c = { .head = 0 };
	int rc;

	if (run->n == 0)
		return 0;
	memcpy(c.lang, run->code, CODE);
	rc = scratch_flush(&run->values, e);
	if (rc == 0)
		rc = value_at(run, models->head, &c.head, e);
	if (rc == 0)
		rc = value_at(run, models->middle, &c.middle, e);
	if (rc < 0)
		return rc;
	JMEM_GROW(models->cut, models->cut_cap, models->cuts + 1);
	models->cut[models->cuts++] = c;
	jcli_info(m->cli, "%s: head up to a perplexity of %g, middle up to %g (%llu records)",
		*c.lang ? c.lang : "no language", c.head, c.middle, (unsigned long long)run->n);
	run->n = 0;
	scratch_close(&run->values);
	return 0;
}

static int
add_value(struct measure *m, struct run *run, const unsigned char *rec, struct jerr *e)
{
	uint64_t bits = dedup_get64(rec + CODE);
	int rc = 0;

	if (run->n > 0 && memcmp(run->code, rec, CODE) != 0)
		rc = end_run(m, run, e);
	if (rc == 0 && run->n == 0) {
		memcpy(run->code, rec, CODE);
		rc = scratch_open(&run->values, e);
	}
	run->n++;
	return rc == 0 ? scratch_add(&run->values, &bits, 8, e) : rc;
}

static int
find_cuts(struct measure *m, struct jerr *e)
{
	struct run run = { .n = 0 };
	const void *p;
	size_t n;
	int rc = jsort_finish(m->sort, e);

	while (rc == 0 && (rc = jsort_next(m->sort, &p, &n, e)) > 0)
		rc = add_value(m, &run, p, e);
	if (rc == 0)
		rc = end_run(m, &run, e);
	scratch_close(&run.values);
	return rc;
}

int
buckets_measure(struct judge *j, struct jcli *cli, int argc, char **argv, struct jerr *e)
{
	struct measure m = { .judge = j, .cli = cli };
	struct jreader all;
	size_t i;
	int rc = jreader_open(&all, argc, argv, e);

	if (rc < 0)
		return rc;
	for (i = 0; i < all.n && rc == 0; i++)
		if (strcmp(all.files[i], "-") == 0)
			rc = jerr_set(e, JERR_ARG, "--buckets by percentiles needs files: standard input cannot be read twice");
	jreader_close(&all);
	if (rc == 0)
		rc = lines_open(&m.lines, cli, argc, argv, e);
	if (rc < 0)
		return rc;
	rc = jsort_open(&m.sort, (size_t)(jcli_common(cli)->memory / 4), NULL, e);
	if (rc == 0)
		rc = run_pipe(&m, e);
	if (rc == 0)
		rc = find_cuts(&m, e);
	jsort_close(m.sort);
	return lines_close(&m.lines, rc, e);
}
