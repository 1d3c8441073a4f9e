/*
 * Vocabularies of one token a line: .tiktoken ("base64 rank") and the vocab.txt of WordPiece.
 */
#include <string.h>

#include "io/jio.h"
#include "tok.h"

static int
add_rank(struct jtok *t, const char *line, size_t n, struct jbuf *b, struct jerr *e)
{
	const char *gap = memchr(line, ' ', n);
	char number[16];
	uint64_t rank;
	size_t digits = gap ? n - (size_t)(gap + 1 - line) : 0;

	jbuf_reset(b);
	if (!gap || digits == 0 || digits >= sizeof(number) || !tok_base64(line, (size_t)(gap - line), b))
		return jerr_set(e, JERR_FORMAT, "expected base64 and a rank");
	memcpy(number, gap + 1, digits);
	number[digits] = 0;
	if (jstr_to_u64(number, &rank) || rank >= TOK_MAX_IDS)
		return jerr_set(e, JERR_FORMAT, "rank \"%s\" is no usable number", number);
	return tok_vocab_set(&t->vocab, (uint32_t)rank, b->p, b->n, true, e);
}

/* fn for each line that is not empty. */
static int
each_line(struct jtok *t, const char *path,
	int (*fn)(struct jtok *t, const char *line, size_t n, struct jbuf *b, struct jerr *e), struct jerr *e)
{
	struct jin *in;
	struct jbuf b;
	char *line;
	size_t n;
	int rc = jin_open(&in, path, e);

	if (rc)
		return rc;
	jbuf_init(&b);
	while ((rc = jin_line(in, &line, &n, e)) == 1) {
		while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
			n--;
		rc = n ? fn(t, line, n, &b, e) : 0;
		if (rc) {
			jerr_wrap(e, "%s:%llu", path, (unsigned long long)jin_lineno(in));
			break;
		}
	}
	if (rc == 2)
		rc = jerr_set(e, JERR_LIMIT, "%s: a line is too long", path);
	jin_close(in);
	jbuf_release(&b);
	return rc;
}

/*
 * The file has no pattern; the one of Llama 3 and cl100k is assumed, but for the vocabularies of
 * GPT-2's size.
 */
int
tok_load_tiktoken(struct jtok *t, const char *path, struct jerr *e)
{
	uint32_t *rank, id;
	int rc = each_line(t, path, add_rank, e);

	if (rc)
		return rc;
	t->byte_level = true;
	t->ignore_merges = true;
	rank = jmem_alloc(t->vocab.n + 1, sizeof(*rank));
	for (id = 0; id < t->vocab.n; id++)
		rank[id] = id;
	tok_merges_from_ranks(t, rank);
	jmem_free(rank);
	tok_set_byte_level(t, t->vocab.n <= 50257 ? SCAN_GPT2 : SCAN_LLAMA3);
	return 0;
}

static int
add_word(struct jtok *t, const char *line, size_t n, struct jbuf *b, struct jerr *e)
{
	static const char *special[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
	uint32_t id = (uint32_t)t->vocab.n;
	size_t i;

	for (i = 0; i < 5; i++)
		if (strlen(special[i]) == n && memcmp(special[i], line, n) == 0)
			tok_add_token(t, id, line, n)->special = true;
	return tok_vocab_set(&t->vocab, id, line, n, true, e);
}

void
tok_set_wordpiece(struct jtok *t)
{
	uint32_t cls, sep;
	struct jbuf b;

	t->model = TOK_WORDPIECE;
	t->prefix = "##";
	t->max_word = 100;
	t->unk = tok_vocab_find(&t->vocab, "[UNK]", 5);
	t->cfg[CFG_NORM] = "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
		"\"strip_accents\":null,\"lowercase\":true}";
	t->cfg[CFG_PRE] = "{\"type\":\"BertPreTokenizer\"}";
	t->cfg[CFG_DEC] = "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}";
	cls = tok_vocab_find(&t->vocab, "[CLS]", 5);
	sep = tok_vocab_find(&t->vocab, "[SEP]", 5);
	if (cls == TOK_NONE || sep == TOK_NONE)
		return;
	jbuf_init(&b);
	jbuf_printf(&b, "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",%u],\"cls\":[\"[CLS]\",%u]}",
		(unsigned)sep, (unsigned)cls);
	t->cfg[CFG_POST] = jarena_strndup(&t->arena, b.p, b.n);
	jbuf_release(&b);
}

int
tok_load_wordpiece(struct jtok *t, const char *path, struct jerr *e)
{
	int rc = each_line(t, path, add_word, e);

	if (rc == 0)
		tok_set_wordpiece(t);
	return rc;
}
