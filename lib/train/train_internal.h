/*
 * train_internal.h - one run, as the files of the room see it.
 */
#ifndef TRAIN_INTERNAL_H
#define TRAIN_INTERNAL_H

#include "base/jmem.h"
#include "model/jmodel.h"
#include "optim/joptim.h"
#include "optim/jsched.h"
#include "train/jobjective.h"
#include "train/jtrain.h"

/* Rows of tokens on their way into the graph: a batch, or the rows of a held-out unit. */
struct rows {
	int64_t n, seq;
	int32_t *ids, *targets, *seg, *pos;	/* each [n, seq] */
};

struct metrics;

struct train {
	const struct jtrain_opts *o;
	const struct jtrain_hooks *h;
	struct jarena arena;			/* lives as long as the run */
	struct jpar *pool;
	struct jtok *tok;
	struct jmodel *model;
	bool preset;				/* the model starts from random weights */
	struct jtrain_data data, valid;
	struct jpack *pack, *valid_pack;
	struct joptim *opt;
	struct joptim_opts opt_opts;
	struct jsched sched, sched2;		/* sched2: second phase */
	struct jmodel_train_graph tg;
	struct rows batch;
	int64_t steps;				/* end of the run */
	int64_t planned;			/* the same without a cooldown */
	const char *lr_scale;			/* the options --lr-scale, joined */
	int64_t unit_rows, units;
	uint64_t program;			/* resident bytes before the run */
	double peak;				/* measured FLOP/s of a matrix product */
	double flops_per_step;
	struct metrics *log;
	struct events *events;			/* TensorBoard; NULL without */
	/* Where the run is; what a checkpoint saves beside weights and moments. */
	int64_t step;				/* steps done */
	uint64_t tokens;			/* input positions seen */
	double loss, valid_loss;		/* last known; NAN = never */
	double best_loss;			/* lowest held-out loss; NAN = never */
	int64_t best_step;			/* step of best_loss */
	int64_t stale;				/* held-out losses since */
};

/* --- setup.c --- */
int train_open(struct train *t, const struct jtrain_opts *o, const struct jtrain_hooks *h,
	const char *checkpoint, struct jerr *e);
/* Plan, refusal of what does not fit, then graph, optimizer, buffers. */
int train_prepare(struct train *t, struct jtrain_plan *plan, struct jerr *e);
void train_close(struct train *t);
void train_note(const struct jtrain_hooks *h, const char *fmt, ...) JPRINTF(2, 3);
void train_warn(const struct jtrain_hooks *h, const char *fmt, ...) JPRINTF(2, 3);

/* --- loop.c --- */
/* Enough held-out losses without a new best? */
bool train_out_of_patience(const struct train *t);
int train_loop(struct train *t, struct jerr *e);
/* Adds the gradients of the batch that starts at a row; the mean loss; returns the targets. */
int train_step_gradients(struct train *t, uint64_t first_row, double *loss, struct jerr *e);

/* --- state.c --- */
int train_save_checkpoint(struct train *t, struct jerr *e);
int train_save_final(struct train *t, struct jerr *e);
/* The newest whole checkpoint of dir (from the arena), or NULL. */
const char *train_find_checkpoint(const char *dir, struct jarena *a);
/* Is dir a checkpoint? */
bool train_has_state(const char *dir, struct jarena *a);
int train_restore(struct train *t, const char *checkpoint, struct jerr *e);
/* Does dir hold a run or a model?  Names the file that says so. */
const char *train_holds(const char *dir, struct jarena *a);
/* 1 if the output folder holds the finished model of this very run, 0 if not. */
int train_finished(struct train *t, struct jerr *e);
int train_clean(const char *dir, struct jerr *e);	/* removes what a killed run left half-made */

/* --- options.c --- */
int train_check_options(const struct jtrain_opts *o, struct jerr *e);
int train_dtype(const char *name, struct jerr *e);	/* enum jdtype, or negative */
/* {"name": value, ...}: every option that changes the result. */
void train_put_options(const struct train *t, struct jbuf *b);
struct jval;
/* Refuses a saved set of options that differs, naming the option. */
int train_match_options(const struct train *t, const struct jval *saved, const char *where,
	struct jerr *e);

/* --- metrics.c --- */
struct metrics_line {
	int64_t step;
	double loss, lr, grad_norm, tokens_per_s, peak_share, bpb, valid_loss, valid_bpb;
	uint64_t tokens, targets;
};
/* Appends to the log ("-": standard output); lines of later steps than `keep` are cut off first (0: starts empty). */
int metrics_open(struct metrics **m, const char *path, int64_t keep, struct jerr *e);
int metrics_put(struct metrics *m, const struct metrics_line *l, struct jerr *e);
int metrics_close(struct metrics *m, struct jerr *e);

/* --- events.c --- */
/* As metrics_open(), into a TensorBoard event file in the folder, which is made if need be. */
int events_open(struct events **v, const char *dir, int64_t keep, struct jerr *e);
int events_put(struct events *v, const struct metrics_line *l, struct jerr *e);
int events_close(struct events *v, struct jerr *e);

/* --- probe.c --- */
/* FLOP/s of a matrix product in the engine's own kernel, the best of about `seconds` of tries. */
double train_probe_peak(struct jpar *pool, double seconds);

/* --- plan.c --- */
/* Sizes and the choice of recomputation; JERR_LIMIT, with *p filled, if the run cannot fit. */
int train_make_plan(struct train *t, struct jtrain_plan *p, struct jerr *e);

#endif
