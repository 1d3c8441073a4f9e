/*
 * tune.c - the rounds of a search and their ledger.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jjson.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "record/jrec.h"
#include "train/jtune.h"
#include "train/train_internal.h"

struct search {
	const struct jtune_space *s;
	const char *dir;
	const struct jtune_runner *r;
	struct jtune_result *v;		/* [s->trials] */
	struct metrics *ledger;
	struct jarena arena;
	/* What the ledger has, from before. */
	struct jtune_result *done;
	size_t n_done, cap_done;
};

static int
by_value(const void *a, const void *b)
{
	const struct jtune_result *x = a, *y = b;

	if (x->steps != y->steps)
		return x->steps > y->steps ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->trial < y->trial ? -1 : x->trial > y->trial;
}

/* The space beside the ledger: a search goes on with the one it began with. */
static int
check_space(struct search *w, struct jerr *e)
{
	const char *path = jfs_join(&w->arena, w->dir, "space.yaml");
	struct jbuf was;

	if (!jfs_exists(path))
		return jout_put(path, w->s->text, strlen(w->s->text), e);
	jbuf_init_max(&was, (size_t)1 << 20);
	if (jin_slurp(path, &was, e) == 0 && strcmp(was.p, w->s->text) != 0)
		jerr_set(e, JERR_ARG, "%s: the search in %s began with another space: give another -o",
			w->s->file, w->dir);
	jbuf_release(&was);
	return e->code;
}

/* Length of the line at s. */
static int
line_length(const char *s)
{
	return (int)strcspn(s, "\n");
}

/* The same for the options that all trials have: the ledger is of those. */
static int
check_options(struct search *w, struct jerr *e)
{
	const char *path = jfs_join(&w->arena, w->dir, "options.txt"), *now = w->s->options, *old;
	struct jbuf was;

	if (!now)
		return 0;
	if (!jfs_exists(path))
		return jout_put(path, now, strlen(now), e);
	jbuf_init_max(&was, (size_t)1 << 20);
	if (jin_slurp(path, &was, e) == 0 && strcmp(was.p, now) != 0) {
		for (old = was.p; *old && line_length(old) == line_length(now)
			&& memcmp(old, now, (size_t)line_length(now)) == 0; ) {
			old += line_length(old) + (old[line_length(old)] != 0);
			now += line_length(now) + (now[line_length(now)] != 0);
		}
		jerr_set(e, JERR_ARG, "%s: the search began with '%.*s', not '%.*s': give the same "
			"options, or another -o", w->dir, line_length(old), old, line_length(now), now);
	}
	jbuf_release(&was);
	return e->code;
}

static void
take_line(struct search *w, const struct jrec *r)
{
	struct jtune_result d = { .value = INFINITY };

	if (!jrec_int(r, "trial", &d.trial) || !jrec_int(r, "step", &d.steps))
		return;
	jrec_num(r, "value", &d.value);
	JMEM_GROW(w->done, w->cap_done, w->n_done + 1);
	w->done[w->n_done++] = d;
}

/* Reads the ledger; metrics_open() has cut off a last line that is not whole. */
static int
open_ledger(struct search *w, struct jerr *e)
{
	const char *path = jfs_join(&w->arena, w->dir, "ledger.jsonl");
	struct jarena a;
	struct jin *in;
	struct jrec r;
	char *line;
	size_t n;

	if (metrics_open(&w->ledger, path, INT64_MAX, e) < 0 || jin_open(&in, path, e) < 0)
		return e->code;
	jarena_init(&a, 0);
	while (jin_line(in, &line, &n, e) == 1 && jrec_parse(&r, line, n, &a, e) == 0)
		take_line(w, &r);
	jarena_release(&a);
	jin_close(in);
	return e->code;
}

