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
#include "graph/jlayers.h"

struct jmodel_arch;
struct jadapter;
struct jmoe;
struct jst_writer;
struct weight_source;

#define JMODEL_MAX_EOS 8
#define JMODEL_MAX_LAYERS 1024
#define JMODEL_MAX_FACTORS 128		/* of longrope: half the rotated width of a head */

enum jmodel_rope {
	JMODEL_ROPE_DEFAULT, JMODEL_ROPE_LINEAR, JMODEL_ROPE_DYNAMIC, JMODEL_ROPE_LLAMA3,
	JMODEL_ROPE_YARN, JMODEL_ROPE_LONG
};
enum jmodel_pooling { JMODEL_POOL_NONE, JMODEL_POOL_MEAN, JMODEL_POOL_CLS };

/* A set of layers. */
struct jmodel_layers {
	uint64_t bits[JMODEL_MAX_LAYERS / 64];
};

struct jmodel_config {
	const struct jmodel_arch *arch;	/* "llama", "gpt2", ... */
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
	enum jact act;			/* of the feed-forward part */

	/* Rotary scaling (rope.c); factor 0 = none given. */
	enum jmodel_rope rope_type;
	double rope_factor, rope_low, rope_high;	/* low, high: llama3 */
	int64_t rope_original;		/* context before scaling; 0 = not given */
	double rope_beta_fast, rope_beta_slow;		/* yarn; 0 = 32 and 1 */
	double rope_mscale, rope_mscale_all;		/* yarn; 0 = not given */
	double rope_attention;		/* factor of cosines and sines; 0 = by the rule */
	bool rope_exact;		/* yarn: correction range not rounded */
	int n_factors;			/* longrope */
	float rope_short[JMODEL_MAX_FACTORS], rope_long[JMODEL_MAX_FACTORS];
	int64_t rope_dim;		/* rotated values of a head, the first ones */
	double rope_local_theta;	/* of windowed layers, 0 = rope_theta */

	int64_t window;			/* 0 = none */
	struct jmodel_layers windowed;	/* layers whose attention is limited to it */
	struct jmodel_layers no_rope;	/* layers without positions */
	double attn_softcap, final_softcap;		/* 0 = none */
	double query_scale;		/* of scores is query_scale^-0.5; 0 = head_dim */

	/* Mixture of experts; experts 0 = none. */
	int64_t experts, experts_used, expert_ffn;
	struct jmodel_layers dense;	/* layers without experts */
	bool norm_topk;			/* weights of the chosen experts sum to 1 */
	double router_aux, router_z;	/* coefficients of the router's losses ... */
	bool router_losses;		/* ... which training adds (output_router_logits) */

	/* Encoders. */
	int64_t types;			/* rows of the token type table */
	enum jmodel_pooling pooling;	/* how an embedding is made of the rows */
};

struct jmodel {
	struct jmodel_config cfg;
	struct jparam *params;		/* in file order: embeddings, layers, norm, head */
	size_t n_params;
	float *values;			/* the slab behind all params[].value; NULL when opened */
	float *grads;			/* slab behind params[].grad, or NULL ... */
	int grad_copies;		/* ... and so many of them, count floats apart */
	uint64_t count;			/* weights */
	struct weight_source *source;	/* the files behind an opened model; NULL otherwise */
	float embed_noise;		/* of training graphs: noise of this / sqrt(T * C); 0 = none */
	struct jadapter *adapter;	/* hung on the weights (jadapter.h), owned; NULL: none */
};

/* --- configuration --- */
/* Presets "125m" ... "3b" ("1B" too) and the small ones; NULL-terminated list of names. */
extern const char *const jmodel_presets[];
int jmodel_preset(struct jmodel_config *c, const char *name, struct jerr *e);	/* JERR_ARG if unknown */
/* Of a folder, a GGUF file or a llama2.c .bin; of an adapter, its base; weights are not read. */
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
/* jdescribe.h says more about a configuration. */

