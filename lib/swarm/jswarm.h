/*
 * jswarm.h - asking experts, wherever they live, within a budget of memory.
 *
 * A swarm holds a set of experts and loads none of them.  A model is opened when it is first needed:
 * mapped from its file, so that experts which share a base share its pages.  Before one is opened that
 * would exceed the budget, those unused for longest are closed; one that alone is too large does not
 * answer.  Counted are the files once, and of each open model its key/value cache and work space.
 *
 * Experts here answer one after the other, each with all threads; those on nodes are asked meanwhile,
 * all at once.  One that gives no answer (not trained yet, dead, slow, nothing or nonsense) says why in
 * its reply.
 *
 * A model of the expert's own needs no introduction; a made-up system prompt goes to shared bases and
 * nodes only, one that the expert's file gives always.  A model without a chat template gets plain
 * text: "Question: ...\nAnswer:".
 *
 * What local experts answer is a function of the question, the options and the seed.
 * One thread at a time.  The experts must outlive the swarm.
 */
#ifndef JSWARM_H
#define JSWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "swarm/jexpert.h"
#include "swarm/jroute.h"
#include "swarm/jsynth.h"

struct jswarm_opts {
	uint64_t memory;	/* bytes */
	uint64_t beside;	/* of these, taken already by what else the program holds (a router) */
	int jobs;		/* threads of a model */
	uint64_t seed;
	int context;		/* most tokens of a question with its answer; 0 = 4096, or the model's */
	int max_tokens;		/* of an answer; 0 = as the expert's file says */
	double temperature;	/* below 0: as the expert's file says */
	double timeout_s;	/* of a node's answer, all tries together; 0 = 60 */
	int retries;		/* of a node; below 0: none */
	const char *key;	/* for nodes, or NULL */
	int passages;		/* so many of an expert's knowledge go with the question; 0: none */
	bool quote;		/* those passages are its answer: no model is asked */
	const struct jexperts *experts;
};

struct jswarm;
struct jswarm *jswarm_new(const struct jswarm_opts *o);
void jswarm_free(struct jswarm *s);		/* NULL is fine */
/* Closes models that were not used for so many seconds. */
void jswarm_rest(struct jswarm *s, double idle_s);
struct jswarm_stats {
	size_t open;			/* models now */
	uint64_t bytes, peak_bytes;	/* as counted against the budget */
	uint64_t opened, closed;	/* since the beginning */
};
void jswarm_stats(const struct jswarm *s, struct jswarm_stats *st);

/* --- asking --- */
struct jswarm_ask {
	const char *question;
	const char *history;		/* earlier turns: members of a JSON array, "" or NULL */
	const char *system;		/* instead of the expert's own; NULL */
	const struct jsynth_answer *others;	/* answers to be considered; an expert's own is named so */
	size_t n_others;
	uint64_t key;			/* with the seed: another stream of random numbers */
	int (*on_text)(void *arg, const char *p, size_t n);	/* NULL, or pieces; non-zero stops */
	void *arg;
};
struct jcitation {
	const char *id, *title, *source;	/* as the record has them; "" where it does not */
	const char *text;		/* the passage */
	int64_t at;			/* where it begins in the record's text, in bytes */
	double score;			/* bm25, higher is better */
};
struct jswarm_reply {
	const struct jexpert *expert;	/* whom to ask: set by the caller */
	struct jbuf text;		/* empty: no answer */
	struct jbuf missing;		/* why there is none, or not all of it; else empty */
	uint64_t prompt_tokens, tokens;
	double seconds;
	struct jcitation *cites;	/* passages of its knowledge that it was given */
	size_t n_cites;
	struct jarena arena;		/* what they point to */
};
void jswarm_reply_init(struct jswarm_reply *r, const struct jexpert *x);
void jswarm_reply_release(struct jswarm_reply *r);
/* All n are asked; pieces (on_text) only come where n is 1. */
void jswarm_ask(struct jswarm *s, const struct jswarm_ask *q, struct jswarm_reply *r, size_t n);
/* Why a text is no answer ("it repeats itself"), or NULL. */
const char *jswarm_nonsense(const char *text, size_t n);
/* Why the expert cannot answer at all (not trained yet, and how it would be), or NULL. */
const char *jswarm_absent(const struct jexpert *x, struct jbuf *why);

/* --- models that judge and merge --- */
struct jswarm_model {
	const char *model, *adapter;	/* adapter NULL: none */
};
/* The same for a model that is no expert; the reply's expert may be NULL. */
int jswarm_generate(struct jswarm *s, const struct jswarm_model *m, const struct jswarm_ask *q,
	struct jswarm_reply *r, struct jerr *e);
/* Its answer to the question is held to the regular expression; greedy. */
int jswarm_choose(struct jswarm *s, const struct jswarm_model *m, const char *question,
	const char *regex, struct jbuf *out, struct jerr *e);
struct jswarm_nll {
	double nll;			/* nats */
	size_t tokens, bytes;		/* of the text */
};
/* -ln p of the text as an answer to the question (NULL: as a text of its own). */
int jswarm_score(struct jswarm *s, const struct jswarm_model *m, const char *question,
	const char *text, struct jswarm_nll *out, struct jerr *e);
/*
 * Routing by models, for the experts of the swarm: score[n] and the reasons why[n] (appended to).
 * likelihoods: the posterior of each expert's model, given the question's probability under it (Bayes,
 * equal priors; experts without a model here get 0).  judge: a model names them one by one, held to
 * their names or "none"; 1, 1/2, 1/3 ... in its order.
 */
