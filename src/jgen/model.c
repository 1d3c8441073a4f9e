#include "verbs.h"

#include <string.h>

#include "model/jadapter.h"
#include "par/jpar.h"

int
model_check(const struct model_opts *o, struct jerr *e)
{
	if (!o->model)
		return jerr_set(e, JERR_ARG, "no model given (-m MODEL)");
	if (o->max_tokens < 0 || o->max_tokens > INT32_MAX)
		return jerr_set(e, JERR_ARG, "-n %lld: expected 0 or more", (long long)o->max_tokens);
	if (o->temperature < 0 || o->top_p <= 0 || o->min_p < 0 || o->min_p > 1 ||
	    o->repeat_penalty <= 0)
		return jerr_set(e, JERR_ARG, "sampling wants temperature >= 0, top-p > 0, 0 <= min-p "
			"<= 1 and repeat-penalty > 0");
	if (o->speculate < 0 || o->speculate > 64 || (o->draft && o->speculate == 0))
		return jerr_set(e, JERR_ARG, "--speculate: expected 0..64, and with --draft at least 1");
	if (o->typical_p < 0 || o->typical_p > 1 || o->top_n_sigma < 0 || o->xtc_probability < 0 ||
	    o->xtc_probability > 1 || o->xtc_threshold < 0 || o->dry_multiplier < 0 ||
	    o->dry_base < 1 || o->dry_allowed < 1 || o->dry_allowed > INT32_MAX || o->dry_last < 0 ||
	    o->dry_last > INT32_MAX)
		return jerr_set(e, JERR_ARG, "sampling wants typical-p, xtc-probability in 0..1, "
			"top-n-sigma, xtc-threshold, dry-multiplier, dry-last >= 0, dry-base and "
			"dry-allowed >= 1");
	if (o->top_k < 0 || o->top_k > INT32_MAX || o->repeat_last < 0 || o->repeat_last > INT32_MAX)
		return jerr_set(e, JERR_ARG, "--top-k and --repeat-last want 0 or more");
	return 0;
}

static int
open_draft(struct model *m, const struct model_opts *o, struct jerr *e)
{
	struct jtok *unused;
	int rc = jinfer_open(&m->draft_model, &unused, o->draft, NULL, false, e);

	if (rc < 0)
		return rc;
	if (unused)
		jtok_free(unused);
	if (m->draft_model->cfg.vocab_size != m->m->cfg.vocab_size)
		return jerr_set(e, JERR_ARG, "--draft %s: its vocabulary has %lld tokens, that of the model "
			"%lld", o->draft, (long long)m->draft_model->cfg.vocab_size,
			(long long)m->m->cfg.vocab_size);
	return 0;
}

int
model_open(struct model *m, const struct model_opts *o, struct jcli *cli, bool need_tok,
	struct jerr *e)
{
	int rc = jinfer_open(&m->m, &m->tok, o->model, o->tokenizer, need_tok, e);

	if (rc < 0)
		return rc;
	if (adapters_alone(o) && jmodel_adapt(m->m, adapters_alone(o), e) < 0)
		return e->code;
	if (m->tok)
		m->state = jtok_state_new(m->tok);
	m->pool = jpar_new((int)jcli_common(cli)->jobs);
	m->stop = jmem_zalloc(o->stop.n + 1, sizeof(*m->stop));
	for (size_t i = 0; i < o->stop.n; i++)
		m->stop[i] = o->stop.v[i];
	rc = constraint_open(m, o, e);
	return rc < 0 || !o->draft ? rc : open_draft(m, o, e);
}

static int
one_type(const char *p, size_t n, enum jdtype *t)
{
	static const struct { const char *name; enum jdtype type; } types[] = {
		{ "f32", JDT_F32 }, { "f16", JDT_F16 }, { "q8_0", JDT_Q8_0 }
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strlen(types[i].name) == n && memcmp(types[i].name, p, n) == 0) {
			*t = types[i].type;
			return 0;
		}
	}
	return -1;
}

/* "TYPE" for both, or "KEYS,VALUES". */
static int
cache_types(const char *text, struct jinfer_opts *o, struct jerr *e)
{
	const char *comma = strchr(text, ','), *second = comma ? comma + 1 : text;
	size_t n = comma ? (size_t)(comma - text) : strlen(text);

	if (one_type(text, n, &o->k_type) < 0 || one_type(second, strlen(second), &o->v_type) < 0)
		return jerr_set(e, JERR_ARG, "--cache-type %s: expected f32, f16 or q8_0, or two of them "
			"as KEYS,VALUES", text);
	return 0;
}

