/*
 * tune.c - jtrain tune: a search whose trials are runs in this process.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jjson.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "jtrain_tool.h"
#include "record/jrec.h"
#include "train/jtune.h"

#define TAIL 10		/* a loss is the mean of the last 1/TAIL of the steps */

struct tuner {
	struct jcli *cli;
	struct tune_values *v;
	struct train_values base;	/* options without those of a trial */
	struct jtune_space space;
	int64_t until, step;		/* of the trial that runs */
	struct jarena arena;		/* texts of its options */
};

void
tune_options(struct tune_values *v, struct jopt table[TRAIN_OPTIONS])
{
	size_t n = 0;

	train_options(&v->train, table);
	while (table[n].type != JOPT_END)
		n++;
	if (n + 4 > TRAIN_OPTIONS)
		jbug("option table: %zu rows", n);
	table[n++] = (struct jopt){ .type = JOPT_HEAD, .name = "Search" };
	table[n++] = (struct jopt){ "space", 0, JOPT_STR, &v->space, "FILE",
		.help = "YAML file: what to search and how" };
	table[n++] = (struct jopt){ "objective", 0, JOPT_STR, &v->train.o.objective, "NAME",
		.choices = "pretrain|sft", .help = "what the trials do" };
	table[n] = (struct jopt){ .type = JOPT_END };
	v->table = table;
	v->train.o.objective = "pretrain";
}

static bool
is_choice(const char *choices, const char *word)
{
	size_t n = strlen(word);
	const char *at = choices;

	for (; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, word, n) == 0 && (at[n] == '|' || at[n] == 0))
			return true;
	}
	return !choices;
}

/* Gives an option of the table the value of a text. */
static int
set_option(struct tuner *t, const struct jtune_param *p, const char *text, struct jerr *e)
{
	const struct jopt *o = t->v->table;
	int rc = JERR_ARG;

	if (strcmp(p->name, "seed") == 0)
		return jstr_to_i64(text, &t->v->train.o.seed) == 0 ? 0
			: jerr_set(e, JERR_ARG, "%s:%d: seed: '%s' is no number", t->space.file,
				p->line, text);
	while (o->type != JOPT_END && (o->type == JOPT_HEAD || strcmp(o->name, p->name) != 0))
		o++;
	if (o->type == JOPT_END || o->type == JOPT_LIST || o->value == &t->v->space)
		return jerr_set(e, JERR_ARG, "%s:%d: '%s' is no option that can be searched",
			t->space.file, p->line, p->name);
	if (o->type == JOPT_INT)
		rc = jstr_to_i64(text, o->value);
	else if (o->type == JOPT_DOUBLE)
		rc = jstr_to_double(text, o->value);
	else if (o->type == JOPT_STR && is_choice(o->choices, text)) {
		*(const char **)o->value = jarena_strndup(&t->arena, text, strlen(text));
		rc = 0;
	} else if (o->type == JOPT_BOOL && is_choice("true|false", text)) {
		*(bool *)o->value = strcmp(text, "true") == 0;
		rc = 0;
	}
	return rc == 0 ? 0 : jerr_set(e, JERR_ARG, "%s:%d: %s: '%s' is no value of that option%s%s",
		t->space.file, p->line, p->name, text, o->choices ? ", expected one of " : "",
		o->choices ? o->choices : "");
}

/* The options of a trial. */
static int
set_trial(struct tuner *t, int64_t trial, struct jerr *e)
{
	struct jbuf b;
	size_t p;

	t->v->train = t->base;
	jarena_reset(&t->arena);
	jbuf_init(&b);
	for (p = 0; p < t->space.n_params && e->code == 0; p++) {
		jbuf_reset(&b);
		jtune_value(&t->space, trial, p, &b);
		set_option(t, &t->space.params[p], b.p, e);
	}
	jbuf_release(&b);
	return e->code;
}

static void
hook_progress(void *arg, int64_t step, int64_t steps, const char *extra)
{
	struct tuner *t = arg;

	t->step = step;
	jcli_progress(t->cli, "steps", (uint64_t)step, (uint64_t)steps, extra);
}

static bool
hook_stopping(void *arg)
{
	struct tuner *t = arg;

	return t->step >= t->until || jcli_stopping(t->cli);
}

static void
hook_warn(void *arg, const char *line)
{
	struct tuner *t = arg;

	jcli_warn(t->cli, "%s", line);
}

