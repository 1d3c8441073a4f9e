/*
 * Sentencepiece models: the protobuf of a .model file and the tokenizer.bin that llama2.c exports
 * from one.  Both give pieces with scores; common to both is what follows from them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "io/jfs.h"
#include "norm.h"
#include "spm.h"
#include "tok.h"

struct scored {
	float score;
	uint32_t id;
};

static int
by_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Dense ranks of the scores: equal scores are equal, so that the leftmost pair goes first. */
void
tok_scores_to_merges(struct jtok *t)
{
	size_t n = t->vocab.n, i, k = 0;
	struct scored *v = jmem_alloc(n + 1, sizeof(*v));
	uint32_t *rank = jmem_alloc(n + 1, sizeof(*rank));
	uint32_t r = 0;

	for (i = 0; i < n; i++) {
		rank[i] = TOK_NONE;
		if (i < t->scores_n && (!t->types || t->types[i] == TYPE_NORMAL))
			v[k++] = (struct scored){ t->scores[i], (uint32_t)i };
	}
	qsort(v, k, sizeof(*v), by_score);
	for (i = 0; i < k; i++) {
		if (i && v[i].score < v[i - 1].score)
			r++;
		rank[v[i].id] = r;
	}
	tok_merges_from_ranks(t, rank);
	jmem_free(v);
	jmem_free(rank);
}

int
tok_add_piece(struct jtok *t, uint32_t id, const struct spm_piece *x, struct jerr *e)
{
	enum tok_type type = x->type;
	bool find = type == TYPE_NORMAL || type == TYPE_BYTE;
	int rc;

	if (id >= TOK_MAX_IDS)
		return jerr_set(e, JERR_LIMIT, "%s: more than %u tokens", t->name, TOK_MAX_IDS);
	rc = tok_vocab_set(&t->vocab, id, x->p, x->n, find, e);
	if (rc)
		return rc;
	JMEM_GROW(t->scores, t->scores_cap, (size_t)id + 1);
	JMEM_GROW(t->types, t->types_cap, (size_t)id + 1);
	t->scores_n = (size_t)id + 1;
	t->scores[id] = x->score;
	t->types[id] = (unsigned char)type;
	if (type == TYPE_CONTROL || type == TYPE_UNKNOWN || type == TYPE_USER) {
		struct tok_added *a = tok_add_token(t, id, x->p, x->n);

		a->special = type != TYPE_USER;
		a->normalized = false;
	}
	if (type == TYPE_UNKNOWN)
		t->unk = id;
	return 0;
}

/* --- llama2.c ------------------------------------------------------------------------------------ */

static bool
is_byte_token(const unsigned char *p, size_t n)
{
	return n == 6 && memcmp(p, "<0x", 3) == 0 && p[5] == '>';
}

/* llama2.c writes its pieces with spaces where sentencepiece has U+2581. */
static void
with_marks(const unsigned char *p, size_t n, struct jbuf *out)
{
	size_t i;

	jbuf_reset(out);
	for (i = 0; i < n; i++) {
		if (p[i] == ' ')
			jbuf_adds(out, "\xE2\x96\x81");
		else
			jbuf_addc(out, p[i]);
	}
}

static int
llama2c_pieces(struct jtok *t, const struct jmapped *m, struct jerr *e)
{
	size_t at = 4;
	uint32_t id;
	struct jbuf text;
	int rc = 0;

	jbuf_init(&text);
	for (id = 0; !rc && at < m->n; id++) {
		uint32_t n = m->n - at >= 8 ? jle_u32(m->p + at + 4) : UINT32_MAX;
		enum tok_type type = id == 0 ? TYPE_UNKNOWN : id < 3 ? TYPE_CONTROL : TYPE_NORMAL;

		if (n > TOK_MAX_TOKEN || n > m->n - at - 8) {
			rc = jerr_set(e, JERR_FORMAT, "%s: token %u at offset %zu claims %u bytes", t->name,
				(unsigned)id, at, (unsigned)n);
			break;
		}
		if (type == TYPE_NORMAL && is_byte_token(m->p + at + 8, n))
			type = TYPE_BYTE;
		with_marks(m->p + at + 8, n, &text);
		if (type == TYPE_CONTROL)	/* the exporter pads "<s>" with line ends */
			jbuf_trim(&text);
		while (type == TYPE_CONTROL && text.n && text.p[0] == '\n')
			memmove(text.p, text.p + 1, text.n--);
		rc = tok_add_piece(t, id, &(struct spm_piece){ text.p, text.n, jle_f32(m->p + at), type }, e);
		at += 8 + (size_t)n;
	}
	jbuf_release(&text);
	if (!rc && id < 4)
		rc = jerr_set(e, JERR_FORMAT, "%s: only %u tokens", t->name, (unsigned)id);
	return rc;
}

int
tok_load_llama2c(struct jtok *t, const char *path, struct jerr *e)
{
	struct jmapped m;
	struct jbuf post;
	int rc = jfs_map(&m, path, e);

	if (rc)
		return rc;
	rc = llama2c_pieces(t, &m, e);
	jfs_unmap(&m);
	if (rc)
		return rc;
	tok_set_sentencepiece(t, true, true);
	tok_scores_to_merges(t);
	t->bos = 1;
	t->eos = 2;
	jbuf_init(&post);
	tok_bos_processor(&post, t->vocab.text.p + t->vocab.v[1].at, t->vocab.v[1].n, 1);
	t->cfg[CFG_POST] = jarena_strndup(&t->arena, post.p, post.n);
	jbuf_release(&post);
	return 0;
}
