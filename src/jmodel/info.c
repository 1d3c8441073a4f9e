/*
 * jmodel info: what a folder, a GGUF file, a llama2.c file or a preset is.
 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "infer/jinfer.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "model/jdescribe.h"
#include "model/jsafetensors.h"
#include "record/jrec.h"
#include "tok/jtok.h"

static struct info_opts {
	bool json;
	const char *tokenizer;
} opts;

static const struct jopt table[] = {
	{ .name = "json", .type = JOPT_BOOL, .value = &opts.json,
		.help = "print one JSON object instead of text" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where the model carries none" },
	{ .type = JOPT_END }
};

struct info {
	const char *path;
	const char *format;		/* "folder", "gguf", "llama2.c", "preset" */
	char dtypes[64];		/* "F32", or several joined by '+' */
	int64_t bytes;			/* of the weights file(s); -1 = none */
	struct jmodel_config c;
	struct jtok *tok;		/* NULL if there is none */
};

static void
add_dtype(struct info *in, const char *name)
{
	size_t n = strlen(in->dtypes);

	if (!strstr(in->dtypes, name) && n + strlen(name) + 2 < sizeof(in->dtypes))
		snprintf(in->dtypes + n, sizeof(in->dtypes) - n, "%s%s", n ? "+" : "", name);
}

static int
look_at_folder(struct info *in, struct jerr *e)
{
	struct jst *s;
	bool weights = jst_in_dir(in->path);
	int rc;

	in->format = weights ? "folder" : "configuration";
	if (!weights)
		return 0;
	rc = jst_open_dir(&s, in->path, e);
	if (rc < 0)
		return rc;
	in->bytes = 0;
	for (size_t i = 0; i < jst_count(s); i++) {
		add_dtype(in, jdtype_name(jst_at(s, i)->dtype));
		in->bytes += (int64_t)jst_at(s, i)->bytes;
	}
	jst_close(s);
	return 0;
}

static int
look_at_gguf(struct info *in, struct jerr *e)
{
	struct jgguf *g;
	struct jarena a;
	char **files;
	size_t n;
	int rc = jgguf_open(&g, in->path, e);

	if (rc < 0)
		return rc;
	in->format = "gguf";
	for (size_t i = 0; i < jgguf_tensors(g); i++)
		add_dtype(in, jgguf_type_name(jgguf_tensor(g, i)->type));
	jgguf_close(g);
	jarena_init(&a, 0);
	rc = jgguf_files(in->path, &a, &files, &n, e);
	for (size_t i = 1; rc == 0 && i < n; i++)
		in->bytes += jfs_size(files[i]);
	jarena_release(&a);
	return rc;
}

static int
look(struct info *in, struct jerr *e)
{
	struct jin *f;
	char magic[4] = "";
	int rc;

	in->bytes = -1;
	if (!jfs_exists(in->path)) {
		in->format = "preset";
		return jmodel_preset(&in->c, in->path, e);
	}
	rc = jmodel_config_load(&in->c, in->path, e);
	if (rc < 0)
		return rc;
	if (jfs_is_dir(in->path))
		return look_at_folder(in, e);
	in->bytes = jfs_size(in->path);
	rc = jin_open(&f, in->path, e);
	if (rc == 0) {
		rc = jin_exact(f, magic, sizeof(magic), e);
		jin_close(f);
	}
	if (rc == 0 && memcmp(magic, "GGUF", 4) == 0)
		return look_at_gguf(in, e);
	in->format = "llama2.c";
	add_dtype(in, "F32");
	return rc;
}

