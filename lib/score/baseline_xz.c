/* baseline_xz.c - how far xz -9 gets. */
#include <lzma.h>

#include "score/jbaseline.h"

/* Feeds n bytes with an action and adds up what comes out. */
static int
feed(lzma_stream *z, const char *p, size_t n, lzma_action action, uint64_t *out, struct jerr *e)
{
	unsigned char sink[1 << 16];
	lzma_ret rc = LZMA_OK;

	z->next_in = (const uint8_t *)p;
	z->avail_in = n;
	do {
		z->next_out = sink;
		z->avail_out = sizeof(sink);
		rc = lzma_code(z, action);
		*out += sizeof(sink) - z->avail_out;
	} while (rc == LZMA_OK && (z->avail_in > 0 || z->avail_out == 0 || action != LZMA_RUN));
	if (rc != LZMA_OK && rc != LZMA_STREAM_END)
		return jerr_set(e, rc == LZMA_MEM_ERROR ? JERR_NOMEM : JERR_LIMIT,
			"xz -9: the encoder failed with code %d%s", (int)rc,
			rc == LZMA_MEM_ERROR ? " (it needs about 700 MiB)" : "");
	return 0;
}

/* Bytes that held adds to the compressed train. */
static int
added(const struct jbuf *train, const struct jbuf *held, uint64_t *bytes, struct jerr *e)
{
	lzma_stream z = LZMA_STREAM_INIT;
	uint64_t before = 0, total;
	int rc = 0;

	if (lzma_easy_encoder(&z, 9, LZMA_CHECK_NONE) != LZMA_OK)
		return jerr_set(e, JERR_NOMEM, "xz -9: no memory for the encoder (about 700 MiB)");
	if (train && train->n > 0)
		rc = feed(&z, train->p, train->n, LZMA_SYNC_FLUSH, &before, e);
	total = before;
	if (rc == 0)
		rc = feed(&z, held->p, held->n, LZMA_FINISH, &total, e);
	lzma_end(&z);
	*bytes = total - before;
	return rc;
}

int
jbaseline_xz(const struct jbuf *train, const struct jbuf *held, struct jbaseline_xz *out,
	struct jerr *e)
{
	uint64_t bytes;

	if (held->n == 0)
		return jerr_set(e, JERR_ARG, "no held-out text to compress");
	if (added(NULL, held, &bytes, e) < 0)
		return e->code;
	out->alone = 8.0 * (double)bytes / (double)held->n;
	if (added(train, held, &bytes, e) < 0)
		return e->code;
	out->after = 8.0 * (double)bytes / (double)held->n;
	return 0;
}
