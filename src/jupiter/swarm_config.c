/*
 * swarm_config.c - a swarm file: what chat and query take from it where the command line is silent.
 */
#include "swarm.h"

#include "conf/jschema.h"

static const struct jschema_key keys[] = {
	{ "name", JSCHEMA_STR, .doc = "of the swarm, for people" },
	{ "experts_dir", JSCHEMA_STR, .doc = "folder of expert files" },
	{ "router", JSCHEMA_OBJ, .doc = "who is asked" },
	{ "router.strategy", JSCHEMA_STR, .choices = "keyword|trained|knn|ridge|embedding|hybrid|likelihood|judge",
		.doc = "as of jroute" },
	{ "router.classifier_model", JSCHEMA_STR, .doc = "the model that chooses, of strategy judge" },
	{ "router.top_k", JSCHEMA_INT, .min = 1, .max = 1000, .doc = "most experts of a question" },
	{ "router.min_confidence", JSCHEMA_NUM, .min = 0, .max = 1, .doc = "experts below are not asked" },
	{ "synthesizer", JSCHEMA_OBJ, .doc = "what is made of their answers" },
	{ "synthesizer.strategy", JSCHEMA_STR,
		.choices = "select|concatenate|weighted|rank|fuse|debate|mix|self", .doc = "as of jsynth" },
	{ "synthesizer.merge_model", JSCHEMA_STR, .doc = "the model that judges and merges" },
	{ "synthesizer.confidence_threshold", JSCHEMA_NUM, .min = 0, .max = 1,
		.doc = "weighted leaves out lower scores" },
	{ "synthesizer.debate_rounds", JSCHEMA_INT, .min = 0, .max = 100, .doc = "after the first answers" },
	{ "synthesizer.include_expert_attribution", JSCHEMA_BOOL, .doc = "head parts with their expert" },
	{ "synthesizer.max_output_length", JSCHEMA_INT, .min = 1, .max = 1e9,
		.doc = "bytes that weighted keeps" },
	{ "timeout_seconds", JSCHEMA_NUM, .min = 0.001, .max = 1e6, .doc = "that a node may take" },
	{ "idle_timeout_seconds", JSCHEMA_NUM, .min = 0, .max = 1e9,
		.doc = "after which chat closes an unused model" },
	{ .path = NULL }
};
static const struct jschema schema = { "swarm", keys };

static const struct {
	const char *path, *option;
} options[] = {
	{ "experts_dir", "experts" },
	{ "router.strategy", "strategy" },
	{ "router.classifier_model", "judge" },
	{ "router.top_k", "top-k" },
	{ "router.min_confidence", "min-score" },
	{ "synthesizer.strategy", "mode" },
	{ "synthesizer.merge_model", "model" },
	{ "synthesizer.confidence_threshold", "threshold" },
	{ "synthesizer.debate_rounds", "rounds" },
	{ "synthesizer.include_expert_attribution", "attribution" },
	{ "synthesizer.max_output_length", "max-length" },
	{ "timeout_seconds", "timeout" },
	{ "idle_timeout_seconds", "idle" }
};

static void
put_value(struct jbuf *b, const struct jval *v)
{
	if (v->type == JVAL_STR)
		jbuf_add(b, v->u.s.p, v->u.s.n);
	else
		jjson_val(b, v);
}

int
swarm_config(struct jcli *cli, const char *path, struct jerr *e)
{
	struct jarena a;
	struct jval *root;
	int rc;

	jarena_init(&a, 0);
	rc = jval_load_yaml(&root, path, &a, e);
	if (rc == 0)
		rc = jschema_check(&schema, root, path, e);
	for (size_t i = 0; rc == 0 && i < sizeof(options) / sizeof(options[0]); i++) {
		const struct jval *v = jschema_at(root, options[i].path);
		struct jbuf b;

		if (!v)
			continue;
		jbuf_init(&b);
		put_value(&b, v);
		rc = jcli_set(cli, options[i].option, b.p, jarena_printf(&a, "%s:%d", path, v->line), e);
		jbuf_release(&b);
	}
	jarena_release(&a);
	return rc;
}
