/*
 * sched.c - learning-rate schedules.
 */
#include "optim/jsched.h"

#include <math.h>
#include <string.h>

const char jsched_names[] = "constant|linear|cosine|wsd|cyclical";

static const char *const names[] = {
	[JSCHED_CONSTANT] = "constant",
	[JSCHED_LINEAR] = "linear",
	[JSCHED_COSINE] = "cosine",
	[JSCHED_WSD] = "wsd",
	[JSCHED_CYCLICAL] = "cyclical",
};

int
jsched_parse(enum jsched_kind *kind, const char *name, struct jerr *e)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum jsched_kind)i;
			return 0;
		}
	return jerr_set(e, JERR_ARG, "--schedule: unknown schedule '%s', expected one of %s", name,
		jsched_names);
}

/* Share of (lr - min_lr) that is left when `done` of `total` decay steps are behind us. */
static double
share_left(enum jsched_kind kind, int64_t done, int64_t total)
{
	double r = total > 0 ? (double)done / (double)total : 0;

	if (r < 0)
		r = 0;
	if (r > 1)
		r = 1;
	switch (kind) {
	case JSCHED_LINEAR:
		return 1 - r;
	case JSCHED_COSINE:
		return 0.5 * (1 + cos(3.14159265358979323846 * r));
	case JSCHED_WSD:
		return 1 - sqrt(r);
	default:
		return 1;
	}
}

/* Height in the triangle of a cycle, 0 to 1. */
static double
triangle(const struct jsched *s, int64_t step)
{
	double half = (double)s->cycle / 2, at = (double)(step - s->warmup);

	at = fmod(at + (s->warmup > 0 ? half : 0), (double)s->cycle);
	return at <= half ? at / half : (2 * half - at) / half;
}

/* The rate without regard to a cooldown. */
static double
planned(const struct jsched *s, int64_t step)
{
	int64_t from;

	if (s->next && step >= s->next_from)
		return planned(s->next, step - s->next_from);
	if (step < s->warmup)
		return s->lr * (double)(step + 1) / (double)s->warmup;
	if (s->kind == JSCHED_CONSTANT)
		return s->lr;
	if (s->kind == JSCHED_CYCLICAL)
		return s->min_lr + (s->lr - s->min_lr) * triangle(s, step);
	from = s->warmup;
	if (s->kind == JSCHED_WSD && s->steps - s->decay > from)
		from = s->steps - s->decay;
	return s->min_lr + (s->lr - s->min_lr) * share_left(s->kind, step - from, s->steps - from);
}

double
jsched_rate(const struct jsched *s, int64_t step)
{
	double top, least;

	if (s->cool_steps == 0 || step < s->cool_from)
		return planned(s, step);
	top = planned(s, s->cool_from);
	least = s->min_lr < top ? s->min_lr : top;
	return least + (top - least) * share_left(JSCHED_WSD, step - s->cool_from, s->cool_steps);
}
