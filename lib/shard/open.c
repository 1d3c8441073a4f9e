/*
 * Opening one shard: nothing in it is believed before its checksum agrees, and no offset is used
 * before it is known to lie inside the file.
 */
#include "set.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"

int
shard_header(struct shard *s, const unsigned char *h, struct jerr *e)
{
	unsigned major = jle_u16(h + SH_H_MAJOR);
	uint32_t width = jle_u32(h + SH_H_WIDTH);

	if (memcmp(h, SH_MAGIC, 8) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: not a token shard (no jshard magic)", s->name);
	if (jle_u32(h + SH_H_ENDIAN) != SH_ENDIAN)
		return jerr_set(e, JERR_FORMAT, "%s: byte order tag is %08x, expected %08x", s->name,
			(unsigned)jle_u32(h + SH_H_ENDIAN), SH_ENDIAN);
	if (jle_u32(h + SH_H_CRC) != jcrc32c(0, h, SH_H_CRC))
		return jerr_set(e, JERR_FORMAT, "%s: checksum of the header is wrong", s->name);
	if (major != SH_MAJOR)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: jshard version %u, this program reads %d",
			s->name, major, SH_MAJOR);
	if ((width != 2 && width != 4) || jle_u32(h + SH_H_BLOCK) != SH_BLOCK)
		return jerr_set(e, JERR_FORMAT, "%s: token width %u or block size %u is not known",
			s->name, (unsigned)width, (unsigned)jle_u32(h + SH_H_BLOCK));
	s->info.token_width = (int)width;
	s->info.vocab_size = jle_u32(h + SH_H_VOCAB);
	s->info.has_mask = jle_u32(h + SH_H_FLAGS) & SH_FLAG_MASK;
	s->packed = jle_u32(h + SH_H_FLAGS) & SH_FLAG_ROWS;
	memcpy(s->info.fingerprint, h + SH_H_PRINT, 32);
	s->per_block = SH_PAYLOAD / width;
	return 0;
}

int
shard_chunk(const struct shard *s, uint64_t offset, uint32_t id, uint64_t *length, struct jerr *e)
{
	const unsigned char *h;
	uint64_t n, i;

	if (offset % 64 || offset < SH_HEADER || offset > s->n - SH_TRAILER - SH_HEAD)
		return jerr_set(e, JERR_FORMAT, "%s: chunk offset %llu is outside the file", s->name,
			(unsigned long long)offset);
	h = s->p + offset;
	if (jle_u32(h + SH_B_HEADCRC) != jcrc32c(0, h, SH_B_HEADCRC))
		return jerr_set(e, JERR_FORMAT, "%s: checksum of the chunk head at offset %llu is wrong",
			s->name, (unsigned long long)offset);
	n = jle_u64(h + SH_C_LENGTH);
	if (n > s->n || sh_pad(n) > s->n - SH_TRAILER - SH_HEAD - offset)
		return jerr_set(e, JERR_FORMAT, "%s: chunk at offset %llu claims %llu bytes", s->name,
			(unsigned long long)offset, (unsigned long long)n);
	if (id && jle_u32(h) != id)
		return jerr_set(e, JERR_FORMAT, "%s: chunk at offset %llu is %.4s, expected %c%c%c%c",
			s->name, (unsigned long long)offset, (const char *)h, (int)(id & 255),
			(int)(id >> 8 & 255), (int)(id >> 16 & 255), (int)(id >> 24));
	if (jle_u32(h + SH_B_CRC) != jcrc32c(0, h + SH_HEAD, n))
		return jerr_set(e, JERR_FORMAT, "%s: checksum of chunk %.4s at offset %llu is wrong",
			s->name, (const char *)h, (unsigned long long)offset);
	for (i = n; i < sh_pad(n); i++)
		if (h[SH_HEAD + i])
			return jerr_set(e, JERR_FORMAT, "%s: padding of chunk %.4s is not zero",
				s->name, (const char *)h);
	*length = n;
	return 0;
}

int
shard_check_block(const struct shard *s, uint64_t b, struct jerr *e)
{
	const unsigned char *h = s->p + SH_HEADER + b * SH_BLOCK;
	uint64_t first = b * s->per_block;
	uint64_t count = s->info.tokens - first;

	if (atomic_load_explicit(&s->seen[b], memory_order_relaxed))
		return 0;
	if (count > s->per_block)
		count = s->per_block;
	if (jle_u32(h + SH_B_HEADCRC) != jcrc32c(0, h, SH_B_HEADCRC) || jle_u32(h) != SH_TOKS ||
	    jle_u32(h + SH_B_COUNT) != count || jle_u64(h + SH_B_FIRST) != first)
		return jerr_set(e, JERR_FORMAT, "%s: head of block %llu (offset %llu) is damaged",
			s->name, (unsigned long long)b, (unsigned long long)(SH_HEADER + b * SH_BLOCK));
	if (jle_u32(h + SH_B_CRC) != jcrc32c(0, h + SH_HEAD, SH_PAYLOAD))
		return jerr_set(e, JERR_FORMAT, "%s: checksum of block %llu (offset %llu) is wrong",
			s->name, (unsigned long long)b, (unsigned long long)(SH_HEADER + b * SH_BLOCK));
	atomic_store_explicit(&s->seen[b], 1, memory_order_relaxed);
	return 0;
}

