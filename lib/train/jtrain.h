/*
 * jtrain.h - training runs: from options to a model folder.
 *
 * A run is: open tokenizer, data and model; plan memory and refuse what does not fit; take steps;
 * write checkpoints, a metrics log and at the end the model.  What is trained on and where the loss
 * falls is the objective's business (jobjective.h), one file each in train/objective/.
 *
 * Units.  The batch of a step is cut into units of a fixed number of sequences: the largest divisor
 * of --batch whose tokens are at most 2048 (512 up to 4 million weights, 256 up to 1.5 million), at least
 * one sequence.  Graphs of that shape serve all units.  Gradients are added unit by unit in order; those
 * of small models in up to four or eight consecutive parts of the batch, which are then added by a tree of
 * pairs, so that threads can take parts.  So the result depends neither on --accumulate nor on the number
 * of threads.  The loss of a step is the sum over its target tokens divided by their number in the whole
 * batch, which is counted before the forward pass.  With ramps of batch or length the same holds for each
 * stage, which has graphs of its own shape.
 *
 * Steps that are left out.  The gradients of an outlier, or of a step with a value that is not finite,
 * are dropped, the weights stay, the next step goes on with the next rows.  Where it is the update
 * that made a weight not finite, the run goes back to its newest checkpoint, repeats the steps since,
 * and leaves that one out: the same as if the state before it had been kept.
 *
 * Folder of a run:
 *
 *	DIR/run.json			what was asked for, written as the run starts, and its lock
 *	DIR/metrics.jsonl		one line per step (unless --log names another file)
 *	DIR/incidents.jsonl		steps that were left out, if there are any
 *	DIR/checkpoint-%09d/		model, tokenizer, optimizer.safetensors, trainer_state.json
 *	DIR/latest			symbolic link to the newest checkpoint
 *	DIR/best			symbolic link to the one with the lowest held-out loss
 *	DIR/config.json ...		the model, at the end only
 *	DIR/trainer_state.json		the state at the end
 *
 * Checkpoints appear by rename.  A run resumed from one goes on bit for bit.  With a moving average
 * the model of a checkpoint is the average; the weights that are trained are in its optimizer file.
 *
 * The library prints nothing: messages, progress, rejects and the wish to stop pass through struct
 * jtrain_hooks, any of which may be NULL.
 */
#ifndef JTRAIN_H
#define JTRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

/* What records of fine-tuning can be; names in the same order. */
enum jtrain_kind {
	JTRAIN_CHAT, JTRAIN_SHAREGPT, JTRAIN_ALPACA, JTRAIN_PAIR, JTRAIN_COMPLETION, JTRAIN_TEXT,
	JTRAIN_KINDS
};
extern const char *const jtrain_kind_names[JTRAIN_KINDS + 1];

