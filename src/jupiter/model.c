/* model.c - model-info and export: what jmodel says and makes, under the front's words. */
#include <string.h>

#include "io/jfs.h"
#include "jupiter.h"

int
info_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct info_opts *o = arg;
	struct jarena a;
	const char *v[8];
	int n = 0, rc;

	if (argc > 1 || (argc == 1 && o->preset))
		return jerr_set(e, JERR_ARG, "give one preset or model folder");
	jarena_init(&a, 0);
	v[n++] = program(&a, "jmodel");
	v[n++] = "info";
	v[n++] = argc == 1 ? argv[0] : o->preset ? jarena_strndup(&a, o->preset, strlen(o->preset)) :
		"--presets";
	v[n] = NULL;
	rc = run_program(v, e);
	jarena_release(&a);
	return rc;
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
