/* Rows of best-fit packing: windows of the shuffled documents, each packed for itself. */
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "fit.h"
#include "pack.h"

static void
flush_window(struct fit *f, struct pack_bins *b, uint64_t *placed)
{
	uint32_t bin = UINT32_MAX;
	size_t i;

	fit_place(f);
	for (i = 0; i < f->n; i++) {
		if (f->v[i].bin != bin) {
			bin = f->v[i].bin;
			b->first[b->rows++] = *placed;
		}
		b->docs[(*placed)++] = f->v[i].id;
	}
	f->n = 0;
}

int
pack_bins_make(struct pack_bins *b, const struct jshard_set *s, uint32_t cap, uint64_t seed,
	struct jerr *e)
{
	uint64_t i, docs = jshard_docs(s), placed = 0;
	struct fit f;

	memset(b, 0, sizeof(*b));
	b->docs = jmem_try(docs + 1, sizeof(*b->docs));
	b->first = jmem_try(docs + 1, sizeof(*b->first));
	if (!b->docs || !b->first) {
		pack_bins_release(b);
		return jerr_set(e, JERR_NOMEM, "no memory to pack %llu documents", (unsigned long long)docs);
	}
	fit_init(&f, cap);
	for (i = 0; i < docs; i++) {
		uint64_t d = jrand_permute(i, docs, seed, UINT64_MAX);
		uint64_t len = jshard_doc_start(s, d + 1) - jshard_doc_start(s, d);

		if (len < 2)
			continue;	/* nothing to predict */
		if (fit_add(&f, len < cap ? (uint32_t)len : cap, d))
			flush_window(&f, b, &placed);
	}
	flush_window(&f, b, &placed);
	b->first[b->rows] = placed;
	fit_release(&f);
	return 0;
}

void
pack_bins_release(struct pack_bins *b)
{
	jmem_free(b->docs);
	jmem_free(b->first);
	memset(b, 0, sizeof(*b));
}
