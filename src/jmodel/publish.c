/*
 * jmodel publish: a folder that can be uploaded as it is: the model's files, a model card, check sums.
 * Nothing is sent anywhere.  The model is opened and looked through first: what does not load, or
 * holds a value that is no number, is not published.
 */
#include "verbs.h"

#include <math.h>
#include <string.h>

#include "base/jhash.h"
#include "card.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "model/jweights.h"
#include "record/jrec.h"

static struct publish_opts {
	const char *name, *licence, *licence_file, *base, *language, *description;
	struct jopt_list tags, datasets;
} opts = { .language = "en" };

static const struct jopt table[] = {
	{ .name = "licence", .type = JOPT_STR, .value = &opts.licence, .arg = "NAME",
		.help = "licence of the weights: apache-2.0, mit, cc-by-4.0 ... (required)" },
	{ .name = "licence-file", .type = JOPT_STR, .value = &opts.licence_file, .arg = "FILE",
		.help = "its text, to go with them as LICENSE" },
	{ .name = "name", .type = JOPT_STR, .value = &opts.name, .arg = "NAME",
		.help = "what the card calls the model (default: the folder's name)" },
	{ .name = "base-model", .type = JOPT_STR, .value = &opts.base, .arg = "ID",
		.help = "the model it was made from; of an adapter, what it names" },
	{ .name = "language", .type = JOPT_STR, .value = &opts.language, .arg = "CODE",
		.help = "language of its texts" },
	{ .name = "description", .type = JOPT_STR, .value = &opts.description, .arg = "TEXT",
		.help = "one paragraph for the card" },
	{ .name = "tag", .type = JOPT_LIST, .value = &opts.tags, .arg = "WORD",
		.help = "tag of the card; may be repeated" },
	{ .name = "dataset", .type = JOPT_LIST, .value = &opts.datasets, .arg = "ID",
		.help = "data set of the card; may be repeated" },
	{ .type = JOPT_END }
};

struct job {
	const char *src, *tmp;
	struct jarena arena;
	struct jbuf sums;
	size_t files;
	uint64_t bytes;
};

/* Copies a file and notes its check sum in the form of sha256sum(1). */
static int
take_file(struct job *j, const char *from, const char *name, struct jerr *e)
{
	const char *to = jfs_join(&j->arena, j->tmp, name);
	struct jmapped m;
	char hex[65];
	int rc = jfs_map(&m, from, e);

	if (rc < 0)
		return rc;
	rc = jout_put(to, m.p, m.n, e);
	jsha256_hex(m.p, m.n, hex);
	jbuf_printf(&j->sums, "%s  %s\n", hex, name);
	j->files++;
	j->bytes += m.n;
	jfs_unmap(&m);
	return rc;
}

static int
put_file(struct job *j, const char *name, const struct jbuf *text, struct jerr *e)
{
	char hex[65];

	jsha256_hex(text->p, text->n, hex);
	jbuf_printf(&j->sums, "%s  %s\n", hex, name);
	j->files++;
	j->bytes += text->n;
	return jout_put(jfs_join(&j->arena, j->tmp, name), text->p, text->n, e);
}

/* State of a run, partial downloads and hidden files stay behind; so does an older card. */
static bool
goes_along(const char *name)
{
	static const char *const not[] = {
		"README.md", "SHA256SUMS", "trainer_state.json", "run.json", "metrics.jsonl",
		"prov.json", "LICENSE"
	};

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (strcmp(name, not[i]) == 0)
			return strcmp(name, "LICENSE") == 0 && !opts.licence_file;
	return name[0] != '.' && !jstr_ends(name, ".part") && !strstr(name, ".tmp.");
}

static int
take_all(struct job *j, struct jerr *e)
{
	char **names;
	size_t n;
	int rc;

	if (!jfs_is_dir(j->src) && jstr_ends(j->src, ".gguf")) {
		rc = jgguf_files(j->src, &j->arena, &names, &n, e);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = take_file(j, names[i], jfs_base(names[i]), e);
		return rc;
	}
	if (!jfs_is_dir(j->src))
		return take_file(j, j->src, jfs_base(j->src), e);
	rc = jfs_list(j->src, &j->arena, &names, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *path = jfs_join(&j->arena, j->src, names[i]);

		if (goes_along(names[i]) && !jfs_is_dir(path))
			rc = take_file(j, path, names[i], e);
	}
	return rc;
}