/* The metric of a log up to a step: the last held-out loss, or the mean of the last losses. */
static int
read_metric(const char *path, int64_t until, bool by_valid, double *value, struct jerr *e)
{
	double x, sum = 0;
	int64_t step, n = 0;
	struct jarena a;
	struct jin *in;
	struct jrec r;
	char *line;
	size_t len;

	*value = NAN;
	if (jin_open(&in, path, e) < 0)
		return e->code;
	jarena_init(&a, 0);
	while (jin_line(in, &line, &len, e) == 1 && jrec_parse(&r, line, len, &a, e) == 0) {
		if (!jrec_int(&r, "step", &step) || step > until)
			break;
		if (by_valid && jrec_num(&r, "valid_loss", &x))
			*value = x;
		if (!by_valid && step > until - (until + TAIL - 1) / TAIL && jrec_num(&r, "loss", &x)) {
			sum += x;
			n++;
		}
		jarena_reset(&a);
	}
	jarena_release(&a);
	jin_close(in);
	if (!by_valid && n > 0)
		*value = sum / (double)n;
	if (e->code == 0 && isnan(*value))
		return jerr_set(e, JERR_FORMAT, "%s: no %s up to step %lld%s", path,
			by_valid ? "held-out loss" : "loss", (long long)until,
			by_valid ? ": --valid-every must divide the steps of a round" : "");
	return e->code;
}

static int
run_trial(void *arg, int64_t trial, const char *dir, int64_t until, double *value, struct jerr *e)
{
	struct tuner *t = arg;
	struct jtrain_hooks h = { .arg = t, .warn = hook_warn, .progress = hook_progress,
		.stopping = hook_stopping };
	struct jbuf log;
	int rc;

	if (set_trial(t, trial, e) < 0)
		return e->code;
	t->v->train.o.out = dir;
	if (t->base.o.log_to)	/* a run of its own for TensorBoard */
		t->v->train.o.log_to = jarena_printf(&t->arena, "%s/%s", t->base.o.log_to, jfs_base(dir));
	t->v->train.o.resume = true;
	t->until = until;
	t->step = 0;
	rc = jtrain_run(&t->v->train.o, &h, e);
	if (rc == JERR_STOP && !jcli_stopping(t->cli))	/* the end of its round */
		jerr_clear(e);
	if (e->code < 0)
		return e->code;
	jbuf_init(&log);
	jbuf_printf(&log, "%s/metrics.jsonl", dir);
	read_metric(log.p, until, t->space.by_valid, value, e);
	jbuf_release(&log);
	return e->code;
}

static void
hook_note(void *arg, const char *line)
{
	struct tuner *t = arg;

	jcli_info(t->cli, "%s", line);
}

/* One line a trial, best first. */
static void
put_results(const struct tuner *t, const struct jtune_result *v, struct jbuf *b)
{
	int64_t i;
	size_t p;

	jbuf_printf(b, "%6s %8s %10s", "trial", "steps", t->space.by_valid ? "held-out" : "loss");
	for (p = 0; p < t->space.n_params; p++)
		jbuf_printf(b, "  %s", t->space.params[p].name);
	jbuf_addc(b, '\n');
	for (i = 0; i < t->space.trials; i++) {
		jbuf_printf(b, "%6lld %8lld ", (long long)v[i].trial, (long long)v[i].steps);
		if (isfinite(v[i].value))
			jbuf_printf(b, "%10.4f", v[i].value);
		else
			jbuf_printf(b, "%10s", "failed");
		for (p = 0; p < t->space.n_params; p++) {
			jbuf_adds(b, "  ");
			jtune_value(&t->space, v[i].trial, p, b);
		}
		jbuf_addc(b, '\n');
	}
}

/* The table and the curve of the best, to standard output; DIR/best points to it. */
static int
report(struct tuner *t, const char *dir, const struct jtune_result *v, struct jerr *e)
{
	struct plot_values plot = { .width = 80, .height = 20 };
	char name[32], path[4096], link[4096], tmp[4096];
	char *logs[1] = { path };
	struct jout *out;
	struct jbuf b;

	if (!isfinite(v[0].value))
		return jerr_set(e, JERR_LIMIT, "every trial failed; %s/ledger.jsonl says why", dir);
	snprintf(name, sizeof(name), "trial-%04lld", (long long)v[0].trial);
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)
		|| snprintf(link, sizeof(link), "%s/best", dir) >= (int)sizeof(link)
		|| snprintf(tmp, sizeof(tmp), "%s/.best.tmp.%ld", dir, (long)getpid()) >= (int)sizeof(tmp))
		return jerr_set(e, JERR_ARG, "%s: path too long", dir);
	unlink(tmp);
	if (symlink(name, tmp) < 0)
		return jerr_sys(e, "%s: cannot make the link", tmp);
	jbuf_init(&b);
	put_results(t, v, &b);
	jbuf_printf(&b, "\nbest: %s\n", path);
	if (jfs_rename(tmp, link, e) == 0 && jout_open(&out, "-", e) == 0) {
		jout_write(out, b.p, b.n, e);
		jout_commit(out, e);
	}
	jbuf_release(&b);
	return e->code < 0 ? e->code : plot_logs(t->cli, &plot, "-", 1, logs, e);
}

