/*
 * plan.c - what a run will take, before it starts.
 */
#include <math.h>
#include <string.h>

#include "base/jsys.h"
#include "train/train_internal.h"

/* What is run at a time: units of a shape. */
struct shape {
	int64_t rows, seq;
	int lanes;			/* units, each in a graph of its own */
	bool recompute;
};

/* Activations and workspace of all lanes. */
static int
measure_shape(struct train *t, const struct shape *s, struct jgraph_plan *gp, struct jerr *e)
{
	struct jgraph_plan_opts po = { .training = true, .recompute = s->recompute,
		.bf16_values = train_in_bf16(t->o), .products = train_products(t->o) };
	struct jmodel_train_graph tg;
	int rc;

	if (train_build_graph(t, s->lanes > 1 ? NULL : t->pool, s->rows, s->seq, &tg, e) < 0)
		return e->code;
	rc = jgraph_measure(tg.g, &po, gp, e);
	gp->activation_bytes *= (uint64_t)s->lanes;
	if (s->lanes > 1)	/* measured for one thread */
		gp->workspace_bytes *= (uint64_t)(jpar_size(t->pool) / s->lanes * s->lanes);
	jgraph_free(tg.g);
	return rc;
}

/* The largest of all stages, and of the held-out rows. */
static int
measure_graphs(struct train *t, const struct jtrain_plan *p, struct jgraph_plan *most, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct jgraph_plan gp;
	size_t i;

	memset(most, 0, sizeof(*most));
	for (i = 0; i <= t->n_stages; i++) {
		int64_t batch = i < t->n_stages ? t->stages[i].batch : o->batch;
		struct shape s = { .seq = i < t->n_stages ? t->stages[i].seq : o->seq, .lanes = p->lanes,
			.recompute = p->recompute };

		if (i == t->n_stages && (!t->valid_pack || t->n_stages == 1))
			break;
		s.rows = train_unit_rows(t, batch, s.seq);
		if (measure_shape(t, &s, &gp, e) < 0)
			return e->code;
		if (gp.activation_bytes + gp.workspace_bytes
			> most->activation_bytes + most->workspace_bytes)
			*most = gp;
	}
	return 0;
}

static void
add_up(struct jtrain_plan *p, const struct jgraph_plan *gp)
{
	p->activations = gp->activation_bytes;
	p->workspace = gp->workspace_bytes;
	p->total = p->weights + p->grads + p->optimizer + p->activations + p->workspace + p->batch
		+ p->program + (p->base_mapped ? 0 : p->base);
}

/* Would the run fit with such batches? */
static bool
fits(struct train *t, struct jtrain_plan p, int64_t batch, int64_t seq, bool recompute)
{
	struct shape s = { .rows = train_unit_rows(t, batch, seq), .seq = seq, .lanes = p.lanes,
		.recompute = recompute };
	struct jerr ignored = { 0 };
	struct jgraph_plan gp;

	if (measure_shape(t, &s, &gp, &ignored) < 0)
		return false;
	add_up(&p, &gp);
	return p.total <= p.limit;
}

/* Would the run fit with that optimizer? */
static bool
fits_with(struct train *t, const struct jtrain_plan *p, const char *optimizer)
{
	struct joptim_opts o = t->opt_opts;
	struct jerr ignored = { 0 };
	uint64_t bytes;

	o.name = optimizer;
	if (joptim_bytes(&bytes, t->trained, t->n_trained, &o, jpar_size(t->pool),
		&ignored) < 0)
		return false;
	return p->total - p->optimizer + bytes <= p->limit;
}

/* Appends "--x N" to the list of what would make the run fit. */
static void
offer(struct jbuf *b, const char *what, int64_t n)
{
	jbuf_printf(b, "%s%s", b->n ? " or " : "", what);
	if (n > 0)
		jbuf_printf(b, " %lld", (long long)n);
}

/* Each of these alone would do: the largest batch and length of their halvings. */
static void
find_cures(struct train *t, const struct jtrain_plan *p, struct jbuf *b)
{
	const struct jtrain_opts *o = t->o;
	bool again = o->recompute != 0;
	int64_t n, unit = train_unit_rows(t, o->batch, o->seq);

	if (o->recompute == 0 && fits(t, *p, o->batch, o->seq, true))
		offer(b, "--recompute", 0);
	for (n = o->batch / 2; n >= 1; n /= 2)
		if (train_unit_rows(t, n, o->seq) < unit && fits(t, *p, n, o->seq, again)) {
			offer(b, "--batch", n);
			break;
		}
	for (n = o->seq / 2; n >= 32; n /= 2)
		if (fits(t, *p, o->batch, n, again)) {
			offer(b, "--seq", n);
			break;
		}
	if (fits_with(t, p, "muon"))
		offer(b, "--optimizer muon", 0);
	else if (fits_with(t, p, "adamw8bit"))
		offer(b, "--optimizer adamw8bit", 0);
}

