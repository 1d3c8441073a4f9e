#include "merge_models.h"

#include <stdio.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "model/jmerge.h"
#include "record/jrec.h"

struct drift {
	struct jbuf lines;
	double most, sum;
	size_t n;
	char worst[128];
};

static void
on_tensor(void *arg, const char *name, double drift)
{
	struct drift *d = arg;

	jrec_begin(&d->lines);
	jrec_put_str(&d->lines, "tensor", name, strlen(name));
	jrec_put_num(&d->lines, "drift", drift);
	jrec_end(&d->lines);
	d->sum += drift;
	if (d->n++ == 0 || drift > d->most) {
		d->most = drift;
		snprintf(d->worst, sizeof(d->worst), "%s", name);
	}
}

/* "MODEL" or "MODEL=WEIGHT". */
static const char *
model_of(const char *text, struct jarena *a, double *weight)
{
	const char *is = strrchr(text, '=');

	*weight = 1;
	if (!is || jfs_exists(text) || jstr_to_double(is + 1, weight) < 0)
		return text;
	return jarena_strndup(a, text, (size_t)(is - text));
}

struct set {
	struct jmodel **m;
	double *weights;
	struct jmodel *base;
	struct jtok *tok;		/* of the first that has one */
};

static int
open_all(struct set *s, const struct merge_models *o, struct jcli *cli, struct jarena *a,
	struct jerr *e)
{
	int rc = 0;

	s->m = jarena_alloc(a, o->n, sizeof(*s->m));
	s->weights = jarena_alloc(a, o->n, sizeof(*s->weights));
	for (size_t k = 0; rc == 0 && k < o->n; k++) {
		const char *path = model_of(o->models[k], a, &s->weights[k]);
		struct jerr none = { 0 };

		jcli_input(cli, path);
		rc = jmodel_open(&s->m[k], path, e);
		if (rc == 0 && !s->tok && jtok_load(&s->tok, path, &none) < 0)
			s->tok = NULL;
	}
	if (rc == 0 && o->base) {
		jcli_input(cli, o->base);
		rc = jmodel_open(&s->base, o->base, e);
	}
	return rc;
}

static void
close_all(struct set *s, size_t n)
{
	for (size_t k = 0; s->m && k < n; k++)
		jmodel_free(s->m[k]);
	jmodel_free(s->base);
	if (s->tok)
		jtok_free(s->tok);
}

static int
print_drift(struct drift *d, struct jerr *e)
{
	jrec_begin(&d->lines);
	jrec_put_int(&d->lines, "tensors", (int64_t)d->n);
	jrec_put_num(&d->lines, "max_drift", d->most);
	jrec_put_str(&d->lines, "max_tensor", d->worst, strlen(d->worst));
	jrec_put_num(&d->lines, "mean_drift", d->n ? d->sum / (double)d->n : 0);
	jrec_end(&d->lines);
	return jout_put("-", d->lines.p, d->lines.n, e);
}

int
merge_models(const struct merge_models *o, struct jcli *cli, struct jerr *e)
{
	struct drift drift = { .n = 0 };
	struct set s = { .tok = NULL };
	struct jmodel *merged = NULL;
	struct jmerge how = {
		.method = (enum jmerge_method)jmerge_find(o->method), .n = o->n,
		.density = o->density, .t = o->t, .seed = (uint64_t)jcli_common(cli)->seed,
		.on_tensor = on_tensor, .arg = &drift
	};
	struct jarena a;
	int rc;

	jarena_init(&a, 0);
	jbuf_init(&drift.lines);
	rc = open_all(&s, o, cli, &a, e);
	how.models = (const struct jmodel *const *)s.m;
	how.weights = s.weights;
	how.base = s.base;
	if (rc == 0)
		rc = jmodel_merge(&merged, &how, e);
	if (rc == 0)
		rc = store_folder(merged, s.tok, o->out, o->form, e);
	if (rc == 0)
		rc = print_drift(&drift, e);
	jmodel_free(merged);
	close_all(&s, o->n);
	jbuf_release(&drift.lines);
	jarena_release(&a);
	return rc;
}
