/*
 * jdupfile.h - the file of records that the steps of a deduplication hand to each other, and the
 * index that stays between runs: framed, checksummed, with an end mark (jdedup(5)).
 *
 *	8 bytes "jdedup\r\n", u32 version, u32 length of the parameters, the parameters (text),
 *	u32 CRC-32C of all that
 *	frames: u32 length > 0, u32 CRC-32C of the bytes, bytes = records (u32 length, bytes) whole
 *	end: u32 0, u64 number of records, u32 CRC-32C of the 8 bytes; nothing may follow
 *
 * Numbers are little-endian.  A file without its end, with a wrong checksum or of another version
 * is refused with the offset.  The reader allocates only for bytes that exist.
 */
#ifndef JDUPFILE_H
#define JDUPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "io/jio.h"

enum { JDUPFILE_VERSION = 1 };

struct jdupfile_out {
	int (*put)(void *arg, const void *p, size_t n, struct jerr *e);
	void *arg;
	struct jbuf frame;
	uint64_t records;
};

/* put() receives the bytes of the file in order; it belongs to the caller. */
int jdupfile_begin(struct jdupfile_out *o, const char *params, struct jerr *e);
int jdupfile_add(struct jdupfile_out *o, const void *p, size_t n, struct jerr *e);
int jdupfile_end(struct jdupfile_out *o, struct jerr *e);
void jdupfile_release(struct jdupfile_out *o);

struct jdupfile_in {
	struct jin *in;
	char *params;			/* as written, terminated */
	struct jbuf frame;
	size_t at;			/* of the next record in the frame */
	uint64_t records;
	int ended;
};

int jdupfile_open(struct jdupfile_in *f, const char *name, struct jerr *e);
/* Of a stream that the file then owns. */
int jdupfile_open_stream(struct jdupfile_in *f, struct jin *in, struct jerr *e);
/* 1 record (valid until the next call), 0 the true end, < 0 error. */
int jdupfile_next(struct jdupfile_in *f, const void **p, size_t *n, struct jerr *e);
void jdupfile_close(struct jdupfile_in *f);	/* also one that is all zero */

#endif
