#include "explain.h"

#include <math.h>
#include <string.h>

#include "base/jjson.h"

struct row {
	const char *rule, *signal, *side;
	double value, limit, margin;
};

static struct row
rule_row(const struct rule *r, struct jpage *page)
{
	double value = r->signal->measure(page);

	return (struct row){ r->name, r->signal->name, r->side == SIDE_MIN ? "min" : "max", value,
		r->limit, rule_margin(r, value) };
}

static struct row
relevance_row(const struct judge *j, const struct explained *x, const struct verdict *v)
{
	double min = judge_min_relevance(j, x->kind);

	return (struct row){ "relevance", "relevance", "min", v->relevance, min, v->relevance - min };
}

/* A limit on a number of the record; NaN where it has none. */
static struct row
limit_row(const struct limit *l, const struct jrec *r)
{
	double value;
	bool there = record_number(r, l->name, &value);

	return (struct row){ l->name, l->name, l->side == SIDE_MIN ? "min" : "max", there ? value : NAN, l->limit,
		!there ? 0 : l->side == SIDE_MIN ? value - l->limit : l->limit - value };
}

static void
text_row(struct jbuf *out, struct row r)
{
	if (isnan(r.value))
		jbuf_printf(out, "  %-20s %-20s %12s  %s %-10.6g %12s  does not apply\n", r.rule, r.signal,
			"-", r.side, r.limit, "-");
	else
		jbuf_printf(out, "  %-20s %-20s %12.6g  %s %-10.6g %12.6g  %s\n", r.rule, r.signal,
			r.value, r.side, r.limit, r.margin, r.margin >= 0 ? "ok" : "DROP");
}

static void
add_words(const struct judge *j, const struct judge_bench *b, struct jbuf *out)
{
	size_t i;

	for (i = 0; i < jmatch_size(j->relevance.match); i++)
		if (b->hits[i])
			jbuf_printf(out, "    %s%s x %u\n", i < j->relevance.keywords ? "" : "not: ",
				jmatch_key(j->relevance.match, i), b->hits[i]);
}

void
explain_text(const struct judge *j, struct judge_bench *b, const struct explained *x,
	const struct verdict *v, struct jbuf *out)
{
	const struct ruleset *set = judge_rules(j, x->kind);
	size_t i;

	jbuf_printf(out, "%s%s%s: %s%s (rules %s)\n", x->id, x->title_n ? " " : "", x->title,
		v->rule ? "dropped by " : "kept", v->rule ? v->rule : "", set->name);
	if (b->cleaned)
		jbuf_printf(out, "  %s removes %.3g of the words\n", jclean_name(set->clean), b->about.removed);
	jbuf_printf(out, "  %-20s %-20s %12s  %-14s %12s\n", "rule", "signal", "value", "limit",
		"margin");
	for (i = 0; i < j->limit_n; i++)
		text_row(out, limit_row(&j->limits[i], x->r));
	for (i = 0; i < set->n; i++)
		text_row(out, rule_row(&set->v[i], b->page));
	if (j->relevance.match) {
		text_row(out, relevance_row(j, x, v));
		add_words(j, b, out);
	}
}

static void
json_row(struct jbuf *out, struct row r)
{
	jbuf_adds(out, "{\"rule\":");
	jjson_str(out, r.rule, strlen(r.rule));
	jbuf_adds(out, ",\"signal\":");
	jjson_str(out, r.signal, strlen(r.signal));
	if (!isnan(r.value)) {
		jbuf_adds(out, ",\"value\":");
		jjson_num(out, r.value);
		jbuf_adds(out, ",\"margin\":");
		jjson_num(out, r.margin);
	}
	jbuf_printf(out, ",\"side\":\"%s\",\"limit\":", r.side);
	jjson_num(out, r.limit);
	jbuf_printf(out, ",\"verdict\":\"%s\"}",
		isnan(r.value) ? "not_applicable" : r.margin >= 0 ? "ok" : "drop");
}

void
explain_json(const struct judge *j, struct judge_bench *b, const struct explained *x,
	const struct verdict *v, struct jbuf *out)
{
	const struct ruleset *set = judge_rules(j, x->kind);
	struct jbuf rows;
	size_t i;

	jbuf_init(&rows);
	jbuf_addc(&rows, '[');
	for (i = 0; i < j->limit_n + set->n; i++) {
		jbuf_adds(&rows, i ? "," : "");
		json_row(&rows, i < j->limit_n ? limit_row(&j->limits[i], x->r) :
			rule_row(&set->v[i - j->limit_n], b->page));
	}
	if (j->relevance.match) {
		jbuf_adds(&rows, i ? "," : "");
		json_row(&rows, relevance_row(j, x, v));
	}
	jbuf_addc(&rows, ']');
	jrec_begin(out);
	jrec_put_str(out, "id", x->id, x->id_n);
	if (x->title_n)
		jrec_put_str(out, "title", x->title, x->title_n);
	jrec_put_str(out, "verdict", v->rule ? "dropped" : "kept", v->rule ? 7 : 4);
	if (v->rule)
		jrec_put_str(out, "rule", v->rule, strlen(v->rule));
	jrec_put_str(out, "set", set->name, strlen(set->name));
	if (b->cleaned)
		jrec_put_num(out, "removed_words", b->about.removed);
	jrec_put_raw(out, "rules", rows.p, rows.n);
	jrec_end(out);
	jbuf_release(&rows);
}
