/*
 * arch.h - inside the room model: what an architecture file says about itself.
 *
 * An architecture is a list of the weights of one layer (names in both formats, extents, role), how
 * its config.json keys differ, and the function that records one decoder block.  Everything else
 * (reading, writing, initialising, counting, graphs) walks these lists.
 */
#ifndef ARCH_H
#define ARCH_H

#include "conf/jval.h"
#include "model/jmodel.h"

enum weight_role {
	W_ATTN_NORM, W_Q, W_K, W_V, W_O, W_Q_BIAS, W_K_BIAS, W_V_BIAS, W_O_BIAS, W_Q_NORM, W_K_NORM,
	W_FFN_NORM, W_GATE, W_UP, W_DOWN, W_GATE_BIAS, W_UP_BIAS, W_DOWN_BIAS, W_ROLES
};

enum weight_extent { E_NONE, E_HIDDEN, E_FFN, E_Q, E_KV, E_HEAD };

enum weight_flag {
	AW_ATTN_BIAS = 1,	/* there only with attention_bias */
	AW_MLP_BIAS = 2,	/* there only with mlp_bias */
	AW_RESIDUAL = 4,	/* writes into the residual stream: init scaled by 1/sqrt(2L) */
	AW_ROTARY_Q = 8,	/* rows are heads of rotary pairs: order differs in GGUF "llama" */
	AW_ROTARY_K = 16
};

struct arch_weight {
	enum weight_role role;
	const char *hf;			/* after "model.layers.N." */
	const char *gguf;		/* after "blk.N." */
	enum weight_extent rows, cols;	/* cols E_NONE: a vector */
	unsigned flags;
};

/* One decoder block being recorded. */
struct arch_block {
	const struct jmodel_config *cfg;
	struct jgraph *g;
	struct jparam *w[W_ROLES];	/* NULL where the layer has none */
	struct jnode *pos;
	const struct jrope *rope;
	int B, T;
	struct jnode *seg;		/* training */
	struct jnode *slot;		/* generation; NULL when training */
	struct jkv_cache *cache;
};

struct jmodel_arch {
	const char *name;		/* model_type and GGUF architecture */
	const char *hf_class;
	const struct arch_weight *layer;
	size_t n_layer;
	bool gguf_permuted;		/* rotary rows interleaved in GGUF */
	bool writes_head_dim;		/* head_dim must not be left to the reader */
	/* Keys of config.json that only this architecture has; refuses what it does not offer. */
	int (*config)(struct jmodel_config *c, const struct jval *v, const char *name,
		struct jerr *e);
	struct jnode *(*block)(struct arch_block *b, struct jnode *x);
};

extern const struct jmodel_arch jmodel_llama, jmodel_qwen3;
extern const struct jmodel_arch *const jmodel_archs[];	/* NULL-terminated */

/* The block that Llama and its descendants share. */
struct jnode *arch_decoder_block(struct arch_block *b, struct jnode *x);

/* Is this row of the list there under configuration c? */
bool arch_has(const struct jmodel_config *c, const struct arch_weight *w);
int64_t arch_extent(const struct jmodel_config *c, enum weight_extent x);
size_t arch_layer_weights(const struct jmodel_config *c);	/* rows that are there */

/* Names of the weights outside the layers. */
#define HF_EMBED "model.embed_tokens.weight"
#define HF_NORM "model.norm.weight"
#define HF_HEAD "lm_head.weight"

/*
 * One weight of a model as both formats see it; fn is called in params order.  i is the index into
 * params, layer -1 outside the layers, w NULL there.
 */
struct arch_slot {
	size_t i;
	int64_t layer;
	const struct arch_weight *w;
	char hf[128], gguf[64];
	int n_dims;
	int64_t shape[2];
};
int arch_each(const struct jmodel_config *c,
	int (*fn)(const struct arch_slot *s, void *arg, struct jerr *e), void *arg, struct jerr *e);

/* Copies rows of rotary heads: interleave from rotate-half order, or back. */
void arch_rotary_rows(float *dst, const float *src, int64_t rows, int64_t cols, int64_t head_dim,
	bool interleave);

void generation_config_json(const struct jmodel_config *c, struct jbuf *b);

/* Readers of the single formats; model.c chooses. */
int hf_config(struct jmodel_config *c, const char *dir, struct jerr *e);
int hf_weights(struct jmodel *m, const char *dir, struct jerr *e);
int gguf_config(struct jmodel_config *c, const char *path, struct jerr *e);
int gguf_weights(struct jmodel *m, const char *path, struct jerr *e);
int llama2c_config(struct jmodel_config *c, const char *path, struct jerr *e);
int llama2c_weights(struct jmodel *m, const char *path, struct jerr *e);
bool llama2c_matches(const char *path);		/* does the size fit the header? */

#endif
