/*
 * jadapter.h - LoRA adapters: PEFT folders read and written, hung on a model, merged into it.
 *
 * An adapter is a list of modules.  Each names a weight of the base ("model.layers.0.mlp.up_proj")
 * and holds A [r, I] and B [O, r]; the weight acts as W + scale B A with scale = alpha / r, or
 * alpha / sqrt(r) with rsLoRA (Kalajdzievski 2023).  DoRA (Liu et al. 2024) adds a magnitude for
 * each row.  A module on the embedding table adapts look-ups, one on "lm_head" the product with the
 * head; where base and head are tied these stay two adapters, as PEFT has it.  Whole tensors
 * (modules_to_save, biases) take the place of those of the base.  The experts of a layer are one module
 * for each of their matrices, read in both forms that PEFT has for them and written in the one that was
 * read, new ones as a pair of tensors for each expert.
 *
 * Formats: a PEFT folder (adapter_config.json, adapter_model.safetensors), read and written; a folder
 * of mlx-lm (adapters.safetensors, [I, r] and [r, O]), read; GGUF (adapter.type lora) for llama.cpp,
 * written.  Tensors keep their element type from reading to writing.  A key of the configuration that
 * changes the arithmetic and is not offered is refused by its name.
 *
 *	jadapter_load | jadapter_new, jadapter_init -> jadapter_attach -> graphs of the model
 *	to train: jadapter_alloc_grads; params[] are what the optimizer gets
 *
 * The adapter owns its tensors and must outlive the graphs of the model it is attached to.
 */
#ifndef JADAPTER_H
#define JADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/jlora.h"
#include "model/jmodel.h"

/* What is to be trained: the text "r=16,alpha=32,targets=all-linear,dropout=0.05,rslora,dora". */
struct jadapter_spec {
	int64_t r;
	double alpha;		/* 2 r where the text is silent */
	double dropout;
	bool rslora, dora;
	/*
	 * "all-linear" (all but the head), "family" (what PEFT takes for the architecture), or names
	 * and shell patterns joined by '+': the end of a module path, or all of it.
	 */
	char targets[256];
	char save[256];		/* modules trained as a whole, likewise; "" = none */
};

/* How experts, whose matrices lie in one stacked weight, stand in the adapter's file. */
enum jadapter_stack {
	JADAPTER_ONE,			/* no experts: one weight, one pair of tensors */
	JADAPTER_EACH,			/* a pair for each expert: "mlp.experts.3.up_proj" */
	JADAPTER_FUSED			/* one for all (target_parameters): "mlp.experts.gate_up_proj" */
};

struct jadapter_module {
	const char *name;		/* path in the base, without ".weight" and an expert's number */
	enum jadapter_stack stack;
	int64_t parts;			/* experts, else 1: A is [parts * r, I], B [parts * O, r] */
	int half;			/* of a fused parameter of two weights: 1 gate, 2 up; they share A */
	int64_t r;
	double alpha;
	bool look_up;			/* on the embedding table: A is [V, r] in memory */
	struct jparam *a, *b, *m;	/* m NULL without DoRA */
	struct jlora lora;
	float *norm;			/* behind lora.norm */
};

/* The base that an adapter was trained on. */
#define JADAPTER_SAMPLE 64
struct jadapter_mark {
	char print[20];			/* fingerprint of its weights as they were opened; "" = not known */
	char type[16];			/* of most of them */
	char quantized[16];		/* what they were quantized to for training; "" = nothing */
	float sample[JADAPTER_SAMPLE];
};

/*
 * PEFT saves the base's own table or head beside an adapter on it; they must be those of the base, and
 * are not written again.
 */
struct jadapter_copy {
	const char *module;
	int64_t rows, cols;
	float *values;
};

struct jadapter {
	struct jarena arena;
	int64_t r;
	double alpha, dropout;
	bool rslora, dora, fan_in_fan_out;
	const char *bias;		/* "none", "all", "lora_only" */
	const char *base;		/* base_model_name_or_path, NULL = not said */
	const char *task;		/* task_type, NULL = not said */
	const char *targets;		/* members of the configuration that name the modules */
	struct jadapter_module *modules;
	size_t n_modules;
	struct jparam *params;		/* A, B, magnitude of each module, then the whole tensors */
	enum jdtype *dtypes;		/* of each in the file */
	struct jparam **whole;		/* of the model, replaced by the whole tensors */
	size_t n_params, n_whole;	/* the last n_whole are whole tensors */
	float *values, *grads;		/* slabs */
	uint64_t count;			/* values in a slab */
	struct jadapter_copy *copies;
	size_t n_copies;
	struct jadapter_mark mark;	/* saved with the tensors; who trains sets it */
};

