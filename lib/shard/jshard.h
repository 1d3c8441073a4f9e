/*
 * jshard.h - token shards, jshard(5): a stream of token ids with document starts, optional loss
 * mask and segment planes, checksummed in blocks of 1 MiB, closed by a trailer without which no
 * reader accepts the file.  The layout is drawn in jshard(5).
 *
 * A packed shard holds rows of seq + 1 tokens, as training takes them (jpack.h): its documents are the
 * pieces of which the rows are made, none crosses a row, and padding behind the last piece of a row
 * never counts for the loss.
 *
 * Writing streams (a pipe is fine); reading maps a file, or verifies a pipe block by block into
 * memory.  A folder of shards is read as their concatenation in name order.
 */
#ifndef JSHARD_H
#define JSHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jshard_info {
	uint32_t vocab_size;
	unsigned char fingerprint[32];	/* of the tokenizer */
	int token_width;		/* 2 or 4 bytes; 0 when creating: by the vocabulary */
	bool has_mask;			/* one bit per token: 1 = loss counts */
	uint32_t row_seq;		/* > 0: packed; rows have one token more */
	bool row_order;			/* the rows are to be read in their order, not shuffled */
	uint64_t tokens, docs;		/* known after the trailer */
	uint64_t text_bytes;		/* bytes of the text that was encoded, for bits per byte */
	unsigned char hash[32];		/* SHA-256 of the token stream, from the trailer */
};

struct jshard_writer;
int jshard_create(struct jshard_writer **w, const char *path, const struct jshard_info *info,
	struct jerr *e);
/* One document: n tokens; mask has n bytes 0/1 or is NULL; text_bytes for the total. */
int jshard_add(struct jshard_writer *w, const uint32_t *ids, const unsigned char *mask, size_t n,
	uint64_t text_bytes, struct jerr *e);
/* Of a packed shard, which always has a mask: fills the row and begins the next.  jshard_add() refuses
 * a piece that is empty or does not fit the row. */
int jshard_end_row(struct jshard_writer *w, struct jerr *e);
/* Provenance JSON stored in the META chunk, then trailer and atomic rename.  Frees w. */
int jshard_commit(struct jshard_writer *w, const char *meta_json, struct jerr *e);
void jshard_abort(struct jshard_writer *w);
uint64_t jshard_tokens(const struct jshard_writer *w);	/* so far, to decide when to start the next */

struct jshard_set;			/* one or many shards, read-only, shared by threads */
/* paths: files, folders or "-".  All must agree on tokenizer fingerprint and rows. */
int jshard_open(struct jshard_set **s, char *const *paths, size_t n, struct jerr *e);
void jshard_close(struct jshard_set *s);
const struct jshard_info *jshard_info(const struct jshard_set *s);	/* totals over the set */
/* Tokens [from, from + n) of the whole set into ids (and loss mask, 1 where absent, if mask != NULL). */
int jshard_get(const struct jshard_set *s, uint64_t from, size_t n, uint32_t *ids,
	unsigned char *mask, struct jerr *e);
uint64_t jshard_docs(const struct jshard_set *s);
/* Global index of the first token of document d; d = docs gives the total. */
uint64_t jshard_doc_start(const struct jshard_set *s, uint64_t d);
/* Behind the last token of document d < docs: where the next starts, but for the padding of a row. */
uint64_t jshard_doc_end(const struct jshard_set *s, uint64_t d);
/* Name of the shard that holds document d, and its number there, from 0. */
const char *jshard_doc_file(const struct jshard_set *s, uint64_t d, uint64_t *number);
/* Of a packed set, for row r: how many of its tokens are not padding. */
uint32_t jshard_row_used(const struct jshard_set *s, uint64_t r);
/* Provenance JSON of the i-th shard (not terminated, *n bytes), or NULL. */
const char *jshard_meta(const struct jshard_set *s, size_t i, size_t *n);
/* Verifies every checksum and the content hash; what is wrong and where in e. */
int jshard_verify(const struct jshard_set *s, struct jerr *e);

#endif