/* All values of the space must be values of options before the first trial runs. */
static int
check_space(struct tuner *t, struct jerr *e)
{
	const struct jtune_space *s = &t->space;
	size_t p, i;
	int64_t k;

	for (p = 0; p < s->n_params; p++)
		for (i = 0; s->params[p].values && i < s->params[p].n; i++)
			if (set_option(t, &s->params[p], s->params[p].values[i], e) < 0)
				return e->code;
	for (k = 0; k < s->trials; k++)
		if (set_trial(t, k, e) < 0 || jtrain_check(&t->v->train.o, e) < 0)
			return jerr_wrap(e, "trial %lld", (long long)k);
	t->v->train = t->base;
	return 0;
}

/* Halving reads a held-out loss at the end of every round. */
static int
check_rounds(struct tuner *t, struct jerr *e)
{
	struct jtrain_opts *o = &t->base.o;
	int64_t first = t->space.first;

	if (t->space.method != JTUNE_HALVING)
		return 0;
	if (o->valid_every == 0)
		o->valid_every = first;
	if (!t->space.by_valid || first >= o->steps || first % o->valid_every == 0)
		return 0;
	return jerr_set(e, JERR_ARG, "%s: --valid-every %lld does not divide the %lld steps of the first "
		"round", t->space.file, (long long)o->valid_every, (long long)first);
}

/* Options that change how a trial runs or what it tells, not what comes out. */
static bool
is_aside(const char *name)
{
	static const char *const aside[] = { "log", "log-every", "log-to", "wandb", "save-every", "keep",
		"resume", "recompute", "accumulate", "space" };
	size_t i;

	for (i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		if (strcmp(name, aside[i]) == 0)
			return true;
	return false;
}

static void
put_option(const struct jopt *o, struct jbuf *b)
{
	const struct jopt_list *list = o->value;
	size_t i;

	jbuf_printf(b, "--%s", o->name);
	if (o->type == JOPT_INT)
		jbuf_printf(b, " %lld", (long long)*(const int64_t *)o->value);
	else if (o->type == JOPT_DOUBLE) {
		jbuf_addc(b, ' ');
		jjson_num(b, *(const double *)o->value);
	} else if (o->type == JOPT_BOOL)
		jbuf_adds(b, *(const bool *)o->value ? " true" : " false");
	else if (o->type == JOPT_STR)
		jbuf_printf(b, " %s", *(const char *const *)o->value ? *(const char *const *)o->value : "");
	for (i = 0; o->type == JOPT_LIST && i < list->n; i++)
		jbuf_printf(b, " %s", list->v[i]);
	jbuf_addc(b, '\n');
}

/* What all trials have in common, a line for each option of the table. */
static void
put_options(const struct tuner *t, struct jbuf *b)
{
	const struct jopt *o;

	for (o = t->v->table; o->type != JOPT_END; o++)
		if (o->type != JOPT_HEAD && !is_aside(o->name))
			put_option(o, b);
	jbuf_printf(b, "--seed %lld\n", (long long)t->base.o.seed);
}

static int
search(struct tuner *t, struct jerr *e)
{
	const struct jtrain_opts *o = &t->base.o;
	struct jtune_runner r = { .arg = t, .run = run_trial, .note = hook_note };
	struct jtune_result *v;
	struct jbuf options;

	if (!o->out)
		return jerr_set(e, JERR_ARG, "-o is missing: the folder of the search");
	if (o->log)
		return jerr_set(e, JERR_ARG, "--log: every trial has its log in its folder, %s/trial-NNNN",
			o->out);
	if (o->steps < 1)
		return jerr_set(e, JERR_ARG, "--steps is missing: how far the longest trial goes");
	if (t->space.by_valid && o->n_valid == 0)
		return jerr_set(e, JERR_ARG, "%s: metric valid_loss needs --valid", t->space.file);
	if (check_rounds(t, e) < 0 || check_space(t, e) < 0)
		return e->code;
	jbuf_init(&options);
	put_options(t, &options);
	t->space.options = options.p;
	v = jmem_zalloc((size_t)t->space.trials, sizeof(*v));
	if (jtune_search(&t->space, o->out, o->steps, &r, v, e) == 0)
		report(t, o->out, v, e);
	jmem_free(v);
	jbuf_release(&options);
	return e->code;
}

int
tool_tune(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct tune_values *v = arg;
	struct tuner t = { .cli = cli, .v = v };

	if (argc > 0)
		return jerr_set(e, JERR_ARG, "unexpected operand '%s'", argv[0]);
	if (!v->space)
		return jerr_set(e, JERR_ARG, "--space is missing: a YAML file");
	train_take_common(cli, &v->train);
	t.base = v->train;
	jcli_input(cli, v->space);
	jcli_catch_stop(cli);
	jarena_init(&t.arena, 0);
	if (jtune_load(&t.space, v->space, e) == 0)
		search(&t, e);
	jtune_release(&t.space);
	jarena_release(&t.arena);
	return e->code;
}
