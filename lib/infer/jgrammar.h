/*
 * jgrammar.h - structured output: what a model writes is held to a grammar, a JSON schema or a
 * regular expression, by masking the tokens that cannot go on.  Valid by construction.
 *
 *	jgrammar_gbnf() | jgrammar_schema() | jgrammar_regex()	compile, once
 *	jgvocab_new()						the vocabulary, once
 *	jguide_new()						one sequence being written
 *	  each token: jguide_mask() on its logits, sample, jguide_accept()
 *
 * Model.  A grammar is a recursive transition network over bytes: per rule a nondeterministic
 * automaton whose edges eat a byte of UTF-8, call a rule, or nothing.  A sequence is in a set of
 * configurations (state, stack); stacks are shared (hash-consed frames), sets are interned and their
 * transitions cached, so the automaton is made deterministic lazily, as far as it is visited.
 *
 * Masks.  For a single state the vocabulary is walked once, as a trie, with an unknown stack below:
 * tokens that stay inside the rule are accepted or refused for good (a bitmap that is kept for all
 * sequences); only those that run past the end of the rule are asked again with the real stack.
 *
 * Limits are those of memory: nothing depends on the size of a schema but the time to read it.
 * Repetition counts are states, not copies of what is repeated.  Left recursion is refused.
 *
 * A guide needs its grammar and its vocabulary; a vocabulary keeps the masks of the grammar used last,
 * also when that is freed: an equal one finds them again.
 *
 * Threads: a grammar is immutable; a vocabulary with its masks and the guides on it belong to one
 * thread at a time.
 */
#ifndef JGRAMMAR_H
#define JGRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "tok/jtok.h"

struct jgrammar;

/* GBNF, the notation of llama.cpp; the rule "root" is the start.  name is for messages. */
int jgrammar_gbnf(struct jgrammar **g, const char *text, size_t n, const char *name,
	struct jerr *e);
/*
 * JSON Schema (2020-12 and draft 7 spellings).  Members come in the order of the schema; a keyword
 * that cannot be held is an error that names it and its place, never passed over.  Where a schema does
 * not say, additional members are not written.
 */
int jgrammar_schema(struct jgrammar **g, const char *text, size_t n, const char *name,
	struct jerr *e);
/* A regular expression that the whole text matches: no look-around, no back references. */
int jgrammar_regex(struct jgrammar **g, const char *text, size_t n, const char *name,
	struct jerr *e);
void jgrammar_free(struct jgrammar *g);
size_t jgrammar_states(const struct jgrammar *g);
/* Does the whole text belong to the language? */
bool jgrammar_match(const struct jgrammar *g, const char *text, size_t n);

/* The tokens of a vocabulary as a trie.  V: rows of the model's head, ids above it never occur. */
struct jgvocab;
struct jgvocab *jgvocab_new(const struct jtok *t, int64_t V);
void jgvocab_free(struct jgvocab *v);

struct jguide;
struct jguide *jguide_new(const struct jgrammar *g, struct jgvocab *v);
void jguide_free(struct jguide *s);
/*
 * Sets the logits [V] of tokens that cannot come next to minus infinity.  Ids for which stop[id] holds
 * end the text and stay where the text may end here; NULL: none.  JERR_LIMIT where no token is left.
 */
int jguide_mask(struct jguide *s, float *logits, bool (*stop)(void *arg, uint32_t id), void *arg,
	struct jerr *e);
/* Takes a token that the mask allowed (stop ids are not taken). */
void jguide_accept(struct jguide *s, uint32_t id);
bool jguide_may_end(const struct jguide *s);	/* the text so far is whole */
bool jguide_must_end(const struct jguide *s);	/* and nothing can follow it */
/* Bytes of the shortest end of the text, now and after a token that the mask allowed. */
uint64_t jguide_shortest(const struct jguide *s);
uint64_t jguide_shortest_after(struct jguide *s, uint32_t id);

#endif
