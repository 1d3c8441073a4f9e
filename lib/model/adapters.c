/* adapters.c - several adapters over one model, by number. */
#include "model/jadapters.h"

#include "base/jmem.h"
#include "graph/jloras.h"

struct jadapters {
	struct jmodel *m;
	struct jadapter **v;		/* [n], NULL = the number is free */
	int n;
	struct jloras *set;		/* [2 * n_params]: products, look-ups */
};

struct jadapters *
jadapters_new(struct jmodel *m)
{
	struct jadapters *s = jmem_zalloc(1, sizeof(*s));

	s->m = m;
	s->set = jmem_zalloc(2 * m->n_params + 1, sizeof(*s->set));
	return s;
}

void
jadapters_free(struct jadapters *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->n; i++)
		if (s->v[i])
			jadapters_remove(s, i);
	for (size_t i = 0; i < 2 * s->m->n_params; i++)
		jmem_free(s->set[i].v);
	jmem_free(s->set);
	jmem_free(s->v);
	jmem_free(s);
}

/* A free number, for which there is room in every list. */
static int
number_of(struct jadapters *s)
{
	int at = 0;

	while (at < s->n && s->v[at])
		at++;
	if (at < s->n)
		return at;
	s->n++;
	s->v = jmem_realloc(s->v, (size_t)s->n, sizeof(*s->v));
	s->v[at] = NULL;
	for (size_t i = 0; i < 2 * s->m->n_params; i++) {
		struct jloras *l = &s->set[i];

		l->v = jmem_realloc(l->v, (size_t)s->n, sizeof(*l->v));
		l->v[at] = NULL;
		l->n = s->n;
	}
	return at;
}

/* Lists that hold something hang on the weights, others do not: graphs stay as small as they can be. */
static void
hang(struct jadapters *s)
{
	for (size_t i = 0; i < 2 * s->m->n_params; i++) {
		struct jparam *w = &s->m->params[i / 2];
		const struct jloras *l = &s->set[i];
		bool any = false;

		for (int k = 0; k < l->n; k++)
			any |= l->v[k] != NULL;
		*(i % 2 ? &w->many_rows : &w->many) = any ? l : NULL;
	}
}

/* Takes the adapter from the weights it was hung on alone; with a number, into that of the lists. */
static void
take_over(struct jadapters *s, int number)
{
	for (size_t i = 0; i < s->m->n_params; i++) {
		struct jparam *w = &s->m->params[i];

		if (number >= 0) {
			s->set[2 * i].v[number] = w->lora;
			s->set[2 * i + 1].v[number] = w->lora_rows;
		}
		w->lora = w->lora_rows = NULL;
	}
}

static int
check(const struct jadapters *s, const char *dir, struct jerr *e)
{
	for (size_t i = 0; i < s->m->n_params; i++) {
		const struct jlora *l = s->m->params[i].lora;

		if (l && l->a->shape[0] != l->b->shape[1])
			return jerr_set(e, JERR_UNSUPPORTED, "%s: it adapts stacked experts, which works "
				"only alone (--adapter DIR) or merged (jmodel merge), not by name", dir);
	}
	return 0;
}

static int
attach(struct jadapters *s, struct jadapter *a, const char *dir, struct jerr *e)
{
	int rc;

	if (a->n_whole > 0)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: it replaces weights of the base (%s), which "
			"works only alone (--adapter DIR) or merged (jmodel merge), not by name", dir,
			a->params[a->n_params - 1].name);
	rc = jadapter_attach(a, s->m, e);
	if (rc == 0)
		rc = check(s, dir, e);
	if (rc < 0)
		take_over(s, -1);
	return rc;
}

int
jadapters_add(struct jadapters *s, const char *dir, int *number, struct jerr *e)
{
	struct jadapter *a;
	int rc;

	for (size_t i = 0; i < s->m->n_params; i++)
		if (s->m->params[i].lora || s->m->params[i].lora_rows)
			return jerr_set(e, JERR_ARG, "%s: the model bears an adapter alone", dir);
	rc = jadapter_load(&a, dir, e);
	if (rc < 0)
		return rc;
	rc = attach(s, a, dir, e);
	if (rc < 0) {
		jadapter_free(a);
		return rc;
	}
	*number = number_of(s);
	s->v[*number] = a;
	take_over(s, *number);
	hang(s);
	return 0;
}

void
jadapters_remove(struct jadapters *s, int number)
{
	for (size_t i = 0; i < 2 * s->m->n_params; i++)
		s->set[i].v[number] = NULL;
	hang(s);
	jadapter_free(s->v[number]);
	s->v[number] = NULL;
}
