/*
 * train_internal.h - one run, as the files of the room see it.
 */
#ifndef TRAIN_INTERNAL_H
#define TRAIN_INTERNAL_H

#include "base/jmem.h"
#include "model/jadapter.h"
#include "model/jmodel.h"
#include "optim/joptim.h"
#include "optim/jsched.h"
#include "shard/jmix.h"
#include "train/jobjective.h"
#include "train/jtrain.h"

/* Rows of tokens on their way into the graph: a batch, or the rows of a held-out unit. */
struct rows {
	int64_t n, seq;
	int32_t *ids, *targets, *seg, *pos;	/* each [n, seq] */
	int32_t *source;			/* [n] of the feed */
	double *loss;				/* [n] sum over the row's tokens, once it has been run */
};

/* Where the run's rows come from. */
struct feed_source {
	struct jmix_part part;			/* of --mix */
	const char *path;			/* the part's; NULL: --data */
	struct jtrain_data data;
	struct jpack *pack;
	double loss;				/* sum over the targets of this step's rows */
	uint64_t targets;
};
struct feed {
	struct feed_source *v;
	size_t n;
	struct jmix *mix;			/* NULL: one source */
	int64_t seq;				/* of whole rows */
	uint64_t rows;				/* of one pass over all, or all that the limits allow */
	uint64_t tokens, text_bytes;		/* of all sources */
	double tokens_per_byte;			/* of the mixture; NAN: not known */
	struct jpack_row whole;			/* the row that pieces are cut from */
};

/* Steps that take batches of the same shape. */
struct stage {
	int64_t from;				/* first step */
	int64_t batch, seq;
	uint64_t part;				/* its first piece of the feed, in pieces of seq tokens */
	uint64_t tokens;			/* input positions before it */
};

/* The last values of a series, oldest first. */
#define WINDOW_MAX 1024
struct window {
	double v[WINDOW_MAX];
	int n;
};

/* Why a step is left out. */
struct incident {
	const char *kind;			/* "outlier", "nonfinite" or "empty": no token carries loss */
	double loss, norm, loss_z, norm_z;	/* z NAN: not known */
	const char *tensor, *of;		/* NULL: to be found */
	int64_t row;				/* of the batch; set by train_incident() */
};

struct metrics;
struct wandb;

struct train {
	const struct jtrain_opts *o;
	const struct jtrain_hooks *h;
	struct jarena arena;			/* lives as long as the run */
	struct jpar *pool;
	struct jtok *tok;
	struct jmodel *model;
	bool preset;				/* the model starts from random weights */
	struct jparam *trained;			/* all weights, or those of the model's adapter */
	size_t n_trained;
	struct feed feed;
	struct jtrain_data valid;
	struct jpack *valid_pack;
	struct stage *stages;
	size_t n_stages;
	struct joptim *opt;
	struct joptim_opts opt_opts;
	struct jsched sched, sched2;		/* sched2: second phase */
	struct jmodel_train_graph *graphs;	/* of shape_rows sequences of shape_seq; lanes of them */
	int n_graphs;				/* made by now */
	int lanes;				/* units that are run at a time */
	struct jpar **lane_pools;		/* threads of the graphs; NULL each: one */
	int64_t shape_rows, shape_seq;		/* 0: no graph yet */
	bool recompute;
	struct rows batch;			/* room for the largest; n and seq are those of now */
	int64_t steps;				/* end of the run */
	int64_t planned;			/* the same without a cooldown */
	const char *lr_scale, *decay_scale;	/* the options --lr-scale and --decay-scale, joined */
	const char *shares;			/* weights and limits of --mix, joined */
	char data_hash[65], valid_hash[65];	/* of train_data_hash(), of --valid; "": not found yet */
	uint64_t program;			/* resident bytes before the run */
	double peak;				/* measured FLOP/s of a matrix product */
	struct metrics *log, *incidents;	/* incidents: NULL until there is one */
	struct events *events;			/* TensorBoard; NULL without */
	struct wandb *wandb;			/* Weights & Biases; NULL without */
	struct jbuf sources;			/* losses of the mixture's sources, as JSON */
	/* Where the run is; what a checkpoint saves beside weights and moments. */
	int64_t step;				/* steps done */
	uint64_t tokens;			/* input positions seen */
	double loss, valid_loss;		/* last known; NAN = never */
	double best_loss;			/* lowest held-out loss; NAN = never */
	int64_t best_step;			/* step of best_loss */
	int64_t stale;				/* held-out losses since */
	struct window losses, norms;		/* for outliers */
	/* Steps whose update made a weight not finite: known once they have been tried. */
	struct ruin {
		int64_t step;
		const char *weight;
	} *ruined;
	size_t n_ruined, cap_ruined;
	int64_t bad_run;			/* steps left out one after another, values not finite */
	int64_t bad_row;			/* of the batch: the first whose loss is not finite; -1: none */
	bool rewind;				/* back to the newest checkpoint, then on */
	const char *origin;			/* checkpoint that the run began at; NULL: none */
	int lock;				/* descriptor of run.json; -1 */
};

