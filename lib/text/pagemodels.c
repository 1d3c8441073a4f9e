/* pagemodels.c - what the models say about a page, each asked once. */
#include <string.h>

#include "base/jmem.h"
#include "text/jmodels.h"
#include "text/page_models.h"

struct page_models *
jpage_models(struct jpage *pg)
{
	struct page_models *a = pg->t->models;

	if (!a) {
		a = pg->t->models = jmem_zalloc(1, sizeof(*a));
		a->lang = jlang_bench_new();
		a->fasttext = jfasttext_bench_new();
	}
	return a;
}

void
jpage_models_free(struct page_models *a)
{
	if (!a)
		return;
	jlang_bench_free(a->lang);
	jfasttext_bench_free(a->fasttext);
	jpii_list_release(&a->pii);
	if (a->tokens)
		a->m->tokens->close(a->tokens);
	jmem_free(a->hits);
	jmem_free(a);
}

void
jpage_use(struct jpage *pg, const struct jmodels *m)
{
	struct page_models *a = jpage_models(pg);

	if (a->tokens)
		a->m->tokens->close(a->tokens);
	a->m = m;
	a->tokens = m->tokens ? m->tokens->open(m->tokens->tokenizer) : NULL;
	if (m->flagged)
		a->hits = jmem_realloc(a->hits, jmatch_size(m->flagged), sizeof(*a->hits));
}

const struct jlang_guess *
jpage_lang(struct jpage *pg)
{
	struct page_models *a = jpage_models(pg);

	if (!a->m || !a->m->lang)
		return NULL;
	if (!(pg->done & JPAGE_DID_LANG)) {
		a->guesses = jlang_detect(a->m->lang, a->lang, pg->p, pg->n, a->guess);
		pg->done |= JPAGE_DID_LANG;
	}
	return a->guess;
}

uint64_t
jpage_tokens(struct jpage *pg)
{
	struct page_models *a = jpage_models(pg);

	if (!a->tokens)
		return 0;
	if (!(pg->done & JPAGE_DID_TOKENS))
		a->token_count = a->m->tokens->count(a->tokens, pg->p, pg->n);
	pg->done |= JPAGE_DID_TOKENS;
	return a->token_count;
}

const struct jpii_list *
jpage_pii(struct jpage *pg)
{
	struct page_models *a = jpage_models(pg);

	if (!(pg->done & JPAGE_DID_PII))
		jpii_find(&a->pii, pg->p, pg->n);
	pg->done |= JPAGE_DID_PII;
	return &a->pii;
}
