/*
 * words.h - from a word to ids, by the model of the tokenizer (private to the room).
 */
#ifndef TOK_WORDS_H
#define TOK_WORDS_H

#include "tok.h"

struct tok_words;

struct tok_words *tok_words_new(const struct jtok *t);
void tok_words_free(struct tok_words *w);
/* Appends the ids of the n > 0 bytes at p; bytes up to end may be read. */
void tok_words_add(struct tok_words *w, const unsigned char *p, size_t n, const unsigned char *end,
	struct jids *out);

#endif
