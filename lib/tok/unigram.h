/*
 * unigram.h - Unigram models: the pieces of a text whose scores sum highest (private to the room).
 */
#ifndef TOK_UNIGRAM_H
#define TOK_UNIGRAM_H

#include "tok.h"

struct unigram;

struct unigram *unigram_new(const struct jtok *t);
void unigram_free(struct unigram *u);
void unigram_word(struct unigram *u, const unsigned char *p, size_t n, struct jids *out);

#endif
