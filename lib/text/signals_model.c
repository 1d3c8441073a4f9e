/* signals_model.c - what models and lists say: language, quality, likelihood, personal data. */
#include <math.h>
#include <string.h>

#include <zlib.h>

#include "base/jmem.h"
#include "text/jabout.h"
#include "text/page_models.h"
#include "text/signals.h"

static double
sig_lang_score(struct jpage *pg)
{
	const struct jlang_guess *g = jpage_lang(pg);

	return g ? g->p : NAN;
}

static double
sig_lang_wanted(struct jpage *pg)
{
	const struct jlang_guess *g = jpage_lang(pg);
	const struct page_models *a = jpage_models(pg);
	double sum = 0;
	size_t i, k;

	if (!g || !a->m->wanted)
		return NAN;
	for (i = 0; i < a->guesses; i++)
		for (k = 0; a->m->wanted[k]; k++)
			if (strcmp(g[i].code, a->m->wanted[k]) == 0)
				sum += g[i].p;
	return sum > 1 ? 1 : sum;
}

/* Paragraphs too short to tell count as the page's language. */
static double
sig_lang_share(struct jpage *pg)
{
	enum { LEAST = 40 };
	const struct jlang_guess *g = jpage_lang(pg);
	struct page_models *a = jpage_models(pg);
	uint64_t all = 0, same = 0;
	size_t i;

	if (!g)
		return NAN;
	for (i = 0; i < pg->paras; i++) {
		const struct jpage_line *first = &pg->line[pg->para[i].line];
		const struct jpage_line *last = first + pg->para[i].lines - 1;
		size_t n = last->at + last->n - first->at;
		struct jlang_guess other[JLANG_GUESSES];

		all += n;
		if (n >= LEAST)
			jlang_detect(a->m->lang, a->lang, pg->p + first->at, n, other);
		same += n < LEAST || strcmp(other[0].code, g->code) == 0 ? n : 0;
	}
	return all ? (double)same / (double)all : NAN;
}

static double
sig_quality(struct jpage *pg)
{
	struct page_models *a = jpage_models(pg);

	if (!a->m || !a->m->classifier)
		return NAN;
	return jfasttext_probability(a->m->classifier, a->fasttext, pg->p, pg->n, a->m->label);
}

static double
sig_perplexity(struct jpage *pg)
{
	const struct page_models *a = jpage_models(pg);
	double p = a->m && a->m->lm ? jlm_perplexity(a->m->lm, pg->p, pg->n) : NAN;

	return p < 1e30 ? p : 1e30;
}

static double
sig_flagged_words(struct jpage *pg)
{
	struct page_models *a = jpage_models(pg);
	uint64_t sum = 0;
	size_t i, n;

	if (!a->m || !a->m->flagged || pg->words == 0)
		return NAN;
	n = jmatch_size(a->m->flagged);
	memset(a->hits, 0, n * sizeof(*a->hits));
	jpage_flat(pg);
	jmatch_count(a->m->flagged, pg->flat.p, pg->flat.n, a->hits);
	for (i = 0; i < n; i++)
		sum += a->hits[i];
	return 100.0 * (double)sum / (double)pg->words;
}

static double
sig_chars_per_token(struct jpage *pg)
{
	uint64_t tokens = jpage_tokens(pg);

	return tokens ? (double)pg->count.chars / (double)tokens : NAN;
}

/* StarCoder asks another least of each of these. */
#define BY_LANGUAGE(lang) \
	static double \
	sig_##lang##_chars_per_token(struct jpage *pg) \
	{ \
		return pg->about && pg->about->code_lang && strcmp(pg->about->code_lang, #lang) == 0 ? \
			sig_chars_per_token(pg) : NAN; \
	}
BY_LANGUAGE(python)
BY_LANGUAGE(java)
BY_LANGUAGE(javascript)
#undef BY_LANGUAGE

#define PII(name, kind) \
	static double \
	sig_pii_##name(struct jpage *pg) \
	{ \
		return (double)jpage_pii(pg)->count[kind]; \
	}
PII(email, JPII_EMAIL)
PII(phone, JPII_PHONE)
PII(ipv4, JPII_IPV4)
PII(ipv6, JPII_IPV6)
PII(card, JPII_CARD)
PII(iban, JPII_IBAN)
PII(key, JPII_KEY)
#undef PII

static double
sig_pii(struct jpage *pg)
{
	return (double)jpage_pii(pg)->n;
}

static double
sig_refusal(struct jpage *pg)
{
	return jpage_phrases(pg, JPAGE_REFUSAL);
}

/* Little text compresses badly whatever it says. */
static double
sig_deflate_ratio(struct jpage *pg)
{
	enum { LEAST = 200 };
	const Bytef *text = (const Bytef *)jpage_flat(pg);
	uLong n = (uLong)pg->flat.n, room = compressBound(n);
	Bytef *out;
	double ratio = NAN;

	if (n < LEAST)
		return NAN;
	out = jmem_alloc(room, 1);
	if (compress2(out, &room, text, n, 6) == Z_OK)
		ratio = (double)room / (double)n;
	jmem_free(out);
	return ratio;
}

/* The most often that 1 to 13 words in a row follow themselves. */
static double
sig_periods(struct jpage *pg)
{
	enum { MOST = 13 };
	size_t i, p, run, best = 1;

	for (p = 1; p <= MOST; p++)
		for (i = p, run = 0; i < pg->words; i++) {
			run = pg->word[i].id == pg->word[i - p].id ? run + 1 : 0;
			if (run / p + 1 > best)
				best = run / p + 1;
		}
	return pg->words ? (double)best : NAN;
}

const struct jsignal jsignals_model[] = {
	{ "lang_score", sig_lang_score, "probability of the most probable language" },
	{ "lang_wanted", sig_lang_wanted, "probability of the languages of --lang" },
	{ "lang_share", sig_lang_share, "share of the text in paragraphs of the page's language" },
	{ "quality", sig_quality, "probability of the class of --class by --classifier" },
	{ "perplexity", sig_perplexity, "perplexity of a word by --lm" },
	{ "chars_per_token", sig_chars_per_token, "characters of a token of --tokenizer" },
	{ "python_chars_per_token", sig_python_chars_per_token, "the same, of Python alone" },
	{ "java_chars_per_token", sig_java_chars_per_token, "the same, of Java alone" },
	{ "javascript_chars_per_token", sig_javascript_chars_per_token, "the same, of JavaScript alone" },
	{ "flagged_words", sig_flagged_words, "words of --words per 100 words" },
	{ "pii", sig_pii, "personal data and secrets, all kinds" },
	{ "pii_email", sig_pii_email, "e-mail addresses" },
	{ "pii_phone", sig_pii_phone, "telephone numbers" },
	{ "pii_ipv4", sig_pii_ipv4, "public IPv4 addresses" },
	{ "pii_ipv6", sig_pii_ipv6, "public IPv6 addresses" },
	{ "pii_card", sig_pii_card, "payment card numbers" },
	{ "pii_iban", sig_pii_iban, "bank account numbers (IBAN)" },
	{ "pii_key", sig_pii_key, "keys, tokens and passwords" },
	{ "refusal", sig_refusal, "phrases of models that refuse or speak of themselves" },
	{ "deflate_ratio", sig_deflate_ratio, "bytes of the flattened text compressed by zlib / bytes" },
	{ "periods", sig_periods, "most times that 1 to 13 words follow themselves" },
	{ .name = NULL }
};
