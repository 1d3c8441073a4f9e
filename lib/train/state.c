/*
 * state.c - checkpoints and the finished model on disk, and the way back.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/jval.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "model/jsafetensors.h"
#include "train/train_internal.h"

#define STATE_FILE "trainer_state.json"
#define OPTIMIZER_FILE "optimizer.safetensors"
#define STATE_FORMAT 1

/* The values that outliers are held against; nothing where there are none. */
static void
put_window(struct jbuf *b, const char *name, const struct window *w)
{
	int i;

	if (w->n == 0)
		return;
	jbuf_printf(b, ", \"%s\": [", name);
	for (i = 0; i < w->n; i++) {
		if (i > 0)
			jbuf_adds(b, ", ");
		jjson_num(b, w->v[i]);
	}
	jbuf_addc(b, ']');
}

static void
get_window(const struct jval *v, const char *name, struct window *w)
{
	const struct jval *list = jval_get(v, name);
	size_t i;

	w->n = 0;
	for (i = 0; list && list->type == JVAL_ARR && i < list->u.a.n && i < WINDOW_MAX; i++) {
		const struct jval *x = list->u.a.v[i];

		w->v[w->n++] = x->type == JVAL_INT ? (double)x->u.i
			: x->type == JVAL_DOUBLE ? x->u.d : 0;
	}
}

