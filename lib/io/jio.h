/*
 * jio.h - byte streams.
 *
 * A struct jin reads a file, "-" (standard input) or memory; gzip, zstd, xz and bzip2 are found by
 * magic, not by name, and decompressed on the way (concatenated members included; a truncated
 * stream is JERR_IO, never a short file).  A struct jout writes to "-" or to a file that appears
 * only when it is whole: bytes go to ".NAME.tmp.PID" beside it, jout_commit() flushes, syncs and
 * renames, jout_abort() removes.  An existing file keeps its mode; through a symbolic link the file
 * is replaced, not the link.  A temporary left by a signal is removed by the handler that
 * lib/cli installs (it calls jio_cleanup()).  Device files and FIFOs (/dev/full, /dev/stdout) are
 * written in place.  The first write that fails decides: all later calls repeat its error.
 *
 *	in:  jin_open -> jin_line | jin_read ... -> jin_close
 *	out: jout_open -> jout_write ... -> jout_commit | jout_abort
 *
 * A stream belongs to one thread at a time.  Names in messages are the caller's.
 */
#ifndef JIO_H
#define JIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jin;
struct jout;

/* "-" is standard input.  *in is the caller's, freed by jin_close(). */
int jin_open(struct jin **in, const char *name, struct jerr *e);
int jin_open_mem(struct jin **in, const void *p, size_t n, const char *name, struct jerr *e);
/* Reads up to n bytes: > 0 bytes read, 0 end, < 0 error. */
int64_t jin_read(struct jin *in, void *p, size_t n, struct jerr *e);
/* Reads exactly n bytes or fails: 0, or JERR_FORMAT naming offset and missing count. */
int jin_exact(struct jin *in, void *p, size_t n, struct jerr *e);
/*
 * The next line without its LF, which a NUL replaces in place; valid until the next call, and the
 * caller may change its bytes: 1 line, 0 end, < 0 error.  A last line without LF is a line.  A line
 * over the cap (default 16 MiB) returns 2 with *n = bytes skipped and *line = NULL: the caller counts
 * it as a reject.
 */
int jin_line(struct jin *in, char **line, size_t *n, struct jerr *e);
void jin_set_max_line(struct jin *in, size_t max);
uint64_t jin_offset(const struct jin *in);	/* decompressed bytes handed out */
uint64_t jin_raw_offset(const struct jin *in);	/* bytes read from the file */
uint64_t jin_raw_size(const struct jin *in);	/* size of the file, 0 if unknown */
uint64_t jin_lineno(const struct jin *in);	/* number of the line last returned, from 1 */
const char *jin_name(const struct jin *in);
void jin_close(struct jin *in);			/* NULL is fine */
/* Whole file into b (decompressed), bounded by b->max if set. */
int jin_slurp(const char *name, struct jbuf *b, struct jerr *e);

int jout_open(struct jout **out, const char *name, struct jerr *e);
int jout_write(struct jout *out, const void *p, size_t n, struct jerr *e);
int jout_printf(struct jout *out, struct jerr *e, const char *fmt, ...) JPRINTF(3, 4);
int jout_flush(struct jout *out, struct jerr *e);
uint64_t jout_offset(const struct jout *out);	/* bytes written so far */
/* Overwrites n bytes at an earlier offset (regular files only): for headers filled in at the end. */
int jout_patch(struct jout *out, uint64_t offset, const void *p, size_t n, struct jerr *e);
int jout_commit(struct jout *out, struct jerr *e);	/* frees out also on failure */
void jout_abort(struct jout *out);			/* NULL is fine */
/* Removes temporaries of this file that killed processes left behind. */
void jout_clean(const char *name);
/* Small whole file, atomically. */
int jout_put(const char *name, const void *p, size_t n, struct jerr *e);

/* Removes every temporary file (not folder) of this process; async-signal-safe. */
void jio_cleanup(void);

#endif
