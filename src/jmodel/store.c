#include "store.h"

#include <string.h>
#include <strings.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "tensor/jquant.h"

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
	struct jgguf_split *split, struct jerr *e)
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
	jgguf_split(w, split);
	rc = gguf_parts(w, m, tok, o, e);
	jarena_release(&a);
	if (rc < 0) {
		jgguf_abort(w);
		return rc;
	}
	return jgguf_commit(w, e);
}

bool
store_is_licence(const char *name)
{
	return strncasecmp(name, "licen", 5) == 0 || strncasecmp(name, "notice", 6) == 0 ||
		strncasecmp(name, "copying", 7) == 0 || strncasecmp(name, "use_policy", 10) == 0;
}

static int
copy_licences(const char *from, const char *to, struct jarena *a, struct jerr *e)
{
	char **names;
	size_t n;
	int rc;

	if (!from || !jfs_is_dir(from))
		return 0;
	rc = jfs_list(from, a, &names, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *path = jfs_join(a, from, names[i]);
		struct jmapped map;

		if (!store_is_licence(names[i]) || jfs_is_dir(path))
			continue;
		rc = jfs_map(&map, path, e);
		if (rc < 0)
			break;
		rc = jout_put(jfs_join(a, to, names[i]), map.p, map.n, e);
		jfs_unmap(&map);
	}
	return rc;
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
			rc = copy_licences(form.from, tmp, &a, e);
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

int
store_refuse_adapter(const struct jmodel *m, const char *path, struct jerr *e)
{
	if (!m->adapter)
		return 0;
	return jerr_set(e, JERR_ARG, "%s is an adapter: merge it into its base first (jmodel merge)", path);
}

int
store_refuse_quantized(const struct jmodel *m, const char *path, const char *way_out, struct jerr *e)
{
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];

		if (!p->value && jdtype_is_block(p->dtype))
			return jerr_set(e, JERR_ARG, "%s is quantized already (%s is %s), and errors "
				"add up: %s", path, p->name, jdtype_name(p->dtype), way_out);
	}
	return 0;
}
