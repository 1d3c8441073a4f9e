/*
 * options.c - the option table that the verbs pretrain, sft and plan share: they differ in defaults
 * and in what data means.
 */
#include <string.h>

#include "jtrain_tool.h"
#include "optim/joptim.h"
#include "optim/jsched.h"

static size_t
data_options(struct train_values *v, struct jopt *to)
{
	struct jtrain_opts *o = &v->o;
	const struct jopt t[] = {
		{ .type = JOPT_HEAD, .name = "Model and data" },
		{ "model", 'm', JOPT_STR, &o->model, "MODEL", .help =
			"model folder, GGUF file or preset (a preset starts from random weights)" },
		{ "tokenizer", 't', JOPT_STR, &o->tokenizer, "TOK", .help =
			"tokenizer folder or file; default: that of the model" },
		{ "data", 'd', JOPT_LIST, &v->data, "PATH", .many = true, .help =
			"token shards, or record files that are encoded on the way" },
		{ "mix", 0, JOPT_LIST, &v->mix, "PATH=W[,LIMIT]", .help =
			"in place of --data: share of each source, at most LIMIT (3x epochs, 50m tokens)" },
		{ "valid", 0, JOPT_LIST, &v->valid, "PATH", .many = true, .help =
			"held-out data, never trained on, for the held-out loss" },
		{ "chat-template", 0, JOPT_STR, &o->chat_template, "FILE", .help =
			"template for conversations: a file, chatml or none; default: the tokenizer's" },
		{ .type = JOPT_HEAD, .name = "Length and size" },
		{ "steps", 0, JOPT_INT, &o->steps, "N", .help =
			"optimizer steps; -1: as --epochs says" },
		{ "epochs", 0, JOPT_DOUBLE, &o->epochs, "X", .help =
			"passes over the data without --steps" },
		{ "batch", 'b', JOPT_INT, &o->batch, "N", .help = "sequences in a step" },
		{ "seq", 0, JOPT_INT, &o->seq, "N", .help = "tokens in a sequence" },
		{ "batch-ramp", 0, JOPT_STR, &o->batch_ramp, "N:UNTIL,...", .help =
			"smaller batches before the steps UNTIL" },
		{ "seq-ramp", 0, JOPT_STR, &o->seq_ramp, "N:UNTIL,...", .help =
			"shorter sequences before the steps UNTIL" },
		{ "ramp-by", 0, JOPT_STR, &o->ramp_by, "UNIT", .choices = "steps|tokens", .help =
			"what UNTIL counts" },
		{ "accumulate", 0, JOPT_INT, &o->accumulate, "N", .help =
			"parts of a batch; the result and the memory are the same for any" },
	};

	memcpy(to, t, sizeof(t));
	return sizeof(t) / sizeof(t[0]);
}

static size_t
optimizer_options(struct train_values *v, struct jopt *to)
{
	struct jtrain_opts *o = &v->o;
	const struct jopt t[] = {
		{ .type = JOPT_HEAD, .name = "Optimizer" },
		{ "optimizer", 0, JOPT_STR, &o->optimizer, "NAME", .choices = joptim_names, .help =
			"what updates the weights" },
		{ "lr", 0, JOPT_DOUBLE, &o->lr, "X", .help = "learning rate" },
		{ "min-lr", 0, JOPT_DOUBLE, &o->min_lr, "X", .help =
			"rate at the end of the decay" },
		{ "schedule", 0, JOPT_STR, &o->schedule, "NAME", .choices = jsched_names, .help =
			"how the rate moves after the warm-up" },
		{ "warmup", 0, JOPT_INT, &o->warmup, "N", .help =
			"steps of linear warm-up; -1: a twentieth of the run, at most 100" },
		{ "decay-steps", 0, JOPT_INT, &o->decay_steps, "N", .help =
			"steps of the decay of wsd; -1: a fifth of the run" },
		{ "cycle", 0, JOPT_INT, &o->cycle, "N", .help =
			"steps of a cycle of cyclical; -1: three peaks in the run" },
		{ "phase2", 0, JOPT_STR, &o->phase2, "NAME", .choices = jsched_names, .help =
			"schedule of a second phase" },
		{ "phase2-steps", 0, JOPT_INT, &o->phase2_steps, "N", .help =
			"steps of the second phase; -1: half of the run" },
		{ "phase2-lr", 0, JOPT_DOUBLE, &o->phase2_lr, "X", .help =
			"learning rate of the second phase; -1: --lr" },
		{ "cooldown", 0, JOPT_INT, &o->cooldown, "N", .help =
			"steps in which the rate falls from that of the checkpoint gone on from" },
		{ "lr-scale", 0, JOPT_LIST, &v->lr_scale, "PATTERN=X", .help =
			"multiply the rate of the weights with such names" },
		{ "weight-decay", 0, JOPT_DOUBLE, &o->weight_decay, "X", .help =
			"decoupled decay of matrices; norms and biases have none" },
		{ "decay-scale", 0, JOPT_LIST, &v->decay_scale, "PATTERN=X", .help =
			"multiply the decay of the matrices with such names" },
		{ "clip", 0, JOPT_DOUBLE, &o->clip, "X", .help =
			"largest gradient norm; 0: any" },
		{ "beta1", 0, JOPT_DOUBLE, &o->beta1, "X", .help =
			"decay of the first moment; -1: usual for the optimizer" },
		{ "beta2", 0, JOPT_DOUBLE, &o->beta2, "X", .help =
			"decay of the second moment; -1: usual for the optimizer" },
		{ "eps", 0, JOPT_DOUBLE, &o->eps, "X", .help =
			"added to the root; -1: usual for the optimizer" },
		{ "momentum", 0, JOPT_DOUBLE, &o->momentum, "X", .help =
			"momentum of sgd and muon; -1: 0.9 and 0.95" },
		{ "nesterov", 0, JOPT_BOOL, &o->nesterov, .help = "sgd: Nesterov's momentum" },
		{ "sam", 0, JOPT_DOUBLE, &o->sam, "X", .help =
			"radius of sharpness-aware steps, which take two passes; 0: off" },
		{ "ema", 0, JOPT_DOUBLE, &o->ema, "X", .help =
			"save a moving average of the weights with this decay; 0: the weights" },
		{ "z-loss", 0, JOPT_DOUBLE, &o->z_loss, "X", .help =
			"weight of log(Z)^2, which keeps logits small" },
		{ "label-smoothing", 0, JOPT_DOUBLE, &o->label_smoothing, "X", .help =
			"share of every target that all tokens divide" },
	};

	memcpy(to, t, sizeof(t));
	return sizeof(t) / sizeof(t[0]);
}

