/*
 * arch.h - inside the room model: what an architecture file says about itself.
 *
 * An architecture is two lists of weights (outside the layers, and of one layer: names in both
 * formats, extents, role), how its configuration differs, and the functions that record its graph.
 * Everything else (reading, writing, initialising, counting, graphs) walks these lists, so that a
 * new architecture is one file in arch/ and one row in arch.c.
 *
 * Configuration: config() reads what only this architecture has in config.json and refuses what it
 * does not offer; keys[] gives its spelling of the common keys; write() adds its own members to what
 * config_write.c has written; gguf_read() and gguf_write() do the same for GGUF keys.
 */
#ifndef ARCH_H
#define ARCH_H

#include "conf/jval.h"
#include "graph/jmoe.h"
#include "model/jdescribe.h"

struct jgguf;
struct jgguf_writer;

/* Roles that shared code knows; from W_OWN on, an architecture's own. */
enum weight_role {
	W_ATTN_NORM, W_Q, W_K, W_V, W_O, W_Q_BIAS, W_K_BIAS, W_V_BIAS, W_O_BIAS, W_Q_NORM, W_K_NORM,
	W_FFN_NORM, W_GATE, W_UP, W_DOWN, W_GATE_BIAS, W_UP_BIAS, W_DOWN_BIAS, W_QKV, W_QKV_BIAS,
	W_ATTN_POST_NORM, W_FFN_POST_NORM, W_ROUTER, W_EXP_GATE, W_EXP_UP, W_EXP_DOWN,
	W_EMBED, W_NORM, W_HEAD, W_OWN, W_ROLES = W_OWN + 16
};

enum weight_extent {
	E_NONE, E_HIDDEN, E_FFN, E_Q, E_KV, E_HEAD, E_QKV, E_GATE_UP, E_VOCAB, E_CONTEXT, E_TYPES,
	E_EXPERTS, E_EXPERT_FFN
};

enum weight_flag {
	AW_ATTN_BIAS = 1,	/* there only with attention_bias */
	AW_MLP_BIAS = 2,	/* there only with mlp_bias */
	AW_RESIDUAL = 4,	/* writes into the residual stream: init scaled by 1/sqrt(2L) */
	AW_ROTARY_Q = 8,	/* rows are heads of rotary pairs: order differs in GGUF "llama" */
	AW_ROTARY_K = 16,
	AW_AFTER = 32,		/* outside the layers: stands behind them */
	AW_UNTIED = 64,		/* there only when the head is not tied */
	AW_TURNED = 128,	/* Hugging Face stores [cols, rows] */
	AW_ZERO = 256,		/* scale of a norm stored as w - 1, in GGUF as w */
	AW_MOE = 512,		/* there only in layers with experts */
	AW_DENSE = 1024,	/* there only in layers without */
	AW_EXPERTS = 4096,	/* one matrix per expert, stacked; '*' in hf is the expert's number */
	AW_FUSED_LOW = 8192,	/* the first half of each expert's part of the matrix `fused` ... */
	AW_FUSED_HIGH = 16384	/* ... or the second */
};

struct arch_weight {
	int role;
	const char *hf;			/* after the layer's prefix; outside the layers the whole */
	const char *gguf;		/* after "blk.N."; outside the layers the whole */
	enum weight_extent rows, cols;	/* cols E_NONE: a vector */
	unsigned flags;
	const char *fused;		/* with AW_EXPERTS: one tensor of all experts, or NULL */
};

/* A graph being recorded: what embed(), block() and norm() see. */
struct arch_block {
	const struct jmodel_config *cfg;
	struct jgraph *g;
	struct jparam *w[W_ROLES];	/* NULL where there is none */
	int64_t layer;
	struct jnode *pos;
	const struct jrope *rope;	/* NULL in a layer without */
	int B, T;
	struct jnode *seg;		/* training */
	struct jnode *slot;		/* generation; NULL when training */
	struct jkv_cache *cache;
	struct jnode *types;		/* encoders */
	struct jnode *targets;		/* training */
	struct jmoe *moe;
};

