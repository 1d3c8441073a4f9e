/*
 * domain.c - the table of the domain file's keys, and the struct filled from it.
 */
#include <math.h>
#include <string.h>

#include "conf/jdomain.h"
#include "io/jio.h"

#define MAX_FILE ((size_t)4 << 20)
#define MIX_TOLERANCE 0.01

#define TYPES "qa|tutorial|code|debug|explanation|conversation"
#define SOURCE_KEYS(path) \
	{ path "[].source", JSCHEMA_STR, true, .doc = "deb:PACKAGE, git:URL, an URL, a file or a folder" }, \
	{ path "[].kind", JSCHEMA_STR, .deflt = "docs", .choices = "docs|code", .doc = "what it holds" }, \
	{ path "[].licence", JSCHEMA_STR, .doc = "licence, where the source itself does not tell" }, \
	{ path "[].include", JSCHEMA_STRINGS, .doc = "globs of the files to take; none = all" }, \
	{ path "[].exclude", JSCHEMA_STRINGS, .doc = "globs of the files to leave" }

static const struct jschema_key keys[] = {
	{ "name", JSCHEMA_STR, true, .doc = "letters, digits, - and _: names files and folders" },
	{ "description", JSCHEMA_STR, .deflt = "", .doc = "one sentence for people" },
	{ "language", JSCHEMA_STR, .deflt = "en", .doc = "ISO 639-1 code of the texts" },
	{ "keywords", JSCHEMA_STRINGS, .doc = "words that tell that a text belongs here" },
	{ "negative_keywords", JSCHEMA_STRINGS, .doc = "words that tell that it does not" },

	{ "sources", JSCHEMA_ITEMS, .doc = "where the documents come from" },
	SOURCE_KEYS("sources"),
	{ "data_sources", JSCHEMA_OBJ, .doc = "sources by kind" },
	{ "data_sources.documentation", JSCHEMA_ITEMS, .doc = "documentation to collect" },
	SOURCE_KEYS("data_sources.documentation"),
	{ "data_sources.websites", JSCHEMA_ITEMS, .doc = "sites to collect" },
	SOURCE_KEYS("data_sources.websites"),
	{ "data_sources.github", JSCHEMA_OBJ, .doc = "repositories (use sources: git:URL)" },
	{ "data_sources.github.repos", JSCHEMA_LATER, .doc = "'github' sources" },
	{ "data_sources.github.file_types", JSCHEMA_STRINGS, .doc = "of the repositories" },
	{ "data_sources.github.exclude_patterns", JSCHEMA_STRINGS, .doc = "of the repositories" },
	{ "data_sources.forums", JSCHEMA_LATER, .doc = "'forums' sources" },
	{ "data_sources.youtube", JSCHEMA_LATER, .doc = "'youtube' sources" },
	{ "data_sources.huggingface_datasets", JSCHEMA_LATER,
		.doc = "'huggingface_datasets' sources" },

	{ "generation", JSCHEMA_OBJ, .doc = "how records are generated" },
	{ "generation.templates", JSCHEMA_LIST, .doc = "prompts, one a kind of record" },
	{ "generation.templates[].type", JSCHEMA_STR, true, .choices = TYPES, .doc = "kind of record" },
	{ "generation.templates[].prompt", JSCHEMA_STR, true, .doc = "text with {topic} or {task}" },
	{ "generation.templates[].system_prompt", JSCHEMA_STR, .doc = "role of the generator" },
	{ "generation.templates[].topics", JSCHEMA_STRINGS, .doc = "what {topic} becomes" },
	{ "generation.templates[].tasks", JSCHEMA_STRINGS, .doc = "what {task} becomes" },
	{ "generation.templates[].examples", JSCHEMA_ANY, .doc = "list of examples for the prompt" },
	{ "generation.template_weights", JSCHEMA_NUMBERS, .min = 0, .max = 1e6,
		.doc = "share of each type; 1 if not named" },

	{ "evaluation", JSCHEMA_OBJ, .doc = "how the expert is judged" },
	{ "evaluation.benchmarks", JSCHEMA_STRINGS, .doc = "tasks of jeval" },
	{ "evaluation.custom_eval_file", JSCHEMA_STR, .doc = "JSONL of own questions" },
	{ "evaluation.min_accuracy", JSCHEMA_NUM, .deflt = "0.7", .min = 0, .max = 1,
		.doc = "accuracy to reach" },
	{ "evaluation.min_coherence", JSCHEMA_NUM, .deflt = "0.8", .min = 0, .max = 1,
		.doc = "coherence to reach" },

	{ "mix_ratio", JSCHEMA_OBJ, .doc = "shares of the training mixture; they sum to 1" },
	{ "mix_ratio.real_docs", JSCHEMA_NUM, .deflt = "0.30", .min = 0, .max = 1,
		.doc = "collected documents" },
	{ "mix_ratio.real_code", JSCHEMA_NUM, .deflt = "0.20", .min = 0, .max = 1,
		.doc = "collected code" },
	{ "mix_ratio.synthetic_qa", JSCHEMA_NUM, .deflt = "0.25", .min = 0, .max = 1,
		.doc = "generated questions and answers" },
	{ "mix_ratio.synthetic_tutorials", JSCHEMA_NUM, .deflt = "0.15", .min = 0, .max = 1,
		.doc = "generated tutorials" },
	{ "mix_ratio.synthetic_debug", JSCHEMA_NUM, .deflt = "0.10", .min = 0, .max = 1,
		.doc = "generated debugging stories" },

	{ "base", JSCHEMA_STR, .doc = "model to fine-tune on the domain: a folder or a GGUF file" },
	{ "mode", JSCHEMA_STR, .choices = "lora|full|scratch",
		.doc = "train an adapter, all weights of the base, or a new model; with a base: lora" },
	{ "lora", JSCHEMA_STR, .doc = "shape of the adapter, as jtrain --lora takes it" },

	{ "training", JSCHEMA_OBJ, .doc = "options of the training run; without one jtrain decides" },
	{ "training.preset", JSCHEMA_STR, .doc = "size of the model" },
	{ "training.vocab_size", JSCHEMA_INT, .min = 256, .max = 1 << 20, .doc = "tokens" },
	{ "training.steps", JSCHEMA_INT, .min = 1, .max = 1e9, .doc = "optimizer steps" },
	{ "training.batch", JSCHEMA_INT, .min = 1, .max = 1e6, .doc = "sequences a step" },
	{ "training.seq", JSCHEMA_INT, .min = 8, .max = 1 << 20, .doc = "tokens a sequence" },
	{ "training.lr", JSCHEMA_NUM, .min = 1e-12, .max = 10, .doc = "largest learning rate" },
	{ "training.schedule", JSCHEMA_STR, .doc = "learning-rate schedule" },
	{ "training.optimizer", JSCHEMA_STR, .doc = "adamw or muon" },
	{ "training.warmup", JSCHEMA_INT, .min = 0, .max = 1e9, .doc = "warm-up steps" },
	{ "training.weight_decay", JSCHEMA_NUM, .min = 0, .max = 10, .doc = "AdamW's" },
	{ "training.clip", JSCHEMA_NUM, .min = 0, .max = 1e6, .doc = "gradient norm to clip at" },
	{ "training.accumulate", JSCHEMA_INT, .min = 1, .max = 1e6, .doc = "micro-batches a step" },
	{ "training.seed", JSCHEMA_INT, .min = 0, .max = 9007199254740992.0, .doc = "seed" },

	{ "finetune", JSCHEMA_OBJ, .doc = "options of the fine-tuning run" },
	{ "finetune.steps", JSCHEMA_INT, .min = 1, .max = 1e9, .doc = "optimizer steps" },
	{ "finetune.batch", JSCHEMA_INT, .min = 1, .max = 1e6, .doc = "sequences a step" },
	{ "finetune.seq", JSCHEMA_INT, .min = 8, .max = 1 << 20, .doc = "tokens a sequence" },
	{ "finetune.lr", JSCHEMA_NUM, .min = 1e-12, .max = 10, .doc = "largest learning rate" },
	{ "finetune.schedule", JSCHEMA_STR, .doc = "learning-rate schedule" },
	{ "finetune.optimizer", JSCHEMA_STR, .doc = "adamw or muon" },
	{ "finetune.warmup", JSCHEMA_INT, .min = 0, .max = 1e9, .doc = "warm-up steps" },
	{ "finetune.weight_decay", JSCHEMA_NUM, .min = 0, .max = 10, .doc = "AdamW's" },
	{ "finetune.clip", JSCHEMA_NUM, .min = 0, .max = 1e6, .doc = "gradient norm to clip at" },
	{ "finetune.accumulate", JSCHEMA_INT, .min = 1, .max = 1e6, .doc = "micro-batches a step" },
	{ "finetune.seed", JSCHEMA_INT, .min = 0, .max = 9007199254740992.0, .doc = "seed" },

	{ "questions", JSCHEMA_STRINGS, .doc = "asked when the expert is shown" },
	{ .path = NULL }
};