static int
put_state(struct train *t, const char *dir, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jbuf_printf(&b, "{\"format\": %d, \"step\": %lld, \"steps\": %lld, \"tokens\": %llu, "
		"\"optimizer_steps\": %lld, \"rows_per_epoch\": %llu", STATE_FORMAT,
		(long long)t->step, (long long)t->steps, (unsigned long long)t->tokens,
		(long long)joptim_steps(t->opt), (unsigned long long)t->feed.rows);
	if (!isnan(t->loss)) {
		jbuf_adds(&b, ", \"loss\": ");
		jjson_num(&b, t->loss);
	}
	if (!isnan(t->valid_loss)) {
		jbuf_adds(&b, ", \"valid_loss\": ");
		jjson_num(&b, t->valid_loss);
	}
	if (!isnan(t->best_loss)) {
		jbuf_adds(&b, ", \"best_loss\": ");
		jjson_num(&b, t->best_loss);
		jbuf_printf(&b, ", \"best_step\": %lld, \"stale\": %lld",
			(long long)t->best_step, (long long)t->stale);
	}
	if (t->sched.cool_steps > 0)
		jbuf_printf(&b, ", \"cooldown_from\": %lld", (long long)t->sched.cool_from);
	if (train_out_of_patience(t))
		jbuf_adds(&b, ", \"stopped_early\": true");
	put_window(&b, "losses", &t->losses);
	put_window(&b, "norms", &t->norms);
	jbuf_adds(&b, ", \"options\": ");
	train_put_options(t, &b);
	jbuf_adds(&b, ", \"files\": ");
	rc = train_put_sums(dir, &t->arena, &b, e);
	jbuf_adds(&b, "}\n");
	if (rc == 0)
		rc = jout_put(jfs_join(&t->arena, dir, STATE_FILE), b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
put_optimizer(struct train *t, const char *dir, struct jerr *e)
{
	struct jst_writer *w;
	struct joptim_state s;
	size_t i;

	if (jst_create(&w, jfs_join(&t->arena, dir, OPTIMIZER_FILE), e) < 0)
		return e->code;
	for (i = 0; joptim_state(t->opt, i, &s); i++)
		jst_declare(w, s.name, s.dtype, s.n_dims, s.shape);
	for (i = 0; joptim_state(t->opt, i, &s); i++) {
		if (s.dtype == JDT_F32)
			jst_put_f32(w, s.data, (uint64_t)s.count, e);
		else
			jst_put(w, s.data, jten_bytes(s.dtype, s.count), e);
		if (e->code < 0) {
			jst_abort(w);
			return e->code;
		}
	}
	return jst_commit(w, e);
}

/* Numbers of the whole checkpoints in dir, ascending, into the arena. */
static size_t
list_checkpoints(const char *dir, struct jarena *a, char ***out)
{
	struct jerr ignored = { 0 };
	char **names;
	size_t n, i, k = 0;

	*out = NULL;
	if (jfs_list(dir, a, &names, &n, &ignored) < 0)
		return 0;
	for (i = 0; i < n; i++) {
		const char *tail = names[i] + strlen("checkpoint-");

		if (!jstr_starts(names[i], "checkpoint-") || strspn(tail, "0123456789") != strlen(tail))
			continue;
		if (jfs_exists(jfs_join(a, jfs_join(a, dir, names[i]), STATE_FILE)))
			names[k++] = names[i];
	}
	*out = names;
	return k;
}

const char *
train_find_checkpoint(const char *dir, struct jarena *a)
{
	char **names;
	size_t n = list_checkpoints(dir, a, &names);

	return n ? jfs_join(a, dir, names[n - 1]) : NULL;
}

static const char *
checkpoint_name(struct train *t, int64_t step)
{
	return jarena_printf(&t->arena, "checkpoint-%09lld", (long long)step);
}

static int
point(struct train *t, const char *link, const char *name, struct jerr *e)
{
	const char *tmp = jarena_printf(&t->arena, "%s/.latest.tmp.%ld", t->o->out, (long)getpid());

	unlink(tmp);
	if (symlink(name, tmp) < 0)
		return jerr_sys(e, "%s: cannot make the link", tmp);
	return jfs_rename(tmp, jfs_join(&t->arena, t->o->out, link), e);
}

/* Links to the newest checkpoint and to the best; those that are neither and too old go. */
static int
arrange(struct train *t, struct jerr *e)
{
	const char *best = t->o->keep_best && t->best_step > 0 ? checkpoint_name(t, t->best_step)
		: "";
	char **names;
	size_t n = list_checkpoints(t->o->out, &t->arena, &names), i;

	if (n == 0)
		return 0;
	if (point(t, "latest", names[n - 1], e) < 0)
		return e->code;
	if (*best && jfs_exists(jfs_join(&t->arena, t->o->out, best))
		&& point(t, "best", best, e) < 0)
		return e->code;
	for (i = 0; i + (size_t)t->o->keep < n; i++)
		if (strcmp(names[i], best) != 0
			&& jfs_remove_tree(jfs_join(&t->arena, t->o->out, names[i]), e) < 0)
			return e->code;
	return 0;
}

/* A folder that others can read as a model. */
static int
put_model(struct train *t, const char *dir, enum jdtype dtype, struct jerr *e)
{
	if (t->model->adapter) {
		jadapter_set_dtype(t->model->adapter, dtype);
		jadapter_save(t->model->adapter, dir, e);
	} else {
		jmodel_save(t->model, dir, dtype, e);
	}
	return e->code < 0 ? e->code : jtok_save(t->tok, dir, e);
}

/* A checkpoint could not be written: says what is left of the run. */
static int
tell_last(struct train *t, struct jerr *e)
{
	const char *last = train_find_checkpoint(t->o->out, &t->arena);

	return jerr_wrap(e, "step %lld is not saved, %s%s", (long long)t->step, last ? last
		: "no checkpoint was before it", last ? " is whole, --resume goes on from there" : "");
}

int
train_save_checkpoint(struct train *t, struct jerr *e)
{
	struct jarena_mark mark = jarena_mark(&t->arena);
	char *dir, *tmp;
	int rc;

	dir = jfs_join(&t->arena, t->o->out, checkpoint_name(t, t->step));
	if (jfs_dir_begin(dir, &t->arena, &tmp, e) < 0)
		return tell_last(t, e);
	/* The averages are the model; the optimizer's file has the weights in their place. */
	joptim_swap_average(t->opt);
	if (put_model(t, tmp, JDT_F32, e) < 0 || put_optimizer(t, tmp, e) < 0
		|| put_state(t, tmp, e) < 0) {
		jfs_dir_abort(tmp);
		return tell_last(t, e);
	}
	joptim_swap_average(t->opt);
	rc = jfs_dir_commit(tmp, dir, e);
	if (rc == 0)
		rc = arrange(t, e);
	jarena_rewind(&t->arena, mark);
	return rc;
}

/* Moves every file of tmp into dir, the one that makes it a model or an adapter last. */
static int
move_files(const char *tmp, const char *dir, struct jarena *a, struct jerr *e)
{
	const char *last = jadapter_is(tmp) ? "adapter_config.json" : "config.json";
	char **names;
	size_t n, i;

	if (jfs_list(tmp, a, &names, &n, e) < 0)
		return e->code;
	for (i = 0; i < n; i++)
		if (strcmp(names[i], last) != 0 && jfs_rename(jfs_join(a, tmp, names[i]),
			jfs_join(a, dir, names[i]), e) < 0)
			return e->code;
	return jfs_rename(jfs_join(a, tmp, last), jfs_join(a, dir, last), e);
}

/* The weights of a checkpoint in place of the last ones. */
static int
take_weights(struct train *t, const char *dir, struct jerr *e)
{
	struct jst *st;
	size_t i;

	if (t->model->adapter)
		return train_take_adapter(t, dir, e);
	if (jst_open_dir(&st, dir, e) < 0)
		return e->code;
	for (i = 0; i < t->model->n_params && e->code == 0; i++) {
		struct jparam *p = &t->model->params[i];
		const struct jst_tensor *x = jst_find(st, p->name);

		if (!x || x->n_dims != p->n_dims
			|| memcmp(x->shape, p->shape, (size_t)p->n_dims * sizeof(*p->shape)) != 0)
			jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing or has another shape", dir,
				p->name);
		else
			jst_to_f32(x, p->value, e);
	}
	jst_close(st);
	return e->code;
}

/* Those of the best one. */
static int
take_best(struct train *t, struct jerr *e)
{
	const char *dir = jfs_join(&t->arena, t->o->out, checkpoint_name(t, t->best_step));

	if (take_weights(t, dir, e) < 0)
		return e->code;
	train_note(t->h, "the model is that of step %lld, held-out loss %.4f",
		(long long)t->best_step, t->best_loss);
	return 0;
}

int
train_save_final(struct train *t, struct jerr *e)
{
	char *tmp;
	int dtype = train_dtype(t->o->dtype, e);

	joptim_swap_average(t->opt);
	if (t->o->keep_best && t->best_step > 0 && t->best_step != t->step && take_best(t, e) < 0)
		return e->code;
	if (dtype < 0 || jfs_dir_begin(jfs_join(&t->arena, t->o->out, "model"), &t->arena, &tmp,
		e) < 0)
		return e->code;
	if (put_model(t, tmp, (enum jdtype)dtype, e) == 0 && put_state(t, tmp, e) == 0)
		move_files(tmp, t->o->out, &t->arena, e);
	jfs_dir_abort(tmp);
	return e->code;
}

bool
train_has_state(const char *dir, struct jarena *a)
{
	return jfs_exists(jfs_join(a, dir, STATE_FILE))
		&& jfs_exists(jfs_join(a, dir, OPTIMIZER_FILE));
}

static int
load_state(const char *dir, struct jarena *a, struct jval **v, struct jerr *e)
{
	const char *path = jfs_join(a, dir, STATE_FILE);
	int64_t format;

	if (jval_load_json(v, path, a, e) < 0)
		return e->code;
	format = jval_int(*v, "format", -1);
	if (format != STATE_FORMAT)
		return jerr_set(e, JERR_FORMAT, "%s: format %lld, expected %d", path,
			(long long)format, STATE_FORMAT);
	return 0;
}

static int
restore_optimizer(struct train *t, const char *dir, struct jerr *e)
{
	const char *path = jfs_join(&t->arena, dir, OPTIMIZER_FILE);
	struct joptim_state s;
	struct jst *st;
	size_t i;

	if (jst_open(&st, path, e) < 0)
		return e->code;
	for (i = 0; joptim_state(t->opt, i, &s); i++) {
		const struct jst_tensor *x = jst_find(st, s.name);

		if (!x)
			jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing", path, s.name);
		else if (x->count != s.count || x->dtype != s.dtype)
			jerr_set(e, JERR_FORMAT, "%s: tensor %s has %lld values of %s, expected %lld "
				"of %s", path, s.name, (long long)x->count, jdtype_name(x->dtype),
				(long long)s.count, jdtype_name(s.dtype));
		if (e->code < 0)
			break;
		if (s.dtype == JDT_U8)
			memcpy(s.data, x->data, (size_t)x->bytes);
		else if (jst_to_f32(x, s.data, e) < 0)
			break;
	}
	if (e->code == 0 && jst_count(st) != i)
		jerr_set(e, JERR_FORMAT, "%s: %llu tensors, expected %llu", path,
			(unsigned long long)jst_count(st), (unsigned long long)i);
	jst_close(st);
	return e->code;
}

/* The best so far; a branch and a cooldown begin a new search. */
static void
restore_best(struct train *t, const struct jval *v)
{
	char **names;

	if (list_checkpoints(t->o->out, &t->arena, &names) == 0
		|| (t->o->cooldown > 0 && !jval_get(v, "cooldown_from")))
		return;
	t->best_loss = jval_num(v, "best_loss", NAN);
	t->best_step = jval_int(v, "best_step", 0);
	t->stale = jval_int(v, "stale", 0);
}

int
train_restore(struct train *t, const char *checkpoint, struct jerr *e)
{
	struct jval *v;

	if (load_state(checkpoint, &t->arena, &v, e) < 0
		|| train_match_options(t, jval_get(v, "options"), checkpoint, e) < 0
		|| train_check_sums(jval_get(v, "files"), checkpoint, &t->arena, e) < 0
		|| (t->model->adapter && train_take_adapter(t, checkpoint, e) < 0)
		|| restore_optimizer(t, checkpoint, e) < 0)
		return e->code;
	t->step = jval_int(v, "step", -1);
	t->tokens = (uint64_t)jval_int(v, "tokens", 0);
	t->loss = jval_num(v, "loss", NAN);
	t->valid_loss = jval_num(v, "valid_loss", NAN);
	get_window(v, "losses", &t->losses);
	get_window(v, "norms", &t->norms);
	restore_best(t, v);
	if (t->o->cooldown > 0) {
		t->sched.cool_steps = t->o->cooldown;
		t->sched.cool_from = jval_int(v, "cooldown_from", t->step);
		t->steps = t->sched.cool_from + t->o->cooldown;
	}
	joptim_set_steps(t->opt, jval_int(v, "optimizer_steps", -1));
	if (t->step < 0 || joptim_steps(t->opt) < 0)
		return jerr_set(e, JERR_FORMAT, "%s/" STATE_FILE ": no step", checkpoint);
	joptim_swap_average(t->opt);
	return arrange(t, e);
}

static size_t
param_bytes(const struct jparam *p)
{
	size_t n = sizeof(float);
	int i;

	for (i = 0; i < p->n_dims; i++)
		n *= (size_t)p->shape[i];
	return n;
}

/* The weights that the run began with. */
static int
first_weights(struct train *t, struct jerr *e)
{
	struct jmodel *m;
	size_t i;

	if (t->model->adapter)
		return train_first_adapter(t, e);
	if (t->preset) {
		jmodel_init_weights(t->model, (uint64_t)t->o->seed);
		return 0;
	}
	if (jmodel_load(&m, t->o->model, e) < 0)
		return e->code;
	for (i = 0; i < m->n_params; i++)
		if (t->model->params[i].value && m->params[i].value)
			memcpy(t->model->params[i].value, m->params[i].value,
				param_bytes(&m->params[i]));
	jmodel_free(m);
	return 0;
}

int
train_rewind(struct train *t, struct jerr *e)
{
	struct jarena_mark mark = jarena_mark(&t->arena);
	const char *checkpoint = train_find_checkpoint(t->o->out, &t->arena);

	if (!checkpoint)
		checkpoint = t->origin;
	t->rewind = false;
	t->step = 0;
	t->tokens = 0;
	t->bad_run = 0;
	t->loss = t->valid_loss = t->best_loss = NAN;
	t->best_step = t->stale = 0;
	t->losses.n = t->norms.n = 0;
	joptim_reset(t->opt);
	if (checkpoint ? take_weights(t, checkpoint, e) < 0 : first_weights(t, e) < 0)
		return e->code;
	joptim_begin_average(t->opt);
	if (checkpoint && train_restore(t, checkpoint, e) < 0)
		return e->code;
	train_note(t->h, "back to step %lld", (long long)t->step);
	jarena_rewind(&t->arena, mark);
	return train_open_logs(t, e);
}

const char *
train_holds(const char *dir, struct jarena *a)
{
	static const char *const marks[] = { "config.json", "adapter_config.json",
		"model.safetensors", STATE_FILE };
	char **names;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (jfs_exists(jfs_join(a, dir, marks[i])))
			return marks[i];
	return jfs_is_dir(dir) && list_checkpoints(dir, a, &names) > 0 ? names[0] : NULL;
}

int
train_finished(struct train *t, struct jerr *e)
{
	struct jval *v;

	if (!jfs_exists(jfs_join(&t->arena, t->o->out, STATE_FILE)))
		return 0;
	if (load_state(t->o->out, &t->arena, &v, e) < 0
		|| train_match_options(t, jval_get(v, "options"), t->o->out, e) < 0)
		return e->code;
	/* Finished before its cooldown began, or with it? */
	if (t->o->cooldown > 0)
		return jval_get(v, "cooldown_from") != NULL;
	return jval_bool(v, "stopped_early", false) || jval_int(v, "step", -1) >= t->steps;
}

int
train_clean(const char *dir, struct jerr *e)
{
	struct jarena a;
	char **names;
	size_t n, i;
	int rc;

	jarena_init(&a, 0);
	rc = jfs_list(dir, &a, &names, &n, e);
	for (i = 0; rc == 0 && i < n; i++)
		if (strstr(names[i], ".tmp.") && (jstr_starts(names[i], "checkpoint-")
			|| jstr_starts(names[i], "model.tmp.") || jstr_starts(names[i], ".latest.")))
			rc = jfs_remove_tree(jfs_join(&a, dir, names[i]), e);
	jarena_release(&a);
	return rc;
}
