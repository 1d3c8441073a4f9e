#include "set.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"

static int
add_one(struct jshard_set *set, const char *name, struct jerr *e)
{
	struct jshard_info *in = &set->info;
	struct shard *s;
	char a[17], b[17];
	int rc;

	JMEM_GROW(set->v, set->cap, set->n + 1);
	s = &set->v[set->n++];
	rc = shard_open(s, name, e);
	if (rc)
		return rc;
	if (set->n == 1)
		*in = s->info;
	else if (memcmp(in->fingerprint, s->info.fingerprint, 32) != 0 ||
	    in->vocab_size != s->info.vocab_size) {
		jhash_hex(in->fingerprint, 8, a);
		jhash_hex(s->info.fingerprint, 8, b);
		return jerr_set(e, JERR_ARG, "%s was made with tokenizer %s, but %s with %s", s->name, b,
			set->v[0].name, a);
	} else if (in->row_seq != s->info.row_seq || in->row_order != s->info.row_order) {
		return jerr_set(e, JERR_ARG, "%s and %s are not packed alike: rows of %u and %u tokens, %s", s->name,
			set->v[0].name, (unsigned)s->info.row_seq, (unsigned)in->row_seq, in->row_seq != s->info.row_seq ?
			"where 0 is not packed" : "one of them in a fixed order");
	} else {
		s->first_token = in->tokens;
		s->first_doc = in->docs;
		in->tokens += s->info.tokens;
		in->docs += s->info.docs;
		in->text_bytes += s->info.text_bytes;
		in->has_mask |= s->info.has_mask;
		if (s->info.token_width > in->token_width)
			in->token_width = s->info.token_width;
	}
	return 0;
}

static int
add_folder(struct jshard_set *set, const char *dir, struct jerr *e)
{
	struct jarena a;
	char **names;
	size_t i, n, found = 0;
	int rc;

	jarena_init(&a, 0);
	rc = jfs_list(dir, &a, &names, &n, e);
	for (i = 0; !rc && i < n; i++) {
		if (!jstr_ends(names[i], ".jsh") || names[i][0] == '.')
			continue;
		found++;
		rc = add_one(set, jfs_join(&a, dir, names[i]), e);
	}
	if (!rc && !found)
		rc = jerr_set(e, JERR_ARG, "%s: no token shards (*.jsh) in this folder", dir);
	jarena_release(&a);
	return rc;
}

/* Of one shard the hash of its tokens; of several the hash of their hashes. */
static void
hash_of_set(struct jshard_set *set)
{
	struct jsha256 h;
	size_t i;

	if (set->n < 2)
		return;
	jsha256_init(&h);
	for (i = 0; i < set->n; i++)
		jsha256_add(&h, set->v[i].info.hash, 32);
	jsha256_done(&h, set->info.hash);
}

int
jshard_open(struct jshard_set **out, char *const *paths, size_t n, struct jerr *e)
{
	struct jshard_set *set = jmem_zalloc(1, sizeof(*set));
	size_t i;
	int rc = 0;

	if (!n)
		rc = jerr_set(e, JERR_ARG, "no token shards given");
	for (i = 0; !rc && i < n; i++)
		rc = jfs_is_dir(paths[i]) ? add_folder(set, paths[i], e) : add_one(set, paths[i], e);
	if (rc) {
		jshard_close(set);
		return rc;
	}
	hash_of_set(set);
	*out = set;
	return 0;
}

void
jshard_close(struct jshard_set *set)
{
	size_t i;

	if (!set)
		return;
	for (i = 0; i < set->n; i++)
		shard_close(&set->v[i]);
	jmem_free(set->v);
	jmem_free(set);
}

const struct jshard_info *
jshard_info(const struct jshard_set *set)
{
	return &set->info;
}

uint64_t
jshard_docs(const struct jshard_set *set)
{
	return set->info.docs;
}

/* The last shard whose first token (document) is not after at and that is not empty there. */
static const struct shard *
shard_at(const struct jshard_set *set, uint64_t at, bool doc)
{
	size_t lo = 0, hi = set->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if ((doc ? set->v[mid].first_doc : set->v[mid].first_token) <= at)
			lo = mid;
		else
			hi = mid;
	}
	return &set->v[lo];
}

