/*
 * The protobuf of sentencepiece's ModelProto, as far as it matters:
 *	1 pieces { 1 piece, 2 score, 3 type }   2 trainer { 3 model_type, 35 byte_fallback, 40.. ids }
 *	3 normalizer { 2 charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces, 5 escape }
 */
#include <string.h>

#include "base/jle.h"
#include "io/jfs.h"
#include "spm.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct field {
	unsigned number, wire;
	uint64_t value;			/* varint or the bits of a fixed field */
	const unsigned char *p;		/* bytes */
	size_t n;
};

struct proto {
	const unsigned char *p, *end;
	bool bad;
};

static uint64_t
varint(struct proto *in)
{
	uint64_t v = 0;
	int shift;

	for (shift = 0; shift < 64; shift += 7) {
		if (in->p >= in->end)
			break;
		v |= (uint64_t)(*in->p & 127) << shift;
		if (!(*in->p++ & 128))
			return v;
	}
	in->bad = true;
	return 0;
}

/* The next field; false at the end or where the bytes are not protobuf. */
static bool
next_field(struct proto *in, struct field *f)
{
	uint64_t key;

	if (in->bad || in->p >= in->end)
		return false;
	memset(f, 0, sizeof(*f));
	key = varint(in);
	f->number = (unsigned)(key >> 3);
	f->wire = (unsigned)(key & 7);
	switch (f->wire) {
	case WIRE_VARINT:
		f->value = varint(in);
		break;
	case WIRE_64:
	case WIRE_32:
		f->n = f->wire == WIRE_64 ? 8 : 4;
		break;
	case WIRE_BYTES:
		key = varint(in);
		f->n = key > (uint64_t)(in->end - in->p) ? (in->bad = true, 0) : (size_t)key;
		break;
	default:
		in->bad = true;
	}
	if (in->bad || f->n > (size_t)(in->end - in->p)) {
		in->bad = true;
		return false;
	}
	f->p = in->p;
	if (f->wire == WIRE_32)
		f->value = jle_u32(f->p);
	in->p += f->n;
	return true;
}

struct model {
	struct jtok *t;
	uint32_t n;
	uint64_t type;			/* 1 unigram, 2 BPE, 3 word, 4 char */
	bool prefix, trim_spaces, byte_fallback, suffix_mode;
	struct field charsmap;
	int64_t unk, bos, eos, pad;
};

static int
read_piece(struct model *m, const struct field *outer, struct jerr *e)
{
	struct proto in = { outer->p, outer->p + outer->n, false };
	struct field f, text = { 0 };
	uint32_t bits = 0;
	float score;
	uint64_t type = TYPE_NORMAL;

	while (next_field(&in, &f)) {
		if (f.number == 1 && f.wire == WIRE_BYTES)
			text = f;
		else if (f.number == 2 && f.wire == WIRE_32)
			bits = (uint32_t)f.value;
		else if (f.number == 3 && f.wire == WIRE_VARINT)
			type = f.value;
	}
	if (in.bad || type < TYPE_NORMAL || type > TYPE_BYTE)
		return jerr_set(e, JERR_FORMAT, "%s: piece %u is damaged", m->t->name, (unsigned)m->n);
	memcpy(&score, &bits, sizeof(score));
	return tok_add_piece(m->t, m->n++,
		&(struct spm_piece){ (const char *)text.p, text.n, score, (enum tok_type)type }, e);
}

static bool
read_trainer(struct model *m, const struct field *outer)
{
	struct proto in = { outer->p, outer->p + outer->n, false };
	struct field f;

	while (next_field(&in, &f)) {
		if (f.wire != WIRE_VARINT)
			continue;
		switch (f.number) {
		case 3: m->type = f.value; break;
		case 24: m->suffix_mode = f.value != 0; break;
		case 35: m->byte_fallback = f.value != 0; break;
		case 40: m->unk = (int64_t)(int32_t)f.value; break;
		case 41: m->bos = (int64_t)(int32_t)f.value; break;
		case 42: m->eos = (int64_t)(int32_t)f.value; break;
		case 43: m->pad = (int64_t)(int32_t)f.value; break;
		}
	}
	return !in.bad;
}

