/*
 * t_tmp.h - a private folder for a test; remove it with jfs_remove_tree().
 */
#ifndef T_TMP_H
#define T_TMP_H

#include <stdio.h>
#include <stdlib.h>

static inline const char *
t_tmpdir(void)
{
	static char dir[512];
	const char *top = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/jtest.XXXXXX", top && *top ? top : "/tmp");
	if (!mkdtemp(dir)) {
		perror(dir);
		exit(1);
	}
	return dir;
}

/* DIR/NAME in one of a few rotating buffers. */
static inline const char *
t_path(const char *dir, const char *name)
{
	static char buf[8][1024];
	static unsigned at;
	char *p = buf[at++ % 8];

	snprintf(p, sizeof(buf[0]), "%s/%s", dir, name);
	return p;
}

#endif
