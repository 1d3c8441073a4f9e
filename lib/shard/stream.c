/*
 * A shard from a pipe: read to its end into memory, each block and chunk verified as it arrives, so
 * that damage is told before the rest has come.
 */
#include "set.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "io/jio.h"

struct stream {
	struct shard *s;
	struct jin *in;
	size_t cap;
};

/* Appends n bytes from the pipe; memory grows only with bytes that came. */
static int
take(struct stream *st, uint64_t n, struct jerr *e)
{
	while (n) {
		size_t step = n < SH_BLOCK ? (size_t)n : SH_BLOCK;
		int rc;

		JMEM_GROW(st->s->owned, st->cap, st->s->n + step);
		rc = jin_exact(st->in, st->s->owned + st->s->n, step, e);
		if (rc)
			return rc;
		st->s->n += step;
		n -= step;
	}
	return 0;
}

/* One block or chunk whose head was just read: 1 = it was the TOC, so the trailer is next. */
static int
take_part(struct stream *st, uint64_t first_block, struct jerr *e)
{
	size_t at = st->s->n - SH_HEAD;
	const unsigned char *h = st->s->owned + at;
	uint32_t id = jle_u32(h);
	uint64_t n = id == SH_TOKS ? SH_PAYLOAD : jle_u64(h + SH_C_LENGTH);
	int rc;

	if (jle_u32(h + SH_B_HEADCRC) != jcrc32c(0, h, SH_B_HEADCRC))
		return jerr_set(e, JERR_FORMAT, "%s: head of the part at offset %zu (block %llu) is damaged",
			st->s->name, at, (unsigned long long)first_block);
	if (n > UINT64_MAX / 2)
		return jerr_set(e, JERR_FORMAT, "%s: chunk at offset %zu claims %llu bytes", st->s->name, at,
			(unsigned long long)n);
	rc = take(st, sh_pad(n), e);
	if (rc)
		return rc;
	h = st->s->owned + at;
	if (jle_u32(h + SH_B_CRC) != jcrc32c(0, h + SH_HEAD, n))
		return jerr_set(e, JERR_FORMAT, "%s: checksum of the part at offset %zu (block %llu) is wrong",
			st->s->name, at, (unsigned long long)first_block);
	return id == SH_TOC;
}

static int
read_all(struct stream *st, struct jerr *e)
{
	unsigned char extra;
	uint64_t part = 0;
	int64_t got;
	int rc = take(st, SH_HEADER, e);

	if (!rc)
		rc = shard_header(st->s, st->s->owned, e);
	if (rc)
		return rc;
	do {
		rc = take(st, SH_HEAD, e);
		if (!rc)
			rc = take_part(st, part++, e);
	} while (rc == 0);
	if (rc < 0)
		return rc;
	rc = take(st, SH_TRAILER, e);
	if (rc)
		return rc;
	got = jin_read(st->in, &extra, 1, e);
	if (got > 0)
		return jerr_set(e, JERR_FORMAT, "%s: bytes after the trailer", st->s->name);
	return (int)got;
}

int
shard_read_stream(struct shard *s, const char *name, struct jerr *e)
{
	struct stream st = { .s = s };
	int rc = jin_open(&st.in, name, e);

	if (rc)
		return rc;
	s->n = 0;
	rc = read_all(&st, e);
	jin_close(st.in);
	s->p = s->owned;
	if (rc)
		jerr_wrap(e, "token shard");
	return rc;
}
