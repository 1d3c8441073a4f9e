/*
 * hf_write.c - Hugging Face folders written: weights as safetensors, in one file or in parts of a given
 * size with their index, and the configuration.
 *
 * A tensor is written by passes over the list of weights: the first says which file each goes into, then
 * each file is declared and filled.
 */
#include "model/arch.h"
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#include "base/jjson.h"
#include "io/jfs.h"
#include "io/jio.h"

/* One tensor: a weight, or one expert's rows of it. */
struct unit {
	const struct arch_slot *s;
	int64_t part;
	char name[128];
	int64_t shape[2];		/* as written */
};

struct saver {
	const struct jmodel *m;
	struct jst_writer *w;
	enum jdtype dtype;
	bool grads;
	uint64_t limit;			/* bytes of a file; 0: all in one */
	uint64_t bytes, total;		/* in the file so far; in all files */
	int64_t *file_of;		/* of each tensor in order; NULL: all in one */
	size_t n, cap;
	int64_t files, now;		/* the one that is written */
	size_t at;			/* tensor of the pass */
	int (*fn)(struct saver *v, const struct unit *u, struct jerr *e);
};

static int
each_unit(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct saver *v = arg;
	bool turned = s->w->flags & AW_TURNED;
	struct unit u = { .s = s, .shape = { s->shape[0] / s->parts, s->shape[1] } };
	int rc = 0;

	if (turned) {
		u.shape[0] = s->shape[1];
		u.shape[1] = s->shape[0];
	}
	for (u.part = 0; rc == 0 && u.part < s->parts; u.part++) {
		if (s->w->flags & AW_EXPERTS)
			arch_part_name(&v->m->cfg, s, u.part, u.name);
		else
			snprintf(u.name, sizeof(u.name), "%s", s->hf);
		rc = v->fn(v, &u, e);
		v->at++;
	}
	return rc;
}

static int
pass(struct saver *v, int (*fn)(struct saver *v, const struct unit *u, struct jerr *e), struct jerr *e)
{
	v->fn = fn;
	v->at = 0;
	return arch_each(&v->m->cfg, each_unit, v, e);
}

static bool
is_here(const struct saver *v)
{
	return !v->file_of || v->file_of[v->at] == v->now;
}

static int
assign(struct saver *v, const struct unit *u, struct jerr *e)
{
	uint64_t bytes = jten_bytes(v->dtype, u->shape[0] * (u->s->n_dims > 1 ? u->shape[1] : 1));

	(void)e;
	if (v->limit > 0 && v->bytes > 0 && v->bytes + bytes > v->limit) {
		v->files++;
		v->bytes = 0;
	}
	JMEM_GROW(v->file_of, v->cap, v->n + 1);
	v->file_of[v->n++] = v->files - 1;
	v->bytes += bytes;
	v->total += bytes;
	return 0;
}

static int
declare(struct saver *v, const struct unit *u, struct jerr *e)
{
	(void)e;
	if (is_here(v))
		jst_declare(v->w, u->name, v->dtype, u->s->n_dims, u->shape);
	return 0;
}

/* Row by row where the weight is not fp32 in memory. */
static int
put_rows(struct jst_writer *w, const struct jparam *p, int64_t first, int64_t rows, struct jerr *e)
{
	int64_t cols = p->shape[p->n_dims - 1];
	float *row;
	int rc = 0;

	if (p->value)
		return jst_put_f32(w, p->value + first * cols, (uint64_t)(rows * cols), e);
	row = jmem_try((size_t)cols, sizeof(*row));
	if (!row)
		return jerr_set(e, JERR_NOMEM, "no memory for a row of %s", p->name);
	for (int64_t r = first; rc == 0 && r < first + rows; r++) {
		jmodel_rows(p, r, 1, row);
		rc = jst_put_f32(w, row, (uint64_t)cols, e);
	}
	jmem_free(row);
	return rc;
}

/* A matrix that Hugging Face stores the other way around. */
static int
put_turned(struct jst_writer *w, const struct jparam *p, struct jerr *e)
{
	int64_t rows = p->shape[0], cols = p->shape[1];
	float *all = jmem_try((size_t)weights_count(p), sizeof(*all));
	float *row = jmem_try((size_t)rows, sizeof(*row));
	int rc = 0;

	if (!all || !row)
		rc = jerr_set(e, JERR_NOMEM, "no memory to turn %s", p->name);
	else
		jmodel_rows(p, 0, rows, all);
	for (int64_t c = 0; rc == 0 && c < cols; c++) {
		for (int64_t r = 0; r < rows; r++)
			row[r] = all[r * cols + c];
		rc = jst_put_f32(w, row, (uint64_t)rows, e);
	}
	jmem_free(all);
	jmem_free(row);
	return rc;
}