/* Document starts must begin at 0, never fall, and stay inside the tokens. */
static int
check_docs(const struct shard *s, struct jerr *e)
{
	uint64_t i, last = 0;

	for (i = 0; i < s->info.docs; i++) {
		uint64_t at = jle_u64(s->docs + 8 * i);

		if (at < last || at > s->info.tokens || (i == 0 && at != 0))
			return jerr_set(e, JERR_FORMAT, "%s: start of document %llu is %llu, after %llu of %llu",
				s->name, (unsigned long long)i, (unsigned long long)at,
				(unsigned long long)last, (unsigned long long)s->info.tokens);
		last = at;
	}
	if (!s->info.docs && s->info.tokens)
		return jerr_set(e, JERR_FORMAT, "%s: tokens without a document", s->name);
	return 0;
}

/* Row r is full of pieces, the first at its beginning, none behind its padding; d: its first document. */
static int
check_row(const struct shard *s, uint64_t r, uint64_t *d, struct jerr *e)
{
	uint64_t width = (uint64_t)s->info.row_seq + 1, at = r * width;
	uint32_t used = jle_u32(s->rows + SH_ROWS_FIXED + 4 * r);

	if (used < 1 || used > width || *d >= s->info.docs || jle_u64(s->docs + 8 * *d) != at)
		return jerr_set(e, JERR_FORMAT, "%s: row %llu does not begin with a document or holds %u tokens of %llu",
			s->name, (unsigned long long)r, (unsigned)used, (unsigned long long)width);
	for (; *d < s->info.docs && jle_u64(s->docs + 8 * *d) < at + width; ++*d)
		if (jle_u64(s->docs + 8 * *d) >= at + used ||
		    (*d && jle_u64(s->docs + 8 * *d) == jle_u64(s->docs + 8 * (*d - 1))))
			return jerr_set(e, JERR_FORMAT, "%s: document %llu is empty or begins in the padding of row %llu",
				s->name, (unsigned long long)*d, (unsigned long long)r);
	return 0;
}

/* ROWS, once DOCS are known. */
static int
check_rows(struct shard *s, struct jerr *e)
{
	uint64_t rows = jle_u64(s->rows + SH_R_ROWS), r, d = 0;
	uint32_t seq = jle_u32(s->rows + SH_R_SEQ);
	int rc = 0;

	if (seq < 1 || seq > SH_ROW_MAX || rows != s->info.tokens / ((uint64_t)seq + 1) ||
	    s->info.tokens % ((uint64_t)seq + 1) || !s->mask)
		return jerr_set(e, JERR_FORMAT, "%s: %llu rows of %u tokens and one do not make %llu, or there is no mask",
			s->name, (unsigned long long)rows, (unsigned)seq, (unsigned long long)s->info.tokens);
	s->info.row_seq = seq;
	s->info.row_order = jle_u32(s->rows + SH_R_FLAGS) & SH_ROW_ORDER;
	if (s->rows_n != SH_ROWS_FIXED + 4 * rows)
		return jerr_set(e, JERR_FORMAT, "%s: chunk ROWS has %llu bytes, not what %llu rows need", s->name,
			(unsigned long long)s->rows_n, (unsigned long long)rows);
	for (r = 0; !rc && r < rows; r++)
		rc = check_row(s, r, &d, e);
	return rc;
}

static int
take_entry(struct shard *s, const unsigned char *x, struct jerr *e)
{
	uint32_t id = jle_u32(x);
	uint64_t offset = jle_u64(x + 8);
	uint64_t n;
	int rc = shard_chunk(s, offset, id, &n, e);

	if (rc)
		return rc;
	if (n != jle_u64(x + 16))
		return jerr_set(e, JERR_FORMAT, "%s: the table of contents and chunk %.4s disagree", s->name,
			(const char *)x);
	if (id == SH_DOCS && n == 8 * s->info.docs)
		s->docs = s->p + offset + SH_HEAD;
	else if (id == SH_MASK && n == (s->info.tokens + 7) / 8)
		s->mask = s->p + offset + SH_HEAD;
	else if (id == SH_ROWS && n >= SH_ROWS_FIXED) {
		s->rows = s->p + offset + SH_HEAD;
		s->rows_n = n;
	} else if (id == SH_META) {
		s->meta = s->p + offset + SH_HEAD;
		s->meta_n = (size_t)n;
	} else if (id == SH_DOCS || id == SH_MASK || id == SH_ROWS)
		return jerr_set(e, JERR_FORMAT, "%s: chunk %.4s has %llu bytes, not what %llu tokens in %llu "
			"documents need", s->name, (const char *)x, (unsigned long long)n,
			(unsigned long long)s->info.tokens, (unsigned long long)s->info.docs);
	return 0;	/* chunks of later minor versions are skipped */
}

