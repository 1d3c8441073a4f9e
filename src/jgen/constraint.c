#include "verbs.h"

#include <math.h>
#include <string.h>

#include "io/jio.h"

#define MAX_GRAMMAR ((size_t)1 << 30)

static int
read_grammar(struct model *m, const char *path, bool schema, struct jerr *e)
{
	struct jbuf text;
	int rc;

	jbuf_init_max(&text, MAX_GRAMMAR);
	rc = jin_slurp(path, &text, e);
	if (rc >= 0)
		rc = (schema ? jgrammar_schema : jgrammar_gbnf)(&m->grammar, text.p, text.n, path, e);
	jbuf_release(&text);
	return rc;
}

static int
open_grammar(struct model *m, const struct model_opts *o, struct jerr *e)
{
	int rc;

	if (!o->schema && !o->grammar && !o->regex)
		return 0;
	if (!!o->schema + !!o->grammar + !!o->regex > 1)
		return jerr_set(e, JERR_ARG, "one of --schema, --grammar and --regex, not several");
	if (!m->tok)
		return jerr_set(e, JERR_ARG, "--schema, --grammar and --regex need a tokenizer "
			"(--tokenizer TOK)");
	if (o->regex)
		rc = jgrammar_regex(&m->grammar, o->regex, strlen(o->regex), "--regex", e);
	else
		rc = read_grammar(m, o->schema ? o->schema : o->grammar, o->schema != NULL, e);
	if (rc < 0)
		return rc;
	m->vocab = jgvocab_new(m->tok, m->m->cfg.vocab_size);
	return 0;
}

static int
parse_bias(struct model *m, const char *text, struct jerr *e)
{
	const char *eq = strchr(text, '=');
	char id[16];
	uint64_t n;
	double add;

	if (!eq || (size_t)(eq - text) >= sizeof(id))
		return jerr_set(e, JERR_ARG, "--logit-bias %s: expected ID=X", text);
	memcpy(id, text, (size_t)(eq - text));
	id[eq - text] = '\0';
	if (strcmp(eq + 1, "-inf") == 0)
		add = -INFINITY;
	else if (jstr_to_double(eq + 1, &add) < 0)
		return jerr_set(e, JERR_ARG, "--logit-bias %s: expected ID=X", text);
	if (jstr_to_u64(id, &n) < 0 || n >= (uint64_t)m->m->cfg.vocab_size)
		return jerr_set(e, JERR_ARG, "--logit-bias %s: the ids of this model end at %lld", text,
			(long long)m->m->cfg.vocab_size - 1);
	m->bias[m->n_bias++] = (struct jlogit_bias){ (uint32_t)n, (float)add };
	return 0;
}

/* Repetitions are looked for inside lines and phrases: what llama.cpp breaks at by default. */
static void
find_breaks(struct model *m)
{
	m->dry_breaks = jmem_zalloc((size_t)m->m->cfg.vocab_size, sizeof(bool));
	for (int64_t id = 0; id < m->m->cfg.vocab_size && id < jtok_vocab_size(m->tok); id++) {
		size_t n;
		const char *p = jtok_bytes(m->tok, (uint32_t)id, &n);

		for (size_t i = 0; p && i < n; i++)
			m->dry_breaks[id] |= p[i] == '\n' || p[i] == ':' || p[i] == '"' || p[i] == '*';
	}
}

int
constraint_open(struct model *m, const struct model_opts *o, struct jerr *e)
{
	int rc = 0;

	m->bias = jmem_alloc(o->bias.n + 1, sizeof(*m->bias));
	for (size_t i = 0; rc == 0 && i < o->bias.n; i++)
		rc = parse_bias(m, o->bias.v[i], e);
	if (rc == 0 && m->tok && o->dry_multiplier > 0)
		find_breaks(m);
	return rc < 0 ? rc : open_grammar(m, o, e);
}

void
constraint_close(struct model *m)
{
	jgrammar_free(m->grammar);
	jmem_free(m->bias);
	jmem_free(m->dry_breaks);
}
