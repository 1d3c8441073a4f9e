/*
 * wandb.c - the metrics of a run as an offline run of Weights & Biases:
 * DIR/offline-run-DATE_TIME-ID/run-ID.wandb, ID being a hash of the output folder's name.
 *
 * The file is a log in blocks of 32 KiB, as LevelDB's (its doc/log_format.md), behind a header of 7
 * bytes.  A piece is CRC-32 of type and bytes (u32), length (u16), type, bytes; a record is one FULL
 * piece, or FIRST, MIDDLE..., LAST ones in blocks that follow each other.  What is left of a block that
 * is too short for the 7 bytes of a piece is 0.  A record is a protocol buffer (wandb_internal.proto)
 *
 *	Record  { int64 num = 1; History history = 2; Config config = 5; Run run = 17; Exit exit = 18;
 *		Header header = 21; }
 *	History { repeated Item item = 1; Step step = 2; }   Step { int64 num = 1; }
 *	Run     { string run_id = 1; string project = 3; Config config = 4; string display_name = 8;
 *		Timestamp start_time = 17; }
 *	Config  { repeated Item update = 1; }   Item { string key = 1; string value_json = 16; }
 *	Exit    { int32 exit_code = 1; }   Header { Version version = 1 { string producer = 1; } }
 *
 * A resumed run cuts its file back to its checkpoint.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "base/jle.h"
#include "base/jsys.h"
#include "io/jfs.h"
#include "train/train_internal.h"

#define MAGIC ":W&B\xe1\xbe"		/* and version 0 */
enum { BLOCK = 32768, HEAD = 7, MAX_RECORD = 1 << 24 };
enum piece { FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };
enum record { HISTORY = 2, RUN = 17, EXIT = 18, HEADER = 21 };

struct wandb {
	int fd;
	char *path;
	int64_t at, num;		/* bytes and records in the file */
	struct jbuf body, part, item, record, out;
};

/* --- writing --- */
static void
add_piece(struct wandb *w, enum piece type, const char *p, size_t n)
{
	unsigned char head[HEAD];
	unsigned char kind = (unsigned char)type;

	jle_put32(head, (uint32_t)crc32(crc32(0, &kind, 1), (const unsigned char *)p, (unsigned)n));
	jle_put16(head + 4, (uint16_t)n);
	head[6] = kind;
	jbuf_add(&w->out, head, HEAD);
	jbuf_add(&w->out, p, n);
}

