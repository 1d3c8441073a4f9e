/*
 * stale.c - temporaries that killed processes left behind, "PREFIX.PID".  A file is given up when its
 * writer's lock is gone, a folder when no process has the number any more.  Whoever writes the same
 * product from another machine at the same time races for it anyway.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "io/sync.h"

bool
jfs_lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &whole) == 0;
}

static bool
no_process(const char *number)
{
	int64_t pid;

	return jstr_to_i64(number, &pid) == 0 && pid > 1 && pid <= INT32_MAX &&
		kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static bool
is_stale(const char *path, const char *number)
{
	struct stat st;
	bool mine;
	int fd;

	if (!*number || number[strspn(number, "0123456789")] || lstat(path, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return no_process(number);
	fd = S_ISREG(st.st_mode) ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	mine = jfs_lock(fd);
	close(fd);
	return mine;
}

void
io_remove_stale(const char *prefix)
{
	const char *base = jfs_base(prefix), *dir, *path;
	size_t len = strlen(base), n = 0, i;
	struct jerr ignored = { 0 };
	struct jarena a;
	char **names;

	jarena_init(&a, 0);
	dir = base == prefix ? "." : jarena_strndup(&a, prefix, (size_t)(base - prefix));
	if (jfs_list(dir, &a, &names, &n, &ignored) < 0)
		n = 0;
	for (i = 0; i < n; i++) {
		if (strncmp(names[i], base, len) != 0 || names[i][len] != '.')
			continue;
		path = jfs_join(&a, dir, names[i]);
		if (is_stale(path, names[i] + len + 1))
			jfs_remove_tree(path, &ignored);
	}
	jarena_release(&a);
}

void
jout_clean(const char *name)
{
	const char *base = jfs_base(name);
	struct jbuf b;

	if (strcmp(name, "-") == 0 || !*base)
		return;
	jbuf_init(&b);
	jbuf_printf(&b, "%.*s.%s.tmp", (int)(base - name), name, base);
	io_remove_stale(b.p);
	jbuf_release(&b);
}
