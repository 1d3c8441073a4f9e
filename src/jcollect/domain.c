/* domain.c - the sources of a domain file as words of the command line with options of their own. */
#include <string.h>

#include "collect.h"
#include "conf/jdomain.h"

static const char *
keep(struct jarena *a, const char *s)
{
	return s ? jarena_strndup(a, s, strlen(s)) : NULL;
}

/* The globs of the file behind those of the command line. */
static void
join(struct jopt_list *l, const struct jstrings *more, struct jarena *a)
{
	const char **v = jarena_alloc(a, l->n + more->n + 1, sizeof(*v));

	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	for (size_t i = 0; i < more->n; i++)
		v[l->n + i] = keep(a, more->v[i]);
	l->v = v;
	l->n += more->n;
}

int
domain_sources(const char *file, const struct collect_opts *o, struct jarena *a,
	struct collect_source **list, size_t *n, struct jerr *e)
{
	struct jdomain d;
	int rc = jdomain_load(&d, file, e);

	if (rc < 0)
		return rc;
	*n = d.n_sources;
	*list = jarena_alloc(a, *n + 1, sizeof(**list));
	for (size_t i = 0; i < *n; i++) {
		const struct jdomain_source *s = &d.sources[i];
		struct collect_source *c = &(*list)[i];

		c->spec = keep(a, s->source);
		c->o = *o;
		c->o.domain_name = keep(a, d.name);
		join(&c->o.include, &s->include, a);
		join(&c->o.exclude, &s->exclude, a);
		if (s->licence)
			c->o.licence = keep(a, s->licence);
		/* what the command line asks for is narrower than what the file offers */
		if (strcmp(o->kind, "all") == 0 && s->kind)
			c->o.kind = strcmp(s->kind, "code") == 0 ? "code" : "docs,text";
	}
	jdomain_release(&d);
	return 0;
}
