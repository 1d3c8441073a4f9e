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

static int
put_state(struct train *t, const char *dir, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jbuf_printf(&b, "{\"format\": %d, \"step\": %lld, \"steps\": %lld, \"tokens\": %llu, "
		"\"optimizer_steps\": %lld, \"rows_per_epoch\": %llu", STATE_FORMAT,
		(long long)t->step, (long long)t->steps, (unsigned long long)t->tokens,
		(long long)joptim_steps(t->opt), (unsigned long long)jpack_rows(t->pack));
	if (!isnan(t->loss)) {
		jbuf_adds(&b, ", \"loss\": ");
		jjson_num(&b, t->loss);
	}
	if (!isnan(t->valid_loss)) {
		jbuf_adds(&b, ", \"valid_loss\": ");
		jjson_num(&b, t->valid_loss);
	}
	jbuf_adds(&b, ", \"options\": ");
	train_put_options(t, &b);
	jbuf_adds(&b, "}\n");
	rc = jout_put(jfs_join(&t->arena, dir, STATE_FILE), b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int64_t
state_count(const struct joptim_state *s)
{
	int64_t n = 1;
	int i;

	for (i = 0; i < s->n_dims; i++)
		n *= s->shape[i];
	return n;
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
		jst_declare(w, s.name, JDT_F32, s.n_dims, s.shape);
	for (i = 0; joptim_state(t->opt, i, &s); i++)
		if (jst_put_f32(w, s.data, (uint64_t)state_count(&s), e) < 0) {
			jst_abort(w);
			return e->code;
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

static int
point_latest(struct train *t, const char *name, struct jerr *e)
{
	const char *link = jfs_join(&t->arena, t->o->out, "latest");
	const char *tmp = jarena_printf(&t->arena, "%s/.latest.tmp.%ld", t->o->out, (long)getpid());

	unlink(tmp);
	if (symlink(name, tmp) < 0)
		return jerr_sys(e, "%s: cannot make the link", tmp);
	return jfs_rename(tmp, link, e);
}

static int
prune(struct train *t, struct jerr *e)
{
	char **names;
	size_t n = list_checkpoints(t->o->out, &t->arena, &names), i;

	for (i = 0; i + (size_t)t->o->keep < n; i++)
		if (jfs_remove_tree(jfs_join(&t->arena, t->o->out, names[i]), e) < 0)
			return e->code;
	return 0;
}

/* A folder that others can read as a model. */
static int
put_model(struct train *t, const char *dir, enum jdtype dtype, struct jerr *e)
{
	if (jmodel_save(t->model, dir, dtype, e) < 0)
		return e->code;
	return jtok_save(t->tok, dir, e);
}

int
train_save_checkpoint(struct train *t, struct jerr *e)
{
	struct jarena_mark mark = jarena_mark(&t->arena);
	char name[40];
	char *dir, *tmp;
	int rc;

	snprintf(name, sizeof(name), "checkpoint-%09lld", (long long)t->step);
	dir = jfs_join(&t->arena, t->o->out, name);
	if (jfs_dir_begin(dir, &t->arena, &tmp, e) < 0)
		return e->code;
	if (put_model(t, tmp, JDT_F32, e) < 0 || put_optimizer(t, tmp, e) < 0
		|| put_state(t, tmp, e) < 0) {
		jfs_dir_abort(tmp);
		return e->code;
	}
	rc = jfs_dir_commit(tmp, dir, e);
	if (rc == 0)
		rc = point_latest(t, name, e);
	if (rc == 0)
		rc = prune(t, e);
	jarena_rewind(&t->arena, mark);
	return rc;
}

/* Moves every file of tmp into dir, the one that makes it a model last. */
static int
move_files(const char *tmp, const char *dir, struct jarena *a, struct jerr *e)
{
	char **names;
	size_t n, i;

	if (jfs_list(tmp, a, &names, &n, e) < 0)
		return e->code;
	for (i = 0; i < n; i++)
		if (strcmp(names[i], "config.json") != 0 && jfs_rename(jfs_join(a, tmp, names[i]),
			jfs_join(a, dir, names[i]), e) < 0)
			return e->code;
	return jfs_rename(jfs_join(a, tmp, "config.json"), jfs_join(a, dir, "config.json"), e);
}

int
train_save_final(struct train *t, struct jerr *e)
{
	char *tmp;
	int dtype = train_dtype(t->o->dtype, e);

	if (dtype < 0 || jfs_dir_begin(jfs_join(&t->arena, t->o->out, "model"), &t->arena, &tmp,
		e) < 0)
		return e->code;
	if (put_model(t, tmp, (enum jdtype)dtype, e) == 0 && put_state(t, tmp, e) == 0)
		move_files(tmp, t->o->out, &t->arena, e);
	jfs_dir_abort(tmp);
	return e->code;
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
		else if (x->count != state_count(&s))
			jerr_set(e, JERR_FORMAT, "%s: tensor %s has %lld values, expected %lld", path,
				s.name, (long long)x->count, (long long)state_count(&s));
		if (e->code < 0 || jst_to_f32(x, s.data, e) < 0)
			break;
	}
	if (e->code == 0 && jst_count(st) != i)
		jerr_set(e, JERR_FORMAT, "%s: %llu tensors, expected %llu", path,
			(unsigned long long)jst_count(st), (unsigned long long)i);
	jst_close(st);
	return e->code;
}

int
train_restore(struct train *t, const char *checkpoint, struct jerr *e)
{
	struct jval *v;

	if (load_state(checkpoint, &t->arena, &v, e) < 0
		|| train_match_options(t, jval_get(v, "options"), checkpoint, e) < 0
		|| restore_optimizer(t, checkpoint, e) < 0)
		return e->code;
	t->step = jval_int(v, "step", -1);
	t->tokens = (uint64_t)jval_int(v, "tokens", 0);
	t->loss = jval_num(v, "loss", NAN);
	t->valid_loss = jval_num(v, "valid_loss", NAN);
	joptim_set_steps(t->opt, jval_int(v, "optimizer_steps", -1));
	if (t->step < 0 || joptim_steps(t->opt) < 0)
		return jerr_set(e, JERR_FORMAT, "%s/" STATE_FILE ": no step", checkpoint);
	return 0;
}

const char *
train_holds(const char *dir, struct jarena *a)
{
	static const char *const marks[] = { "config.json", "model.safetensors", STATE_FILE };
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
	return jval_int(v, "step", -1) >= t->steps;
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
