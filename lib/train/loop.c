/*
 * loop.c - the steps of a run.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "train/train_internal.h"

#define BAD_RUN 10		/* steps in a row that are not finite end a run */

static const double ln2 = 0.69314718055994530942;

struct step_result {
	double loss, norm, seconds;
	uint64_t targets;
	const char *left_out;		/* why, or NULL */
};

static uint64_t
count_targets(const struct rows *r, int64_t n)
{
	uint64_t targets = 0;
	int64_t i;

	for (i = 0; i < n * r->seq; i++)
		targets += r->targets[i] >= 0;
	return targets;
}

/* The first row whose loss is not finite, or -1. */
static int64_t
find_bad_row(const struct rows *r, int64_t n)
{
	int64_t i;

	for (i = 0; i < n && isfinite(r->loss[i]); i++)
		;
	return i < n ? i : -1;
}

/* Losses and targets of the rows, by the sources that they come from. */
static void
add_by_source(struct train *t, int64_t n)
{
	int64_t r, i, seq = t->batch.seq;

	for (i = 0; i < (int64_t)t->feed.n; i++)
		t->feed.v[i].loss = t->feed.v[i].targets = 0;
	for (r = 0; r < n; r++) {
		struct feed_source *s = &t->feed.v[t->batch.source[r]];

		s->loss += t->batch.loss[r];
		for (i = 0; i < seq; i++)
			s->targets += t->batch.targets[r * seq + i] >= 0;
	}
}

/* The losses of the first n rows, in their order. */
static double
sum_losses(const struct rows *r, int64_t n)
{
	double sum = 0;
	int64_t i;

	for (i = 0; i < n; i++)
		sum += r->loss[i];
	return sum;
}

int
train_step_gradients(struct train *t, uint64_t first, int64_t n, double *loss, struct jerr *e)
{
	uint64_t targets;
	int64_t i;

	t->batch.n = n;
	for (i = 0; i < n; i++) {
		struct jpack_row row = train_row(&t->batch, i);

		t->batch.loss[i] = 0;
		if (feed_part(&t->feed, first + (uint64_t)i, t->batch.seq, &row, &t->batch.source[i],
			e) < 0)
			return e->code;
	}
	targets = count_targets(&t->batch, n);
	*loss = NAN;
	t->bad_row = -1;
	if (targets > 0) {
		train_run_units(t, first, n, (float)(1.0 / (double)targets));
		t->bad_row = find_bad_row(&t->batch, n);
		*loss = sum_losses(&t->batch, n) / (double)targets;
	}
	if (t->feed.mix)
		add_by_source(t, n);
	return targets > INT32_MAX ? INT32_MAX : (int)targets;
}

/* Gradients of the step's batch and their norm. */
static int
find_gradients(struct train *t, struct step_result *r, double *loss, struct jerr *e)
{
	int64_t n = train_stage(t, t->step)->batch;
	int targets = train_step_gradients(t, train_first_part(t, t->step), n, loss, e);

	if (targets < 0)
		return targets;
	r->targets = (uint64_t)targets;
	r->norm = joptim_grad_norm(t->opt);
	return 0;
}

/* The weight that the update of this step is known to ruin, or NULL. */
static const char *
ruins(const struct train *t)
{
	size_t i;

	for (i = 0; i < t->n_ruined; i++)
		if (t->ruined[i].step == t->step)
			return t->ruined[i].weight;
	return NULL;
}

/* Drops the gradients and says why. */
static int
leave_out(struct train *t, struct step_result *r, struct incident *in, struct jerr *e)
{
	r->left_out = in->kind;
	if (train_incident(t, in, e) < 0)
		return e->code;
	joptim_drop(t->opt);
	if (strcmp(in->kind, "outlier") == 0 || ++t->bad_run < BAD_RUN)
		return 0;
	if (strcmp(in->kind, "empty") == 0)
		return jerr_set(e, JERR_FORMAT, "step %lld: no token carried loss in %d steps in a row: "
			"stopped; no model was written", (long long)t->step + 1, BAD_RUN);
	return jerr_set(e, JERR_LIMIT, "step %lld: %d steps in a row were not finite: stopped; no "
		"model was written (a smaller --lr or --clip may help)", (long long)t->step + 1, BAD_RUN);
}

