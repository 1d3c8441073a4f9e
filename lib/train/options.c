/*
 * options.c - the options of a run: sense, and the list of those that change the result.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "tensor/jtensor.h"
#include "train/train_internal.h"

int
train_dtype(const char *name, struct jerr *e)
{
	static const struct {
		const char *name;
		enum jdtype dtype;
	} known[] = { { "f32", JDT_F32 }, { "f16", JDT_F16 }, { "bf16", JDT_BF16 } };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].dtype;
	return jerr_set(e, JERR_ARG, "--dtype: '%s' is none of f32, f16, bf16", name);
}

/* A whole number that must lie in [lo, hi]. */
struct bound {
	const char *name;
	size_t at;
	int64_t lo, hi;
};
#define AT(field) offsetof(struct jtrain_opts, field)
static const struct bound bounds[] = {
	{ "batch", AT(batch), 1, 1 << 20 },
	{ "seq", AT(seq), 2, 1 << 20 },
	{ "accumulate", AT(accumulate), 1, 1 << 20 },
	{ "keep", AT(keep), 1, 1 << 20 },
	{ "log-every", AT(log_every), 1, INT64_MAX },
	{ "valid-every", AT(valid_every), 0, INT64_MAX },
	{ "valid-rows", AT(valid_rows), 0, INT64_MAX },
	{ "save-every", AT(save_every), 0, INT64_MAX },
	{ "patience", AT(patience), 0, INT64_MAX },
	{ "warmup", AT(warmup), -1, INT64_MAX },
	{ "decay-steps", AT(decay_steps), -1, INT64_MAX },
	{ "cycle", AT(cycle), -1, INT64_MAX },
	{ "phase2-steps", AT(phase2_steps), -1, INT64_MAX },
	{ "cooldown", AT(cooldown), 0, INT64_MAX / 2 },
	{ "outlier-window", AT(outlier_window), 2, WINDOW_MAX },
};

/* A number that must lie in [lo, hi], or in [lo, hi) if open, or be -1 if that leaves it open. */
struct range {
	const char *name;
	size_t at;
	double lo, hi;
	bool open, usual;
};
static const struct range ranges[] = {
	{ "lr", AT(lr), 0, 1e3, false },
	{ "min-lr", AT(min_lr), 0, 1e3, false },
	{ "phase2-lr", AT(phase2_lr), 0, 1e3, false, true },
	{ "beta1", AT(beta1), 0, 1, true, true },
	{ "beta2", AT(beta2), 0, 1, true, true },
	{ "eps", AT(eps), 0, 1, false, true },
	{ "momentum", AT(momentum), 0, 1, true, true },
	{ "ema", AT(ema), 0, 1, true },
	{ "sam", AT(sam), 0, 1e3, false },
	{ "weight-decay", AT(weight_decay), 0, 1e3, false },
	{ "clip", AT(clip), 0, 1e30, false },
	{ "z-loss", AT(z_loss), 0, 1e3, false },
	{ "neftune", AT(neftune), 0, 1e3, false },
	{ "label-smoothing", AT(label_smoothing), 0, 1, true },
	{ "epochs", AT(epochs), 1e-9, 1e9, false },
	{ "outlier-loss", AT(outlier_loss), 0, 1e9, false },
	{ "outlier-norm", AT(outlier_norm), 0, 1e9, false },
};

