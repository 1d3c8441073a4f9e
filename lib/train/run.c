/*
 * run.c - a run from end to end, and its rehearsal.
 */
#include <string.h>
#include <unistd.h>

#include "base/jsys.h"
#include "io/jfs.h"
#include "tensor/jkern.h"
#include "train/train_internal.h"

#define PROBE_S 0.1		/* a run's own look at the machine */
#define PLAN_PROBE_S 2.0

/* A folder that holds a run is only touched by --resume. */
static int
check_folder(const struct jtrain_opts *o, struct jarena *a, const char **checkpoint, int *lock,
	struct jerr *e)
{
	const char *held = train_holds(o->out, a);

	*checkpoint = o->resume ? train_find_checkpoint(o->out, a) : NULL;
	if (!*checkpoint && o->branch)
		*checkpoint = train_has_state(o->branch, a) ? o->branch
			: train_find_checkpoint(o->branch, a);
	if (!*checkpoint && o->branch)
		return jerr_set(e, JERR_ARG, "--branch: %s is no checkpoint and has none", o->branch);
	if (!*checkpoint && o->cooldown > 0)
		return jerr_set(e, JERR_ARG, "--cooldown: %s has no checkpoint to begin at", o->out);
	if (held && !o->resume)
		return jerr_set(e, JERR_ARG, "%s: holds a run or a model already (%s): give another "
			"-o, or --resume to go on with it", o->out, held);
	if (jfs_mkdirs(o->out, e) < 0)
		return e->code;
	*lock = train_lock(o->out, e);
	return *lock < 0 ? e->code : train_clean(o->out, e);
}

static int
close_logs(struct train *t, struct jerr *e)
{
	struct metrics *log = t->log, *incidents = t->incidents;
	struct events *events = t->events;
	struct wandb *wandb = t->wandb;

	t->log = t->incidents = NULL;
	t->events = NULL;
	t->wandb = NULL;
	metrics_close(log, e);
	metrics_close(incidents, e);
	events_close(events, e);
	wandb_close(wandb, true, e);
	return e->code;
}

int
train_open_logs(struct train *t, struct jerr *e)
{
	const char *path = t->o->log;

	if (close_logs(t, e) < 0)
		return e->code;
	if (!path)
		path = jfs_join(&t->arena, t->o->out, "metrics.jsonl");
	if (metrics_open(&t->log, path, t->step, e) < 0 || train_open_incidents(t, false, e) < 0)
		return e->code;
	if (t->o->log_to && events_open(&t->events, t->o->log_to, t->step, e) < 0)
		return e->code;
	return t->o->wandb ? wandb_open(&t->wandb, t, t->o->wandb, e) : 0;
}

/* Tells the plan line by line. */
static void
tell_plan(const struct jtrain_hooks *h, const struct jtrain_plan *plan)
{
	struct jbuf b;
	char *line, *end;

	jbuf_init(&b);
	jtrain_plan_text(plan, &b);
	for (line = b.p; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		train_note(h, "%s", line);
	}
	jbuf_release(&b);
}

static int
run(struct train *t, const char *checkpoint, struct jerr *e)
{
	struct jtrain_plan plan = { 0 };
	const char *bad;

	train_tell_idle(t);
	if (train_prepare(t, &plan, e) < 0) {
		if (plan.total > plan.limit)
			tell_plan(t->h, &plan);
		return e->code;
	}
	if (plan.recompute && t->o->recompute < 0)
		train_note(t->h, "activations are recomputed to fit the memory");
	if (t->preset && !checkpoint) {
		jmodel_init_weights(t->model, (uint64_t)t->o->seed);
		if (jfs_exists(t->o->model))
			train_note(t->h, "%s has a configuration but no weights: starting from random ones",
				t->o->model);
	}
	joptim_begin_average(t->opt);
	if (checkpoint) {
		if (train_restore(t, checkpoint, e) < 0)
			return e->code;
		train_note(t->h, "resuming after step %lld from %s", (long long)t->step, checkpoint);
	}
	bad = train_bad_weight(t);
	if (bad)
		return jerr_set(e, JERR_FORMAT, "%s: weight %s holds a value that is not finite",
			checkpoint ? checkpoint : t->o->model, bad);
	if (train_record_run(t, e) < 0 || train_open_logs(t, e) < 0)
		return e->code;
	if (train_in_bf16(t->o) && !jkern_bf16_fast())
		train_note(t->h, "this CPU multiplies no bf16: activations take two bytes, products are "
			"fp32 of rounded operands and slower than with --precision f32");
	t->peak = train_probe_peak(t->pool, PROBE_S, train_in_bf16(t->o));
	if (train_loop(t, e) < 0 || train_save_final(t, e) < 0)
		return e->code;
	if (close_logs(t, e) < 0)
		return e->code;
	train_note(t->h, "%s: %lld steps, %llu tokens, loss %.4f", t->o->out, (long long)t->step,
		(unsigned long long)t->tokens, t->loss);
	return 0;
}

