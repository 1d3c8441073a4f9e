/*
 * metrics.c - the metrics log: one JSON object per line, written as the step ends, so that `tail -f`
 * shows the run.  It grows in place (a log is read while it is written), hence not an atomic file.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jsys.h"
#include "conf/jval.h"
#include "record/jrec.h"
#include "train/train_internal.h"

struct metrics {
	int fd;
	char *path;
	struct jbuf line;
};

/* Offset behind the last line with a step of at most keep; what follows is cut off. */
static int
keep_until(struct metrics *m, int64_t keep, struct jerr *e)
{
	struct jarena a;
	struct jbuf all;
	char chunk[65536];
	struct jerr ignored = { 0 };
	struct jrec r;
	size_t at = 0, good = 0;
	ssize_t got;

	jbuf_init(&all);
	jarena_init(&a, 0);
	while ((got = read(m->fd, chunk, sizeof(chunk))) > 0)
		jbuf_add(&all, chunk, (size_t)got);
	while (at < all.n) {
		char *end = memchr(all.p + at, '\n', all.n - at);
		int64_t step;

		if (!end || jrec_parse(&r, all.p + at, (size_t)(end - all.p) - at, &a, &ignored) < 0
			|| !jrec_int(&r, "step", &step) || step > keep)
			break;
		at = good = (size_t)(end - all.p) + 1;
		jarena_reset(&a);
	}
	jbuf_release(&all);
	jarena_release(&a);
	if (got < 0)
		return jerr_sys(e, "%s: cannot read", m->path);
	if (ftruncate(m->fd, (off_t)good) < 0 || lseek(m->fd, (off_t)good, SEEK_SET) < 0)
		return jerr_sys(e, "%s: cannot cut back to step %lld", m->path, (long long)keep);
	return 0;
}

int
metrics_open(struct metrics **made, const char *path, int64_t keep, struct jerr *e)
{
	struct metrics *m;
	struct stat st;
	bool out = strcmp(path, "-") == 0;
	int fd;

	fd = out ? dup(1) : open(path, O_RDWR | O_CREAT, 0666);
	if (fd < 0 && !out && (errno == EACCES || errno == EINVAL || errno == ENXIO))
		fd = open(path, O_WRONLY);
	if (fd < 0)
		return jerr_sys(e, "%s: cannot open the metrics log", path);
	m = jmem_zalloc(1, sizeof(*m));
	m->fd = fd;
	m->path = jmem_strdup(path);
	jbuf_init(&m->line);
	if (!out && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && keep_until(m, keep, e) < 0) {
		struct jerr ignored = { 0 };

		metrics_close(m, &ignored);
		return e->code;
	}
	*made = m;
	return 0;
}

static void
put_known(struct jbuf *b, const char *key, double v)
{
	if (!isnan(v))
		jrec_put_num(b, key, v);
}

int
metrics_put(struct metrics *m, const struct metrics_line *l, struct jerr *e)
{
	struct jbuf *b = &m->line;
	size_t at = 0;

	jbuf_reset(b);
	jrec_begin(b);
	jrec_put_int(b, "step", l->step);
	jrec_put_num(b, "loss", l->loss);
	jrec_put_num(b, "lr", l->lr);
	jrec_put_num(b, "grad_norm", l->grad_norm);
	jrec_put_int(b, "tokens", (int64_t)l->tokens);
	jrec_put_int(b, "targets", (int64_t)l->targets);
	put_known(b, "bpb", l->bpb);
	put_known(b, "valid_loss", l->valid_loss);
	put_known(b, "valid_bpb", l->valid_bpb);
	jrec_put_num(b, "tokens_per_s", l->tokens_per_s);
	put_known(b, "peak_share", l->peak_share);
	jrec_put_int(b, "rss_bytes", (int64_t)jsys_rss());
	jrec_end(b);
	while (at < b->n) {
		ssize_t put = write(m->fd, b->p + at, b->n - at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return jerr_sys(e, "%s: cannot write the metrics log", m->path);
		at += (size_t)put;
	}
	return 0;
}

int
metrics_close(struct metrics *m, struct jerr *e)
{
	int rc = 0;

	if (!m)
		return 0;
	if (close(m->fd) < 0)
		rc = jerr_sys(e, "%s: cannot close the metrics log", m->path);
	jmem_free(m->path);
	jbuf_release(&m->line);
	jmem_free(m);
	return rc;
}
