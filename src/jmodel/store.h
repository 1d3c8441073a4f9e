/* store.h - writing a model with its tokenizer: a GGUF file or a folder, whole or not at all. */
#ifndef STORE_H
#define STORE_H

#include "io/jgguf.h"
#include "model/jquantize.h"
#include "tok/jtok.h"

/* tok may be NULL.  o->name NULL: the name of dst without ".gguf".  Divided as split says. */
int store_gguf(struct jmodel *m, const struct jtok *tok, const char *dst, struct jmodel_gguf *o,
	struct jgguf_split *split, struct jerr *e);
/*
 * How a folder is to be written: F32, F16 or BF16; files of at most so many bytes, 0 = one; from: a folder
 * whose licence and notice files go along, or NULL.
 */
struct store_form {
	enum jdtype dtype;
	uint64_t part_bytes;
	const char *from;
};
#define STORE_PART_BYTES (UINT64_C(5) << 30)	/* where nothing is said, as transformers 4 */
/* Replaces an older folder. */
int store_folder(struct jmodel *m, const struct jtok *tok, const char *dst, struct store_form form,
	struct jerr *e);
/* A model file without token ids of its own takes those of the tokenizer. */
void store_adopt_ids(struct jmodel *m, const struct jtok *tok);
/* Sources that are refused: an adapter; a quantized model, with what to do instead. */
int store_refuse_adapter(const struct jmodel *m, const char *path, struct jerr *e);
int store_refuse_quantized(const struct jmodel *m, const char *path, const char *way_out, struct jerr *e);
/* LICENSE, LICENCE.txt, NOTICE, COPYING...? */
bool store_is_licence(const char *name);

#endif
