/* signals_compat.c - the measures of jcompat.h as signals: PROGRAM.NAME. */
#include "text/jcompat.h"
#include "text/jcompatscore.h"
#include "text/page_models.h"
#include "text/signals.h"

#define SIGNAL(name, member) \
	static double \
	datatrove_##name(struct jpage *pg) \
	{ \
		return jcompat_measure(pg, JCOMPAT_DATATROVE)->member; \
	} \
	static double \
	dolma_##name(struct jpage *pg) \
	{ \
		return jcompat_measure(pg, JCOMPAT_DOLMA)->member; \
	} \
	static double \
	rpv2_##name(struct jpage *pg) \
	{ \
		return jcompat_measure(pg, JCOMPAT_RPV2)->member; \
	} \
	static double \
	curator_##name(struct jpage *pg) \
	{ \
		return jcompat_measure(pg, JCOMPAT_CURATOR)->member; \
	}
SIGNAL(words, words)
SIGNAL(word_chars, word_chars)
SIGNAL(hashes, hashes)
SIGNAL(ellipses, ellipses)
SIGNAL(bullet_lines, bullets)
SIGNAL(ellipsis_lines, ellipsis_lines)
SIGNAL(alpha_words, alpha)
SIGNAL(stop_words, stop)
SIGNAL(dup_lines, dup_lines)
SIGNAL(dup_line_chars, dup_line_chars)
SIGNAL(dup_paragraphs, dup_paras)
SIGNAL(dup_paragraph_chars, dup_para_chars)
SIGNAL(top_2gram, top[2])
SIGNAL(top_3gram, top[3])
SIGNAL(top_4gram, top[4])
SIGNAL(dup_5gram, dup[5])
SIGNAL(dup_6gram, dup[6])
SIGNAL(dup_7gram, dup[7])
SIGNAL(dup_8gram, dup[8])
SIGNAL(dup_9gram, dup[9])
SIGNAL(dup_10gram, dup[10])
#undef SIGNAL

#define ROWS(program) \
	{ #program ".words", program##_words, "words, as " #program " counts" }, \
	{ #program ".word_chars", program##_word_chars, "characters of a word (dolma: median), as " #program " counts" }, \
	{ #program ".hashes", program##_hashes, "# per word (but for datatrove: and ellipses), as " #program " counts" }, \
	{ #program ".ellipses", program##_ellipses, "ellipses per word, as " #program " counts" }, \
	{ #program ".bullet_lines", program##_bullet_lines, "share of lines with a bullet, as " #program " counts" }, \
	{ #program ".ellipsis_lines", program##_ellipsis_lines, "share of lines that end with an ellipsis, as " #program " counts" }, \
	{ #program ".alpha_words", program##_alpha_words, "share of words with a letter, as " #program " counts" }, \
	{ #program ".stop_words", program##_stop_words, "stop words, as " #program " counts" }, \
	{ #program ".dup_lines", program##_dup_lines, "repeated lines, as " #program " counts" }, \
	{ #program ".dup_line_chars", program##_dup_line_chars, "their share of the characters, as " #program " counts" }, \
	{ #program ".dup_paragraphs", program##_dup_paragraphs, "repeated paragraphs, as " #program " counts" }, \
	{ #program ".dup_paragraph_chars", program##_dup_paragraph_chars, "their share of the characters, as " #program " counts" }, \
	{ #program ".top_2gram", program##_top_2gram, "most frequent 2-gram, as " #program " counts" }, \
	{ #program ".top_3gram", program##_top_3gram, "most frequent 3-gram, as " #program " counts" }, \
	{ #program ".top_4gram", program##_top_4gram, "most frequent 4-gram, as " #program " counts" }, \
	{ #program ".dup_5gram", program##_dup_5gram, "repeated 5-grams, as " #program " counts" }, \
	{ #program ".dup_6gram", program##_dup_6gram, "repeated 6-grams, as " #program " counts" }, \
	{ #program ".dup_7gram", program##_dup_7gram, "repeated 7-grams, as " #program " counts" }, \
	{ #program ".dup_8gram", program##_dup_8gram, "repeated 8-grams, as " #program " counts" }, \
	{ #program ".dup_9gram", program##_dup_9gram, "repeated 9-grams, as " #program " counts" }, \
	{ #program ".dup_10gram", program##_dup_10gram, "repeated 10-grams, as " #program " counts" }

#define JUPITER(part) \
	static double \
	jupiter_##part(struct jpage *pg) \
	{ \
		const struct page_models *a = jpage_models(pg); \
		\
		return jcompat_score(pg, a->m ? a->m->keywords : NULL).part; \
	}
JUPITER(length)
JUPITER(structure)
JUPITER(language)
JUPITER(domain)
JUPITER(coherence)
JUPITER(all)
#undef JUPITER

const struct jsignal jsignals_compat[] = {
	ROWS(datatrove),
	ROWS(dolma),
	ROWS(rpv2),
	ROWS(curator),
	{ "jupiter.length", jupiter_length, "length from 0 to 1, as the first Jupiter has it" },
	{ "jupiter.structure", jupiter_structure, "structure from 0 to 1" },
	{ "jupiter.language", jupiter_language, "language from 0 to 1" },
	{ "jupiter.domain", jupiter_domain, "share of the keywords that occur, from 0 to 1" },
	{ "jupiter.coherence", jupiter_coherence, "coherence from 0 to 1" },
	{ "jupiter.score", jupiter_all, "the weighted sum of these five" },
	{ .name = NULL }
};
