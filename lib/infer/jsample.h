/*
 * jsample.h - choosing a token from logits.
 *
 * The order is llama.cpp's: bias, repetition, presence and frequency penalties, DRY, top-n-sigma,
 * top-k, typical, top-p, min-p, XTC, temperature, then one draw.  What stands at its "off" value does
 * not happen.  Logits of minus infinity (masked tokens) are never chosen.  With temperature 0 the
 * likeliest token is taken after the penalties; of equal logits the lowest id wins.
 */
#ifndef JSAMPLE_H
#define JSAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jrand.h"

struct jlogit_bias {
	uint32_t id;
	float add;		/* -INFINITY bans */
};

struct jsample_opts {
	double temperature;	/* 0 = greedy (lowest id wins ties) */
	int top_k;		/* 0 = off */
	double top_p;		/* 1 = off (Holtzman et al. 2020) */
	double min_p;		/* 0 = off (Nguyen et al. 2024) */
	double typical_p;	/* 1 or 0 = off (Meister et al. 2023) */
	double top_n_sigma;	/* 0 = off: keeps logits within n deviations of the highest */
	double xtc_probability;	/* 0 = off: chance to drop all but the least of the likely tokens */
	double xtc_threshold;	/* likely: at least this probability */
	double repeat_penalty;	/* 1 = off; over the last repeat_last tokens (prompt included) */
	double presence_penalty, frequency_penalty;	/* 0 = off; over the same tokens */
	int repeat_last;
	double dry_multiplier;	/* 0 = off: penalty of a token that would go on with a repetition */
	double dry_base;	/* grows by this for each token of it ... */
	int dry_allowed;	/* ... beyond this length */
	int dry_last;		/* tokens looked at; 0 = all */
	const bool *dry_breaks;	/* by id: repetitions do not reach over these; NULL = none */
	const struct jlogit_bias *bias;
	size_t n_bias;
};
#define JSAMPLE_OPTS_INIT { .temperature = 0.8, .top_k = 40, .top_p = 0.95, .min_p = 0.05, \
	.typical_p = 1, .xtc_threshold = 0.1, .repeat_penalty = 1.0, .repeat_last = 64, \
	.dry_base = 1.75, .dry_allowed = 2 }

struct jsampler;
struct jsampler *jsampler_new(int64_t vocab);
void jsampler_free(struct jsampler *s);
/* Biases and penalties, on logits[V] in place. */
void jsample_penalise(struct jsampler *s, float *logits, const struct jsample_opts *o,
	const uint32_t *recent, size_t n_recent);
/* The rest: chooses a token. */
uint32_t jsample_choose(struct jsampler *s, const float *logits, const struct jsample_opts *o,
	struct jrand *r);
/* Both. */
uint32_t jsample(struct jsampler *s, float *logits, const struct jsample_opts *o,
	const uint32_t *recent, size_t n_recent, struct jrand *r);

/* Log-probabilities of the model itself, before any of the above. */
struct jlogprob {
	uint32_t id;
	float logprob;
};
double jsample_log_sum(const float *logits, int64_t n);		/* log of the sum of exp */
/* The k likeliest tokens in falling order into out[k]; k <= V. */
void jsample_top(struct jsampler *s, const float *logits, size_t k, struct jlogprob *out);

#endif
