#include "models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jjson.h"
#include "io/jio.h"

static const char **
split_list(const char *s, struct jarena *a)
{
	const char **v = jarena_alloc(a, strlen(s) + 2, sizeof(*v));
	size_t n = 0, k;

	for (; *s; s += k + (s[k] == ','))
		if ((k = strcspn(s, ",")) > 0)
			v[n++] = jarena_strndup(a, s, k);
	return v;
}

/* Calls fn for each line of the files; what it refuses is told with its place. */
static int
each_line(struct models *m, const struct jopt_list *files, int (*fn)(struct models *m, const char *line,
	size_t n, struct jerr *e), struct jerr *e)
{
	struct jin *in;
	char *line;
	size_t i, n;
	int rc = 0;

	for (i = 0; i < files->n && rc == 0; i++) {
		rc = jin_open(&in, files->v[i], e);
		if (rc < 0)
			break;
		while ((rc = jin_line(in, &line, &n, e)) > 0) {
			rc = rc == 2 ? jerr_set(e, JERR_LIMIT, "line is too long") : fn(m, line, n, e);
			if (rc < 0) {
				jerr_wrap(e, "%s:%llu", files->v[i], (unsigned long long)jin_lineno(in));
				break;
			}
		}
		jin_close(in);
	}
	return rc;
}

/* One word or phrase a line; # starts a comment. */
static int
add_word(struct models *m, const char *line, size_t n, struct jerr *e)
{
	struct jtext_span s = jtext_trim(line, (struct jtext_span){ 0, strcspn(line, "#") });

	if (s.n == 0)
		return 0;
	JMEM_GROW(m->word, m->word_cap, m->word_n + 1);
	m->word[m->word_n++] = jmem_strndup(line + s.at, s.n);
	return 0;
}

static int
read_words(struct models *m, const struct jopt_list *files, struct jerr *e)
{
	int rc = each_line(m, files, add_word, e);

	if (rc == 0 && m->word_n == 0)
		rc = jerr_set(e, JERR_ARG, "--words %s: no word in it", files->v[0]);
	if (rc == 0)
		rc = jmatch_new(&m->flagged, (const char *const *)m->word, m->word_n, e);
	while (m->word_n > 0)
		jmem_free(m->word[--m->word_n]);
	jmem_free(m->word);
	return rc;
}

static int
add_url(struct models *m, const char *line, size_t n, struct jerr *e)
{
	return jurls_add(m->urls, line, n, e);
}

static int
read_urls(struct models *m, const struct jopt_list *files, struct jerr *e)
{
	int rc;

	m->urls = jurls_new();
	rc = each_line(m, files, add_url, e);
	if (rc == 0)
		rc = jurls_finish(m->urls, e);
	if (rc == 0 && jurls_count(m->urls) == 0)
		rc = jerr_set(e, JERR_ARG, "--urls %s: no pattern in it", files->v[0]);
	return rc;
}

static int
choose_class(struct models *m, const char *class, struct jerr *e)
{
	static const char *const usual[] = { "hq", "high", "good", "keep", "positive", "1", NULL };
	struct jbuf known;
	size_t i;

	m->of.label = class ? jfasttext_find_label(m->classifier, class) : -1;
	for (i = 0; !class && usual[i] && m->of.label < 0; i++)
		m->of.label = jfasttext_find_label(m->classifier, usual[i]);
	if (m->of.label >= 0)
		return 0;
	jbuf_init(&known);
	for (i = 0; i < jfasttext_labels(m->classifier) && i < 20; i++)
		jbuf_printf(&known, " %s", jfasttext_label(m->classifier, i));
	jerr_set(e, JERR_ARG, "--class %s: the classifier knows%s", class ? class : "is needed", known.p);
	jbuf_release(&known);
	return JERR_ARG;
}

