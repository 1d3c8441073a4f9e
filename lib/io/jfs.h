/*
 * jfs.h - files and folders: listing, making, removing, mapping, folders that appear whole.
 */
#ifndef JFS_H
#define JFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"

bool jfs_exists(const char *path);
bool jfs_is_dir(const char *path);
int64_t jfs_size(const char *path);		/* bytes, or -1 */
int64_t jfs_mtime_ns(const char *path);		/* or -1 */
int jfs_mkdirs(const char *path, struct jerr *e);
int jfs_remove_tree(const char *path, struct jerr *e);	/* absent is fine */
int jfs_rename(const char *from, const char *to, struct jerr *e);	/* and syncs the folder *//*
 * Takes the writer's lock on a file that is open for writing: held until the process ends or closes
 * any descriptor of it; false if another process has it.
 */
bool jfs_lock(int fd);
/*
 * Names in the folder, sorted by bytes, without "." and "..".  *names is from the arena.
 */
int jfs_list(const char *dir, struct jarena *a, char ***names, size_t *n, struct jerr *e);
/*
 * Calls fn for each regular file below path (itself if a file) in sorted order; stops on non-zero.
 * Links are followed, but not back to a folder above.
 */
int jfs_walk(const char *path, int (*fn)(const char *file, void *arg, struct jerr *e), void *arg,
	struct jerr *e);

/* Joins with one '/'; from the arena. */
char *jfs_join(struct jarena *a, const char *dir, const char *name);
const char *jfs_base(const char *path);		/* part after the last '/' */

struct jmapped {
	const unsigned char *p;	/* read-only; NULL for an empty file */
	size_t n;
};
int jfs_map(struct jmapped *m, const char *path, struct jerr *e);
void jfs_unmap(struct jmapped *m);

/*
 * A folder that appears whole: jfs_dir_begin() makes "DIR.tmp.PID" (path returned in the arena),
 * jfs_dir_commit() syncs its files and renames it to DIR, replacing an older DIR.
 */
int jfs_dir_begin(const char *dir, struct jarena *a, char **tmp, struct jerr *e);
int jfs_dir_commit(const char *tmp, const char *dir, struct jerr *e);
void jfs_dir_abort(const char *tmp);

#endif
