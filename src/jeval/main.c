/*
 * jeval - what a model is worth, with standard errors.
 */
#include "verbs.h"

int
main(int argc, char **argv)
{
	const struct jverb verbs[] = { ppl_verb, baseline_verb, each_verb, swarm_verb, report_verb,
		{ .name = NULL } };
	const struct jtool tool = {
		.name = "jeval",
		.args = "ppl | baseline | each | swarm | report",
		.summary = "measure language models",
		.verbs = verbs,
	};

	return jcli_main(&tool, argc, argv);
}
