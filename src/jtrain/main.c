/*
 * jtrain: trains language models.  Options and verbs only; the work is in lib/train.
 */
#include "jtrain_tool.h"

int
main(int argc, char **argv)
{
	struct train_values pre = { .o = JTRAIN_OPTS_INIT }, sft = { .o = JTRAIN_OPTS_INIT };
	struct train_values plan = { .o = JTRAIN_OPTS_INIT };
	struct plot_values plot = { .width = 80, .height = 20 };
	struct jopt pre_opts[TRAIN_OPTIONS], sft_opts[TRAIN_OPTIONS], plan_opts[TRAIN_OPTIONS];
	const struct jopt plot_opts[] = {
		{ "width", 0, JOPT_INT, &plot.width, "N", .help = "columns of the chart" },
		{ "height", 0, JOPT_INT, &plot.height, "N", .help = "lines of the chart" },
		{ "ascii", 0, JOPT_BOOL, &plot.ascii, .help = "no characters beyond ASCII" },
		{ .type = JOPT_END }
	};
	const struct jverb verbs[] = {
		{ "pretrain", "--model MODEL --data PATH... -o DIR [options]",
			"train on running text", pre_opts, tool_train, .arg = &pre },
		{ "sft", "--model MODEL --data FILE... -o DIR [options]",
			"train on conversations; the loss falls on the answers", sft_opts,
			tool_train, .arg = &sft },
		{ "plan", "[pretrain|sft] --model MODEL --data PATH... [options]",
			"print what a run would take: memory, FLOPs, time", plan_opts, tool_plan,
			.arg = &plan },
		{ "plot", "[-o FILE.svg|FILE.html] LOG...", "draw the loss of metrics logs",
			plot_opts, tool_plot, .arg = &plot },
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
	return jcli_main(&tool, argc, argv);
}
