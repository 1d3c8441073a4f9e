#include "score/jppl.h"

#include "infer/jnll.h"

#include <math.h>
#include <string.h>

#include "record/jrec.h"

struct jppl {
	struct jscorer *scorer;
	const struct jtok *tok;
	struct jtok_state *state;
	int64_t bos, eos;		/* -1 = none */
	struct jppl_doc *docs;
	size_t n, cap;
	uint64_t tokens, words, bytes;
	bool masked;
	struct jids ids;		/* the document being scored, behind its BOS */
	double *nll;
	size_t nll_cap;
	void (*progress)(void *arg, uint64_t docs, uint64_t tokens);
	void *progress_arg;
};

int
jppl_new(struct jppl **out, struct jmodel *m, const struct jtok *tok, struct jpar *pool,
	int context, struct jerr *e)
{
	struct jppl *p = jmem_zalloc(1, sizeof(*p));
	int rc = jscorer_new(&p->scorer, m, pool, context, e);

	if (rc < 0) {
		jmem_free(p);
		return rc;
	}
	p->tok = tok;
	p->state = tok ? jtok_state_new(tok) : NULL;
	p->bos = tok ? jtok_bos(tok) : m->cfg.bos;
	p->eos = tok ? jtok_eos(tok) : m->cfg.eos;
	*out = p;
	return 0;
}

const struct jtok *
jppl_tok(const struct jppl *p)
{
	return p->tok;
}

void
jppl_free(struct jppl *p)
{
	if (!p)
		return;
	jscorer_free(p->scorer);
	if (p->state)
		jtok_state_free(p->state);
	jids_release(&p->ids);
	jmem_free(p->docs);
	jmem_free(p->nll);
	jmem_free(p);
}

void
jppl_on_progress(struct jppl *p, void (*fn)(void *arg, uint64_t docs, uint64_t tokens), void *arg)
{
	p->progress = fn;
	p->progress_arg = arg;
}

static void
push_id(struct jids *ids, int64_t id)
{
	JMEM_GROW(ids->v, ids->cap, ids->n + 1);
	ids->v[ids->n++] = (uint32_t)id;
}

/* Scores p->ids; mask belongs to ids[skip...]. */
static int
score_ids(struct jppl *p, const unsigned char *mask, size_t skip, double bytes, struct jerr *e)
{
	struct jppl_doc d = { 0, bytes };
	int rc;

	JMEM_GROW(p->nll, p->nll_cap, p->ids.n + 1);
	rc = jscorer_nll(p->scorer, p->ids.v, p->ids.n, p->nll, e);
	if (rc < 0)
		return rc;
	for (size_t i = 1; i < p->ids.n; i++) {
		if (mask && i >= skip && !mask[i - skip])
			continue;
		d.nll += p->nll[i];
		p->tokens++;
	}
	JMEM_GROW(p->docs, p->cap, p->n + 1);
	p->docs[p->n++] = d;
	if (p->progress)
		p->progress(p->progress_arg, p->n, p->tokens);
	return 0;
}

static uint64_t
count_words(const char *text, size_t n)
{
	uint64_t words = 0;
	bool in_word = false;

	for (size_t i = 0; i < n; i++) {
		bool space = text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r');

		words += !space && !in_word;
		in_word = !space;
	}
	return words;
}

static void
begin_doc(struct jppl *p)
{
	p->ids.n = 0;
	if (p->bos >= 0)
		push_id(&p->ids, p->bos);
	else if (p->eos >= 0)
		push_id(&p->ids, p->eos);
}

int
jppl_text(struct jppl *p, const char *text, size_t n, struct jerr *e)
{
	int rc;

	if (!p->tok)
		return jerr_set(e, JERR_ARG, "text cannot be scored without a tokenizer");
	if (n == 0)
		return 0;
	begin_doc(p);
	rc = jtok_encode(p->state, text, n, 0, &p->ids, e);
	if (rc < 0)
		return rc;
	rc = score_ids(p, NULL, 0, (double)n, e);
	if (rc < 0)
		return rc;
	p->bytes += n;
	p->words += count_words(text, n);
	return 0;
}

/* Bytes and words of ids, from their spelling; false without a tokenizer. */
static int
measure(struct jppl *p, const uint32_t *ids, size_t n, uint64_t *bytes, struct jerr *e)
{
	struct jbuf b;
	int rc;

	*bytes = 0;
	if (!p->tok)
		return 0;
	jbuf_init(&b);
	rc = jtok_decode(p->state, ids, n, false, &b, e);
	if (rc >= 0) {
		*bytes = b.n;
		p->words += count_words(b.p, b.n);
	}
	jbuf_release(&b);
	return rc < 0 ? rc : 0;
}

int
jppl_ids(struct jppl *p, const uint32_t *ids, const unsigned char *mask, size_t n, struct jerr *e)
{
	uint64_t bytes = 0;
	size_t skip;
	int rc;

	if (n > 0 && p->eos >= 0 && ids[n - 1] == p->eos)
		n--;
	if (n == 0)
		return 0;
	begin_doc(p);
	if (p->ids.n && ids[0] == p->ids.v[0])
		p->ids.n = 0;
	skip = p->ids.n;
	JMEM_GROW(p->ids.v, p->ids.cap, skip + n);
	memcpy(p->ids.v + skip, ids, n * sizeof(*ids));
	p->ids.n = skip + n;
	if (mask && memchr(mask, 0, n))
		p->masked = true;
	rc = measure(p, ids, n, &bytes, e);
	if (rc == 0)
		rc = score_ids(p, mask, skip, (double)bytes, e);
	if (rc == 0)
		p->bytes += bytes;
	return rc;
}

void
jppl_ratio(struct jppl_result *r, const struct jppl_doc *docs, size_t n)
{
	double ratio, squares = 0;

	r->nll = 0;
	for (size_t i = 0; i < n; i++)
		r->nll += docs[i].nll;
	r->ppl = exp(r->nll / (double)r->tokens);
	r->word_ppl = exp(r->nll / (double)r->words);
	ratio = r->nll / (double)r->bytes;
	r->bpb = ratio / log(2);
	for (size_t i = 0; i < n; i++) {
		double d = docs[i].nll - ratio * docs[i].bytes;

		squares += d * d;
	}
	r->stderr_bpb = n < 2 ? NAN :
		sqrt((double)n / (double)(n - 1) * squares) / (double)r->bytes / log(2);
}

void
jppl_result(const struct jppl *p, struct jppl_result *r)
{
	memset(r, 0, sizeof(*r));
	r->docs = p->n;
	r->tokens = p->tokens;
	r->bytes = p->bytes;
	r->words = p->words;
	r->has_text = !p->masked && p->bytes > 0;
	jppl_ratio(r, p->docs, p->n);
}

void
jppl_put(const struct jppl_result *r, struct jbuf *out)
{
	jrec_put_num(out, "nll", r->nll);
	jrec_put_int(out, "tokens", (int64_t)r->tokens);
	if (r->has_text) {
		jrec_put_int(out, "bytes", (int64_t)r->bytes);
		jrec_put_int(out, "words", (int64_t)r->words);
	}
	jrec_put_num(out, "loss", r->nll / (double)r->tokens);
	jrec_put_num(out, "ppl", r->ppl);
	if (!r->has_text)
		return;
	jrec_put_num(out, "word_ppl", r->word_ppl);
	jrec_put_num(out, "bpb", r->bpb);
	if (!isnan(r->stderr_bpb))
		jrec_put_num(out, "stderr", r->stderr_bpb);
	jrec_put_int(out, "docs", (int64_t)r->docs);
}
