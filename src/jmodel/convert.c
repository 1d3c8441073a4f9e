/*
 * jmodel convert: between Hugging Face folders and GGUF files, and from llama2.c files, tokenizer
 * included.
 */
#include "verbs.h"

#include <string.h>

#include "infer/jinfer.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "model/jmodel.h"
#include "tok/jtok.h"

static struct convert_opts {
	const char *type, *tokenizer, *name;
} opts = { .type = "f32" };

static const struct jopt table[] = {
	{ .name = "type", .type = JOPT_STR, .value = &opts.type, .arg = "TYPE",
		.help = "how weights are stored: f32, f16, bf16, or q8_0 (GGUF)",
		.choices = "f32|f16|bf16|q8_0" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where SRC carries none" },
	{ .name = "name", .type = JOPT_STR, .value = &opts.name, .arg = "NAME",
		.help = "general.name of a GGUF file (default: DST's name)" },
	{ .type = JOPT_END }
};

static enum jdtype
stored_type(void)
{
	static const struct { const char *name; enum jdtype d; } types[] = {
		{ "f16", JDT_F16 }, { "bf16", JDT_BF16 }, { "q8_0", JDT_Q8_0 }
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(opts.type, types[i].name) == 0)
			return types[i].d;
	return JDT_F32;
}

static int
gguf_parts(struct jgguf_writer *w, struct jmodel *m, const struct jtok *t, const char *name,
	struct jerr *e)
{
	enum jdtype type = stored_type();
	int rc = jmodel_gguf_header(m, w, type, name, e);

	if (rc >= 0 && t)
		rc = jtok_save_gguf(t, w, (uint32_t)m->cfg.vocab_size, e);
	if (rc >= 0)
		rc = jmodel_gguf_data(m, w, type, e);
	return rc;
}

static int
to_gguf(struct jmodel *m, const struct jtok *t, const char *dst, struct jerr *e)
{
	struct jgguf_writer *w;
	struct jarena a;
	const char *name = opts.name;
	int rc = jgguf_create(&w, dst, e);

	if (rc < 0)
		return rc;
	jarena_init(&a, 0);
	if (!name)
		name = jarena_strndup(&a, jfs_base(dst), strlen(jfs_base(dst)) - strlen(".gguf"));
	rc = gguf_parts(w, m, t, name, e);
	jarena_release(&a);
	if (rc < 0) {
		jgguf_abort(w);
		return rc;
	}
	return jgguf_commit(w, e);
}

static int
to_folder(struct jmodel *m, const struct jtok *t, const char *dst, struct jerr *e)
{
	struct jarena a;
	char *tmp;
	int rc;

	if (stored_type() == JDT_Q8_0)
		return jerr_set(e, JERR_ARG, "q8_0 needs a GGUF file: name the destination *.gguf");
	if (jfs_exists(dst) && !jfs_is_dir(dst))
		return jerr_set(e, JERR_ARG, "%s: is a file, a model folder cannot replace it", dst);
	jarena_init(&a, 0);
	rc = jfs_dir_begin(dst, &a, &tmp, e);
	if (rc >= 0) {
		rc = jmodel_save(m, tmp, stored_type(), e);
		if (rc >= 0 && t)
			rc = jtok_save(t, tmp, e);
		if (rc >= 0)
			rc = jfs_dir_commit(tmp, dst, e);
		else
			jfs_dir_abort(tmp);
	}
	jarena_release(&a);
	return rc;
}

/* A model file without token ids of its own takes those of the tokenizer. */
static void
adopt_ids(struct jmodel *m, const struct jtok *t)
{
	if (m->cfg.bos < 0)
		m->cfg.bos = jtok_bos(t);
	if (m->cfg.eos < 0)
		m->cfg.eos = jtok_eos(t);
	if (m->cfg.pad < 0)
		m->cfg.pad = jtok_pad(t);
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jmodel *m;
	struct jtok *t;
	int rc;

	(void)arg;
	if (argc != 2)
		return jerr_set(e, JERR_ARG, "convert wants SRC and DST, got %d operands", argc);
	rc = jinfer_open(&m, &t, argv[0], opts.tokenizer, false, e);
	if (rc < 0)
		return rc;
	if (t)
		adopt_ids(m, t);
	else
		jcli_warn(cli, "%s: no tokenizer found, none is written", argv[0]);
	if (stored_type() == JDT_Q8_0 && (m->cfg.hidden % 32 || m->cfg.ffn % 32 ||
	    m->cfg.heads * m->cfg.head_dim % 32))
		jcli_warn(cli, "rows that are no multiple of 32 are stored as F16");
	if (jstr_ends(argv[1], ".gguf"))
		rc = to_gguf(m, t, argv[1], e);
	else
		rc = to_folder(m, t, argv[1], e);
	if (t)
		jtok_free(t);
	jmodel_free(m);
	return rc;
}

const struct jverb convert_verb = {
	.name = "convert",
	.args = "[--type TYPE] SRC DST",
	.summary = "convert between model folders, GGUF and llama2.c",
	.opts = table,
	.run = run,
};