uint64_t
jshard_doc_start(const struct jshard_set *set, uint64_t d)
{
	const struct shard *s;

	if (d >= set->info.docs)
		return set->info.tokens;
	s = shard_at(set, d, true);
	return s->first_token + jle_u64(s->docs + 8 * (d - s->first_doc));
}

const char *
jshard_doc_file(const struct jshard_set *set, uint64_t d, uint64_t *number)
{
	const struct shard *s = shard_at(set, d, true);

	*number = d - s->first_doc;
	return s->name;
}

/* n tokens from token `from` of one block of one shard. */
static int
get_run(const struct shard *s, uint64_t from, size_t n, uint32_t *ids, struct jerr *e)
{
	uint64_t b = from / s->per_block;
	const unsigned char *p;
	size_t i;
	int rc = shard_check_block(s, b, e);

	if (rc)
		return rc;
	p = s->p + SH_HEADER + b * SH_BLOCK + SH_HEAD +
		(from - b * s->per_block) * (uint64_t)s->info.token_width;
	if (s->info.token_width == 2)
		for (i = 0; i < n; i++)
			ids[i] = jle_u16(p + 2 * i);
	else
		for (i = 0; i < n; i++)
			ids[i] = jle_u32(p + 4 * i);
	for (i = 0; i < n; i++)
		if (ids[i] >= s->info.vocab_size)
			return jerr_set(e, JERR_FORMAT, "%s: token %llu is id %u of a vocabulary of %u",
				s->name, (unsigned long long)(from + i), (unsigned)ids[i],
				(unsigned)s->info.vocab_size);
	return 0;
}

static void
get_mask(const struct shard *s, uint64_t from, size_t n, unsigned char *mask)
{
	size_t i;

	if (!s->mask) {
		memset(mask, 1, n);
		return;
	}
	for (i = 0; i < n; i++)
		mask[i] = s->mask[(from + i) / 8] >> ((from + i) % 8) & 1;
}

int
jshard_get(const struct jshard_set *set, uint64_t from, size_t n, uint32_t *ids,
	unsigned char *mask, struct jerr *e)
{
	if (from > set->info.tokens || n > set->info.tokens - from)
		return jerr_set(e, JERR_ARG, "tokens %llu to %llu asked of %llu", (unsigned long long)from,
			(unsigned long long)(from + n), (unsigned long long)set->info.tokens);
	while (n) {
		const struct shard *s = shard_at(set, from, false);
		uint64_t at = from - s->first_token;
		uint64_t run = s->per_block - at % s->per_block;
		int rc;

		if (run > s->info.tokens - at)
			run = s->info.tokens - at;
		if (run > n)
			run = n;
		rc = get_run(s, at, (size_t)run, ids, e);
		if (rc)
			return rc;
		if (mask) {
			get_mask(s, at, (size_t)run, mask);
			mask += run;
		}
		ids += run;
		from += run;
		n -= (size_t)run;
	}
	return 0;
}

uint32_t
jshard_row_used(const struct jshard_set *set, uint64_t r)
{
	uint64_t width = (uint64_t)set->info.row_seq + 1;
	const struct shard *s = shard_at(set, r * width, false);

	return jle_u32(s->rows + SH_ROWS_FIXED + 4 * (r - s->first_token / width));
}

uint64_t
jshard_doc_end(const struct jshard_set *set, uint64_t d)
{
	uint64_t width = (uint64_t)set->info.row_seq + 1, row, end = jshard_doc_start(set, d + 1);

	if (!set->info.row_seq)
		return end;
	row = jshard_doc_start(set, d) / width;
	return end < (row + 1) * width ? end : row * width + jshard_row_used(set, row);
}

const char *
jshard_meta(const struct jshard_set *set, size_t i, size_t *n)
{
	*n = i < set->n ? set->v[i].meta_n : 0;
	return i < set->n ? (const char *)set->v[i].meta : NULL;
}
