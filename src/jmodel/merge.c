/*
 * jmodel merge: adapters into their base, or whole models of one shape into one.
 */
#include "verbs.h"

#include <string.h>

#include "merge_adapter.h"
#include "merge_models.h"
#include "model/jmerge.h"
#include "tensor/jquant.h"

static struct merge_opts {
	const char *base, *dtype, *method, *combine;
	int64_t rank;
	struct jopt_list adapters;
	double density, t;
	bool as_given;
	uint64_t part_bytes;
} opts = { .part_bytes = STORE_PART_BYTES, .dtype = "f32", .method = "linear", .density = 0.5, .t = 0.5 };

static const struct jopt table[] = {
	{ .name = "base", .type = JOPT_STR, .value = &opts.base, .arg = "MODEL",
		.help = "what adapters or differences are added to (default: the one that the adapter names)" },
	{ .name = "adapter", .letter = 'a', .type = JOPT_LIST, .value = &opts.adapters,
		.arg = "DIR[=WEIGHT]", .help = "adapter folder to merge; may be given several times" },
	{ .name = "method", .type = JOPT_STR, .value = &opts.method, .arg = "NAME",
		.help = "how models are merged", .choices = "linear|slerp|ties|dare|dare-ties" },
	{ .name = "combine", .type = JOPT_STR, .value = &opts.combine, .arg = "NAME",
		.help = "join adapters into one adapter folder instead, without a base",
		.choices = "cat|svd|linear|prune|ties|dare|dare-ties" },
	{ .name = "rank", .type = JOPT_INT, .value = &opts.rank, .arg = "N",
		.help = "rank of the adapter that svd makes; 0 = the largest of those joined" },
	{ .name = "density", .type = JOPT_DOUBLE, .value = &opts.density, .arg = "X",
		.help = "share of each difference or tensor that ties, dare and prune keep" },
	{ .name = "share", .letter = 't', .type = JOPT_DOUBLE, .value = &opts.t, .arg = "X",
		.help = "slerp: 0 is the first model, 1 the second" },
	{ .name = "as-given", .type = JOPT_BOOL, .value = &opts.as_given,
		.help = "merge an adapter into the base as it is, though it was quantized for training" },
	{ .name = "dtype", .type = JOPT_STR, .value = &opts.dtype, .arg = "TYPE",
		.help = "numbers of the merged model", .choices = "f32|f16|bf16" },
	{ .name = "shard-size", .type = JOPT_SIZE, .value = &opts.part_bytes, .arg = "SIZE",
		.help = "bytes of one weight file; 0 = all in one" },
	{ .type = JOPT_END }
};

static int
run_models(struct jcli *cli, int argc, char **argv, struct jerr *e)
{
	struct merge_models o = { .method = opts.method, .base = opts.base, .models = argv,
		.n = (size_t)argc, .density = opts.density, .t = opts.t,
		.out = jcli_common(cli)->output };

	o.form = (struct store_form){ (enum jdtype)jdtype_find(opts.dtype), opts.part_bytes };
	return merge_models(&o, cli, e);
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct merge_adapters o = { .base = opts.base, .adapters = opts.adapters.v,
		.n = opts.adapters.n, .out = jcli_common(cli)->output };

	(void)arg;
	if (strcmp(o.out, "-") == 0)
		return jerr_set(e, JERR_ARG, "merge writes a folder: name it with -o DIR");
	if ((o.n > 0) == (argc > 0))
		return jerr_set(e, JERR_ARG, argc > 0 ? "merge takes either models or --adapter" :
			"merge wants --adapter DIR, or the models to merge");
	if (argc > 0)
		return run_models(cli, argc, argv, e);
	o.form = (struct store_form){ (enum jdtype)jdtype_find(opts.dtype), opts.part_bytes };
	o.method = jmerge_find(opts.method);
	o.rank = opts.rank;
	o.density = opts.density;
	o.t = opts.t;
	o.as_given = opts.as_given;
	if (!opts.combine)
		return merge_adapters(&o, cli, e);
	o.method = jadapter_join_find(opts.combine);
	return join_adapters(&o, cli, e);
}

const struct jverb merge_verb = {
	.name = "merge",
	.args = "[--base MODEL] --adapter DIR[=WEIGHT]... | MODEL[=WEIGHT]... -o DIR",
	.summary = "merge adapters into their base, or models",
	.opts = table,
	.run = run,
};
