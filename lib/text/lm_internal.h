/* lm_internal.h - private to lm*.c. */
#ifndef LM_INTERNAL_H
#define LM_INTERNAL_H

#include <stdbool.h>

#include "base/jmem.h"
#include "base/jutf8.h"
#include "io/jfs.h"
#include "text/jlm.h"
#include "text/jwords.h"

enum { LM_WORD = 128 };			/* bytes of a word that count */

struct lm_table {
	const unsigned char *p;		/* entries: key, P, B */
	uint64_t n;
	uint64_t *first;		/* by the high bits of a key: its first entry */
	unsigned shift;
};

struct jlm {
	int order;
	struct lm_table table[JLM_MAX_ORDER + 1];
	struct jbuf own[JLM_MAX_ORDER + 1];	/* the tables, if they are not mapped */
	struct jmapped map;
	uint64_t bos, eos, unk;
	bool has_unk;
};

uint64_t lm_word(const char *s, size_t n);
uint64_t lm_key(const uint64_t *words, int n);
/* words: the last word of the n-gram first. */
void lm_add(struct jlm *m, int n, const uint64_t *words, float p, float back);
int lm_sort(struct jlm *m, const char *name, struct jerr *e);
/* What stands before and after the entries of a binary; entries by order, bytes and crc of all before. */
void lm_head(struct jbuf *b, int order, const uint64_t entries[]);
void lm_tail(struct jbuf *b, uint64_t bytes, uint32_t crc);
void lm_ready(struct jlm *m);
int lm_read_arpa(struct jlm *m, const char *p, size_t n, const char *name, struct jerr *e);
/* The word in lower case; returns its bytes, at most LM_WORD - 1. */
size_t lm_lower(const char *p, const struct jtext_word *w, char out[LM_WORD]);

#endif
