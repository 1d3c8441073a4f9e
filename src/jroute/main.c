/*
 * jroute - which experts should answer.
 */
#include "verbs.h"

int
main(int argc, char **argv)
{
	const struct jverb verbs[] = { route_verb, train_verb, list_verb, curve_verb, { .name = NULL } };
	const struct jtool tool = {
		.name = "jroute",
		.args = "route | train | list | curve",
		.summary = "choose the experts for a question",
		.verbs = verbs,
	};

	return jcli_main(&tool, argc, argv);
}
