#include "filter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "buckets.h"
#include "explain.h"
#include "lines.h"
#include "par/jpar.h"
#include "recordtext.h"

struct run;
typedef int record_fn(struct run *run, struct judge_bench *bench, struct block *b,
	const struct jrec *r, struct jerr *e);

struct run {
	struct lines lines;
	struct judge judge;
	struct judge_bench *bench;	/* one for each worker */
	int workers;
	const struct filter_opts *opts;
	record_fn *fn;
	bool notes;			/* kept records are told more than their relevance */
	bool pass;			/* every record goes through as it is */
};

struct notes {			/* what a kept record is told about itself */
	struct jrec_edit score[4 + JPII_KINDS + 1];
	size_t n;
	struct jarena *arena;
};

static void
note_score(struct notes *t, const char *name, double value)
{
	struct jbuf b;

	if (!isfinite(value))
		return;
	jbuf_init(&b);
	jjson_num(&b, value);
	t->score[t->n++] = (struct jrec_edit){ name, jarena_strndup(t->arena, b.p, b.n), b.n };
	jbuf_release(&b);
}

/* The scores object with the new ones spliced in, as an edit. */
static struct jrec_edit
scores_edit(const struct notes *t, const struct jrec *r)
{
	struct jrec_edit ed = { .key = "scores" };
	struct jrec old;
	struct jbuf b;

	jbuf_init(&b);
	if (!jrec_obj(r, "scores", &old))
		jrec_parse(&old, "{}", 2, r->arena, NULL);
	jrec_write_edits(&old, t->score, t->n, &b);
	jbuf_trim(&b);
	ed.val = jarena_strndup(r->arena, b.p, b.n);
	ed.val_n = b.n;
	jbuf_release(&b);
	return ed;
}

static double
measure(const char *name, struct jpage *page)
{
	return jsignal_find(name)->measure(page);
}

static void
note_models(const struct run *run, struct judge_bench *bench, struct notes *t)
{
	const struct models *m = &run->judge.models;
	const struct jpii_list *pii;
	int i;

	if (run->opts->judge.models.lang || run->opts->judge.models.lang_model)
		note_score(t, "jfilter.lang_score", jpage_lang(bench->page)->p);
	if (m->classifier)
		note_score(t, "jfilter.quality", measure("quality", bench->page));
	if (m->lm)
		note_score(t, "jfilter.perplexity", measure("perplexity", bench->page));
	if (m->pii != PII_COUNT)
		return;
	pii = jpage_pii(bench->page);
	for (i = 0; i < JPII_KINDS; i++)
		if (pii->count[i])
			note_score(t, jarena_printf(t->arena, "jfilter.pii_%s",
				jpii_name((enum jpii_kind)i)), (double)pii->count[i]);
}

static struct jrec_edit
string_edit(const char *key, const char *s, struct jarena *a)
{
	const char *quoted = jarena_printf(a, "\"%s\"", s);

	return (struct jrec_edit){ key, quoted, strlen(quoted) };
}

static void
put_kept(const struct run *run, struct judge_bench *bench, struct block *b, const struct jrec *r,
	double relevance)
{
	const struct models *m = &run->judge.models;
	const struct model_opts *o = &run->opts->judge.models;
	struct notes t = { .arena = r->arena };
	struct jrec_edit ed[16], *pii;
	size_t n = 0, k, i;
	const char *bucket;

	note_score(&t, "jfilter.relevance", relevance);
	if (bench->cleaned)
		note_score(&t, "jfilter.removed_words", bench->about.removed);
	note_models(run, bench, &t);
	if (m->pii == PII_MASK || m->pii == PII_HASH) {
		k = models_pii_edits(m, r, &pii);
		for (i = 0; i < k; i++)
			ed[n++] = pii[i];
	}
	if ((o->lang || o->lang_model) && !jrec_find(r, "lang"))
		ed[n++] = string_edit("lang", jpage_lang(bench->page)->code, r->arena);
	for (i = 0; m->buckets && i < t.n; i++)
		if (strcmp(t.score[i].key, "jfilter.perplexity") == 0 &&
		    (bucket = models_bucket(m, m->shares ? buckets_lang(r, bench->page) : "",
		    strtod(t.score[i].val, NULL))) != NULL)
			ed[n++] = string_edit("bucket", bucket, r->arena);
	if (t.n > 0)
		ed[n++] = scores_edit(&t, r);
	b->kept++;
	if (n == 0)
		jrec_write(r, &b->out);
	else
		jrec_write_edits(r, ed, n, &b->out);
}

