/*
 * tune_space.c - the YAML file of a search, and the values it gives to a trial.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jrand.h"
#include "conf/jschema.h"
#include "io/jio.h"
#include "train/jtune.h"

#define MAX_FILE ((size_t)1 << 20)
#define MAX_TRIALS 10000

static const struct jschema_key keys[] = {
	{ "method", JSCHEMA_STR, .deflt = "random", .choices = "grid|random|halving",
		.doc = "how trials are chosen" },
	{ "trials", JSCHEMA_INT, .deflt = "16", .min = 1, .max = MAX_TRIALS,
		.doc = "how many; a grid has all of its points" },
	{ "metric", JSCHEMA_STR, .deflt = "valid_loss", .choices = "valid_loss|loss",
		.doc = "what is to be small" },
	{ "first", JSCHEMA_INT, .deflt = "50", .min = 1, .max = 1e9,
		.doc = "halving: steps of the first round" },
	{ "eta", JSCHEMA_INT, .deflt = "3", .min = 2, .max = 100,
		.doc = "halving: one trial in so many goes on, so many times as far" },
	{ "seed", JSCHEMA_INT, .deflt = "0", .min = 0, .max = 9e15, .doc = "of the random values" },
	{ "space", JSCHEMA_ANY, true, .doc = "options: a list of values, or a range" },
	{ .path = NULL }
};
static const struct jschema schema = { "search", keys };

static const struct jschema_key range_keys[] = {
	{ "min", JSCHEMA_NUM, true, .doc = "smallest value" },
	{ "max", JSCHEMA_NUM, true, .doc = "largest value" },
	{ "scale", JSCHEMA_STR, .deflt = "linear", .choices = "linear|log", .doc = "how it is divided" },
	{ "count", JSCHEMA_INT, .deflt = "0", .min = 0, .max = MAX_TRIALS, .doc = "points of a grid" },
	{ "whole", JSCHEMA_BOOL, .deflt = "false", .doc = "whole numbers only" },
	{ .path = NULL }
};
static const struct jschema range_schema = { "range", range_keys };

static int
take_list(struct jtune_space *s, struct jtune_param *p, const struct jval *v, struct jerr *e)
{
	size_t i;

	p->n = v->u.a.n;
	if (p->n == 0 || p->n > MAX_TRIALS)
		return jerr_set(e, JERR_FORMAT, "%s:%d: %s: expected a list of 1 to %d values", s->file,
			p->line, p->name, MAX_TRIALS);
	p->values = jarena_alloc(&s->arena, p->n, sizeof(*p->values));
	for (i = 0; i < p->n; i++) {
		const struct jval *x = v->u.a.v[i];
		struct jbuf b;

		jbuf_init(&b);
		if (x->type == JVAL_STR)
			jbuf_adds(&b, x->u.s.p);
		else if (x->type == JVAL_INT || x->type == JVAL_DOUBLE || x->type == JVAL_BOOL)
			jjson_val(&b, x);
		else
			jerr_set(e, JERR_FORMAT, "%s:%d: %s: expected words or numbers", s->file, x->line,
				p->name);
		p->values[i] = jarena_strndup(&s->arena, b.p, b.n);
		jbuf_release(&b);
	}
	return e->code;
}

static int
take_range(struct jtune_space *s, struct jtune_param *p, const struct jval *v, struct jerr *e)
{
	if (jschema_check(&range_schema, v, s->file, e) < 0)
		return e->code;
	p->min = jschema_num(&range_schema, v, "min");
	p->max = jschema_num(&range_schema, v, "max");
	p->log = strcmp(jschema_str(&range_schema, v, "scale"), "log") == 0;
	p->whole = jschema_bool(&range_schema, v, "whole");
	p->n = (size_t)jschema_int(&range_schema, v, "count");
	if (!isfinite(p->min) || !isfinite(p->max) || p->min > p->max || (p->log && p->min <= 0))
		return jerr_set(e, JERR_FORMAT, "%s:%d: %s: expected min up to max%s, found %g and %g",
			s->file, p->line, p->name, p->log ? ", both above 0," : "", p->min, p->max);
	if (s->method == JTUNE_GRID && p->n == 0)
		return jerr_set(e, JERR_FORMAT, "%s:%d: %s: a range in a grid needs a count", s->file,
			p->line, p->name);
	return 0;
}

static int
take_params(struct jtune_space *s, const struct jval *space, struct jerr *e)
{
	double points = 1;
	size_t i;

	if (!space || space->type != JVAL_OBJ || space->u.o.n == 0)
		return jerr_set(e, JERR_FORMAT, "%s: space: expected options and their values", s->file);
	s->n_params = space->u.o.n;
	s->params = jarena_alloc(&s->arena, s->n_params, sizeof(*s->params));
	for (i = 0; i < s->n_params; i++) {
		struct jtune_param *p = &s->params[i];
		const struct jval *v = space->u.o.v[i];

		p->name = space->u.o.k[i];
		p->line = v->line;
		if (v->type != JVAL_ARR && v->type != JVAL_OBJ)
			return jerr_set(e, JERR_FORMAT, "%s:%d: %s: expected a list, or min and max",
				s->file, p->line, p->name);
		if ((v->type == JVAL_ARR ? take_list(s, p, v, e) : take_range(s, p, v, e)) < 0)
			return e->code;
		points *= (double)p->n;
	}
	if (s->method != JTUNE_GRID)
		return 0;
	if (points > MAX_TRIALS)
		return jerr_set(e, JERR_FORMAT, "%s: a grid of %.0f points, at most %d", s->file, points,
			MAX_TRIALS);
	s->trials = (int64_t)points;
	return 0;
}

static int
load(struct jtune_space *s, const char *path, struct jerr *e)
{
	struct jbuf text;
	struct jval *v;
	const char *method;

	jbuf_init_max(&text, MAX_FILE);
	if (jin_slurp(path, &text, e) == 0 && text.over)
		jerr_set(e, JERR_LIMIT, "%s: over 1 MiB", path);
	s->text = jarena_strndup(&s->arena, text.p, text.n);
	jbuf_release(&text);
	if (e->code < 0 || jval_parse_yaml(&v, s->text, strlen(s->text), s->file, &s->arena, e) < 0
		|| jschema_check(&schema, v, s->file, e) < 0)
		return e->code;
	method = jschema_str(&schema, v, "method");
	s->method = strcmp(method, "grid") == 0 ? JTUNE_GRID
		: strcmp(method, "halving") == 0 ? JTUNE_HALVING : JTUNE_RANDOM;
	s->trials = jschema_int(&schema, v, "trials");
	s->first = jschema_int(&schema, v, "first");
	s->eta = jschema_int(&schema, v, "eta");
	s->seed = (uint64_t)jschema_int(&schema, v, "seed");
	s->by_valid = strcmp(jschema_str(&schema, v, "metric"), "valid_loss") == 0;
	return take_params(s, jval_get(v, "space"), e);
}

int
jtune_load(struct jtune_space *s, const char *path, struct jerr *e)
{
	memset(s, 0, sizeof(*s));
	jarena_init(&s->arena, 0);
	s->file = jarena_strndup(&s->arena, path, strlen(path));
	return load(s, path, e);
}

void
jtune_release(struct jtune_space *s)
{
	jarena_release(&s->arena);
	memset(s, 0, sizeof(*s));
}

/* Which of n, in a grid or at random; for a range its place from 0 to 1. */
static double
place(const struct jtune_space *s, int64_t trial, size_t p, size_t *index)
{
	const struct jtune_param *q = &s->params[p];
	int64_t rest = trial;
	struct jrand r;
	size_t i;

	if (s->method == JTUNE_GRID) {	/* the last parameter turns fastest */
		for (i = s->n_params - 1; i > p; i--)
			rest /= (int64_t)s->params[i].n;
		*index = (size_t)(rest % (int64_t)q->n);
		return q->n > 1 ? (double)*index / (double)(q->n - 1) : 0;
	}
	jrand_init_str(&r, s->seed * 1000003 + (uint64_t)trial, q->name, strlen(q->name));
	if (q->values)
		*index = (size_t)jrand_below(&r, q->n);
	return jrand_double(&r);
}

void
jtune_value(const struct jtune_space *s, int64_t trial, size_t p, struct jbuf *out)
{
	const struct jtune_param *q = &s->params[p];
	size_t index = 0;
	double at = place(s, trial, p, &index), v;

	if (q->values) {
		jbuf_adds(out, q->values[index]);
		return;
	}
	v = q->log ? exp(log(q->min) + at * (log(q->max) - log(q->min))) : q->min + at * (q->max - q->min);
	if (q->whole)
		jbuf_printf(out, "%.0f", floor(v + 0.5));
	else
		jbuf_printf(out, "%.3g", v);
}