int
jtrain_run(const struct jtrain_opts *o, const struct jtrain_hooks *h, struct jerr *e)
{
	bool made = !jfs_exists(o->out);
	const char *checkpoint;
	struct jarena a;
	struct train t;
	int done, lock = -1;

	if (jtrain_check(o, e) < 0)
		return e->code;
	jarena_init(&a, 0);
	if (check_folder(o, &a, &checkpoint, &lock, e) == 0) {
		if (train_open(&t, o, h, checkpoint, e) == 0) {
			t.lock = lock;
			done = o->resume ? train_finished(&t, e) : 0;
			if (done > 0)
				train_note(h, "%s: this run is complete already", o->out);
			else if (done == 0)
				run(&t, checkpoint, e);
		}
		train_close(&t);
	}
	if (lock >= 0)
		train_unlock(lock, o->out);
	if (e->code && made)	/* unless there is something in it */
		rmdir(o->out);
	jarena_release(&a);
	return e->code;
}

/* The middle of n > 0 values, which are put in order. */
static double
middle(double *v, int n)
{
	for (int i = 1; i < n; i++)
		for (int j = i; j > 0 && v[j] < v[j - 1]; j--) {
			double x = v[j];

			v[j] = v[j - 1];
			v[j - 1] = x;
		}
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

enum { REHEARSALS = 15, LEAST_REHEARSALS = 3 };
#define REHEARSE_S 4.0			/* no new one after so long */

/*
 * Units of the shape of most steps, one or as many as run side by side, each time with an update, after
 * one that pays for untouched memory; a run takes the middle of their times, as others may use the
 * machine.
 */
static int
rehearse(struct train *t, struct jtrain_plan *plan, struct jerr *e)
{
	const struct stage *s = &t->stages[t->n_stages - 1];
	double unit[REHEARSALS], update[REHEARSALS], begun = 0, start, loss;
	int64_t rows = train_unit_rows(t, s->batch, s->seq);
	int i, n, units = train_streams(t, s->batch / rows);

	if (train_use_shape(t, rows, s->seq, e) < 0)
		return e->code;
	for (i = -1; i < REHEARSALS; i++) {
		if (i == 0)
			begun = jsys_now();
		if (i >= LEAST_REHEARSALS && jsys_now() - begun > REHEARSE_S)
			break;
		n = i > 0 ? i : 0;
		start = jsys_now();
		if (train_step_gradients(t, 0, units * rows, &loss, e) < 0)
			return e->code;
		unit[n] = (jsys_now() - start) / units;
		start = jsys_now();
		joptim_step(t->opt, 0, joptim_grad_norm(t->opt));
		joptim_bad_weight(t->opt);
		update[n] = jsys_now() - start;
	}
	plan->unit_s = middle(unit, i) * (t->o->sam > 0 ? 2 : 1);	/* SAM: gradients twice */
	plan->update_s = middle(update, i);
	return 0;
}

int
jtrain_plan(const struct jtrain_opts *o, const struct jtrain_hooks *h, struct jtrain_plan *plan,
	struct jerr *e)
{
	struct jtrain_opts rehearsal = *o;
	struct train t;

	*plan = (struct jtrain_plan){ 0 };
	rehearsal.out = "";
	if (jtrain_check(&rehearsal, e) < 0)
		return e->code;
	if (train_open(&t, &rehearsal, h, NULL, e) == 0)
		train_tell_idle(&t);
	if (e->code == 0 && train_prepare(&t, plan, e) == 0) {
		double peak = train_probe_peak(t.pool, PLAN_PROBE_S,
			train_in_bf16(t.o));

		plan->peak = peak;
		if (t.preset)
			jmodel_init_weights(t.model, 0);
		if (peak > 0 && plan->flops_per_step / (double)plan->units / peak < 5)
			rehearse(&t, plan, e);
	}
	train_close(&t);
	return e->code;
}
