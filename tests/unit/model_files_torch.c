/* PyTorch checkpoints: tensors of every kind, views in order, and nothing that is not a tensor. */
#include "t.h"

#include "base/jle.h"
#include "base/jmem.h"
#include "io/jio.h"
#include "model/jsafetensors.h"

static void
expect(const struct jst *s, const char *name, int64_t count, const float *want)
{
	const struct jst_tensor *t = jst_find(s, name);
	struct jerr e = { 0 };
	float v[24];

	if (!ok(t != NULL && t->count == count))
		return;
	ok(jst_to_f32(t, v, &e) == 0 && memcmp(v, want, (size_t)count * sizeof(*v)) == 0);
}

static void
tensors(void)
{
	static const float second[] = { 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 }, scalar = 2.5f;
	float base[24], turned[24];
	const struct jst_tensor *t;
	struct jst *s;
	struct jerr e = { 0 };

	for (int i = 0; i < 24; i++) {
		base[i] = (float)i;
		turned[i] = (float)(i % 4 * 6 + i / 4);
	}
	if (!ok(jst_open(&s, "tests/ref/torch/tensors.bin", &e) == 0)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_int(jst_count(s), 12);
	expect(s, "plain", 24, base);
	expect(s, "shared", 6, base + 6);
	expect(s, "turned", 24, turned);
	expect(s, "every_second", 12, second);
	expect(s, "half", 8, base);
	expect(s, "bf16", 6, base);
	expect(s, "double", 3, base);
	expect(s, "scalar", 1, &scalar);
	expect(s, "none", 0, base);
	expect(s, "parameter", 2, base);
	t = jst_find(s, "longs");
	ok(t && t->dtype == JDT_I64 && (int64_t)jle_u64(t->data + 8) == -2);
	t = jst_find(s, "turned");
	ok(t && t->n_dims == 2 && t->shape[0] == 6 && t->shape[1] == 4);
	jst_close(s);
	ok(jst_open(&s, "tests/ref/torch/nested.bin", &e) == 0);
	expect(s, "w", 24, base);
	jst_close(s);
}

static void
refused(const char *path, int code, const char *word)
{
	struct jst *s;
	struct jerr e = { 0 };

	eq_int(jst_open(&s, path, &e), code);
	if (!ok(strstr(e.msg, word) != NULL))
		printf("# %s: %s\n", path, e.msg);
}

/* Cut anywhere, and with any byte of the pickle and the directory changed: refused or read, no more. */
static void
damaged(void)
{
	struct jst *s;
	struct jerr e = { 0 };
	struct jbuf b;
	int opened = 0;

	jbuf_init(&b);
	if (!ok(jin_slurp("tests/fuzz/seeds/pytorch/views", &b, &e) == 0))
		return;
	for (size_t n = 4; n < b.n; n += 7) {
		e.code = 0;
		opened += jst_open_mem(&s, b.p, n, "cut", &e) == 0;
	}
	eq_int(opened, 0);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x55;
		e.code = 0;
		if (jst_open_mem(&s, b.p, b.n, "changed", &e) == 0)
			jst_close(s);
		b.p[i] ^= 0x55;
	}
	ok(jst_open_mem(&s, b.p, b.n, "whole", &e) == 0);
	jst_close(s);
	jbuf_release(&b);
}

int
main(void)
{
	tensors();
	refused("tests/ref/torch/hostile.bin", JERR_UNSUPPORTED, "system");
	refused("tests/ref/torch/mixed.bin", JERR_FORMAT, "name");
	refused("tests/ref/torch/legacy.bin", JERR_UNSUPPORTED, "1.6");
	damaged();
	return t_done();
}
