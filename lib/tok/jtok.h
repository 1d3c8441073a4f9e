/*
 * jtok.h - tokenizers: load any of the field's formats, encode, decode, save.
 *
 * A struct jtok is immutable after loading and may be shared by threads; a struct jtok_state holds
 * the caches and buffers of one thread.  Ids are equal to what Hugging Face tokenizers gives for the
 * same file.
 */
#ifndef JTOK_H
#define JTOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"

struct jtok;
struct jtok_state;
struct jgguf;
struct jgguf_writer;

struct jids {
	uint32_t *v;
	size_t n, cap;
};
void jids_release(struct jids *ids);

/*
 * path: a model or tokenizer folder (tokenizer.json and friends, or vocab.json with merges.txt, or one
 * of the files below), or one file: tokenizer.json, llama2.c tokenizer .bin, sentencepiece .model,
 * .tiktoken, GGUF, WordPiece vocab.txt.  Found by content.
 */
int jtok_load(struct jtok **t, const char *path, struct jerr *e);
/* The tokenizer of an open GGUF file (which may be closed afterwards). */
int jtok_load_gguf(struct jtok **t, const struct jgguf *g, struct jerr *e);
void jtok_free(struct jtok *t);

uint32_t jtok_vocab_size(const struct jtok *t);		/* highest id + 1, added tokens included */
/* Ids of roles; -1 where the tokenizer has none. */
int64_t jtok_bos(const struct jtok *t);
int64_t jtok_eos(const struct jtok *t);
int64_t jtok_pad(const struct jtok *t);
/* All ids that end a turn or a text (eos list of generation_config, <|im_end|>, <|eot_id|>, ...). */
const uint32_t *jtok_stops(const struct jtok *t, size_t *n);
bool jtok_adds_bos(const struct jtok *t);		/* does encoding with specials put a BOS first? */
int64_t jtok_id(const struct jtok *t, const char *token);	/* id of a token by its text, or -1 */
/* Bytes of a token as they appear in decoded text (terminated copy owned by t); NULL if no such id. */
const char *jtok_bytes(const struct jtok *t, uint32_t id, size_t *n);
bool jtok_is_special(const struct jtok *t, uint32_t id);
const char *jtok_chat_template(const struct jtok *t);	/* NULL if none */
const char *jtok_pre_name(const struct jtok *t);	/* tokenizer.ggml.pre, or NULL if GGUF cannot name it */
/* SHA-256 over vocabulary, merges, added tokens and pre-tokenizer: written into shards. */
void jtok_fingerprint(const struct jtok *t, unsigned char out[32]);

struct jtok_state *jtok_state_new(const struct jtok *t);
void jtok_state_free(struct jtok_state *s);

enum jtok_flags {
	JTOK_SPECIAL = 1,	/* text of special tokens becomes their ids (rendered templates) */
	JTOK_ADD_BOS_EOS = 2	/* apply the post-processor (BOS/EOS as the file says) */
};
/*
 * Appends the ids of n bytes to ids.  Without JTOK_SPECIAL, text that looks like a special token is
 * ordinary text.  0 or a negative code (only limits: a text over 2^31 bytes).
 */
int jtok_encode(struct jtok_state *s, const char *text, size_t n, unsigned flags, struct jids *ids,
	struct jerr *e);
/*
 * Appends the text of the ids; special tokens are skipped unless with_special.  Byte exact.  ids are a
 * whole text: a space that the encoder put in front goes.  For a stream, append jtok_bytes() of each id.
 */
int jtok_decode(struct jtok_state *s, const uint32_t *ids, size_t n, bool with_special,
	struct jbuf *out, struct jerr *e);

/*
 * For ids that jtok_encode() gave for this text and these flags: appends where each ends, in bytes; it
 * begins where the one before ends.  What the post-processor adds is empty.  False where the tokenizer
 * changed the text (a normalizer, an unknown character), so that ids have no place in it: ends then
 * holds those before.
 */
bool jtok_offsets(const struct jtok *t, const char *text, size_t n, unsigned flags,
	const struct jids *ids, struct jids *ends);

/* Writes tokenizer.json, tokenizer_config.json (with the chat template) and special_tokens_map.json. */
int jtok_save(const struct jtok *t, const char *dir, struct jerr *e);
/*
 * Writes a .tiktoken file: byte-level BPE with ids in the order of merges, else JERR_ARG.  The format
 * has neither added tokens nor a pre-tokenizer, and its readers merge any two tokens that make a third.
 */
int jtok_save_tiktoken(const struct jtok *t, const char *path, struct jerr *e);
/* Writes the tokenizer.ggml.* keys; vocabulary padded to vocab_size with unused entries. */
int jtok_save_gguf(const struct jtok *t, struct jgguf_writer *w, uint32_t vocab_size,
	struct jerr *e);

#endif