/* --- setup.c --- */
int train_open(struct train *t, const struct jtrain_opts *o, const struct jtrain_hooks *h,
	const char *checkpoint, struct jerr *e);
/* Tokenizer, data, stages, schedule, without a model. */
int train_open_data(struct train *t, const struct jtrain_opts *o, const struct jtrain_hooks *h,
	struct jerr *e);
/* Plan, refusal of what does not fit, then optimizer and buffers. */
int train_prepare(struct train *t, struct jtrain_plan *plan, struct jerr *e);
void train_close(struct train *t);
void train_note(const struct jtrain_hooks *h, const char *fmt, ...) JPRINTF(2, 3);
void train_warn(const struct jtrain_hooks *h, const char *fmt, ...) JPRINTF(2, 3);

/* --- run.c --- */
/* Opens the logs, or opens them anew, at the step of now. */
int train_open_logs(struct train *t, struct jerr *e);

/* --- loop.c --- */
/* Enough held-out losses without a new best? */
bool train_out_of_patience(const struct train *t);
int train_loop(struct train *t, struct jerr *e);
/* Adds the gradients of n pieces of the feed; the mean loss; returns the targets. */
int train_step_gradients(struct train *t, uint64_t first, int64_t n, double *loss, struct jerr *e);

/* --- lora.c --- */
/* The frozen base and an adapter on it. */
int train_open_adapter(struct train *t, struct jerr *e);
/* Puts the values that the run began with, or those of its checkpoint, in place. */
int train_first_adapter(struct train *t, struct jerr *e);
int train_take_adapter(struct train *t, const char *dir, struct jerr *e);
uint64_t train_base_bytes(const struct train *t);

/* --- unit.c --- */
int64_t train_unit_rows(const struct train *t, int64_t batch, int64_t seq);
/* Copies of the gradients that so many units are added up in, and the most that any step has. */
int train_streams(const struct train *t, int64_t units);
int train_most_streams(const struct train *t);
/* A graph of the run's model for `rows` sequences of seq on the threads of a pool, not planned. */
int train_build_graph(struct train *t, struct jpar *pool, int64_t rows, int64_t seq,
	struct jmodel_train_graph *tg, struct jerr *e);
/* Makes t->graphs that shape, if they are not. */
int train_use_shape(struct train *t, int64_t rows, int64_t seq, struct jerr *e);
/* So many units at a time, each with a graph and its share of the threads. */
void train_open_lanes(struct train *t, int lanes);
void train_close_lanes(struct train *t);
/*
 * Runs the first n rows of the batch, which are whole units; batch.loss gets their losses.  Unless
 * loss_scale is 0, adds the gradients of the sum of all losses times that.
 */
void train_run_units(struct train *t, uint64_t first, int64_t n, float loss_scale);
struct jpack_row train_row(const struct rows *r, int64_t i);	/* where row i lies */

/* --- stage.c --- */
int train_make_stages(struct train *t, struct jerr *e);
const struct stage *train_stage(const struct train *t, int64_t step);
uint64_t train_first_part(const struct train *t, int64_t step);	/* in pieces of the stage */
uint64_t train_tokens_before(const struct train *t, int64_t step);
int64_t train_steps_for(const struct train *t, double rows);	/* steps that take as many whole rows */
double train_flops(const struct train *t, const struct stage *s);	/* of one step */

/* --- feed.c --- */
int feed_open(struct train *t, const struct jobjective *obj, struct jerr *e);
void feed_close(struct feed *f);
/* NAN where the data do not know how many bytes of text their tokens stand for. */
double feed_tokens_per_byte(const struct jtrain_data *d);
int feed_part(struct feed *f, uint64_t part, int64_t seq, struct jpack_row *out, int *source,
	struct jerr *e);
/* Documents of a piece in order, at most seq of the feed + 1; returns how many. */
size_t feed_docs(struct feed *f, uint64_t part, int64_t seq, uint64_t *docs, int *source);
/* Appends "FILE:LINE" of a record, "SHARD#NUMBER" of a document in a shard. */
void feed_doc_name(const struct feed *f, int source, uint64_t doc, struct jbuf *out);

/* --- record.c --- */
/* Descriptor that holds DIR/run.json, or negative if another process does. */
int train_lock(const char *dir, struct jerr *e);
void train_unlock(int lock, const char *dir);
int train_record_run(struct train *t, struct jerr *e);

/* --- incident.c --- */
/* Standard deviations above the window's mean, NAN while it is not full; then x enters it. */
double train_window_add(struct window *w, int64_t size, double x);
/* First weight that is not finite, trained or frozen, or NULL. */
const char *train_bad_weight(const struct train *t);
/* Records and tells it; an error where the run is to stop. */
int train_incident(struct train *t, struct incident *in, struct jerr *e);
/* Opens the record if it is there, or makes it. */
int train_open_incidents(struct train *t, bool make, struct jerr *e);

