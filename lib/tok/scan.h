/*
 * scan.h - the field's pre-tokenizer patterns as hand-written scanners: no backtracking engine runs
 * over the data for any mainstream tokenizer.
 */
#ifndef TOK_SCAN_H
#define TOK_SCAN_H

#include <stddef.h>

enum scan_kind {
	SCAN_NONE,
	SCAN_GPT2,		/* 's|'t|...| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
	SCAN_LLAMA3,		/* cl100k: digits in threes */
	SCAN_QWEN2,		/* the same, digits one by one */
	SCAN_SPACES,		/* cut before U+2581 that follows another character */
	SCAN_WHOLE		/* one piece */
};

/* Length of the first piece of the n > 0 bytes at p, which end where the text ends. */
size_t scan_next(enum scan_kind kind, const unsigned char *p, size_t n);

/* The scanner of a pattern, or SCAN_NONE. */
enum scan_kind scan_by_pattern(const char *pattern, size_t n);
const char *scan_pattern(enum scan_kind kind);		/* as tokenizer.json writes it */
const char *scan_gguf_name(enum scan_kind kind);	/* tokenizer.ggml.pre */

#endif