static int
flush(struct wandb *w, struct jerr *e)
{
	size_t done = 0;

	while (done < w->out.n) {
		ssize_t put = write(w->fd, w->out.p + done, w->out.n - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return jerr_sys(e, "%s: cannot write", w->path);
		done += (size_t)put;
	}
	w->at += (int64_t)w->out.n;
	return 0;
}

/* A record of the kind with what is in body. */
static int
write_record(struct wandb *w, enum record kind, struct jerr *e)
{
	static const char zeros[HEAD];
	const char *p;
	size_t left;
	bool first = true;

	jbuf_reset(&w->record);
	jbuf_reset(&w->out);
	wire_key(&w->record, 1, WIRE_VARINT);
	wire_varint(&w->record, (uint64_t)++w->num);
	wire_bytes(&w->record, (int)kind, w->body.p, w->body.n);
	p = w->record.p;
	for (left = w->record.n; left > 0 || first;) {
		size_t room = BLOCK - (size_t)(w->at + (int64_t)w->out.n) % BLOCK, n;

		if (room < HEAD) {
			jbuf_add(&w->out, zeros, room);
			continue;
		}
		n = left < room - HEAD ? left : room - HEAD;
		add_piece(w, n == left ? (first ? FULL : LAST) : first ? FIRST : MIDDLE, p, n);
		p += n;
		left -= n;
		first = false;
	}
	return flush(w, e);
}

/* An Item of the message in b; field is its number there. */
static void
put_item(struct wandb *w, struct jbuf *b, int field, const char *key, const char *json)
{
	jbuf_reset(&w->item);
	wire_bytes(&w->item, 1, key, strlen(key));
	wire_bytes(&w->item, 16, json, strlen(json));
	wire_bytes(b, field, w->item.p, w->item.n);
}

static void
put_number(struct wandb *w, const char *key, double v)
{
	char json[40];

	if (!isfinite(v))
		return;
	snprintf(json, sizeof(json), "%.9g", v);
	put_item(w, &w->body, 1, key, json);
}

int
wandb_put(struct wandb *w, const struct metrics_line *l, struct jerr *e)
{
	jbuf_reset(&w->body);
	jbuf_reset(&w->part);
	wire_key(&w->part, 1, WIRE_VARINT);
	wire_varint(&w->part, (uint64_t)l->step);
	wire_bytes(&w->body, 2, w->part.p, w->part.n);
	put_number(w, "_step", (double)l->step);
	put_number(w, "_timestamp", (double)time(NULL));
	put_number(w, "loss/train", l->loss);
	put_number(w, "loss/held-out", l->valid_loss);
	put_number(w, "bits_per_byte/train", l->bpb);
	put_number(w, "bits_per_byte/held-out", l->valid_bpb);
	put_number(w, "optimizer/lr", l->lr);
	put_number(w, "optimizer/grad_norm", l->grad_norm);
	put_number(w, "speed/tokens_per_s", l->tokens_per_s);
	put_number(w, "speed/peak_share", l->peak_share);
	put_number(w, "tokens", (double)l->tokens);
	return write_record(w, HISTORY, e);
}

/* Header and run, at the start of a new file. */
static int
begin(struct wandb *w, struct train *t, const char *id, struct jerr *e)
{
	const char *name = jfs_base(t->o->out);
	struct jbuf options;

	jbuf_reset(&w->out);
	jbuf_add(&w->out, MAGIC, HEAD);
	if (flush(w, e) < 0)
		return e->code;
	jbuf_reset(&w->body);
	jbuf_reset(&w->part);
	wire_bytes(&w->part, 1, "jtrain", 6);
	wire_bytes(&w->body, 1, w->part.p, w->part.n);
	if (write_record(w, HEADER, e) < 0)
		return e->code;
	jbuf_init(&options);
	train_put_options(t, &options);
	jbuf_reset(&w->part);
	put_item(w, &w->part, 1, "options", options.p);
	jbuf_release(&options);
	jbuf_reset(&w->body);
	wire_bytes(&w->body, 1, id, strlen(id));
	wire_bytes(&w->body, 3, "jtrain", 6);
	wire_bytes(&w->body, 4, w->part.p, w->part.n);
	wire_bytes(&w->body, 8, name, strlen(name));
	jbuf_reset(&w->part);
	wire_key(&w->part, 1, WIRE_VARINT);
	wire_varint(&w->part, (uint64_t)time(NULL));
	wire_bytes(&w->body, 17, w->part.p, w->part.n);
	return write_record(w, RUN, e);
}

/* --- going on --- */
/* The next piece, at w->at, is added to record; its type, or 0 at the end and where it is not whole. */
static int
read_piece(struct wandb *w)
{
	unsigned char head[HEAD], *p;
	size_t room = BLOCK - (size_t)(w->at % BLOCK), n;
	bool good;

	if (room < HEAD)
		w->at += (int64_t)room;
	if (pread(w->fd, head, HEAD, (off_t)w->at) != HEAD || head[6] < FULL || head[6] > LAST)
		return 0;
	n = jle_u16(head + 4);
	p = jmem_alloc(n + 1, 1);
	good = pread(w->fd, p, n, (off_t)w->at + HEAD) == (ssize_t)n
		&& jle_u32(head) == (uint32_t)crc32(crc32(0, head + 6, 1), p, (unsigned)n);
	jbuf_add(&w->record, p, n);
	jmem_free(p);
	w->at += HEAD + (int64_t)n;
	return good && w->record.n < MAX_RECORD ? head[6] : 0;
}

static bool
read_record(struct wandb *w)
{
	int type;

	jbuf_reset(&w->record);
	do
		type = read_piece(w);
	while (type == FIRST || type == MIDDLE);
	return type == FULL || type == LAST;
}

static uint64_t
varint_at(const struct jbuf *b, size_t *at)
{
	uint64_t v = 0;

	for (int shift = 0; *at < b->n && shift < 64; shift += 7) {
		unsigned char c = (unsigned char)b->p[(*at)++];

		v |= (uint64_t)(c & 127) << shift;
		if (c < 128)
			break;
	}
	return v;
}

/* Step of a record that we wrote: of the history, 0 of what begins a file, INT64_MAX of its end. */
static int64_t
record_step(const struct jbuf *b)
{
	size_t at = 1;
	uint64_t key;

	varint_at(b, &at);
	key = varint_at(b, &at);
	if (key >> 3 != HISTORY)
		return key >> 3 == EXIT ? INT64_MAX : 0;
	varint_at(b, &at);	/* lengths of the history and of its step, and their keys */
	varint_at(b, &at);
	varint_at(b, &at);
	varint_at(b, &at);
	return (int64_t)varint_at(b, &at);
}

/* Cuts off what follows the last whole record of a step of at most keep. */
static int
keep_until(struct wandb *w, struct train *t, const char *id, struct jerr *e)
{
	char magic[HEAD];
	int64_t good = 0;

	if (t->step > 0 && read(w->fd, magic, HEAD) == HEAD && memcmp(magic, MAGIC, HEAD) == 0) {
		for (good = w->at = HEAD; read_record(w) && record_step(&w->record) <= t->step; w->num++)
			good = w->at;
	}
	if (w->num < 2) {	/* header and run */
		w->num = 0;
		good = 0;
	}
	w->at = good;
	if (ftruncate(w->fd, (off_t)good) < 0 || lseek(w->fd, (off_t)good, SEEK_SET) < 0)
		return jerr_sys(e, "%s: cannot cut back to step %lld", w->path, (long long)t->step);
	return good == 0 ? begin(w, t, id, e) : 0;
}

/* The run's folder below dir: the one that is there, or a new one of now. */
static char *
find_folder(const char *dir, const char *id, struct jarena *a, struct jerr *e)
{
	char **names, now[24], date[40];
	size_t n, i, k;

	if (jfs_mkdirs(dir, e) < 0 || jfs_list(dir, a, &names, &n, e) < 0)
		return NULL;
	for (i = 0; i < n; i++) {
		k = strlen(names[i]);
		if (strncmp(names[i], "offline-run-", 12) == 0 && k > 9 && names[i][k - 9] == '-'
			&& strcmp(names[i] + k - 8, id) == 0)
			return jfs_join(a, dir, names[i]);
	}
	jsys_time(now);
	snprintf(date, sizeof(date), "offline-run-%.4s%.2s%.2s_%.2s%.2s%.2s-%.8s", now, now + 5, now + 8,
		now + 11, now + 14, now + 17, id);
	return jfs_join(a, dir, date);
}

int
wandb_open(struct wandb **made, struct train *t, const char *dir, struct jerr *e)
{
	uint64_t hash = jhash64(t->o->out, strlen(t->o->out), 0);
	struct jerr ignored = { 0 };
	char id[16], name[32], *folder;
	struct jarena a;
	struct wandb *w;

	jarena_init(&a, 0);
	snprintf(id, sizeof(id), "%08lx", (unsigned long)(hash & 0xffffffff));
	snprintf(name, sizeof(name), "run-%s.wandb", id);
	folder = find_folder(dir, id, &a, e);
	w = jmem_zalloc(1, sizeof(*w));
	w->fd = -1;
	jbuf_init(&w->body);
	jbuf_init(&w->part);
	jbuf_init(&w->item);
	jbuf_init(&w->record);
	jbuf_init(&w->out);
	if (folder && jfs_mkdirs(folder, e) == 0) {
		const char *path = jfs_join(&a, folder, name);

		w->path = jmem_alloc(strlen(path) + 1, 1);
		memcpy(w->path, path, strlen(path) + 1);
		w->fd = open(path, O_RDWR | O_CREAT, 0666);
		if (w->fd < 0)
			jerr_sys(e, "%s: cannot open", path);
	}
	jarena_release(&a);
	if (w->fd < 0 || keep_until(w, t, id, e) < 0) {
		wandb_close(w, false, &ignored);
		return e->code;
	}
	*made = w;
	return 0;
}

int
wandb_close(struct wandb *w, bool done, struct jerr *e)
{
	int rc = 0;

	if (!w)
		return 0;
	jbuf_reset(&w->body);
	wire_key(&w->body, 1, WIRE_VARINT);
	wire_varint(&w->body, 0);
	if (done)
		rc = write_record(w, EXIT, e);
	if (w->fd >= 0 && close(w->fd) < 0)
		rc = jerr_sys(e, "%s: cannot close", w->path);
	jmem_free(w->path);
	jbuf_release(&w->body);
	jbuf_release(&w->part);
	jbuf_release(&w->item);
	jbuf_release(&w->record);
	jbuf_release(&w->out);
	jmem_free(w);
	return rc;
}