static int
put(struct saver *v, const struct unit *u, struct jerr *e)
{
	struct jparam p = v->m->params[u->s->i];
	int64_t rows = p.n_dims > 1 ? p.shape[0] / u->s->parts : 1;

	if (!is_here(v))
		return 0;
	if (v->grads)
		p.value = p.grad;
	return u->s->w->flags & AW_TURNED ? put_turned(v->w, &p, e)
		: put_rows(v->w, &p, u->part * rows, rows, e);
}

int
jmodel_write(const struct jmodel *m, bool grads, enum jdtype dtype, struct jst_writer *w,
	struct jerr *e)
{
	struct saver v = { .m = m, .w = w, .dtype = dtype, .grads = grads };

	return pass(&v, declare, e) < 0 ? e->code : pass(&v, put, e);
}

static int
write_file(struct saver *v, const char *path, struct jerr *e)
{
	int rc = jst_create(&v->w, path, e);

	if (rc < 0)
		return rc;
	if ((rc = pass(v, declare, e)) < 0 || (rc = pass(v, put, e)) < 0) {
		jst_abort(v->w);
		return rc;
	}
	return jst_commit(v->w, e);
}

static void
part_name(char out[64], int64_t file, int64_t files)
{
	snprintf(out, 64, "model-%05lld-of-%05lld.safetensors", (long long)file + 1, (long long)files);
}

struct index {
	struct saver v;			/* first: what the pass hands over */
	struct jbuf b;
};

static int
index_one(struct saver *v, const struct unit *u, struct jerr *e)
{
	struct index *x = (struct index *)v;
	char file[64];

	(void)e;
	part_name(file, v->file_of[v->at], v->files);
	jbuf_adds(&x->b, v->at ? ",\n    " : "\n    ");
	jjson_str(&x->b, u->name, strlen(u->name));
	jbuf_printf(&x->b, ": \"%s\"", file);
	return 0;
}

/* model.safetensors.index.json: which file each tensor is in. */
static int
write_index(const struct saver *v, const char *path, struct jerr *e)
{
	struct index x = { .v = *v };

	jbuf_init(&x.b);
	jbuf_printf(&x.b, "{\n  \"metadata\": {\"total_size\": %llu},\n  \"weight_map\": {",
		(unsigned long long)v->total);
	pass(&x.v, index_one, e);
	jbuf_adds(&x.b, "\n  }\n}\n");
	jout_put(path, x.b.p, x.b.n, e);
	jbuf_release(&x.b);
	return e->code;
}

static int
save_weights(const struct jmodel *m, const char *dir, enum jdtype dtype, uint64_t limit, struct jarena *a,
	struct jerr *e)
{
	struct saver v = { .m = m, .dtype = dtype, .limit = limit, .files = 1 };
	char name[64];

	pass(&v, assign, e);
	if (v.files == 1) {
		write_file(&v, jfs_join(a, dir, "model.safetensors"), e);
	} else {
		for (v.now = 0; v.now < v.files && e->code == 0; v.now++) {
			part_name(name, v.now, v.files);
			write_file(&v, jfs_join(a, dir, name), e);
		}
		if (e->code == 0)
			write_index(&v, jfs_join(a, dir, "model.safetensors.index.json"), e);
	}
	jmem_free(v.file_of);
	return e->code;
}

int
jmodel_save_parts(const struct jmodel *m, const char *dir, enum jdtype dtype, uint64_t limit,
	struct jerr *e)
{
	struct jarena a;
	struct jbuf b;
	int rc;

	if (m->adapter)
		return jerr_set(e, JERR_ARG, "%s: the model bears an adapter: merge it first (jmodel "
			"merge)", dir);
	if (dtype != JDT_F32 && dtype != JDT_F16 && dtype != JDT_BF16)
		return jerr_set(e, JERR_ARG, "a model folder is written as F32, F16 or BF16, not %s",
			jdtype_name(dtype));
	jarena_init(&a, 0);
	jbuf_init(&b);
	rc = save_weights(m, dir, dtype, limit, &a, e);
	if (rc == 0) {
		jmodel_config_json(&m->cfg, dtype, &b);
		rc = jout_put(jfs_join(&a, dir, "config.json"), b.p, b.n, e);
	}
	if (rc == 0 && m->cfg.arch->save)
		rc = m->cfg.arch->save(&m->cfg, dir, e);
	if (rc == 0 && !m->cfg.arch->encoder) {
		jbuf_reset(&b);
		generation_config_json(&m->cfg, &b);
		rc = jout_put(jfs_join(&a, dir, "generation_config.json"), b.p, b.n, e);
	}
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

int
jmodel_save(const struct jmodel *m, const char *dir, enum jdtype dtype, struct jerr *e)
{
	return jmodel_save_parts(m, dir, dtype, 0, e);
}
