/*
 * record.c - DIR/run.json: what a run was asked for, so that it can be told later which documents
 * entered which step, and which steps were left out; and the lock that keeps a second process out of
 * the folder.
 *
 * The order of documents is a function of data, seed and the shape of the batches, so nothing is
 * written while the run goes on.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conf/jval.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "record/jrec.h"
#include "train/train_internal.h"

#define RUN_FILE "run.json"

int
train_lock(const char *dir, struct jerr *e)
{
	struct jarena a;
	const char *path;
	int fd;

	jarena_init(&a, 0);
	path = jfs_join(&a, dir, RUN_FILE);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0) {
		jerr_sys(e, "%s: cannot open", path);
	} else if (!jfs_lock(fd)) {
		close(fd);
		fd = jerr_set(e, JERR_IO, "%s: another process is training in this folder", dir);
	}
	jarena_release(&a);
	return e->code < 0 ? e->code : fd;
}

void
train_unlock(int lock, const char *dir)
{
	struct jarena a;
	const char *path;

	jarena_init(&a, 0);
	path = jfs_join(&a, dir, RUN_FILE);
	if (jfs_size(path) == 0)	/* nothing came of it */
		unlink(path);
	close(lock);
	jarena_release(&a);
}

static void
put_list(struct jbuf *b, const char *key, const char *const *v, size_t n)
{
	size_t i;

	jbuf_printf(b, ", \"%s\": [", key);
	for (i = 0; i < n; i++) {
		if (i > 0)
			jbuf_adds(b, ", ");
		jjson_str(b, v[i], strlen(v[i]));
	}
	jbuf_addc(b, ']');
}

static void
put_text(struct jbuf *b, const char *key, const char *v)
{
	if (!v)
		return;
	jbuf_printf(b, ", \"%s\": ", key);
	jjson_str(b, v, strlen(v));
}

/* Written in place: the file is the lock, which a rename would lose. */
int
train_record_run(struct train *t, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct jbuf b;

	jbuf_init(&b);
	jbuf_printf(&b, "{\"batch\": %lld, \"seq\": %lld, \"steps\": %lld, \"seed\": %lld, "
		"\"max_line\": %llu", (long long)o->batch, (long long)o->seq, (long long)t->steps,
		(long long)o->seed, (unsigned long long)o->max_line);
	put_text(&b, "objective", o->objective);
	put_text(&b, "model", o->model);
	put_text(&b, "tokenizer", o->tokenizer);
	put_text(&b, "chat_template", o->chat_template);
	put_text(&b, "batch_ramp", o->batch_ramp);
	put_text(&b, "seq_ramp", o->seq_ramp);
	put_text(&b, "ramp_by", o->ramp_by);
	put_list(&b, "data", o->data, o->n_data);
	put_list(&b, "mix", o->mix, o->n_mix);
	put_text(&b, "data_hash", train_data_hash(t));
	jbuf_adds(&b, "}\n");
	if (ftruncate(t->lock, 0) < 0 || pwrite(t->lock, b.p, b.n, 0) != (ssize_t)b.n)
		jerr_sys(e, "%s/" RUN_FILE ": cannot write", o->out);
	jbuf_release(&b);
	return e->code;
}

static const char *const *
get_list(const struct jval *v, const char *key, struct jarena *a, size_t *n)
{
	const struct jval *list = jval_get(v, key);
	const char **out;
	size_t i;

	*n = list && list->type == JVAL_ARR ? list->u.a.n : 0;
	out = jarena_alloc(a, *n + 1, sizeof(*out));
	for (i = 0; i < *n; i++)
		out[i] = list->u.a.v[i]->type == JVAL_STR ? list->u.a.v[i]->u.s.p : "";
	return out;
}

static int
read_run(const char *dir, struct jtrain_opts *o, const char **hash, struct jarena *a, struct jerr *e)
{
	const char *path = jfs_join(a, dir, RUN_FILE);
	struct jval *v;

	if (jval_load_json(&v, path, a, e) < 0)
		return e->code;
	o->out = dir;
	o->objective = jval_str(v, "objective", "pretrain");
	o->model = jval_str(v, "model", NULL);
	o->tokenizer = jval_str(v, "tokenizer", NULL);
	o->chat_template = jval_str(v, "chat_template", NULL);
	o->batch_ramp = jval_str(v, "batch_ramp", NULL);
	o->seq_ramp = jval_str(v, "seq_ramp", NULL);
	o->ramp_by = jval_str(v, "ramp_by", o->ramp_by);
	o->batch = jval_int(v, "batch", o->batch);
	o->seq = jval_int(v, "seq", o->seq);
	o->steps = jval_int(v, "steps", o->steps);
	o->seed = jval_int(v, "seed", 0);
	o->max_line = (uint64_t)jval_int(v, "max_line", (int64_t)o->max_line);
	o->data = get_list(v, "data", a, &o->n_data);
	o->mix = get_list(v, "mix", a, &o->n_mix);
	*hash = jval_str(v, "data_hash", "");
	return jtrain_check(o, e) < 0 ? jerr_wrap(e, "%s", path) : 0;
}

