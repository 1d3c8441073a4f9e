/*
 * events.c - the metrics of a run as a TensorBoard event file.
 *
 * The file is a TFRecord stream: per record the length (u64), its masked CRC-32C (u32), the bytes,
 * their masked CRC-32C.  A record is a protocol buffer
 *
 *	Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
 *	Summary { repeated Value value = 1; }   Value { string tag = 1; float simple_value = 2; }
 *
 * and the first one names the version.  One file for the whole run: a resumed run cuts it back to its
 * checkpoint, so that TensorBoard sees every step once.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "io/jfs.h"
#include "train/train_internal.h"

#define FILE_NAME "events.out.tfevents.jtrain"
#define VERSION "brain.Event:2"
#define HEAD 12			/* length and its check */
#define MAX_RECORD 65536	/* ours are far smaller */

struct events {
	int fd;
	char *path;
	struct jbuf event, summary, value, record;
};

static uint32_t
check(const void *p, size_t n)
{
	uint32_t crc = jcrc32c(0, p, n);

	return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* An event with its time; the caller adds what it tells. */
static void
begin_event(struct events *v)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	jbuf_reset(&v->event);
	wire_double(&v->event, 1, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

static int
write_event(struct events *v, struct jerr *e)
{
	unsigned char head[HEAD], tail[4];
	size_t at = 0;

	jle_put64(head, v->event.n);
	jle_put32(head + 8, check(head, 8));
	jle_put32(tail, check(v->event.p, v->event.n));
	jbuf_reset(&v->record);
	jbuf_add(&v->record, head, sizeof(head));
	jbuf_add(&v->record, v->event.p, v->event.n);
	jbuf_add(&v->record, tail, sizeof(tail));
	while (at < v->record.n) {
		ssize_t put = write(v->fd, v->record.p + at, v->record.n - at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return jerr_sys(e, "%s: cannot write the events", v->path);
		at += (size_t)put;
	}
	return 0;
}

/* Field 2 of an event that we wrote, 0 if it has none. */
static int64_t
event_step(const unsigned char *p, size_t n)
{
	uint64_t step = 0;
	size_t i;

	if (n < 11 || p[9] != (2 << 3 | WIRE_VARINT))
		return 0;
	for (i = 10; i < n && i < 19; i++) {
		step |= (uint64_t)(p[i] & 127) << (7 * (i - 10));
		if (p[i] < 128)
			break;
	}
	return (int64_t)step;
}

/* Reads the next record; its size in the file, or 0 at the end and where it is not whole. */
static size_t
next_record(int fd, unsigned char *p, size_t *n)
{
	unsigned char head[HEAD];

	if (read(fd, head, HEAD) != HEAD || jle_u32(head + 8) != check(head, 8))
		return 0;
	*n = (size_t)jle_u64(head);
	if (*n > MAX_RECORD || read(fd, p, *n + 4) != (ssize_t)*n + 4
		|| jle_u32(p + *n) != check(p, *n))
		return 0;
	return HEAD + *n + 4;
}

/* Cuts off what follows the last whole event of a step of at most keep. */
static int
keep_until(struct events *v, int64_t keep, struct jerr *e)
{
	unsigned char *p = jmem_alloc(MAX_RECORD + 4, 1);
	off_t good = 0;
	size_t n, size;

	while ((size = next_record(v->fd, p, &n)) > 0 && event_step(p, n) <= keep)
		good += (off_t)size;
	jmem_free(p);
	if (ftruncate(v->fd, good) < 0 || lseek(v->fd, good, SEEK_SET) < 0)
		return jerr_sys(e, "%s: cannot cut back to step %lld", v->path, (long long)keep);
	if (good > 0)
		return 0;
	begin_event(v);
	wire_bytes(&v->event, 3, VERSION, strlen(VERSION));
	return write_event(v, e);
}

int
events_open(struct events **made, const char *dir, int64_t keep, struct jerr *e)
{
	struct jerr ignored = { 0 };
	struct events *v;
	size_t n;

	if (jfs_mkdirs(dir, e) < 0)
		return e->code;
	v = jmem_zalloc(1, sizeof(*v));
	n = strlen(dir) + sizeof("/" FILE_NAME);
	v->path = jmem_alloc(n, 1);
	snprintf(v->path, n, "%s/" FILE_NAME, dir);
	jbuf_init(&v->event);
	jbuf_init(&v->summary);
	jbuf_init(&v->value);
	jbuf_init(&v->record);
	v->fd = open(v->path, O_RDWR | O_CREAT, 0666);
	if (v->fd < 0)
		jerr_sys(e, "%s: cannot open", v->path);
	if (v->fd < 0 || keep_until(v, keep, e) < 0) {
		events_close(v, &ignored);
		return e->code;
	}
	*made = v;
	return 0;
}

static void
put_scalar(struct events *v, const char *tag, double x)
{
	if (!isfinite(x))
		return;
	jbuf_reset(&v->value);
	wire_bytes(&v->value, 1, tag, strlen(tag));
	wire_float(&v->value, 2, (float)x);
	wire_bytes(&v->summary, 1, v->value.p, v->value.n);
}

int
events_put(struct events *v, const struct metrics_line *l, struct jerr *e)
{
	jbuf_reset(&v->summary);
	put_scalar(v, "loss/train", l->loss);
	put_scalar(v, "loss/held-out", l->valid_loss);
	put_scalar(v, "bits_per_byte/train", l->bpb);
	put_scalar(v, "bits_per_byte/held-out", l->valid_bpb);
	put_scalar(v, "optimizer/lr", l->lr);
	put_scalar(v, "optimizer/grad_norm", l->grad_norm);
	put_scalar(v, "speed/tokens_per_s", l->tokens_per_s);
	put_scalar(v, "speed/peak_share", l->peak_share);
	put_scalar(v, "tokens", (double)l->tokens);
	begin_event(v);
	wire_key(&v->event, 2, WIRE_VARINT);
	wire_varint(&v->event, (uint64_t)l->step);
	wire_bytes(&v->event, 5, v->summary.p, v->summary.n);
	return write_event(v, e);
}

int
events_close(struct events *v, struct jerr *e)
{
	int rc = 0;

	if (!v)
		return 0;
	if (v->fd >= 0 && close(v->fd) < 0)
		rc = jerr_sys(e, "%s: cannot close", v->path);
	jmem_free(v->path);
	jbuf_release(&v->event);
	jbuf_release(&v->summary);
	jbuf_release(&v->value);
	jbuf_release(&v->record);
	jmem_free(v);
	return rc;
}