struct jtrain_opts {
	const char *objective;		/* "pretrain" or "sft" */
	const char *model;		/* folder, GGUF file or preset */
	const char *tokenizer;		/* NULL: that of the model */
	const char *const *data;
	size_t n_data;
	const char *const *mix;		/* instead of data: "PATH=WEIGHT" or "PATH=WEIGHT,LIMIT" each */
	size_t n_mix;
	const char *const *valid;
	size_t n_valid;
	const char *out;
	const char *lora;		/* what jadapter_spec_parse() takes: train an adapter; NULL: none */
	const char *adapter;		/* folder of the adapter to go on with; NULL: none */
	const char *quantize_base;	/* type of the frozen base beside an adapter; NULL: as it is */
	double neftune;			/* noise on embeddings: this / sqrt(tokens * width); 0: none */
	const char *chat_template;	/* sft: "chatml", "none", a file; NULL: the tokenizer's */
	int64_t steps;			/* -1: from epochs */
	double epochs;			/* passes over the data when steps is -1 */
	int64_t batch, seq, accumulate;
	const char *batch_ramp, *seq_ramp;	/* "N:UNTIL,...": smaller ones at first; NULL: none */
	const char *ramp_by;		/* UNTIL counts "steps" or "tokens" */
	double lr, min_lr;
	const char *schedule;
	int64_t warmup;			/* -1: a twentieth of the steps, at most 100 */
	int64_t decay_steps;		/* wsd: -1: a fifth of the steps */
	int64_t cycle;			/* cyclical: steps of a cycle; -1: three peaks in the run */
	const char *phase2;		/* schedule of a second phase; NULL: none */
	int64_t phase2_steps;		/* at the end of the run; -1: half of it */
	double phase2_lr;		/* -1: lr */
	int64_t cooldown;		/* steps of decay from the checkpoint that is resumed; 0: none */
	const char *optimizer;
	double beta1, beta2, eps, momentum;	/* -1: usual for the optimizer */
	double weight_decay, clip, z_loss;
	double label_smoothing;		/* share of every target that all tokens divide */
	bool nesterov;
	double sam;			/* radius; 0: off */
	double ema;			/* decay of the moving average of weights; 0: none */
	const char *const *lr_scale;	/* "PATTERN=X": rate multiplier of weights by name */
	size_t n_lr_scale;
	const char *const *decay_scale;	/* the same for weight_decay */
	size_t n_decay_scale;
	int64_t seed;
	double outlier_loss, outlier_norm;	/* standard deviations above which a step is left out; 0: none */
	int64_t outlier_window;		/* steps that deviations are taken over */
	const char *on_nonfinite;	/* "stop" or "skip" */
	const char *log;		/* NULL: DIR/metrics.jsonl */
	const char *log_to;		/* folder for a TensorBoard event file; NULL: none */
	const char *wandb;		/* folder for an offline run of Weights & Biases; NULL: none */
	int64_t log_every;
	int64_t valid_every;		/* steps; 0: only at the end */
	int64_t valid_rows;		/* sequences of the held-out data that are used; 0: all */
	int64_t save_every;		/* steps; 0: no checkpoints but on a stop */
	int64_t keep;			/* checkpoints kept */
	int64_t patience;		/* held-out losses without a new best that end the run; 0: any */
	bool keep_best;			/* checkpoint at each new best, which also is the final model */
	int recompute;			/* 1 yes, 0 no, -1 where memory asks for it */
	const char *precision;		/* of products with weights: "f32" or "bf16" */
	const char *dtype;		/* of the final model: "f32", "f16" or "bf16" */
	bool resume;
	const char *branch;		/* checkpoint of another run to begin with; NULL: none */
	int64_t jobs;
	uint64_t memory;		/* bytes the run may take */
	uint64_t max_line;		/* of record files */
};
#define JTRAIN_OPTS_INIT { .steps = -1, .epochs = 1, .batch = 32, .seq = 256, .accumulate = 1, \
	.lr = 1e-3, .schedule = "cosine", .warmup = -1, .decay_steps = -1, .cycle = -1, \
	.phase2_steps = -1, .phase2_lr = -1, .optimizer = "adamw", .beta1 = -1, .beta2 = -1, \
	.eps = -1, .momentum = -1, .weight_decay = 0.1, .clip = 1, .log_every = 1, \
	.ramp_by = "steps", .outlier_window = 128, .on_nonfinite = "stop", \
	.keep = 2, .recompute = -1, .precision = "f32", .dtype = "f32", .jobs = 1, .max_line = 16 << 20 }

struct jtrain_hooks {
	void *arg;
	void (*note)(void *arg, const char *line);	/* worth telling */
	void (*warn)(void *arg, const char *line);
	void (*progress)(void *arg, int64_t step, int64_t steps, const char *extra);
	bool (*stopping)(void *arg);			/* save and stop after this step */
	/* A record of a data file was kept (reason NULL) or refused. */
	void (*record)(void *arg, const char *line, size_t n, const char *reason);
};