static int
open_pii(struct models *m, const struct model_opts *o, struct jerr *e)
{
	static const char *const modes[] = { "", "mask", "hash", "drop", "count" };
	size_t i;

	for (i = 1; o->pii && i < 5; i++)
		if (strcmp(o->pii, modes[i]) == 0)
			m->pii = (enum pii_mode)i;
	if ((m->pii == PII_HASH) != (o->pii_key != NULL))
		return jerr_set(e, JERR_ARG, "--pii hash and --pii-key go together");
	if (!o->pii_key)
		return 0;
	m->key.max = 4096;
	if (jin_slurp(o->pii_key, &m->key, e) < 0)
		return JERR_IO;
	jbuf_trim(&m->key);
	return m->key.n >= 16 ? 0 : jerr_set(e, JERR_ARG, "--pii-key %s: expected 16 bytes or more",
		o->pii_key);
}

/* A number, which % may follow: then of 100. */
static double
read_limit(const char *s, char **end, bool *share)
{
	double v = strtod(s, end);

	*share = **end == '%';
	*end += *share;
	return *share ? v / 100 : v;
}

static int
open_buckets(struct models *m, const struct model_opts *o, struct jerr *e)
{
	bool share = false;
	char *end;

	if (!o->buckets)
		return 0;
	m->head = read_limit(o->buckets, &end, &m->shares);
	m->middle = *end == ',' ? read_limit(end + 1, &end, &share) : NAN;
	if (*end || !(m->head > 0) || !(m->middle > m->head) || share != m->shares ||
	    (share && m->middle > 1))
		return jerr_set(e, JERR_ARG, "--buckets %s: expected two perplexities like 200,600 or two "
			"percentiles like 30%%,60%%", o->buckets);
	if (!o->lm)
		return jerr_set(e, JERR_ARG, "--buckets needs --lm");
	m->buckets = true;
	return 0;
}

/* One thread's state and its ids. */
struct token_bench {
	struct jtok_state *state;
	struct jids ids;
};

static void *
open_tokens(const void *tokenizer)
{
	struct token_bench *t = jmem_zalloc(1, sizeof(*t));

	t->state = jtok_state_new(tokenizer);
	return t;
}

static uint64_t
count_tokens(void *state, const char *p, size_t n)
{
	struct token_bench *t = state;
	struct jerr ignored = { 0 };

	t->ids.n = 0;
	return jtok_encode(t->state, p, n, 0, &t->ids, &ignored) < 0 ? 0 : t->ids.n;
}

static void
close_tokens(void *state)
{
	struct token_bench *t = state;

	jtok_state_free(t->state);
	jids_release(&t->ids);
	jmem_free(t);
}

static int
open_tokenizer(struct models *m, const char *path, struct jerr *e)
{
	int rc = jtok_load(&m->tokenizer, path, e);

	if (rc < 0)
		return rc;
	m->tokens = (struct jtokens){ open_tokens, count_tokens, close_tokens, m->tokenizer };
	m->of.tokens = &m->tokens;
	return 0;
}

int
models_open(struct models *m, const struct model_opts *o, struct jarena *a, struct jerr *e)
{
	int rc;

	memset(m, 0, sizeof(*m));
	jbuf_init(&m->key);
	rc = jlang_open(&m->lang, o->lang_model, e);
	if (rc == 0 && o->lang)
		m->wanted = split_list(o->lang, a);
	if (rc == 0 && o->classifier)
		rc = jfasttext_open(&m->classifier, o->classifier, e);
	if (rc == 0 && o->classifier)
		rc = choose_class(m, o->class, e);
	if (rc == 0 && o->lm)
		rc = jlm_open(&m->lm, o->lm, e);
	if (rc == 0 && o->words.n > 0)
		rc = read_words(m, &o->words, e);
	if (rc == 0 && o->urls.n > 0)
		rc = read_urls(m, &o->urls, e);
	if (rc == 0 && o->tokenizer)
		rc = open_tokenizer(m, o->tokenizer, e);
	if (rc == 0)
		rc = open_buckets(m, o, e);
	if (rc == 0)
		rc = open_pii(m, o, e);
	m->of.lang = m->lang;
	m->of.wanted = m->wanted;
	m->of.classifier = m->classifier;
	m->of.lm = m->lm;
	m->of.flagged = m->flagged;
	m->of.urls = m->urls;
	m->of.licences = o->licence;
	return rc;
}

