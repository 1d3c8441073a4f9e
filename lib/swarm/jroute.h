/*
 * jroute.h - which experts should answer a question, and whether any should.
 *
 * Sources of evidence that need no expert to be loaded:
 * - keywords: whole words of the expert files.  A keyword that e of E experts list weighs
 *   log(1 + E / e); the score of an expert is 1 - exp(-w / 2) for the summed weight w of those that
 *   occur, so more keywords in a file do not make a hit worth less.
 * - a trained router: multinomial logistic regression (Bishop 2006, 4.3.4) over hashed words, word
 *   pairs and parts of words, tf-idf weighted, made from the experts' own examples and documents in
 *   seconds.
 * - an embedding, where the router was trained with an encoder: the vector of the question beside
 *   those of examples, which the router's file holds; the nearest of each expert, and ridge
 *   regression (nearest.h).  Only the encoder is opened, when the first question comes.
 * Each becomes probabilities by a conditional logit (McFadden 1974) fitted on held-out passages, and so
 * does their mixture, the hybrid, in which a source counts as much as it predicts beside the others.
 *
 * "None of these".  Foreign texts, where given, are a class of their own in training.  The acceptance is
 * the probability that a text is an expert's, by logistic regression on: the share, weighted by rarity,
 * of its words that occur in the experts' texts; the experts' odds against the foreign class; how far
 * the best expert is ahead; and, with an encoder, how near it is.  The threshold on it is found on what
 * was held out.  Without foreign texts each expert in turn is left out: its held-out passages must then
 * look foreign, and the others' not.
 *
 * Everything is deterministic: the same texts and seed give the same router, bit for bit.
 */
#ifndef JROUTE_H
#define JROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "record/jrec.h"
#include "swarm/jexpert.h"

enum jroute_strategy {
	JROUTE_KEYWORD, JROUTE_TRAINED,
	JROUTE_NEAREST, JROUTE_RIDGE, JROUTE_EMBEDDING,	/* the last: both */
	JROUTE_HYBRID			/* all that there is */
};
extern const char *const jroute_strategies[];	/* names, in that order; NULL at the end */

struct jroute_opts {
	enum jroute_strategy strategy;
	int top_k;			/* at most this many experts */
	double min_score;		/* experts below are not asked */
	double budget;			/* sum of costs that may be spent; 0: any */
	bool abstain;			/* false: somebody is always asked */
};
#define JROUTE_OPTS_INIT { .strategy = JROUTE_HYBRID, .top_k = 3, .min_score = 0.1, .abstain = true }

struct jroute_choice {
	size_t expert;			/* index into the set */
	double score;			/* 0..1 */
};

struct jroute_result {
	struct jroute_choice *v;	/* all experts, best first */
	size_t n;
	size_t chosen;			/* the first so many answer */
	double acceptance, threshold;	/* below it nobody was asked; threshold 0: not known */
	double cost;			/* of the chosen */
	struct jbuf why;		/* one line per expert, '\n' between: words, parts of the score */
	size_t *why_at;			/* [n + 1] */
};

/* --- training --- */
struct jrouter_train;
struct jrouter_train *jrouter_train_new(const struct jexperts *x, uint64_t seed);
void jrouter_train_free(struct jrouter_train *t);
/* A text of expert i: cut into passages of the size of questions and of paragraphs. */
void jrouter_train_add(struct jrouter_train *t, size_t expert, const char *text, size_t n);
/* A title or keyword of expert i, that people may ask about. */
void jrouter_train_add_topic(struct jrouter_train *t, size_t expert, const char *topic, size_t n);
/* A text, or topics of one field separated by commas, that are none of the experts'. */
void jrouter_train_add_foreign(struct jrouter_train *t, const char *text, size_t n);
void jrouter_train_add_foreign_topics(struct jrouter_train *t, const char *topics, size_t n);
/* Before it is saved: vectors of examples by this model, an encoder or the base of the experts. */
struct jrouter_means {
	int jobs;
	uint64_t memory;		/* bytes that the encoder may take; JERR_NOMEM where it wants more */
};
int jrouter_train_encoder(struct jrouter_train *t, const char *model, const struct jrouter_means *with,
	struct jerr *e);
struct jrouter_report {
	size_t passages, held_out;
	double accuracy[JROUTE_HYBRID + 1];	/* of each strategy, on held-out passages */
	double threshold;
	double foreign_rejected;	/* share at the threshold, of foreign texts or of experts left out */
	double own_accepted;		/* and of the held-out sentences */
	bool has_foreign, embeds;
};
/* Fits and writes the router (safetensors) to path. */
int jrouter_train_save(struct jrouter_train *t, const char *path, struct jrouter_report *r,
	struct jerr *e);

/* --- routing --- */
struct jrouter;
/* trained: a file of jrouter_train_save(), made for these experts, or NULL. */
int jrouter_open(struct jrouter **r, const struct jexperts *x, const char *trained, struct jerr *e);
void jrouter_close(struct jrouter *r);
bool jrouter_is_trained(const struct jrouter *r);
/* Passes what the strategy needs from the trained router: JERR_ARG where it is not there. */
int jrouter_check(const struct jrouter *r, enum jroute_strategy s, struct jerr *e);
/*
 * What routing by the strategy takes: the router and, where it is used, its encoder.  JERR_NOMEM where
 * that is more than `limit` bytes.
 */
int jrouter_memory(const struct jrouter *r, enum jroute_strategy s, uint64_t limit, uint64_t *bytes,
	struct jerr *e);
void jroute_result_init(struct jroute_result *res);
void jroute_result_release(struct jroute_result *res);
int jrouter_route(struct jrouter *r, const char *question, size_t n, const struct jroute_opts *o,
	struct jroute_result *res, struct jerr *e);
/* The same with scores and reasons (one line each) that were made elsewhere, of all experts. */
void jrouter_take(struct jrouter *r, const double *score, const struct jbuf *why,
	const struct jroute_opts *o, struct jroute_result *res);
/*
 * The question of a record: "question", "prompt", the last user turn of "messages", or "text".  It
 * lives in the record's arena; false where there is none.
 */
bool jroute_question(const struct jrec *r, const char **p, size_t *n);

#endif
