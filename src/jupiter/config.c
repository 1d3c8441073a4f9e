/*
 * config.c - what a domain file says, with the recipe's defaults filled in: as text, as variables
 * for pipelines/domain.mk, or the questions as prompt records.
 *
 * The defaults of the main job are here and nowhere else.  They suit a laptop: a model of 5 to 10
 * million weights, trained in minutes.
 */
#include <inttypes.h>
#include <string.h>

#include "base/jjson.h"
#include "conf/jdomain.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "jupiter.h"
#include "model/jmodel.h"
#include "record/jrec.h"

static const struct jdomain_training defaults = {
	.preset = "tiny", .schedule = "linear", .optimizer = "muon",
	.steps = 760, .batch = 4, .seq = 512, .warmup = 20, .vocab_size = 4096,
	.lr = 0.003, .weight_decay = 0.1, .clip = 1.0, .accumulate = 1, .seed = 0
};
static const struct jdomain_training finetune_defaults = {
	.schedule = "linear", .optimizer = "muon",
	.steps = 160, .batch = 4, .seq = 512, .warmup = 10,
	.lr = 1e-3, .weight_decay = 0.01, .clip = 1.0, .accumulate = 1, .seed = 0
};

/* Of a base: an adapter learns at a higher rate than the weights themselves; both forget little. */
static const struct jdomain_training lora_defaults = {
	.schedule = "linear", .optimizer = "adamw", .steps = 300, .batch = 8, .seq = 512, .warmup = 10,
	.lr = 5e-4, .weight_decay = 0, .clip = 1.0, .accumulate = 1, .seed = 0
};
static const struct jdomain_training full_defaults = {
	.schedule = "linear", .optimizer = "adamw", .steps = 300, .batch = 8, .seq = 512, .warmup = 10,
	.lr = 1e-4, .weight_decay = 0.01, .clip = 1.0, .accumulate = 1, .seed = 0
};
#define LORA_DEFAULT "r=16,alpha=32,targets=all-linear"

#define OR(field) if (!t->field) t->field = d->field

static void
fill(struct jdomain_training *t, const struct jdomain_training *d)
{
	OR(preset);
	OR(schedule);
	OR(optimizer);
	OR(steps);
	OR(batch);
	OR(seq);
	OR(warmup);
	OR(vocab_size);
	OR(lr);
	OR(weight_decay);
	OR(clip);
	OR(accumulate);
	if (t->warmup >= t->steps)
		t->warmup = t->steps / 10;
}

static void
put_training(struct jbuf *b, const struct jdomain_training *t)
{
	jbuf_printf(b, "--steps %lld --batch %lld --seq %lld --warmup %lld --accumulate %lld --seed %lld",
		(long long)t->steps, (long long)t->batch, (long long)t->seq, (long long)t->warmup,
		(long long)t->accumulate, (long long)t->seed);
	jbuf_printf(b, " --lr %.9g --weight-decay %.9g --clip %.9g --schedule %s --optimizer %s", t->lr,
		t->weight_decay, t->clip, t->schedule, t->optimizer);
}

/* The base, how it is trained, and a number that changes when its files do. */
static void
put_base(struct jbuf *b, const struct jdomain *d)
{
	jbuf_printf(b, "BASE := %s\nMODE := %s\nBASE_FILES := %016" PRIx64 "\n", d->base, d->mode,
		fingerprint_base(d));
}

static int
put_make(struct jbuf *b, const struct jdomain *d, struct jerr *e)
{
	const struct jdomain_training *t = &d->training, *f = &d->finetune;
	int64_t every = t->steps / 15 > 0 ? t->steps / 15 : 1;
	uint64_t sources;

	if (fingerprint_sources(d, &sources, e) < 0)
		return e->code;
	jbuf_printf(b, "# Made from %s by jupiter config --make.\n", d->file);
	jbuf_adds(b, "COLLECT :=\nFILTER := --rules docs\nDEDUP := --threshold 0.8\n");
	jbuf_printf(b, "SOURCES := %016" PRIx64 "\nWORDS := %016" PRIx64 "\n", sources,
		fingerprint_words(d));
	jbuf_adds(b, "SPLIT := --valid 2%\n");
	if (d->base)
		put_base(b, d);
	jbuf_printf(b, "TOKENIZER := -v %lld\nPRETRAIN := --model %s ", (long long)t->vocab_size,
		d->base ? d->base : t->preset);
	if (strcmp(d->mode, "lora") == 0)
		jbuf_printf(b, "--lora %s ", d->lora ? d->lora : LORA_DEFAULT);
	put_training(b, t);
	jbuf_printf(b, " --valid-every %lld --valid-rows 48 --save-every %lld --keep 2\nPAIRS := --seed %lld\nSFT := ",
		(long long)every, (long long)every, (long long)t->seed);
	put_training(b, f);
	every = f->steps / 5 > 0 ? f->steps / 5 : 1;
	jbuf_printf(b, " --save-every %lld --keep 1\nEVAL := --context %lld\n", (long long)every,
		(long long)t->seq);
	jbuf_adds(b, "ANSWER := --temperature 0 -n 120 --repeat-penalty 1.1\n");
	jbuf_printf(b, "QUESTIONS := %016" PRIx64 "\n", fingerprint_questions(d));
	return 0;
}