static int
refuse(struct train *t, const struct jtrain_plan *p, struct jerr *e)
{
	uint64_t bare = p->weights + p->grads + p->optimizer, rest = p->total - bare;
	char need[16], have[16];
	struct jbuf cures;

	jbuf_init(&cures);
	find_cures(t, p, &cures);
	if (cures.n == 0 && p->limit > rest)
		jbuf_printf(&cures, "a model of at most about %.3g weights", (double)(p->limit - rest)
			/ (double)bare * (double)p->params);
	else if (cures.n == 0)
		jbuf_adds(&cures, "more memory only");
	jerr_set(e, JERR_LIMIT, "the run needs %s, %s may be used: it would fit with %s",
		jstr_human_bytes(need, (double)p->total), jstr_human_bytes(have, (double)p->limit),
		cures.p);
	jbuf_release(&cures);
	return e->code;
}

/* FLOPs and positions of all stages. */
static void
add_stages(const struct train *t, struct jtrain_plan *p)
{
	size_t i;

	for (i = 0; i < t->n_stages; i++) {
		const struct stage *s = &t->stages[i];
		int64_t end = i + 1 < t->n_stages ? s[1].from : t->steps;

		end = end < t->steps ? end : t->steps;
		if (end > s->from)
			p->flops += train_flops(t, s) * (double)(end - s->from);
		if (s->batch * t->o->seq > p->tokens_per_step)
			p->tokens_per_step = s->batch * t->o->seq;
	}
	p->batch = (uint64_t)p->tokens_per_step * 4 * sizeof(int32_t);
	p->run_tokens = train_tokens_before(t, t->steps);
}

static void
describe_run(struct train *t, struct jtrain_plan *p)
{
	const struct jtrain_opts *o = t->o;
	size_t i;

	p->params = t->model->adapter ? t->model->adapter->count : t->model->count;
	p->weights = p->params * sizeof(float);
	p->grads = p->weights * (uint64_t)train_most_streams(t);
	p->lanes = train_most_streams(t);
	if (p->lanes > jpar_size(t->pool))
		p->lanes = jpar_size(t->pool);
	p->base = t->model->adapter ? train_base_bytes(t) : 0;
	p->base_mapped = !o->quantize_base;
	p->program = t->program;
	p->limit = o->memory ? o->memory : jsys_memory();
	for (i = 0; i < t->feed.n; i++) {
		const struct jshard_info *info = jshard_info(t->feed.v[i].data.set);

		p->shards += info->tokens * (uint64_t)info->token_width;
	}
	p->tokens = t->feed.tokens;
	p->text_bytes = t->feed.text_bytes;
	p->rows = (int64_t)t->feed.rows;
	p->steps = t->steps;
	p->warmup = t->sched.warmup;
	p->unit_rows = train_unit_rows(t, o->batch, o->seq);
	p->units = o->batch / p->unit_rows;
	p->flops_per_step = train_flops(t, &t->stages[t->n_stages - 1]);
	add_stages(t, p);
	p->tokens_per_step = o->batch * o->seq;
}

int
train_make_plan(struct train *t, struct jtrain_plan *p, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct jgraph_plan gp;

	memset(p, 0, sizeof(*p));
	describe_run(t, p);
	if (joptim_bytes(&p->optimizer, t->trained, t->n_trained, &t->opt_opts,
		jpar_size(t->pool), e) < 0)
		return e->code;
	p->recompute = o->recompute == 1;
	for (;;) {
		if (measure_graphs(t, p, &gp, e) < 0)
			return e->code;
		add_up(p, &gp);
		if (p->total <= p->limit)
			return 0;
		if (p->lanes > 1)
			p->lanes = 1;
		else if (!p->recompute && o->recompute < 0)
			p->recompute = true;
		else
			return refuse(t, p, e);
	}
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
		jstr_human_time(one, s), jstr_human_time(all, p->flops / p->peak));
	if (p->unit_s <= 0)
		return;
	s = p->unit_s * (double)p->units + p->update_s;
	jbuf_printf(out, "  one unit and one update, measured: %s a step, %s in all, "
		"%.0f tokens/s, %.0f%% of the peak\n", jstr_human_time(one, s),
		jstr_human_time(all, s * p->flops / p->flops_per_step), (double)p->tokens_per_step / s,
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
		(double)p->run_tokens / (double)p->tokens_per_step * (double)(p->units * p->unit_rows)
			/ (double)p->rows,
		(unsigned long long)p->params, p->recompute ? ", activations recomputed" : "");
	bytes_row(out, "weights", p->weights);
	bytes_row(out, "gradients", p->grads);
	if (p->base > 0 && !p->base_mapped)
		bytes_row(out, "base, quantized", p->base);
	bytes_row(out, "optimizer state", p->optimizer);
	bytes_row(out, p->lanes > 1 ? "activations of units side by side" : "activations of a unit",
		p->activations);
	bytes_row(out, "workspace (logits, scratch)", p->workspace);
	bytes_row(out, "token ids of a batch", p->batch);
	bytes_row(out, "program", p->program);
	bytes_row(out, "total", p->total);
	bytes_row(out, "may be used", p->limit);
	bytes_row(out, "shards (mapped, reclaimable)", p->shards);
	if (p->base > 0 && p->base_mapped)
		bytes_row(out, "base (mapped, reclaimable)", p->base);
	bytes_row(out, "resident at most, with what is mapped", p->total + p->shards
		+ (p->base_mapped ? p->base : 0));
	time_rows(p, out);
}
