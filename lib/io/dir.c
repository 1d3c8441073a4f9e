/*
 * dir.c - listing, walking and removing folders, and folders that appear whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/jfs.h"
#include "io/sync.h"

#define MAX_DEPTH 64	/* of folders in folders */

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
jfs_list(const char *dir, struct jarena *a, char ***names, size_t *n, struct jerr *e)
{
	DIR *d = opendir(dir);
	char **list = NULL;
	size_t have = 0, cap = 0;
	struct dirent *de;
	int saved;

	*names = NULL;
	*n = 0;
	if (!d)
		return jerr_sys(e, "cannot list folder %s", dir);
	while (errno = 0, (de = readdir(d))) {
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		JMEM_GROW(list, cap, have + 1);
		list[have++] = jarena_strndup(a, de->d_name, strlen(de->d_name));
	}
	saved = errno;
	closedir(d);
	if (saved) {
		jmem_free(list);
		errno = saved;
		return jerr_sys(e, "cannot list folder %s", dir);
	}
	if (have) {
		qsort(list, have, sizeof(*list), by_bytes);
		*names = jarena_alloc(a, have, sizeof(*list));
		memcpy(*names, list, have * sizeof(*list));
	}
	*n = have;
	jmem_free(list);
	return 0;
}

struct walk {
	struct jarena arena;
	struct stat above[MAX_DEPTH + 1];	/* the folders from the top to here */
	int (*fn)(const char *file, void *arg, struct jerr *e);
	void *arg;
};

/* A link back to a folder that is being walked holds nothing new. */
static bool
is_above(const struct walk *w, const struct stat *st, int depth)
{
	int i;

	for (i = 0; i < depth; i++)
		if (w->above[i].st_dev == st->st_dev && w->above[i].st_ino == st->st_ino)
			return true;
	return false;
}

static int
walk(struct walk *w, const char *path, int depth, struct jerr *e)
{
	struct jarena_mark m = jarena_mark(&w->arena);
	struct stat st;
	char **names;
	size_t n, i;
	int rc;

	if (stat(path, &st) != 0)
		/* A dangling link inside the tree is not a file; the top must exist. */
		return depth && (errno == ENOENT || errno == ELOOP) ? 0 :
			jerr_sys(e, "cannot open %s", path);
	if (S_ISREG(st.st_mode))
		return w->fn(path, w->arg, e);
	if (!S_ISDIR(st.st_mode) || is_above(w, &st, depth))
		return 0;
	if (depth > MAX_DEPTH)
		return jerr_set(e, JERR_LIMIT, "%s: folders nested deeper than %d", path, MAX_DEPTH);
	w->above[depth] = st;
	rc = jfs_list(path, &w->arena, &names, &n, e);
	for (i = 0; rc == 0 && i < n; i++)
		rc = walk(w, jfs_join(&w->arena, path, names[i]), depth + 1, e);
	jarena_rewind(&w->arena, m);
	return rc;
}

int
jfs_walk(const char *path, int (*fn)(const char *file, void *arg, struct jerr *e), void *arg,
	struct jerr *e)
{
	struct walk w = { .fn = fn, .arg = arg };
	int rc;

	jarena_init(&w.arena, 0);
	/* Keeps one chunk in front of every mark, so that no rewind gives back the last one. */
	jarena_alloc(&w.arena, 1, 1);
	rc = walk(&w, path, 0, e);
	jarena_release(&w.arena);
	return rc;
}

/* Bottom up with lstat(): a link is removed, never followed. */
static int
remove_tree(struct jarena *a, const char *path, int depth, struct jerr *e)
{
	struct jarena_mark m = jarena_mark(a);
	struct stat st;
	char **names;
	size_t n, i;
	int rc = 0;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : jerr_sys(e, "cannot remove %s", path);
	if (!S_ISDIR(st.st_mode)) {
		if (unlink(path) != 0 && errno != ENOENT)
			return jerr_sys(e, "cannot remove %s", path);
		return 0;
	}
	if (depth > 4 * MAX_DEPTH)
		return jerr_set(e, JERR_LIMIT, "%s: folders nested too deep to remove", path);
	rc = jfs_list(path, a, &names, &n, e);
	for (i = 0; rc == 0 && i < n; i++)
		rc = remove_tree(a, jfs_join(a, path, names[i]), depth + 1, e);
	jarena_rewind(a, m);
	if (rc == 0 && rmdir(path) != 0 && errno != ENOENT)
		rc = jerr_sys(e, "cannot remove %s", path);
	return rc;
}

int
jfs_remove_tree(const char *path, struct jerr *e)
{
	struct jarena a;
	int rc;

	jarena_init(&a, 0);
	jarena_alloc(&a, 1, 1);
	rc = remove_tree(&a, path, 0, e);
	jarena_release(&a);
	return rc;
}

int
jfs_dir_begin(const char *dir, struct jarena *a, char **tmp, struct jerr *e)
{
	size_t n = strlen(dir);
	char *parent;
	int rc;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	io_remove_stale(jarena_printf(a, "%.*s.tmp", (int)n, dir));
	io_remove_stale(jarena_printf(a, "%.*s.old", (int)n, dir));
	*tmp = jarena_printf(a, "%.*s.tmp.%ld", (int)n, dir, (long)getpid());
	rc = jfs_remove_tree(*tmp, e);
	if (rc == 0) {
		parent = jarena_strndup(a, dir, n);
		while (n && parent[n - 1] != '/')
			n--;
		parent[n] = '\0';
		rc = jfs_mkdirs(parent, e);
	}
	if (rc == 0 && mkdir(*tmp, 0777) != 0)
		rc = jerr_sys(e, "cannot make folder %s", *tmp);
	return rc;
}

static int
sync_file(const char *file, void *arg, struct jerr *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	(void)arg;
	if (fd < 0)
		return jerr_sys(e, "cannot sync %s", file);
	rc = io_sync_fd(fd);
	if (rc != 0)
		rc = jerr_sys(e, "cannot sync %s", file);
	close(fd);
	return rc;
}

int
jfs_dir_commit(const char *tmp, const char *dir, struct jerr *e)
{
	struct jarena a;
	char *old, *target;
	size_t n = strlen(dir);
	int rc;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	rc = jfs_walk(tmp, sync_file, NULL, e);
	if (rc == 0)
		rc = sync_file(tmp, NULL, e);
	if (rc < 0)
		return rc;
	jarena_init(&a, 0);
	target = jarena_strndup(&a, dir, n);
	old = jarena_printf(&a, "%s.old.%ld", target, (long)getpid());
	/* rename() cannot replace a folder that is not empty: the older one steps aside first. */
	rc = jfs_remove_tree(old, e);
	if (rc == 0 && rename(target, old) != 0 && errno != ENOENT)
		rc = jerr_sys(e, "cannot replace %s", target);
	if (rc == 0 && rename(tmp, target) != 0) {
		rc = jerr_sys(e, "cannot rename %s to %s", tmp, target);
		rename(old, target);
	}
	if (rc == 0)
		rc = io_sync_parent(target, e);
	if (rc == 0)
		rc = jfs_remove_tree(old, e);
	jarena_release(&a);
	return rc;
}

void
jfs_dir_abort(const char *tmp)
{
	jfs_remove_tree(tmp, NULL);
}
