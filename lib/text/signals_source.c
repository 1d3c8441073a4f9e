/* signals_source.c - what the record says about its text: address and licence. */
#include <math.h>

#include "text/jabout.h"
#include "text/jlicences.h"
#include "text/page_models.h"
#include "text/signals.h"

/* False where there is no list or no address. */
static bool
url_hits(struct jpage *pg, struct jurls_hits *h)
{
	const struct page_models *a = jpage_models(pg);

	return a->m && a->m->urls && pg->about && pg->about->uri &&
		jurls_match(a->m->urls, pg->about->uri, pg->about->uri_n, h);
}

static double
sig_url_listed(struct jpage *pg)
{
	struct jurls_hits h;

	return url_hits(pg, &h) ? h.listed : NAN;
}

static double
sig_url_words(struct jpage *pg)
{
	struct jurls_hits h;

	return url_hits(pg, &h) ? h.words : NAN;
}

static double
sig_url_soft_words(struct jpage *pg)
{
	struct jurls_hits h;

	return url_hits(pg, &h) ? h.soft : NAN;
}

/* A text without a licence may not be used: that is an answer, not the lack of one. */
static double
sig_licence_wanted(struct jpage *pg)
{
	const struct page_models *a = jpage_models(pg);

	if (!a->m || !a->m->licences)
		return NAN;
	return pg->about && pg->about->licence &&
		jlicences_allow(a->m->licences, pg->about->licence, pg->about->licence_n);
}

const struct jsignal jsignals_source[] = {
	{ "url_listed", sig_url_listed, "the address is in a list of --urls (0 or 1)" },
	{ "url_words", sig_url_words, "words of --urls in the address" },
	{ "url_soft_words", sig_url_soft_words, "soft words of --urls in the address" },
	{ "licence_wanted", sig_licence_wanted, "the licence is one of --licence (0 or 1)" },
	{ .name = NULL }
};
