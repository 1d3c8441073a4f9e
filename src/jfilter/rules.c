#include "rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jjson.h"
#include "conf/jval.h"
#include "io/jfs.h"

static int
resolve(struct rule *r, const struct rule_row *row, const char *where, struct jerr *e)
{
	*r = (struct rule){ row->rule, jsignal_find(row->signal), row->side, row->limit, row->why };
	if (!r->signal)
		return jerr_set(e, JERR_ARG, "%s: rule %s: no signal \"%s\"; `jfilter signals --list` names "
			"them", where, row->rule, row->signal);
	return 0;
}

static int
from_preset(struct ruleset *rs, const struct preset *p, struct jarena *a, struct jerr *e)
{
	size_t i;
	int rc;

	for (rs->n = 0; p->rows[rs->n].rule; rs->n++)
		;
	rs->name = p->name;
	rs->about = p->about;
	rs->clean = p->clean ? jclean_find(p->clean) : NULL;
	rs->v = jarena_alloc(a, rs->n + 1, sizeof(*rs->v));
	for (i = 0; i < rs->n; i++) {
		rc = resolve(&rs->v[i], &p->rows[i], p->name, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
known_keys(const struct jval *v, const char *const *known, const char *file, struct jerr *e)
{
	size_t i, k;

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
read_row(struct rule *r, const struct jval *v, const char *file, struct jerr *e)
{
	static const char *const keys[] = { "rule", "signal", "min", "max", "why", NULL };
	const struct jval *min, *max;
	struct rule_row row;
	char where[300];
	int rc;

	if (v->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s:%d: expected a rule like { rule: NAME, signal: NAME, "
			"min: NUMBER }", file, v->line);
	rc = known_keys(v, keys, file, e);
	if (rc < 0)
		return rc;
	min = jval_get(v, "min");
	max = jval_get(v, "max");
	row = (struct rule_row){ jval_str(v, "rule", NULL), jval_str(v, "signal", NULL),
		min ? SIDE_MIN : SIDE_MAX, jval_num(v, min ? "min" : "max", NAN), jval_str(v, "why", "") };
	if (!row.rule || !row.signal || !min == !max || isnan(row.limit))
		return jerr_set(e, JERR_FORMAT, "%s:%d: a rule needs rule, signal and either min or max",
			file, v->line);
	snprintf(where, sizeof(where), "%s:%d", file, v->line);
	return resolve(r, &row, where, e);
}

static int
from_file(struct ruleset *rs, const char *file, struct jarena *a, struct jerr *e)
{
	static const char *const keys[] = { "name", "about", "clean", "rules", NULL };
	const struct jval *list;
	struct jval *v;
	size_t i;
	int rc;

	rc = jval_load_yaml(&v, file, a, e);
	if (rc < 0)
		return rc;
	list = jval_get(v, "rules");
	if (!list || list->type != JVAL_ARR)
		return jerr_set(e, JERR_FORMAT, "%s: expected a list \"rules\"", file);
	rc = known_keys(v, keys, file, e);
	rs->name = jval_str(v, "name", file);
	rs->about = jval_str(v, "about", "");
	if (rc == 0)
		rc = ruleset_clean(&rs->clean, jval_str(v, "clean", "none"), e);
	rs->n = list->u.a.n;
	rs->v = jarena_alloc(a, rs->n + 1, sizeof(*rs->v));
	for (i = 0; i < rs->n && rc == 0; i++)
		rc = read_row(&rs->v[i], list->u.a.v[i], file, e);
	return rc;
}

int
ruleset_clean(const struct jclean **clean, const char *name, struct jerr *e)
{
	*clean = jclean_find(name);
	if (*clean || strcmp(name, "none") == 0)
		return 0;
	return jerr_set(e, JERR_ARG, "no line rules \"%s\": expected c4, c4-paper, fineweb, refinedweb or none", name);
}

int
ruleset_load(struct ruleset *rs, const char *name, struct jarena *a, struct jerr *e)
{
	struct jbuf names;
	const struct preset *p;

	memset(rs, 0, sizeof(*rs));
	for (p = presets; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return from_preset(rs, p, a, e);
	if (jfs_exists(name))
		return from_file(rs, name, a, e);
	jbuf_init(&names);
	for (p = presets; p->name; p++)
		jbuf_printf(&names, " %s", p->name);
	jerr_set(e, JERR_ARG, "no rule set \"%s\": expected a file, or one of%s", name, names.p);
	jbuf_release(&names);
	return JERR_ARG;
}

int
ruleset_set(struct ruleset *rs, const char *assignment, struct jerr *e)
{
	const char *eq = strchr(assignment, '=');
	double limit = 0;
	int hits = 0;
	size_t i, to = 0;
	bool off;

	if (!eq)
		return jerr_set(e, JERR_ARG, "--set %s: expected RULE=LIMIT or RULE=off", assignment);
	off = strcmp(eq + 1, "off") == 0;
	if (!off && jstr_to_double(eq + 1, &limit) < 0)
		return jerr_set(e, JERR_ARG, "--set %s: \"%s\" is not a number", assignment, eq + 1);
	for (i = 0; i < rs->n; i++) {
		struct rule r = rs->v[i];

		if (strlen(r.name) == (size_t)(eq - assignment) &&
		    strncmp(r.name, assignment, strlen(r.name)) == 0) {
			hits = 1;
			if (off)
				continue;
			r.limit = limit;
		}
		rs->v[to++] = r;
	}
	rs->n = to;
	return hits;
}

int
ruleset_add(struct ruleset *rs, const struct rule_row *row, struct jarena *a, struct jerr *e)
{
	struct rule *v;
	size_t i;

	for (i = 0; i < rs->n; i++)
		if (strcmp(rs->v[i].name, row->rule) == 0)
			return 0;
	v = jarena_alloc(a, rs->n + 2, sizeof(*v));
	memcpy(v, rs->v, rs->n * sizeof(*v));
	rs->v = v;
	return resolve(&rs->v[rs->n++], row, rs->name, e);
}

void
ruleset_print(const struct ruleset *rs, struct jbuf *out)
{
	size_t i;

	jbuf_printf(out, "name: %s\nabout: ", rs->name);
	jjson_str(out, rs->about, strlen(rs->about));
	if (rs->clean)
		jbuf_printf(out, "\nclean: %s", jclean_name(rs->clean));
	jbuf_adds(out, rs->n ? "\nrules:\n" : "\nrules: []\n");
	for (i = 0; i < rs->n; i++) {
		const struct rule *r = &rs->v[i];

		jbuf_printf(out, "  - { rule: %s, signal: %s, %s: ", r->name, r->signal->name,
			r->side == SIDE_MIN ? "min" : "max");
		jjson_num(out, r->limit);
		jbuf_adds(out, ", why: ");
		jjson_str(out, r->why, strlen(r->why));
		jbuf_adds(out, " }\n");
	}
}

bool
rule_holds(const struct rule *r, double value)
{
	if (isnan(value))
		return true;
	return r->side == SIDE_MIN ? value >= r->limit : value <= r->limit;
}

double
rule_margin(const struct rule *r, double value)
{
	if (isnan(value))
		return 0;
	return r->side == SIDE_MIN ? value - r->limit : r->limit - value;
}
