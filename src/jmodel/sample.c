#include "sample.h"

#include "infer/jinfer.h"
#include "record/jrec.h"
#include "textids.h"

static void
on_chunk(void *arg, uint64_t done, uint64_t total)
{
	if (arg)
		jcli_progress(arg, "chunks", done, total, NULL);
}

int
sample_read(struct sample *s, const struct jmodel *m, const struct jtok *tok, struct jerr *e)
{
	struct jcalibration *c = &s->c;

	*c = (struct jcalibration){ .chunk = (int)s->chunk, .on_chunk = on_chunk, .arg = s->cli };
	if (!tok)
		return jerr_set(e, JERR_ARG, "--calibrate needs a tokenizer (--tokenizer TOK)");
	if (s->chunk > m->cfg.context)
		c->chunk = (int)m->cfg.context;
	for (size_t i = 0; i < s->files->n; i++) {
		if (s->cli)
			jcli_input(s->cli, s->files->v[i]);
		if (textids_add(&s->ids, tok, s->files->v[i], e) < 0)
			return e->code;
	}
	c->ids = s->ids.v;
	c->n = s->ids.n;
	if (s->chunks > 0 && c->n / (size_t)c->chunk > (size_t)s->chunks)
		c->n = (size_t)s->chunks * (size_t)c->chunk;
	return 0;
}

void
sample_release(struct sample *s)
{
	jids_release(&s->ids);
}

size_t
sample_tokens(const struct sample *s)
{
	return s->c.n / (size_t)s->c.chunk * (size_t)s->c.chunk;
}

int
sample_ppl(const struct jopt_list *files, struct jmodel *m, const struct jtok *tok,
	struct jpar *pool, struct jppl_result *r, struct jerr *e)
{
	struct jppl *p;
	int rc = jppl_new(&p, m, tok, pool, (int)m->cfg.context, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc >= 0 && i < files->n; i++)
		rc = jppl_file(p, files->v[i], e);
	jppl_result(p, r);
	jppl_free(p);
	if (rc >= 0 && r->tokens == 0)
		rc = jerr_set(e, JERR_FORMAT, "--eval: the inputs hold no token");
	return rc;
}

int
sample_ppl_of(const struct jopt_list *files, const char *path, const char *tokenizer,
	struct jpar *pool, struct jppl_result *r, struct jerr *e)
{
	struct jmodel *m;
	struct jtok *t;
	int rc = jinfer_open(&m, &t, path, tokenizer, false, e);

	if (rc < 0)
		return rc;
	rc = sample_ppl(files, m, t, pool, r, e);
	if (t)
		jtok_free(t);
	jmodel_free(m);
	return rc;
}

void
sample_put(struct jbuf *b, const struct jppl_result *before, const struct jppl_result *after)
{
	jrec_put_num(b, "ppl_before", before->ppl);
	jrec_put_num(b, "ppl_after", after->ppl);
	jrec_put_num(b, "ppl_ratio", after->ppl / before->ppl);
}
