/*
 * loop.c - the steps of a run.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jsys.h"
#include "train/train_internal.h"

static const double ln2 = 0.69314718055994530942;

struct step_result {
	double loss, norm, seconds;
	uint64_t targets;
};

/* Rows [first, first + n) of the pack into the start of r; returns the number of targets. */
static int
load_rows(struct jpack *pack, uint64_t first, int64_t n, struct rows *r, uint64_t *targets,
	struct jerr *e)
{
	int64_t i, j, seq = r->seq;

	*targets = 0;
	for (i = 0; i < n; i++) {
		struct jpack_row row = { .ids = r->ids + i * seq, .targets = r->targets + i * seq,
			.seg = r->seg + i * seq, .pos = r->pos + i * seq };

		if (jpack_row(pack, first + (uint64_t)i, &row, e) < 0)
			return e->code;
		for (j = 0; j < seq; j++)
			*targets += row.targets[j] >= 0;
	}
	return 0;
}

/* Runs unit u of the batch through forward; the sum of its token losses, in token order. */
static double
run_unit(struct train *t, int64_t u, void (*forward)(struct jgraph *g))
{
	struct jmodel_train_graph *g = &t->tg;
	int64_t n = t->unit_rows * t->batch.seq, from = u * n, i;
	size_t bytes = (size_t)n * sizeof(int32_t);
	const float *nll;
	double sum = 0;

	memcpy(jnode_data(g->ids), t->batch.ids + from, bytes);
	memcpy(jnode_data(g->targets), t->batch.targets + from, bytes);
	memcpy(jnode_data(g->seg), t->batch.seg + from, bytes);
	memcpy(jnode_data(g->pos), t->batch.pos + from, bytes);
	forward(g->g);
	nll = jnode_data(g->nll);
	for (i = 0; i < n; i++)
		sum += nll[i];
	return sum;
}

int
train_step_gradients(struct train *t, uint64_t first_row, double *loss, struct jerr *e)
{
	uint64_t targets;
	double sum = 0;
	int64_t u;

	if (load_rows(t->pack, first_row, t->batch.n, &t->batch, &targets, e) < 0)
		return e->code;
	*loss = NAN;
	if (targets == 0)
		return jerr_set(e, JERR_FORMAT, "step %lld: no token of the batch carries loss",
			(long long)t->step + 1);
	jgraph_set_loss_scale(t->tg.g, (float)(1.0 / (double)targets));
	for (u = 0; u < t->units; u++) {
		sum += run_unit(t, u, jgraph_forward);
		jgraph_backward(t->tg.g);
	}
	*loss = sum / (double)targets;
	return targets > INT32_MAX ? INT32_MAX : (int)targets;
}

/* Gradients of the step's batch and their norm, which must be finite. */
static int
find_gradients(struct train *t, struct step_result *r, double *loss, struct jerr *e)
{
	const char *bad;
	int targets;

	targets = train_step_gradients(t, (uint64_t)t->step * (uint64_t)t->o->batch, loss, e);
	if (targets < 0)
		return targets;
	r->targets = (uint64_t)targets;
	r->norm = joptim_grad_norm(t->opt);
	if (isfinite(*loss) && isfinite(r->norm))
		return 0;
	bad = joptim_bad_grad(t->opt);
	return jerr_set(e, JERR_LIMIT, "step %lld: loss %g, gradient norm %g: not applied; "
		"first parameter with a bad gradient: %s; no model was written (a smaller --lr "
		"or --clip, or a longer --warmup, from the last checkpoint may help)",
		(long long)t->step + 1, *loss, r->norm, bad ? bad : "none");
}

static int
take_step(struct train *t, struct step_result *r, struct jerr *e)
{
	double start = jsys_now(), above;

	if (find_gradients(t, r, &r->loss, e) < 0)
		return e->code;
	/* With SAM the gradients that count are those of the worst place nearby. */
	if (joptim_climb(t->opt, r->norm)) {
		if (find_gradients(t, r, &above, e) < 0)
			return e->code;
		joptim_return(t->opt);
	}
	joptim_step(t->opt, jsched_rate(&t->sched, t->step), r->norm);
	t->step++;
	t->tokens += (uint64_t)(t->batch.n * t->batch.seq);
	t->loss = r->loss;
	r->seconds = jsys_now() - start;
	return 0;
}

