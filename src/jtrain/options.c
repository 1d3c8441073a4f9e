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
			"adamw, or muon for the matrices in layers with adamw for the rest" },
		{ "lr", 0, JOPT_DOUBLE, &o->lr, "X", .help = "learning rate" },
		{ "min-lr", 0, JOPT_DOUBLE, &o->min_lr, "X", .help =
			"rate at the end of the decay" },
		{ "schedule", 0, JOPT_STR, &o->schedule, "NAME", .choices = jsched_names, .help =
			"how the rate falls: constant, linear, cosine, wsd (flat, then 1 - sqrt)" },
		{ "warmup", 0, JOPT_INT, &o->warmup, "N", .help =
			"steps of linear warm-up; -1: a twentieth of the run, at most 100" },
		{ "decay-steps", 0, JOPT_INT, &o->decay_steps, "N", .help =
			"steps of the decay of wsd; -1: a fifth of the run" },
		{ "weight-decay", 0, JOPT_DOUBLE, &o->weight_decay, "X", .help =
			"decoupled decay of matrices; norms and biases have none" },
		{ "clip", 0, JOPT_DOUBLE, &o->clip, "X", .help =
			"largest gradient norm; 0: any" },
		{ "beta1", 0, JOPT_DOUBLE, &o->beta1, "X", .help =
			"AdamW: decay of the first moment" },
		{ "beta2", 0, JOPT_DOUBLE, &o->beta2, "X", .help =
			"AdamW: decay of the second moment" },
		{ "eps", 0, JOPT_DOUBLE, &o->eps, "X", .help = "AdamW: added to the root" },
		{ "z-loss", 0, JOPT_DOUBLE, &o->z_loss, "X", .help =
			"weight of log(Z)^2, which keeps logits small" },
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
		{ "valid-every", 0, JOPT_INT, &o->valid_every, "N", .help =
			"steps between held-out losses; 0: only at the end" },
		{ "valid-rows", 0, JOPT_INT, &o->valid_rows, "N", .help =
			"sequences of the held-out data to use; 0: all" },
		{ "save-every", 0, JOPT_INT, &o->save_every, "N", .help =
			"steps between checkpoints; 0: only when stopped by a signal" },
		{ "keep", 0, JOPT_INT, &o->keep, "N", .help = "checkpoints to keep" },
		{ "resume", 0, JOPT_BOOL, &o->resume, .help =
			"go on with the run in the output folder from its newest checkpoint" },
		{ "recompute", 0, JOPT_BOOL, &v->recompute, .help =
			"compute activations twice to save memory; default: when memory asks for it" },
		{ "dtype", 0, JOPT_STR, &o->dtype, "TYPE", .choices = "f32|f16|bf16", .help =
			"numbers of the finished model" },
		{ "lora", 0, JOPT_STR, &v->lora, "SPEC", .help =
			"train an adapter instead of the weights (refused: not supported yet)" },
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
	n += run_options(v, table + n);
	if (n > TRAIN_OPTIONS)
		jbug("option table: %zu rows", n);
}
