#include "groups.h"

#include <string.h>

#include "base/jjson.h"
#include "base/jmem.h"

static size_t
place(const struct groups *g, const char *name)
{
	size_t lo = 0, hi = g->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(g->v[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
groups_add(struct groups *g, const char *name, uint64_t tokens, uint64_t bytes)
{
	size_t i = place(g, name);

	if (i == g->n || strcmp(g->v[i].name, name) != 0) {
		JMEM_GROW(g->v, g->cap, g->n + 1);
		memmove(&g->v[i + 1], &g->v[i], (g->n++ - i) * sizeof(*g->v));
		g->v[i] = (struct group){ jmem_strdup(name), 0, 0, 0 };
	}
	g->v[i].docs++;
	g->v[i].tokens += tokens;
	g->v[i].bytes += bytes;
}

int
groups_write(const struct groups *g, struct jout *out, struct jerr *e)
{
	struct jbuf b;
	size_t i;
	int rc = 0;

	jbuf_init(&b);
	for (i = 0; !rc && i < g->n; i++) {
		const struct group *x = &g->v[i];

		jbuf_reset(&b);
		jbuf_adds(&b, "{\"by\":");
		jjson_str(&b, x->name, strlen(x->name));
		jbuf_printf(&b, ",\"docs\":%llu,\"tokens\":%llu,\"bytes\":%llu,\"bytes_per_token\":%.4f}\n",
			(unsigned long long)x->docs, (unsigned long long)x->tokens, (unsigned long long)x->bytes,
			x->tokens ? (double)x->bytes / (double)x->tokens : 0.0);
		rc = jout_write(out, b.p, b.n, e);
	}
	jbuf_release(&b);
	return rc;
}

void
groups_release(struct groups *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		jmem_free(g->v[i].name);
	jmem_free(g->v);
}
