/*
 * jmodel - look into models, convert them, and print what they compute.
 */
#include "verbs.h"

int
main(int argc, char **argv)
{
	const struct jverb verbs[] = {
		info_verb, convert_verb, verify_verb, logits_verb, gradients_verb, { .name = NULL }
	};
	const struct jtool tool = {
		.name = "jmodel",
		.args = "info | convert | verify | logits | gradients",
		.summary = "inspect and convert language models",
		.verbs = verbs,
		.no_summary = true,
	};

	return jcli_main(&tool, argc, argv);
}
