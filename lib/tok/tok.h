/*
 * tok.h - what a tokenizer is inside (private to the room).
 *
 * Whatever file it came from, a tokenizer is: a vocabulary of byte strings, a table of merges by
 * pair of ids, added tokens, and four small JSON values in the words of tokenizer.json (normalizer,
 * pre_tokenizer, post_processor, decoder).  Loaders of other formats write those JSON values; one
 * builder, tok_finish(), turns them into steps.  So saving is the same for all.
 *
 * In byte-level vocabularies tokens are kept as the bytes they stand for, not in the printable
 * alphabet of GPT-2; bytes.c translates at the border.
 */
#ifndef TOK_TOK_H
#define TOK_TOK_H

#include "conf/jval.h"
#include "jtok.h"
#include "scan.h"

#define TOK_MAX_IDS (1u << 24)		/* no vocabulary is larger */
#define TOK_MAX_TOKEN (1u << 20)	/* bytes of one token */
#define TOK_NONE UINT32_MAX

/* vocabulary: id -> bytes, bytes -> id */
struct tok_span {
	uint32_t at, n;			/* n = TOK_NONE: no such id */
};
struct tok_vocab {
	struct jbuf text;
	struct tok_span *v;
	size_t n, cap;
	uint32_t *slot;			/* id + 1, 0 = free */
	size_t slots, used;
};
void tok_vocab_init(struct tok_vocab *v);
void tok_vocab_release(struct tok_vocab *v);
/* Sets the text of id; find = can be found by its text (the first id of a text wins). */
int tok_vocab_set(struct tok_vocab *v, uint32_t id, const char *p, size_t n, bool find,
	struct jerr *e);
uint32_t tok_vocab_find(const struct tok_vocab *v, const void *p, size_t n);	/* or TOK_NONE */
static inline const char *
tok_vocab_text(const struct tok_vocab *v, uint32_t id, size_t *n)
{
	if (id >= v->n || v->v[id].n == TOK_NONE) {
		*n = 0;
		return NULL;
	}
	*n = v->v[id].n;
	return v->text.p + v->v[id].at;
}

/* merges: (left, right) -> rank and the merged id */
struct tok_pair {
	uint64_t key;			/* left << 32 | right; UINT64_MAX = free */
	uint32_t rank, id;
};
struct tok_pairs {
	struct tok_pair *slot;
	size_t slots, used;
};
void tok_pairs_release(struct tok_pairs *p);
/* A pair that is there already gets the new rank, as when a file lists a merge twice. */
void tok_pairs_add(struct tok_pairs *p, uint32_t l, uint32_t r, uint32_t rank, uint32_t id);
static inline uint64_t
tok_mix(uint64_t k)
{
	k *= 0x9E3779B97F4A7C15u;
	return k ^ k >> 29;
}
static inline const struct tok_pair *
tok_pairs_find(const struct tok_pairs *p, uint32_t l, uint32_t r)
{
	uint64_t key = (uint64_t)l << 32 | r;
	size_t i;

	if (!p->slots)
		return NULL;
	for (i = tok_mix(key) & (p->slots - 1); p->slot[i].key != key; i = (i + 1) & (p->slots - 1))
		if (p->slot[i].key == UINT64_MAX)
			return NULL;
	return &p->slot[i];
}

/* a set of strings found leftmost and longest */
struct tok_trie_node {
	uint32_t child, next;		/* 0 = none */
	uint32_t value;			/* TOK_NONE = inner */
	unsigned char byte;
};
struct tok_trie {
	struct tok_trie_node *v;
	size_t n, cap;
	uint32_t root[256];
};
void tok_trie_init(struct tok_trie *t);
void tok_trie_release(struct tok_trie *t);
void tok_trie_add(struct tok_trie *t, const char *p, size_t n, uint32_t value);
/* Longest string that begins at p: its length and value, or 0. */
size_t tok_trie_match(const struct tok_trie *t, const char *p, size_t n, uint32_t *value);

struct tok_added {
	uint32_t id;
	const char *text;		/* arena */
	size_t n;
	bool single_word, lstrip, rstrip, normalized, special;
	const char *normed;		/* the text as it is looked for, if normalized */
	size_t normed_n;
};

enum tok_model { TOK_BPE, TOK_UNIGRAM, TOK_WORDPIECE };
enum tok_cfg { CFG_NORM, CFG_PRE, CFG_POST, CFG_DEC, CFG_N };
enum tok_type {
	TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_USER = 4, TYPE_UNUSED = 5,
	TYPE_BYTE = 6
};

struct tok_norm;			/* norm.h */
struct tok_pre;				/* pre.h */
struct tok_dec;				const struct jtok *tok_state_tok(const struct jtok_state *s);

/* decode.c */

struct jtok {
	struct jarena arena;
	enum tok_model model;
	const char *cfg[CFG_N];		/* JSON text or NULL */

