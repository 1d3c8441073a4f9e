#include "mixspec.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/jstr.h"
#include "conf/jval.h"

static int
known_keys(const struct jval *v, const char *const *known, const char *file, struct jerr *e)
{
	size_t i, k;

	if (v->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s:%d: expected keys and values", file, v->line);
	for (i = 0; i < v->u.o.n; i++) {
		for (k = 0; known[k] && strcmp(known[k], v->u.o.k[i]) != 0; k++)
			;
		if (!known[k])
			return jerr_set(e, JERR_FORMAT, "%s:%d: unknown key \"%s\"", file,
				v->u.o.v[i]->line, v->u.o.k[i]);
	}
	return 0;
}

static int
read_source(struct mix_source *s, const struct jval *v, const char *file, struct jarena *a,
	struct jerr *e)
{
	static const char *const keys[] = { "name", "files", "weight", "max_epochs", NULL };
	const struct jval *files = jval_get(v, "files");
	size_t i;
	int rc = known_keys(v, keys, file, e);

	if (rc < 0)
		return rc;
	s->name = jval_str(v, "name", NULL);
	s->weight = jval_num(v, "weight", 1);
	s->max_epochs = jval_num(v, "max_epochs", 4);
	if (!s->name || !files || files->type != JVAL_ARR || files->u.a.n == 0 || !(s->weight > 0) ||
	    !(s->weight < 1e12) || !(s->max_epochs > 0) || !(s->max_epochs <= 1000))
		return jerr_set(e, JERR_FORMAT, "%s:%d: a source needs a name, a list of files, a weight above "
			"0, max_epochs above 0", file, v->line);
	s->n = files->u.a.n;
	s->files = jarena_alloc(a, s->n + 1, sizeof(*s->files));
	for (i = 0; i < s->n; i++) {
		const struct jval *f = files->u.a.v[i];

		if (f->type != JVAL_STR)
			return jerr_set(e, JERR_FORMAT, "%s:%d: expected the name of a file", file, f->line);
		s->files[i] = jarena_strndup(a, f->u.s.p, f->u.s.n);
	}
	return 0;
}

static int
read_total(struct mix_spec *s, const struct jval *v, const char *file, struct jerr *e)
{
	const struct jval *total = jval_get(v, "total");
	const char *text = jval_str(v, "total", NULL), *unit = jval_str(v, "unit", "words");
	double number = jval_num(v, "total", 0);

	s->unit = strcmp(unit, "bytes") == 0 ? MIX_BYTES : strcmp(unit, "records") == 0 ? MIX_RECORDS :
		MIX_WORDS;
	if (s->unit == MIX_WORDS && strcmp(unit, "words") != 0)
		return jerr_set(e, JERR_FORMAT, "%s: unit \"%s\": expected words, bytes or records", file,
			unit);
	if (total && ((text && jstr_to_count(text, &s->total) < 0) || !(number >= 0 && number < 1e18)))
		return jerr_set(e, JERR_FORMAT, "%s:%d: total: expected a number like 300k, 10m or 2b", file,
			total->line);
	if (!text)
		s->total = (uint64_t)number;
	return 0;
}

int
mix_spec_load(struct mix_spec *s, const char *file, struct jarena *a, struct jerr *e)
{
	static const char *const keys[] = { "total", "unit", "sources", NULL };
	const struct jval *list;
	struct jval *v;
	size_t i, k;
	int rc = jval_load_yaml(&v, file, a, e);

	memset(s, 0, sizeof(*s));
	if (rc == 0)
		rc = known_keys(v, keys, file, e);
	if (rc == 0)
		rc = read_total(s, v, file, e);
	if (rc < 0)
		return rc;
	list = jval_get(v, "sources");
	if (!list || list->type != JVAL_ARR || list->u.a.n == 0)
		return jerr_set(e, JERR_FORMAT, "%s: expected a list \"sources\"", file);
	s->n = list->u.a.n;
	s->v = jarena_alloc(a, s->n, sizeof(*s->v));
	for (i = 0; i < s->n && rc == 0; i++) {
		rc = read_source(&s->v[i], list->u.a.v[i], file, a, e);
		for (k = 0; k < i && rc == 0; k++)
			if (strcmp(s->v[i].name, s->v[k].name) == 0)
				rc = jerr_set(e, JERR_FORMAT, "%s:%d: two sources called %s", file,
					list->u.a.v[i]->line, s->v[i].name);
	}
	return rc;
}

static uint64_t
most(const struct mix_source *s)
{
	return (uint64_t)floor((double)s->have * s->max_epochs);
}

/* The largest total at which no source has to give more than it has. */
static double
natural_total(const struct mix_spec *s, double weights)
{
	double total = INFINITY;
	size_t i;

	for (i = 0; i < s->n; i++)
		total = fmin(total, (double)s->v[i].have * weights / s->v[i].weight);
	return total;
}

void
mix_spec_share(struct mix_spec *s)
{
	double weights = 0, left, open;
	bool *full = jmem_zalloc(s->n, sizeof(*full)), again = true;
	size_t i;

	for (i = 0; i < s->n; i++)
		weights += s->v[i].weight;
	left = s->total ? (double)s->total : natural_total(s, weights);
	open = weights;
	while (again) {
		again = false;
		for (i = 0; i < s->n; i++) {
			double want = full[i] ? 0 : floor(left * s->v[i].weight / open);

			if (full[i] || want <= (double)most(&s->v[i]))
				continue;
			full[i] = again = true;
			s->v[i].want = most(&s->v[i]);
			left -= (double)s->v[i].want;
			open -= s->v[i].weight;
			break;
		}
	}
	for (i = 0; i < s->n; i++)
		if (!full[i])
			s->v[i].want = (uint64_t)floor(left * s->v[i].weight / open);
	jmem_free(full);
}