/* The record with its text as line rules left it, from the arena. */
static int
cleaned_record(const struct judge_bench *bench, const struct jrec *r, struct jrec *to, struct jerr *e)
{
	struct jrec_edit ed = { .key = "text" };
	struct jbuf text, line;
	const char *copy;
	int rc;

	jbuf_init(&text);
	jbuf_init(&line);
	jjson_str(&text, bench->clean.p, bench->clean.n);
	ed.val = text.p;
	ed.val_n = text.n;
	jrec_write_edits(r, &ed, 1, &line);
	jbuf_trim(&line);
	copy = jarena_strndup(r->arena, line.p, line.n);
	rc = jrec_parse(to, copy, line.n, r->arena, e);
	jbuf_release(&text);
	jbuf_release(&line);
	return rc;
}

static int
filter_record(struct run *run, struct judge_bench *bench, struct block *b, const struct jrec *r,
	struct jerr *e)
{
	struct verdict v;
	struct judged t = { .kind = record_kind(r), .r = r, .page = run->notes };
	struct jrec cleaned;
	int rc;

	record_text(r, &t.text, &t.n);
	rc = judge_text(&run->judge, bench, &t, &v, e);
	if (rc < 0)
		return rc;
	if (v.rule) {
		judge_put_drop(b, r, &v);
		return 0;
	}
	if (bench->cleaned)
		rc = cleaned_record(bench, r, &cleaned, e);
	if (rc == 0)
		put_kept(run, bench, b, bench->cleaned ? &cleaned : r, v.relevance);
	return rc;
}

static int
explain_record(struct run *run, struct judge_bench *bench, struct block *b, const struct jrec *r,
	struct jerr *e)
{
	struct explained x = { .title = "", .kind = record_kind(r), .r = r };
	struct verdict v;
	struct judged t = { .kind = x.kind, .r = r, .page = true };
	int rc;

	record_text(r, &t.text, &t.n);
	rc = judge_text(&run->judge, bench, &t, &v, e);
	if (rc < 0)
		return rc;
	x.id = record_id(r, t.text, t.n, &x.id_n);
	jrec_str(r, "title", &x.title, &x.title_n);
	if (run->opts->json)
		explain_json(&run->judge, bench, &x, &v, &b->out);
	else
		explain_text(&run->judge, bench, &x, &v, &b->out);
	b->kept++;
	return 0;
}

/* Members of the present scores object that are not measured anew. */
static size_t
keep_scores(const struct jrec *r, struct jbuf *out)
{
	struct jrec old;
	size_t i, kept = 0;

	if (!jrec_obj(r, "scores", &old))
		return 0;
	for (i = 0; i < old.n; i++) {
		const struct jrec_member *m = &old.m[i];
		char name[64];

		if (m->key_n > 8 && m->key_n < sizeof(name) && memcmp(m->key, "jfilter.", 8) == 0) {
			memcpy(name, m->key + 8, m->key_n - 8);
			name[m->key_n - 8] = 0;
			if (jsignal_find(name) || strcmp(name, "relevance") == 0)
				continue;
		}
		jbuf_adds(out, kept++ ? "," : "");
		jbuf_addc(out, '"');
		jbuf_add(out, m->key, m->key_n);
		jbuf_adds(out, "\":");
		jbuf_add(out, m->val, m->val_n);
	}
	return kept;
}

static void
add_signal(struct jbuf *out, const char *name, double value, size_t *n)
{
	if (!isfinite(value))
		return;
	jbuf_printf(out, "%s\"jfilter.%s\":", (*n)++ ? "," : "", name);
	jjson_num(out, value);
}

