/*
 * source/path.c - files and folders.  Files that are archives are gone into.
 */
#include <stdio.h>
#include <string.h>

#include "doc/jarchive.h"
#include "doc/jdoc.h"
#include "io/jfs.h"
#include "io/jio.h"

#include "../collect.h"

struct path_source {
	const struct collect_opts *o;
	struct jarena mem;
	const char *root;		/* a folder, or NULL for a single file */
	char **files;
	size_t n, cap, at;
	struct name_set *names;
	struct archive_source *inner;
};

static bool
path_match(const char *spec)
{
	(void)spec;
	return true;
}

static int
add_file(const char *file, void *arg, struct jerr *e)
{
	struct path_source *s = arg;

	(void)e;
	JMEM_GROW(s->files, s->cap, s->n + 1);
	s->files[s->n++] = jarena_strndup(&s->mem, file, strlen(file));
	name_set_add(s->names, file, strlen(file));
	return 0;
}

static void
path_close(void *src)
{
	struct path_source *s = src;

	archive_source_close(s->inner);
	name_set_free(s->names);
	jmem_free(s->files);
	jarena_release(&s->mem);
	jmem_free(s);
}

static int
path_open(void **out, const char *spec, const struct collect_opts *o, struct jerr *e)
{
	struct path_source *s = jmem_zalloc(1, sizeof(*s));
	int rc = 0;

	s->o = o;
	jarena_init(&s->mem, 0);
	s->names = name_set_new();
	if (strcmp(spec, "-") == 0)
		rc = add_file(spec, s, e);
	else if (!jfs_exists(spec))
		rc = jerr_set(e, JERR_IO, "%s: no such file or folder, and no other kind of source", spec);
	else
		rc = jfs_walk(spec, add_file, s, e);
	if (rc < 0) {
		path_close(s);
		return rc;
	}
	s->root = jfs_is_dir(spec) ? spec : NULL;
	*out = s;
	return 0;
}

/* True if the file is an archive by its bytes, or by name where compression hides them. */
static bool
is_archive(const char *file)
{
	unsigned char head[512];
	FILE *f = fopen(file, "rb");
	size_t n;

	if (!f)
		return false;
	n = fread(head, 1, sizeof(head), f);
	fclose(f);
	return jarchive_magic(head, n) || (jarchive_name(file) && jdoc_is_compressed(head, n));
}

static int
open_inner(struct path_source *s, const char *file, struct jerr *e)
{
	struct jbuf uri;
	struct archive_info info = { .path = file, .kind = "archive" };
	int rc;

	jbuf_init(&uri);
	jbuf_adds(&uri, "file:");
	jbuf_adds(&uri, file);
	info.prefix = uri.p;
	rc = archive_source_open(&s->inner, &info, s->o, e);
	jbuf_release(&uri);
	return rc;
}

/* The path that globs see: below the folder that was named. */
static const char *
below(const struct path_source *s, const char *file)
{
	size_t n = s->root ? strlen(s->root) : 0;

	if (!s->root)
		return file;
	file += n;
	return file + strspn(file, "/");
}

/* Reads the file as it is; what is over the limit is rejected unread. */
static int
slurp(const char *file, struct item *it, uint64_t max, struct jerr *e)
{
	char buf[65536];
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	size_t n;
	int rc = 0;

	if (!f)
		return jerr_sys(e, "%s: cannot open", file);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && it->data.n <= max)
		jbuf_add(&it->data, buf, n);
	if (ferror(f))
		rc = jerr_sys(e, "%s: cannot read", file);
	if (f != stdin)
		fclose(f);
	if (it->data.n > max)
		it->reject = "too large";
	else if (it->data.n == 0)
		it->reject = "empty";
	if (it->reject)
		jbuf_reset(&it->data);
	return rc;
}

static int
fill(struct path_source *s, const char *file, struct item *it, bool skip, struct jerr *e)
{
	int64_t ns = strcmp(file, "-") == 0 ? 0 : jfs_mtime_ns(file);
	int rc = 0;

	jbuf_adds(&it->uri, "file:");
	jbuf_adds(&it->uri, file);
	jbuf_adds(&it->path, below(s, file));
	if (s->root)
		jbuf_adds(&it->parent, s->root);
	it->when = ns > 0 ? ns / 1000000000 : 0;
	it->kind = "file";
	it->named = !s->root;
	it->reject = s->root ? select_path(s->o, it->path.p, NULL) : select_globs(s->o, file);
	if (!it->reject && s->root && s->o->defaults && select_twin(file, s->names))
		it->reject = "source of a page";
	if (!it->reject && !skip)
		rc = slurp(file, it, s->o->max_bytes, e);
	return rc < 0 ? rc : 1;
}

static int
path_next(void *src, struct item *it, bool skip, struct jerr *e)
{
	struct path_source *s = src;

	for (;;) {
		const char *file;
		int rc;

		if (s->inner) {
			rc = archive_source_next(s->inner, it, skip, e);
			if (rc != 0)
				return rc;
			archive_source_close(s->inner);
			s->inner = NULL;
		}
		if (s->at == s->n)
			return 0;
		file = s->files[s->at++];
		if (!is_archive(file))
			return fill(s, file, it, skip, e);
		rc = open_inner(s, file, e);
		if (rc < 0)
			return rc;
	}
}

const struct source_type source_path = { "path", path_match, path_open, path_next, path_close };
