/*
 * jtoktrain.h - training a byte-level BPE.
 *
 * First the words of the text are counted (a word is what the pre-tokenizer makes of it), in tables
 * of one thread each that are then added up; what does not fit the memory given is spilled and
 * merged; words that do not fit then stay in files.  Pairs are merged most frequent first, ties by smaller (left id, right id), with
 * 64-bit counts: the merges that the trainer of Hugging Face makes of the same words.
 *
 *	jtok_count_new -> jtok_count_text ... -> jtok_trainer_add   (any number of tables)
 *	jtok_trainer_new -> jtok_trainer_add ... -> jtok_trainer_run -> jtok_trainer_free
 *
 * The result does not depend on how the text was divided among tables.
 */
#ifndef JTOKTRAIN_H
#define JTOKTRAIN_H

#include "jtok.h"

struct jtok_train_opts {
	uint32_t vocab_size;		/* special tokens and the 256 bytes included */
	uint64_t min_frequency;		/* a pair seen less often is never merged */
	uint64_t memory;		/* bytes; what does not fit is spilled */
	const char *pre;		/* "llama3", "gpt2" or "qwen2" */
	const char *const *special;	/* texts of the special tokens, ids from 0 */
	size_t n_special;
	/* Go on from this tokenizer, whose ids stay; pre is its own, special is not used.  Or NULL. */
	const struct jtok *base;
};
/* The pre-tokenizer of a tokenizer that training can go on from, or NULL. */
const char *jtok_train_pre(const struct jtok *t);

/* <|endoftext|> <|im_start|> <|im_end|> <|pad|> */
extern const char *const jtok_default_special[4];

/* A trained tokenizer with its first vocab_size ids only: what training to that size gives. */
int jtok_truncate(struct jtok **out, const struct jtok *t, uint32_t vocab_size, struct jerr *e);

struct jtok_count;
struct jtok_count *jtok_count_new(const char *pre);	/* NULL: no such pre-tokenizer */
void jtok_count_free(struct jtok_count *c);
void jtok_count_text(struct jtok_count *c, const char *p, size_t n);
uint64_t jtok_count_bytes(const struct jtok_count *c);	/* memory in use */

struct jtok_trainer;
int jtok_trainer_new(struct jtok_trainer **t, const struct jtok_train_opts *o, struct jerr *e);
void jtok_trainer_free(struct jtok_trainer *t);
/* Adds a table of counts and empties it. */
int jtok_trainer_add(struct jtok_trainer *t, struct jtok_count *c, struct jerr *e);
/*
 * Makes the tokenizer.  tick, if given, is called now and then with the merges done and wanted and
 * stops the work with JERR_STOP when it returns non-zero.
 */
int jtok_trainer_run(struct jtok_trainer *t, struct jtok **out,
	int (*tick)(void *arg, uint64_t done, uint64_t total), void *arg, struct jerr *e);

#endif
