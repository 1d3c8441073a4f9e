/*
 * sync.h - private to io: bytes and names onto the disk, and old temporaries off it.
 */
#ifndef IO_SYNC_H
#define IO_SYNC_H

#include "base/jerr.h"

/* fsync() that accepts what cannot be synced (pipes, some network file systems); -1 with errno. */
int io_sync_fd(int fd);
/* Syncs the folder that holds path, so that a rename in it lasts. */
int io_sync_parent(const char *path, struct jerr *e);
/* Removes the files and folders "PREFIX.PID" whose writers are no more. */
void io_remove_stale(const char *prefix);

#endif
