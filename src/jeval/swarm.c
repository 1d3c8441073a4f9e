/*
 * jeval swarm: experts, mixtures and choices among them beside a generalist, from the records of
 * jeval each, one file a seed.
 */
#include "verbs.h"

#include <math.h>
#include <string.h>

#include "conf/jval.h"
#include "io/jio.h"
#include "record/jreader.h"
#include "record/jrec.h"
#include "score/jcompare.h"

#define DRAWS 2000

static struct swarm_opts {
	const char *reference;
	bool show, html;
} opts = { .reference = "generalist" };

static const struct jopt table[] = {
	{ .name = "reference", .type = JOPT_STR, .value = &opts.reference, .arg = "NAME",
		.help = "what all others are compared with" },
	{ .name = "show", .type = JOPT_BOOL, .value = &opts.show,
		.help = "a table for people instead of records" },
	{ .name = "html", .type = JOPT_BOOL, .value = &opts.html,
		.help = "a page instead of records" },
	{ .type = JOPT_END }
};

/* nll of a file's documents, arms side by side; docs and arms are those of the first file. */
struct swarm {
	struct jarena arena;
	const char **id, **arm, **group;
	size_t n_docs, cap_docs, n_arms, cap_arms, n_groups, cap_groups;
	uint32_t *of;			/* [docs] group */
	size_t cap_of;
	double *bytes, *nll;
	size_t cap_bytes, n_nll, cap_nll;
	size_t seeds, seen;		/* files, documents of the present one */
	bool has_oracle, has_routed;
};

static size_t
find(const char *const *v, size_t n, const char *s)
{
	size_t i = 0;

	while (i < n && strcmp(v[i], s) != 0)
		i++;
	return i;
}

static void
add_arm(struct swarm *x, const char *name)
{
	JMEM_GROW(x->arm, x->cap_arms, x->n_arms + 1);
	x->arm[x->n_arms++] = jarena_printf(&x->arena, "%s", name);
}

/* The arms are the names of the first record, with what can be chosen among them. */
static void
set_arms(struct swarm *x, const struct jval *v)
{
	const struct jval *nll = jval_get(v, "nll");

	for (size_t i = 0; i < nll->u.o.n; i++)
		add_arm(x, nll->u.o.k[i]);
	x->has_routed = jval_str(v, "routed", NULL) != NULL;
	x->has_oracle = jval_get(nll, jval_str(v, "domain", "")) != NULL;
	if (x->has_routed)
		add_arm(x, "routed");
	if (x->has_oracle)
		add_arm(x, "oracle");
}

static int
add_doc(struct swarm *x, const struct jval *v, const char *id, struct jerr *e)
{
	const char *domain = jval_str(v, "domain", "");
	size_t g = find(x->group, x->n_groups, domain);

	if (x->seeds > 0) {
		if (x->seen < x->n_docs && strcmp(x->id[x->seen], id) == 0)
			return 0;
		return jerr_set(e, JERR_FORMAT, "document %s: expected the same documents as in the first "
			"file, in the same order", id);
	}
	if (g == x->n_groups) {
		JMEM_GROW(x->group, x->cap_groups, g + 1);
		x->group[x->n_groups++] = jarena_printf(&x->arena, "%s", domain);
	}
	JMEM_GROW(x->id, x->cap_docs, x->n_docs + 1);
	JMEM_GROW(x->of, x->cap_of, x->n_docs + 1);
	JMEM_GROW(x->bytes, x->cap_bytes, x->n_docs + 1);
	x->id[x->n_docs] = jarena_printf(&x->arena, "%s", id);
	x->of[x->n_docs] = (uint32_t)g;
	x->bytes[x->n_docs++] = jval_num(v, "bytes", 0);
	return 0;
}

static int
add_record(struct swarm *x, const struct jval *v, struct jerr *e)
{
	const struct jval *nll = jval_get(v, "nll");
	int rc;

	if (!nll || nll->type != JVAL_OBJ || jval_num(v, "bytes", -1) < 0)
		return jerr_set(e, JERR_FORMAT, "no record of jeval each: nll or bytes are missing");
	if (x->n_arms == 0)
		set_arms(x, v);
	rc = add_doc(x, v, jval_str(v, "id", ""), e);
	if (rc < 0)
		return rc;
	JMEM_GROW(x->nll, x->cap_nll, x->n_nll + x->n_arms);
	for (size_t a = 0; a < x->n_arms; a++) {
		bool oracle = x->has_oracle && a == x->n_arms - 1;
		bool routed = x->has_routed && a == x->n_arms - 1 - x->has_oracle;
		const char *name = oracle ? jval_str(v, "domain", "") : routed ? jval_str(v, "routed", "") :
			x->arm[a];

		if (!jval_get(nll, name))
			return jerr_set(e, JERR_FORMAT, "document %s: no nll of \"%s\"", x->id[x->seen], name);
		x->nll[x->n_nll++] = jval_num(nll, name, 0);
	}
	x->seen++;
	return 0;
}

static int
read_file(struct jcli *cli, struct swarm *x, char *path, struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	struct jval *v;
	char *line;
	size_t n;
	int rc = jreader_open(&in, 1, &path, e);

	if (rc < 0)
		return rc;
	jcli_input(cli, path);
	jarena_init(&a, 0);
	x->seen = 0;
	while ((rc = jreader_line(&in, &line, &n, e)) > 0) {
		rc = rc == 2 ? jerr_set(e, JERR_LIMIT, "line too long") :
			jval_parse_json(&v, line, n, "record", &a, e);
		if (rc == 0)
			rc = add_record(x, v, e);
		if (rc < 0) {
			jerr_wrap(e, "%s:%llu", path, (unsigned long long)jreader_lineno(&in));
			break;
		}
		jcli_counts(cli)->in++;
		jarena_reset(&a);
	}
	if (rc == 0 && x->seeds++ > 0 && x->seen != x->n_docs)
		rc = jerr_set(e, JERR_FORMAT, "%s: %zu documents, %zu in the first file", path, x->seen, x->n_docs);
	jarena_release(&a);
	jreader_close(&in);
	return rc;
}

