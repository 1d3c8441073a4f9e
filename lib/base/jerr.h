/*
 * jerr.h - how a library function says what went wrong.
 *
 * A function that can fail takes a struct jerr last and returns 0 (or a count, or 1/0/-1 for
 * readers) on success and a negative enum jerr_code on failure.  The message names what failed,
 * where (file and line or offset), what was expected and what was found.  The first error wins:
 * jerr_set() on a jerr that is already set changes nothing, so that a clean-up path cannot hide
 * the cause.  jerr_wrap() adds context in front of the message.  The library never prints.
 *
 * A struct jerr is owned by the caller, starts as { 0 } and needs no release.
 */
#ifndef JERR_H
#define JERR_H

#include <stddef.h>

#if defined(__GNUC__)
#define JPRINTF(f, a) __attribute__((format(printf, f, a)))
#define JNORETURN __attribute__((noreturn))
#define JMUSTUSE __attribute__((warn_unused_result))
#else
#define JPRINTF(f, a)
#define JNORETURN
#define JMUSTUSE
#endif

enum jerr_code {
	JERR_OK = 0,
	JERR_IO = -1,		/* the system refused: open, read, write, disk full */
	JERR_NOMEM = -2,	/* an allocation whose size came from data or options */
	JERR_FORMAT = -3,	/* foreign bytes are not what the format demands */
	JERR_ARG = -4,		/* the caller or the user asked for something impossible */
	JERR_LIMIT = -5,	/* a bound (size, depth, steps) was exceeded */
	JERR_NET = -6,		/* the network failed or the server refused */
	JERR_STOP = -7,		/* a signal asked us to stop; state was saved */
	JERR_UNSUPPORTED = -8	/* understood, but not offered by this build or version */
};

struct jerr {
	int code;		/* 0 or an enum jerr_code */
	char msg[600];		/* one line, no trailing newline */
};

/* Sets code and message unless an error is already set (e may be NULL).  Returns code. */
int jerr_set(struct jerr *e, int code, const char *fmt, ...) JPRINTF(3, 4);

/* As jerr_set() with JERR_IO, appending ": strerror(errno)". */
int jerr_sys(struct jerr *e, const char *fmt, ...) JPRINTF(2, 3);

/* Puts "context: " in front of the message.  Returns e->code. */
int jerr_wrap(struct jerr *e, const char *fmt, ...) JPRINTF(2, 3);

void jerr_clear(struct jerr *e);

/* A broken invariant of our own: prints file:line and aborts.  Never for user or file errors. */
#define jbug(...) jbug_at(__FILE__, __LINE__, __VA_ARGS__)
void jbug_at(const char *file, int line, const char *fmt, ...) JNORETURN JPRINTF(3, 4);

#endif