static int
start_draft(struct model *m, const struct jinfer_opts *main, struct jerr *e)
{
	struct jinfer_opts o = *main;

	if (o.capacity > m->draft_model->cfg.context)
		o.capacity = (int)m->draft_model->cfg.context;
	return jinfer_make(&m->draft, m->draft_model, m->pool, &o, e);
}

void
model_tell(const struct model *m, struct jcli *cli)
{
	struct jinfer_stats s;

	jinfer_stats(m->inf, &s);
	jcli_debug(cli, "cache: %zu of %zu pages of %.0f kB used at most, %llu copied before a write, "
		"%llu sequences put off", s.most, s.pages, (double)s.page_bytes * 1e-3,
		(unsigned long long)s.copied, (unsigned long long)s.preempted);
}

int
model_start(struct model *m, const struct model_opts *o, struct jcli *cli, int slots,
	struct jerr *e)
{
	struct jinfer_opts io = { .slots = slots, .cache_bytes = jcli_common(cli)->memory / 2 };
	int64_t capacity = o->context > 0 ? o->context : m->m->cfg.context;
	int rc = cache_types(o->cache_type, &io, e);

	if (rc < 0)
		return rc;
	if (capacity > m->m->cfg.context)
		return jerr_set(e, JERR_ARG, "--context %lld: the model's is %lld",
			(long long)capacity, (long long)m->m->cfg.context);
	io.capacity = (int)capacity;
	if (m->draft_model)
		io.cache_bytes /= 2;
	rc = jinfer_make(&m->inf, m->m, m->pool, &io, e);
	if (rc == 0)
		rc = adapters_open(m, o, e);
	return rc == 0 && m->draft_model ? start_draft(m, &io, e) : rc;
}

void
model_close(struct model *m)
{
	adapters_close(m);
	jinfer_free(m->inf);
	jinfer_free(m->draft);
	jmodel_free(m->draft_model);
	jgvocab_free(m->vocab);
	m->vocab = NULL;
	if (m->state)
		jtok_state_free(m->state);
	if (m->tok)
		jtok_free(m->tok);
	jmodel_free(m->m);
	if (m->pool)
		jpar_free(m->pool);
	jmem_free(m->stop);
	constraint_close(m);
}

void
model_gen_opts(const struct model *m, const struct model_opts *o, struct jcli *cli,
	struct jgen_opts *g)
{
	memset(g, 0, sizeof(*g));
	g->sample.temperature = o->temperature;
	g->sample.top_k = (int)o->top_k;
	g->sample.top_p = o->top_p;
	g->sample.min_p = o->min_p;
	g->sample.repeat_penalty = o->repeat_penalty;
	g->sample.repeat_last = (int)o->repeat_last;
	g->sample.typical_p = o->typical_p;
	g->sample.top_n_sigma = o->top_n_sigma;
	g->sample.xtc_probability = o->xtc_probability;
	g->sample.xtc_threshold = o->xtc_threshold;
	g->sample.presence_penalty = o->presence_penalty;
	g->sample.frequency_penalty = o->frequency_penalty;
	g->sample.dry_multiplier = o->dry_multiplier;
	g->sample.dry_base = o->dry_base;
	g->sample.dry_allowed = (int)o->dry_allowed;
	g->sample.dry_last = (int)o->dry_last;
	g->sample.dry_breaks = m->dry_breaks;
	g->sample.bias = m->bias;
	g->sample.n_bias = m->n_bias;
	g->grammar = m->grammar;
	g->speculate = (int)o->speculate;
	g->draft = m->draft;
	g->vocab = m->vocab;
	g->seed = (uint64_t)jcli_common(cli)->seed;
	g->max_tokens = (int)o->max_tokens;
	g->stop = m->stop;
	g->ignore_eos = o->ignore_eos;
}

void
truncate_prompt(struct jids *ids, const struct model *m, size_t answer)
{
	size_t room = (size_t)jinfer_capacity(m->inf);
	size_t keep = answer < room / 2 ? room - answer : room - room / 2, first = 0;

	if (ids->n <= room)
		return;
	if (m->tok && jtok_bos(m->tok) >= 0 && ids->v[0] == (uint32_t)jtok_bos(m->tok))
		first = 1;
	memmove(ids->v + first, ids->v + ids->n - (keep - first), (keep - first) * sizeof(*ids->v));
	ids->n = keep;
}
