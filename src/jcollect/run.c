/*
 * run.c - the run: sources read one after the other, documents extracted in parallel, records
 * written in reading order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "collect.h"
#include "doc/jdoc.h"
#include "io/jio.h"
#include "par/jpar.h"
#include "record/jrec.h"

enum { CHECKPOINT_EVERY = 512 };

/* One document on its way through the pipeline. */
struct job {
	struct item it;
	struct jbuf rec;
	const struct collect_opts *o;
	uint64_t source, number;	/* the sources before it, its number in its own from 1 */
};

struct run {
	struct jcli *cli;
	struct collect_source *list;
	size_t n_list;
	/* reading */
	const struct source_type *type;
	void *src;
	size_t at;			/* source being read */
	uint64_t items;			/* handed out of it */
	uint64_t skip;			/* handled by a former run */
	uint64_t left;			/* documents that --limit still allows */
	/* working */
	struct jdoc *doc;		/* one a worker */
	/* writing */
	struct sink *sink;
	struct jout *rejects;		/* or NULL */
	struct sink_state now;
	uint64_t since;			/* documents since the last checkpoint */
	uint64_t max_docs;
	bool full;			/* max_docs are written; guarded by the pipeline's own order */
};

static int
open_next(struct run *r, struct jerr *e)
{
	const struct collect_source *s = &r->list[r->at];

	r->type = source_find(s->spec);
	r->items = 0;
	return r->type->open(&r->src, s->spec, &s->o, e);
}

static void
close_source(struct run *r)
{
	if (r->src)
		r->type->close(r->src);
	r->src = NULL;
	r->at++;
	r->skip = 0;
}

static int
run_read(void *arg, void **block, struct jerr *e)
{
	struct run *r = arg;
	struct job *j;

	while (r->at < r->n_list && r->left > 0) {
		int rc = r->src ? 0 : open_next(r, e);
		bool skip;

		if (rc < 0)
			return rc;
		j = jmem_zalloc(1, sizeof(*j));
		item_init(&j->it);
		jbuf_init(&j->rec);
		skip = r->items < r->skip;
		rc = r->type->next(r->src, &j->it, skip, e);
		j->o = &r->list[r->at].o;
		j->source = r->at;
		j->number = ++r->items;
		if (rc == 1 && !skip) {
			r->left--;
			*block = j;
			return 1;
		}
		item_release(&j->it);
		jbuf_release(&j->rec);
		jmem_free(j);
		if (rc < 0)
			return rc;
		if (rc == 0)
			close_source(r);
	}
	return 0;
}

static int
run_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct run *r = arg;
	struct job *j = block;

	return record_make(&j->it, &r->doc[worker], j->o, &j->rec, e);
}

static void
run_drop(void *arg, void *block)
{
	struct job *j = block;

	(void)arg;
	item_release(&j->it);
	jbuf_release(&j->rec);
	jmem_free(j);
}

/* Counts the document and moves the state behind it. */
static int
account(struct run *r, const struct job *j, struct jerr *e)
{
	struct jcli_counts *c = jcli_counts(r->cli);

	c->in++;
	c->bytes_in += j->it.data.n;
	r->now.in++;
	r->now.source = j->source;
	r->now.items = j->number;
	if (j->it.reject) {
		r->now.rejected++;
		jcli_reject(r->cli, j->it.reject);
		jcli_debug(r->cli, "%s: %s", j->it.uri.p, j->it.reject);
	} else {
		r->now.out++;
		c->out++;
		c->bytes_out += j->rec.n;
	}
	jcli_progress(r->cli, "documents", r->now.in, 0, NULL);
	if (++r->since < CHECKPOINT_EVERY)
		return 0;
	r->since = 0;
	return sink_checkpoint(r->sink, &r->now, e);
}