static bool
read_normalizer(struct model *m, const struct field *outer)
{
	struct proto in = { outer->p, outer->p + outer->n, false };
	struct field f;

	while (next_field(&in, &f)) {
		if (f.number == 2 && f.wire == WIRE_BYTES)
			m->charsmap = f;
		else if (f.number == 3 && f.wire == WIRE_VARINT)
			m->prefix = f.value != 0;
		else if (f.number == 4 && f.wire == WIRE_VARINT)
			m->trim_spaces = f.value != 0;
	}
	return !in.bad;
}

static int
read_model(struct model *m, const unsigned char *p, size_t n, struct jerr *e)
{
	struct proto in = { p, p + n, false };
	struct field f;
	int rc = 0;

	while (!rc && next_field(&in, &f)) {
		bool good = true;

		if (f.wire != WIRE_BYTES)
			continue;
		if (f.number == 1)
			rc = read_piece(m, &f, e);
		else if (f.number == 2)
			good = read_trainer(m, &f);
		else if (f.number == 3)
			good = read_normalizer(m, &f);
		if (!rc && !good)
			rc = jerr_set(e, JERR_FORMAT, "%s: field %u of the model is damaged", m->t->name, f.number);
	}
	if (!rc && (in.bad || m->n < 2))
		rc = jerr_set(e, JERR_FORMAT, "%s: not a sentencepiece model (%u pieces)", m->t->name,
			(unsigned)m->n);
	return rc;
}

static void
put_base64(struct jbuf *b, const unsigned char *p, size_t n)
{
	static const char *a = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
			(i + 2 < n ? p[i + 2] : 0);

		jbuf_addc(b, a[v >> 18]);
		jbuf_addc(b, a[v >> 12 & 63]);
		jbuf_addc(b, i + 1 < n ? a[v >> 6 & 63] : '=');
		jbuf_addc(b, i + 2 < n ? a[v & 63] : '=');
	}
}

/* The normalizer of the model, as Hugging Face's converter writes it. */
static void
set_normalizer(struct model *m)
{
	struct jbuf b;

	tok_set_sentencepiece(m->t, m->prefix, m->byte_fallback);
	if (!m->charsmap.n && !m->trim_spaces)
		return;
	jbuf_init(&b);
	jbuf_adds(&b, "{\"type\":\"Sequence\",\"normalizers\":[");
	if (m->charsmap.n) {
		jbuf_adds(&b, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
		put_base64(&b, m->charsmap.p, m->charsmap.n);
		jbuf_adds(&b, "\"},");
	}
	if (m->trim_spaces)
		jbuf_adds(&b, "{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true},"
			"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" \"},");
	if (m->prefix)
		jbuf_adds(&b, "{\"type\":\"Prepend\",\"prepend\":\"\xE2\x96\x81\"},");
	jbuf_adds(&b, "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xE2\x96\x81\"}]}");
	m->t->cfg[CFG_NORM] = jarena_strndup(&m->t->arena, b.p, b.n);
	jbuf_release(&b);
}

int
tok_load_spm(struct jtok *t, const char *path, struct jerr *e)
{
	struct model m = { .t = t, .type = 1, .prefix = true, .trim_spaces = true, .unk = 0, .bos = 1,
		.eos = 2, .pad = -1 };
	struct jmapped map;
	int rc = jfs_map(&map, path, e);

	if (rc)
		return rc;
	rc = read_model(&m, map.p, map.n, e);
	if (!rc && m.type != 1 && m.type != 2)
		rc = jerr_set(e, JERR_UNSUPPORTED, "%s: sentencepiece model type %llu (only BPE and Unigram)",
			path, (unsigned long long)m.type);
	if (!rc && m.suffix_mode)
		rc = jerr_set(e, JERR_UNSUPPORTED, "%s: white space as suffix is not offered", path);
	if (!rc) {
		set_normalizer(&m);
		if (m.type == 2)
			tok_scores_to_merges(t);
		else
			t->model = TOK_UNIGRAM;
		t->bos = m.bos < (int64_t)m.n ? m.bos : -1;
		t->eos = m.eos < (int64_t)m.n ? m.eos : -1;
		t->pad = m.pad < (int64_t)m.n ? m.pad : -1;
	}
	jfs_unmap(&map);
	if (!rc && t->bos >= 0) {
		struct jbuf b;

		jbuf_init(&b);
		tok_bos_processor(&b, t->vocab.text.p + t->vocab.v[t->bos].at, t->vocab.v[t->bos].n, t->bos);
		t->cfg[CFG_POST] = jarena_strndup(&t->arena, b.p, b.n);
		jbuf_release(&b);
	}
	return rc;
}