/* Options that need each other. */
static int
check_together(const struct jtrain_opts *o, struct jerr *e)
{
	enum jsched_kind kind;

	if (o->batch % o->accumulate != 0)
		return jerr_set(e, JERR_ARG, "--accumulate: %lld does not divide --batch %lld",
			(long long)o->accumulate, (long long)o->batch);
	if ((o->patience > 0 || o->keep_best) && (o->n_valid == 0 || o->valid_every == 0))
		return jerr_set(e, JERR_ARG, "%s needs held-out losses: --valid and --valid-every",
			o->patience > 0 ? "--patience" : "--keep-best");
	if (o->cooldown > 0 && !o->resume && !o->branch)
		return jerr_set(e, JERR_ARG, "--cooldown begins at a checkpoint: it needs --resume, "
			"or --branch for another -o");
	if (o->lora && o->adapter)
		return jerr_set(e, JERR_ARG, "--lora begins an adapter, --adapter goes on with one: give "
			"one of them");
	if (!o->lora && !o->adapter && jadapter_is(o->model))
		return jerr_set(e, JERR_ARG, "%s is an adapter: --adapter goes on with it, jmodel merge makes a "
			"model of it", o->model);
	if (o->quantize_base && !o->lora && !o->adapter)
		return jerr_set(e, JERR_ARG, "--quantize-base needs --lora: weights that are trained "
			"stay F32");
	if (o->nesterov && strcmp(o->optimizer, "sgd") != 0)
		return jerr_set(e, JERR_ARG, "--nesterov is an option of --optimizer sgd");
	if (o->phase2 && jsched_parse(&kind, o->phase2, e) < 0)
		return e->code;
	if (jsched_parse(&kind, o->schedule, e) < 0)
		return e->code;
	if (strcmp(o->precision, "f32") != 0 && !train_in_bf16(o))
		return jerr_set(e, JERR_ARG, "--precision: '%s' is neither f32 nor bf16",
			o->precision);
	return train_dtype(o->dtype, e) < 0 ? e->code : 0;
}

int
jtrain_check(const struct jtrain_opts *o, struct jerr *e)
{
	const char *base = (const char *)o;
	size_t i;

	if (!o->model)
		return jerr_set(e, JERR_ARG, "--model is missing: a folder, a GGUF file or a preset");
	if (!o->out)
		return jerr_set(e, JERR_ARG, "-o is missing: the folder for the model");
	if (o->steps == 0 || o->steps < -1 || o->steps > INT64_MAX / (1 << 20))
		return jerr_set(e, JERR_ARG, "--steps: must be at least 1, got %lld",
			(long long)o->steps);
	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct bound *b = &bounds[i];
		int64_t v;

		memcpy(&v, base + b->at, sizeof(v));
		if (v < b->lo)
			return jerr_set(e, JERR_ARG, "--%s: must be at least %lld, got %lld", b->name,
				(long long)b->lo, (long long)v);
		if (v > b->hi)
			return jerr_set(e, JERR_ARG, "--%s: must be at most %lld, got %lld", b->name,
				(long long)b->hi, (long long)v);
	}
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		const struct range *r = &ranges[i];
		double v;

		memcpy(&v, base + r->at, sizeof(v));
		if (r->usual && v == -1)
			continue;
		if (!(v >= r->lo && (r->open ? v < r->hi : v <= r->hi)))
			return jerr_set(e, JERR_ARG, "--%s: must be from %g to %s%g, got %g", r->name,
				r->lo, r->open ? "below " : "", r->hi, v);
	}
	return check_together(o, e);
}

/* Given, but nothing reads it: told, for it is a mistake or a misunderstanding. */
struct idle {
	const char *option, *needs;
	bool given, used;
};

static bool
schedules(const struct train *t, enum jsched_kind kind)
{
	return t->sched.kind == kind || (t->o->phase2 && t->sched2.kind == kind);
}

