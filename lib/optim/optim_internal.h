/*
 * optim_internal.h - what the files of the room share.
 */
#ifndef OPTIM_INTERNAL_H
#define OPTIM_INTERNAL_H

#include "optim/joptim.h"

enum optim_rule { OPTIM_ADAMW, OPTIM_MUON };

struct optim_slot {
	struct jparam *p;
	int64_t n;		/* weights */
	enum optim_rule rule;
	float *m;		/* first moment, or Muon's momentum */
	float *v;		/* second moment; NULL for Muon */
};

struct optim_chunk {
	struct optim_slot *slot;
	int64_t from, n;
};

/* The numbers of one AdamW step, as torch computes them. */
struct adamw_step {
	float keep;		/* 1 - lr * decay */
	float beta1, beta2;
	float step_size;	/* lr / (1 - beta1^t) */
	float inv_root;		/* 1 / sqrt(1 - beta2^t) */
	float eps;
	float clip;		/* factor on the gradient */
};
/* Updates n weights at w from gradients g (cleared) and moments m, v. */
void optim_adamw(const struct adamw_step *s, float *w, float *g, float *m, float *v, int64_t n);

/* The numbers of one Muon step. */
struct muon_step {
	float momentum;
	float lr, weight_decay;
	float clip;
	int ns_steps;
};
/* Floats of scratch that optim_muon() needs for a matrix of this shape. */
int64_t optim_muon_scratch(int64_t rows, int64_t cols);
/* Updates the matrix of slot s; the gradient is cleared. */
void optim_muon(const struct muon_step *st, struct optim_slot *s, float *scratch);
/* x [rows, cols] becomes nearly orthogonal; scratch as above, of which rows * cols stay unused. */
void optim_newton_schulz(float *x, int64_t rows, int64_t cols, int steps, float *scratch);

#endif
