/*
 * jmodel - look into models, convert them, and print what they compute.
 */
#include "verbs.h"

int
main(int argc, char **argv)
{
	const struct jverb verbs[] = {
		info_verb, convert_verb, quantize_verb, prune_verb, merge_verb, verify_verb, logits_verb,
		gradients_verb, fetch_verb, publish_verb, { .name = NULL }
	};
	const struct jtool tool = {
		.name = "jmodel",
		.args = "info | convert | quantize | prune | merge | verify | logits | gradients | fetch | publish",
		.summary = "inspect and convert language models",
		.verbs = verbs,
		.no_summary = true,
	};

	return jcli_main(&tool, argc, argv);
}
