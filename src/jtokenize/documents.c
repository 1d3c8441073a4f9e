#include "documents.h"

#include <string.h>

#include "base/jjson.h"
#include "record/jrec.h"

const char *
doc_text(const struct unit_block *b, const struct unit *x, struct jarena *a, struct doc_text *t)
{
	struct jerr e = { 0 };
	struct jrec r;

	if (x->too_long)
		return "line too long";
	if (!x->json) {
		*t = (struct doc_text){ { b->bytes.p + x->at, NULL }, { x->n, 0 }, 1 };
		return NULL;
	}
	if (jrec_parse(&r, b->bytes.p + x->at, x->n, a, &e))
		return "not a record";
	t->parts = 1;
	if (jrec_str(&r, "text", &t->p[0], &t->n[0]))
		return NULL;
	t->parts = 2;
	if (jrec_str(&r, "prompt", &t->p[0], &t->n[0]) && jrec_str(&r, "answer", &t->p[1], &t->n[1]))
		return NULL;
	return "no text";
}

bool
doc_member(const struct unit_block *b, const struct unit *x, const char *name, struct jarena *a,
	const char **p, size_t *n)
{
	struct jerr ignored = { 0 };
	struct jrec r;

	return x->json && !x->too_long && jrec_parse(&r, b->bytes.p + x->at, x->n, a, &ignored) == 0 &&
		jrec_str(&r, name, p, n);
}

int
rejects_open(struct rejects *r, struct jcli *cli, struct jerr *e)
{
	const char *path = jcli_common(cli)->rejects;

	r->cli = cli;
	r->out = NULL;
	return path ? jout_open(&r->out, path, e) : 0;
}

/* The record with a member drop added, or a record of the text that was none. */
int
rejects_add(struct rejects *r, const struct unit_block *b, const struct unit *x,
	const char *reason, struct jerr *e)
{
	struct jerr ignored = { 0 };
	struct jrec_edit edit = { "drop", NULL, 0 };
	struct jarena a;
	struct jrec rec;
	struct jbuf out, why;
	int rc = 0;

	jcli_reject(r->cli, reason);
	if (!r->out)
		return 0;
	jarena_init(&a, 0);
	jbuf_init(&out);
	jbuf_init(&why);
	jjson_str(&why, reason, strlen(reason));
	edit.val = why.p;
	edit.val_n = why.n;
	if (x->json && !x->too_long && jrec_parse(&rec, b->bytes.p + x->at, x->n, &a, &ignored) == 0) {
		jrec_write_edits(&rec, &edit, 1, &out);
	} else {
		jrec_begin(&out);
		jrec_put_int(&out, "line", (int64_t)x->line);
		jrec_put_str(&out, "raw", b->bytes.p + x->at, x->n);
		jrec_put_str(&out, "drop", reason, strlen(reason));
		jrec_end(&out);
	}
	rc = jout_write(r->out, out.p, out.n, e);
	jbuf_release(&out);
	jbuf_release(&why);
	jarena_release(&a);
	return rc;
}

int
rejects_commit(struct rejects *r, struct jerr *e)
{
	int rc = r->out ? jout_commit(r->out, e) : 0;

	r->out = NULL;
	return rc;
}

void
rejects_abort(struct rejects *r)
{
	jout_abort(r->out);
	r->out = NULL;
}
