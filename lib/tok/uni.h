/*
 * uni.h - classes of code points as the field's pre-tokenizer patterns see them (Unicode 16), and a
 * forgiving UTF-8 step: an invalid byte is one symbol of no class, so nothing is ever lost.
 */
#ifndef TOK_UNI_H
#define TOK_UNI_H

#include <stddef.h>
#include <stdint.h>

enum uni_bit {
	UNI_L = 1,	/* \p{L} */
	UNI_N = 2,	/* \p{N} */
	UNI_S = 4,	/* \s */
	UNI_M = 8,	/* \p{M} */
	UNI_P = 16,	/* \p{P} */
	UNI_UP = 32,	/* \p{Lu} \p{Lt} */
	UNI_LOW = 64,	/* \p{Ll} */
	UNI_W = 128	/* \w of UTS 18 */
};

extern const uint16_t uni_index[8704];
extern const unsigned char uni_class[][128];

static inline unsigned
uni_of(uint32_t cp)
{
	return cp < 0x110000 ? uni_class[uni_index[cp >> 7]][cp & 127] : 0;
}

/* The tables in uniold.c are those of the Unicode that normalizers in the field know. */
struct uni_range {
	uint32_t first, last;
	unsigned bits;
};

/* Classes in the steps of Bert. */
enum uni_bert {
	UNI_BERT_CONTROL = 1,
	UNI_BERT_MARK = 2,	/* Mn */
	UNI_BERT_PUNCT = 4
};
#define UNI_BERT_RANGES 447
extern const struct uni_range uni_bert_range[UNI_BERT_RANGES];	/* rising */
unsigned uni_bert_of(uint32_t cp);

/* Characters with a normal form, an order among marks or a partner that are too new to be known: the
 * normal forms leave them alone. */
#define UNI_NEW_RANGES 86
extern const struct uni_range uni_new_range[UNI_NEW_RANGES];	/* rising */
unsigned uni_is_new(uint32_t cp);

/* Length of the multi-byte sequence at p and its code point; 1 and U+FFFD for an invalid byte. */
int uni_step_multi(const unsigned char *p, const unsigned char *end, uint32_t *cp);

/* One step over p < end: bytes taken; *cls its classes. */
static inline int
uni_step(const unsigned char *p, const unsigned char *end, unsigned *cls)
{
	uint32_t cp;
	int n;

	if (*p < 0x80) {
		*cls = uni_class[0][*p];
		return 1;
	}
	n = uni_step_multi(p, end, &cp);
	*cls = uni_of(cp);
	return n;
}

/* The step before p > start, for looking back. */
int uni_step_back(const unsigned char *start, const unsigned char *p, unsigned *cls);

#endif
