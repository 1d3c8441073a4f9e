/* sample.h - texts that a model is calibrated and measured on: --calibrate and --eval. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "cli/jcli.h"
#include "model/jquantize.h"
#include "score/jppl.h"
#include "tok/jtok.h"

struct sample {
	struct jcli *cli;			/* gets progress; or NULL */
	const struct jopt_list *files;		/* of --calibrate */
	int64_t chunk, chunks;			/* tokens read together; at most so many, 0 = all */
	struct jids ids;			/* owned */
	struct jcalibration c;			/* out: ids, n, chunk, on_chunk, arg */
};
/* tok may be NULL, which is an error.  A chunk is never longer than the model's context. */
int sample_read(struct sample *s, const struct jmodel *m, const struct jtok *tok, struct jerr *e);
void sample_release(struct sample *s);
size_t sample_tokens(const struct sample *s);	/* those in whole chunks */

/* Perplexity on the files, which must hold a token. */
int sample_ppl(const struct jopt_list *files, struct jmodel *m, const struct jtok *tok,
	struct jpar *pool, struct jppl_result *r, struct jerr *e);
/* The same of a model that was just written. */
int sample_ppl_of(const struct jopt_list *files, const char *path, const char *tokenizer,
	struct jpar *pool, struct jppl_result *r, struct jerr *e);
/* Members ppl_before, ppl_after, ppl_ratio of an open record. */
void sample_put(struct jbuf *b, const struct jppl_result *before, const struct jppl_result *after);

#endif