const struct jschema jdomain_schema = { "domain", keys };

static struct jstrings
strings(struct jdomain *d, const struct jval *at, const char *path)
{
	const struct jval *v = jschema_at(at, path);
	struct jstrings s = { 0 };

	if (!v || v->u.a.n == 0)
		return s;
	s.v = jarena_alloc(&d->arena, v->u.a.n, sizeof(*s.v));
	for (; s.n < v->u.a.n; s.n++)
		s.v[s.n] = v->u.a.v[s.n]->u.s.p;
	return s;
}

/* Which of its two keys a section of the list of sources is; its rows are named "PATH[].key". */
static void
add_source(struct jdomain *d, const struct jval *x)
{
	struct jdomain_source *s = &d->sources[d->n_sources++];

	s->line = x->line;
	s->kind = "docs";
	if (x->type == JVAL_STR) {
		s->source = x->u.s.p;
		return;
	}
	s->source = jschema_str(&jdomain_schema, x, "sources[].source");
	s->kind = jschema_str(&jdomain_schema, x, "sources[].kind");
	s->licence = jschema_str(&jdomain_schema, x, "sources[].licence");
	s->include = strings(d, x, "sources[].include");
	s->exclude = strings(d, x, "sources[].exclude");
}

static void
fill_sources(struct jdomain *d)
{
	static const char *const path[] = { "sources", "data_sources.documentation",
		"data_sources.websites" };
	const struct jval *list[3];
	size_t i, k, n = 0;

	for (i = 0; i < 3; i++) {
		list[i] = jschema_at(d->root, path[i]);
		n += list[i] ? list[i]->u.a.n : 0;
	}
	d->sources = jarena_alloc(&d->arena, n ? n : 1, sizeof(*d->sources));
	for (i = 0; i < 3; i++)
		for (k = 0; list[i] && k < list[i]->u.a.n; k++)
			add_source(d, list[i]->u.a.v[k]);
}

