/*
 * Adapters of requests: those that the command line names, and those of a folder, which are read when a
 * record first asks for them; of these the longest unused go where there are too many.
 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "io/jfs.h"

/* One that was read from the folder. */
struct from_store {
	char *name;
	uint64_t used;
};

struct adapter_store {
	const char *dir;
	struct from_store *v;
	size_t n, cap, most;
	uint64_t clock;
};

/* Of NAME=DIR the name's length; 0: a folder for all requests. */
static size_t
name_length(const char *text)
{
	size_t n = strcspn(text, "=/");

	return text[n] == '=' ? n : 0;
}

int
adapters_check(const struct model_opts *o, bool by_name, struct jerr *e)
{
	size_t plain = 0, named = o->adapters ? 1 : 0;

	for (size_t i = 0; i < o->adapter.n; i++) {
		if (name_length(o->adapter.v[i]) > 0)
			named++;
		else
			plain++;
	}
	if (plain > 1 || (plain > 0 && named > 0))
		return jerr_set(e, JERR_ARG, "--adapter DIR is for all requests and stands alone; several "
			"want names: --adapter NAME=DIR");
	if (named > 0 && !by_name)
		return jerr_set(e, JERR_ARG, "adapters by name go with records, whose member 'adapter' "
			"names one, and with jgen chat");
	if (o->adapters_kept < 1 || o->adapters_kept > 65536)
		return jerr_set(e, JERR_ARG, "--adapters-kept %lld: expected 1..65536",
			(long long)o->adapters_kept);
	return 0;
}

const char *
adapters_alone(const struct model_opts *o)
{
	return o->adapter.n == 1 && name_length(o->adapter.v[0]) == 0 ? o->adapter.v[0] : NULL;
}

char *
adapters_first(const struct model_opts *o)
{
	size_t n = o->adapter.n ? name_length(o->adapter.v[0]) : 0;

	return n ? jmem_strndup(o->adapter.v[0], n) : NULL;
}

int
adapters_open(struct model *m, const struct model_opts *o, struct jerr *e)
{
	for (size_t i = 0; i < o->adapter.n; i++) {
		size_t n = name_length(o->adapter.v[i]);
		char *name;
		int rc;

		if (n == 0)
			continue;
		name = jmem_strndup(o->adapter.v[i], n);
		rc = jinfer_adapter_add(m->inf, name, o->adapter.v[i] + n + 1, e);
		jmem_free(name);
		if (rc < 0)
			return rc;
	}
	if (!o->adapters)
		return 0;
	m->store = jmem_zalloc(1, sizeof(*m->store));
	m->store->dir = o->adapters;
	m->store->most = (size_t)o->adapters_kept;
	return 0;
}

void
adapters_close(struct model *m)
{
	for (size_t i = 0; m->store && i < m->store->n; i++)
		jmem_free(m->store->v[i].name);
	if (m->store)
		jmem_free(m->store->v);
	jmem_free(m->store);
	m->store = NULL;
}

/* Names come from records: no way out of the folder. */
static bool
plain_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 128 && name[0] != '.' && strspn(name, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static struct from_store *
stored(struct adapter_store *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	return NULL;
}

static int
remove_oldest(struct model *m, struct jerr *e)
{
	struct adapter_store *s = m->store;
	size_t oldest = 0;
	int rc;

	for (size_t i = 1; i < s->n; i++)
		if (s->v[i].used < s->v[oldest].used)
			oldest = i;
	rc = jinfer_adapter_remove(m->inf, s->v[oldest].name, e);
	jmem_free(s->v[oldest].name);
	s->v[oldest] = s->v[--s->n];
	return rc;
}

static int
read_stored(struct model *m, const char *name, struct jerr *e)
{
	struct adapter_store *s = m->store;
	struct jarena a;
	int rc;

	jarena_init(&a, 0);
	rc = jinfer_adapter_add(m->inf, name, jfs_join(&a, s->dir, name), e);
	jarena_release(&a);
	if (rc < 0)
		return rc;
	JMEM_GROW(s->v, s->cap, s->n + 1);
	s->v[s->n++] = (struct from_store){ jmem_strdup(name), ++s->clock };
	return s->n > s->most ? remove_oldest(m, e) : 0;
}

int
adapters_find(struct model *m, const char *name, int *adapter, struct jerr *e)
{
	struct from_store *x;
	int rc;

	*adapter = jinfer_adapter_find(m->inf, name);
	if (*adapter < 0 && m->store && plain_name(name)) {
		rc = read_stored(m, name, e);
		if (rc < 0)
			return rc;
		*adapter = jinfer_adapter_find(m->inf, name);
	}
	if (*adapter < 0)
		return jerr_set(e, JERR_ARG, "no adapter is called '%.100s'", name);
	if (name && m->store && (x = stored(m->store, name)))
		x->used = ++m->store->clock;
	return 0;
}
