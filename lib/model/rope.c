/*
 * rope.c - rotary frequencies and their scalings: linear (positions divided), llama3, yarn (Peng et
 * al. 2023) and longrope (Ding et al. 2024).  "dynamic" changes frequencies only beyond the
 * configured context, where no sequence may go: within it, it is the plain rule.
 */
#include "model/arch.h"

#include <math.h>
#include <string.h>

#define TWO_PI 6.283185307179586

const char *
jmodel_rope_name(const struct jmodel_config *c)
{
	static const char *const names[] = {
		"default", "linear", "dynamic", "llama3", "yarn", "longrope"
	};

	return names[c->rope_type];
}

/* The rule of Llama 3.1: long waves are slowed by the factor, short ones kept, a ramp between. */
static double
llama3_frequency(const struct jmodel_config *c, double f)
{
	double wave = TWO_PI / f, L = (double)c->rope_original, s;

	if (wave < L / c->rope_high)
		return f;
	if (wave > L / c->rope_low)
		return f / c->rope_factor;
	s = (L / wave - c->rope_low) / (c->rope_high - c->rope_low);
	return (1 - s) * f / c->rope_factor + s * f;
}

/* The place among the pairs where a wave turns that often within the original context. */
static double
correction_dim(const struct jmodel_config *c, double turns)
{
	return (double)c->rope_dim * log((double)c->rope_original / (turns * TWO_PI))
		/ (2 * log(c->rope_theta));
}

static double
yarn_frequency(const struct jmodel_config *c, int64_t i, double f)
{
	double low = correction_dim(c, c->rope_beta_fast > 0 ? c->rope_beta_fast : 32);
	double high = correction_dim(c, c->rope_beta_slow > 0 ? c->rope_beta_slow : 1), ramp;

	if (!c->rope_exact) {
		low = floor(low);
		high = ceil(high);
	}
	low = fmax(low, 0);
	high = fmin(high, (double)c->rope_dim - 1);
	if (low == high)
		high += 0.001;
	ramp = fmin(fmax(((double)i - low) / (high - low), 0), 1);
	return f / c->rope_factor * ramp + f * (1 - ramp);
}

static double
scaled(const struct jmodel_config *c, int64_t i, double f, bool use_long)
{
	switch (c->rope_type) {
	case JMODEL_ROPE_LINEAR:
		return f / c->rope_factor;
	case JMODEL_ROPE_LLAMA3:
		return llama3_frequency(c, f);
	case JMODEL_ROPE_YARN:
		return yarn_frequency(c, i, f);
	case JMODEL_ROPE_LONG:
		return f / (double)(use_long ? c->rope_long : c->rope_short)[i];
	case JMODEL_ROPE_DEFAULT:
	case JMODEL_ROPE_DYNAMIC:
		break;
	}
	return f;
}

static double
plain(double theta, const struct jmodel_config *c, int64_t i)
{
	return pow(theta, -2.0 * (double)i / (double)c->rope_dim);
}

void
jmodel_inv_freq(const struct jmodel_config *c, int64_t length, float *inv_freq)
{
	for (int64_t i = 0; i < c->rope_dim / 2; i++)
		inv_freq[i] = (float)scaled(c, i, plain(c->rope_theta, c, i),
			length > c->rope_original);
}

void
rope_local_freq(const struct jmodel_config *c, float *inv_freq)
{
	for (int64_t i = 0; i < c->rope_dim / 2; i++)
		inv_freq[i] = (float)plain(c->rope_local_theta, c, i);
}

void
rope_divisors(const struct jmodel_config *c, bool use_long, float *divisor)
{
	for (int64_t i = 0; i < c->rope_dim / 2; i++) {
		double f = plain(c->rope_theta, c, i);

		divisor[i] = (float)(f / scaled(c, i, f, use_long));
	}
}

static double
mscale(double factor, double m)
{
	return factor <= 1 ? 1 : 0.1 * m * log(factor) + 1;
}

double
jmodel_rope_attention(const struct jmodel_config *c)
{
	double factor = c->rope_factor;

	if (c->rope_attention > 0)
		return c->rope_attention;
	if (c->rope_type == JMODEL_ROPE_YARN && c->rope_mscale > 0 && c->rope_mscale_all > 0)
		return (mscale(factor, c->rope_mscale) / mscale(factor, c->rope_mscale_all));
	if (c->rope_type == JMODEL_ROPE_YARN)
		return mscale(factor, 1);
	if (c->rope_type != JMODEL_ROPE_LONG)
		return 1;
	if (factor == 0)
		factor = (double)c->context / (double)c->rope_original;
	return factor <= 1 ? 1 : sqrt(1 + log(factor) / log((double)c->rope_original));
}

static int
check_factors(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	if (c->n_factors != c->rope_dim / 2 || c->rope_original < 2)
		return jerr_set(e, JERR_FORMAT, "%s: longrope needs an original length and %lld "
			"factors, got %d", where, (long long)c->rope_dim / 2, c->n_factors);
	for (int i = 0; i < c->n_factors; i++)
		if (!(c->rope_short[i] > 0) || !(c->rope_long[i] > 0) ||
		    !isfinite(c->rope_short[i]) || !isfinite(c->rope_long[i]))
			return jerr_set(e, JERR_FORMAT, "%s: longrope factor %d is not positive",
				where, i);
	return 0;
}

int
rope_check(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	bool needs_original = c->rope_type == JMODEL_ROPE_LLAMA3 || c->rope_type == JMODEL_ROPE_YARN;

	if (!(c->rope_theta > 1) || !(c->rope_theta < 1e18) || !(c->rope_local_theta >= 0) ||
	    !(c->rope_local_theta < 1e18))
		return jerr_set(e, JERR_FORMAT, "%s: rope_theta is %g, expected more than 1", where,
			c->rope_theta);
	if (c->rope_dim < 2 || c->rope_dim % 2 || c->rope_dim > c->head_dim)
		return jerr_set(e, JERR_FORMAT, "%s: %lld of %lld values of a head rotate", where,
			(long long)c->rope_dim, (long long)c->head_dim);
	if (!(c->rope_attention >= 0) || !(c->rope_attention < 1e6) || !(c->rope_factor < 1e9) ||
	    !(c->rope_mscale >= 0 && c->rope_mscale < 1e6 && c->rope_mscale_all >= 0) ||
	    !(c->rope_mscale_all < 1e6 && c->rope_beta_fast >= 0 && c->rope_beta_fast < 1e9) ||
	    !(c->rope_beta_slow >= 0 && c->rope_beta_slow < 1e9))
		return jerr_set(e, JERR_FORMAT, "%s: a rope parameter is out of range", where);
	if (c->rope_type == JMODEL_ROPE_LONG)
		return check_factors(c, where, e);
	if (c->rope_type != JMODEL_ROPE_DEFAULT && !(c->rope_factor >= 1))
		return jerr_set(e, JERR_FORMAT, "%s: rope factor is %g, expected at least 1", where,
			c->rope_factor);
	if (needs_original && c->rope_original < 1)
		return jerr_set(e, JERR_FORMAT, "%s: rope type \"%s\" needs the original context",
			where, jmodel_rope_name(c));
	if (c->rope_type == JMODEL_ROPE_LLAMA3 &&
	    (!(c->rope_low > 0) || !(c->rope_high > c->rope_low) || !(c->rope_high < 1e9)))
		return jerr_set(e, JERR_FORMAT, "%s: rope scaling needs 0 < low_freq_factor < "
			"high_freq_factor", where);
	return 0;
}