static void
fill_templates(struct jdomain *d)
{
	const struct jval *list = jschema_at(d->root, "generation.templates"), *x;
	const struct jval *weights = jschema_at(d->root, "generation.template_weights");
	struct jdomain_template *t;
	size_t i;

	if (!list)
		return;
	d->templates = jarena_alloc(&d->arena, list->u.a.n + 1, sizeof(*d->templates));
	for (i = 0; i < list->u.a.n; i++) {
		x = list->u.a.v[i];
		t = &d->templates[d->n_templates++];
		t->line = x->line;
		t->type = jval_str(x, "type", NULL);
		t->prompt = jval_str(x, "prompt", NULL);
		t->system_prompt = jval_str(x, "system_prompt", NULL);
		t->topics = strings(d, x, "topics");
		t->tasks = strings(d, x, "tasks");
		t->examples = jschema_at(x, "examples");
		t->weight = jval_num(weights, t->type, 1);
	}
}

static void
fill_training(struct jdomain *d)
{
	const struct jschema *s = &jdomain_schema;
	struct jdomain_training *t = &d->training, *f = &d->finetune;

	t->preset = jschema_str(s, d->root, "training.preset");
	t->schedule = jschema_str(s, d->root, "training.schedule");
	t->optimizer = jschema_str(s, d->root, "training.optimizer");
	t->steps = jschema_int(s, d->root, "training.steps");
	t->batch = jschema_int(s, d->root, "training.batch");
	t->seq = jschema_int(s, d->root, "training.seq");
	t->warmup = jschema_int(s, d->root, "training.warmup");
	t->accumulate = jschema_int(s, d->root, "training.accumulate");
	t->seed = jschema_int(s, d->root, "training.seed");
	t->vocab_size = jschema_int(s, d->root, "training.vocab_size");
	t->lr = jschema_num(s, d->root, "training.lr");
	t->weight_decay = jschema_num(s, d->root, "training.weight_decay");
	t->clip = jschema_num(s, d->root, "training.clip");

	f->schedule = jschema_str(s, d->root, "finetune.schedule");
	f->optimizer = jschema_str(s, d->root, "finetune.optimizer");
	f->steps = jschema_int(s, d->root, "finetune.steps");
	f->batch = jschema_int(s, d->root, "finetune.batch");
	f->seq = jschema_int(s, d->root, "finetune.seq");
	f->warmup = jschema_int(s, d->root, "finetune.warmup");
	f->accumulate = jschema_int(s, d->root, "finetune.accumulate");
	f->seed = jschema_int(s, d->root, "finetune.seed");
	f->lr = jschema_num(s, d->root, "finetune.lr");
	f->weight_decay = jschema_num(s, d->root, "finetune.weight_decay");
	f->clip = jschema_num(s, d->root, "finetune.clip");
}