/* Is the step to be left out?  Then it is told, and r->left_out set. */
static int
judge(struct train *t, struct step_result *r, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct incident in = { .kind = "nonfinite", .loss = r->loss, .norm = r->norm, .loss_z = NAN,
		.norm_z = NAN };

	if (r->targets == 0)
		in.kind = "empty";
	if (!isfinite(r->loss) || !isfinite(r->norm))
		return leave_out(t, r, &in, e);
	if (o->outlier_loss > 0)
		in.loss_z = train_window_add(&t->losses, o->outlier_window, r->loss);
	if (o->outlier_norm > 0)
		in.norm_z = train_window_add(&t->norms, o->outlier_window, r->norm);
	in.tensor = ruins(t);
	if (in.tensor) {
		in.of = "weight after the update";
		return leave_out(t, r, &in, e);
	}
	in.kind = "outlier";
	if ((o->outlier_loss > 0 && in.loss_z > o->outlier_loss)
		|| (o->outlier_norm > 0 && in.norm_z > o->outlier_norm))
		return leave_out(t, r, &in, e);
	return 0;
}

/* The update of this step made a weight not finite: stop, or go back to leave it out. */
static int
undo(struct train *t, struct step_result *r, const char *weight, struct jerr *e)
{
	struct incident in = { .kind = "nonfinite", .loss = r->loss, .norm = r->norm, .loss_z = NAN,
		.norm_z = NAN, .tensor = weight, .of = "weight after the update" };

	if (strcmp(t->o->on_nonfinite, "stop") == 0)
		return train_incident(t, &in, e);
	JMEM_GROW(t->ruined, t->cap_ruined, t->n_ruined + 1);
	t->ruined[t->n_ruined].step = t->step;
	t->ruined[t->n_ruined++].weight = weight;
	t->rewind = true;
	return 0;
}

/* With SAM the gradients that count are those of the worst place nearby. */
static int
climb(struct train *t, struct step_result *r, struct jerr *e)
{
	struct incident in = { .kind = "nonfinite", .loss_z = NAN, .norm_z = NAN };

	if (!joptim_climb(t->opt, r->norm))
		return 0;
	if (find_gradients(t, r, &in.loss, e) < 0)
		return e->code;
	in.norm = r->norm;
	if (!isfinite(in.loss) || !isfinite(in.norm))
		return leave_out(t, r, &in, e);
	joptim_return(t->opt);
	return 0;
}

static int
take_step(struct train *t, struct step_result *r, struct jerr *e)
{
	const struct stage *s = train_stage(t, t->step);
	double start = jsys_now();
	const char *bad;

	r->left_out = NULL;
	if (train_use_shape(t, train_unit_rows(t, s->batch, s->seq), s->seq, e) < 0
		|| find_gradients(t, r, &r->loss, e) < 0
		|| judge(t, r, e) < 0 || (!r->left_out && climb(t, r, e) < 0))
		return e->code;
	if (!r->left_out) {
		joptim_step(t->opt, jsched_rate(&t->sched, t->step), r->norm);
		bad = joptim_bad_weight(t->opt);
		if (bad)
			return undo(t, r, bad, e);
		t->bad_run = 0;
	}
	t->step++;
	t->tokens += (uint64_t)(s->batch * s->seq);
	if (isfinite(r->loss))
		t->loss = r->loss;
	r->seconds = jsys_now() - start;
	return 0;
}

