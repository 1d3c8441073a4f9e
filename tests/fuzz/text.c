/*
 * The text room on hostile bytes: words and lines lie within the text and move forward, every
 * signal is a number or does not apply, NFC text measures like its NFD form, and keywords taken
 * from the text itself are found.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/jabout.h"
#include "text/jmatch.h"
#include "text/jminhash.h"
#include "text/jsignal.h"
#include "text/junicode.h"
#include "text/jwords.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_spans(const char *s, size_t n)
{
	struct jtext_span l;
	struct jtext_word w;
	size_t at = 0, before = 0;

	while (jtext_next_word(s, n, &at, &w)) {
		if (w.n == 0 || w.at < before || w.at + w.n > n || at != w.at + w.n)
			abort();
		jtext_word_hash(s, &w);
		before = at;
	}
	for (at = 0; jtext_next_line(s, n, &at, &l);)
		if (l.at + l.n > at || at > n)
			abort();
	for (at = before = 0; jtext_next_sentence(s, n, &at, &l); before = at)
		if (l.n == 0 || l.at < before || l.at + l.n > at || at > n)
			abort();
}

static void
check_signals(const char *s, size_t n)
{
	static const char *const langs[] = { NULL, "python", "html", "json", "text", "c" };
	static struct jpage *pg;	/* as a worker has it: used again and again */
	struct jabout about = { .uri = s, .uri_n = n, .code_lang = langs[n % 6], .licence = s, .licence_n = n };
	const struct jsignal *sig;
	struct jerr e = { 0 };
	size_t i;

	if (!pg)
		pg = jpage_new();
	pg->about = &about;
	if (jpage_read(pg, s, n, &e) == 0)
		for (i = 0; (sig = jsignal_at(i)) != NULL; i++) {
			double v = sig->measure(pg);

			if (isinf(v) || v < 0)
				abort();
		}
}

/* The first line is a keyword; standing alone it must be found in itself. */
static void
check_match(const char *s, size_t n)
{
	size_t k = 0;
	struct jmatch *m;
	struct jbuf flat;
	uint32_t count = 0;
	char key[64];
	const char *keys[1] = { key };

	while (k < n && k < sizeof(key) - 1 && s[k] != '\n' && s[k] != 0)
		k++;
	memcpy(key, s, k);
	key[k] = 0;
	if (jmatch_new(&m, keys, 1, NULL) < 0)
		return;
	jbuf_init(&flat);
	if (jtext_flatten(key, k, &flat, NULL) == 0) {
		jmatch_count(m, flat.p, flat.n, &count);
		if (count == 0)
			abort();
	}
	jbuf_reset(&flat);
	if (jtext_flatten(s, n, &flat, NULL) == 0)
		jmatch_count(m, flat.p, flat.n, &count);
	jbuf_release(&flat);
	jmatch_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *s = (const char *)p;
	struct jshingles set = { .n = 0 };
	struct jminhash m;
	uint32_t sig[16];
	uint64_t band[4];

	check_spans(s, n);
	check_signals(s, n);
	check_match(s, n);
	if (jshingles_read(&set, s, n, 3, NULL) == 0 && set.n > 0 &&
	    jminhash_init(&m, 4, 4, 0, NULL) == 0) {
		jminhash_sign(&m, set.v, set.n, sig);
		jminhash_bands(&m, sig, band);
	}
	if (jshingles_jaccard(set.v, set.n, set.v, set.n) != 1)
		abort();
	jshingles_release(&set);
	return 0;
}
