/*
 * source/deb.c - deb:NAME, a Debian package read from its archive file without installing it.
 *
 * The file is looked for in the cache folder and in apt's own; else `apt-get download` fetches it
 * into the cache folder.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/jfs.h"
#include "io/jproc.h"

#include "../collect.h"

static const char apt_cache[] = "/var/cache/apt/archives";

static bool
deb_match(const char *spec)
{
	return jstr_starts(spec, "deb:");
}

/* "name", "name=version" or "name:arch": what apt takes and no option in disguise. */
static bool
is_package(const char *s)
{
	if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("+-.:=~", *s))
			return false;
	return true;
}

/* Weight of a character of a version: '~' before the end, letters before the rest. */
static int
weight(int c)
{
	if (c == '~')
		return -1;
	if (c == '\0' || isdigit(c))
		return 0;
	return isalpha(c) ? c : c + 256;
}

/* Debian's order of versions (deb-version(7)). */
static int
version_cmp(const char *a, const char *b)
{
	while (*a || *b) {
		int first = 0;

		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			int d = weight((unsigned char)*a) - weight((unsigned char)*b);

			if (d != 0)
				return d;
			a += *a != '\0';
			b += *b != '\0';
		}
		while (*a == '0')
			a++;
		while (*b == '0')
			b++;
		while (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			if (first == 0)
				first = *a - *b;
			a++;
			b++;
		}
		if (isdigit((unsigned char)*a))
			return 1;
		if (isdigit((unsigned char)*b))
			return -1;
		if (first != 0)
			return first;
	}
	return 0;
}

/* The version between the underscores of "name_version_arch.deb", "%3a" decoded. */
static void
file_version(const char *file, struct jbuf *out)
{
	const char *p = strchr(file, '_'), *end = p ? strchr(p + 1, '_') : NULL;

	for (p = p ? p + 1 : file; end && p < end; p++)
		if (p[0] == '%' && p + 2 < end && p[1] == '3' && (p[2] | 32) == 'a') {
			jbuf_addc(out, ':');
			p += 2;
		} else {
			jbuf_addc(out, *p);
		}
}

/* The newest file of the package in dir (of the version asked for); appends its path. */
static int
look_in(const char *dir, const char *package, struct jbuf *path, struct jerr *e)
{
	size_t len = strcspn(package, "=:"), n = 0;
	const char *want = strchr(package, '=');
	struct jbuf best, v;
	struct jarena a;
	char **names, *pick = NULL;
	int rc;

	if (!jfs_is_dir(dir))
		return 0;
	jarena_init(&a, 0);
	jbuf_init(&best);
	jbuf_init(&v);
	rc = jfs_list(dir, &a, &names, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (strncmp(names[i], package, len) != 0 || names[i][len] != '_' ||
		    !jstr_ends(names[i], ".deb"))
			continue;
		jbuf_reset(&v);
		file_version(names[i], &v);
		if (want ? strcmp(v.p, want + 1) != 0 : pick && version_cmp(v.p, best.p) <= 0)
			continue;
		pick = names[i];
		jbuf_reset(&best);
		jbuf_add(&best, v.p, v.n);
	}
	if (rc == 0 && pick) {
		jbuf_adds(path, jfs_join(&a, dir, pick));
		rc = 1;
	}
	jbuf_release(&best);
	jbuf_release(&v);
	jarena_release(&a);
	return rc;
}

/* --cache DIR, else J_WORK/deb, else ~/.cache/jupiter/deb. */
static void
cache_dir(const struct collect_opts *o, struct jbuf *dir)
{
	const char *work = getenv("J_WORK"), *home = getenv("HOME");

	if (o->cache)
		jbuf_adds(dir, o->cache);
	else if (work && *work)
		jbuf_printf(dir, "%s/deb", work);
	else
		jbuf_printf(dir, "%s/.cache/jupiter/deb", home && *home ? home : "/tmp");
}

/* apt's complaint in one line. */
static int
apt_failed(const char *package, int status, struct jbuf *err, struct jerr *e)
{
	const char *p = strstr(err->p, "E: ");

	if (strstr(err->p, "Unable to locate package") || strstr(err->p, "Can't find a source"))
		return jerr_set(e, JERR_IO, "deb:%s: apt knows no such package or version "
		    "(is `apt-get update` needed?)", package);
	p = p ? p + 3 : err->p;
	return jerr_set(e, JERR_NET, "deb:%s: apt-get download failed with %d: %.*s", package, status,
	    (int)strcspn(p, "\n"), p);
}