static void
put_number(struct jbuf *b, const char *key, double v)
{
	if (isfinite(v))
		jrec_put_num(b, key, v);
}

static void
put_records(struct jbuf *b, const struct swarm *x, const struct jcompare *c,
	const struct jcompare_figure *f)
{
	for (size_t g = 0; g <= c->groups; g++) {
		for (size_t a = 0; a < c->arms; a++, f++) {
			const char *group = g < c->groups ? x->group[g] : "all";
			size_t docs = 0;

			for (size_t i = 0; i < c->docs; i++)
				docs += g == c->groups || c->group[i] == g;
			jrec_begin(b);
			jrec_put_str(b, "metric", "swarm", 5);
			jrec_put_str(b, "name", x->arm[a], strlen(x->arm[a]));
			jrec_put_str(b, "domain", group, strlen(group));
			put_number(b, "bpb", f->bpb);
			put_number(b, "low", f->low);
			put_number(b, "high", f->high);
			put_number(b, "diff", f->diff);
			put_number(b, "diff_low", f->diff_low);
			put_number(b, "diff_high", f->diff_high);
			jrec_put_int(b, "docs", (int64_t)docs);
			jrec_put_int(b, "seeds", (int64_t)c->seeds);
			jrec_end(b);
		}
	}
}

/* Bits per byte of each arm by domain; then all documents, beside the reference. */
static void
put_table(struct jbuf *b, const struct swarm *x, const struct jcompare *c,
	const struct jcompare_figure *f)
{
	const struct jcompare_figure *all = f + c->groups * c->arms;

	jbuf_printf(b, "held-out bits per byte: %zu documents, %zu seed%s, 95 %% intervals over %s\n\n%-18s",
		c->docs, c->seeds, c->seeds == 1 ? "" : "s",
		c->seeds == 1 ? "documents (one seed says nothing about others)" : "documents and seeds", "");
	for (size_t g = 0; g < c->groups; g++)
		jbuf_printf(b, " %8.8s", strncmp(x->group[g], "python-", 7) == 0 ? x->group[g] + 7 : x->group[g]);
	jbuf_printf(b, " %8s\n", "all");
	for (size_t a = 0; a < c->arms; a++) {
		jbuf_printf(b, "%-18s", x->arm[a]);
		for (size_t g = 0; g <= c->groups; g++)
			jbuf_printf(b, " %8.4f", f[g * c->arms + a].bpb);
		jbuf_addc(b, '\n');
	}
	jbuf_printf(b, "\n%-18s %8s  %-18s  against %s\n", "all documents", "bpb", "95 %", opts.reference);
	for (size_t a = 0; a < c->arms; a++) {
		jbuf_printf(b, "%-18s %8.4f  %.4f .. %.4f", x->arm[a], all[a].bpb, all[a].low, all[a].high);
		if (a != c->reference)
			jbuf_printf(b, "    %+.4f (%+.4f .. %+.4f) %s", all[a].diff, all[a].diff_low,
				all[a].diff_high, jcompare_verdict(&all[a]));
		jbuf_addc(b, '\n');
	}
}

static int
put_all(struct jcli *cli, const struct swarm *x, struct jerr *e)
{
	struct jcompare c = { .seeds = x->seeds, .docs = x->n_docs, .arms = x->n_arms,
		.groups = x->n_groups, .group = x->of, .bytes = x->bytes, .nll = x->nll };
	struct jcompare_figure *f;
	struct jbuf b;
	int rc;

	if (c.docs == 0)
		return jerr_set(e, JERR_FORMAT, "no documents to compare");
	c.reference = find(x->arm, x->n_arms, opts.reference);
	if (c.reference == c.arms)
		return jerr_set(e, JERR_ARG, "--reference %s: the records have no such name", opts.reference);
	f = jmem_zalloc((c.groups + 1) * c.arms, sizeof(*f));
	jcompare_run(&c, DRAWS, (uint64_t)jcli_common(cli)->seed, f);
	jbuf_init(&b);
	if (opts.html)
		jcompare_html(&c, &(struct jcompare_names){ x->arm, x->group }, f, &b);
	else
		(opts.show ? put_table : put_records)(&b, x, &c, f);
	jcli_counts(cli)->out = (c.groups + 1) * c.arms;
	rc = jout_put(jcli_common(cli)->output, b.p, b.n, e);
	jbuf_release(&b);
	jmem_free(f);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct swarm x = { .n_docs = 0 };
	int rc = 0;

	(void)arg;
	if (argc == 0)
		return jerr_set(e, JERR_ARG, "no records given: files of jeval each, one a seed");
	jarena_init(&x.arena, 0);
	for (int i = 0; rc == 0 && i < argc; i++)
		rc = read_file(cli, &x, argv[i], e);
	if (rc == 0)
		rc = put_all(cli, &x, e);
	jmem_free(x.id);
	jmem_free(x.arm);
	jmem_free(x.group);
	jmem_free(x.of);
	jmem_free(x.bytes);
	jmem_free(x.nll);
	jarena_release(&x.arena);
	return rc;
}

const struct jverb swarm_verb = {
	.name = "swarm",
	.args = "[--show | --html] FILE ...",
	.summary = "compare experts, mixtures and choices from the records of each",
	.opts = table,
	.run = run,
};
