#include "text/jpage.h"

#include <string.h>

#include "base/jmem.h"
#include "text/junicode.h"
#include "text/jwords.h"
#include "text/page_internal.h"
#include "text/phrases.h"

enum { MAX_TEXT = 1 << 30, HEAD_LINES = 5, HEAD_BYTES = 4096 };

static const char *const *const phrase_lists[JPAGE_PHRASE_LISTS] = {
	[JPAGE_BOILERPLATE] = jphrase_boilerplate,
	[JPAGE_REDIRECT] = jphrase_redirect,
	[JPAGE_GENERATED] = jphrase_generated,
	[JPAGE_REFUSAL] = jphrase_refusal,
};

static void
add_function_words(struct jpage_tables *t, const char *list, int language)
{
	struct jtext_word w;
	size_t at = 0, n = strlen(list);

	while (jtext_next_word(list, n, &at, &w))
		t->languages[jintern_put(&t->function_key, jtext_word_hash(list, &w))] |=
			(unsigned char)(1 << language);
}

static void
make_phrases(struct jpage_tables *t)
{
	const char *all[JPAGE_MAX_PHRASES];
	struct jerr e = { 0 };
	size_t list, i, n = 0;

	for (list = 0; list < JPAGE_PHRASE_LISTS; list++) {
		for (i = 0; phrase_lists[list][i] && n < JPAGE_MAX_PHRASES; i++)
			all[n++] = phrase_lists[list][i];
		t->phrase_end[list] = n;
	}
	if (n == JPAGE_MAX_PHRASES || jmatch_new(&t->phrases, all, n, &e) < 0)
		jbug("phrase lists: %zu phrases: %s", n, e.msg);
}

struct jpage *
jpage_new(void)
{
	struct jpage *pg = jmem_zalloc(1, sizeof(*pg));
	struct jpage_tables *t = jmem_zalloc(1, sizeof(*t));
	size_t i, chars = 0;

	pg->t = t;
	jbuf_init(&pg->flat);
	jbuf_init(&pg->nfc);
	for (i = 0; jphrase_function_words[i]; i++)
		chars += strlen(jphrase_function_words[i]);
	jintern_reset(&t->function_key, chars);
	t->languages = jmem_zalloc(chars, 1);
	for (i = 0; jphrase_function_words[i]; i++)
		add_function_words(t, jphrase_function_words[i], (int)i);
	make_phrases(t);
	return pg;
}

void
jpage_free(struct jpage *pg)
{
	if (!pg)
		return;
	jmem_free(pg->t->bits.block);
	jintern_release(&pg->t->words);
	jintern_release(&pg->t->grams);
	jintern_release(&pg->t->function_key);
	jmatch_free(pg->t->phrases);
	jmem_free(pg->t->languages);
	jmem_free(pg->t->traits);
	jmem_free(pg->t->class);
	jmem_free(pg->t->place);
	jmem_free(pg->t->gram_id);
	jmem_free(pg->t->gram_chars);
	jmem_free(pg->t->unit_hash);
	jmem_free(pg->t->unit_chars);
	jpage_models_free(pg->t->models);
	jpage_compat_free(pg->t->compat);
	jmem_free(pg->t);
	jmem_free(pg->word);
	jmem_free(pg->line);
	jmem_free(pg->para);
	jbuf_release(&pg->flat);
	jbuf_release(&pg->nfc);
	jmem_free(pg);
}

int
jpage_read(struct jpage *pg, const char *text, size_t n, struct jerr *e)
{
	int rc;

	if (n > MAX_TEXT)
		return jerr_set(e, JERR_LIMIT, "text of %zu bytes: at most %d", n, MAX_TEXT);
	pg->p = text;
	pg->n = n;
	pg->done = 0;
	jbuf_reset(&pg->nfc);
	jbuf_reset(&pg->flat);
	jpage_scan(pg);
	if (pg->t->bits.marks) {
		rc = jtext_normalise(text, n, JTEXT_NFC, &pg->nfc, e);
		if (rc < 0)
			return rc;
		pg->p = pg->nfc.p;
		pg->n = pg->nfc.n;
		jpage_scan(pg);
	}
	jpage_split(pg);
	return 0;
}

const char *
jpage_flat(struct jpage *pg)
{
	if (!(pg->done & JPAGE_DID_FLAT))
		jtext_flatten_nfc(pg->p, pg->n, &pg->flat);	/* composed by jpage_read() */
	pg->done |= JPAGE_DID_FLAT;
	return pg->flat.p;
}

unsigned
jpage_word_traits(const struct jpage *pg, uint32_t id)
{
	return pg->t->traits[id];
}

const char *
jpage_language(int i)
{
	return jphrase_languages[i];
}

/* Adds up the hits of the phrases of each list; phrases holds the lists one behind the other. */
static void
count_hits(const struct jpage_tables *t, const char *flat, size_t n, uint32_t hits[])
{
	uint32_t count[JPAGE_MAX_PHRASES] = { 0 };
	size_t list, i = 0;

	jmatch_count(t->phrases, flat, n, count);
	for (list = 0; list < JPAGE_PHRASE_LISTS; list++)
		for (hits[list] = 0; i < t->phrase_end[list]; i++)
			hits[list] += count[i];
}

uint32_t
jpage_phrases(struct jpage *pg, enum jpage_phrases which)
{
	struct jpage_tables *t = pg->t;
	size_t lines = pg->lines < HEAD_LINES ? pg->lines : HEAD_LINES, end;
	uint32_t head[JPAGE_PHRASE_LISTS] = { 0 };
	struct jbuf flat;

	if (pg->done & JPAGE_DID_PHRASE)
		return t->phrase_hits[which];
	pg->done |= JPAGE_DID_PHRASE;
	jpage_flat(pg);
	count_hits(t, pg->flat.p, pg->flat.n, t->phrase_hits);
	/* What made a file says so in its first lines; further down it is content. */
	if (t->phrase_hits[JPAGE_GENERATED] > 0) {
		end = pg->line[lines - 1].at + pg->line[lines - 1].n;
		jbuf_init(&flat);
		if (jtext_flatten(pg->p, end < HEAD_BYTES ? end : HEAD_BYTES, &flat, NULL) == 0)
			count_hits(t, flat.p, flat.n, head);
		jbuf_release(&flat);
		t->phrase_hits[JPAGE_GENERATED] = head[JPAGE_GENERATED];
	}
	return t->phrase_hits[which];
}
