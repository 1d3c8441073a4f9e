/*
 * run.c - the verbs that train or plan: options to struct jtrain_opts, hooks to the command line.
 */
#include <string.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "jtrain_tool.h"
#include "record/jrec.h"

struct tool {
	struct jcli *cli;
	struct jout *rejects;
	struct jerr e;		/* of the rejects file, reported at the end */
};

static void
hook_note(void *arg, const char *line)
{
	struct tool *t = arg;

	jcli_info(t->cli, "%s", line);
}

static void
hook_warn(void *arg, const char *line)
{
	struct tool *t = arg;

	jcli_warn(t->cli, "%s", line);
}

static void
hook_progress(void *arg, int64_t step, int64_t steps, const char *extra)
{
	struct tool *t = arg;

	jcli_progress(t->cli, "steps", (uint64_t)step, (uint64_t)steps, extra);
}

static bool
hook_stopping(void *arg)
{
	struct tool *t = arg;

	return jcli_stopping(t->cli);
}

/* The refused line with the reason; one that is no record goes in as a string. */
void
tool_put_reject(struct jout *to, const char *line, size_t n, const char *reason, struct jerr *e)
{
	struct jarena a;
	struct jerr bad = { 0 };
	struct jbuf why, out;
	struct jrec r;

	jarena_init(&a, 0);
	jbuf_init(&why);
	jbuf_init(&out);
	jjson_str(&why, reason, strlen(reason));
	if (line && jrec_parse(&r, line, n, &a, &bad) == 0) {
		struct jrec_edit ed = { .key = "drop", .val = why.p, .val_n = why.n };

		jrec_write_edits(&r, &ed, 1, &out);
	} else {
		jrec_begin(&out);
		if (line)
			jrec_put_str(&out, "line", line, n);
		jrec_put_str(&out, "drop", reason, strlen(reason));
		jrec_end(&out);
	}
	jout_write(to, out.p, out.n, e);
	jbuf_release(&out);
	jbuf_release(&why);
	jarena_release(&a);
}

static void
hook_record(void *arg, const char *line, size_t n, const char *reason)
{
	struct tool *t = arg;
	struct jcli_counts *c = jcli_counts(t->cli);

	c->in++;
	c->bytes_in += n + 1;
	if (!reason) {
		c->out++;
		return;
	}
	jcli_reject(t->cli, reason);
	if (t->rejects)
		tool_put_reject(t->rejects, line, n, reason, &t->e);
}

void
train_take_common(struct jcli *cli, struct train_values *v)
{
	const struct jcommon *c = jcli_common(cli);
	struct jtrain_opts *o = &v->o;
	size_t i;

	o->data = v->data.v;
	o->n_data = v->data.n;
	o->mix = v->mix.v;
	o->n_mix = v->mix.n;
	o->valid = v->valid.v;
	o->n_valid = v->valid.n;
	o->lr_scale = v->lr_scale.v;
	o->n_lr_scale = v->lr_scale.n;
	o->decay_scale = v->decay_scale.v;
	o->n_decay_scale = v->decay_scale.n;
	o->out = strcmp(c->output, "-") == 0 ? NULL : c->output;
	o->seed = c->seed;
	o->jobs = c->jobs;
	/* Training may use the whole machine unless told otherwise. */
	o->memory = jcli_was_set(cli, "memory") ? c->memory : jsys_memory();
	o->max_line = (uint64_t)c->max_line;
	if (jcli_was_set(cli, "recompute"))
		o->recompute = v->recompute;
	if (o->model && jfs_exists(o->model))	/* else a preset */
		jcli_input(cli, o->model);
	if (o->tokenizer)
		jcli_input(cli, o->tokenizer);
	if (o->branch)
		jcli_input(cli, o->branch);
	if (o->adapter)
		jcli_input(cli, o->adapter);
	for (i = 0; i < v->data.n; i++)
		jcli_input(cli, v->data.v[i]);
	for (i = 0; i < v->valid.n; i++)
		jcli_input(cli, v->valid.v[i]);
}

static int
no_operands(int argc, char **argv, struct jerr *e)
{
	return argc == 0 ? 0 : jerr_set(e, JERR_ARG, "unexpected operand '%s': data is named by "
		"--data", argv[0]);
}

int
tool_train(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct train_values *v = arg;
	const char *rejects = jcli_common(cli)->rejects;
	struct tool t = { .cli = cli };
	struct jtrain_hooks h = { .arg = &t, .note = hook_note, .warn = hook_warn,
		.progress = hook_progress, .stopping = hook_stopping, .record = hook_record };
	int rc;

	if (no_operands(argc, argv, e) < 0)
		return e->code;
	train_take_common(cli, v);
	if (rejects && jout_open(&t.rejects, rejects, e) < 0)
		return e->code;
	jcli_catch_stop(cli);
	rc = jtrain_run(&v->o, &h, e);
	if (!t.rejects)
		return rc;
	if (t.e.code < 0) {
		jout_abort(t.rejects);
		return rc < 0 ? rc : jerr_set(e, t.e.code, "%s", t.e.msg);
	}
	return jout_commit(t.rejects, e) < 0 ? e->code : rc;
}

int
tool_plan(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct train_values *v = arg;
	struct tool t = { .cli = cli };
	struct jtrain_hooks h = { .arg = &t, .note = hook_note, .warn = hook_warn };
	struct jtrain_plan plan;
	struct jout *out;
	struct jbuf b;
	int rc;

	if (argc > 0 && (strcmp(argv[0], "pretrain") == 0 || strcmp(argv[0], "sft") == 0)) {
		v->o.objective = argv[0];
		argc--;
		argv++;
	}
	if (no_operands(argc, argv, e) < 0)
		return e->code;
	train_take_common(cli, v);
	rc = jtrain_plan(&v->o, &h, &plan, e);
	if (plan.total == 0)
		return rc;
	/* -o names the folder of the run that is planned; the plan itself goes to standard output. */
	jbuf_init(&b);
	jtrain_plan_text(&plan, &b);
	if (jout_open(&out, "-", e) == 0) {
		jout_write(out, b.p, b.n, e);
		jout_commit(out, e);
	}
	jbuf_release(&b);
	return e->code;
}
