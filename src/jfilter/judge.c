#include "judge.h"

#include <math.h>
#include <string.h>

static const double default_relevance = 0.1;

static struct kind_set *
kind_of(struct judge *j, const char *kind, size_t n)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (strlen(j->kinds[i].kind) == n && strncmp(j->kinds[i].kind, kind, n) == 0)
			return &j->kinds[i];
	j->kinds = jmem_realloc(j->kinds, j->n + 1, sizeof(*j->kinds));
	j->kinds[j->n] = (struct kind_set){ .kind = jarena_strndup(&j->arena, kind, n) };
	return &j->kinds[j->n++];
}

/* Splits "KIND=VALUE" or "VALUE". */
static struct kind_set *
split_kind(struct judge *j, const char *s, const char **value)
{
	const char *eq = strchr(s, '=');

	*value = eq ? eq + 1 : s;
	return kind_of(j, s, eq ? (size_t)(eq - s) : 0);
}

static int
load_rules(struct judge *j, const char *option, struct jerr *e)
{
	const char *name;
	struct kind_set *k = split_kind(j, option, &name);

	k->has_rules = true;
	return ruleset_load(&k->set, name, &j->arena, e);
}

/* "dclm" is what gopher is. */
static int
load_compat(struct judge *j, const char *program, struct jerr *e)
{
	const char *name = strcmp(program, "dclm") == 0 ? "gopher" : program;
	int rc = ruleset_load(&j->kinds[0].set, name, &j->arena, e);
	return rc == 0 ? ruleset_load(&j->kinds[1].set, name, &j->arena, e) : rc;
}

static int
set_limits(struct judge *j, const struct jopt_list *set, struct jerr *e)
{
	size_t i, k;

	for (i = 0; i < set->n; i++) {
		int hits = 0;

		for (k = 0; k < j->n; k++) {
			int rc = ruleset_set(&j->kinds[k].set, set->v[i], e);

			if (rc < 0)
				return rc;
			hits += rc;
		}
		if (hits == 0)
			return jerr_set(e, JERR_ARG, "--set %s: no rule of that name; --print-rules names "
				"them", set->v[i]);
	}
	return 0;
}

static int
set_relevance(struct judge *j, const char *option, struct jerr *e)
{
	const char *value;
	struct kind_set *k = split_kind(j, option, &value);

	k->has_relevance = true;
	if (jstr_to_double(value, &k->min_relevance) < 0 || !(k->min_relevance >= 0) ||
	    k->min_relevance > 1)
		return jerr_set(e, JERR_ARG, "--min-relevance %s: expected a number from 0 to 1", option);
	return 0;
}

/* Appends a rule to every set, unless the set has one of that name. */
static int
add_rule(struct judge *j, const struct rule_row *row, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < j->n && rc == 0; i++)
		if (i == 0 || j->kinds[i].has_rules)
			rc = ruleset_add(&j->kinds[i].set, row, &j->arena, e);
	return rc;
}

/* On a signal it is one more rule of all sets; other names are numbers of the record. */
static int
set_limit(struct judge *j, const char *option, enum side side, struct jerr *e)
{
	const char *eq = strrchr(option, '='), *what = side == SIDE_MIN ? "min" : "max";
	struct limit l = { .side = side };
	struct rule_row row;

	if (!eq || eq == option || jstr_to_double(eq + 1, &l.limit) < 0)
		return jerr_set(e, JERR_ARG, "--%s %s: expected NAME=NUMBER", what, option);
	l.name = jarena_strndup(&j->arena, option, (size_t)(eq - option));
	if (!jsignal_find(l.name)) {
		j->limits[j->limit_n++] = l;
		return 0;
	}
	row = (struct rule_row){ jarena_printf(&j->arena, "%s:%s", what, l.name), l.name, side, l.limit,
		"asked for" };
	return add_rule(j, &row, e);
}

static int
set_members(struct judge *j, const struct judge_opts *o, struct jerr *e)
{
	size_t i;
	int rc = 0;

	j->limits = jarena_alloc(&j->arena, o->min.n + o->max.n + 1, sizeof(*j->limits));
	for (i = 0; i < o->min.n && rc == 0; i++)
		rc = set_limit(j, o->min.v[i], SIDE_MIN, e);
	for (i = 0; i < o->max.n && rc == 0; i++)
		rc = set_limit(j, o->max.v[i], SIDE_MAX, e);
	return rc;
}

static int
set_clean(struct judge *j, const char *name, struct jerr *e)
{
	const struct jclean *clean;
	size_t i;
	int rc = ruleset_clean(&clean, name, e);

	for (i = 0; i < j->n && rc == 0; i++)
		j->kinds[i].set.clean = clean;
	return rc;
}

