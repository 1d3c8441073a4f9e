/*
 * What a loaded tokenizer tells about itself.
 */
#include "tok.h"

#include <string.h>

#include "pre.h"

uint32_t
jtok_vocab_size(const struct jtok *t)
{
	return t->n_ids;
}

int64_t
jtok_bos(const struct jtok *t)
{
	return t->bos;
}

int64_t
jtok_eos(const struct jtok *t)
{
	return t->eos;
}

int64_t
jtok_pad(const struct jtok *t)
{
	return t->pad;
}

const uint32_t *
jtok_stops(const struct jtok *t, size_t *n)
{
	*n = t->stops.n;
	return t->stops.v;
}

bool
jtok_adds_bos(const struct jtok *t)
{
	return t->bos >= 0 && t->before.n > 0 && t->before.v[0] == (uint32_t)t->bos;
}

int64_t
jtok_id(const struct jtok *t, const char *token)
{
	size_t n = strlen(token), i;
	uint32_t id;

	for (i = 0; i < t->n_added; i++)
		if (t->added[i].n == n && memcmp(t->added[i].text, token, n) == 0)
			return t->added[i].id;
	if (t->byte_level) {
		struct jbuf b;

		jbuf_init(&b);
		id = tok_text_to_bytes(token, n, &b) ? tok_vocab_find(&t->vocab, b.p, b.n) : TOK_NONE;
		jbuf_release(&b);
	} else {
		id = tok_vocab_find(&t->vocab, token, n);
	}
	return id == TOK_NONE || id >= t->pseudo ? -1 : (int64_t)id;
}

const char *
jtok_bytes(const struct jtok *t, uint32_t id, size_t *n)
{
	return tok_vocab_text(&t->shown, id, n);
}

bool
jtok_is_special(const struct jtok *t, uint32_t id)
{
	return t->special && id < t->n_ids && t->special[id];
}

const char *
jtok_chat_template(const struct jtok *t)
{
	return t->chat_template;
}

const char *
jtok_pre_name(const struct jtok *t)
{
	if (!t->byte_level || t->n_pre != 1 || t->pre[0].kind != PRE_SCAN)
		return NULL;
	/* "llama-bpe" takes words of the vocabulary whole; "smaug-bpe" is the same pattern without. */
	if (t->pre[0].scan == SCAN_LLAMA3 && !t->ignore_merges)
		return "smaug-bpe";
	if (t->pre[0].scan != SCAN_LLAMA3 && t->ignore_merges)
		return NULL;
	return scan_gguf_name(t->pre[0].scan);
}

void
jtok_fingerprint(const struct jtok *t, unsigned char out[32])
{
	memcpy(out, t->print, 32);
}
