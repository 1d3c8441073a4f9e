/*
 * stale.c - temporaries that killed processes left behind: "PREFIX.PID" where no process has that
 * number any more.  Whoever writes the same product from another machine at the same time races for
 * it anyway.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "io/sync.h"

static bool
is_dead(const char *number)
{
	int64_t pid;

	return jstr_to_i64(number, &pid) == 0 && pid > 1 && pid <= INT32_MAX &&
		kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

void
io_remove_stale(const char *prefix)
{
	const char *base = jfs_base(prefix);
	size_t len = strlen(base), n = 0, i;
	struct jerr ignored = { 0 };
	struct jarena a;
	char **names, *dir;

	jarena_init(&a, 0);
	dir = base == prefix ? "." : jarena_strndup(&a, prefix, (size_t)(base - prefix));
	if (jfs_list(dir, &a, &names, &n, &ignored) < 0)
		n = 0;
	for (i = 0; i < n; i++)
		if (strncmp(names[i], base, len) == 0 && names[i][len] == '.' &&
		    is_dead(names[i] + len + 1))
			jfs_remove_tree(jfs_join(&a, dir, names[i]), &ignored);
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
