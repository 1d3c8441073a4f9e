/*
 * pretrain.c - the next token of running text: every token is a target.  Shards are taken as they
 * are; document records {text} are encoded on the way as jtokenize encode does: no BOS, the
 * end-of-text token after each.
 */
#include "train/encode.h"

static int
encode_document(struct encoder *en, const struct jrec *r, struct encoded *out, struct jerr *e)
{
	const char *text;
	size_t n;
	int64_t eos = jtok_eos(en->tok);

	if (!jrec_str(r, "text", &text, &n))
		return jerr_set(e, JERR_FORMAT, "no member \"text\" with a string");
	if (jtok_encode(en->state, text, n, 0, &out->ids, e) < 0)
		return e->code;
	if (out->ids.n == 0)
		return jerr_set(e, JERR_FORMAT, "text is empty");
	if (eos >= 0 && out->ids.v[out->ids.n - 1] != (uint32_t)eos) {
		JMEM_GROW(out->ids.v, out->ids.cap, out->ids.n + 1);
		out->ids.v[out->ids.n++] = (uint32_t)eos;
	}
	out->text_bytes = n;
	return 0;
}

static int
open_pretrain(struct jtrain_data *d, const struct jtrain_source *src, struct jerr *e)
{
	struct encoder en = { .encode = encode_document };
	int kind = train_data_kind(src, e);

	if (kind < 0)
		return kind;
	d->mode = JPACK_STREAM;
	return kind == 1 ? train_open_shards(d, src, e) : train_open_records(d, src, &en, e);
}

const struct jobjective jobjective_pretrain = { .name = "pretrain", .open = open_pretrain };
