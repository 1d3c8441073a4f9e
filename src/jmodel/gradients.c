/*
 * jmodel gradients: the gradient of every weight for the mean next-token loss of a list of ids, as a
 * safetensors file, for comparison with other programs.
 */
#include "verbs.h"

#include <string.h>

#include "ids.h"
#include "model/jmodel.h"
#include "model/jsafetensors.h"
#include "model/jweights.h"
#include "par/jpar.h"

static struct gradients_opts {
	const char *model, *ids;
	bool recompute;
} opts;

static const struct jopt table[] = {
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &opts.model, .arg = "MODEL",
		.help = "model folder, GGUF file or llama2.c file" },
	{ .name = "ids", .type = JOPT_STR, .value = &opts.ids, .arg = "LIST",
		.help = "token ids: 1,2,3 or @FILE" },
	{ .name = "recompute", .type = JOPT_BOOL, .value = &opts.recompute,
		.help = "compute activations again in the backward pass" },
	{ .type = JOPT_END }
};

static void
fill(struct jmodel_train_graph *tg, const struct jids *ids)
{
	int32_t *in = jnode_data(tg->ids), *pos = jnode_data(tg->pos);
	int32_t *seg = jnode_data(tg->seg), *targets = jnode_data(tg->targets);

	for (size_t t = 0; t + 1 < ids->n; t++) {
		in[t] = (int32_t)ids->v[t];
		pos[t] = (int32_t)t;
		seg[t] = 0;
		targets[t] = (int32_t)ids->v[t + 1];
	}
}

static int
backward(struct jmodel *m, struct jpar *pool, const struct jids *ids, double *loss, struct jerr *e)
{
	const struct jgraph_plan_opts o = { .training = true, .recompute = opts.recompute };
	struct jgraph_plan plan;
	struct jmodel_train_graph tg;
	int T = (int)ids->n - 1;
	const float *nll;
	int rc = jmodel_build_train(m, pool, 1, T, 0, &tg, e);

	if (rc < 0)
		return rc;
	rc = jgraph_plan(tg.g, &o, &plan, e);
	if (rc >= 0) {
		fill(&tg, ids);
		jgraph_set_loss_scale(tg.g, 1.0f / (float)T);
		jgraph_forward(tg.g);
		nll = jnode_data(tg.nll);
		*loss = 0;
		for (int t = 0; t < T; t++)
			*loss += (double)nll[t] / T;
		jgraph_backward(tg.g);
	}
	jgraph_free(tg.g);
	return rc;
}

static int
save(const struct jmodel *m, double loss, const char *path, struct jerr *e)
{
	struct jst_writer *w;
	struct jbuf b;
	int rc = jst_create(&w, path, e);

	if (rc < 0)
		return rc;
	jbuf_init(&b);
	jbuf_printf(&b, "%.9g", loss);
	jst_meta(w, "loss", b.p);
	jbuf_release(&b);
	rc = jmodel_write(m, true, JDT_F32, w, e);
	if (rc < 0) {
		jst_abort(w);
		return rc;
	}
	return jst_commit(w, e);
}

static int
check_ids(const struct jmodel *m, const struct jids *ids, struct jerr *e)
{
	if (ids->n < 2 || ids->n > (size_t)m->cfg.context + 1)
		return jerr_set(e, JERR_ARG, "gradients want 2 to %lld ids, got %zu",
			(long long)m->cfg.context + 1, ids->n);
	for (size_t i = 0; i < ids->n; i++)
		if (ids->v[i] >= (uint64_t)m->cfg.vocab_size)
			return jerr_set(e, JERR_ARG, "token id %lu: the model's vocabulary has %lld",
				(unsigned long)ids->v[i], (long long)m->cfg.vocab_size);
	return 0;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const char *output = jcli_common(cli)->output;
	struct jpar *pool;
	struct jids ids = { 0 };
	struct jmodel *m = NULL;
	double loss = 0;
	int rc;

	(void)arg;
	(void)argv;
	if (argc != 0 || !opts.model || !output || strcmp(output, "-") == 0)
		return jerr_set(e, JERR_ARG, "gradients wants -m MODEL, --ids LIST and -o FILE");
	rc = ids_parse(&ids, opts.ids, e);
	if (rc >= 0)
		rc = jmodel_load(&m, opts.model, e);
	if (rc >= 0)
		rc = check_ids(m, &ids, e);
	if (rc >= 0)
		rc = jmodel_alloc_grads(m, 1, e);
	if (rc >= 0) {
		pool = jpar_new((int)jcli_common(cli)->jobs);
		rc = backward(m, pool, &ids, &loss, e);
		jpar_free(pool);
	}
	if (rc >= 0)
		rc = save(m, loss, output, e);
	jmodel_free(m);
	jids_release(&ids);
	return rc;
}

const struct jverb gradients_verb = {
	.name = "gradients",
	.args = "-m MODEL --ids LIST -o FILE",
	.summary = "write the gradient of every weight",
	.opts = table,
	.run = run,
};