/* What a run will take; all in bytes unless the name says otherwise. */
struct jtrain_plan {
	uint64_t weights, grads, optimizer, activations, workspace, batch, program;
	uint64_t total;			/* the sum of the above, and of base if it is not mapped */
	uint64_t limit;			/* what may be used */
	uint64_t base;			/* frozen beside an adapter; mapped unless it was quantized */
	bool base_mapped;		/* then it is reclaimable and not in total */
	uint64_t shards;		/* mapped from files: reclaimable, not in total */
	bool recompute;
	int lanes;			/* units that are run side by side */
	uint64_t params;
	int64_t steps, warmup, unit_rows, units, rows;
	uint64_t tokens, text_bytes;	/* of the data */
	int64_t tokens_per_step;
	double flops_per_step;		/* of the model, the last stage: recomputation is not counted */
	double flops;			/* of the whole run */
	uint64_t run_tokens;		/* input positions of the whole run */
	double peak;			/* measured FLOP/s of a matrix product; 0 = not measured */
	double unit_s;			/* measured seconds of a step over its units; 0 = not measured */
	double update_s;		/* measured seconds of one optimizer step */
};

/* Do the options make sense and go together, as far as can be told without model and data? */
int jtrain_check(const struct jtrain_opts *o, struct jerr *e);
/* Runs to the end: 0, or a negative code; JERR_STOP after a checkpoint on request. */
int jtrain_run(const struct jtrain_opts *o, const struct jtrain_hooks *h, struct jerr *e);
/* Measures instead of running.  A run that does not fit: *plan is filled, JERR_LIMIT. */
int jtrain_plan(const struct jtrain_opts *o, const struct jtrain_hooks *h, struct jtrain_plan *plan,
	struct jerr *e);
/* The plan as a table for people. */
void jtrain_plan_text(const struct jtrain_plan *p, struct jbuf *out);

/*
 * Which documents entered steps [from, to] (from 1) of the run in dir, by its run.json: calls fn for
 * each document of each row.  The data must be where and what they were; JERR_ARG for a step beyond the
 * last that a finished run took.
 */
struct jtrain_where {
	int64_t step, row;
	const char *source;		/* PATH of the mixture, NULL without one */
	const char *document;		/* "FILE:LINE" of a record, "SHARD#NUMBER" (from 0) in a shard */
	const char *left_out;		/* why the gradients of the step were dropped; NULL: they were not */
};
typedef int jtrain_which_fn(void *arg, const struct jtrain_where *w, struct jerr *e);
int jtrain_which(const char *dir, int64_t from, int64_t to, jtrain_which_fn *fn, void *arg,
	struct jerr *e);

/*
 * What the records of o->data are worth to `jtrain sft`, with nothing trained: o->tokenizer or o->model,
 * seq and chat_template count.  fn, if not NULL, gets each record's ids and loss mask.
 */
struct jtrain_data_report {
	uint64_t kept, refused;
	uint64_t kinds[JTRAIN_KINDS];
	uint64_t tokens, targets;	/* all; those that carry loss */
	uint64_t eos_targets;		/* turns whose end is trained */
	uint64_t truncated, cut_tokens;	/* records longer than a row; tokens that this loses */
	uint64_t shortest, median, p95, longest;	/* tokens of a record */
	uint64_t rows;			/* sequences of seq tokens that they are packed into */
};
typedef int jtrain_ids_fn(void *arg, const uint32_t *ids, const unsigned char *mask, size_t n,
	struct jerr *e);
int jtrain_data_check(const struct jtrain_opts *o, const struct jtrain_hooks *h, jtrain_ids_fn *fn,
	void *arg, struct jtrain_data_report *r, struct jerr *e);
/* A record as {"messages": [...]}, its other members kept; text and prompt with completion stay. */
int jtrain_data_chat(const char *line, size_t n, struct jbuf *out, struct jerr *e);

/* Largest divisor of batch with at most so many tokens in sequences of seq, at least 1. */
int64_t jtrain_unit_rows(int64_t tokens, int64_t batch, int64_t seq);

#endif
