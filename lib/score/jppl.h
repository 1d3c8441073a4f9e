/*
 * jppl.h - perplexity and bits per byte of texts under a model.
 *
 * Each document is scored alone, from its first token on: it stands behind a BOS, or behind an EOS
 * where the tokenizer has no BOS (the end of the document before it).  The EOS that closes a
 * document is not scored.  Long documents go through in windows of the context with half a window
 * of overlap.
 *
 *	bits per byte  R = sum(nll) / sum(bytes) / ln 2
 *	its standard error over n documents, as a ratio estimator:
 *	               sqrt(n / (n - 1) * sum((nll_d - R' bytes_d)^2)) / sum(bytes) / ln 2
 *
 *	jppl_new -> jppl_file | jppl_text | jppl_ids ... -> jppl_result -> jppl_free
 *
 * Counted bytes are those of the text; for shards, of the text that was encoded.  Words are runs
 * without ASCII white space.  Tokens that a shard's mask takes out of the loss are not scored; then
 * there is no count of bytes that belongs to the rest, and figures per byte and word are absent.
 */
#ifndef JPPL_H
#define JPPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "infer/jinfer.h"

struct jppl;

struct jppl_result {
	uint64_t docs, tokens, bytes, words;
	double nll;		/* nats, summed over all scored tokens */
	double ppl;		/* exp(nll / tokens) */
	double word_ppl;	/* exp(nll / words) */
	double bpb;		/* bits per byte */
	double stderr_bpb;	/* NaN for fewer than two documents */
	bool has_text;		/* bytes and words are known */
};

struct jppl_doc {
	double nll, bytes;	/* of one document */
};

/* Fills in nll, ppl, word_ppl, bpb and its standard error from r's counts and the documents. */
void jppl_ratio(struct jppl_result *r, const struct jppl_doc *docs, size_t n);

/* tok may be NULL if only ids are scored.  Model and tokenizer belong to the caller. */
int jppl_new(struct jppl **p, struct jmodel *m, const struct jtok *tok, struct jpar *pool,
	int context, struct jerr *e);
void jppl_free(struct jppl *p);
const struct jtok *jppl_tok(const struct jppl *p);	/* or NULL */
int jppl_text(struct jppl *p, const char *text, size_t n, struct jerr *e);
/* One document as it lies in a shard; mask (1 = scored) may be NULL. */
int jppl_ids(struct jppl *p, const uint32_t *ids, const unsigned char *mask, size_t n,
	struct jerr *e);
/*
 * Text, JSONL documents ({"text": ...}) or .jsh shards, found by content; of a folder all files
 * named *.jsh, *.jsonl (also .gz, .zst) and *.txt.
 */
int jppl_file(struct jppl *p, const char *path, struct jerr *e);
void jppl_result(const struct jppl *p, struct jppl_result *r);
/* The members of the score record, for a record that was begun with jrec_begin(). */
void jppl_put(const struct jppl_result *r, struct jbuf *out);

/* Called after each document with the bytes done so far. */
void jppl_on_progress(struct jppl *p, void (*fn)(void *arg, uint64_t docs, uint64_t tokens),
	void *arg);

#endif