/* --- weights --- */
/* Zeroed weights of that shape; then jmodel_init_weights() or a reader fills them. */
int jmodel_new(struct jmodel **m, const struct jmodel_config *c, struct jerr *e);
/* Normal(0, init_std), output projections scaled by 1/sqrt(2L), norms 1; keyed by (seed, name). */
void jmodel_init_weights(struct jmodel *m, uint64_t seed);
/*
 * A folder, a GGUF file or a llama2.c .bin, found by content; of an adapter folder its base with
 * the adapter hung on it.
 */
int jmodel_load(struct jmodel **m, const char *path, struct jerr *e);
/*
 * The same without converting: matrices stay as the file holds them (F32, F16, BF16, GGUF's block
 * types) and in the mapped file, which all processes share; rows that GGUF keeps in another order
 * are copied.  The weights are frozen: they may only be read.
 */
int jmodel_open(struct jmodel **m, const char *path, struct jerr *e);
/* Zeroed, `copies` >= 1 of them (jgraph_shift_grads()).  Not for an opened model. */
int jmodel_alloc_grads(struct jmodel *m, int copies, struct jerr *e);
void jmodel_free(struct jmodel *m);
struct jparam *jmodel_param(struct jmodel *m, const char *name);	/* NULL if absent */
/* config.json, model.safetensors (dtype F32, F16 or BF16), generation_config.json into an existing folder. */
int jmodel_save(const struct jmodel *m, const char *dir, enum jdtype dtype, struct jerr *e);
/* With weights in files of at most `limit` bytes (0 = no limit), or of one tensor that is larger. */
int jmodel_save_parts(const struct jmodel *m, const char *dir, enum jdtype dtype, uint64_t limit,
	struct jerr *e);
/* GGUF is written by jquantize.h; jweights.h reads weights in any form. */

/* --- graphs --- */
struct jmodel_train_graph {
	struct jgraph *g;
	struct jnode *ids, *pos, *seg, *targets;	/* i32 [B*T] inputs */
	struct jnode *nll;				/* [B*T] */
	struct jmoe *moe;		/* load of the experts (graph/jmoe.h); NULL without */
};
int jmodel_build_train(struct jmodel *m, struct jpar *pool, int B, int T, float z_loss,
	struct jmodel_train_graph *out, struct jerr *e);	/* not planned yet */

struct jmodel_infer_graph {
	struct jgraph *g;
	struct jnode *ids, *pos, *slot;			/* i32 [R] inputs */
	struct jnode *rows;				/* i32 [N]: rows whose logits are wanted */
	struct jnode *which, *which_rows;		/* i32 [R], [N]: adapters of the rows, of those; or NULL */
	struct jnode *logits;				/* [N, V] */
	struct jnode *hidden;				/* [N, C], final norm applied */
};
struct jmodel_infer_shape {
	int R, N;			/* rows, rows whose logits are wanted */
	struct jkv_cache *kv;		/* one cache per layer (cfg.layers), made by the caller */
	bool adapters;			/* rows have adapters of their own (jadapters.h) */
};
int jmodel_build_infer(struct jmodel *m, struct jpar *pool, const struct jmodel_infer_shape *s,
	struct jmodel_infer_graph *out, struct jerr *e);

/*
 * Encoders (BERT): B texts of up to T tokens.  Rows that pad a text have seg -1; real ones 0.
 * pooled is the mean of a text's rows or its first row, as the model's configuration says.
 */
struct jmodel_encode_graph {
	struct jgraph *g;
	struct jnode *ids, *pos, *seg, *types;		/* i32 [B*T] inputs */
	struct jnode *hidden;				/* [B*T, C] */
	struct jnode *pooled;				/* [B, C] */
};
int jmodel_build_encode(struct jmodel *m, struct jpar *pool, int B, int T,
	struct jmodel_encode_graph *out, struct jerr *e);

#endif
