/* A tokenizer of any format as a folder with tokenizer.json, or as .tiktoken. */
#include <string.h>

#include "io/jfs.h"
#include "tokenize.h"

/* The folder appears whole. */
int
tokenizer_save(const struct jtok *t, const char *dir, struct jerr *e)
{
	struct jarena a;
	char *tmp = NULL;
	int rc;

	jarena_init(&a, 0);
	rc = jfs_dir_begin(dir, &a, &tmp, e);
	if (!rc) {
		rc = jtok_save(t, tmp, e);
		if (!rc)
			rc = jfs_dir_commit(tmp, dir, e);
		if (rc)
			jfs_dir_abort(tmp);
	}
	jarena_release(&a);
	return rc;
}

int
save_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const char *output = jcli_common(cli)->output;
	struct jtok *t = NULL;
	int rc;

	if (argc)
		return jerr_set(e, JERR_ARG, "%s: the tokenizer is given with -t", argv[0]);
	if (strcmp(output, "-") == 0)
		return jerr_set(e, JERR_ARG, "no output: -o DIR for tokenizer.json, -o FILE.tiktoken for ranks");
	rc = tokenizer_open(&t, arg, e);
	if (!rc)
		rc = jstr_ends(output, ".tiktoken") ? jtok_save_tiktoken(t, output, e) :
			tokenizer_save(t, output, e);
	jtok_free(t);
	return rc;
}