/* Mean loss over the held-out rows, in units of the same graph; the last unit is filled up. */
static int
held_out_loss(struct train *t, double *loss, struct jerr *e)
{
	uint64_t rows = jpack_rows(t->valid_pack), at, targets, total = 0;
	uint64_t unit = (uint64_t)t->unit_rows;
	double sum = 0;

	if (t->o->valid_rows > 0 && (uint64_t)t->o->valid_rows < rows)
		rows = (uint64_t)t->o->valid_rows;
	for (at = 0; at < rows; at += unit) {
		int64_t n = (int64_t)(rows - at < unit ? rows - at : unit);
		int64_t i, used = n * t->batch.seq, all = t->unit_rows * t->batch.seq;

		if (load_rows(t->valid_pack, at, n, &t->batch, &targets, e) < 0)
			return e->code;
		for (i = used; i < all; i++) {
			t->batch.ids[i] = t->batch.seg[i] = t->batch.pos[i] = 0;
			t->batch.targets[i] = -1;
		}
		sum += run_unit(t, 0, jgraph_evaluate);
		total += targets;
	}
	if (total == 0)
		return jerr_set(e, JERR_FORMAT, "--valid: no token carries loss");
	*loss = sum / (double)total;
	return 0;
}

/* The held-out loss of the weights that would be saved now, and whether it is the best so far. */
static int
validate(struct train *t, double *loss, struct jerr *e)
{
	joptim_swap_average(t->opt);
	if (held_out_loss(t, loss, e) < 0)
		return e->code;
	joptim_swap_average(t->opt);
	t->valid_loss = *loss;
	if (isnan(t->best_loss) ? !isnan(*loss) : *loss < t->best_loss) {
		t->best_loss = *loss;
		t->best_step = t->step;
		t->stale = 0;
	} else {
		t->stale++;
	}
	return 0;
}

/* Bits per byte of text, where the data know how many bytes their tokens stand for. */
static double
bits_per_byte(const struct jtrain_data *d, double loss)
{
	const struct jshard_info *info = jshard_info(d->set);

	if (info->has_mask || info->text_bytes == 0)
		return NAN;
	return loss / ln2 * (double)info->tokens / (double)info->text_bytes;
}

static void
show(struct train *t, const struct metrics_line *l)
{
	char extra[120];
	int n;

	if (!t->h->progress)
		return;
	n = snprintf(extra, sizeof(extra), "loss %.4f, %.0f tokens/s", l->loss, l->tokens_per_s);
	if (!isnan(l->peak_share) && n > 0 && (size_t)n < sizeof(extra))
		snprintf(extra + n, sizeof(extra) - (size_t)n, ", %.0f%% of the measured peak",
			100 * l->peak_share);
	t->h->progress(t->h->arg, t->step, t->steps, extra);
}

static int
report(struct train *t, const struct step_result *r, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	bool last = t->step == t->steps;
	struct metrics_line l = { .step = t->step, .loss = r->loss, .grad_norm = r->norm,
		.lr = jsched_rate(&t->sched, t->step - 1), .tokens = t->tokens,
		.targets = r->targets, .bpb = bits_per_byte(&t->data, r->loss),
		.valid_loss = NAN, .valid_bpb = NAN, .peak_share = NAN };
	bool valid = t->valid_pack && (last || (o->valid_every && t->step % o->valid_every == 0));

	l.tokens_per_s = (double)(t->batch.n * t->batch.seq) / r->seconds;
	if (t->peak > 0)
		l.peak_share = t->flops_per_step / r->seconds / t->peak;
	if (valid) {
		if (validate(t, &l.valid_loss, e) < 0)
			return e->code;
		l.valid_bpb = bits_per_byte(&t->valid, l.valid_loss);
		train_note(t->h, "step %lld: loss %.4f, held-out loss %.4f", (long long)t->step,
			r->loss, l.valid_loss);
	}
	show(t, &l);
	if (!valid && !last && t->step % o->log_every != 0)
		return 0;
	if (t->events && events_put(t->events, &l, e) < 0)
		return e->code;
	return metrics_put(t->log, &l, e);
}

bool
train_out_of_patience(const struct train *t)
{
	return t->o->patience > 0 && t->stale >= t->o->patience;
}

int
train_loop(struct train *t, struct jerr *e)
{
	struct step_result r;

	while (t->step < t->steps && !train_out_of_patience(t)) {
		bool stop, best;

		if (take_step(t, &r, e) < 0 || report(t, &r, e) < 0)
			return e->code;
		stop = t->step < t->steps && t->h->stopping && t->h->stopping(t->h->arg);
		best = t->o->keep_best && t->best_step == t->step;
		if (stop || best || (t->o->save_every && t->step % t->o->save_every == 0))
			if (train_save_checkpoint(t, e) < 0)
				return e->code;
		if (stop)
			return jerr_set(e, JERR_STOP, "stopped after step %lld of %lld; go on with "
				"--resume", (long long)t->step, (long long)t->steps);
	}
	if (t->step < t->steps)
		train_note(t->h, "stopped early: the last %lld held-out losses were no better than "
			"%.4f after step %lld", (long long)t->stale, t->best_loss,
			(long long)t->best_step);
	return 0;
}