/* config.json while it is read: an object, the name for messages. */
struct cfg_src {
	const struct jval *v;
	const char *name;
	const struct jmodel_arch *arch;
	struct jerr *e;
};

/* GGUF keys of one architecture. */
struct gguf_src {
	const struct jgguf *g;
	const char *arch, *path;
	struct jerr *e;
};

struct arch_key {
	const char *common, *own;
};

struct jmodel_arch {
	const char *name;		/* model_type */
	const char *gguf;		/* general.architecture */
	const char *hf_class;
	const char *hf_prefix;		/* that some files leave out or put in front; or NULL */
	const char *hf_layers;		/* "model.layers." */
	const struct arch_weight *outer, *layer;
	size_t n_outer, n_layer;
	const struct arch_key *keys;	/* ends with { NULL }; or NULL */
	const char *const *ignore;	/* ends of names of tensors that are no weights; or NULL */
	bool gguf_permuted;		/* rotary rows interleaved in GGUF */
	bool no_rotary;
	bool window;			/* its GGUF has attention.sliding_window */
	bool encoder;			/* no causal mask, no head */
	bool layer_norm;		/* LayerNorm, not RMSNorm */
	bool untied;			/* tie_word_embeddings, where absent, is false */
	bool experts;			/* which of two that share `gguf` has experts */
	enum jact act;			/* where config.json names none */
	double norm_eps, rope_theta;	/* the same */
	int64_t head_dim;		/* the same; 0 = hidden / heads */
	int (*config)(struct jmodel_config *c, const struct cfg_src *s);
	void (*folder)(struct jmodel_config *c, const char *dir);	/* what other files say */
	int (*save)(const struct jmodel_config *c, const char *dir, struct jerr *e);
	void (*write)(const struct jmodel_config *c, struct jbuf *b);
	int (*gguf_read)(struct jmodel_config *c, const struct gguf_src *s);
	int (*gguf_write)(const struct jmodel_config *c, struct jgguf_writer *w, struct jerr *e);
	struct jnode *(*embed)(struct arch_block *b, struct jnode *ids);	/* NULL: the table */
	struct jnode *(*block)(struct arch_block *b, struct jnode *x);
	struct jnode *(*norm)(struct arch_block *b, struct jnode *x);	/* NULL: RMSNorm by W_NORM */
};

extern const struct jmodel_arch jmodel_llama, jmodel_qwen3, jmodel_gpt2, jmodel_mistral,
	jmodel_qwen2, jmodel_phi3, jmodel_gemma2, jmodel_gemma3, jmodel_smollm3, jmodel_mixtral,
	jmodel_qwen3_moe, jmodel_bert;
extern const struct jmodel_arch *const jmodel_archs[];	/* NULL-terminated */

/* --- what architectures share --- */
extern const struct arch_weight arch_outer[3];	/* embedding, final norm, head of Llama and others */

/* The block of Llama and its descendants: whatever roles are there are used. */
struct jnode *arch_decoder_block(struct arch_block *b, struct jnode *x);
/* Its parts: the norm of this architecture, attention of q, k, v and what follows. */
struct jnode *arch_norm(struct arch_block *b, struct jnode *x, int role);
struct jnode *arch_attention(struct arch_block *b, struct jnode *x);	/* x normed; before adding */
struct jnode *arch_ffn(struct arch_block *b, struct jnode *x);
struct jnode *arch_attend(struct arch_block *b, struct jnode *q, struct jnode *k, struct jnode *v);

