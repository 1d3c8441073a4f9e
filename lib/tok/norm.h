/*
 * norm.h - normalizers of tokenizer.json (private to the room).
 */
#ifndef TOK_NORM_H
#define TOK_NORM_H

#include "rx.h"
#include "tok.h"

enum norm_kind {
	NORM_NFC, NORM_NFD, NORM_NFKC, NORM_NFKD, NORM_LOWER, NORM_STRIP_ACCENTS, NORM_STRIP,
	NORM_REPLACE, NORM_REPLACE_RX, NORM_PREPEND, NORM_BERT, NORM_BERT_ACCENTS, NORM_NMT,
	NORM_CHARSMAP
};

struct norm_map;			/* a precompiled sentencepiece table */

struct tok_norm {
	enum norm_kind kind;
	bool left, right;		/* STRIP */
	bool clean, chinese, accents, lower;	/* BERT */
	const char *from, *to;		/* REPLACE; PREPEND: to */
	size_t from_n, to_n;
	struct rx *rx;
	struct norm_map *map;
};

int norm_parse(struct jtok *t, const struct jval *v, struct jerr *e);
void norm_release(struct jtok *t);
/* Would the text stay as it is?  Cheap and allowed to say no wrongly. */
bool norm_is_noop(const struct jtok *t, const char *p, size_t n);
/* a holds the text and gets the result; b is scratch. */
int norm_apply(const struct jtok *t, struct jbuf *a, struct jbuf *b, struct jerr *e);

/* normmap.c */
int norm_map_new(struct norm_map **m, const char *base64, size_t n, struct jerr *e);
int norm_map_new_raw(struct norm_map **m, const char *p, size_t n, struct jerr *e);
void norm_map_free(struct norm_map *m);
void norm_map_apply(const struct norm_map *m, const char *p, size_t n, struct jbuf *out);

#endif