/* What was left out, as a record without a text. */
static int
write_reject(struct run *r, const struct job *j, struct jerr *e)
{
	struct jbuf b, src;
	int rc;

	jbuf_init(&b);
	jbuf_init(&src);
	jrec_begin(&src);
	jrec_put_str(&src, "uri", j->it.uri.p, j->it.uri.n);
	jrec_put_str(&src, "kind", j->it.kind, strlen(j->it.kind));
	jrec_end(&src);
	jrec_begin(&b);
	jrec_put_raw(&b, "source", src.p, src.n - 1);
	jrec_put_str(&b, "drop", j->it.reject, strlen(j->it.reject));
	jrec_end(&b);
	rc = jout_write(r->rejects, b.p, b.n, e);
	jbuf_release(&b);
	jbuf_release(&src);
	return rc;
}

static int
run_write(void *arg, void *block, struct jerr *e)
{
	struct run *r = arg;
	struct job *j = block;
	int rc = 0;

	if (!r->full) {
		if (!j->it.reject)
			rc = sink_write(r->sink, &j->rec, e);
		else if (r->rejects)
			rc = write_reject(r, j, e);
		if (rc == 0)
			rc = account(r, j, e);
		r->full = r->max_docs > 0 && r->now.out >= r->max_docs;
	}
	run_drop(r, j);
	return rc;
}

/* What decides the output: a journal of another run must not be taken up. */
static void
run_key(const struct run *r, const struct collect_opts *o, char key[65])
{
	struct jbuf b;

	jbuf_init(&b);
	jbuf_printf(&b, "%s\n%d %s %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %d\n%s\n%" PRId64 "\n",
	    JVERSION, o->defaults, o->kind, o->min_chars, r->max_docs, o->max_bytes, o->newest, o->robots,
	    o->licence ? o->licence : "", jcli_common(r->cli)->limit);
	for (size_t i = 0; i < r->n_list; i++) {
		const struct collect_opts *so = &r->list[i].o;

		jbuf_printf(&b, "%s\n%s %s\n", r->list[i].spec, so->kind, so->domain_name ? so->domain_name : "");
		for (size_t k = 0; k < so->include.n; k++)
			jbuf_printf(&b, "+%s\n", so->include.v[k]);
		for (size_t k = 0; k < so->exclude.n; k++)
			jbuf_printf(&b, "-%s\n", so->exclude.v[k]);
	}
	jsha256_hex(b.p, b.n, key);
	jbuf_release(&b);
}

static int
run_pipe(struct run *r, struct jerr *e)
{
	const struct jcommon *c = jcli_common(r->cli);
	struct jpar_pipe p = { run_read, run_work, run_write, run_drop, r };
	int jobs = (int)(c->jobs < 1 ? 1 : c->jobs > 256 ? 256 : c->jobs);
	int rc;

	r->doc = jmem_zalloc((size_t)jobs, sizeof(*r->doc));
	for (int i = 0; i < jobs; i++)
		jdoc_init(&r->doc[i]);
	rc = jpar_pipe_run(&p, jobs, e);
	for (int i = 0; i < jobs; i++)
		jdoc_release(&r->doc[i]);
	jmem_free(r->doc);
	if (r->src)
		r->type->close(r->src);
	r->src = NULL;
	return rc;
}

static int
run_all(struct run *r, struct collect_opts *o, struct jerr *e)
{
	const struct jcommon *c = jcli_common(r->cli);
	const struct sink_state *from;
	char key[65];
	int rc;

	r->max_docs = (uint64_t)(o->max_docs > 0 ? o->max_docs : 0);
	run_key(r, o, key);
	/* the list of rejects has no journal: a run that writes one begins anew */
	rc = sink_open(&r->sink, c->output, c->rejects ? NULL : key, e);
	if (rc < 0)
		return rc;
	if (c->rejects)
		rc = jout_open(&r->rejects, c->rejects, e);
	if (rc < 0) {
		sink_abort(r->sink);
		return rc;
	}
	from = sink_start(r->sink);
	r->now = *from;
	r->at = (size_t)from->source;
	r->skip = from->items;
	r->full = r->max_docs > 0 && r->now.out >= r->max_docs;
	r->left = c->limit <= 0 ? UINT64_MAX : (uint64_t)c->limit > from->in ? (uint64_t)c->limit - from->in : 0;
	if (from->in > 0) {
		struct jcli_counts *n = jcli_counts(r->cli);

		jcli_info(r->cli, "going on after %" PRIu64 " documents of an earlier run", from->in);
		n->in = from->in;
		n->out = from->out;
		n->rejected = from->rejected;
	}
	rc = run_pipe(r, e);
	if (rc == 0 && r->rejects)
		rc = jout_commit(r->rejects, e);
	else
		jout_abort(r->rejects);
	if (rc < 0) {
		sink_abort(r->sink);
		return rc;
	}
	return sink_commit(r->sink, e);
}