static size_t
incident_options(struct train_values *v, struct jopt *to)
{
	struct jtrain_opts *o = &v->o;
	const struct jopt t[] = {
		{ "outlier-loss", 0, JOPT_DOUBLE, &o->outlier_loss, "X", .help =
			"leave a step out whose loss is X standard deviations high; 0: none" },
		{ "outlier-norm", 0, JOPT_DOUBLE, &o->outlier_norm, "X", .help =
			"the same by the norm of the gradient" },
		{ "outlier-window", 0, JOPT_INT, &o->outlier_window, "N", .help =
			"steps that the deviations are taken over" },
		{ "on-nonfinite", 0, JOPT_STR, &o->on_nonfinite, "WHAT", .choices = "stop|skip", .help =
			"what a value that is not finite does to the run" },
	};

	memcpy(to, t, sizeof(t));
	return sizeof(t) / sizeof(t[0]);
}

static size_t
run_options(struct train_values *v, struct jopt *to)
{
	struct jtrain_opts *o = &v->o;
	const struct jopt t[] = {
		{ .type = JOPT_HEAD, .name = "Log, checkpoints, memory" },
		{ "log", 0, JOPT_STR, &o->log, "FILE", .help =
			"metrics, one JSON line a step; default: metrics.jsonl in the output folder" },
		{ "log-every", 0, JOPT_INT, &o->log_every, "N", .help =
			"steps between lines of the log" },
		{ "log-to", 0, JOPT_STR, &o->log_to, "DIR", .help =
			"also write the metrics as a TensorBoard event file" },
		{ "wandb", 0, JOPT_STR, &o->wandb, "DIR", .help =
			"also write them as an offline run of Weights & Biases below DIR" },
		{ "valid-every", 0, JOPT_INT, &o->valid_every, "N", .help =
			"steps between held-out losses; 0: only at the end" },
		{ "valid-rows", 0, JOPT_INT, &o->valid_rows, "N", .help =
			"sequences of the held-out data to use; 0: all" },
		{ "save-every", 0, JOPT_INT, &o->save_every, "N", .help =
			"steps between checkpoints; 0: only when stopped by a signal" },
		{ "keep", 0, JOPT_INT, &o->keep, "N", .help = "checkpoints to keep" },
		{ "keep-best", 0, JOPT_BOOL, &o->keep_best, .help =
			"keep the checkpoint with the lowest held-out loss and end with its weights" },
		{ "patience", 0, JOPT_INT, &o->patience, "N", .help =
			"end after N held-out losses without a new lowest; 0: never" },
		{ "resume", 0, JOPT_BOOL, &o->resume, .help =
			"go on with the run in the output folder from its newest checkpoint" },
		{ "branch", 0, JOPT_STR, &o->branch, "DIR", .help =
			"begin with a checkpoint of another run" },
		{ "recompute", 0, JOPT_BOOL, &v->recompute, .help =
			"compute activations twice to save memory; default: when memory asks for it" },
		{ "precision", 0, JOPT_STR, &o->precision, "TYPE", .choices = "f32|bf16", .help =
			"numbers of the products and of activations; sums and weights are fp32" },
		{ "dtype", 0, JOPT_STR, &o->dtype, "TYPE", .choices = "f32|f16|bf16", .help =
			"numbers of the finished model" },
		{ .type = JOPT_HEAD, .name = "Adapters" },
		{ "lora", 0, JOPT_STR, &o->lora, "SPEC", .help =
			"train an adapter beside the frozen weights: r=16,alpha=32,targets=all-linear,"
			"dropout=X,save=NAME,rslora,dora" },
		{ "adapter", 0, JOPT_STR, &o->adapter, "DIR", .help =
			"go on with the adapter in this folder" },
		{ "quantize-base", 0, JOPT_STR, &o->quantize_base, "TYPE", .help =
			"hold the frozen weights as q8_0, q4_0, q4_k ...; default: as their file does" },
		{ "neftune", 0, JOPT_DOUBLE, &o->neftune, "X", .help =
			"noise on embeddings while training, X / sqrt(tokens * width)" },
		{ .type = JOPT_END },
	};

	memcpy(to, t, sizeof(t));
	return sizeof(t) / sizeof(t[0]);
}

void
train_options(struct train_values *v, struct jopt table[TRAIN_OPTIONS])
{
	size_t n = data_options(v, table);

	n += optimizer_options(v, table + n);
	n += incident_options(v, table + n);
	n += run_options(v, table + n);
	if (n > TRAIN_OPTIONS)
		jbug("option table: %zu rows", n);
}
