/*
 * The vocabulary size by cost: training costs FLOPs per token, which grow with the vocabulary, and
 * tokens per byte, which shrink.  One run's merges cut at several sizes are measured on held-out text.
 */
#include <stdio.h>

#include "documents.h"
#include "model/jmodel.h"
#include "tok/jtoktrain.h"
#include "tokenize.h"

#define SIZES 8
#define LEAST 384

struct choice {
	struct jtok *tok[SIZES];
	struct jtok_state *state[SIZES];
	uint64_t tokens[SIZES], bytes;
	int n;
};

/* The size trained, a half, a quarter ... */
static int
cut_sizes(struct choice *c, const struct jtok *t, struct jerr *e)
{
	uint32_t size = jtok_vocab_size(t);
	int rc = 0;

	while (!rc && c->n < SIZES && (size >= LEAST || !c->n)) {
		rc = jtok_truncate(&c->tok[c->n], t, size, e);
		if (!rc)
			c->state[c->n] = jtok_state_new(c->tok[c->n]);
		c->n += !rc;
		size /= 2;
	}
	return rc;
}

static int
measure_text(struct choice *c, const char *p, size_t n, struct jids *ids, struct jerr *e)
{
	int i, rc = 0;

	c->bytes += n;
	for (i = 0; !rc && i < c->n; i++) {
		ids->n = 0;
		rc = jtok_encode(c->state[i], p, n, 0, ids, e);
		c->tokens[i] += ids->n;
	}
	return rc;
}

static int
measure(struct choice *c, struct jcli *cli, const char *path, struct jerr *e)
{
	char *files[1] = { (char *)path };
	struct units u = { 0 };
	struct unit_block b;
	struct jids ids = { 0 };
	struct jarena a;
	size_t i;
	int k, rc = units_open(&u, UNITS_WHOLE, cli, 1, files, e);

	jarena_init(&a, 0);
	unit_block_init(&b);
	while (!rc && (rc = units_read(&u, &b, e)) == 1) {
		rc = 0;
		for (i = 0; !rc && i < b.n; i++) {
			struct doc_text t;

			jarena_reset(&a);
			if (doc_text(&b, &b.v[i], &a, &t))
				continue;
			for (k = 0; !rc && k < t.parts; k++)
				rc = measure_text(c, t.p[k], t.n[k], &ids, e);
		}
	}
	if (!rc && !c->bytes)
		rc = jerr_set(e, JERR_FORMAT, "%s: no text to measure on", path);
	jids_release(&ids);
	unit_block_release(&b);
	jarena_release(&a);
	units_close(&u);
	return rc;
}

/* The cheapest; all are told. */
static int
cheapest(const struct choice *c, struct jcli *cli, struct jmodel_config *m)
{
	double least = 0;
	char text[160];
	int i, best = 0;

	for (i = 0; i < c->n; i++) {
		double per_token, cost;

		m->vocab_size = jtok_vocab_size(c->tok[i]);
		per_token = jmodel_flops_per_token(m, m->context);
		cost = per_token * (double)c->tokens[i] / (double)c->bytes;
		if (!i || cost < least) {
			least = cost;
			best = i;
		}
		snprintf(text, sizeof(text), "vocabulary %lld: %llu tokens of %llu bytes, %.4g FLOPs a token, %.6g a byte",
			(long long)m->vocab_size, (unsigned long long)c->tokens[i], (unsigned long long)c->bytes,
			per_token, cost);
		jcli_info(cli, "%s", text);
	}
	jcli_info(cli, "chosen: %u", (unsigned)jtok_vocab_size(c->tok[best]));
	return best;
}

int
choose_size(struct jcli *cli, const struct tokenize_opts *o, struct jtok **t, struct jerr *e)
{
	struct choice c = { .n = 0 };
	struct jmodel_config m;
	int i, best = -1, rc = jmodel_preset(&m, o->model, e);

	if (rc >= 0)
		rc = cut_sizes(&c, *t, e);
	if (!rc)
		rc = measure(&c, cli, o->held_out, e);
	if (!rc)
		best = cheapest(&c, cli, &m);
	for (i = 0; i < c.n; i++) {
		jtok_state_free(c.state[i]);
		if (i != best)
			jtok_free(c.tok[i]);
	}
	if (best >= 0) {
		jtok_free(*t);
		*t = c.tok[best];
	}
	return rc;
}
