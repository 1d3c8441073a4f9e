/*
 * jsynth - one answer out of those of several experts.
 */
#include "synth.h"

struct synth_opts synth_opts = { .mode = "select", .rank = "any", .rounds = 2, .samples = 4,
	.retries = 1, .temperature = -1, .consensus = 0.9, .share = 0.01, .timeout = 60,
	.max_length = 16384, .attribution = true, .times = true };

const struct jopt synth_table[] = {
	{ .type = JOPT_HEAD, .name = "What is made of the answers" },
	{ .name = "mode", .type = JOPT_STR, .value = &synth_opts.mode, .arg = "MODE",
		.choices = "select|concatenate|weighted|rank|fuse|debate|mix|self",
		.help = "how one answer is made of several" },
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &synth_opts.model, .arg = "MODEL",
		.help = "the model that judges and merges; else that of the best expert merges" },
	{ .name = "rank-by", .type = JOPT_STR, .value = &synth_opts.rank, .arg = "WHAT",
		.choices = "any|judge|question|experts", .help = "what rank compares by" },
	{ .name = "threshold", .type = JOPT_DOUBLE, .value = &synth_opts.threshold, .arg = "X",
		.help = "weighted leaves out answers that score less" },
	{ .name = "max-length", .type = JOPT_SIZE, .value = &synth_opts.max_length, .arg = "SIZE",
		.help = "weighted keeps at most so many bytes" },
	{ .name = "attribution", .type = JOPT_BOOL, .value = &synth_opts.attribution,
		.help = "head each part with the name of its expert" },
	{ .name = "rounds", .type = JOPT_INT, .value = &synth_opts.rounds, .arg = "N",
		.help = "rounds of a debate after the first answers" },
	{ .name = "consensus", .type = JOPT_DOUBLE, .value = &synth_opts.consensus, .arg = "X",
		.help = "agreement at which a debate ends" },
	{ .name = "samples", .type = JOPT_INT, .value = &synth_opts.samples, .arg = "N",
		.help = "answers of the best expert that self compares" },
	{ .name = "share", .type = JOPT_DOUBLE, .value = &synth_opts.share, .arg = "X",
		.help = "how much of mix's weights is shared out anew at each token, 0 = none" },
	{ .name = "control", .type = JOPT_BOOL, .value = &synth_opts.control,
		.help = "beside it samples of the single best expert, at as many tokens" },
	{ .type = JOPT_HEAD, .name = "Asking the experts" },
	{ .name = "experts", .letter = 'e', .type = JOPT_STR, .value = &synth_opts.experts, .arg = "DIR",
		.help = "folder of expert files: those without an answer in the record are asked" },
	{ .name = "question", .letter = 'p', .type = JOPT_STR, .value = &synth_opts.question,
		.arg = "TEXT", .help = "this question instead of records" },
	{ .name = "ask", .type = JOPT_LIST, .value = &synth_opts.ask, .arg = "NAME",
		.help = "ask this expert where a record names none; else all (may be repeated)" },
	{ .name = "top-k", .letter = 'k', .type = JOPT_INT, .value = &synth_opts.top_k, .arg = "N",
		.help = "only the first N experts of a record, 0 = all" },
	{ .name = "max-tokens", .letter = 'n', .type = JOPT_INT, .value = &synth_opts.max_tokens,
		.arg = "N", .help = "most tokens of one answer, 0 = as the expert's file says" },
	{ .name = "temperature", .type = JOPT_DOUBLE, .value = &synth_opts.temperature, .arg = "X",
		.help = "of the answers, below 0 = as the expert's file says" },
	{ .name = "context", .type = JOPT_INT, .value = &synth_opts.context, .arg = "N",
		.help = "tokens of a question with its answer, 0 = 4096 or the model's" },
	{ .name = "passages", .type = JOPT_INT, .value = &synth_opts.passages, .arg = "N",
		.help = "give each expert N passages of its knowledge, and cite them" },
	{ .name = "quote", .type = JOPT_BOOL, .value = &synth_opts.quote,
		.help = "answer with such passages alone; no model is asked" },
	{ .name = "timeout", .type = JOPT_DOUBLE, .value = &synth_opts.timeout, .arg = "SEC",
		.help = "how long a node may take" },
	{ .name = "retries", .type = JOPT_INT, .value = &synth_opts.retries, .arg = "N",
		.help = "how often a node is asked again" },
	{ .name = "key-file", .type = JOPT_STR, .value = &synth_opts.key_file, .arg = "FILE",
		.help = "the key for nodes is the first line of FILE" },
	{ .type = JOPT_HEAD, .name = "Output" },
	{ .name = "stream", .type = JOPT_BOOL, .value = &synth_opts.stream,
		.help = "write the text as it comes and who said it, instead of records" },
	{ .name = "times", .type = JOPT_BOOL, .value = &synth_opts.times,
		.help = "tell the seconds" },
	{ .type = JOPT_END }
};

int
main(int argc, char **argv)
{
	const struct jtool tool = {
		.name = "jsynth",
		.args = "[--mode MODE] [--experts DIR] [-p TEXT | FILE ...]",
		.summary = "make one answer of those of several experts",
		.opts = synth_table,
		.run = synth_run,
	};

	return jcli_main(&tool, argc, argv);
}