/* Fetches into a folder of its own, so that a broken download is never taken for the package. */
static int
download(const char *package, const char *dir, struct jerr *e)
{
	char apt[] = "apt-get", quiet[] = "-q", verb[] = "download";
	char *argv[] = { apt, quiet, verb, (char *)package, NULL };
	struct jbuf tmp, out, err;
	struct jproc_opts po = { .timeout_s = 900 };
	struct jarena a;
	char **names;
	size_t n = 0;
	int status = 0, rc;

	jarena_init(&a, 0);
	jbuf_init(&tmp);
	jbuf_init_max(&out, 65536);
	jbuf_init_max(&err, 65536);
	jbuf_printf(&tmp, "%s/.fetch.%ld", dir, (long)getpid());
	po.dir = tmp.p;
	po.out = &out;
	po.err = &err;
	rc = jfs_mkdirs(tmp.p, e);
	if (rc == 0)
		rc = jproc_run(argv, &po, &status, e);
	if (rc == 0 && status != 0)
		rc = apt_failed(package, status, &err, e);
	if (rc == 0)
		rc = jfs_list(tmp.p, &a, &names, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (jstr_ends(names[i], ".deb"))
			rc = jfs_rename(jfs_join(&a, tmp.p, names[i]), jfs_join(&a, dir, names[i]), e);
	jfs_remove_tree(tmp.p, NULL);
	jbuf_release(&tmp);
	jbuf_release(&out);
	jbuf_release(&err);
	jarena_release(&a);
	return rc;
}

int
deb_find(const char *package, const struct collect_opts *o, struct jbuf *path, struct jerr *e)
{
	struct jbuf dir;
	int rc;

	if (!is_package(package))
		return jerr_set(e, JERR_ARG, "deb:%s: expected a package name, or NAME=VERSION", package);
	jbuf_init(&dir);
	cache_dir(o, &dir);
	rc = look_in(dir.p, package, path, e);
	if (rc == 0)
		rc = look_in(apt_cache, package, path, e);
	if (rc == 0) {
		rc = download(package, dir.p, e);
		if (rc == 0)
			rc = look_in(dir.p, package, path, e);
		if (rc == 0)
			rc = jerr_set(e, JERR_NET, "deb:%s: apt-get download brought no file for it", package);
	}
	jbuf_release(&dir);
	return rc < 0 ? rc : 0;
}

/*
 * The documentation folder of some packages is a link to that of another: so is the copyright.
 * Where the other package cannot be had the licence stays unknown.
 */
static void
borrow_licence(struct archive_source *s, const struct collect_opts *o)
{
	const char *owner = archive_source_doc_owner(s);
	struct archive_info info = { .kind = "deb" };
	struct archive_source *other = NULL;
	struct jbuf path;
	int rc;

	if (!owner || !is_package(owner))
		return;
	jbuf_init(&path);
	rc = deb_find(owner, o, &path, NULL);
	info.path = path.p;
	if (rc == 0)
		rc = archive_source_open(&other, &info, o, NULL);
	if (rc == 0) {
		archive_source_license(s, archive_source_licence(other));
		archive_source_close(other);
	}
	jbuf_release(&path);
}

static int
deb_open(void **out, const char *spec, const struct collect_opts *o, struct jerr *e)
{
	struct archive_info info = { .kind = "deb" };
	struct archive_source *s = NULL;
	struct jbuf path;
	int rc;

	jbuf_init(&path);
	rc = deb_find(spec + 4, o, &path, e);
	info.path = path.p;
	info.prefix = spec;
	if (rc == 0)
		rc = archive_source_open(&s, &info, o, e);
	if (rc == 0)
		borrow_licence(s, o);
	if (rc == 0 && !*archive_source_licence(s))
		archive_source_license(s, "see copyright");
	jbuf_release(&path);
	if (rc < 0)
		archive_source_close(s);
	else
		*out = s;
	return rc;
}

static int
deb_next(void *src, struct item *it, bool skip, struct jerr *e)
{
	return archive_source_next(src, it, skip, e);
}

static void
deb_close(void *src)
{
	archive_source_close(src);
}

const struct source_type source_deb = { "deb", deb_match, deb_open, deb_next, deb_close };