/* Is the signal in the list of --only, or without one, of our own? */
static bool
is_wanted(const struct filter_opts *o, const char *name)
{
	const char *s = o->only;
	size_t k;

	for (; s && *s; s += k + (s[k] == ',')) {
		k = strcspn(s, ",");
		if (strlen(name) == k && memcmp(s, name, k) == 0)
			return true;
	}
	return !o->only && !strchr(name, '.');	/* other programs' only by name */
}

static int
signals_record(struct run *run, struct judge_bench *bench, struct block *b, const struct jrec *r,
	struct jerr *e)
{
	struct jrec_edit ed = { .key = "scores" };
	const struct jsignal *s;
	struct jbuf scores;
	struct verdict v;
	struct judged t = { .kind = record_kind(r), .r = r, .page = true, .unasked = true };
	size_t n, i;
	int rc;

	record_text(r, &t.text, &t.n);
	rc = judge_text(&run->judge, bench, &t, &v, e);
	if (rc < 0)
		return rc;
	jbuf_init(&scores);
	jbuf_addc(&scores, '{');
	n = keep_scores(r, &scores);
	for (i = 0; (s = jsignal_at(i)) != NULL; i++)
		if (is_wanted(run->opts, s->name))
			add_signal(&scores, s->name, s->measure(bench->page), &n);
	add_signal(&scores, "relevance", v.relevance, &n);
	jbuf_addc(&scores, '}');
	ed.val = scores.p;
	ed.val_n = scores.n;
	jrec_write_edits(r, &ed, 1, &b->out);
	jbuf_release(&scores);
	b->kept++;
	return 0;
}

static int
work_line(struct run *run, struct judge_bench *bench, struct block *b, size_t i, struct jerr *e)
{
	const struct line *l = &b->v[i];
	struct jerr why = { 0 };
	struct jrec r;
	const char *text;
	size_t n;

	if (l->too_long) {
		block_malformed(b, i, "too_long", "line is longer than --max-line");
		return 0;
	}
	jarena_reset(&bench->arena);
	if (jrec_parse(&r, b->bytes.p + l->at, l->n, &bench->arena, &why) < 0) {
		block_malformed(b, i, "malformed", why.msg);
		return 0;
	}
	if (run->pass ? !record_has_text(&r) : !record_text(&r, &text, &n)) {
		block_malformed(b, i, "no_text", "expected text, prompt or messages");
		return 0;
	}
	if (run->pass) {
		jrec_write(&r, &b->out);
		b->kept++;
		return 0;
	}
	return run->fn(run, bench, b, &r, e);
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct run *run = arg;
	struct block *b = block;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = work_line(run, &run->bench[worker], b, i, e);
	if (rc < 0)
		jerr_wrap(e, "%s:%llu", b->file, (unsigned long long)b->v[i - 1].number);
	return rc;
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct run *run = arg;
	struct block *b = NULL;
	int rc = lines_read(&run->lines, &b, e);

	*block = b;
	return rc;
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct run *run = arg;

	return lines_write(&run->lines, block, e);
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

static int
run_pipe(struct run *run, struct jcli *cli, int argc, char **argv, struct jerr *e)
{
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, run };
	const struct resume_opts o = { .cli = cli };
	int i, rc;

	rc = lines_open(&run->lines, cli, argc, argv, e);
	if (rc < 0)
		return rc;
	run->workers = (int)jcli_common(cli)->jobs;
	run->bench = jmem_zalloc((size_t)run->workers, sizeof(*run->bench));
	for (i = 0; i < run->workers; i++)
		judge_bench_init(&run->bench[i], &run->judge);
	rc = run->opts->resume ? lines_resume_output(&run->lines, run->opts->table, &o, e) :
		lines_open_output(&run->lines, e);
	if (rc == 0)
		rc = jpar_pipe_run(&p, run->workers, e);
	rc = lines_close(&run->lines, rc, e);
	for (i = 0; i < run->workers; i++)
		judge_bench_release(&run->bench[i]);
	jmem_free(run->bench);
	return rc;
}

