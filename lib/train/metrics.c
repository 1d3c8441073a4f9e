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
#include "graph/jmoe.h"
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
	if (isfinite(v))
		jrec_put_num(b, key, v);
}

void
metrics_experts(struct metrics_line *l, const struct jmoe *moe)
{
	struct jmoe_load load;

	if (!moe)
		return;
	jmoe_load(moe, &load);
	l->router_aux = load.aux;
	l->router_z = load.z;
	l->expert_busiest = load.busiest;
	l->expert_idle = load.idle;
}

int
metrics_write(struct metrics *m, const char *line, size_t n, struct jerr *e)
{
	size_t at = 0;

	while (at < n) {
		ssize_t put = write(m->fd, line + at, n - at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return jerr_sys(e, "%s: cannot write", m->path);
		at += (size_t)put;
	}
	return 0;
}

int
metrics_put(struct metrics *m, const struct metrics_line *l, struct jerr *e)
{
	struct jbuf *b = &m->line;

	jbuf_reset(b);
	jrec_begin(b);
	jrec_put_int(b, "step", l->step);
	put_known(b, "loss", l->loss);
	jrec_put_num(b, "lr", l->lr);
	put_known(b, "grad_norm", l->grad_norm);
	jrec_put_int(b, "tokens", (int64_t)l->tokens);
	jrec_put_int(b, "targets", (int64_t)l->targets);
	put_known(b, "bpb", l->bpb);
	put_known(b, "valid_loss", l->valid_loss);
	put_known(b, "valid_bpb", l->valid_bpb);
	if (l->left_out)
		jrec_put_str(b, "left_out", l->left_out, strlen(l->left_out));
	if (l->by_source)
		jrec_put_raw(b, "sources", l->by_source, strlen(l->by_source));
	if (l->expert_busiest > 0) {
		put_known(b, "router_aux", l->router_aux);
		put_known(b, "router_z", l->router_z);
		jrec_put_num(b, "expert_busiest", l->expert_busiest);
		jrec_put_num(b, "expert_idle", l->expert_idle);
	}
	jrec_put_num(b, "tokens_per_s", l->tokens_per_s);
	put_known(b, "peak_share", l->peak_share);
	jrec_put_int(b, "rss_bytes", (int64_t)jsys_rss());
	jrec_end(b);
	return metrics_write(m, b->p, b->n, e);
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