void
train_tell_idle(const struct train *t)
{
	const struct jtrain_opts *o = t->o;
	bool sgd = strcmp(o->optimizer, "sgd") == 0, muon = strcmp(o->optimizer, "muon") == 0;
	bool lion = strcmp(o->optimizer, "lion") == 0;
	bool adafactor = strcmp(o->optimizer, "adafactor") == 0;
	const struct idle v[] = {
		{ "decay-steps", "schedule wsd", o->decay_steps >= 0, schedules(t, JSCHED_WSD) },
		{ "cycle", "schedule cyclical", o->cycle >= 0, schedules(t, JSCHED_CYCLICAL) },
		{ "phase2-steps", "phase2", o->phase2_steps >= 0, o->phase2 },
		{ "phase2-lr", "phase2", o->phase2_lr >= 0, o->phase2 },
		{ "min-lr", "schedule other than constant", o->min_lr > 0, o->cooldown > 0
			|| t->sched.kind != JSCHED_CONSTANT || o->phase2 },
		{ "momentum", "optimizer sgd or muon", o->momentum >= 0, sgd || muon },
		{ "beta1", "optimizer other than sgd and adafactor", o->beta1 >= 0, !sgd && !adafactor },
		{ "beta2", "optimizer other than sgd and adafactor", o->beta2 >= 0, !sgd && !adafactor },
		{ "eps", "optimizer other than sgd, lion and adafactor", o->eps >= 0,
			!sgd && !lion && !adafactor },
		{ "valid-every", "valid", o->valid_every > 0, o->n_valid > 0 },
		{ "valid-rows", "valid", o->valid_rows > 0, o->n_valid > 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].given && !v[i].used)
			train_warn(t->h, "--%s has no effect without --%s", v[i].option, v[i].needs);
	if (t->sched.warmup > t->sched.steps)
		train_warn(t->h, "the warm-up of %lld steps is longer than the run of %lld: the rate does "
			"not reach --lr", (long long)t->sched.warmup, (long long)t->sched.steps);
}

/*
 * One option that changes the result: how it is spelled and what it is now.  Of content, like that of
 * data, the hash.
 */
enum kind { K_INT, K_NUM, K_STR, K_CONTENT };
struct item {
	const char *name;
	enum kind kind;
	int64_t i;
	double d;
	const char *s;
};
#define MAX_ITEMS 96

struct items {
	struct item v[MAX_ITEMS];
	size_t n;
	char tok_hash[65];
};

static void
add_int(struct items *it, const char *name, int64_t v)
{
	it->v[it->n++] = (struct item){ .name = name, .kind = K_INT, .i = v };
}

static void
add_num(struct items *it, const char *name, double v)
{
	it->v[it->n++] = (struct item){ .name = name, .kind = K_NUM, .d = v };
}

static void
add_str(struct items *it, const char *name, const char *v)
{
	it->v[it->n++] = (struct item){ .name = name, .kind = K_STR, .s = v ? v : "" };
}

static void
add_content(struct items *it, const char *name, const char *hash)
{
	it->v[it->n++] = (struct item){ .name = name, .kind = K_CONTENT, .s = hash };
}

/* Which tokens carry loss; what cannot be read now is told when it is wanted. */
static void
hash_mask(struct jsha256 *h, const struct jshard_set *s, uint64_t tokens)
{
	enum { PIECE = 4096 };
	unsigned char mask[PIECE];
	struct jerr ignored = { 0 };
	uint32_t ids[PIECE];
	uint64_t at;

	for (at = 0; at < tokens; at += PIECE) {
		size_t n = tokens - at < PIECE ? (size_t)(tokens - at) : PIECE;

		if (jshard_get(s, at, n, ids, mask, &ignored) < 0)
			return;
		jsha256_add(h, mask, n);
	}
}

/* The token stream, its mask, its cutting into documents and the tokenizer. */
static void
hash_set(struct jsha256 *h, const struct jshard_set *s)
{
	const struct jshard_info *info = jshard_info(s);
	unsigned char start[8];
	uint64_t d;

	jsha256_add(h, info->hash, sizeof(info->hash));
	jsha256_add(h, info->fingerprint, sizeof(info->fingerprint));
	for (d = 0; d <= jshard_docs(s); d++) {
		jle_put64(start, jshard_doc_start(s, d));
		jsha256_add(h, start, sizeof(start));
	}
	if (info->has_mask)
		hash_mask(h, s, info->tokens);
}

