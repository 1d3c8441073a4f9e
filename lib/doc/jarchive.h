/*
 * jarchive.h - the members of an archive, one after the other, without extracting anything to disk.
 *
 * tar, zip, 7z, cpio, ar and .deb through libarchive, any compression around them.  Archives
 * inside are entered (bounded depth) and their members carry the path "outer/inner"; the parts of
 * a .deb are transparent: files of data.tar have their own path, those of control.tar are below
 * "DEBIAN/".  Member paths are cleaned: no leading "/", no "." and ".." parts, so they are safe
 * as names whatever the archive says.
 *
 *	jarchive_open -> jarchive_next -> [jarchive_read] -> jarchive_next ... -> jarchive_close
 *
 * Order is that of the archive.  Damage of the archive itself (or of a part of a .deb) is JERR_FORMAT naming the archive and the byte offset;
 * a bound that is exceeded is JERR_LIMIT.  An archive inside that is damaged becomes a member that is
 * marked broken.  One thread at a time.
 */
#ifndef JARCHIVE_H
#define JARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jarchive_limits {
	uint64_t member_bytes;	/* of one member that is read; default 64 MiB */
	uint64_t total_bytes;	/* decompressed, all members; default 64 GiB */
	uint64_t members;	/* default 16 million */
	unsigned depth;		/* archives inside archives; default 3 (a .deb uses one) */
	unsigned ratio;		/* decompressed : compressed beyond 64 MiB; default 1000 */
};
#define JARCHIVE_LIMITS { 64u << 20, (uint64_t)64 << 30, 16000000, 3, 1000 }

struct jarchive_member {
	const char *path;	/* cleaned; valid until the next call */
	const char *link;	/* target if a link, else NULL */
	int64_t size;		/* -1 if the archive does not say */
	int64_t mtime;		/* seconds; 0 if unknown */
	bool hardlink;		/* link is another member of this archive */
	bool broken;		/* an archive inside that cannot be read: no contents */
};

struct jarchive;

/* True if the file's first bytes (n of them, 512 are enough) are those of an archive we read. */
bool jarchive_magic(const void *p, size_t n);
/* True if the file name is that of an archive (.tar.gz, .zip, .deb ...). */
bool jarchive_name(const char *name);

/* lim may be NULL: the defaults. */
int jarchive_open(struct jarchive **a, const char *path, const struct jarchive_limits *lim,
	struct jerr *e);
int jarchive_open_mem(struct jarchive **a, const void *p, size_t n, const char *name,
	const struct jarchive_limits *lim, struct jerr *e);
/* The next file or link (folders and devices are passed over): 1, 0 at the end, < 0 error. */
int jarchive_next(struct jarchive *a, struct jarchive_member *m, struct jerr *e);
/*
 * Appends the contents of the current member to out; at most once per member.  1 read, 0 the member
 * is over member_bytes, 2 it is damaged inside an inner archive (nothing is appended), < 0 error.
 */
int jarchive_read(struct jarchive *a, struct jbuf *out, struct jerr *e);
void jarchive_close(struct jarchive *a);	/* NULL is fine */

#endif
