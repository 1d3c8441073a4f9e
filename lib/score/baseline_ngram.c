/* baseline_ngram.c - how far an n-gram model over the model's own tokens gets. */
#include <math.h>
#include <string.h>

#include "score/jbaseline.h"
#include "text/jngram.h"

/* The NUL-separated texts of b, one at a time; returns false at the end. */
static bool
next_text(const struct jbuf *b, size_t *at, const char **text, size_t *n)
{
	const char *end;

	if (*at >= b->n)
		return false;
	*text = b->p + *at;
	end = memchr(*text, 0, b->n - *at);
	*n = end ? (size_t)(end - *text) : b->n - *at;
	*at += *n + 1;
	return true;
}

static int
train_model(const struct jbaseline_ngram *o, struct jtok_state *state, const struct jbuf *train,
	struct jngram **m, struct jerr *e)
{
	struct jngram_opts opts = { .order = o->order, .vocab = jtok_vocab_size(o->tok),
		.memory = o->memory };
	struct jngram_trainer *t;
	struct jids ids = { 0 };
	const char *text;
	size_t at = 0, n;
	int rc = jngram_train_open(&t, &opts, e);

	if (rc < 0)
		return rc;
	while (rc >= 0 && next_text(train, &at, &text, &n)) {
		ids.n = 0;
		rc = jtok_encode(state, text, n, 0, &ids, e);
		if (rc >= 0 && o->end >= 0) {
			JMEM_GROW(ids.v, ids.cap, ids.n + 1);
			ids.v[ids.n++] = (uint32_t)o->end;
		}
		if (rc >= 0)
			rc = jngram_train_add(t, ids.v, ids.n, e);
	}
	jids_release(&ids);
	if (rc < 0)
		jngram_train_abort(t);
	else
		rc = jngram_train_finish(t, m, e);
	return rc;
}

static uint64_t
count_words(const char *s, size_t n)
{
	uint64_t words = 0;
	bool in = false;
	size_t i;

	for (i = 0; i < n; i++) {
		bool space = s[i] == ' ' || (s[i] >= 9 && s[i] <= 13);

		words += !space && !in;
		in = !space;
	}
	return words;
}

static int
measure(struct jtok_state *state, const struct jngram *m, const struct jbuf *held,
	struct jppl_result *r, struct jerr *e)
{
	struct jppl_doc *docs = NULL;
	struct jids ids = { 0 };
	const char *text;
	size_t at = 0, n, cap = 0;
	int rc = 0;

	while (rc >= 0 && next_text(held, &at, &text, &n)) {
		ids.n = 0;
		rc = jtok_encode(state, text, n, 0, &ids, e);
		if (rc < 0)
			break;
		JMEM_GROW(docs, cap, r->docs + 1);
		docs[r->docs].nll = -jngram_log2_sum(m, ids.v, ids.n) * log(2);
		docs[r->docs++].bytes = (double)n;
		r->tokens += ids.n;
		r->bytes += n;
		r->words += count_words(text, n);
	}
	if (rc >= 0 && r->tokens == 0)
		rc = jerr_set(e, JERR_ARG, "no held-out text to measure");
	r->has_text = true;
	if (rc >= 0)
		jppl_ratio(r, docs, r->docs);
	jids_release(&ids);
	jmem_free(docs);
	return rc < 0 ? rc : 0;
}

int
jbaseline_ngram(const struct jbaseline_ngram *o, const struct jbuf *train, const struct jbuf *held,
	struct jppl_result *out, struct jerr *e)
{
	struct jtok_state *state = jtok_state_new(o->tok);
	struct jngram *m = NULL;
	int rc = train_model(o, state, train, &m, e);

	memset(out, 0, sizeof(*out));
	if (rc >= 0)
		rc = measure(state, m, held, out, e);
	jngram_free(m);
	jtok_state_free(state);
	return rc < 0 ? rc : 0;
}
