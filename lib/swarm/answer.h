/* answer.h - inside the room swarm: open models, and questions as they are put to them. */
#ifndef ANSWER_H
#define ANSWER_H

#include "infer/jinfer.h"
#include "model/jadapter.h"
#include "model/jdescribe.h"
#include "par/jpar.h"
#include "swarm/jswarm.h"

/* What answers were held to: kept, because the vocabulary remembers its masks. */
struct choices {
	struct choices *next;
	char *regex;
	struct jgrammar *grammar;
};

/* An open model. */
struct member {
	char *model, *adapter;
	struct jmodel *m;
	struct jtok *tok;
	struct jtok_state *state;
	struct jinfer *inf;		/* one slot */
	struct jgvocab *vocab;		/* made when first needed */
	struct choices *choices;
	uint64_t own_bytes;		/* without the mapped file */
	uint64_t file_bytes;
	uint64_t used;			/* clock of the swarm */
	double used_s;
	int held;			/* in use: not to be closed */
};

struct jswarm {
	struct jswarm_opts o;
	struct jpar *pool;
	struct member **v;
	size_t n, cap;
	uint64_t clock;
	struct jswarm_stats stats;
};

/* Opens it, or finds it open; held until member_put(). */
int member_get(struct jswarm *s, const struct jswarm_model *m, struct member **out, struct jerr *e);
void member_put(struct member *x);

/* The question as a JSON array of messages, and as plain text. */
void ask_messages(const struct jswarm_ask *q, const struct jswarm_reply *r, struct jbuf *out);
void ask_plain(const struct jswarm_ask *q, const struct jswarm_reply *r, struct jbuf *out);
/* Appends the ids of the question for a model. */
int ask_ids(const struct member *x, const struct jswarm_ask *q, const struct jswarm_reply *r,
	struct jids *ids, struct jerr *e);

#endif