/* One conversation a question, for jgen complete. */
static void
put_questions(struct jbuf *b, const struct jdomain *d)
{
	struct jbuf messages;
	size_t i;

	jbuf_init(&messages);
	for (i = 0; i < d->questions.n; i++) {
		jbuf_reset(&messages);
		jbuf_adds(&messages, "[{\"role\":\"user\",\"content\":");
		jjson_str(&messages, d->questions.v[i], strlen(d->questions.v[i]));
		jbuf_adds(&messages, "}]");
		jrec_begin(b);
		jrec_put_raw(b, "messages", messages.p, messages.n);
		jrec_end(b);
	}
	jbuf_release(&messages);
}

static void
put_text(struct jbuf *b, const struct jdomain *d)
{
	size_t i;

	jbuf_printf(b, "domain       %s\ndescription  %s\nlanguage     %s\n", d->name,
		d->description ? d->description : "", d->language ? d->language : "");
	jbuf_printf(b, "keywords     %zu, negative %zu\n", d->keywords.n, d->negative_keywords.n);
	for (i = 0; i < d->n_sources; i++)
		jbuf_printf(b, "source       %s (%s)\n", d->sources[i].source, d->sources[i].kind);
	jbuf_printf(b, "training     --model %s -v %lld ", d->training.preset,
		(long long)d->training.vocab_size);
	put_training(b, &d->training);
	jbuf_adds(b, "\nfine-tuning  ");
	put_training(b, &d->finetune);
	jbuf_addc(b, '\n');
	for (i = 0; i < d->questions.n; i++)
		jbuf_printf(b, "question     %s\n", d->questions.v[i]);
}

/* Sections that the file format knows and the main job cannot honour yet. */
static int
refuse_unused(const struct jdomain *d, struct jerr *e)
{
	static const struct {
		const char *key, *why;
	} rows[] = {
		{ "generation", "no model writes documents in the main job yet" },
		{ "evaluation", "the main job measures held-out text only" },
		{ "mix_ratio", "the main job trains on all documents alike" }
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct jval *v = jval_get(d->root, rows[i].key);

		if (v && !(v->type == JVAL_OBJ && v->u.o.n == 0) && v->type != JVAL_NULL)
			return jerr_set(e, JERR_UNSUPPORTED, "%s:%d: '%s' is not supported yet: %s", d->file,
				v->line, rows[i].key, rows[i].why);
	}
	if (d->n_sources == 0)
		return jerr_set(e, JERR_FORMAT, "%s: no sources: expected a list 'sources:'", d->file);
	return 0;
}

/* What is left open where a base is trained on: no sequence is longer than its context. */
static int
fill_from_base(struct jdomain *d, struct jerr *e)
{
	const struct jdomain_training *usual = strcmp(d->mode, "lora") == 0 ? &lora_defaults
		: &full_defaults;
	struct jmodel_config c;

	if (strpbrk(d->base, " \t$#'\"") || (d->lora && strpbrk(d->lora, " \t$#'\""))) {
		jerr_set(e, JERR_FORMAT, "%s: base and lora cannot hold blanks, quotes, $ or #", d->file);
	} else if (jmodel_config_load(&c, d->base, e) == 0) {
		if (!d->training.seq && c.context < usual->seq)
			d->training.seq = c.context;
		fill(&d->training, usual);
		if (!d->finetune.seq)
			d->finetune.seq = d->training.seq;
		fill(&d->finetune, usual);
		d->training.preset = d->base;
		d->training.vocab_size = c.vocab_size;
	}
	if (e->code < 0) {
		jerr_wrap(e, "base");
		jdomain_release(d);
	}
	return e->code;
}

int
load_domain(struct jdomain *d, const char *path, struct jerr *e)
{
	if (jdomain_load(d, path, e) < 0)
		return e->code;
	if (refuse_unused(d, e) < 0) {
		jdomain_release(d);
		return e->code;
	}
	if (d->base)
		return fill_from_base(d, e);
	fill(&d->training, &defaults);
	if (!d->finetune.seq)
		d->finetune.seq = d->training.seq;
	fill(&d->finetune, &finetune_defaults);
	return 0;
}

/* Writes only what changes, so that a comment in the domain file remakes nothing. */
static int
write_changed(const char *name, const struct jbuf *b, struct jerr *e)
{
	struct jbuf old;
	struct jerr none = { 0 };
	bool same = false;

	jbuf_init_max(&old, 1u << 24);
	if (strcmp(name, "-") != 0 && jfs_exists(name) && jin_slurp(name, &old, &none) == 0)
		same = old.n == b->n && memcmp(old.p, b->p, b->n) == 0;
	jbuf_release(&old);
	return same ? 0 : jout_put(name, b->p, b->n, e);
}

int
config_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct config_opts *o = arg;
	struct jdomain d;
	struct jarena a;
	struct jbuf b;
	char *path;
	int rc;

	if (argc != 1)
		return jerr_set(e, JERR_ARG, "give one domain: a name or a YAML file");
	jarena_init(&a, 0);
	jbuf_init(&b);
	rc = find_domain(&a, argv[0], o->config, &path, e);
	if (rc == 0)
		rc = load_domain(&d, path, e);
	if (rc == 0) {
		if (o->make)
			rc = put_make(&b, &d, e);
		else if (o->questions)
			put_questions(&b, &d);
		else
			put_text(&b, &d);
		if (rc == 0)
			rc = write_changed(jcli_common(cli)->output, &b, e);
		jdomain_release(&d);
	}
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}
