/*
 * stage.c - ramps of batch and length: the run as a list of stages with a batch and a sequence length
 * each, computed before the first step, so that what a step takes is a function of its number.
 *
 * All stages draw on one stream of tokens.  A stage with short sequences takes pieces of the rows that
 * the full length gives; the next stage goes on behind them, at the next piece of its own length.
 */
#include <math.h>
#include <string.h>

#include "train/train_internal.h"

#define MAX_RUNGS 32

/* One ramp: rung i holds before `until`, in steps or tokens; after the last one the full value. */
struct ramp {
	int n;
	int64_t value[MAX_RUNGS + 1], until[MAX_RUNGS];
};

static int
bad_ramp(const char *option, const char *text, struct jerr *e)
{
	return jerr_set(e, JERR_ARG, "--%s: expected N:UNTIL,N:UNTIL,... with N and UNTIL from 1 and UNTIL "
		"rising, as in 4:100,8:300, found '%s'", option, text);
}

/* "4:100,8:300" and the value after the last rung. */
static int
parse_ramp(struct ramp *r, const char *option, const char *text, int64_t full, struct jerr *e)
{
	const char *at = text;

	r->n = 0;
	for (; at && *at; at = strchr(at, ',')) {
		char word[64];
		size_t n;
		char *colon;
		uint64_t until;

		at += at != text;
		n = strcspn(at, ",");
		if (n >= sizeof(word) || r->n == MAX_RUNGS)
			return bad_ramp(option, text, e);
		memcpy(word, at, n);
		word[n] = 0;
		colon = strchr(word, ':');
		if (!colon)
			return bad_ramp(option, text, e);
		*colon = 0;
		if (jstr_to_i64(word, &r->value[r->n]) < 0 || r->value[r->n] < 1
			|| jstr_to_count(colon + 1, &until) < 0 || until < 1 || until > (uint64_t)1 << 40
			|| (r->n > 0 && (int64_t)until <= r->until[r->n - 1]))
			return bad_ramp(option, text, e);
		r->until[r->n++] = (int64_t)until;
	}
	r->value[r->n] = full;
	return 0;
}

static int
check_ramps(const struct ramp *batch, const struct ramp *seq, const struct jtrain_opts *o,
	struct jerr *e)
{
	int i;

	for (i = 0; i < batch->n; i++)
		if (batch->value[i] > 1 << 20)
			return jerr_set(e, JERR_ARG, "--batch-ramp: a batch of %lld is too large",
				(long long)batch->value[i]);
	for (i = 0; i < seq->n; i++)
		if (seq->value[i] < 2 || o->seq % seq->value[i] != 0)
			return jerr_set(e, JERR_ARG, "--seq-ramp: %lld does not divide --seq %lld",
				(long long)seq->value[i], (long long)o->seq);
	return 0;
}

/* Steps of the stage until a ramp leaves its rung; INT64_MAX: never. */
static int64_t
steps_left(const struct ramp *r, int rung, const struct stage *s, bool tokens)
{
	int64_t left, each = s->batch * s->seq;

	if (rung >= r->n)
		return INT64_MAX;
	if (!tokens)
		return r->until[rung] - s->from;
	left = r->until[rung] - (int64_t)s->tokens;
	return left <= 0 ? 0 : (left + each - 1) / each;
}

static int
rung_at(const struct ramp *r, const struct stage *s, bool tokens)
{
	int64_t at = tokens ? (int64_t)s->tokens : s->from;
	int i = 0;

	while (i < r->n && at >= r->until[i])
		i++;
	return i;
}

int
train_make_stages(struct train *t, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	bool tokens = strcmp(o->ramp_by, "tokens") == 0;
	struct ramp batch, seq;
	struct stage s = { 0 };

	if (parse_ramp(&batch, "batch-ramp", o->batch_ramp, o->batch, e) < 0
		|| parse_ramp(&seq, "seq-ramp", o->seq_ramp, o->seq, e) < 0
		|| check_ramps(&batch, &seq, o, e) < 0)
		return e->code;
	t->stages = jarena_alloc(&t->arena, (size_t)(batch.n + seq.n + 1), sizeof(*t->stages));
	for (t->n_stages = 0;; ) {
		int b = rung_at(&batch, &s, tokens), l = rung_at(&seq, &s, tokens);
		int64_t from_seq = s.seq, left, other;

		s.batch = batch.value[b];
		s.seq = seq.value[l];
		if (from_seq > 0)	/* pieces of the old length, rounded up to those of the new */
			s.part = (s.part * (uint64_t)from_seq + (uint64_t)s.seq - 1) / (uint64_t)s.seq;
		t->stages[t->n_stages++] = s;
		left = steps_left(&batch, b, &s, tokens);
		other = steps_left(&seq, l, &s, tokens);
		left = other < left ? other : left;
		if (left == INT64_MAX)
			return 0;
		s.from += left;
		s.part += (uint64_t)left * (uint64_t)s.batch;
		s.tokens += (uint64_t)left * (uint64_t)(s.batch * s.seq);
	}
}

const struct stage *
train_stage(const struct train *t, int64_t step)
{
	size_t i = t->n_stages - 1;

	while (i > 0 && t->stages[i].from > step)
		i--;
	return &t->stages[i];
}

uint64_t
train_first_part(const struct train *t, int64_t step)
{
	const struct stage *s = train_stage(t, step);

	return s->part + (uint64_t)((step - s->from) * s->batch);
}

uint64_t
train_tokens_before(const struct train *t, int64_t step)
{
	const struct stage *s = train_stage(t, step);

	return s->tokens + (uint64_t)((step - s->from) * s->batch * s->seq);
}

double
train_flops(const struct train *t, const struct stage *s)
{
	const struct jmodel_config *c = &t->model->cfg;
	double each = jmodel_flops_per_token(c, s->seq);

	if (t->model->adapter)	/* no gradient of the weights, but of the adapter's */
		each += 6 * (double)t->model->adapter->count - 2 * ((double)t->model->count
			- (c->tied ? 0 : (double)c->vocab_size * (double)c->hidden));
	return each * (double)(s->batch * s->seq) * (t->o->sam > 0 ? 2 : 1);
}

int64_t
train_steps_for(const struct train *t, double rows)
{
	size_t i;

	for (i = 0; i < t->n_stages; i++) {
		const struct stage *s = &t->stages[i];
		double share = (double)s->seq / (double)t->o->seq;
		int64_t n = (int64_t)ceil((rows / share - (double)s->part) / (double)s->batch);

		if (i + 1 == t->n_stages || s->from + n <= t->stages[i + 1].from)
			return s->from + (n > 0 ? n : 0);
	}
	return 0;
}
