#include "identity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "conf/jval.h"
#include "model/jweights.h"
#include "tok/jtemplate.h"

/* Words, numbers, code, white space, other scripts, emoji, what looks like a special token. */
static const char *const texts[] = {
	"The quick brown fox jumps over the lazy dog.",
	"It's 1,234.56 -- isn't it? We'll see: 31337 2026-03-01 0x7f",
	"def f(x):\n\treturn x ** 2  # square\n\n\n    if x != y: pass\r\n",
	"na\xc3\xafve caf\xc3\xa9 \xe2\x80\x94 \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, "
		"\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85",
	"\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb   three  spaces   ",
	"<s></s><|im_start|>user<|endoftext|>[INST] <unk>",
	" leading space",
	"",
};

static const struct {
	const char *messages;
	bool prompt;
} conversations[] = {
	{ "[{\"role\":\"user\",\"content\":\"Hello\"}]", true },
	{ "[{\"role\":\"user\",\"content\":\"1 + 1?\"},{\"role\":\"assistant\",\"content\":\"2\"}]",
		false },
	{ "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"A\\nB\"},"
		"{\"role\":\"assistant\",\"content\":\" na\xc3\xafve \"},"
		"{\"role\":\"user\",\"content\":\"<b>&amp;</b>\"}]", true },
};

static bool
same_vocabulary(const struct jtok *a, const struct jtok *b)
{
	uint32_t n = jtok_vocab_size(a) < jtok_vocab_size(b) ? jtok_vocab_size(a) :
		jtok_vocab_size(b);

	for (uint32_t id = 0; id < n; id++) {
		size_t na = 0, nb = 0;
		const char *pa = jtok_bytes(a, id, &na), *pb = jtok_bytes(b, id, &nb);

		if (!pa != !pb || na != nb || (na && memcmp(pa, pb, na) != 0))
			return false;
	}
	return true;
}

static int
encode_text(const struct jtok *t, const char *text, size_t n, unsigned flags, struct jids *ids,
	struct jerr *e)
{
	struct jtok_state *s = jtok_state_new(t);
	int rc = jtok_encode(s, text, n, flags, ids, e);

	jtok_state_free(s);
	return rc < 0 ? rc : 0;
}

static int
compare_text(struct identity *r, const struct jtok *a, const struct jtok *b, const char *text,
	struct jerr *e)
{
	struct jids ia = { 0 }, ib = { 0 };
	int rc = encode_text(a, text, strlen(text), JTOK_ADD_BOS_EOS, &ia, e);

	if (rc == 0)
		rc = encode_text(b, text, strlen(text), JTOK_ADD_BOS_EOS, &ib, e);
	if (rc == 0) {
		r->texts++;
		r->same_ids += ia.n == ib.n && (ia.n == 0 ||
			memcmp(ia.v, ib.v, ia.n * sizeof(*ia.v)) == 0);
	}
	jids_release(&ia);
	jids_release(&ib);
	return rc;
}

static void
put_token(struct jbuf *b, const struct jtok *t, const char *key, int64_t id)
{
	size_t n = 0;
	const char *p = id < 0 ? NULL : jtok_bytes(t, (uint32_t)id, &n);

	if (!p)
		return;
	jbuf_printf(b, ",\"%s\":", key);
	jjson_str(b, p, n);
}

/* The rendered conversation and its ids; a template that fails renders its complaint. */
static void
render(const struct jtok *t, size_t k, struct jbuf *text, struct jids *ids)
{
	const char *src = jtok_chat_template(t);
	struct jtemplate_out out;
	struct jtemplate *tmpl;
	struct jval *vars;
	struct jerr e = { 0 };
	struct jarena a;
	struct jbuf b;

	jbuf_init(&b);
	jarena_init(&a, 0);
	jtemplate_out_init(&out);
	jbuf_printf(&b, "{\"messages\":%s,\"add_generation_prompt\":%s", conversations[k].messages,
		conversations[k].prompt ? "true" : "false");
	put_token(&b, t, "bos_token", jtok_bos(t));
	put_token(&b, t, "eos_token", jtok_eos(t));
	jbuf_addc(&b, '}');
	if (jval_parse_json(&vars, b.p, b.n, "conversation", &a, &e) == 0 &&
	    jtemplate_parse(&tmpl, src, strlen(src), &e) == 0) {
		if (jtemplate_render(tmpl, vars, &out, &e) == 0) {
			jbuf_add(text, out.text.p, out.text.n);
			encode_text(t, out.text.p, out.text.n, JTOK_SPECIAL, ids, &e);
		}
		jtemplate_free(tmpl);
	}
	if (e.code)
		jbuf_adds(text, e.msg);
	jtemplate_out_release(&out);
	jarena_release(&a);
	jbuf_release(&b);
}

