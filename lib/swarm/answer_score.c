/*
 * answer_score.c - how likely a text is, by a model.
 */
#include "swarm/answer.h"

#include <string.h>

#define ROWS 64			/* logits of so many tokens at once */

/* Tokens from..n-1 given all before them. */
static int
score_ids(struct member *x, const struct jids *ids, size_t from, struct jswarm_nll *out,
	struct jerr *e)
{
	size_t V = (size_t)x->m->cfg.vocab_size;
	float *logits = jmem_try(ROWS * V, sizeof(*logits));
	int rc = 0;

	if (!logits)
		return jerr_set(e, JERR_NOMEM, "no memory for %zu logits", ROWS * V);
	jinfer_reset(x->inf, 0);
	for (size_t at = 0; rc == 0 && at + 1 < ids->n; at += ROWS) {
		size_t n = ids->n - 1 - at < ROWS ? ids->n - 1 - at : ROWS;
		struct jinfer_feed f = { .ids = ids->v + at, .n = n, .all_logits = logits };

		rc = jinfer_feed(x->inf, &f, 1, e);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			const float *row = logits + i * V;

			if (at + i + 1 >= from)
				out->nll += jsample_log_sum(row, (int64_t)V) - (double)row[ids->v[at + i + 1]];
		}
	}
	out->tokens = ids->n - from;
	jmem_free(logits);
	return rc;
}

static int
start_ids(struct member *x, const char *question, struct jids *ids, struct jerr *e)
{
	struct jswarm_ask q = { .question = question };
	struct jswarm_reply none;
	int rc;

	if (!question)
		return jinfer_prompt(x->state, x->tok, &(struct jprompt){ "", 0, false }, ids, e);
	jswarm_reply_init(&none, NULL);
	rc = ask_ids(x, &q, &none, ids, e);
	jswarm_reply_release(&none);
	return rc;
}

int
jswarm_score(struct jswarm *s, const struct jswarm_model *m, const char *question,
	const char *text, struct jswarm_nll *out, struct jerr *e)
{
	struct jids ids = { 0 };
	struct member *x;
	size_t from;
	int rc = member_get(s, m, &x, e);

	if (rc < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	out->bytes = strlen(text);
	rc = start_ids(x, question, &ids, e);
	from = ids.n;
	if (rc == 0)
		rc = jtok_encode(x->state, text, out->bytes, 0, &ids, e);
	if (rc >= 0 && ids.n > (size_t)jinfer_capacity(x->inf))
		ids.n = (size_t)jinfer_capacity(x->inf);
	if (rc >= 0 && from == 0)
		from = 1;		/* nothing stands before: the first token is not scored */
	if (rc >= 0 && ids.n > from)
		rc = score_ids(x, &ids, from, out, e);
	jids_release(&ids);
	member_put(x);
	return rc < 0 ? rc : 0;
}
