#include "set.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"

/* Every byte between the blocks and the TOC belongs to a chunk with a right checksum. */
static int
verify_chunks(const struct shard *s, struct jerr *e)
{
	uint64_t at = SH_HEADER + s->blocks * SH_BLOCK;

	while (at < s->toc) {
		uint64_t n;
		int rc = shard_chunk(s, at, 0, &n, e);

		if (rc)
			return rc;
		at += SH_HEAD + sh_pad(n);
	}
	if (at != s->toc)
		return jerr_set(e, JERR_FORMAT, "%s: the chunks end at offset %llu, expected %llu", s->name,
			(unsigned long long)at, (unsigned long long)s->toc);
	return 0;
}

static int
verify_one(const struct shard *s, struct jerr *e)
{
	unsigned char out[32];
	struct jsha256 h;
	uint64_t b, left = s->info.tokens;
	int rc;

	jsha256_init(&h);
	for (b = 0; b < s->blocks; b++) {
		uint64_t count = left < s->per_block ? left : s->per_block;

		atomic_store_explicit(&s->seen[b], 0, memory_order_relaxed);
		rc = shard_check_block(s, b, e);
		if (rc)
			return rc;
		jsha256_add(&h, s->p + SH_HEADER + b * SH_BLOCK + SH_HEAD,
			(size_t)count * (size_t)s->info.token_width);
		left -= count;
	}
	jsha256_done(&h, out);
	if (memcmp(out, s->info.hash, 32) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: SHA-256 of the tokens is not what the trailer says",
			s->name);
	return verify_chunks(s, e);
}

int
jshard_verify(const struct jshard_set *set, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < set->n; i++)
		rc = verify_one(&set->v[i], e);
	return rc;
}