/* What the options on models ask of a record. */
static int
add_model_rules(struct judge *j, const struct model_opts *o, struct jerr *e)
{
	const struct rule_row rows[] = {
		{ "lang", "lang_wanted", SIDE_MIN, o->min_lang, "not in a wanted language" },
		{ "quality", "quality", SIDE_MIN, o->min_quality, "the classifier says no" },
		{ "perplexity", "perplexity", SIDE_MAX, o->max_perplexity, "unlike the model's text" },
		{ "flagged_words", "flagged_words", SIDE_MAX, 1, "words of the lists" },
		{ "pii", "pii", SIDE_MAX, 0, "personal data" },
		{ "url", "url_listed", SIDE_MAX, 0, "its address is in a list" },
		{ "url_words", "url_words", SIDE_MAX, 0, "a word in its address" },
		{ "url_soft_words", "url_soft_words", SIDE_MAX, 1, "two soft words in its address" },
		{ "licence", "licence_wanted", SIDE_MIN, 1, "another licence, or none" }
	};
	const bool wanted[] = { o->lang != NULL, o->min_quality > 0, o->max_perplexity > 0,
		o->words.n > 0, j->models.pii == PII_DROP, o->urls.n > 0, o->urls.n > 0, o->urls.n > 0,
		o->licence != NULL };
	size_t i;
	int rc = 0;

	if ((wanted[1] && !o->classifier) || (wanted[2] && !o->lm))
		return jerr_set(e, JERR_ARG, "--min-quality needs --classifier, --max-perplexity needs --lm");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		if (wanted[i])
			rc = add_rule(j, &rows[i], e);
	return rc;
}

static void
list_keywords(struct judge *j)
{
	const char **v = jarena_alloc(&j->arena, j->relevance.keywords + 1, sizeof(*v));
	size_t i;

	for (i = 0; i < j->relevance.keywords; i++)
		v[i] = jmatch_key(j->relevance.match, i);
	j->models.of.keywords = v;
}

int
judge_open(struct judge *j, const struct judge_opts *o, struct jerr *e)
{
	size_t i;
	int rc;

	memset(j, 0, sizeof(*j));
	jarena_init(&j->arena, 0);
	rc = load_rules(j, "docs", e);
	if (rc == 0)
		rc = load_rules(j, "code=code", e);
	j->kinds[0].min_relevance = default_relevance;
	if (rc == 0 && o->compat)
		rc = load_compat(j, o->compat, e);
	for (i = 0; i < o->rules.n && rc == 0; i++)
		rc = load_rules(j, o->rules.v[i], e);
	if (rc == 0)
		rc = models_open(&j->models, &o->models, &j->arena, e);
	if (rc == 0)
		rc = add_model_rules(j, &o->models, e);
	if (rc == 0)
		rc = set_limits(j, &o->set, e);
	if (rc == 0)
		rc = set_members(j, o, e);
	if (rc == 0 && o->clean)
		rc = set_clean(j, o->clean, e);
	for (i = 0; i < o->min_relevance.n && rc == 0; i++)
		rc = set_relevance(j, o->min_relevance.v[i], e);
	if (rc == 0)
		rc = relevance_open(&j->relevance, o->domain, &o->keywords, &o->negative, e);
	if (rc == 0 && j->relevance.match)
		list_keywords(j);
	if (rc == 0 && o->min_relevance.n > 0 && !j->relevance.match)
		rc = jerr_set(e, JERR_ARG, "--min-relevance needs --domain or --keywords");
	return rc;
}

void
judge_close(struct judge *j)
{
	relevance_close(&j->relevance);
	models_close(&j->models);
	jmem_free(j->kinds);
	jarena_release(&j->arena);
}

void
judge_bench_init(struct judge_bench *b, const struct judge *j)
{
	size_t n = j->relevance.match ? jmatch_size(j->relevance.match) : 0;

	b->page = jpage_new();
	jpage_use(b->page, &j->models.of);
	jarena_init(&b->arena, 0);
	jbuf_init(&b->clean);
	b->hits = jmem_zalloc(n + 1, sizeof(*b->hits));
}

void
judge_bench_release(struct judge_bench *b)
{
	jpage_free(b->page);
	jarena_release(&b->arena);
	jbuf_release(&b->clean);
	jmem_free(b->hits);
}

const struct ruleset *
judge_rules(const struct judge *j, const char *kind)
{
	size_t i;

	for (i = 1; i < j->n; i++)
		if (j->kinds[i].has_rules && strcmp(j->kinds[i].kind, kind) == 0)
			return &j->kinds[i].set;
	return &j->kinds[0].set;
}

