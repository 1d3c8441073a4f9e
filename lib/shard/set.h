/*
 * set.h - what the readers of a shard set share (private to the room).
 */
#ifndef SHARD_SET_H
#define SHARD_SET_H

#include <stdatomic.h>

#include "io/jfs.h"
#include "jshard.h"
#include "layout.h"

struct shard {
	char *name;
	const unsigned char *p;		/* the whole file, mapped or read from a pipe */
	size_t n;
	struct jmapped map;		/* in use if map.p */
	unsigned char *owned;		/* in use if read from a pipe */
	struct jshard_info info;
	uint32_t per_block;
	uint64_t blocks;
	const unsigned char *docs;	/* payload of DOCS */
	const unsigned char *mask;	/* payload of MASK or NULL */
	bool packed;			/* the header says that there are ROWS */
	const unsigned char *rows;	/* payload of ROWS or NULL */
	uint64_t rows_n;		/* its bytes */
	const unsigned char *meta;
	size_t meta_n;
	uint64_t toc;			/* offset of the TOC chunk */
	uint64_t first_token, first_doc;	/* in the set */
	atomic_uchar *seen;		/* [blocks] 1 = checksum of the block was verified */
};

struct jshard_set {
	struct shard *v;
	size_t n, cap;
	struct jshard_info info;
};

/* Opens one file or "-" and checks all but the token blocks (a pipe: those too). */
int shard_open(struct shard *s, const char *name, struct jerr *e);
void shard_close(struct shard *s);
/* Checks head and checksum of token block b once. */
int shard_check_block(const struct shard *s, uint64_t b, struct jerr *e);
/* Head of the chunk at offset: checks id (0 = any), checksum of head and payload, and the padding. */
int shard_chunk(const struct shard *s, uint64_t offset, uint32_t id, uint64_t *length,
	struct jerr *e);
/* Magic, version, byte order, checksum; fills s->info.  h has SH_HEADER bytes. */
int shard_header(struct shard *s, const unsigned char *h, struct jerr *e);

/* Reads a stream to its end, verifying each block as it comes. */
int shard_read_stream(struct shard *s, const char *name, struct jerr *e);

#endif