/* Keys of config.json, by their common names.  1 found, 0 absent or null, < 0 error. */
int cfg_int(const struct cfg_src *s, const char *key, int64_t *out);
int cfg_num(const struct cfg_src *s, const char *key, double *out);
int cfg_bool(const struct cfg_src *s, const char *key, bool *out);
/* sliding_window and layer_types: 1 if the layers are named, 0 if not. */
int cfg_window(struct jmodel_config *c, const struct cfg_src *s);
int cfg_rope(struct jmodel_config *c, const struct cfg_src *s);
/* use_sliding_window and max_window_layers, as Qwen and SmolLM3 have them. */
int cfg_late_window(struct jmodel_config *c, const struct cfg_src *s);
int cfg_biases(struct jmodel_config *c, const struct cfg_src *s);	/* attention_bias, mlp_bias */
int cfg_experts(struct jmodel_config *c, const struct cfg_src *s);
void put_experts(struct jbuf *b, const struct jmodel_config *c);
void put_late_window(struct jbuf *b, const struct jmodel_config *c);
int cfg_refuse(const struct cfg_src *s, const char *key);	/* an error if it is true */
const char *arch_key(const struct jmodel_arch *a, const char *common);
void put_int(struct jbuf *b, const char *key, int64_t v);	/* a member of config.json, and ,\n */
void put_num(struct jbuf *b, const char *key, double v);
void put_bool(struct jbuf *b, const char *key, bool v);
void put_window(struct jbuf *b, const struct jmodel_config *c);

bool gguf_int(const struct gguf_src *s, const char *key, int64_t *v);
bool gguf_num(const struct gguf_src *s, const char *key, double *v);
void gguf_put_int(const struct jmodel_config *c, struct jgguf_writer *w, const char *key, int64_t v);
void gguf_put_num(const struct jmodel_config *c, struct jgguf_writer *w, const char *key, double v);

void gguf_put_bool(const struct jmodel_config *c, struct jgguf_writer *w, const char *key, bool v);

void layers_add(struct jmodel_layers *s, int64_t layer);

/* The head's name in Hugging Face files, of all that have one. */
#define HF_HEAD "lm_head.weight"

/* --- lists --- */
/* Is this row of the list there, in this layer, under configuration c? */
bool arch_has(const struct jmodel_config *c, const struct arch_weight *w, int64_t layer);
int64_t arch_extent(const struct jmodel_config *c, enum weight_extent x);
size_t arch_count(const struct jmodel_config *c);	/* params of a model */

/*
 * One weight of a model as both formats see it; fn is called in params order.  i is the index into
 * params, layer -1 outside the layers.  Experts are stacked: parts matrices of shape[0] / parts rows.
 */
struct arch_slot {
	size_t i;
	int64_t layer;
	const struct arch_weight *w;
	char hf[128], gguf[64];
	int n_dims;
	int64_t shape[2];
	int64_t parts;			/* experts of a stack, else 1 */
};
int arch_each(const struct jmodel_config *c,
	int (*fn)(const struct arch_slot *s, void *arg, struct jerr *e), void *arg, struct jerr *e);
/* The name of one part in a Hugging Face file: '*' of the row's name replaced. */
void arch_part_name(const struct jmodel_config *c, const struct arch_slot *s, int64_t part,
	char name[128]);
/* Sets w[] to the weights outside the layers, or (layer >= 0) to those of a layer. */
void arch_outer_params(struct jmodel *m, struct jparam *w[W_ROLES]);
size_t arch_layer_params(struct jmodel *m, int64_t layer, size_t first, struct jparam *w[W_ROLES]);

/* Divisors of the plain frequencies: of llama3 and linear, or one of longrope's lists. */
void rope_divisors(const struct jmodel_config *c, bool use_long, float *divisor);
void rope_local_freq(const struct jmodel_config *c, float *inv_freq);	/* of windowed layers */
int rope_check(const struct jmodel_config *c, const char *where, struct jerr *e);

void generation_config_json(const struct jmodel_config *c, struct jbuf *b);

/* Readers of the single formats; model.c chooses. */
int hf_config(struct jmodel_config *c, const char *dir, struct jerr *e);
int hf_weights(struct jmodel *m, const char *dir, struct jerr *e);
int gguf_config(struct jmodel_config *c, const char *path, struct jerr *e);
int gguf_config_of(struct jmodel_config *c, const struct jgguf *g, const char *path, struct jerr *e);
int gguf_weights(struct jmodel *m, const char *path, struct jerr *e);
int llama2c_config(struct jmodel_config *c, const char *path, struct jerr *e);
int llama2c_weights(struct jmodel *m, const char *path, struct jerr *e);
bool llama2c_matches(const char *path);		/* does the size fit the header? */

#endif