static int
epoch(struct collect_opts *o, struct jerr *e)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");

	o->newest = -1;
	if (s && *s && (jstr_to_i64(s, &o->newest) != 0 || o->newest < 0))
		return jerr_set(e, JERR_ARG, "SOURCE_DATE_EPOCH: expected seconds, found \"%s\"", s);
	return 0;
}

static int
check_kind(const char *kinds, struct jerr *e)
{
	static const char *const known[] = { "all", "docs", "code", "text" };
	const char *p = kinds;

	while (*p) {
		size_t n = strcspn(p, ","), i = 0;

		while (i < 4 && (strlen(known[i]) != n || memcmp(known[i], p, n) != 0))
			i++;
		if (i == 4)
			return jerr_set(e, JERR_ARG, "--kind: expected docs, code, text or all, found \"%.*s\"",
			    (int)n, p);
		p += n;
		p += *p == ',';
	}
	return 0;
}

int
collect_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct collect_opts *o = opts;
	struct run r = { .cli = cli };
	struct collect_source *more = NULL;
	struct jarena a;
	size_t n = 0;
	int rc;

	rc = epoch(o, e);
	if (rc == 0)
		rc = check_kind(o->kind, e);
	if (rc < 0)
		return rc;
	if (argc == 0 && !o->domain)
		return jerr_set(e, JERR_ARG, "no source: name a file, a folder, an archive, deb:PACKAGE, "
		    "an URL or --domain FILE");
	jarena_init(&a, 0);
	if (o->domain)
		rc = domain_sources(o->domain, o, &a, &more, &n, e);
	if (rc == 0) {
		r.list = jarena_alloc(&a, n + (size_t)argc + 1, sizeof(*r.list));
		for (size_t i = 0; i < n; i++)
			r.list[r.n_list++] = more[i];
		for (int i = 0; i < argc; i++)
			r.list[r.n_list++] = (struct collect_source){ argv[i], *o };
		if (o->domain)
			jcli_input(cli, o->domain);
		for (size_t i = 0; i < r.n_list; i++)
			jcli_input(cli, r.list[i].spec);
		rc = run_all(&r, o, e);
	}
	jarena_release(&a);
	return rc;
}

int
extract_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	const struct collect_opts *o = opts;
	const char *name = argc > 0 ? argv[0] : "-";
	struct jdoc_opts x = { .name = name, .max_bytes = (size_t)o->max_bytes };
	struct jbuf raw;
	struct jdoc d;
	struct jout *out;
	int rc;

	if (argc > 1)
		return jerr_set(e, JERR_ARG, "extract takes one file, found %d", argc);
	jbuf_init_max(&raw, (size_t)o->max_bytes);
	jdoc_init(&d);
	rc = jin_slurp(name, &raw, e);
	if (rc == 0)
		rc = jdoc_extract(&d, raw.p, raw.n, &x, e);
	if (rc == 0 && d.alias.n > 0)
		rc = jerr_set(e, JERR_UNSUPPORTED, "%s: only refers to %s", name, d.alias.p);
	if (rc == 0 && d.cut)
		jcli_warn(cli, "%s: nested too deeply, the text is not complete", name);
	if (rc == 0)
		rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc == 0) {
		rc = jout_write(out, d.text.p, d.text.n, e);
		if (rc == 0)
			rc = jout_commit(out, e);
		else
			jout_abort(out);
	}
	jcli_counts(cli)->in = 1;
	jcli_counts(cli)->out = rc == 0;
	jdoc_release(&d);
	jbuf_release(&raw);
	return rc;
}