/* --- state.c --- */
int train_save_checkpoint(struct train *t, struct jerr *e);
int train_save_final(struct train *t, struct jerr *e);
/* The newest whole checkpoint of dir (from the arena), or NULL. */
const char *train_find_checkpoint(const char *dir, struct jarena *a);
/* Is dir a checkpoint? */
bool train_has_state(const char *dir, struct jarena *a);
int train_restore(struct train *t, const char *checkpoint, struct jerr *e);
/* Undoes all since the newest checkpoint, or since the start. */
int train_rewind(struct train *t, struct jerr *e);
/* Does dir hold a run or a model?  Names the file that says so. */
const char *train_holds(const char *dir, struct jarena *a);
/* 1 if the output folder holds the finished model of this very run, 0 if not. */
int train_finished(struct train *t, struct jerr *e);
int train_clean(const char *dir, struct jerr *e);	/* removes what a killed run left half-made */

/* --- sums.c --- */
/* Appends {"NAME": "HASH", ...} of the files of tensors in dir. */
int train_put_sums(const char *dir, struct jarena *a, struct jbuf *b, struct jerr *e);
/* Are they what was written?  sums NULL: nobody knows, 0. */
struct jval;
int train_check_sums(const struct jval *sums, const char *dir, struct jarena *a, struct jerr *e);

/* --- options.c --- */
/* Warns of options that have no effect beside the others. */
void train_tell_idle(const struct train *t);
int train_dtype(const char *name, struct jerr *e);	/* enum jdtype, or negative */
/* Of the tokens, their mask, their documents and the tokenizer, of all sources; found once. */
const char *train_data_hash(struct train *t);
/* {"name": value, ...}: every option that changes the result. */
void train_put_options(struct train *t, struct jbuf *b);
/* Refuses a saved set of options that differs, naming the option. */
int train_match_options(struct train *t, const struct jval *saved, const char *where, struct jerr *e);

/* --- metrics.c --- */
struct metrics_line {
	int64_t step;
	double loss, lr, grad_norm, tokens_per_s, peak_share, bpb, valid_loss, valid_bpb;
	uint64_t tokens, targets;
	const char *left_out;		/* kind of the incident; NULL: the step was taken */
	const char *by_source;		/* JSON of the mixture's sources; NULL: none */
	double router_aux, router_z, expert_busiest, expert_idle;	/* of experts (jmoe.h), 0: none */
};
/* The load of the experts in the last forward pass; nothing if moe is NULL. */
void metrics_experts(struct metrics_line *l, const struct jmoe *moe);
/* Appends to the log ("-": standard output); lines of later steps than `keep` are cut off first (0: starts empty). */
int metrics_open(struct metrics **m, const char *path, int64_t keep, struct jerr *e);
int metrics_put(struct metrics *m, const struct metrics_line *l, struct jerr *e);
/* One line that is made already. */
int metrics_write(struct metrics *m, const char *line, size_t n, struct jerr *e);
int metrics_close(struct metrics *m, struct jerr *e);

/* --- wire.c: protocol buffers --- */
enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
void wire_varint(struct jbuf *b, uint64_t v);
void wire_key(struct jbuf *b, int field, enum wire wire);
void wire_double(struct jbuf *b, int field, double v);
void wire_float(struct jbuf *b, int field, float v);
void wire_bytes(struct jbuf *b, int field, const void *p, size_t n);

/* --- wandb.c --- */
/*
 * As events_open(), into the folder of an offline run of Weights & Biases below dir, which `wandb sync`
 * uploads: the one that this run has there, or a new one.
 */
int wandb_open(struct wandb **w, struct train *t, const char *dir, struct jerr *e);
int wandb_put(struct wandb *w, const struct metrics_line *l, struct jerr *e);
/* done: the run has come to its end. */
int wandb_close(struct wandb *w, bool done, struct jerr *e);

/* --- events.c --- */
/* As metrics_open(), into a TensorBoard event file in the folder, which is made if need be. */
int events_open(struct events **v, const char *dir, int64_t keep, struct jerr *e);
int events_put(struct events *v, const struct metrics_line *l, struct jerr *e);
int events_close(struct events *v, struct jerr *e);

/* --- probe.c --- */
/* FLOP/s of a matrix product in the engine's own kernel, the best of about `seconds` of tries. */
double train_probe_peak(struct jpar *pool, double seconds, bool bf16);
bool train_in_bf16(const struct jtrain_opts *o);	/* --precision */
enum jgraph_products train_products(const struct jtrain_opts *o);

/* --- plan.c --- */
/* Sizes and the choice of recomputation; JERR_LIMIT, with *p filled, if the run cannot fit. */
int train_make_plan(struct train *t, struct jtrain_plan *p, struct jerr *e);

#endif