void
models_close(struct models *m)
{
	jlang_close(m->lang);
	jfasttext_free(m->classifier);
	jlm_free(m->lm);
	jmatch_free(m->flagged);
	jurls_free(m->urls);
	jtok_free(m->tokenizer);
	jmem_free(m->cut);
	if (m->key.p)
		jbuf_release(&m->key);
}

const char *
models_bucket(const struct models *m, const char *lang, double perplexity)
{
	double head = m->head, middle = m->middle;
	size_t i;

	if (!m->buckets || isnan(perplexity))
		return NULL;
	if (m->shares) {
		for (i = 0; i < m->cuts && strncmp(m->cut[i].lang, lang, sizeof(m->cut[i].lang) - 1) != 0; i++)
			;
		if (i == m->cuts)
			return NULL;
		head = m->cut[i].head;
		middle = m->cut[i].middle;
	}
	return perplexity <= head ? "head" : perplexity <= middle ? "middle" : "tail";
}

/* Appends s with its personal data replaced; false if there is none, and then nothing is. */
static bool
replace(const struct models *m, struct jpii_list *list, const char *s, size_t n, struct jbuf *out)
{
	size_t i, at = 0;

	jpii_find(list, s, n);
	for (i = 0; i < list->n; i++) {
		const struct jpii_span *x = &list->v[i];

		jbuf_add(out, s + at, x->at - at);
		if (m->pii == PII_HASH)
			jpii_pseudonym(x->kind, s + x->at, x->n, m->key.p, m->key.n, out);
		else
			jpii_mask(x->kind, out);
		at = x->at + x->n;
	}
	if (list->n > 0)
		jbuf_add(out, s + at, n - at);
	return list->n > 0;
}

/* Bytes of the JSON string at p, quotes included. */
static size_t
string_length(const char *p, size_t n)
{
	size_t i = 1;

	while (i < n && p[i] != '"')
		i += p[i] == '\\' ? 2 : 1;
	return i < n ? i + 1 : n;
}

/* Copies a raw JSON value with every string that is no key replaced; true if any was. */
static bool
replace_value(const struct models *m, const struct jrec *r, const struct jrec_member *x,
	struct jbuf *out)
{
	struct jpii_list list = { .n = 0 };
	struct jbuf plain;
	bool any = false;
	size_t i = 0, k, n;

	jbuf_init(&plain);
	while (i < x->val_n) {
		const char *s, *p = x->val + i;

		if (*p != '"') {
			jbuf_addc(out, *p);
			i++;
			continue;
		}
		k = string_length(p, x->val_n - i);
		i += k;
		jbuf_reset(&plain);
		if (i < x->val_n && x->val[i] == ':')
			s = NULL;
		else
			s = jrec_unescape(p, k, r->arena, &n);
		if (s && replace(m, &list, s, n, &plain)) {
			jjson_str(out, plain.p, plain.n);
			any = true;
		} else {
			jbuf_add(out, p, k);
		}
	}
	jpii_list_release(&list);
	jbuf_release(&plain);
	return any;
}

size_t
models_pii_edits(const struct models *m, const struct jrec *r, struct jrec_edit **edits)
{
	static const char *const texts[] = { "text", "title", "prompt", "answer", "chosen", "rejected",
		"messages" };
	struct jrec_edit *ed = jarena_alloc(r->arena, 8, sizeof(*ed));
	struct jbuf out;
	size_t i, n = 0;

	jbuf_init(&out);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct jrec_member *x = jrec_find(r, texts[i]);

		jbuf_reset(&out);
		if (!x || !replace_value(m, r, x, &out))
			continue;
		ed[n++] = (struct jrec_edit){ texts[i], jarena_strndup(r->arena, out.p, out.n), out.n };
	}
	jbuf_release(&out);
	*edits = ed;
	return n;
}