/* A folder with adapter_config.json and no config.json? */
bool jadapter_is(const char *path);
/*
 * The base that an adapter folder names: a path that exists, tried as it is and beside the folder;
 * from the arena.  NULL with an error that says how to name it.
 */
const char *jadapter_base(const char *dir, struct jarena *a, struct jerr *e);

int jadapter_spec_parse(struct jadapter_spec *s, const char *text, struct jerr *e);
/* For a model: modules and zeroed tensors. */
int jadapter_new(struct jadapter **a, struct jmodel *m, const struct jadapter_spec *s,
	struct jerr *e);
/*
 * A uniform within 1 / sqrt(I), B zero (look-ups: A zero, B normal), magnitudes the norms of the
 * base's rows, whole tensors those of the base; keyed by (seed, name).
 */
int jadapter_init(struct jadapter *a, struct jmodel *m, uint64_t seed, struct jerr *e);
int jadapter_load(struct jadapter **a, const char *dir, struct jerr *e);
/* Configuration and tensors from memory, as adapter_config.json and adapter_model.safetensors. */
int jadapter_parse(struct jadapter **a, const char *config, size_t n, const void *tensors,
	size_t tensors_n, struct jerr *e);
void jadapter_free(struct jadapter *a);		/* NULL is fine */

/* Reads an adapter folder, hangs it on the model and leaves it to the model to free. */
int jmodel_adapt(struct jmodel *m, const char *dir, struct jerr *e);
/*
 * Hangs the adapter on the weights it names, which must exist and fit; a model bears one.  A base that
 * is known to be another than the adapter was trained on is refused; one of another type is not.
 */
int jadapter_attach(struct jadapter *a, struct jmodel *m, struct jerr *e);
int jadapter_mark_base(struct jadapter_mark *mark, const struct jmodel *m, struct jerr *e);
int jadapter_alloc_grads(struct jadapter *a, struct jerr *e);

/* Both files into an existing folder; values of trained tensors as dtype, others as they were read. */
int jadapter_save(const struct jadapter *a, const char *dir, struct jerr *e);
/* Every tensor is to be written as this type from now on. */
void jadapter_set_dtype(struct jadapter *a, enum jdtype dtype);

/*
 * Gives the matrices of an opened model another type, one that jquant_encodes(), where their rows are
 * whole blocks: a base that is quantized for training beside it.
 */
int jmodel_requantize(struct jmodel *m, enum jdtype dtype, struct jpar *pool, struct jerr *e);
/* Gives a model fp32 weights of its own, whatever they are stored in: *m becomes another model. */
int jmodel_thaw(struct jmodel **m, struct jerr *e);

/*
 * Adds weight times the adapter to the model's weights, which must be fp32 and bear no adapter.
 * DoRA and whole tensors want weight 1.  A model whose tied table is adapted on one side only
 * is untied first: *m may become another model.
 */
int jadapter_merge(const struct jadapter *a, struct jmodel **m, double weight, struct jerr *e);
/*
 * Several adapters of one base into one (adapter_join.c says how): cat and svd give the weighted sum of
 * what they add to the base, the others mix tensor by tensor.  What dare drops is a function of the seed.
 */
enum jadapter_join_method { JJOIN_CAT, JJOIN_SVD, JJOIN_LINEAR, JJOIN_PRUNE, JJOIN_TIES, JJOIN_DARE,
	JJOIN_DARE_TIES };
extern const char *const jadapter_joins;	/* "cat|svd|..." */
struct jadapter_join {
	enum jadapter_join_method method;
	const struct jadapter *const *adapters;
	const double *weights;
	size_t n;
	double density;		/* share of the values that prune, ties and dare keep */
	int64_t rank;		/* of svd; 0 = the largest of the adapters */
	uint64_t seed;
};
int jadapter_join_find(const char *name);	/* or -1 */
int jadapter_join(struct jadapter **a, const struct jadapter_join *o, struct jerr *e);

/* A GGUF file for llama.cpp; refuses what that cannot hold: DoRA, whole tensors, table and head. */
int jadapter_save_gguf(const struct jadapter *a, struct jmodel *m, const char *path,
	struct jerr *e);

#endif
