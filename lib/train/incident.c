/*
 * incident.c - steps that are left out: what an outlier is, what is wrong with a value that is not
 * finite, and the record of both in DIR/incidents.jsonl.
 *
 * Outliers: a loss or a gradient norm is held against mean and standard deviation of the last values
 * (as llm.c does); only one that lies above counts.  A value enters the window whatever becomes of
 * its step, else a new level would be an outlier for ever.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jjson.h"
#include "io/jfs.h"
#include "record/jrec.h"
#include "train/train_internal.h"

#define MAX_NAMES 256		/* documents named in a record */
#define SHOWN_NAMES 4		/* and in a message */

double
train_window_add(struct window *w, int64_t size, double x)
{
	double mean = 0, var = 0, z = NAN;
	int i;

	if (w->n == size) {
		for (i = 0; i < w->n; i++)
			mean += w->v[i] / w->n;
		for (i = 0; i < w->n; i++)
			var += (w->v[i] - mean) * (w->v[i] - mean) / w->n;
		z = var > 0 ? (x - mean) / sqrt(var) : 0;
		memmove(w->v, w->v + 1, (size_t)(w->n - 1) * sizeof(*w->v));
		w->n--;
	}
	w->v[w->n++] = x;
	return z;
}

/* Not finite somewhere: which tensor, "weight" or "gradient". */
static const char *
bad_tensor(struct train *t, const char **kind)
{
	const char *name = train_bad_weight(t);

	*kind = "weight";
	if (!name) {
		*kind = "gradient";
		name = joptim_bad_grad(t->opt);
	}
	return name;
}

static const char *
bad_among(const struct jparam *params, size_t n_params)
{
	size_t i;
	int64_t j, n;
	int d;

	for (i = 0; i < n_params; i++) {
		const struct jparam *p = &params[i];

		for (n = 1, d = 0; d < p->n_dims; d++)
			n *= p->shape[d];
		for (j = 0; p->value && j < n; j++)
			if (!isfinite(p->value[j]))
				return p->name;
	}
	return NULL;
}

const char *
train_bad_weight(const struct train *t)
{
	const char *name = bad_among(t->model->params, t->model->n_params);

	return name || !t->model->adapter ? name : bad_among(t->trained, t->n_trained);
}

struct names {
	struct jbuf json, text, word;
	int n;
	int64_t more;			/* times that others were met */
};

static void
add_name(struct names *l, const char *name)
{
	jbuf_reset(&l->word);
	jjson_str(&l->word, name, strlen(name));
	if (strstr(l->json.p, l->word.p))
		return;
	if (l->n >= MAX_NAMES) {
		l->more++;
		return;
	}
	if (l->n < SHOWN_NAMES)
		jbuf_printf(&l->text, "%s%s", l->n ? ", " : "", name);
	if (l->n == SHOWN_NAMES)
		jbuf_adds(&l->text, ", ...");
	jbuf_printf(&l->json, "%c%s", l->n ? ',' : '[', l->word.p);
	l->n++;
}

/* Appends the documents of rows [from, to) of the step. */
static void
add_documents(struct train *t, int64_t from, int64_t to, struct names *l)
{
	const struct stage *s = train_stage(t, t->step);
	uint64_t first = train_first_part(t, t->step), *docs;
	struct jbuf name;
	int64_t i;

	docs = jmem_alloc((size_t)t->o->seq + 1, sizeof(*docs));
	jbuf_init(&name);
	for (i = from; i < to; i++) {
		int source = 0;
		size_t n = feed_docs(&t->feed, first + (uint64_t)i, s->seq, docs, &source), k;

		for (k = 0; k < n; k++) {
			jbuf_reset(&name);
			feed_doc_name(&t->feed, source, docs[k], &name);
			add_name(l, name.p);
		}
	}
	jbuf_release(&name);
	jmem_free(docs);
}

