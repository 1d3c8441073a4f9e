/*
 * Writing a shard as a stream: the header, token blocks as they fill, then the planes and tables
 * that had to be kept in memory (8 bytes a document, a bit a token where there is a mask).
 */
#include "jshard.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "io/jio.h"
#include "layout.h"

struct toc_entry {
	uint32_t id;
	uint64_t offset, length;
};

struct jshard_writer {
	struct jout *out;
	struct jshard_info info;
	unsigned char *block;		/* SH_BLOCK bytes, head included */
	uint32_t fill, per_block;	/* tokens in the block, and at most */
	uint64_t blocks;
	uint64_t *starts;
	size_t starts_cap;
	unsigned char *mask;
	size_t mask_cap;
	uint32_t *used;			/* of the rows of a packed shard, and the tokens in the last */
	size_t used_cap, rows;
	uint64_t row_at;		/* where it begins */
	struct toc_entry toc[8];
	int n_toc;
	struct jsha256 hash;
};

static int
write_header(struct jshard_writer *w, struct jerr *e)
{
	unsigned char h[SH_HEADER] = { 0 };

	memcpy(h, SH_MAGIC, 8);
	jle_put32(h + SH_H_ENDIAN, SH_ENDIAN);
	jle_put16(h + SH_H_MAJOR, SH_MAJOR);
	jle_put16(h + SH_H_MINOR, SH_MINOR);
	jle_put32(h + SH_H_WIDTH, (uint32_t)w->info.token_width);
	jle_put32(h + SH_H_BLOCK, SH_BLOCK);
	jle_put32(h + SH_H_VOCAB, w->info.vocab_size);
	jle_put32(h + SH_H_FLAGS, (w->info.has_mask ? SH_FLAG_MASK : 0) | (w->info.row_seq ? SH_FLAG_ROWS : 0));
	memcpy(h + SH_H_PRINT, w->info.fingerprint, 32);
	jle_put32(h + SH_H_CRC, jcrc32c(0, h, SH_H_CRC));
	return jout_write(w->out, h, sizeof(h), e);
}

int
jshard_create(struct jshard_writer **out, const char *path, const struct jshard_info *info,
	struct jerr *e)
{
	struct jshard_writer *w;
	int width = info->token_width ? info->token_width : info->vocab_size <= 65536 ? 2 : 4;
	int rc;

	if (width != 4 && (width != 2 || info->vocab_size > 65536))
		return jerr_set(e, JERR_ARG, "%s: token width %d cannot hold a vocabulary of %u", path,
			width, (unsigned)info->vocab_size);
	if (info->row_seq > SH_ROW_MAX || (info->row_seq && !info->has_mask))
		return jerr_set(e, JERR_ARG, "%s: rows of %u tokens: expected at most %u, and a mask", path,
			(unsigned)info->row_seq, SH_ROW_MAX);
	w = jmem_zalloc(1, sizeof(*w));
	w->info = *info;
	w->info.token_width = width;
	w->info.tokens = w->info.docs = w->info.text_bytes = 0;
	w->per_block = SH_PAYLOAD / (uint32_t)width;
	w->block = jmem_zalloc(1, SH_BLOCK);
	jsha256_init(&w->hash);
	rc = jout_open(&w->out, path, e);
	if (!rc)
		rc = write_header(w, e);
	if (rc) {
		jshard_abort(w);
		return rc;
	}
	*out = w;
	return 0;
}

static int
flush_block(struct jshard_writer *w, struct jerr *e)
{
	size_t used = (size_t)w->fill * (size_t)w->info.token_width;
	unsigned char *b = w->block;

	if (!w->fill)
		return 0;
	memset(b, 0, SH_HEAD);
	memset(b + SH_HEAD + used, 0, SH_PAYLOAD - used);
	jle_put32(b + SH_B_ID, SH_TOKS);
	jle_put32(b + SH_B_COUNT, w->fill);
	jle_put64(b + SH_B_FIRST, w->info.tokens - w->fill);
	jle_put32(b + SH_B_CRC, jcrc32c(0, b + SH_HEAD, SH_PAYLOAD));
	jle_put32(b + SH_B_HEADCRC, jcrc32c(0, b, SH_B_HEADCRC));
	jsha256_add(&w->hash, b + SH_HEAD, used);
	w->fill = 0;
	w->blocks++;
	return jout_write(w->out, b, SH_BLOCK, e);
}

