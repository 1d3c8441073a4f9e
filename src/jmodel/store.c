#include "store.h"

#include <string.h>

#include "io/jfs.h"
#include "io/jgguf.h"

static int
gguf_parts(struct jgguf_writer *w, struct jmodel *m, const struct jtok *t, struct jmodel_gguf *o,
	struct jerr *e)
{
	int rc = jmodel_gguf_header(m, w, o, e);

	if (rc >= 0 && t)
		rc = jtok_save_gguf(t, w, (uint32_t)m->cfg.vocab_size, e);
	if (rc >= 0)
		rc = jmodel_gguf_data(m, w, o, e);
	return rc;
}

int
store_gguf(struct jmodel *m, const struct jtok *tok, const char *dst, struct jmodel_gguf *o,
	struct jerr *e)
{
	struct jgguf_writer *w;
	struct jarena a;
	size_t n = strlen(jfs_base(dst));
	int rc = jgguf_create(&w, dst, e);

	if (rc < 0)
		return rc;
	jarena_init(&a, 0);
	if (!o->name)
		o->name = jarena_strndup(&a, jfs_base(dst), jstr_ends(dst, ".gguf") ? n - 5 : n);
	rc = gguf_parts(w, m, tok, o, e);
	jarena_release(&a);
	if (rc < 0) {
		jgguf_abort(w);
		return rc;
	}
	return jgguf_commit(w, e);
}

int
store_folder(struct jmodel *m, const struct jtok *tok, const char *dst, struct store_form form,
	struct jerr *e)
{
	struct jarena a;
	char *tmp;
	int rc;

	if (jfs_exists(dst) && !jfs_is_dir(dst))
		return jerr_set(e, JERR_ARG, "%s: is a file, a model folder cannot replace it", dst);
	jarena_init(&a, 0);
	rc = jfs_dir_begin(dst, &a, &tmp, e);
	if (rc >= 0) {
		rc = jmodel_save_parts(m, tmp, form.dtype, form.part_bytes, e);
		if (rc >= 0 && tok)
			rc = jtok_save(tok, tmp, e);
		if (rc >= 0)
			rc = jfs_dir_commit(tmp, dst, e);
		else
			jfs_dir_abort(tmp);
	}
	jarena_release(&a);
	return rc;
}

void
store_adopt_ids(struct jmodel *m, const struct jtok *t)
{
	if (m->cfg.bos < 0)
		m->cfg.bos = jtok_bos(t);
	if (m->cfg.eos < 0)
		m->cfg.eos = jtok_eos(t);
	if (m->cfg.pad < 0)
		m->cfg.pad = jtok_pad(t);
}