static int
fill_mix(struct jdomain *d, struct jerr *e)
{
	const struct jval *v = jschema_at(d->root, "mix_ratio");
	const struct jschema *s = &jdomain_schema;
	struct jdomain_mix *m = &d->mix;
	double sum;

	m->given = v != NULL;
	m->real_docs = jschema_num(s, d->root, "mix_ratio.real_docs");
	m->real_code = jschema_num(s, d->root, "mix_ratio.real_code");
	m->synthetic_qa = jschema_num(s, d->root, "mix_ratio.synthetic_qa");
	m->synthetic_tutorials = jschema_num(s, d->root, "mix_ratio.synthetic_tutorials");
	m->synthetic_debug = jschema_num(s, d->root, "mix_ratio.synthetic_debug");
	sum = m->real_docs + m->real_code + m->synthetic_qa + m->synthetic_tutorials +
		m->synthetic_debug;
	/* A hair more than the tolerance: 0.99 is not exact in binary. */
	if (fabs(sum - 1) > MIX_TOLERANCE + 1e-9)
		return jerr_set(e, JERR_FORMAT, "%s:%d: mix_ratio: expected a sum of 1, found %.4g",
			d->file, v ? v->line : 1, sum);
	return 0;
}

/* What is trained: a base and how, or a model from scratch. */
static int
fill_mode(struct jdomain *d, struct jerr *e)
{
	const struct jschema *s = &jdomain_schema;
	bool scratch;

	d->base = jschema_str(s, d->root, "base");
	d->mode = jschema_str(s, d->root, "mode");
	d->lora = jschema_str(s, d->root, "lora");
	if (!d->mode)
		d->mode = d->base ? "lora" : "scratch";
	scratch = strcmp(d->mode, "scratch") == 0;
	if (scratch != !d->base)
		return jerr_set(e, JERR_FORMAT, scratch ? "%s:%d: base: mode scratch trains without one"
			: "%s:%d: mode: %s needs a base", d->file,
			jval_get(d->root, scratch ? "base" : "mode")->line, d->mode);
	if (d->lora && strcmp(d->mode, "lora") != 0)
		return jerr_set(e, JERR_FORMAT, "%s:%d: lora: the mode is %s", d->file,
			jval_get(d->root, "lora")->line, d->mode);
	if (d->base && (jschema_str(s, d->root, "training.preset")
		|| jschema_int(s, d->root, "training.vocab_size")))
		return jerr_set(e, JERR_FORMAT, "%s:%d: training: preset and vocab_size are those of the "
			"base", d->file, jval_get(d->root, "training")->line);
	return 0;
}

static int
check_name(const struct jdomain *d, struct jerr *e)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	if (d->name[strspn(d->name, set)] || d->name[0] == '.' || d->name[0] == '-')
		return jerr_set(e, JERR_FORMAT, "%s:%d: name: expected letters, digits, - and _, "
			"found '%.80s'", d->file, jval_get(d->root, "name")->line, d->name);
	return 0;
}

/* Weights of types that no template has would do nothing: they are refused. */
static int
check_templates(const struct jdomain *d, struct jerr *e)
{
	const struct jval *w = jschema_at(d->root, "generation.template_weights");
	size_t i, k;

	for (i = 0; w && i < w->u.o.n; i++) {
		for (k = 0; k < d->n_templates; k++)
			if (strcmp(w->u.o.k[i], d->templates[k].type) == 0)
				break;
		if (k == d->n_templates)
			return jerr_set(e, JERR_FORMAT,
				"%s:%d: template_weights: no template has the type '%.80s'", d->file,
				w->u.o.v[i]->line, w->u.o.k[i]);
	}
	for (k = 0; k < d->n_templates; k++)
		if (d->templates[k].examples && d->templates[k].examples->type != JVAL_ARR)
			return jerr_set(e, JERR_FORMAT, "%s:%d: examples: expected a list", d->file,
				d->templates[k].examples->line);
	return 0;
}

