#include "stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/jmem.h"

#define BLOCK 65536
#define TOP 10
#define MAX_VOCAB (1u << 24)

struct stats {
	uint64_t *count, *len;		/* [vocab], [docs] */
	uint64_t loss;
	uint32_t *ids;
	unsigned char *mask;
};

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
count_tokens(struct stats *st, const struct jshard_set *s, struct jerr *e)
{
	const struct jshard_info *in = jshard_info(s);
	uint64_t at, n;
	size_t i;

	for (at = 0; at < in->tokens; at += n) {
		int rc;

		n = in->tokens - at < BLOCK ? in->tokens - at : BLOCK;
		rc = jshard_get(s, at, (size_t)n, st->ids, st->mask, e);
		if (rc)
			return rc;
		for (i = 0; i < n; i++) {
			if (st->ids[i] >= in->vocab_size)
				return jerr_set(e, JERR_FORMAT, "token %llu is %u, beyond the vocabulary of %u",
					(unsigned long long)(at + i), (unsigned)st->ids[i], (unsigned)in->vocab_size);
			st->count[st->ids[i]]++;
			st->loss += st->mask[i];
		}
	}
	return 0;
}

/* Padding of packed rows is nobody's, and leaves the counts. */
static uint64_t
set_lengths(struct stats *st, const struct jshard_set *s)
{
	uint64_t d, padding = jshard_info(s)->tokens;

	for (d = 0; d < jshard_docs(s); d++) {
		st->len[d] = jshard_doc_end(s, d) - jshard_doc_start(s, d);
		padding -= st->len[d];
	}
	st->count[0] -= padding;
	return padding;
}

static void
put_lengths(struct stats *st, const struct jshard_set *s, struct jbuf *out)
{
	static const struct { const char *name; unsigned percent; } at[] = {
		{ "min", 0 }, { "p10", 10 }, { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 },
	};
	uint64_t docs = jshard_docs(s);
	size_t i;

	if (docs)
		qsort(st->len, (size_t)docs, sizeof(*st->len), by_size);
	jbuf_adds(out, "\"doc_tokens\":{");
	for (i = 0; i < sizeof(at) / sizeof(*at); i++)
		jbuf_printf(out, "%s\"%s\":%llu", i ? "," : "", at[i].name,
			(unsigned long long)(docs ? st->len[(docs - 1) * at[i].percent / 100] : 0));
	jbuf_addc(out, '}');
}

/* How many ids occur, how evenly, and the most frequent; the smaller id first. */
static void
put_ids(const struct stats *st, const struct jshard_info *in, uint64_t tokens, struct jbuf *out)
{
	uint32_t top[TOP], n = 0, id, i;
	uint64_t used = 0;
	double bits = 0;

	for (id = 0; id < in->vocab_size; id++) {
		double p = (double)st->count[id] / (double)tokens;

		if (!st->count[id])
			continue;
		used++;
		bits -= p * log2(p);
		for (i = n < TOP ? n++ : TOP; i > 0 && st->count[top[i - 1]] < st->count[id]; i--)
			if (i < TOP)
				top[i] = top[i - 1];
		if (i < TOP)
			top[i] = id;
	}
	jbuf_printf(out, ",\"ids_used\":%llu,\"entropy_bits\":%.4f,\"top\":[", (unsigned long long)used, bits);
	for (i = 0; i < n; i++)
		jbuf_printf(out, "%s[%u,%llu]", i ? "," : "", (unsigned)top[i], (unsigned long long)st->count[top[i]]);
	jbuf_addc(out, ']');
}

int
stats_put(const struct jshard_set *s, struct jbuf *out, struct jerr *e)
{
	const struct jshard_info *in = jshard_info(s);
	struct stats st = { 0 };
	uint64_t padding;
	int rc;

	if (in->vocab_size > MAX_VOCAB)
		return jerr_set(e, JERR_LIMIT, "a vocabulary of %u is too large for statistics, at most %u",
			(unsigned)in->vocab_size, MAX_VOCAB);
	st.count = jmem_zalloc((size_t)in->vocab_size + 1, sizeof(*st.count));
	st.len = jmem_zalloc((size_t)jshard_docs(s) + 1, sizeof(*st.len));
	st.ids = jmem_alloc(BLOCK, sizeof(*st.ids));
	st.mask = jmem_alloc(BLOCK, 1);
	rc = count_tokens(&st, s, e);
	if (!rc) {
		padding = set_lengths(&st, s);
		jbuf_adds(out, ",\"stats\":{");
		put_lengths(&st, s, out);
		if (in->row_seq)
			jbuf_printf(out, ",\"padding\":%llu", (unsigned long long)padding);
		jbuf_printf(out, ",\"loss_tokens\":%llu,\"bytes_per_token\":%.4f", (unsigned long long)st.loss,
			in->tokens > padding ? (double)in->text_bytes / (double)(in->tokens - padding) : 0.0);
		put_ids(&st, in, in->tokens - padding, out);
		jbuf_addc(out, '}');
	}
	jmem_free(st.count);
	jmem_free(st.len);
	jmem_free(st.ids);
	jmem_free(st.mask);
	return rc;
}
