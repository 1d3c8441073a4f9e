#include "split.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "lines.h"
#include "par/jpar.h"
#include "record/jrec.h"
#include "recordtext.h"

enum part { TRAIN, VALID, TEST, BAD };

struct split {
	struct lines lines;
	struct jarena *arena;		/* one for each worker */
	const struct split_opts *opts;
	double valid, test;
	struct jout *valid_out, *test_out;
	uint64_t count[RESUME_COUNTS];	/* by part */
	struct resume_opts resume;
};

double
split_fraction(const char *id, size_t n)
{
	return (double)(jhash64(id, n, 0) >> 11) * 0x1p-53;
}

int
split_share(const char *option, const char *s, double *share, struct jerr *e)
{
	size_t n = strlen(s);
	char number[32];

	*share = -1;
	if (n > 0 && n < sizeof(number)) {
		memcpy(number, s, n + 1);
		if (number[n - 1] == '%')
			number[n - 1] = 0;
		if (jstr_to_double(number, share) == 0 && s[n - 1] == '%')
			*share /= 100;
	}
	if (!(*share >= 0 && *share < 1))
		return jerr_set(e, JERR_ARG, "%s %s: expected a share like 2%% or 0.02", option, s);
	return 0;
}

/* Without the member the whole line decides, so that equal lines stay together. */
static enum part
part_of(const struct split *s, const struct jrec *r)
{
	const struct jrec_member *m = jrec_find(r, s->opts->by);
	const char *id = r->line;
	size_t n = r->line_n;
	double u;

	if (m && !jrec_str(r, s->opts->by, &id, &n)) {
		id = m->val;
		n = m->val_n;
	}
	u = split_fraction(id, n);
	return u < s->valid ? VALID : u < s->valid + s->test ? TEST : TRAIN;
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct split *s = arg;
	struct block *b = block;
	size_t i;

	for (i = 0; i < b->n; i++) {
		struct jerr why = { 0 };
		struct jrec r;

		jarena_reset(&s->arena[worker]);
		b->v[i].part = BAD;
		if (b->v[i].too_long)
			block_malformed(b, i, "too_long", "line is longer than --max-line");
		else if (jrec_parse(&r, b->bytes.p + b->v[i].at, b->v[i].n, &s->arena[worker],
		    &why) < 0)
			block_malformed(b, i, "malformed", why.msg);
		else
			b->v[i].part = part_of(s, &r);
	}
	return 0;
}

/* To the part that is set aside. */
static int
put_held(struct split *s, int part, const void *p, size_t n, struct jerr *e)
{
	if (s->lines.resume)
		return resume_write_more(s->lines.resume, part == TEST, p, n, e);
	return jout_write(part == VALID ? s->valid_out : s->test_out, p, n, e);
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct split *s = arg;
	struct block *b = block;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc >= 0; i++) {
		const struct line *l = &b->v[i];
		if (l->part == BAD)
			continue;
		b->kept++;
		s->count[l->part]++;
		if (l->part == TRAIN) {
			jbuf_add(&b->out, b->bytes.p + l->at, l->n);
			jbuf_addc(&b->out, '\n');
			continue;
		}
		rc = put_held(s, l->part, b->bytes.p + l->at, l->n, e);
		if (rc >= 0)
			rc = put_held(s, l->part, "\n", 1, e);
	}
	if (rc < 0) {
		block_free(b);
		return rc;
	}
	return lines_write(&s->lines, b, e);
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct split *s = arg;
	struct block *b = NULL;
	int rc = lines_read(&s->lines, &b, e);

	*block = b;
	return rc;
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

static int
check(struct split *s, struct jerr *e)
{
	int rc = split_share("--valid", s->opts->valid, &s->valid, e);

	if (rc == 0)
		rc = split_share("--test", s->opts->test, &s->test, e);
	if (rc < 0)
		return rc;
	if (s->valid + s->test >= 1)
		return jerr_set(e, JERR_ARG, "--valid %s and --test %s leave nothing to train on",
			s->opts->valid, s->opts->test);
	if (!s->opts->valid_file != !(s->valid > 0))
		return jerr_set(e, JERR_ARG, "--valid and --valid-file go together");
	if (!s->opts->test_file != !(s->test > 0))
		return jerr_set(e, JERR_ARG, "--test and --test-file go together");
	return 0;
}

static int
open_parts(struct split *s, struct jerr *e)
{
	int rc;

	if (s->opts->resume) {
		s->resume = (struct resume_opts){ .cli = s->lines.cli, .counts = s->count,
			.more = { { s->opts->valid_file, "--valid-file" }, { s->opts->test_file, "--test-file" } } };
		return lines_resume_output(&s->lines, s->opts->table, &s->resume, e);
	}
	rc = lines_open_output(&s->lines, e);
	if (s->opts->valid_file)
		jout_clean(s->opts->valid_file);
	if (s->opts->test_file)
		jout_clean(s->opts->test_file);
	if (rc == 0 && s->opts->valid_file)
		rc = jout_open(&s->valid_out, s->opts->valid_file, e);
	if (rc == 0 && s->opts->test_file)
		rc = jout_open(&s->test_out, s->opts->test_file, e);
	return rc;
}

static int
close_part(struct jout **out, int rc, struct jerr *e)
{
	struct jout *o = *out;

	*out = NULL;
	if (rc < 0)
		jout_abort(o);
	else if (o)
		rc = jout_commit(o, e);
	return rc;
}

static void
note_count(struct jcli *cli, const char *name, uint64_t count)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)count);
	jcli_note(cli, name, number);
}

int
split_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct split s = { .opts = opts };
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, &s };
	int workers = (int)jcli_common(cli)->jobs, i, rc;

	rc = check(&s, e);
	if (rc == 0)
		rc = lines_open(&s.lines, cli, argc, argv, e);
	if (rc < 0)
		return rc;
	s.arena = jmem_zalloc((size_t)workers, sizeof(*s.arena));
	for (i = 0; i < workers; i++)
		jarena_init(&s.arena[i], 0);
	rc = open_parts(&s, e);
	if (rc == 0)
		rc = jpar_pipe_run(&p, workers, e);
	rc = close_part(&s.valid_out, rc, e);
	rc = close_part(&s.test_out, rc, e);
	rc = lines_close(&s.lines, rc, e);
	for (i = 0; i < workers; i++)
		jarena_release(&s.arena[i]);
	jmem_free(s.arena);
	if (rc == 0) {
		note_count(cli, "train", s.count[TRAIN]);
		note_count(cli, "valid", s.count[VALID]);
		note_count(cli, "test", s.count[TEST]);
		jcli_info(cli, "%llu to train on, %llu to validate, %llu to test",
			(unsigned long long)s.count[TRAIN], (unsigned long long)s.count[VALID],
			(unsigned long long)s.count[TEST]);
	}
	return rc;
}