static void
put_hash(struct jsha256 *h, char out[65])
{
	unsigned char sum[32];

	jsha256_done(h, sum);
	jhash_hex(sum, sizeof(sum), out);
}

const char *
train_data_hash(struct train *t)
{
	struct jsha256 h;
	size_t i;

	if (*t->data_hash)
		return t->data_hash;
	jsha256_init(&h);
	for (i = 0; i < t->feed.n; i++)
		hash_set(&h, t->feed.v[i].data.set);
	put_hash(&h, t->data_hash);
	return t->data_hash;
}

/* Held-out losses change the result where they choose the model or end the run. */
static void
list_valid(struct train *t, struct items *it)
{
	struct jsha256 h;

	if (!t->valid.set || (t->o->patience == 0 && !t->o->keep_best))
		return;
	if (!*t->valid_hash) {
		jsha256_init(&h);
		hash_set(&h, t->valid.set);
		put_hash(&h, t->valid_hash);
	}
	add_content(it, "valid", t->valid_hash);
	add_int(it, "valid-every", t->o->valid_every);
	add_int(it, "valid-rows", t->o->valid_rows);
}

/* The schedule and the optimizer, with nothing left open. */
static void
list_optimizer(const struct train *t, struct items *it)
{
	const struct jtrain_opts *o = t->o;
	const struct joptim_opts *oo = &t->opt_opts;

	add_num(it, "lr", o->lr);
	add_num(it, "min-lr", o->min_lr);
	add_str(it, "schedule", o->schedule);
	add_int(it, "warmup", t->sched.warmup);
	if (t->sched.kind == JSCHED_WSD || (o->phase2 && t->sched2.kind == JSCHED_WSD))
		add_int(it, "decay-steps", o->decay_steps);
	if (t->sched.kind == JSCHED_CYCLICAL || (o->phase2 && t->sched2.kind == JSCHED_CYCLICAL))
		add_int(it, "cycle", o->cycle);
	add_str(it, "phase2", o->phase2);
	if (o->phase2) {
		add_int(it, "phase2-steps", t->sched2.steps);
		add_num(it, "phase2-lr", t->sched2.lr);
	}
	add_int(it, "cooldown", o->cooldown);
	add_str(it, "optimizer", o->optimizer);
	add_num(it, "beta1", oo->beta1);
	add_num(it, "beta2", oo->beta2);
	add_num(it, "eps", oo->eps);
	add_num(it, "momentum", oo->momentum);
	add_int(it, "nesterov", oo->nesterov);
	add_num(it, "weight-decay", o->weight_decay);
	add_num(it, "clip", o->clip);
	add_num(it, "z-loss", o->z_loss);
	add_num(it, "label-smoothing", o->label_smoothing);
	add_num(it, "sam", o->sam);
	add_num(it, "ema", o->ema);
	add_str(it, "lr-scale", t->lr_scale);
	add_str(it, "decay-scale", t->decay_scale);
}

static void
list_options(struct train *t, struct items *it)
{
	const struct jtrain_opts *o = t->o;
	unsigned char fp[32];

	it->n = 0;
	jtok_fingerprint(t->tok, fp);
	jhash_hex(fp, sizeof(fp), it->tok_hash);
	add_str(it, "objective", o->objective);
	add_str(it, "model", jfs_base(o->model));
	add_content(it, "tokenizer", it->tok_hash);
	add_content(it, "data", train_data_hash(t));
	/* With a constant rate the number of steps only says when to stop. */
	if (t->sched.kind != JSCHED_CONSTANT || o->phase2)
		add_int(it, "steps", t->planned);
	add_int(it, "batch", o->batch);
	add_int(it, "seq", o->seq);
	add_str(it, "precision", train_in_bf16(o) ? o->precision : NULL);
	add_str(it, "lora", o->lora);
	add_str(it, "adapter", o->adapter ? jfs_base(o->adapter) : NULL);
	add_str(it, "quantize-base", o->quantize_base);
	add_num(it, "neftune", o->neftune);
	add_str(it, "mix", t->shares);
	add_str(it, "batch-ramp", o->batch_ramp);
	add_str(it, "seq-ramp", o->seq_ramp);
	add_str(it, "ramp-by", o->ramp_by);
	list_optimizer(t, it);
	add_num(it, "outlier-loss", o->outlier_loss);
	add_num(it, "outlier-norm", o->outlier_norm);
	add_int(it, "outlier-window", o->outlier_window);
	add_str(it, "on-nonfinite", o->on_nonfinite);
	add_int(it, "patience", o->patience);
	add_int(it, "keep-best", o->keep_best);
	list_valid(t, it);
	add_int(it, "seed", o->seed);
}