static void
put_json(const struct info *in, struct jbuf *b)
{
	const struct jmodel_config *c = &in->c;

	jrec_begin(b);
	jrec_put_str(b, "path", in->path, strlen(in->path));
	jrec_put_str(b, "format", in->format, strlen(in->format));
	jrec_put_str(b, "arch", jmodel_arch_name(c), strlen(jmodel_arch_name(c)));
	jrec_put_int(b, "weights", (int64_t)jmodel_count(c));
	jrec_put_int(b, "vocab_size", c->vocab_size);
	jrec_put_int(b, "hidden", c->hidden);
	jrec_put_int(b, "ffn", c->ffn);
	jrec_put_int(b, "layers", c->layers);
	jrec_put_int(b, "heads", c->heads);
	jrec_put_int(b, "kv_heads", c->kv_heads);
	jrec_put_int(b, "head_dim", c->head_dim);
	jrec_put_int(b, "context", c->context);
	jrec_put_bool(b, "tied", c->tied);
	jrec_put_num(b, "norm_eps", c->norm_eps);
	jmodel_describe_json(c, b);
	if (in->bytes >= 0) {
		jrec_put_str(b, "dtype", in->dtypes, strlen(in->dtypes));
		jrec_put_int(b, "bytes", in->bytes);
	}
	jrec_put_num(b, "train_flops_per_token", jmodel_flops_per_token(c, c->context));
	jrec_put_int(b, "kv_bytes_per_token", (int64_t)jinfer_kv_bytes(c, 1, 1));
	if (in->tok) {
		unsigned char print[32];
		char hex[65];

		jtok_fingerprint(in->tok, print);
		jhash_hex(print, sizeof(print), hex);
		jrec_put_int(b, "tokenizer_ids", jtok_vocab_size(in->tok));
		jrec_put_str(b, "tokenizer_fingerprint", hex, 64);
		if (jtok_pre_name(in->tok))
			jrec_put_str(b, "tokenizer_pre", jtok_pre_name(in->tok),
				strlen(jtok_pre_name(in->tok)));
		jrec_put_bool(b, "chat_template", jtok_chat_template(in->tok) != NULL);
	}
	jrec_end(b);
}

static void
put_text(const struct info *in, struct jbuf *b)
{
	const struct jmodel_config *c = &in->c;
	char human[16];

	jbuf_printf(b, "%s: %s, %s", in->path, in->format, jmodel_arch_name(c));
	if (in->bytes >= 0)
		jbuf_printf(b, ", %s, %s", in->dtypes, jstr_human_bytes(human, (double)in->bytes));
	jbuf_printf(b, "\nweights      %llu (%.4g M)%s\n", (unsigned long long)jmodel_count(c),
		(double)jmodel_count(c) * 1e-6, c->tied && jmodel_has_head(c) ?
		", head tied to the embedding" : "");
	jbuf_printf(b, "shape        hidden %lld, ffn %lld, layers %lld, heads %lld (%lld kv) x %lld\n",
		(long long)c->hidden, (long long)c->ffn, (long long)c->layers, (long long)c->heads,
		(long long)c->kv_heads, (long long)c->head_dim);
	jbuf_printf(b, "vocabulary   %lld\ncontext      %lld\n", (long long)c->vocab_size,
		(long long)c->context);
	jmodel_describe(c, b);
	jbuf_printf(b, "training     %.3g FLOP per token, %s of weights, gradients and AdamW state\n",
		jmodel_flops_per_token(c, c->context),
		jstr_human_bytes(human, 16.0 * (double)jmodel_count(c)));
	jbuf_printf(b, "cache        %s per token\n",
		jstr_human_bytes(human, (double)jinfer_kv_bytes(c, 1, 1)));
	if (in->tok)
		jbuf_printf(b, "tokenizer    %lu ids, pre-tokenizer %s, chat template %s\n",
			(unsigned long)jtok_vocab_size(in->tok),
			jtok_pre_name(in->tok) ? jtok_pre_name(in->tok) : "without a GGUF name",
			jtok_chat_template(in->tok) ? "yes" : "no");
	else
		jbuf_adds(b, "tokenizer    none\n");
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct info in = { 0 };
	struct jerr no_tok = { 0 };
	struct jout *out;
	struct jbuf b;
	int rc;

	(void)arg;
	if (argc != 1)
		return jerr_set(e, JERR_ARG, "info wants one model, got %d", argc);
	in.path = argv[0];
	rc = look(&in, e);
	if (rc < 0)
		return rc;
	if (opts.tokenizer)
		rc = jtok_load(&in.tok, opts.tokenizer, e);
	else if (in.bytes >= 0 && jtok_load(&in.tok, in.path, &no_tok) < 0)
		in.tok = NULL;
	if (rc < 0)
		return rc;
	jbuf_init(&b);
	(opts.json ? put_json : put_text)(&in, &b);
	rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc >= 0) {
		rc = jout_write(out, b.p, b.n, e);
		if (rc >= 0)
			rc = jout_commit(out, e);
		else
			jout_abort(out);
	}
	jbuf_release(&b);
	if (in.tok)
		jtok_free(in.tok);
	return rc;
}

const struct jverb info_verb = {
	.name = "info",
	.args = "[--json] MODEL",
	.summary = "say what a model is",
	.opts = table,
	.run = run,
};
