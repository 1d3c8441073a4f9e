/*
 * optim_internal.h - what the files of the room share.
 *
 * A rule is how one parameter is updated: its state tensors and one to four passes.  A pass is cut
 * into units, each computed by one thread; after a pass the sums of a parameter's units are added in
 * order and handed to gather().  So a rule may need norms over a whole tensor (LAMB) or over its rows
 * and columns (Adafactor) and still give the same bits for any number of threads.
 */
#ifndef OPTIM_INTERNAL_H
#define OPTIM_INTERNAL_H

#include "optim/joptim.h"

/* Elementwise work and partial sums are cut into runs of this many weights: part of the result's
 * definition (the order of summation), so never a function of the number of threads. */
#define OPTIM_CHUNK 32768
#define OPTIM_STRIPE 64			/* columns of a stripe */
#define OPTIM_STATES 4
#define OPTIM_PASSES 4

struct optim_rule;
struct optim_codes;

struct optim_tensor {
	const char *name;
	enum jdtype dtype;		/* JDT_F32 or JDT_U8 */
	int n_dims;
	int64_t shape[JTEN_MAX_DIMS];
};

/* A parameter with its state. */
struct optim_slot {
	struct jparam *p;
	const struct optim_rule *rule;
	int64_t n;			/* weights */
	double lr_scale, decay_scale;
	struct optim_tensor what[OPTIM_STATES];
	void *state[OPTIM_STATES];
	int n_states;
	float *average;			/* NULL without averaging */
	float *kept;			/* weights before SAM's excursion; NULL without */
	int64_t first[OPTIM_PASSES], count[OPTIM_PASSES];	/* its units of each pass */
	double coef[2];			/* left by gather() for the next pass */
};

/* Where a pass is cut. */
enum optim_cut {
	OPTIM_BY_CHUNK,			/* OPTIM_CHUNK weights */
	OPTIM_BY_ROWS,			/* whole rows, about as many weights */
	OPTIM_BY_COLUMNS,		/* stripes of columns of a matrix; a vector has none */
	OPTIM_WHOLE
};

struct optim_unit {
	struct optim_slot *slot;
	int64_t from, n;		/* weights, rows or columns */
	double sum[2];			/* what the pass adds up */
};

/* The numbers of one step. */
struct optim_step {
	const struct joptim_opts *o;	/* nothing left open */
	double lr, bias1, bias2;	/* 1 - beta^t */
	float clip;			/* factor on every gradient */
	int64_t t;			/* from 1 */
	const struct optim_codes *codes;
};

struct optim_pass {
	enum optim_cut cut;
	/* Works one unit; the last pass of a rule clears the gradient. */
	void (*run)(const struct optim_step *st, struct optim_unit *u, float *scratch);
	void (*gather)(const struct optim_step *st, struct optim_slot *s, const double sum[2]);
};

struct optim_rule {
	const char *name;
	double beta1, beta2, eps, momentum;	/* where joptim_opts leave them open */
	/* Whether it takes the parameter; AdamW takes the rest.  NULL: all. */
	bool (*takes)(const struct jparam *p);
	/* Describes the state of a parameter; returns the number of tensors. */
	int (*states)(const struct joptim_opts *o, const struct jparam *p,
		struct optim_tensor t[OPTIM_STATES]);
	int64_t (*scratch)(const struct jparam *p);	/* floats for a worker; NULL: none */
	struct optim_pass pass[OPTIM_PASSES];		/* up to the first without run */
};

extern const struct optim_rule optim_adamw, optim_adamw8bit, optim_muon, optim_sgd, optim_lion,
	optim_adafactor, optim_lamb, optim_novograd;

struct joptim {
	struct joptim_opts opts;
	struct jpar *pool;
	struct optim_slot *slots;
	size_t n_slots;
	struct optim_unit *chunks;	/* all weights: norm, averages, SAM */
	int64_t n_chunks;
	struct optim_unit *units;	/* of all passes, one after another */
	int64_t pass_from[OPTIM_PASSES + 1];
	int pass;			/* the one that runs */
	struct optim_codes *codes;	/* 8-bit state */
	unsigned char *state;		/* slab behind state, averages and kept weights */
	uint64_t state_bytes;
	float *scratch;			/* scratch_each floats a worker */
	uint64_t scratch_bytes;
	int64_t scratch_each;
	int64_t t;
	struct optim_step step;
	float away;			/* SAM: factor on the gradient */
	float weight;			/* of the new weights in the average */
	bool climbed;			/* between joptim_climb() and joptim_return() */
};

/* --- optim.c --- */
int64_t optim_count(const struct jparam *p);
/* A state tensor like the parameter. */
void optim_like(struct optim_tensor *t, const char *name, const struct jparam *p);
double optim_lr(const struct optim_step *st, const struct optim_slot *s);
double optim_decay(const struct optim_step *st, const struct optim_slot *s);
/* Sum of squares in eight lanes: each lane's order and the order of the lanes are fixed. */
double optim_squares(const float *v, int64_t n);

/* --- around.c --- */
void optim_average(struct joptim *o);

/* --- muon.c --- */
/* Floats of scratch for a matrix of this shape. */
int64_t optim_muon_scratch(int64_t rows, int64_t cols);
/* x [rows, cols] becomes nearly orthogonal; scratch as above, of which rows * cols stay unused. */
void optim_newton_schulz(float *x, int64_t rows, int64_t cols, int steps, float *scratch);

/* --- codes.c: 8-bit numbers --- */
#define OPTIM_BLOCK 256			/* weights that share a scale */
enum optim_sign { OPTIM_UNSIGNED, OPTIM_SIGNED };
struct optim_codes *optim_codes_new(void);
void optim_codes_free(struct optim_codes *c);
float optim_code_value(const struct optim_codes *c, enum optim_sign sign, int code);
/* n <= OPTIM_BLOCK values and their scale: the largest magnitude. */
void optim_decode(const struct optim_codes *c, enum optim_sign sign, const unsigned char *q,
	float scale, float *v, int64_t n);
float optim_encode(const struct optim_codes *c, enum optim_sign sign, const float *v,
	unsigned char *q, int64_t n);

#endif