static int
print_rules(struct jcli *cli, const struct judge *j, struct jerr *e)
{
	struct jbuf b;
	struct jout *out;
	size_t i;
	int rc;

	jbuf_init(&b);
	for (i = 0; i < j->n; i++) {
		if (i > 0 && !j->kinds[i].has_rules)
			continue;
		if (i > 0)
			jbuf_printf(&b, "---\n# for records of kind %s\n", j->kinds[i].kind);
		ruleset_print(&j->kinds[i].set, &b);
	}
	rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc == 0) {
		rc = jout_write(out, b.p, b.n, e);
		if (rc < 0)
			jout_abort(out);
		else
			rc = jout_commit(out, e);
	}
	jbuf_release(&b);
	return rc;
}

static int
list_signals(struct jcli *cli, struct jerr *e)
{
	const struct jsignal *s;
	struct jout *out;
	size_t i;
	int rc;

	rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc < 0)
		return rc;
	for (i = 0; (s = jsignal_at(i)) != NULL && rc == 0; i++)
		rc = jout_printf(out, e, "%-20s %s\n", s->name, s->help);
	if (rc < 0) {
		jout_abort(out);
		return rc;
	}
	return jout_commit(out, e);
}

static int
check_only(const char *s, struct jerr *e)
{
	char name[64];
	size_t k;

	for (; s && *s; s += k + (s[k] == ',')) {
		k = strcspn(s, ",");
		snprintf(name, sizeof(name), "%.*s", (int)k, s);
		if (!jsignal_find(name))
			return jerr_set(e, JERR_ARG, "--only: no signal \"%s\"; --list names them", name);
	}
	return 0;
}

/* Which rules there were, for the provenance: the name of each set and a hash of its rows. */
static void
note_rules(struct jcli *cli, const struct judge *j)
{
	struct jbuf note, rows;
	size_t i;

	jbuf_init(&note);
	jbuf_init(&rows);
	for (i = 0; i < j->n; i++) {
		const struct kind_set *k = &j->kinds[i];

		if (i > 0 && !k->has_rules)
			continue;
		jbuf_reset(&rows);
		ruleset_print(&k->set, &rows);
		jbuf_adds(&note, i ? "," : "{");
		jjson_str(&note, k->kind, strlen(k->kind));
		jbuf_adds(&note, ":{\"set\":");
		jjson_str(&note, k->set.name, strlen(k->set.name));
		jbuf_printf(&note, ",\"hash\":\"%016llx\"}", (unsigned long long)jhash64(rows.p, rows.n, 0));
	}
	jbuf_addc(&note, '}');
	jcli_note(cli, "rules", note.p);
	jbuf_release(&note);
	jbuf_release(&rows);
}

static int
run_with(record_fn *fn, struct jcli *cli, const struct filter_opts *o, int argc, char **argv,
	struct jerr *e)
{
	struct run run = { .opts = o, .fn = fn };
	int rc = check_only(o->only, e);

	if (rc < 0)
		return rc;
	rc = judge_open(&run.judge, &o->judge, e);
	run.notes = run.judge.models.pii != PII_OFF || o->judge.models.lang || o->judge.models.lang_model ||
		o->judge.models.classifier || o->judge.models.lm;
	run.pass = rc == 0 && fn == filter_record && !run.notes && judge_asks_nothing(&run.judge);
	if (rc == 0 && fn == filter_record)
		note_rules(cli, &run.judge);
	if (rc == 0 && fn == filter_record && run.judge.models.shares && !o->print_rules)
		rc = buckets_measure(&run.judge, cli, argc, argv, e);
	if (rc == 0)
		rc = o->print_rules ? print_rules(cli, &run.judge, e) :
			run_pipe(&run, cli, argc, argv, e);
	judge_close(&run.judge);
	return rc;
}

int
filter_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	const struct filter_opts *o = opts;

	return run_with(o->explain ? explain_record : filter_record, cli, o, argc, argv, e);
}

int
signals_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	const struct filter_opts *o = opts;

	return o->list ? list_signals(cli, e) : run_with(signals_record, cli, o, argc, argv, e);
}

int
explain_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	return run_with(explain_record, cli, opts, argc, argv, e);
}
