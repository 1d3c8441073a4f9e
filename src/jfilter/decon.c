#include "decon.h"

#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "kept.h"

static int
parse_share(const char *s, double *v, struct jerr *e)
{
	size_t n = strlen(s);
	char number[32];
	bool percent = n > 1 && s[n - 1] == '%';

	if (n - percent < sizeof(number)) {
		memcpy(number, s, n - percent);
		number[n - percent] = 0;
		if (jstr_to_double(number, v) == 0) {
			*v /= percent ? 100 : 1;
			if (*v >= 0 && *v <= 1)
				return 0;
		}
	}
	return jerr_set(e, JERR_ARG, "--common %s: expected a share, as 1%% or 0.01", s);
}

static int
check_opts(struct decon *x, struct jerr *e)
{
	const struct decon_opts *o = x->opts;

	if (o->against.n == 0)
		return jerr_set(e, JERR_ARG, "--against FILE: no evaluation set was named");
	if (!(o->share > 0 && o->share <= 1))
		return jerr_set(e, JERR_ARG, "--share %g: expected more than 0, at most 1", o->share);
	if (o->ngram < JEVALS_LEAST || o->ngram > 1000)
		return jerr_set(e, JERR_ARG, "--ngram %lld: expected %d to 1000 words",
			(long long)o->ngram, JEVALS_LEAST);
	if (o->inject < 0)
		return jerr_set(e, JERR_ARG, "--inject %lld: expected 0 or more", (long long)o->inject);
	x->limits = (struct jevals_limits){ .ngram = (size_t)o->ngram, .share = o->share };
	return parse_share(o->common, &x->common, e);
}

static int
load(struct decon *x, struct jerr *e)
{
	size_t i;
	int rc = 0;

	x->sets.evals = jevals_new();
	for (i = 0; i < x->opts->against.n && rc == 0; i++)
		rc = decon_load(&x->sets, x->opts->against.v[i], e);
	if (rc == 0 && jevals_size(x->sets.evals) == 0)
		rc = jerr_set(e, JERR_FORMAT, "%s: no items of %d words or more",
			x->opts->against.v[0], JEVALS_LEAST);
	return rc < 0 ? rc : jevals_finish(x->sets.evals, e);
}

static int
key_set(const char *file, void *arg, struct jerr *e)
{
	(void)e;
	resume_file(arg, file);
	return 0;
}

static int
open_kept(struct decon *x, struct jerr *e)
{
	struct jbuf key;
	size_t i;
	int rc;

	if (!x->opts->resume)
		return 0;
	jbuf_init(&key);
	resume_key(&key, x->opts->table);
	rc = resume_files(&key, x->d.argc, x->d.argv, e);
	for (i = 0; i < x->opts->against.n && rc == 0; i++)
		rc = jfs_walk(x->opts->against.v[i], key_set, &key, e);
	if (rc == 0)
		rc = kept_open(&x->kept, x->d.cli, "found", &key, e);
	jbuf_release(&key);
	return rc;
}

static void
release(struct decon *x)
{
	size_t i;

	for (i = 0; i < x->hosts; i++)
		jmem_free(x->host[i]);
	jevals_free(x->sets.evals);
	decon_sets_release(&x->sets);
	scratch_close(&x->hits);
	jarena_release(&x->arena);
	jmem_free(x->count);
	jmem_free(x->source);
	jmem_free(x->found);
	dedup_release(&x->d);
}

int
decon_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct decon x = { .opts = opts };
	struct dedup_opts writing = { .threshold = x.opts->share, .cuts = x.opts->cuts };
	int rc;

	x.d = (struct dedup){ .opts = &writing, .cli = cli, .by = DEDUP_EVALS, .argc = argc,
		.argv = argv, .shard = 1, .shards = 1 };
	jbuf_init(&x.d.params);
	jarena_init(&x.arena, 0);
	rc = check_opts(&x, e);
	if (rc == 0)
		rc = load(&x, e);
	if (rc == 0)
		rc = open_kept(&x, e);
	if (rc == 0)
		rc = dedup_spool(&x.d, e);
	if (rc == 0)
		rc = decon_scan(&x, e);
	if (rc == 0)
		rc = decon_decide(&x, e);
	if (rc == 0)
		rc = dedup_write(&x.d, e);
	if (rc == 0) {
		decon_test(&x);
		rc = decon_report(&x, e);
	}
	rc = kept_close(x.kept, rc);
	release(&x);
	return rc;
}
