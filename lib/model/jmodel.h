/*
 * jmodel.h - decoder models: configuration, weights, and the graphs made of them.
 *
 * A model is read from and written to a Hugging Face folder (config.json, model.safetensors or
 * indexed parts) or a GGUF v3 file, and read from a llama2.c .bin file.  In memory weights are fp32
 * under their Hugging Face names, in one slab, in Hugging Face layout (rotary pairs i, i + d/2:
 * GGUF "llama" and llama2.c files are un-permuted on reading and permuted on writing).
 *
 * An architecture is one file in model/arch/ and one row in the table of arch.c.
 *
 * Reading is strict: a tensor that is missing, unknown or of another shape than the configuration
 * says, a model type or rotary scaling that is not offered, is an error that names it.
 */
#ifndef JMODEL_H
#define JMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "graph/jgraph.h"

struct jmodel_arch;
struct jgguf_writer;

#define JMODEL_MAX_EOS 8

struct jmodel_config {
	const struct jmodel_arch *arch;	/* "llama", "qwen3" */
	int64_t vocab_size;		/* V */
	int64_t hidden;			/* C */
	int64_t ffn;			/* F */
	int64_t layers;			/* L */
	int64_t heads, kv_heads, head_dim;	/* H, K, d */
	int64_t context;		/* max_position_embeddings */
	double norm_eps;
	double rope_theta;
	bool tied;			/* the head is the embedding table */
	bool attention_bias, mlp_bias;
	double init_std;		/* initializer_range */
	int64_t bos, eos, pad;		/* -1 = none */
	int64_t eos_list[JMODEL_MAX_EOS];	/* all of them when a file names several; [0] is eos */
	int n_eos;			/* entries of eos_list, 0 = just eos */
	/* llama3 rotary scaling; factor 0 = none */
	double rope_factor, rope_low, rope_high;
	int64_t rope_original;
	bool rope_linear;		/* positions divided by rope_factor instead */
};

struct jmodel {
	struct jmodel_config cfg;
	struct jparam *params;		/* in file order: embeddings, layers, norm, head */
	size_t n_params;
	float *values;			/* the slab behind all params[].value */
	float *grads;			/* slab behind params[].grad, or NULL */
	uint64_t count;			/* weights in the slab */
};

/* --- configuration --- */
/* Presets "125m" ... "3b" ("1B" too) and the small ones; NULL-terminated list of names. */
extern const char *const jmodel_presets[];
int jmodel_preset(struct jmodel_config *c, const char *name, struct jerr *e);	/* JERR_ARG if unknown */
/* Of a folder, a GGUF file or a llama2.c .bin; weights are not read. */
int jmodel_config_load(struct jmodel_config *c, const char *path, struct jerr *e);
/* config.json from memory, and back (appended to out).  dtype is what torch_dtype will say. */
int jmodel_config_parse(struct jmodel_config *c, const char *p, size_t n, const char *name,
	struct jerr *e);
void jmodel_config_json(const struct jmodel_config *c, enum jdtype dtype, struct jbuf *out);
/* Consistent, and within the bounds that are checked before anything is allocated? */
int jmodel_config_check(const struct jmodel_config *c, const char *where, struct jerr *e);
uint64_t jmodel_count(const struct jmodel_config *c);			/* weights, tied head once */
double jmodel_flops_per_token(const struct jmodel_config *c, int64_t T);	/* training: forward + backward */
const char *jmodel_arch_name(const struct jmodel_config *c);
const struct jmodel_arch *jmodel_arch_find(const char *model_type);	/* NULL if not offered */
/* Rotary frequencies [head_dim / 2], scaling applied. */
void jmodel_inv_freq(const struct jmodel_config *c, float *inv_freq);

/* --- weights --- */
/* Zeroed weights of that shape; then jmodel_init_weights() or a reader fills them. */
int jmodel_new(struct jmodel **m, const struct jmodel_config *c, struct jerr *e);
/* Normal(0, init_std), output projections scaled by 1/sqrt(2L), norms 1; keyed by (seed, name). */
void jmodel_init_weights(struct jmodel *m, uint64_t seed);
/* A folder, a GGUF file or a llama2.c .bin, found by content. */
int jmodel_load(struct jmodel **m, const char *path, struct jerr *e);
int jmodel_alloc_grads(struct jmodel *m, struct jerr *e);
void jmodel_free(struct jmodel *m);
struct jparam *jmodel_param(struct jmodel *m, const char *name);	/* NULL if absent */
/* config.json, model.safetensors (dtype F32, F16 or BF16), generation_config.json into an existing folder. */
int jmodel_save(const struct jmodel *m, const char *dir, enum jdtype dtype, struct jerr *e);
/*
 * GGUF, into an open writer: the keys and tensor declarations; then the caller adds the tokenizer's
 * keys (jtok_save_gguf) and calls jmodel_gguf_data(), and commits.  dtype is F32, F16, BF16 or
 * Q8_0; vectors stay F32, rows that Q8_0 cannot hold (length % 32) become F16.
 */
int jmodel_gguf_header(const struct jmodel *m, struct jgguf_writer *w, enum jdtype dtype,
	const char *name, struct jerr *e);
int jmodel_gguf_data(const struct jmodel *m, struct jgguf_writer *w, enum jdtype dtype,
	struct jerr *e);

/* --- graphs --- */
struct jmodel_train_graph {
	struct jgraph *g;
	struct jnode *ids, *pos, *seg, *targets;	/* i32 [B*T] inputs */
	struct jnode *nll;				/* [B*T] */
};
int jmodel_build_train(struct jmodel *m, struct jpar *pool, int B, int T, float z_loss,
	struct jmodel_train_graph *out, struct jerr *e);	/* not planned yet */

struct jmodel_infer_graph {
	struct jgraph *g;
	struct jnode *ids, *pos, *slot;			/* i32 [R] inputs */
	struct jnode *rows;				/* i32 [N]: rows whose logits are wanted */
	struct jnode *logits;				/* [N, V] */
	struct jnode *hidden;				/* [N, C], final norm applied */
};
struct jmodel_infer_shape {
	int R, N;			/* rows, rows whose logits are wanted */
	struct jkv_cache *kv;		/* one cache per layer (cfg.layers), made by the caller */
};
int jmodel_build_infer(struct jmodel *m, struct jpar *pool, const struct jmodel_infer_shape *s,
	struct jmodel_infer_graph *out, struct jerr *e);

#endif