static void
add_mask(struct jshard_writer *w, const unsigned char *mask, size_t n)
{
	uint64_t at = w->info.tokens;
	size_t old = w->mask_cap;
	size_t i;

	JMEM_GROW(w->mask, w->mask_cap, (size_t)((at + n) / 8 + 1));
	if (w->mask_cap > old)
		memset(w->mask + old, 0, w->mask_cap - old);
	for (i = 0; i < n; i++, at++)
		if (!mask || mask[i])
			w->mask[at / 8] |= (unsigned char)(1u << (at % 8));
}

/* Tokens behind those there are, with their mask. */
static int
add_tokens(struct jshard_writer *w, const uint32_t *ids, const unsigned char *mask, size_t n, struct jerr *e)
{
	size_t i;
	int rc;

	if (w->info.has_mask)
		add_mask(w, mask, n);
	for (i = 0; i < n; i++) {
		unsigned char *to = w->block + SH_HEAD + (size_t)w->fill * (size_t)w->info.token_width;

		if (ids[i] >= w->info.vocab_size)
			return jerr_set(e, JERR_ARG, "token id %u is outside the vocabulary of %u",
				(unsigned)ids[i], (unsigned)w->info.vocab_size);
		if (w->info.token_width == 2)
			jle_put16(to, (uint16_t)ids[i]);
		else
			jle_put32(to, ids[i]);
		w->info.tokens++;
		if (++w->fill < w->per_block)
			continue;
		rc = flush_block(w, e);
		if (rc)
			return rc;
	}
	return 0;
}

int
jshard_add(struct jshard_writer *w, const uint32_t *ids, const unsigned char *mask, size_t n,
	uint64_t text_bytes, struct jerr *e)
{
	uint64_t room = w->row_at + w->info.row_seq + 1 - w->info.tokens;

	if (mask && !w->info.has_mask)
		return jerr_set(e, JERR_ARG, "a document with a loss mask in a shard without one");
	if (w->info.row_seq && (!n || n > room))
		return jerr_set(e, JERR_ARG, "a piece of %zu tokens for a row with room for %llu", n,
			(unsigned long long)room);
	JMEM_GROW(w->starts, w->starts_cap, (size_t)w->info.docs + 1);
	w->starts[w->info.docs++] = w->info.tokens;
	w->info.text_bytes += text_bytes;
	return add_tokens(w, ids, mask, n, e);
}

int
jshard_end_row(struct jshard_writer *w, struct jerr *e)
{
	static const uint32_t id = 0;
	static const unsigned char mask = 0;
	uint32_t used = (uint32_t)(w->info.tokens - w->row_at), i;
	int rc = 0;

	if (!w->info.row_seq || !used)
		return jerr_set(e, JERR_ARG, "the end of a row that is empty");
	JMEM_GROW(w->used, w->used_cap, w->rows + 1);
	w->used[w->rows++] = used;
	for (i = used; !rc && i < w->info.row_seq + 1; i++)
		rc = add_tokens(w, &id, &mask, 1, e);
	w->row_at = w->info.tokens;
	return rc;
}

static int
write_chunk(struct jshard_writer *w, uint32_t id, const void *p, uint64_t n, struct jerr *e)
{
	static const unsigned char zero[64];
	unsigned char h[SH_HEAD] = { 0 };
	int rc;

	w->toc[w->n_toc++] = (struct toc_entry){ id, jout_offset(w->out), n };
	jle_put32(h + SH_B_ID, id);
	jle_put64(h + SH_C_LENGTH, n);
	jle_put32(h + SH_B_CRC, jcrc32c(0, p, n));
	jle_put32(h + SH_B_HEADCRC, jcrc32c(0, h, SH_B_HEADCRC));
	rc = jout_write(w->out, h, sizeof(h), e);
	if (!rc && n)
		rc = jout_write(w->out, p, n, e);
	if (!rc && sh_pad(n) != n)
		rc = jout_write(w->out, zero, (size_t)(sh_pad(n) - n), e);
	return rc;
}

