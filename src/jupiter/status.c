/* status.c - where a run is: each product of the main job, with the counts its maker noted. */
#include <stdio.h>
#include <string.h>

#include "base/jstr.h"
#include "base/jsys.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "jupiter.h"

struct product {
	const char *file, *what, *prov;	/* prov: where the maker's counts are */
};

static const struct product products[] = {
	{ "docs.jsonl", "collected documents", "docs.jsonl.prov" },
	{ "clean.jsonl", "after the filter", "clean.jsonl.prov" },
	{ "unique.jsonl", "without duplicates", "unique.jsonl.prov" },
	{ "train.jsonl", "training documents", "train.jsonl.prov" },
	{ "valid.jsonl", "held-out documents", NULL },
	{ "tok/tokenizer.json", "tokenizer", NULL },
	{ "train.jsh", "training tokens", "train.jsh.prov" },
	{ "base/config.json", "base model", NULL },
	{ "pairs.jsonl", "question-answer pairs", "pairs.jsonl.prov" },
	{ "expert/config.json", "expert", NULL },
	{ "scores.jsonl", "scores", NULL },
	{ "answers.jsonl", "answers", NULL },
	{ "report.html", "report", NULL }
};

static void
show_counts(struct jarena *a, const char *path)
{
	struct jval *v;
	struct jerr none = { 0 };
	const struct jval *c;

	if (!jfs_exists(path) || jval_load_json(&v, path, a, &none) < 0)
		return;
	c = jval_get(v, "counts");
	if (c)
		printf("  %lld in, %lld out, %lld rejected", (long long)jval_int(c, "in", 0),
			(long long)jval_int(c, "out", 0), (long long)jval_int(c, "rejected", 0));
}

/* The last line of a metrics log: how far a training run is. */
static void
show_log(struct jarena *a, const char *work, const char *name)
{
	char *path = jarena_printf(a, "%s/%s.log.jsonl", work, name), *line;
	struct jerr none = { 0 };
	struct jbuf text;
	struct jval *v;

	jbuf_init(&text);
	if (jfs_exists(path) && jin_slurp(path, &text, &none) == 0) {
		jbuf_trim(&text);
		line = text.n ? strrchr(text.p, '\n') : NULL;
		line = line ? line + 1 : text.p;
		if (jval_parse_json(&v, line, strlen(line), path, a, &none) == 0)
			printf("  step %lld, loss %.4f", (long long)jval_int(v, "step", 0),
				jval_num(v, "loss", 0));
	}
	jbuf_release(&text);
}

static void
show_product(struct jarena *a, const char *work, const struct product *p)
{
	char *path = jfs_join(a, work, p->file);
	char size[16] = "";

	if (jfs_exists(path))
		jstr_human_bytes(size, (double)jfs_size(path));
	printf("%-9s %-22s %-20s %9s", jfs_exists(path) ? "done" : "-", p->what, p->file, size);
	if (p->prov)
		show_counts(a, jfs_join(a, work, p->prov));
	if (strcmp(p->file, "base/config.json") == 0)
		show_log(a, work, "base");
	if (strcmp(p->file, "expert/config.json") == 0)
		show_log(a, work, "expert");
	printf("\n");
}

static int
show_run(struct jarena *a, const char *work, struct jerr *e)
{
	size_t i;

	if (!jfs_is_dir(work))
		return jerr_set(e, JERR_ARG, "%s: no such run", work);
	printf("%s\n", work);
	for (i = 0; i < sizeof(products) / sizeof(products[0]); i++)
		show_product(a, work, &products[i]);
	return 0;
}

int
status_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct status_opts *o = arg;
	const char *work = o->work ? o->work : work_folder();
	struct jarena a;
	char **names;
	size_t n = 0, runs = 0, i;
	int rc = 0;

	jarena_init(&a, 0);
	if (argc > 0) {
		for (i = 0; rc == 0 && i < (size_t)argc; i++)
			rc = show_run(&a, jfs_is_dir(argv[i]) ? argv[i] : jfs_join(&a, work, argv[i]), e);
	} else {
		if (jfs_is_dir(work))
			rc = jfs_list(work, &a, &names, &n, e);
		for (i = 0; rc == 0 && i < n; i++)
			if (jfs_exists(jfs_join(&a, jfs_join(&a, work, names[i]), "domain.vars"))) {
				rc = show_run(&a, jfs_join(&a, work, names[i]), e);
				runs++;
			}
		if (rc == 0 && runs == 0)
			printf("no runs in %s\n", work);
	}
	jarena_release(&a);
	return rc;
}
