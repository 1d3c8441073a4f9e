/* jupiter - the front: reads YAML, says what it will run, and runs it. */
#include "jupiter.h"
#include "swarm.h"

static struct start_opts start = { .mode = "auto" };
static struct config_opts config;
static struct new_opts new_domain = { .dir = "domains" };
static struct status_opts status;
static struct export_opts export = { .format = "hf", .type = "f32" };
static struct info_opts info;

static const struct jopt start_table[] = {
	{ "domain", 'd', JOPT_STR, &start.domain, "NAME", "domain: a name, or a YAML file" },
	{ "config", 'c', JOPT_STR, &start.config, "DIR", "look for NAME in DIR/domains first" },
	{ "mode", 'm', JOPT_STR, &start.mode, "MODE", "auto, or interactive: show each step and ask",
		"auto|interactive" },
	{ "auto", 0, JOPT_BOOL, &start.automatic, NULL, "the same as --mode auto" },
	{ "interactive", 0, JOPT_BOOL, &start.interactive, NULL, "the same as --mode interactive" },
	{ "work", 0, JOPT_STR, &start.work, "DIR", "folder of the run (NAME in J_WORK, or in work)" },
	{ "no-collect", 0, JOPT_BOOL, &start.no_collect, NULL, "use the documents collected before" },
	{ .type = JOPT_END }
};
static const struct jopt check_table[] = {
	{ "config", 'c', JOPT_STR, &config.config, "DIR", "folder with domains/ and cluster.yaml" },
	{ .type = JOPT_END }
};
static const struct jopt config_table[] = {
	{ "config", 'c', JOPT_STR, &config.config, "DIR", "look for NAME in DIR/domains first" },
	{ "make", 0, JOPT_BOOL, &config.make, NULL, "as variables for a makefile" },
	{ "questions", 0, JOPT_BOOL, &config.questions, NULL, "the questions, as prompt records" },
	{ .type = JOPT_END }
};
static const struct jopt new_table[] = {
	{ "dir", 0, JOPT_STR, &new_domain.dir, "DIR", "where NAME.yaml is made; -o DIR is the same" },
	{ .type = JOPT_END }
};
static const struct jopt info_table[] = {
	{ "model", 'p', JOPT_STR, &info.preset, "NAME",
		"a preset (125m, 350m, 500m, 1b, 3b, tiny, ...); --preset NAME is the same" },
	{ .type = JOPT_END }
};
static const struct jopt status_table[] = {
	{ "work", 0, JOPT_STR, &status.work, "DIR", "folder of the runs (J_WORK, or work)" },
	{ .type = JOPT_END }
};
static const struct jopt export_table[] = {
	{ "format", 'f', JOPT_STR, &export.format, "FORMAT", "what to make", "hf|gguf|mlx" },
	{ "type", 't', JOPT_STR, &export.type, "TYPE", "element type of the weights",
		"f32|f16|bf16|q8_0" },
	{ .type = JOPT_END }
};

int
main(int argc, char **argv)
{
	const struct jverb verbs[] = {
		{ "start", "--domain NAME [options]", "run the main job for a domain", start_table, start_run,
			&start },
		{ "check", "[options] [DOMAIN ...]", "check domain and cluster files", check_table, check_run,
			&config },
		{ "config", "[options] DOMAIN", "print what a domain file says, defaults included", config_table,
			config_run, &config },
		{ "new-domain", "NAME [options]", "make a domain file from the template", new_table,
			new_domain_run, &new_domain },
		{ "model-info", "[--preset NAME] [MODEL]", "sizes of a preset or a model", info_table, info_run,
			&info },
		{ "status", "[NAME ...]", "how far the runs are", status_table, status_run, &status },
		{ "export", "CHECKPOINT [options]", "write a model in another format", export_table, export_run,
			&export },
		swarm_list_verb, swarm_status_verb, swarm_chat_verb, swarm_query_verb, swarm_create_verb,
		swarm_train_verb, { .name = NULL }
	};
	const struct jtool tool = { .name = "jupiter", .args = "VERB [options]",
		.summary = "from a domain to an expert language model", .verbs = verbs,
		.no_summary = true };

	return jcli_main(&tool, argc, argv);
}
