/*
 * plan.c - what a run will take, before it starts.
 */
#include <math.h>
#include <string.h>

#include "base/jsys.h"
#include "train/train_internal.h"

/* Activations and workspace of one unit in sequences of seq. */
static int
measure_graph(struct train *t, int64_t seq, bool recompute, struct jgraph_plan *gp, struct jerr *e)
{
	struct jgraph_plan_opts po = { .training = true, .recompute = recompute };
	struct jmodel_train_graph tg;
	int rc;

	if (jmodel_build_train(t->model, t->pool, (int)jtrain_unit_rows(t->o->batch, seq), (int)seq,
		(float)t->o->z_loss, &tg, e) < 0)
		return e->code;
	rc = jgraph_measure(tg.g, &po, gp, e);
	jgraph_free(tg.g);
	return rc;
}

static void
add_up(struct jtrain_plan *p, const struct jgraph_plan *gp)
{
	p->activations = gp->activation_bytes;
	p->workspace = gp->workspace_bytes;
	p->total = p->weights + p->grads + p->optimizer + p->activations + p->workspace + p->batch
		+ p->program;
}

/* The largest halving of --seq with which the run would fit, 0 if none down to 32. */
static int64_t
smaller_seq(struct train *t, struct jtrain_plan p)
{
	struct jerr ignored = { 0 };
	struct jgraph_plan gp;
	int64_t seq;

	for (seq = t->o->seq / 2; seq >= 32; seq /= 2) {
		if (measure_graph(t, seq, t->o->recompute != 0, &gp, &ignored) < 0)
			return 0;
		add_up(&p, &gp);
		if (p.total <= p.limit)
			return seq;
	}
	return 0;
}

/* Would the run fit with half of the optimizer state? */
static bool
fits_with_muon(struct train *t, struct jtrain_plan p)
{
	struct joptim_opts o = t->opt_opts;
	struct jerr ignored = { 0 };
	uint64_t bytes;

	o.name = "muon";
	if (joptim_bytes(&bytes, t->model->params, t->model->n_params, &o, jpar_size(t->pool),
		&ignored) < 0)
		return false;
	return p.total - p.optimizer + bytes <= p.limit;
}

static int
refuse(struct train *t, const struct jtrain_plan *p, struct jerr *e)
{
	char need[16], have[16];
	uint64_t bare = p->weights + p->grads + p->optimizer, rest = p->total - bare;
	int64_t seq = smaller_seq(t, *p);

	jstr_human_bytes(need, (double)p->total);
	jstr_human_bytes(have, (double)p->limit);
	if (seq > 0)
		return jerr_set(e, JERR_LIMIT, "the run needs %s, %s may be used: it would fit "
			"with --seq %lld", need, have, (long long)seq);
	if (fits_with_muon(t, *p))
		return jerr_set(e, JERR_LIMIT, "the run needs %s, %s may be used: it would fit "
			"with --optimizer muon", need, have);
	return jerr_set(e, JERR_LIMIT, "the run needs %s, %s may be used: a model of at most about "
		"%.3g weights would fit", need, have, p->limit > rest
		? (double)(p->limit - rest) / (double)bare * (double)p->params : 0);
}

int
train_make_plan(struct train *t, struct jtrain_plan *p, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	const struct jshard_info *info = jshard_info(t->data.set);
	struct jgraph_plan gp;

	memset(p, 0, sizeof(*p));
	p->params = t->model->count;
	p->weights = p->grads = t->model->count * sizeof(float);
	p->batch = (uint64_t)(o->batch * o->seq) * 4 * sizeof(int32_t);
	p->program = t->program;
	p->limit = o->memory ? o->memory : jsys_memory();
	p->shards = info->tokens * (uint64_t)info->token_width;
	p->tokens = info->tokens;
	p->text_bytes = info->text_bytes;
	p->rows = (int64_t)jpack_rows(t->pack);
	p->steps = t->steps;
	p->warmup = t->sched.warmup;
	p->unit_rows = t->unit_rows;
	p->units = t->units;
	p->tokens_per_step = o->batch * o->seq;
	p->flops_per_step = t->flops_per_step;
	if (joptim_bytes(&p->optimizer, t->model->params, t->model->n_params, &t->opt_opts,
		jpar_size(t->pool), e) < 0)
		return e->code;
	p->recompute = o->recompute == 1;
	if (measure_graph(t, o->seq, p->recompute, &gp, e) < 0)
		return e->code;
	add_up(p, &gp);
	if (p->total > p->limit && o->recompute < 0) {
		p->recompute = true;
		if (measure_graph(t, o->seq, true, &gp, e) < 0)
			return e->code;
		add_up(p, &gp);
	}
	return p->total > p->limit ? refuse(t, p, e) : 0;
}

static void
bytes_row(struct jbuf *out, const char *name, uint64_t bytes)
{
	char human[16];

	jbuf_printf(out, "  %-34s %10s  %16llu\n", name, jstr_human_bytes(human, (double)bytes),
		(unsigned long long)bytes);
}

static void
time_rows(const struct jtrain_plan *p, struct jbuf *out)
{
	char one[16], all[16];
	double s;

	jbuf_printf(out, "time\n  FLOPs per step %30.4g\n", p->flops_per_step);
	if (p->peak <= 0)
		return;
	jbuf_printf(out, "  matrix product, measured %13.1f GFLOP/s\n", p->peak / 1e9);
	s = p->flops_per_step / p->peak;
	jbuf_printf(out, "  at that rate %23s a step  %10s in all (no run is faster)\n",
		jstr_human_time(one, s), jstr_human_time(all, s * (double)p->steps));
	if (p->unit_s <= 0)
		return;
	s = p->unit_s * (double)p->units + p->update_s;
	jbuf_printf(out, "  one unit and one update, measured: %s a step, %s in all, "
		"%.0f tokens/s, %.0f%% of the peak\n", jstr_human_time(one, s),
		jstr_human_time(all, s * (double)p->steps), (double)p->tokens_per_step / s,
		100 * p->flops_per_step / s / p->peak);
}

void
jtrain_plan_text(const struct jtrain_plan *p, struct jbuf *out)
{
	jbuf_printf(out, "run\n  %lld steps (%lld warm-up) of %lld tokens in %lld units of %lld "
		"sequences\n  data: %llu tokens, %lld sequences, %.2f passes\n"
		"memory\n  %llu weights%s\n", (long long)p->steps,
		(long long)p->warmup, (long long)p->tokens_per_step, (long long)p->units,
		(long long)p->unit_rows, (unsigned long long)p->tokens, (long long)p->rows,
		(double)p->steps * (double)(p->units * p->unit_rows) / (double)p->rows,
		(unsigned long long)p->params, p->recompute ? ", activations recomputed" : "");
	bytes_row(out, "weights", p->weights);
	bytes_row(out, "gradients", p->grads);
	bytes_row(out, "optimizer state", p->optimizer);
	bytes_row(out, "activations of a unit", p->activations);
	bytes_row(out, "workspace (logits, scratch)", p->workspace);
	bytes_row(out, "token ids of a batch", p->batch);
	bytes_row(out, "program", p->program);
	bytes_row(out, "total", p->total);
	bytes_row(out, "may be used", p->limit);
	bytes_row(out, "shards (mapped, reclaimable)", p->shards);
	time_rows(p, out);
}