/* Steps of incidents.jsonl, whose gradients were dropped, and why. */
struct left_out {
	struct left {
		int64_t step;
		const char *kind;
	} *v;
	size_t n, cap;
};

static int
read_left_out(struct left_out *l, const char *dir, struct jarena *a, struct jerr *e)
{
	const char *path = jfs_join(a, dir, "incidents.jsonl"), *kind;
	struct jin *in;
	struct jrec r;
	int64_t step;
	char *line;
	size_t n;

	if (!jfs_exists(path))
		return 0;
	if (jin_open(&in, path, e) < 0)
		return e->code;
	while (jin_line(in, &line, &n, e) == 1 && jrec_parse(&r, line, n, a, e) == 0) {
		if (!jrec_str(&r, "kind", &kind, &n) || !jrec_int(&r, "step", &step))
			continue;
		JMEM_GROW(l->v, l->cap, l->n + 1);
		l->v[l->n++] = (struct left){ step, jarena_strndup(a, kind, n) };
	}
	jin_close(in);
	return e->code;
}

static const char *
find_left_out(const struct left_out *l, int64_t step)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].step == step)
			return l->v[i].kind;
	return NULL;
}

/* The steps of a run that has ended, which may be fewer than it was to have. */
static int64_t
steps_taken(const char *dir, int64_t asked, struct jarena *a)
{
	const char *path = jfs_join(a, dir, "trainer_state.json");
	struct jerr ignored = { 0 };
	struct jval *v;

	if (!jfs_exists(path) || jval_load_json(&v, path, a, &ignored) < 0)
		return asked;
	return jval_int(v, "step", asked);
}

static int
tell_step(struct train *t, int64_t step, const char *left_out, jtrain_which_fn *fn, void *arg,
	struct jerr *e)
{
	const struct stage *s = train_stage(t, step);
	uint64_t first = train_first_part(t, step), *docs;
	struct jtrain_where w = { .step = step + 1, .left_out = left_out };
	struct jbuf name;
	size_t n, k;
	int source;

	docs = jmem_alloc((size_t)t->o->seq + 1, sizeof(*docs));
	jbuf_init(&name);
	for (w.row = 0; w.row < s->batch && e->code == 0; w.row++) {
		n = feed_docs(&t->feed, first + (uint64_t)w.row, s->seq, docs, &source);
		for (k = 0; k < n && e->code == 0; k++) {
			jbuf_reset(&name);
			feed_doc_name(&t->feed, source, docs[k], &name);
			w.document = name.p;
			w.source = t->feed.v[source].path;
			fn(arg, &w, e);
		}
	}
	jbuf_release(&name);
	jmem_free(docs);
	return e->code;
}

/* The run as its data are now; refused if they or the steps are not those of the run. */
static int
open_run(struct train *t, const struct jtrain_opts *o, const char *hash, int64_t to, struct jerr *e)
{
	static const struct jtrain_hooks quiet = { 0 };
	int64_t taken;

	if (train_open_data(t, o, &quiet, e) < 0)
		return jerr_wrap(e, "%s/" RUN_FILE " (names are as seen from where the run was started)",
			o->out);
	if (strcmp(train_data_hash(t), hash) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: the data are not what they were when the run began",
			o->out);
	taken = steps_taken(o->out, t->steps, &t->arena);
	if (to > taken)
		return jerr_set(e, JERR_ARG, "step %lld: the run has %lld", (long long)to,
			(long long)taken);
	return 0;
}

int
jtrain_which(const char *dir, int64_t from, int64_t to, jtrain_which_fn *fn, void *arg,
	struct jerr *e)
{
	struct jtrain_opts o = JTRAIN_OPTS_INIT;
	struct left_out left = { 0 };
	const char *hash = "";
	struct jarena a;
	struct train t;
	int64_t step;

	jarena_init(&a, 0);
	if (read_run(dir, &o, &hash, &a, e) == 0 && read_left_out(&left, dir, &a, e) == 0) {
		if (open_run(&t, &o, hash, to, e) == 0)
			for (step = from - 1; step < to && e->code == 0; step++)
				tell_step(&t, step, find_left_out(&left, step + 1), fn, arg, e);
		train_close(&t);
	}
	jmem_free(left.v);
	jarena_release(&a);
	return e->code;
}
