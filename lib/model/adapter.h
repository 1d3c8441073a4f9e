/*
 * adapter.h - inside the room: the files of adapters among themselves.
 */
#ifndef ADAPTER_H
#define ADAPTER_H

#include "conf/jval.h"
#include "model/jadapter.h"
#include "model/jsafetensors.h"

#define ADAPTER_PREFIX "base_model.model."
#define ADAPTER_MAX_RANK 65536
#define ADAPTER_CONFIG_FILE "adapter_config.json"
#define ADAPTER_PEFT_FILE "adapter_model.safetensors"

/* A number that the configuration gives for modules whose path a pattern matches. */
struct adapter_patterns {
	struct adapter_pattern {
		const char *pattern;	/* a regular expression for the end of the path */
		double value;
	} *v;
	size_t n;
};

struct adapter_config {
	int64_t r;
	double alpha, dropout;
	bool rslora, dora, fan_in_fan_out, mlx;
	const char *bias, *base, *task;
	const char *targets;	/* members of the JSON that name the modules, or NULL */
	struct adapter_patterns ranks, alphas;
	const char **save;	/* modules_to_save */
	size_t n_save;
	const char **parameters;	/* target_parameters */
	size_t n_parameters;
};

/* From JSON; strings point into the arena. */
int adapter_config_parse(struct adapter_config *c, const char *p, size_t n, const char *name,
	struct jarena *a, struct jerr *e);
/* The number for a module: that of the first pattern that matches, or the fallback. */
int adapter_pattern_find(const struct adapter_patterns *p, const char *module, double *value,
	struct jerr *e);
/* adapter_config.json as PEFT reads it. */
void adapter_config_json(const struct jadapter *a, struct jbuf *b);

/* Is the module a table of embeddings, which is looked up rather than multiplied with? */
bool adapter_is_table(const char *module);
/* Of a folder that has an adapter and no model: its base with the adapter hung on it. */
int adapter_open(struct jmodel **m, const char *dir,
	int (*open)(struct jmodel **m, const char *path, struct jerr *e), struct jerr *e);
int adapter_config_of_base(struct jmodel_config *c, const char *dir, struct jerr *e);
/* ,"key": [names], each once. */
void adapter_put_names(const char *key, const char *const *names, size_t n, struct jbuf *b);
const char *adapter_last_part(const char *path);	/* behind the last dot */

/* Does a list of names and shell patterns joined by '+' name the module? */
bool adapter_named(const char *list, const char *module);

/* What a new adapter consists of, before memory is taken: one for each parameter in order. */
struct adapter_part {
	const char *module;
	int kind;		/* enum adapter_kind */
	int n_dims;
	int64_t shape[2];	/* in memory */
	enum jdtype dtype;
	enum jadapter_stack stack;
	int64_t parts;		/* experts of a stack, else 1 */
	int half;		/* of B: see struct jadapter_module */
};
enum adapter_kind { PART_A, PART_B, PART_M, PART_WHOLE, PART_COPY };
/* Fills modules and params from the parts (A first for each module) and takes the slab. */
int adapter_build(struct jadapter *a, const struct adapter_part *parts, size_t n, struct jerr *e);
/* The name of a parameter in a PEFT file. */
int adapter_tensor_name(char out[128], const struct adapter_part *p, bool look_up, struct jerr *e);
float adapter_scale(const struct jadapter *a, const struct jadapter_module *m);
void adapter_transpose(float *to, const float *from, int64_t rows, int64_t cols);
/* target_modules (and target_parameters): the modules by their whole names. */
void adapter_name_targets(struct jadapter *a);
/* Refuses a base that is known to be another. */
int adapter_check_base(const struct jadapter *a, const struct jmodel *m, struct jerr *e);
void adapter_put_mark(const struct jadapter_mark *mark, struct jst_writer *w);
void adapter_get_mark(struct jadapter_mark *mark, const struct jst *s);
/* The weight that a module adapts, or NULL. */
struct jparam *adapter_weight(struct jmodel *m, const struct jadapter_module *mod);
/* Is this the path of a matrix of stacked experts, as modules are named? */
bool adapter_is_stack(const char *module);
/* The path of one expert's matrix: the number put into that of the stack. */
void adapter_expert_path(char out[160], const char *module, const char *number);

/*
 * One tensor of the file that a module is written as: values of p (and, of a fused B, of low and high)
 * in the file's order.
 */
struct adapter_out {
	char name[160];
	const struct jparam *p, *high;
	int64_t first, rows;	/* rows of p */
	int64_t parts;		/* of a fused B, else 1 */
	bool turned;
	int64_t shape[2];	/* in the file */
};
/* Calls fn for each tensor, always in the same order. */
int adapter_each_out(const struct jadapter *a,
	int (*fn)(const struct adapter_out *o, void *arg, struct jerr *e), void *arg, struct jerr *e);

#endif
