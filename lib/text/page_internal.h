/* page_internal.h - private to the files that fill a struct jpage. */
#ifndef PAGE_INTERNAL_H
#define PAGE_INTERNAL_H

#include "text/intern.h"
#include "text/jmatch.h"
#include "text/jpage.h"
#include "text/pagebits.h"

enum { JPAGE_MAX_PHRASES = 192 };
enum { JPAGE_DID_REPEAT = 1 << 0, JPAGE_DID_DATA = 1 << 1, JPAGE_DID_PHRASE = 1 << 2,
	JPAGE_DID_LANG = 1 << 3, JPAGE_DID_PII = 1 << 4, JPAGE_DID_FLAT = 1 << 5,
	JPAGE_DID_CLASS = 1 << 6, JPAGE_DID_TOKENS = 1 << 7, JPAGE_DID_COMPAT = 1 << 8 };	/* the last: a bit a definition */

struct compat;
struct page_models;

struct jpage_tables {
	struct page_bits bits;
	struct jintern words;		/* of this page */
	struct jintern grams;		/* scratch of jpage_repeat() */
	struct jintern function_key;	/* lower-case hash -> row of languages[] */
	unsigned char *languages;
	uint16_t *traits;		/* by word id: JPAGE_W_* */
	size_t traits_cap;
	uint32_t *class, *place, *gram_id, *gram_chars;	/* scratch of jpage_repeat() */
	size_t class_cap, place_cap, gram_id_cap, gram_chars_cap;
	uint64_t *unit_hash;
	uint32_t *unit_chars;
	size_t unit_hash_cap, unit_chars_cap;
	struct jmatch *phrases;		/* all lists, one behind the other */
	size_t phrase_end[JPAGE_PHRASE_LISTS];
	uint32_t phrase_hits[JPAGE_PHRASE_LISTS];
	struct compat *compat;		/* compat_internal.h */
	struct page_models *models;	/* page_models.h */
};

void jpage_compat_free(struct compat *c);	/* compat.c; NULL is fine */
void jpage_models_free(struct page_models *a);	/* pagemodels.c; NULL is fine */

bool jpage_is_odd(const char *s, size_t n);	/* oddwords.c: n small ASCII letters */
void jpage_scan(struct jpage *pg);		/* pagescan.c: bits of the bytes, counts */
void jpage_split(struct jpage *pg);		/* pagesplit.c: words, lines, paragraphs */

#endif
