/*
 * jbaseline.h - what a model has to beat: a general compressor and an n-gram model, on the same
 * held-out text.
 *
 * xz: bits of `xz -9` (LZMA2, 64 MiB dictionary) per byte of the held-out text, alone, and as a
 * continuation of the training text (bytes that the held-out text adds to the compressed training
 * text).  n-gram: interpolated modified Kneser-Ney (text/jngram.h) over the ids of the model's own
 * tokenizer, so that its bits per byte are those of a closed vocabulary.
 */
#ifndef JBASELINE_H
#define JBASELINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "score/jppl.h"
#include "tok/jtok.h"

struct jbaseline_xz {
	double alone, after;	/* bits per byte */
};

/* train may be empty (then after = alone).  Needs about 700 MiB, as xz -9 does. */
int jbaseline_xz(const struct jbuf *train, const struct jbuf *held, struct jbaseline_xz *out,
	struct jerr *e);

/*
 * An n-gram model trained on the texts of train and measured on those of held; texts are separated
 * by NUL bytes.  end = id that closes each training document, -1 = none (as in the model's shards).
 */
struct jbaseline_ngram {
	int order;
	uint64_t memory;
	const struct jtok *tok;
	int64_t end;
};
int jbaseline_ngram(const struct jbaseline_ngram *o, const struct jbuf *train,
	const struct jbuf *held, struct jppl_result *out, struct jerr *e);

#endif
