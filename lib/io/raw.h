/*
 * raw.h - private to io: the bytes of a file or of memory as they are stored, and the decoders
 * that make the plain bytes of them.
 *
 * A struct raw is owned by its struct jin and outlives the codec that reads from it.
 */
#ifndef IO_RAW_H
#define IO_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct raw {
	const char *name;	/* for messages */
	int fd;			/* -1: memory only */
	const unsigned char *p;	/* bytes at..n are read and not yet used */
	size_t at, n;
	unsigned char *own;	/* buffer behind p when reading from fd */
	uint64_t offset;	/* bytes taken from fd or memory so far */
	uint64_t size;		/* of the whole, 0 if unknown */
};

/* Makes some bytes available at p + at: > 0 how many, 0 end, < 0 error. */
int64_t raw_fill(struct raw *r, struct jerr *e);
/* Makes at least want bytes (a few) available unless the end comes first; 0 or negative. */
int raw_peek(struct raw *r, size_t want, struct jerr *e);
/* Up to n bytes straight into p. */
int64_t raw_read(struct raw *r, void *p, size_t n, struct jerr *e);
void raw_release(struct raw *r);

struct codec {
	const char *what;	/* "gzip", ... */
	/* Up to n > 0 plain bytes: > 0, 0 end, < 0 error. */
	int64_t (*read)(struct codec *c, void *p, size_t n, struct jerr *e);
	void (*close)(struct codec *c);
	struct raw *raw;
};

/* The decoder that the first bytes call for; *c is NULL for plain bytes. */
int codec_find(struct codec **c, struct raw *r, struct jerr *e);

/* One per format; NULL with the error set. */
struct codec *codec_gzip(struct raw *r, struct jerr *e);
struct codec *codec_zstd(struct raw *r, struct jerr *e);
struct codec *codec_xz(struct raw *r, struct jerr *e);
struct codec *codec_bzip2(struct raw *r, struct jerr *e);

/* The two errors that all decoders share. */
int codec_truncated(const struct codec *c, struct jerr *e);
int codec_corrupt(const struct codec *c, const char *why, struct jerr *e);

#endif