static int
read_toc(struct shard *s, const unsigned char *t, struct jerr *e)
{
	const unsigned char *toc;
	uint64_t n, i;
	int rc = shard_chunk(s, s->toc, SH_TOC, &n, e);

	if (rc)
		return rc;
	toc = s->p + s->toc + SH_HEAD;
	if (n < SH_TOC_FIXED || jle_u32(toc + SH_TOC_N) > SH_TOC_MAX ||
	    n != SH_TOC_FIXED + (uint64_t)jle_u32(toc + SH_TOC_N) * SH_TOC_ENTRY ||
	    s->toc + SH_HEAD + sh_pad(n) + SH_TRAILER != s->n)
		return jerr_set(e, JERR_FORMAT, "%s: the table of contents has the wrong size", s->name);
	s->info.tokens = jle_u64(toc + SH_TOC_TOKENS);
	s->info.docs = jle_u64(toc + SH_TOC_DOCS);
	s->info.text_bytes = jle_u64(toc + SH_TOC_TEXT);
	s->blocks = jle_u64(toc + SH_TOC_BLOCKS);
	memcpy(s->info.hash, toc + SH_TOC_HASH, 32);
	if (s->info.tokens != jle_u64(t + SH_T_TOKENS) || s->info.docs != jle_u64(t + SH_T_DOCS) ||
	    memcmp(s->info.hash, t + SH_T_HASH, 32) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: trailer and table of contents disagree", s->name);
	if (s->info.docs > s->n / 8 || s->blocks > s->n / SH_BLOCK ||
	    s->info.tokens > s->blocks * s->per_block ||
	    s->blocks != (s->info.tokens + s->per_block - 1) / s->per_block ||
	    SH_HEADER + s->blocks * SH_BLOCK > s->toc)
		return jerr_set(e, JERR_FORMAT, "%s: %llu tokens do not fit %llu blocks", s->name,
			(unsigned long long)s->info.tokens, (unsigned long long)s->blocks);
	for (i = 0; i < jle_u32(toc + SH_TOC_N); i++) {
		rc = take_entry(s, toc + SH_TOC_FIXED + i * SH_TOC_ENTRY, e);
		if (rc)
			return rc;
	}
	if (!s->docs || (s->info.has_mask && !s->mask) || (s->packed && !s->rows))
		return jerr_set(e, JERR_FORMAT, "%s: chunk %s is missing", s->name,
			!s->docs ? "DOCS" : s->info.has_mask && !s->mask ? "MASK" : "ROWS");
	rc = check_docs(s, e);
	return rc || !s->packed ? rc : check_rows(s, e);
}

/* All but the token blocks of the bytes at s->p. */
static int
parse(struct shard *s, struct jerr *e)
{
	const unsigned char *t;
	int rc;

	if (s->n < SH_HEADER)
		return jerr_set(e, JERR_FORMAT, "%s: %zu bytes: not a token shard", s->name, s->n);
	rc = shard_header(s, s->p, e);
	if (rc)
		return rc;
	t = s->p + s->n - SH_TRAILER;
	if (s->n < SH_HEADER + SH_HEAD + SH_TRAILER || memcmp(t + SH_T_MAGIC, SH_END_MAGIC, 8) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: no trailer at the end: the file is incomplete, make it "
			"again", s->name);
	s->toc = jle_u64(t + SH_T_TOC);
	rc = read_toc(s, t, e);
	if (rc)
		return rc;
	s->seen = jmem_try(s->blocks + 1, sizeof(*s->seen));
	if (!s->seen)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %llu blocks", s->name,
			(unsigned long long)s->blocks);
	memset((void *)s->seen, 0, s->blocks + 1);
	return 0;
}

int
shard_open(struct shard *s, const char *name, struct jerr *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->name = jmem_strdup(strcmp(name, "-") == 0 ? "standard input" : name);
	if (strcmp(name, "-") != 0 && jfs_size(name) > 0) {
		rc = jfs_map(&s->map, name, e);
		if (rc)
			return rc;
		s->p = s->map.p;
		s->n = s->map.n;
		if (s->n >= 8 && memcmp(s->p, SH_MAGIC, 8) == 0)
			return parse(s, e);
		jfs_unmap(&s->map);	/* perhaps compressed: as a stream */
	}
	rc = shard_read_stream(s, name, e);
	return rc ? rc : parse(s, e);
}

void
shard_close(struct shard *s)
{
	if (s->map.p)
		jfs_unmap(&s->map);
	jmem_free(s->owned);
	jmem_free((void *)s->seen);
	jmem_free(s->name);
}