/* Reads n held-out rows and fills the last unit up with rows without a target; all rows there are now. */
static int64_t
read_held_out(struct train *t, uint64_t at, int64_t n, struct jerr *e)
{
	int64_t all = (n + t->shape_rows - 1) / t->shape_rows * t->shape_rows, i;

	for (i = 0; i < n; i++) {
		struct jpack_row row = train_row(&t->batch, i);

		if (jpack_row(t->valid_pack, at + (uint64_t)i, &row, e) < 0)
			return e->code;
	}
	for (i = n * t->batch.seq; i < all * t->batch.seq; i++) {
		t->batch.ids[i] = t->batch.seg[i] = t->batch.pos[i] = 0;
		t->batch.targets[i] = -1;
	}
	return all;
}

/* Mean loss over the held-out rows, as many units at a time as a batch has. */
static int
held_out_loss(struct train *t, double *loss, struct jerr *e)
{
	uint64_t rows = jpack_rows(t->valid_pack), at, total = 0, most = (uint64_t)t->o->batch;
	double sum = 0;

	/* At the full length whatever a ramp is at, so that all losses can be compared. */
	if (train_use_shape(t, train_unit_rows(t, t->o->batch, t->o->seq), t->o->seq, e) < 0)
		return e->code;
	if (t->o->valid_rows > 0 && (uint64_t)t->o->valid_rows < rows)
		rows = (uint64_t)t->o->valid_rows;
	for (at = 0; at < rows; at += most) {
		int64_t n = (int64_t)(rows - at < most ? rows - at : most), all = read_held_out(t, at, n, e);

		if (all < 0)
			return e->code;
		total += count_targets(&t->batch, n);
		train_run_units(t, 0, all, 0);
		sum += sum_losses(&t->batch, n);
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

/* {"SOURCE": {"targets": N, "loss": X}, ...} of a mixture, into the line of this step. */
static const char *
by_source(struct train *t)
{
	struct jbuf *b = &t->sources;
	size_t i;

	if (!t->feed.mix)
		return NULL;
	jbuf_reset(b);
	for (i = 0; i < t->feed.n; i++) {
		const struct feed_source *s = &t->feed.v[i];

		jbuf_adds(b, i ? "," : "{");
		jjson_str(b, s->path, strlen(s->path));
		jbuf_printf(b, ":{\"targets\":%llu", (unsigned long long)s->targets);
		if (s->targets > 0 && isfinite(s->loss)) {
			jbuf_adds(b, ",\"loss\":");
			jjson_num(b, s->loss / (double)s->targets);
		}
		jbuf_addc(b, '}');
	}
	jbuf_addc(b, '}');
	return b->p;
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
		.targets = r->targets, .bpb = r->loss / ln2 * t->feed.tokens_per_byte,
		.valid_loss = NAN, .valid_bpb = NAN, .peak_share = NAN,
		.left_out = r->left_out, .by_source = by_source(t) };
	const struct stage *s = train_stage(t, t->step - 1);
	bool valid = t->valid_pack && (last || (o->valid_every && t->step % o->valid_every == 0));

	metrics_experts(&l, t->graphs[0].moe);
	l.tokens_per_s = (double)(s->batch * s->seq) / r->seconds;
	if (t->peak > 0)
		l.peak_share = train_flops(t, s) / r->seconds / t->peak;
	if (valid) {
		if (validate(t, &l.valid_loss, e) < 0)
			return e->code;
		l.valid_bpb = l.valid_loss / ln2 * feed_tokens_per_byte(&t->valid);
		train_note(t->h, "step %lld: loss %.4f, held-out loss %.4f", (long long)t->step,
			r->loss, l.valid_loss);
	}
	show(t, &l);
	if (!valid && !last && t->step % o->log_every != 0)
		return 0;
	if ((t->events && events_put(t->events, &l, e) < 0) || (t->wandb && wandb_put(t->wandb, &l, e) < 0))
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

		if (take_step(t, &r, e) < 0)
			return e->code;
		if (t->rewind) {
			if (train_rewind(t, e) < 0)
				return e->code;
			continue;
		}
		if (report(t, &r, e) < 0)
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