static bool
same_rendered(const struct jtok *a, const struct jtok *b, size_t k)
{
	struct jbuf ta, tb;
	struct jids ia = { 0 }, ib = { 0 };
	bool same;

	jbuf_init(&ta);
	jbuf_init(&tb);
	render(a, k, &ta, &ia);
	render(b, k, &tb, &ib);
	same = ta.n == tb.n && memcmp(ta.p, tb.p, ta.n) == 0 && ia.n == ib.n &&
		(ia.n == 0 || memcmp(ia.v, ib.v, ia.n * sizeof(*ia.v)) == 0);
	jbuf_release(&ta);
	jbuf_release(&tb);
	jids_release(&ia);
	jids_release(&ib);
	return same;
}

int
identity_tokens(struct identity *r, const struct jtok *a, const struct jtok *b, struct jerr *e)
{
	int rc = 0;

	r->tokens_known = a && b;
	r->same_tokens = true;
	if (!r->tokens_known)
		return 0;
	r->same_tokens = same_vocabulary(a, b);
	for (size_t i = 0; rc == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		rc = compare_text(r, a, b, texts[i], e);
	if (!jtok_chat_template(a) && !jtok_chat_template(b))
		return rc;
	r->conversations = sizeof(conversations) / sizeof(conversations[0]);
	if (jtok_chat_template(a) && jtok_chat_template(b))
		for (size_t k = 0; k < r->conversations; k++)
			r->same_rendered += same_rendered(a, b, k);
	return rc;
}

bool
identity_holds(const struct identity *r)
{
	return r->same_tokens && r->same_ids == r->texts && r->same_rendered == r->conversations;
}

static int64_t
values_of(const struct jparam *p)
{
	int64_t n = 1;

	for (int i = 0; i < p->n_dims; i++)
		n *= p->shape[i];
	return n;
}

struct rows {
	float *a, *b;		/* one row each */
	struct jsha256 *hash_a, *hash_b;
};

static void
compare_param(struct identity *r, const struct jparam *p, const struct jparam *q,
	const struct rows *w)
{
	int64_t cols = p->shape[p->n_dims - 1], rows = values_of(p) / cols;
	double d = 0, all = 0, drift;

	jsha256_add(w->hash_a, p->name, strlen(p->name));
	jsha256_add(w->hash_b, q->name, strlen(q->name));
	for (int64_t k = 0; k < rows; k++) {
		jmodel_rows(p, k, 1, w->a);
		jmodel_rows(q, k, 1, w->b);
		jsha256_add(w->hash_a, w->a, (size_t)cols * sizeof(*w->a));
		jsha256_add(w->hash_b, w->b, (size_t)cols * sizeof(*w->b));
		for (int64_t c = 0; c < cols; c++) {
			double x = (double)w->b[c] - (double)w->a[c];

			d += x * x;
			all += (double)w->a[c] * (double)w->a[c];
		}
	}
	r->weights++;
	r->same_weights += d == 0;
	drift = d == 0 ? 0 : all > 0 ? sqrt(d / all) : INFINITY;
	if (!(drift <= r->weight_drift)) {
		r->weight_drift = drift;
		snprintf(r->worst, sizeof(r->worst), "%s", p->name);
	}
}

static void
finish(struct jsha256 *h, char out[65])
{
	unsigned char sum[32];

	jsha256_done(h, sum);
	jhash_hex(sum, sizeof(sum), out);
}

int
identity_weights(struct identity *r, struct jmodel *a, struct jmodel *b, struct jerr *e)
{
	struct jsha256 ha, hb;
	struct rows w = { NULL, NULL, &ha, &hb };
	int64_t widest = 1;

	if (a->adapter || b->adapter)
		return 0;
	for (size_t i = 0; i < a->n_params; i++)
		if (a->params[i].shape[a->params[i].n_dims - 1] > widest)
			widest = a->params[i].shape[a->params[i].n_dims - 1];
	w.a = jmem_try((size_t)widest, sizeof(*w.a));
	w.b = jmem_try((size_t)widest, sizeof(*w.b));
	if (!w.a || !w.b)
		jerr_set(e, JERR_NOMEM, "no memory for rows of %lld weights", (long long)widest);
	jsha256_init(&ha);
	jsha256_init(&hb);
	for (size_t i = 0; e->code == 0 && i < a->n_params; i++) {
		const struct jparam *p = &a->params[i], *q = jmodel_param(b, p->name);

		if (q && q->n_dims == p->n_dims && values_of(q) == values_of(p) &&
		    q->shape[q->n_dims - 1] == p->shape[p->n_dims - 1])
			compare_param(r, p, q, &w);
	}
	finish(&ha, r->sha256[0]);
	finish(&hb, r->sha256[1]);
	jmem_free(w.a);
	jmem_free(w.b);
	return e->code;
}