	struct tok_vocab vocab;
	bool byte_level;
	int32_t byte_id[256];		/* byte-level alphabet, or the byte-fallback tokens; -1 = none */
	struct tok_pairs pairs;
	struct jids merges;		/* left, right, merged, ... in rank order, as saved */
	float *scores;			/* [scores_n] sentencepiece models, or NULL */
	size_t scores_n, scores_cap;
	unsigned char *types;		/* [scores_n] enum tok_type; NULL = all normal */
	size_t types_cap;
	bool ignore_merges, byte_fallback, fuse_unk;
	uint32_t unk;			/* or TOK_NONE */
	const char *suffix, *prefix;	/* end_of_word_suffix, continuing_subword_prefix or NULL */
	uint32_t max_word;		/* WordPiece: characters of the longest word */
	uint32_t pseudo;		/* ids from here are characters that only occur inside tokens */
	bool cut_spaces;		/* merges never cross from another character into U+2581 */

	struct tok_added *added;
	size_t n_added, added_cap;
	struct tok_trie raw, normed;	/* added tokens by whether they match before normalising */

	struct tok_norm *norm;
	size_t n_norm;
	struct tok_pre *pre;
	size_t n_pre;
	enum scan_kind fast;		/* the whole pre-tokenizer is this scanner; or SCAN_NONE */
	struct tok_dec *dec;
	size_t n_dec;
	struct jids before, after;	/* what the post-processor puts around a text */

	struct tok_vocab shown;		/* decoded text of each id */
	uint32_t n_ids;
	unsigned char *special;		/* [n_ids] 1 = a special token */
	int64_t bos, eos, pad;
	struct jids stops;
	const char *chat_template;
	const char *name;		/* of the file, for messages */
	unsigned char print[32];
};

struct jtok *tok_new(const char *name);
struct tok_added *tok_add_token(struct jtok *t, uint32_t id, const char *p, size_t n);
/* Turns what a loader gathered into steps, tables and roles. */
int tok_finish(struct jtok *t, struct jerr *e);
/* Merges of vocabularies that have none: each token from any two tokens that make it, best first. */
void tok_merges_from_ranks(struct jtok *t, const uint32_t *rank);

int tok_load_json(struct jtok *t, const char *path, struct jerr *e);
int tok_load_merges(struct jtok *t, const char *vocab, const char *merges, struct jerr *e);
int tok_load_llama2c(struct jtok *t, const char *path, struct jerr *e);
int tok_load_spm(struct jtok *t, const char *path, struct jerr *e);
int tok_load_tiktoken(struct jtok *t, const char *path, struct jerr *e);
int tok_load_wordpiece(struct jtok *t, const char *path, struct jerr *e);
void tok_set_wordpiece(struct jtok *t);		/* all but the vocabulary, as uncased BERT has it */
int tok_load_gguf(struct jtok *t, const struct jgguf *g, struct jerr *e);
/* Roles, added tokens and the chat template from the files beside the tokenizer. */
int tok_load_config(struct jtok *t, const char *dir, bool add_tokens, struct jerr *e);
/* Pre-tokenizer and decoder of byte-level models, in the words of tokenizer.json. */
void tok_set_byte_level(struct jtok *t, enum scan_kind scan);
void tok_set_sentencepiece(struct jtok *t, bool prefix, bool byte_fallback);

/* A TemplateProcessing that puts one token in front. */
void tok_bos_processor(struct jbuf *b, const char *token, size_t n, int64_t id);

/* bytes.c: the printable alphabet of GPT-2 */
uint32_t tok_byte_char(unsigned char b);		/* code point of a byte */
void tok_bytes_to_text(const char *p, size_t n, struct jbuf *out);
bool tok_text_to_bytes(const char *p, size_t n, struct jbuf *out);	/* false: not of the alphabet */

/* normmap.c: false where a character is not of the alphabet */
bool tok_base64(const char *p, size_t n, struct jbuf *out);

/* save.c: a token as tokenizer.json prints it, quoted */
void tok_put_token(const struct jtok *t, uint32_t id, struct jbuf *out, struct jbuf *tmp);

/* bpe.c */
struct tok_bpe;
struct tok_bpe *tok_bpe_new(const struct jtok *t);
void tok_bpe_free(struct tok_bpe *b);
/* Appends the ids of the n > 0 bytes at p; bytes up to end may be read. */
void tok_bpe_word(struct tok_bpe *b, const unsigned char *p, size_t n, const unsigned char *end,
	struct jids *out);

const struct jtok *tok_state_tok(const struct jtok_state *s);

/* decode.c */
int tok_decoder_build(struct jtok *t, struct jerr *e);

static inline void
jids_add(struct jids *ids, uint32_t id)
{
	if (ids->n == ids->cap)
		JMEM_GROW(ids->v, ids->cap, ids->n + 1);
	ids->v[ids->n++] = id;
}

#endif
