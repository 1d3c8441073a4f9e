/*
 * identity.h - are two models the same apart from what they compute: token ids of fixed texts, fixed
 * conversations rendered by the chat templates, weights.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "model/jmodel.h"
#include "tok/jtok.h"

struct identity {
	bool tokens_known;		/* both have a tokenizer */
	bool same_tokens;		/* every id is spelled alike (true if one side has none) */
	size_t texts, same_ids;
	size_t conversations, same_rendered;	/* 0 if neither has a template */
	size_t weights, same_weights;	/* matrices and vectors that both have; 0 with an adapter */
	double weight_drift;		/* largest |b - a| / |a| of a tensor */
	char worst[128];		/* the tensor of that drift */
	char sha256[2][65];		/* over names and fp32 values, "" with an adapter */
};

/* Either tokenizer may be NULL. */
int identity_tokens(struct identity *r, const struct jtok *a, const struct jtok *b, struct jerr *e);
int identity_weights(struct identity *r, struct jmodel *a, struct jmodel *b, struct jerr *e);
bool identity_holds(const struct identity *r);	/* tokens, ids and rendered text alike? */

#endif
