/*
 * What every program that runs a model does first.
 */
#include "infer/jinfer.h"
#include "model/jadapter.h"

static int
open_tok(struct jtok **tok, const struct jmodel *m, const char *model, const char *tokenizer,
	bool need_tok, struct jerr *e)
{
	struct jerr why = { 0 }, none = { 0 };
	int rc = jtok_load(tok, tokenizer ? tokenizer : model, &why);
	const char *base;
	struct jarena a;

	if (rc < 0 && !tokenizer && jadapter_is(model)) {	/* an adapter may leave it to its base */
		jarena_init(&a, 0);
		base = jadapter_base(model, &a, &none);
		if (base && jtok_load(tok, base, &none) == 0)
			rc = 0;
		jarena_release(&a);
	}
	if (rc < 0) {
		*tok = NULL;
		if (tokenizer)
			return jerr_set(e, why.code, "%s", why.msg);
		if (need_tok)
			return jerr_set(e, why.code, "no tokenizer for %s, name one with --tokenizer "
				"(%.300s)", model, why.msg);
		return 0;
	}
	if (jtok_vocab_size(*tok) <= (uint64_t)m->cfg.vocab_size)
		return 0;
	rc = jerr_set(e, JERR_FORMAT, "%s: tokenizer has %lu ids, the model %lld",
		tokenizer ? tokenizer : model, (unsigned long)jtok_vocab_size(*tok),
		(long long)m->cfg.vocab_size);
	jtok_free(*tok);
	*tok = NULL;
	return rc;
}

int
jinfer_open(struct jmodel **m, struct jtok **tok, const char *model, const char *tokenizer,
	bool need_tok, struct jerr *e)
{
	int rc = jmodel_open(m, model, e);

	if (rc < 0)
		return rc;
	rc = open_tok(tok, *m, model, tokenizer, need_tok, e);
	if (rc < 0) {
		jmodel_free(*m);
		*m = NULL;
	}
	return rc;
}

static void
push_id(struct jids *ids, int64_t id)
{
	JMEM_GROW(ids->v, ids->cap, ids->n + 1);
	ids->v[ids->n++] = (uint32_t)id;
}

int
jinfer_prompt(struct jtok_state *s, const struct jtok *t, const struct jprompt *p,
	struct jids *ids, struct jerr *e)
{
	size_t before = ids->n;
	int rc;

	if (jtok_bos(t) >= 0 && (jtok_adds_bos(t) || p->n == 0))
		push_id(ids, jtok_bos(t));
	rc = jtok_encode(s, p->text, p->n, p->special ? JTOK_SPECIAL : 0, ids, e);
	if (rc >= 0 && ids->n == before && jtok_eos(t) >= 0)
		push_id(ids, jtok_eos(t));
	return rc < 0 ? rc : 0;
}