static int
put_line(struct search *w, const struct jtune_result *x, const char *failed, struct jerr *e)
{
	struct jbuf b, value;
	size_t p;

	jbuf_init(&b);
	jbuf_init(&value);
	jrec_begin(&b);
	jrec_put_int(&b, "trial", x->trial);
	jrec_put_int(&b, "step", x->steps);
	if (isfinite(x->value))
		jrec_put_num(&b, "value", x->value);
	if (failed)
		jrec_put_str(&b, "failed", failed, strlen(failed));
	for (p = 0; p < w->s->n_params; p++) {
		jbuf_addc(&value, p ? ',' : '{');
		jjson_str(&value, w->s->params[p].name, strlen(w->s->params[p].name));
		jbuf_adds(&value, ":\"");
		jtune_value(w->s, x->trial, p, &value);
		jbuf_addc(&value, '"');
	}
	jbuf_addc(&value, '}');
	jrec_put_raw(&b, "options", value.p, value.n);
	jrec_end(&b);
	metrics_write(w->ledger, b.p, b.n, e);
	jbuf_release(&value);
	jbuf_release(&b);
	return e->code;
}

static void
tell(struct search *w, const struct jtune_result *x)
{
	struct jbuf b;
	size_t p;

	jbuf_init(&b);
	jbuf_printf(&b, "trial %lld, %lld steps:", (long long)x->trial, (long long)x->steps);
	for (p = 0; p < w->s->n_params; p++) {
		jbuf_printf(&b, " %s=", w->s->params[p].name);
		jtune_value(w->s, x->trial, p, &b);
	}
	if (isfinite(x->value))
		jbuf_printf(&b, ": %s %.4f", w->s->by_valid ? "held-out loss" : "loss", x->value);
	else
		jbuf_adds(&b, ": failed");
	w->r->note(w->r->arg, b.p);
	jbuf_release(&b);
}

/* One trial up to a step, if the ledger does not have it. */
static int
try_one(struct search *w, struct jtune_result *x, int64_t until, struct jerr *e)
{
	struct jerr why = { 0 };
	char *dir;
	size_t i;

	x->steps = until;
	for (i = 0; i < w->n_done; i++)
		if (w->done[i].trial == x->trial && w->done[i].steps == until) {
			x->value = w->done[i].value;
			return 0;
		}
	dir = jarena_printf(&w->arena, "%s/trial-%04lld", w->dir, (long long)x->trial);
	x->value = INFINITY;
	if (w->r->run(w->r->arg, x->trial, dir, until, &x->value, &why) < 0 && why.code != JERR_LIMIT)
		return jerr_set(e, why.code, "trial %lld: %s", (long long)x->trial, why.msg);
	tell(w, x);
	return put_line(w, x, why.code < 0 ? why.msg : NULL, e);
}

static int
rounds(struct search *w, int64_t steps, struct jerr *e)
{
	bool halving = w->s->method == JTUNE_HALVING;
	int64_t n = w->s->trials, until = halving && w->s->first < steps ? w->s->first : steps, i;

	for (;;) {
		for (i = 0; i < n; i++)
			if (try_one(w, &w->v[i], until, e) < 0)
				return e->code;
		qsort(w->v, (size_t)w->s->trials, sizeof(*w->v), by_value);
		if (until >= steps)
			return 0;
		n = (n + w->s->eta - 1) / w->s->eta;
		while (n > 1 && !isfinite(w->v[n - 1].value))
			n--;
		until = n == 1 || until > steps / w->s->eta ? steps : until * w->s->eta;
	}
}

int
jtune_search(const struct jtune_space *s, const char *dir, int64_t steps,
	const struct jtune_runner *r, struct jtune_result *results, struct jerr *e)
{
	struct search w = { .s = s, .dir = dir, .r = r, .v = results };
	struct jerr ignored = { 0 };
	int64_t i;

	for (i = 0; i < s->trials; i++)
		results[i] = (struct jtune_result){ .trial = i, .value = INFINITY };
	jarena_init(&w.arena, 0);
	if (jfs_mkdirs(dir, e) == 0 && check_space(&w, e) == 0 && check_options(&w, e) == 0
		&& open_ledger(&w, e) == 0)
		rounds(&w, steps, e);
	metrics_close(w.ledger, e->code < 0 ? &ignored : e);
	jmem_free(w.done);
	jarena_release(&w.arena);
	return e->code;
}
