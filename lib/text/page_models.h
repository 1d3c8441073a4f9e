/* page_models.h - private: a page's side of the models. */
#ifndef PAGE_MODELS_H
#define PAGE_MODELS_H

#include "text/jmodels.h"
#include "text/page_internal.h"

struct page_models {
	const struct jmodels *m;
	struct jlang_bench *lang;
	struct jfasttext_bench *fasttext;
	struct jlang_guess guess[JLANG_GUESSES];
	size_t guesses;
	struct jpii_list pii;
	uint32_t *hits;			/* one for each flagged word */
	void *tokens;			/* state of the tokenizer, or NULL */
	uint64_t token_count;
};

struct page_models *jpage_models(struct jpage *pg);	/* made when first asked for */
void jpage_models_free(struct page_models *a);

#endif
