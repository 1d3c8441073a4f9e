/* deduppass.c - a parallel pass over the lines of the input whose records come in reading order. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"
#include "par/jpar.h"
#include "recordtext.h"

#define DIGEST_FACTOR UINT64_C(0x9fb21c651e98df25)

/* block.out starts with the sum and the factor that carry the digest over the block. */
enum { DIGEST = 16 };

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

size_t
dedup_rec_begin(struct jbuf *out, int letter)
{
	size_t at = out->n;

	jbuf_add(out, "\0\0\0", 4);
	jbuf_addc(out, letter);
	return at;
}

void
dedup_rec_end(struct jbuf *out, size_t at)
{
	jle_put32(out->p + at, (uint32_t)(out->n - at - 4));
}

void
dedup_digest(const struct block *b, uint64_t *sum, uint64_t *factor)
{
	size_t i;

	*sum = 0;
	*factor = 1;
	for (i = 0; i < b->n; i++) {
		const struct line *l = &b->v[i];
		uint64_t h = l->too_long ? l->n : jhash64(b->bytes.p + l->at, l->n, 0);

		*sum = *sum * DIGEST_FACTOR + h;
		*factor *= DIGEST_FACTOR;
	}
}

static void
put_digest(struct block *b)
{
	unsigned char head[DIGEST];
	uint64_t sum, factor;

	dedup_digest(b, &sum, &factor);
	jle_put64(head, sum);
	jle_put64(head + 8, factor);
	jbuf_add(&b->out, head, sizeof(head));
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct dedup_pass *p = arg;
	struct dedup_bench *w = &p->bench[worker];
	struct block *b = block;
	size_t i;
	int rc = 0;

	put_digest(b);
	for (i = 0; i < b->n && rc == 0; i++) {
		jarena_reset(&w->arena);
		rc = p->line(p, w, b, i, e);
	}
	return rc;
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct dedup_pass *p = arg;
	struct block *b = NULL;
	int rc = lines_read(&p->d->lines, &b, e);

	*block = b;
	return rc;
}

int
dedup_changed(struct jerr *e)
{
	return jerr_set(e, JERR_IO, "the input changed while it was read");
}

/* At the end of a shard's lines they must be the ones that were signed. */
static int
check_parts(struct dedup_pass *p, struct jerr *e)
{
	const struct dedup *d = p->d;

	while (p->check > 0 && p->check <= d->shards && p->lines == d->part[p->check].lines) {
		if (p->digest != d->part[p->check].digest)
			return dedup_changed(e);
		p->lines = 0;
		p->digest = 0;
		p->check++;
	}
	return 0;
}

static int
mark(struct dedup_pass *p, struct jerr *e)
{
	const struct kept_point at = { p->done, p->lines, p->digest };

	return kept_mark(p->kept, &at, e);
}

static int
keep(struct dedup_pass *p, const struct block *b, struct jerr *e)
{
	int rc = kept_add(p->kept, b->out.p + DIGEST, b->out.n - DIGEST, e);

	p->done = b->after;
	return rc == 0 && kept_due(p->kept) ? mark(p, e) : rc;
}

static int
take_kept(void *arg, const unsigned char *rec, size_t n, struct jerr *e)
{
	struct dedup_pass *p = arg;

	return n == 0 ? dedup_changed(e) : p->record(p, rec, n, e);
}

/* What an earlier run found, and the input behind it. */
static int
go_on(struct dedup_pass *p, struct jerr *e)
{
	const struct kept_point *at = kept_start(p->kept);
	int rc = kept_each(p->kept, 0, kept_size(p->kept), take_kept, p, e);

	p->done = at->at;
	p->lines = at->lines;
	p->digest = at->digest;
	return rc == 0 ? lines_skip(&p->d->lines, &p->done, e) : rc;
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct dedup_pass *p = arg;
	struct block *b = block;
	const unsigned char *out = (const unsigned char *)b->out.p;
	size_t at = DIGEST, n;
	int rc = 0;

	p->digest = p->digest * jle_u64(out + 8) + jle_u64(out);
	p->lines += b->n;
	for (; at < b->out.n && rc == 0; at += 4 + n) {
		n = jle_u32(out + at);
		rc = p->record(p, out + at + 4, n, e);
	}
	if (rc == 0 && p->kept)
		rc = keep(p, b, e);
	jcli_progress(p->d->cli, p->unit, b->first + b->n, 0, NULL);
	block_free(b);
	return rc < 0 ? rc : check_parts(p, e);
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

int
dedup_pass_run(struct dedup_pass *p, struct jerr *e)
{
	const struct jpar_pipe pipe = { pipe_read, pipe_work, pipe_write, pipe_drop, p };
	int workers = (int)jcli_common(p->d->cli)->jobs, i, rc;

	rc = check_parts(p, e);
	if (p->d->empty || rc < 0)
		return rc;
	rc = dedup_open_input(p->d, e);
	if (rc < 0)
		return rc;
	p->bench = jmem_zalloc((size_t)workers, sizeof(*p->bench));
	for (i = 0; i < workers; i++) {
		jarena_init(&p->bench[i].arena, 0);
		jbuf_init(&p->bench[i].flat);
	}
	rc = p->kept ? go_on(p, e) : 0;
	if (rc == 0)
		rc = jpar_pipe_run(&pipe, workers, e);
	if (rc == 0 && p->kept)
		rc = mark(p, e);
	if (rc == 0 && p->check > 0 && p->check <= p->d->shards)
		rc = dedup_changed(e);
	rc = lines_close(&p->d->lines, rc, e);
	for (i = 0; i < workers; i++) {
		jarena_release(&p->bench[i].arena);
		jshingles_release(&p->bench[i].shingles);
		jwinnow_release(&p->bench[i].places);
		jevals_scan_free(p->bench[i].evals);
		jbuf_release(&p->bench[i].flat);
	}
	jmem_free(p->bench);
	return rc;
}