static int
write_end(struct jshard_writer *w, struct jerr *e)
{
	unsigned char toc[SH_TOC_FIXED + 8 * SH_TOC_ENTRY] = { 0 };
	unsigned char t[SH_TRAILER] = { 0 };
	uint64_t at = jout_offset(w->out);
	int i, rc;

	jsha256_done(&w->hash, w->info.hash);
	jle_put64(toc + SH_TOC_TOKENS, w->info.tokens);
	jle_put64(toc + SH_TOC_DOCS, w->info.docs);
	jle_put64(toc + SH_TOC_TEXT, w->info.text_bytes);
	memcpy(toc + SH_TOC_HASH, w->info.hash, 32);
	jle_put64(toc + SH_TOC_BLOCKS, w->blocks);
	jle_put32(toc + SH_TOC_N, (uint32_t)w->n_toc);
	for (i = 0; i < w->n_toc; i++) {
		unsigned char *x = toc + SH_TOC_FIXED + i * SH_TOC_ENTRY;

		jle_put32(x, w->toc[i].id);
		jle_put64(x + 8, w->toc[i].offset);
		jle_put64(x + 16, w->toc[i].length);
	}
	rc = write_chunk(w, SH_TOC, toc, SH_TOC_FIXED + (uint64_t)w->n_toc * SH_TOC_ENTRY, e);
	if (rc)
		return rc;
	jle_put64(t + SH_T_TOC, at);
	jle_put64(t + SH_T_TOKENS, w->info.tokens);
	jle_put64(t + SH_T_DOCS, w->info.docs);
	memcpy(t + SH_T_HASH, w->info.hash, 32);
	memcpy(t + SH_T_MAGIC, SH_END_MAGIC, 8);
	return jout_write(w->out, t, sizeof(t), e);
}

static int
write_rows(struct jshard_writer *w, struct jerr *e)
{
	unsigned char *p = jmem_zalloc(SH_ROWS_FIXED + 4 * w->rows, 1);
	size_t i;
	int rc;

	jle_put32(p + SH_R_SEQ, w->info.row_seq);
	jle_put32(p + SH_R_FLAGS, w->info.row_order ? SH_ROW_ORDER : 0);
	jle_put64(p + SH_R_ROWS, w->rows);
	for (i = 0; i < w->rows; i++)
		jle_put32(p + SH_ROWS_FIXED + 4 * i, w->used[i]);
	rc = write_chunk(w, SH_ROWS, p, SH_ROWS_FIXED + 4 * w->rows, e);
	jmem_free(p);
	return rc;
}

int
jshard_commit(struct jshard_writer *w, const char *meta_json, struct jerr *e)
{
	int rc = 0;
	size_t i;

	if (w->info.row_seq && w->row_at != w->info.tokens)
		rc = jshard_end_row(w, e);
	if (!rc)
		rc = flush_block(w, e);
	if (!rc && w->info.has_mask)
		rc = write_chunk(w, SH_MASK, w->mask, (w->info.tokens + 7) / 8, e);
	if (!rc && w->info.row_seq)
		rc = write_rows(w, e);
	for (i = 0; i < w->info.docs; i++) {
		uint64_t v = w->starts[i];

		jle_put64(&w->starts[i], v);
	}
	if (!rc)
		rc = write_chunk(w, SH_DOCS, w->starts, 8 * w->info.docs, e);
	if (!rc && meta_json)
		rc = write_chunk(w, SH_META, meta_json, strlen(meta_json), e);
	if (!rc)
		rc = write_end(w, e);
	if (!rc) {
		rc = jout_commit(w->out, e);
		w->out = NULL;
	}
	jshard_abort(w);
	return rc;
}

void
jshard_abort(struct jshard_writer *w)
{
	if (!w)
		return;
	jout_abort(w->out);
	jmem_free(w->block);
	jmem_free(w->starts);
	jmem_free(w->mask);
	jmem_free(w->used);
	jmem_free(w);
}

uint64_t
jshard_tokens(const struct jshard_writer *w)
{
	return w->info.tokens;
}