/*
 * The sections beside `domain:` and those inside it as the members of one object.  A section that
 * is in both places is refused.
 */
static int
flatten(struct jdomain *d, struct jval *top, struct jerr *e)
{
	const struct jval *domain = jval_get(top, "domain");
	struct jval *flat;
	size_t i, n = 0;

	d->root = top;
	if (!domain || domain->type != JVAL_OBJ)
		return 0;
	flat = jarena_alloc(&d->arena, 1, sizeof(*flat));
	flat->type = JVAL_OBJ;
	flat->line = domain->line;
	flat->u.o.k = jarena_alloc(&d->arena, domain->u.o.n + top->u.o.n, sizeof(*flat->u.o.k));
	flat->u.o.v = jarena_alloc(&d->arena, domain->u.o.n + top->u.o.n, sizeof(*flat->u.o.v));
	for (i = 0; i < domain->u.o.n; i++, n++) {
		flat->u.o.k[n] = domain->u.o.k[i];
		flat->u.o.v[n] = domain->u.o.v[i];
	}
	for (i = 0; i < top->u.o.n; i++) {
		if (top->u.o.v[i] == domain)
			continue;
		if (jval_get(domain, top->u.o.k[i]))
			return jerr_set(e, JERR_FORMAT, "%s:%d: '%.80s' is there twice, in domain and "
				"beside it", d->file, top->u.o.v[i]->line, top->u.o.k[i]);
		flat->u.o.k[n] = top->u.o.k[i];
		flat->u.o.v[n++] = top->u.o.v[i];
	}
	flat->u.o.n = n;
	d->root = flat;
	return 0;
}

static int
fill(struct jdomain *d, struct jerr *e)
{
	const struct jschema *s = &jdomain_schema;

	d->name = jschema_str(s, d->root, "name");
	d->description = jschema_str(s, d->root, "description");
	d->language = jschema_str(s, d->root, "language");
	d->keywords = strings(d, d->root, "keywords");
	d->negative_keywords = strings(d, d->root, "negative_keywords");
	d->questions = strings(d, d->root, "questions");
	d->benchmarks = strings(d, d->root, "evaluation.benchmarks");
	d->custom_eval_file = jschema_str(s, d->root, "evaluation.custom_eval_file");
	d->min_accuracy = jschema_num(s, d->root, "evaluation.min_accuracy");
	d->min_coherence = jschema_num(s, d->root, "evaluation.min_coherence");
	fill_sources(d);
	fill_templates(d);
	fill_training(d);
	if (fill_mode(d, e) < 0)
		return e->code;
	if (check_name(d, e) < 0 || check_templates(d, e) < 0)
		return e->code;
	return fill_mix(d, e);
}

int
jdomain_parse(struct jdomain *d, const char *text, size_t n, const char *name, struct jerr *e)
{
	struct jerr own = { 0 };
	struct jval *top;

	e = e ? e : &own;
	memset(d, 0, sizeof(*d));
	jarena_init(&d->arena, 0);
	d->file = jarena_strndup(&d->arena, name, strlen(name));
	if (jval_parse_yaml(&top, text, n, d->file, &d->arena, e) < 0 || flatten(d, top, e) < 0 ||
	    jschema_check(&jdomain_schema, d->root, d->file, e) < 0 || fill(d, e) < 0) {
		jdomain_release(d);
		return e->code;
	}
	return 0;
}

int
jdomain_load(struct jdomain *d, const char *path, struct jerr *e)
{
	struct jbuf b;
	int rc;

	memset(d, 0, sizeof(*d));
	jbuf_init_max(&b, MAX_FILE);
	rc = jin_slurp(path, &b, e);
	if (rc == 0)
		rc = jdomain_parse(d, b.p, b.n, path, e);
	jbuf_release(&b);
	return rc;
}

void
jdomain_release(struct jdomain *d)
{
	jarena_release(&d->arena);
	memset(d, 0, sizeof(*d));
}
