#include "card.h"

#include <string.h>

#include "base/jjson.h"
#include "io/jfs.h"

bool
card_word(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		strlen(s);
}

int
card_open(struct card *c, struct jarena *a, struct jerr *e)
{
	struct jerr none = { 0 };
	int rc = jmodel_open(&c->m, c->path, e);

	if (rc < 0)
		return rc;
	c->adapter = jadapter_is(c->path);
	if (!c->name)
		c->name = jfs_base(c->path);
	if (!c->base && c->m->adapter && c->m->adapter->base)
		c->base = jarena_strndup(a, c->m->adapter->base, strlen(c->m->adapter->base));
	if (jtok_load(&c->tok, c->path, &none) < 0)
		c->tok = NULL;
	return 0;
}

void
card_close(struct card *c)
{
	if (c->tok)
		jtok_free(c->tok);
	jmodel_free(c->m);
}

/* A YAML scalar: JSON strings are YAML. */
static void
put_member(struct jbuf *b, const char *key, const char *value)
{
	jbuf_printf(b, "%s: ", key);
	jjson_str(b, value, strlen(value));
	jbuf_addc(b, '\n');
}

static void
put_list(struct jbuf *b, const char *key, const struct jopt_list *l, const char *first)
{
	if (!l->n && !first)
		return;
	jbuf_printf(b, "%s:\n", key);
	if (first)
		jbuf_printf(b, "- %s\n", first);
	for (size_t i = 0; i < l->n; i++) {
		jbuf_adds(b, "- ");
		jjson_str(b, l->v[i], strlen(l->v[i]));
		jbuf_addc(b, '\n');
	}
}

static bool
is_encoder(const struct card *c)
{
	return c->m->cfg.pooling != JMODEL_POOL_NONE;
}

static void
put_head(const struct card *c, struct jbuf *b)
{
	jbuf_adds(b, "---\n");
	put_member(b, "license", c->licence);
	put_member(b, "language", c->language);
	if (c->base)
		put_member(b, "base_model", c->base);
	put_member(b, "library_name", c->adapter ? "peft" : "transformers");
	put_member(b, "pipeline_tag", is_encoder(c) ? "feature-extraction" : "text-generation");
	put_list(b, "tags", c->tags, "jupiter");
	put_list(b, "datasets", c->datasets, NULL);
	jbuf_adds(b, "---\n\n");
}

static void
put_shape(const struct card *c, struct jbuf *b)
{
	const struct jmodel_config *m = &c->m->cfg;

	jbuf_adds(b, "| | |\n|---|---|\n");
	jbuf_printf(b, "| architecture | %s |\n", jmodel_arch_name(m));
	jbuf_printf(b, "| weights | %llu |\n", (unsigned long long)jmodel_count(m));
	jbuf_printf(b, "| layers, hidden, feed-forward | %lld, %lld, %lld |\n", (long long)m->layers,
		(long long)m->hidden, (long long)m->ffn);
	jbuf_printf(b, "| heads (key/value) | %lld (%lld) |\n", (long long)m->heads,
		(long long)m->kv_heads);
	jbuf_printf(b, "| vocabulary | %lld |\n| context | %lld |\n", (long long)m->vocab_size,
		(long long)m->context);
	if (c->tok)
		jbuf_printf(b, "| chat template | %s |\n", jtok_chat_template(c->tok) ? "yes" : "no");
	if (c->m->adapter)
		jbuf_printf(b, "| adapter | %s, rank %lld, alpha %g, %zu modules |\n",
			c->m->adapter->rslora ? "rsLoRA" : "LoRA", (long long)c->m->adapter->r,
			c->m->adapter->alpha, c->m->adapter->n_modules);
	jbuf_addc(b, '\n');
}

static void
put_use(const struct card *c, struct jbuf *b)
{
	jbuf_adds(b, "## Use\n\n```\n");
	jbuf_adds(b, "sha256sum -c SHA256SUMS\n");
	if (c->tok && jtok_chat_template(c->tok))
		jbuf_adds(b, "jgen chat -m .\n");
	else if (!is_encoder(c))
		jbuf_adds(b, "jgen complete -m . -p \"...\"\n");
	jbuf_adds(b, "```\n");
}

void
card_write(const struct card *c, struct jbuf *b)
{
	put_head(c, b);
	jbuf_printf(b, "# %s\n\n", c->name);
	if (c->description)
		jbuf_printf(b, "%s\n\n", c->description);
	put_shape(c, b);
	put_use(c, b);
}
