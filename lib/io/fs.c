/*
 * fs.c - questions about files, and changes to the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/jfs.h"
#include "io/sync.h"

bool
jfs_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool
jfs_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t
jfs_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

int64_t
jfs_mtime_ns(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -1;
#ifdef __APPLE__
	return (int64_t)st.st_mtimespec.tv_sec * 1000000000 + st.st_mtimespec.tv_nsec;
#else
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
#endif
}

const char *
jfs_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *
jfs_join(struct jarena *a, const char *dir, const char *name)
{
	size_t n = strlen(dir);

	if (!n)
		return jarena_strndup(a, name, strlen(name));
	while (n && dir[n - 1] == '/')
		n--;
	return jarena_printf(a, "%.*s/%s", (int)n, dir, name);
}

static int
make_one(const char *path, struct jerr *e)
{
	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno == EEXIST && jfs_is_dir(path))
		return 0;
	return jerr_sys(e, "cannot make folder %s", path);
}

int
jfs_mkdirs(const char *path, struct jerr *e)
{
	char *copy, *p;
	int rc = 0;

	if (!*path || jfs_is_dir(path))
		return 0;
	copy = jmem_strdup(path);
	for (p = copy + 1; rc == 0 && *p; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		rc = make_one(copy, e);
		*p = '/';
	}
	if (rc == 0)
		rc = make_one(copy, e);
	jmem_free(copy);
	return rc;
}

int
io_sync_fd(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc != 0 && errno == EINTR);
	if (rc != 0 && (errno == EINVAL || errno == ENOTSUP || errno == EROFS))
		rc = 0;
	return rc;
}

int
io_sync_parent(const char *path, struct jerr *e)
{
	char dir[PATH_MAX];
	size_t n = strlen(path);
	int fd, rc;

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	if (n >= sizeof(dir))
		return jerr_set(e, JERR_IO, "%s: the name is too long", path);
	if (n)
		snprintf(dir, sizeof(dir), "%.*s", (int)n, path);
	else
		snprintf(dir, sizeof(dir), ".");
	fd = open(dir, O_RDONLY | O_CLOEXEC);
	/* A folder that may be written but not read cannot be synced; the rename stands. */
	if (fd < 0)
		return errno == EACCES ? 0 : jerr_sys(e, "cannot open folder %s", dir);
	rc = io_sync_fd(fd);
	if (rc != 0)
		jerr_sys(e, "cannot sync folder %s", dir);
	close(fd);
	return rc != 0 ? JERR_IO : 0;
}

int
jfs_rename(const char *from, const char *to, struct jerr *e)
{
	if (rename(from, to) != 0)
		return jerr_sys(e, "cannot rename %s to %s", from, to);
	return io_sync_parent(to, e);
}
