/*
 * jgen - text from language models.
 */
#include "verbs.h"

int
main(int argc, char **argv)
{
	const struct jverb verbs[] = { complete_verb, chat_verb, synth_verb, embed_verb, bench_verb,
		{ .name = NULL } };
	const struct jtool tool = {
		.name = "jgen",
		.args = "[complete | chat | synth | embed | bench]",
		.summary = "generate text with a language model",
		.verbs = verbs,
		.opts = complete_verb.opts,	/* without a verb: complete */
		.run = complete_verb.run,
	};

	return jcli_main(&tool, argc, argv);
}