static void
put_item(const struct item *i, struct jbuf *b)
{
	switch (i->kind) {
	case K_INT:
		jjson_int(b, i->i);
		break;
	case K_NUM:
		jjson_num(b, i->d);
		break;
	case K_STR:
	case K_CONTENT:
		jjson_str(b, i->s, strlen(i->s));
		break;
	}
}

void
train_put_options(struct train *t, struct jbuf *b)
{
	struct items it;
	size_t i;

	list_options(t, &it);
	for (i = 0; i < it.n; i++) {
		jbuf_printf(b, "%s\"%s\": ", i ? ", " : "{", it.v[i].name);
		put_item(&it.v[i], b);
	}
	jbuf_addc(b, '}');
}

static bool
same(const struct item *i, const struct jval *v)
{
	switch (i->kind) {
	case K_INT:
		return v->type == JVAL_INT && v->u.i == i->i;
	case K_NUM:
		return (v->type == JVAL_DOUBLE && v->u.d == i->d)
			|| (v->type == JVAL_INT && (double)v->u.i == i->d);
	default:
		return v->type == JVAL_STR && strcmp(v->u.s.p, i->s) == 0;
	}
}

/* As a person would have typed it. */
static void
show_item(const struct item *i, struct jbuf *b)
{
	if (i->kind == K_STR && !*i->s)
		jbuf_adds(b, "not given");
	else
		put_item(i, b);
}

static void
show_saved(const struct jval *v, struct jbuf *b)
{
	if (!v || (v->type == JVAL_STR && !*v->u.s.p))
		jbuf_adds(b, "not given");
	else
		jjson_val(b, v);
}

static int
refuse_item(const struct item *i, const struct jval *v, const char *where, struct jerr *e)
{
	struct jbuf was, now;

	if (i->kind == K_CONTENT)
		return jerr_set(e, JERR_ARG, "%s: the content of --%s is not what it was when the run "
			"began: bring that back, or start anew with another -o", where,
			strcmp(i->name, "data") == 0 ? "data (or --mix)" : i->name);
	jbuf_init(&was);
	jbuf_init(&now);
	show_item(i, &now);
	show_saved(v, &was);
	jerr_set(e, JERR_ARG, "%s: --%s was %s when the run began and is %s now: resume with the same "
		"options, or start anew with another -o", where, i->name, was.p, now.p);
	jbuf_release(&was);
	jbuf_release(&now);
	return e->code;
}

int
train_match_options(struct train *t, const struct jval *saved, const char *where, struct jerr *e)
{
	struct items it;
	size_t i;

	list_options(t, &it);
	for (i = 0; i < it.n; i++) {
		const struct jval *v = jval_get(saved, it.v[i].name);

		if (v && same(&it.v[i], v))
			continue;
		/* A cooldown may begin at any checkpoint of a run that has none. */
		if (v && strcmp(it.v[i].name, "cooldown") == 0 && v->type == JVAL_INT && v->u.i == 0)
			continue;
		return refuse_item(&it.v[i], v, where, e);
	}
	return 0;
}
