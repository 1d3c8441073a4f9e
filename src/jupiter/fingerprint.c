/*
 * fingerprint.c - what parts of a domain file say, as a number that changes when they do.  The
 * recipe remakes by these, so that a comment in the file remakes nothing and a new page in a source
 * folder is noticed.
 */
#include <inttypes.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "jupiter.h"

/* The NUL keeps ["ab", "c"] and ["a", "bc"] apart. */
static void
add_text(struct jbuf *b, const char *s)
{
	jbuf_add(b, s ? s : "", s ? strlen(s) + 1 : 1);
}

static void
add_list(struct jbuf *b, const struct jstrings *l)
{
	jbuf_printf(b, "%zu ", l->n);
	for (size_t i = 0; i < l->n; i++)
		add_text(b, l->v[i]);
}

static int
add_file(const char *file, void *arg, struct jerr *e)
{
	add_text(arg, file);
	jbuf_printf(arg, "%" PRId64 " %" PRId64 " ", jfs_size(file), jfs_mtime_ns(file));
	return 0;
}

static uint64_t
finish(struct jbuf *b)
{
	uint64_t h = jhash64(b->p, b->n, 0);

	jbuf_release(b);
	return h;
}

int
fingerprint_sources(const struct jdomain *d, uint64_t *print, struct jerr *e)
{
	struct jbuf b;
	int rc = 0;

	jbuf_init(&b);
	add_text(&b, d->name);
	for (size_t i = 0; rc == 0 && i < d->n_sources; i++) {
		const struct jdomain_source *s = &d->sources[i];

		add_text(&b, s->source);
		add_text(&b, s->kind);
		add_text(&b, s->licence);
		add_list(&b, &s->include);
		add_list(&b, &s->exclude);
		if (jfs_exists(s->source))
			rc = jfs_walk(s->source, add_file, &b, e);
	}
	*print = finish(&b);
	return rc;
}

uint64_t
fingerprint_words(const struct jdomain *d)
{
	struct jbuf b;

	jbuf_init(&b);
	add_list(&b, &d->keywords);
	add_list(&b, &d->negative_keywords);
	return finish(&b);
}

uint64_t
fingerprint_questions(const struct jdomain *d)
{
	struct jbuf b;

	jbuf_init(&b);
	add_list(&b, &d->questions);
	return finish(&b);
}

uint64_t
fingerprint_base(const struct jdomain *d)
{
	struct jerr ignored = { 0 };
	struct jbuf b;

	jbuf_init(&b);
	jfs_walk(d->base, add_file, &b, &ignored);
	return finish(&b);
}