static void
put_value(struct jbuf *b, const char *key, double v)
{
	char word[16];

	if (isfinite(v)) {
		jrec_put_num(b, key, v);
		return;
	}
	snprintf(word, sizeof(word), "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
	jrec_put_str(b, key, word, strlen(word));
}

static void
put_incident(struct train *t, const struct incident *in, const struct names *names, struct jbuf *b)
{
	jrec_begin(b);
	jrec_put_int(b, "step", t->step + 1);
	jrec_put_str(b, "kind", in->kind, strlen(in->kind));
	put_value(b, "loss", in->loss);
	put_value(b, "grad_norm", in->norm);
	if (!isnan(in->loss_z))
		jrec_put_num(b, "loss_z", in->loss_z);
	if (!isnan(in->norm_z))
		jrec_put_num(b, "grad_norm_z", in->norm_z);
	if (in->tensor) {
		jrec_put_str(b, "tensor", in->tensor, strlen(in->tensor));
		jrec_put_str(b, "of", in->of, strlen(in->of));
	}
	if (in->row >= 0)
		jrec_put_int(b, "row", in->row);
	if (names->json.n > 0)
		jrec_put_raw(b, "documents", names->json.p, names->json.n);
	if (names->more > 0)
		jrec_put_int(b, "more_documents", names->more);
	jrec_end(b);
}

int
train_open_incidents(struct train *t, bool make, struct jerr *e)
{
	const char *path = jfs_join(&t->arena, t->o->out, "incidents.jsonl");

	if (t->incidents || (!make && !jfs_exists(path)))
		return 0;
	return metrics_open(&t->incidents, path, t->step, e);
}

/* In words, what is wrong with the step. */
static void
tell_kind(const struct train *t, const struct incident *in, char *what, size_t size)
{
	if (strcmp(in->kind, "empty") == 0)
		snprintf(what, size, "no token carries loss");
	else if (strcmp(in->kind, "nonfinite") == 0)
		snprintf(what, size, "first tensor that is not finite: %s%s%s",
			in->tensor ? in->of : "none", in->tensor ? " " : "",
			in->tensor ? in->tensor : "");
	else if (isnan(in->loss_z) || isnan(in->norm_z))
		snprintf(what, size, "%s %.1f standard deviations above the last %lld",
			isnan(in->loss_z) ? "norm" : "loss", isnan(in->loss_z) ? in->norm_z : in->loss_z,
			(long long)t->o->outlier_window);
	else
		snprintf(what, size, "loss %.1f and norm %.1f standard deviations above the last %lld",
			in->loss_z, in->norm_z, (long long)t->o->outlier_window);
}

int
train_incident(struct train *t, struct incident *in, struct jerr *e)
{
	bool stop = strcmp(in->kind, "nonfinite") == 0 && strcmp(t->o->on_nonfinite, "stop") == 0;
	struct names names = { .n = 0 };
	char what[200];
	struct jbuf line;

	jbuf_init(&names.json);
	jbuf_init(&names.text);
	jbuf_init(&names.word);
	jbuf_init(&line);
	/* The row that went wrong first, if it is known; then the others. */
	if (t->bad_row >= 0)
		add_documents(t, t->bad_row, t->bad_row + 1, &names);
	in->row = t->bad_row;
	add_documents(t, 0, train_stage(t, t->step)->batch, &names);
	if (names.n > 0)
		jbuf_addc(&names.json, ']');
	if (strcmp(in->kind, "nonfinite") == 0 && !in->tensor)
		in->tensor = bad_tensor(t, &in->of);
	tell_kind(t, in, what, sizeof(what));
	put_incident(t, in, &names, &line);
	in->loss = isnan(in->loss) ? NAN : in->loss;	/* without a sign */
	in->norm = isnan(in->norm) ? NAN : in->norm;
	if (train_open_incidents(t, true, e) == 0)
		metrics_write(t->incidents, line.p, line.n, e);
	if (stop)
		jerr_set(e, JERR_LIMIT, "step %lld: loss %g, gradient norm %g: not applied; %s; "
			"documents: %.200s; no model was written (a smaller --lr or --clip, or a longer "
			"--warmup, from the last checkpoint may help, or --on-nonfinite skip)",
			(long long)t->step + 1, in->loss, in->norm, what, names.text.p);
	else
		train_warn(t->h, "step %lld is left out: loss %g, gradient norm %g: %s; documents: %.150s",
			(long long)t->step + 1, in->loss, in->norm, what, names.text.p);
	jbuf_release(&line);
	jbuf_release(&names.text);
	jbuf_release(&names.word);
	jbuf_release(&names.json);
	return e->code;
}