static int
fill(struct job *j, const struct card *c, struct jerr *e)
{
	struct jbuf text;
	int rc = take_all(j, e);

	jbuf_init(&text);
	if (rc == 0 && opts.licence_file)
		rc = take_file(j, opts.licence_file, "LICENSE", e);
	if (rc == 0) {
		card_write(c, &text);
		rc = put_file(j, "README.md", &text, e);
	}
	if (rc == 0)
		rc = jout_put(jfs_join(&j->arena, j->tmp, "SHA256SUMS"), j->sums.p, j->sums.n, e);
	jbuf_release(&text);
	return rc;
}

static int
check_values(struct jmodel *m, const char *src, struct jerr *e)
{
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];
		int64_t cols = p->shape[p->n_dims - 1], rows = 1;
		float *v = jmem_try((size_t)cols, sizeof(*v));

		if (!v)
			return jerr_set(e, JERR_NOMEM, "no memory for a row of %s", p->name);
		for (int k = 0; k + 1 < p->n_dims; k++)
			rows *= p->shape[k];
		for (int64_t r = 0; r < rows && e->code == 0; r++) {
			jmodel_rows(p, r, 1, v);
			for (int64_t c = 0; c < cols; c++)
				if (!isfinite(v[c]))
					jerr_set(e, JERR_FORMAT, "%s: tensor %s holds a value that is no "
						"number", src, p->name);
		}
		jmem_free(v);
		if (e->code)
			return e->code;
	}
	return 0;
}

static int
print_record(const struct job *j, const char *out, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jrec_begin(&b);
	jrec_put_str(&b, "path", out, strlen(out));
	jrec_put_int(&b, "files", (int64_t)j->files + 1);
	jrec_put_int(&b, "bytes", (int64_t)j->bytes);
	jrec_put_str(&b, "licence", opts.licence, strlen(opts.licence));
	jrec_end(&b);
	rc = jout_put("-", b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
publish(struct job *j, const struct card *c, const char *out, struct jerr *e)
{
	char *tmp;
	int rc = jfs_dir_begin(out, &j->arena, &tmp, e);

	if (rc < 0)
		return rc;
	j->tmp = tmp;
	rc = fill(j, c, e);
	if (rc == 0)
		rc = jfs_dir_commit(tmp, out, e);
	else
		jfs_dir_abort(tmp);
	return rc == 0 ? print_record(j, out, e) : rc;
}

static int
check_args(struct jcli *cli, int argc, struct jerr *e)
{
	if (argc != 1 || strcmp(jcli_common(cli)->output, "-") == 0)
		return jerr_set(e, JERR_ARG, "publish wants one model and -o DIR");
	if (!opts.licence || !card_word(opts.licence))
		return jerr_set(e, JERR_ARG, "--licence is required: under which the weights are given "
			"(one word, as apache-2.0)");
	return 0;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct job j = { .src = argc ? argv[0] : NULL };
	struct card c = {
		.path = j.src, .name = opts.name, .licence = opts.licence, .base = opts.base,
		.language = opts.language, .description = opts.description, .tags = &opts.tags,
		.datasets = &opts.datasets
	};
	int rc = check_args(cli, argc, e);

	(void)arg;
	if (rc < 0)
		return rc;
	jarena_init(&j.arena, 0);
	jbuf_init(&j.sums);
	rc = card_open(&c, &j.arena, e);
	if (rc == 0)
		rc = check_values(c.m, j.src, e);
	if (rc == 0)
		rc = publish(&j, &c, jcli_common(cli)->output, e);
	card_close(&c);
	jbuf_release(&j.sums);
	jarena_release(&j.arena);
	return rc;
}

const struct jverb publish_verb = {
	.name = "publish",
	.args = "--licence NAME MODEL -o DIR",
	.summary = "make a folder ready for upload: card, licence, check sums",
	.opts = table,
	.run = run,
};