double
judge_min_relevance(const struct judge *j, const char *kind)
{
	size_t i;

	for (i = 1; i < j->n; i++)
		if (j->kinds[i].has_relevance && strcmp(j->kinds[i].kind, kind) == 0)
			return j->kinds[i].min_relevance;
	return j->kinds[0].min_relevance;
}

bool
judge_asks_nothing(const struct judge *j)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if ((i == 0 || j->kinds[i].has_rules) && (j->kinds[i].set.n > 0 || j->kinds[i].set.clean))
			return false;
	return !j->relevance.match && j->limit_n == 0;
}

/* The first limit on a number of the record that does not hold; what is not there has none. */
static bool
breaks_limit(const struct judge *j, const struct judged *t, struct verdict *v)
{
	size_t i;
	double x;

	for (i = 0; i < j->limit_n; i++) {
		const struct limit *l = &j->limits[i];

		if (!record_number(t->r, l->name, &x) || (l->side == SIDE_MIN ? x >= l->limit : x <= l->limit))
			continue;
		*v = (struct verdict){ l->name, l->name, l->side, x, l->limit, NAN };
		return true;
	}
	return false;
}

/* Only the text of documents is cleaned.  False if nothing is left of it. */
static bool
clean_text(const struct ruleset *set, struct judge_bench *b, const struct judged *t)
{
	struct jclean_counts c;

	b->cleaned = false;
	if (!set->clean || !jrec_find(t->r, "text"))
		return true;
	jbuf_reset(&b->clean);
	jclean_text(set->clean, t->text, t->n, &b->clean, &c);
	b->about.removed = c.words ? 1 - (double)c.kept_words / (double)c.words : 0;
	b->cleaned = b->clean.n != t->n || memcmp(b->clean.p, t->text, t->n) != 0;
	return c.kept_words > 0;
}

static int
ask_rules(const struct ruleset *set, struct judge_bench *b, struct verdict *v)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct rule *r = &set->v[i];
		double value = r->signal->measure(b->page);

		if (rule_holds(r, value))
			continue;
		*v = (struct verdict){ r->name, r->signal->name, r->side, value, r->limit, v->relevance };
		return 0;
	}
	return 1;
}

int
judge_text(const struct judge *j, struct judge_bench *b, const struct judged *t,
	struct verdict *v, struct jerr *e)
{
	const struct ruleset *set = judge_rules(j, t->kind);
	double min = judge_min_relevance(j, t->kind);
	bool broken, left;
	int rc;

	*v = (struct verdict){ .relevance = NAN };
	b->cleaned = false;
	broken = breaks_limit(j, t, v);
	if ((broken || (set->n == 0 && !set->clean && !j->relevance.match)) && !t->page)
		return 0;
	record_about(t->r, &b->about);
	left = clean_text(set, b, t);
	b->page->about = &b->about;
	rc = b->cleaned && !jclean_is_last(set->clean) ? jpage_read(b->page, b->clean.p, b->clean.n, e) :
		jpage_read(b->page, t->text, t->n, e);
	if (rc < 0 || broken)
		return rc;
	if (!left) {
		*v = (struct verdict){ "nothing_left", "words", SIDE_MIN, 0, 1, NAN };
		return 0;
	}
	if (j->relevance.match)
		v->relevance = relevance_score(&j->relevance, b->page, b->hits);
	if (!t->unasked && ask_rules(set, b, v) && v->relevance < min)
		*v = (struct verdict){ "relevance", "relevance", SIDE_MIN, v->relevance, min,
			v->relevance };
	return 0;
}

void
judge_put_drop(struct block *b, const struct jrec *r, const struct verdict *v)
{
	struct jrec_edit ed = { .key = "drop" };
	struct jbuf drop;

	jbuf_init(&drop);
	jrec_begin(&drop);
	jrec_put_str(&drop, "rule", v->rule, strlen(v->rule));
	if (v->signal) {
		jrec_put_str(&drop, "signal", v->signal, strlen(v->signal));
		jrec_put_num(&drop, "value", v->value);
		if (!isinf(v->limit))
			jrec_put_num(&drop, "limit", v->limit);
		jrec_put_str(&drop, "side", v->side == SIDE_MIN ? "min" : "max", 3);
	}
	jrec_end(&drop);
	jbuf_trim(&drop);
	ed.val = drop.p;
	ed.val_n = drop.n;
	jrec_write_edits(r, &ed, 1, &b->rejects);
	jbuf_release(&drop);
	block_reject(b, v->rule);
}
