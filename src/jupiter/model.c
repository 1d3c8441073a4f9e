/* model.c - model-info and export: what jmodel says and makes, under the front's words. */
#include <stdio.h>
#include <string.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "jupiter.h"
#include "model/jmodel.h"

/* One line for each preset: true counts, and the memory that training needs at least. */
static int
list_presets(struct jerr *e)
{
	struct jmodel_config c;
	char weights[16], memory[16];
	size_t i;

	printf("\n%-8s %-8s %9s %12s %7s %7s %8s\n", "preset", "shape", "weights", "training", "hidden",
		"layers", "context");
	for (i = 0; jmodel_presets[i]; i++) {
		if (jmodel_preset(&c, jmodel_presets[i], e) < 0)
			return e->code;
		printf("%-8s %-8s %9s %12s %7lld %7lld %8lld\n", jmodel_presets[i], jmodel_arch_name(&c),
			jstr_human_count(weights, (double)jmodel_count(&c)),
			jstr_human_bytes(memory, 16.0 * (double)jmodel_count(&c)), (long long)c.hidden,
			(long long)c.layers, (long long)c.context);
	}
	printf("training: weights, gradients and AdamW's two moments in fp32; activations come on top "
		"(jtrain plan)\n");
	return 0;
}

int
info_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct info_opts *o = arg;
	const char *v[4] = { NULL, "info", o->preset, NULL };
	struct jarena a;
	int rc;

	if (argc > 1 || (argc == 1 && o->preset))
		return jerr_set(e, JERR_ARG, "give one preset or model folder");
	if (argc == 1)
		v[2] = argv[0];
	if (!v[2])
		v[2] = "1b";
	jarena_init(&a, 0);
	v[0] = program(&a, "jmodel");
	rc = run_program(v, e);
	jarena_release(&a);
	return rc < 0 || argc == 1 ? rc : list_presets(e);
}

/* hf and mlx are the same folder: mlx-lm reads Hugging Face folders as they are. */
int
export_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct export_opts *o = arg;
	const struct jcommon *common = jcli_common(cli);
	bool gguf = strcmp(o->format, "gguf") == 0;
	struct jarena a;
	const char *v[12];
	int n = 0, rc;

	if (argc != 1)
		return jerr_set(e, JERR_ARG, "give one checkpoint: jupiter export CHECKPOINT");
	if (!jfs_exists(argv[0]))
		return jerr_set(e, JERR_ARG, "%s: no such checkpoint", argv[0]);
	jarena_init(&a, 0);
	v[n++] = program(&a, "jmodel");
	v[n++] = "convert";
	v[n++] = argv[0];
	if (strcmp(common->output, "-") != 0)
		v[n++] = jarena_strndup(&a, common->output, strlen(common->output));
	else
		v[n++] = jarena_printf(&a, "%s/export_%s%s", argv[0], o->format, gguf ? ".gguf" : "");
	v[n++] = "--type";
	v[n++] = jarena_strndup(&a, o->type, strlen(o->type));
	v[n] = NULL;
	jcli_info(cli, "running: jmodel convert %s %s --type %s", v[2], v[3], o->type);
	rc = run_program(v, e);
	jarena_release(&a);
	return rc;
}