int jswarm_likelihoods(struct jswarm *s, const char *question, double *score, struct jbuf *why,
	struct jerr *e);
struct jswarm_judging {
	const char *judge;		/* model */
	const char *question;
	int top_k;			/* names at most */
};
int jswarm_judge(struct jswarm *s, const struct jswarm_judging *o, double *score,
	struct jbuf *why, struct jerr *e);
/* A router's choice by one of these; judge NULL: by the likelihoods. */
int jswarm_route(struct jswarm *s, struct jrouter *r, const struct jswarm_judging *by,
	const struct jroute_opts *o, struct jroute_result *res, struct jerr *e);
/* What answers for an expert that lives here; false: a node does, or nothing is there. */
bool jswarm_model_of(const struct jexpert *x, struct jswarm_model *m);

/*
 * One text from several models at once, token by token: what is sampled from is the fixed-share
 * mixture of their distributions, whose weights begin with the prior, a tenth of it spread evenly, and
 * follow the question first and then the answer.  They
 * must have the same tokenizer.  w[n] gets the mean weights over the answer's tokens.
 */
struct jswarm_mix {
	const struct jswarm_model *models;
	const double *prior;		/* [n] scores of a router, or NULL: all the same */
	size_t n;
	double share;
	int max_tokens;
	double temperature, top_p;
};
int jswarm_mix(struct jswarm *s, const struct jswarm_mix *x, const struct jswarm_ask *q, double *w,
	struct jswarm_reply *r, struct jerr *e);

/* --- one answer out of several --- */
enum jsynth_mode {
	JSYNTH_SELECT,		/* that of the highest score */
	JSYNTH_CONCATENATE, JSYNTH_WEIGHTED,
	JSYNTH_RANK,		/* the best, by a judge or by likelihood */
	JSYNTH_FUSE,		/* written anew by a model that reads all (Wang et al. 2024) */
	JSYNTH_DEBATE,		/* each reads the others and answers again (Du et al. 2023) */
	JSYNTH_MIX,		/* jswarm_mix() */
	JSYNTH_SELF		/* several samples of the best expert: the one most like the others */
};
extern const char *const jsynth_modes[];	/* names, in that order; NULL at the end */
enum jsynth_rank {
	JSYNTH_BY_ANY,		/* a judge where a model is named, else the experts */
	JSYNTH_BY_JUDGE,	/* wins over all pairs, in both orders (Jiang et al. 2023) */
	JSYNTH_BY_QUESTION,	/* likelihood of the question given the answer */
	JSYNTH_BY_EXPERTS	/* of the answer, by the experts' models */
};
struct jsynth_opts {
	enum jsynth_mode mode;
	enum jsynth_rank rank;
	const char *model;		/* judges and merges; NULL: none */
	int rounds;			/* of debate, after the first answers */
	double consensus;		/* agreement at which a debate ends */
	int samples;			/* of self */
	double share;			/* of mix */
	struct jsynth_weighted weighted;	/* its attribution counts for concatenate, too */
	bool control;			/* self at as many tokens, beside the answer */
};
#define JSYNTH_OPTS_INIT { .rounds = 2, .consensus = 0.9, .samples = 4, .share = 0.01, \
	.weighted = { .max_bytes = 16384, .attribution = true } }

struct jsynth_source {
	const char *expert;
	const char *text;		/* its answer; NULL: it is to be asked */
	double score;
	const char *why;		/* it was chosen; NULL: not known */
};
struct jsynth_question {
	const char *question;
	const char *history;		/* as in jswarm_ask */
	const struct jsynth_source *sources;
	size_t n;
	int (*on_text)(void *arg, const char *p, size_t n);	/* the answer's pieces, or NULL */
	void *arg;
};
struct jsynth_control {
	struct jbuf text;
	const char *expert;		/* NULL: there was none */
	int samples;
	uint64_t tokens;
	const char *won;		/* "answer", "control", "tie"; NULL: no judge */
};
struct jsynth_result {
	struct jbuf text;		/* empty: nobody answered */
	enum jsynth_mode mode;		/* what was done: another than asked for where ... */
	struct jbuf fallback;		/* ... this says why */
	struct jswarm_reply *replies;	/* [n], of all sources in their order */
	struct jsynth_answer *parts;	/* [n_parts], of those that answered */
	size_t *part_of;		/* [n_parts]: index into replies */
	size_t n, n_parts;
	const char **names;		/* [n] of the sources */
	uint64_t prompt_tokens, tokens;	/* of everybody, merging and judging counted */
	double seconds, cost;		/* cost: of the experts asked */
	int rounds;			/* debate: those that took place */
	double consensus;		/* debate: agreement in the end */
	struct jsynth_control control;
};
void jsynth_result_init(struct jsynth_result *r);
void jsynth_result_release(struct jsynth_result *r);
/* An expert that does not answer is no error; s may be NULL where all texts are given. */
int jsynth_answer(struct jswarm *s, const struct jsynth_question *q, const struct jsynth_opts *o,
	struct jsynth_result *r, struct jerr *e);
/* For people: who was asked and why, who is missing, what is cited, what it cost. */
void jsynth_tell(const struct jsynth_result *r, const struct jsynth_question *q, struct jbuf *out);

#endif
