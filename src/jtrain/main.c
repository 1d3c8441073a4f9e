/*
 * jtrain: trains language models.  Options and verbs only; the work is in lib/train.
 */
#include <string.h>

#include "jtrain_tool.h"
#include "optim/joptim.h"

enum { PLOT_OPTIONS = 4, WHICH_OPTIONS = 2, BENCH_OPTIONS = 9 };

static void
plot_options(struct plot_values *v, struct jopt table[PLOT_OPTIONS])
{
	const struct jopt t[PLOT_OPTIONS] = {
		{ "width", 0, JOPT_INT, &v->width, "N", .help = "columns of the chart" },
		{ "height", 0, JOPT_INT, &v->height, "N", .help = "lines of the chart" },
		{ "ascii", 0, JOPT_BOOL, &v->ascii, .help = "no characters beyond ASCII" },
		{ .type = JOPT_END }
	};

	memcpy(table, t, sizeof(t));
}

static void
which_options(struct which_values *v, struct jopt table[WHICH_OPTIONS])
{
	const struct jopt t[WHICH_OPTIONS] = {
		{ "step", 0, JOPT_STR, &v->steps, "N[-M]", .help = "the step, or the first and the last" },
		{ .type = JOPT_END }
	};

	memcpy(table, t, sizeof(t));
}

static void
bench_options(struct bench_values *v, struct jopt table[BENCH_OPTIONS])
{
	const struct jopt t[BENCH_OPTIONS] = {
		{ "model", 'm', JOPT_STR, &v->o.model, "MODEL", .help =
			"preset, folder or file whose shape is measured in a training step" },
		{ "batch", 'b', JOPT_INT, &v->o.batch, "N", .help = "sequences in the step" },
		{ "seq", 0, JOPT_INT, &v->o.seq, "N", .help = "tokens in a sequence" },
		{ "passes", 0, JOPT_INT, &v->o.passes, "N", .help =
			"steps to time; each operation's least time counts" },
		{ "optimizer", 0, JOPT_STR, &v->o.optimizer, "NAME", .choices = joptim_names,
			.help = "what updates the weights" },
		{ "precision", 0, JOPT_STR, &v->precision, "TYPE", .choices = "f32|bf16", .help =
			"numbers of the products with weights" },
		{ "product", 0, JOPT_LIST, &v->products, "MxNxK[:TYPE]", .many = true, .help =
			"also time single products, M rows by N x K weights" },
		{ "json", 0, JOPT_BOOL, &v->json, .help = "one JSON object instead of a table" },
		{ .type = JOPT_END }
	};

	memcpy(table, t, sizeof(t));
}

int
main(int argc, char **argv)
{
	struct train_values pre = { .o = JTRAIN_OPTS_INIT }, sft = { .o = JTRAIN_OPTS_INIT };
	struct train_values plan = { .o = JTRAIN_OPTS_INIT };
	struct plot_values plot = { .width = 80, .height = 20 };
	struct bench_values bench = { .o = { .batch = 4, .seq = 256, .passes = 5,
		.optimizer = "adamw" }, .precision = "f32" };
	struct which_values which = { .steps = NULL };
	struct tune_values tune = { .train = { .o = JTRAIN_OPTS_INIT } };
	struct data_values data = { .o = JTRAIN_OPTS_INIT, .to = "report" };
	struct jopt tune_opts[TRAIN_OPTIONS], data_opts[DATA_OPTIONS], plot_opts[PLOT_OPTIONS];
	struct jopt which_opts[WHICH_OPTIONS], bench_opts[BENCH_OPTIONS];
	struct jopt pre_opts[TRAIN_OPTIONS], sft_opts[TRAIN_OPTIONS], plan_opts[TRAIN_OPTIONS];
	const struct jverb verbs[] = {
		{ "pretrain", "--model MODEL --data PATH... -o DIR [options]",
			"train on running text", pre_opts, tool_train, .arg = &pre },
		{ "sft", "--model MODEL --data FILE... -o DIR [options]",
			"train on conversations; the loss falls on the answers", sft_opts,
			tool_train, .arg = &sft },
		{ "plan", "[pretrain|sft] --model MODEL --data PATH... [options]",
			"print what a run would take: memory, FLOPs, time", plan_opts, tool_plan,
			.arg = &plan },
		{ "data", "--tokenizer TOK [--to chat|ids] FILE...", "look at records for sft, convert them",
			data_opts, tool_data, .arg = &data },
		{ "plot", "[-o FILE.svg|FILE.html] LOG...", "draw the loss of metrics logs",
			plot_opts, tool_plot, .arg = &plot },
		{ "tune", "--space FILE --model MODEL --data PATH... -o DIR [options]",
			"search the options of a run", tune_opts, tool_tune, .arg = &tune },
		{ "which", "--step N[-M] DIR", "tell which documents entered a step of a run",
			which_opts, tool_which, .arg = &which },
		{ "bench", "[--model MODEL] [--product MxNxK[:TYPE]...] [options]",
			"time each operation of a step beside what the machine can do", bench_opts,
			tool_bench, .arg = &bench },
		{ .name = NULL }
	};
	const struct jtool tool = { .name = "jtrain", .args = "VERB [options]",
		.summary = "train language models", .verbs = verbs };

	pre.o.objective = plan.o.objective = "pretrain";
	sft.o.objective = "sft";
	sft.o.lr = 1e-4;
	sft.o.batch = 16;
	sft.o.weight_decay = 0;
	train_options(&pre, pre_opts);
	train_options(&sft, sft_opts);
	train_options(&plan, plan_opts);
	tune_options(&tune, tune_opts);
	data_verb_options(&data, data_opts);
	plot_options(&plot, plot_opts);
	which_options(&which, which_opts);
	bench_options(&bench, bench_opts);
	return jcli_main(&tool, argc, argv);
}
