/* safetensors: write and read back, and every way in which a file can lie. */
#include "t.h"
#include "t_tmp.h"

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "model/jsafetensors.h"

/* A file with this header and n bytes of data. */
static struct jbuf
make(const char *header, size_t n)
{
	struct jbuf b;
	unsigned char len[8];

	jbuf_init(&b);
	jle_put64(len, strlen(header));
	jbuf_add(&b, len, 8);
	jbuf_adds(&b, header);
	for (size_t i = 0; i < n; i++)
		jbuf_addc(&b, (int)(i & 0x3f));
	return b;
}

static void
refused(const char *header, size_t n, const char *word)
{
	struct jbuf b = make(header, n);
	struct jerr e = { 0 };
	struct jst *s = NULL;

	ok(jst_open_mem(&s, b.p, b.n, "x.safetensors", &e) < 0);
	if (!ok(strstr(e.msg, word) != NULL))
		printf("# \"%s\" does not say \"%s\"\n", e.msg, word);
	ok(strstr(e.msg, "x.safetensors") != NULL);
	if (e.code == 0)
		jst_close(s);
	jbuf_release(&b);
}

#define T(name, dtype, shape, a, z) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape \
	"],\"data_offsets\":[" #a "," #z "]}"

static void
lies(void)
{
	struct jerr e = { 0 };
	struct jst *s;
	unsigned char head[16] = { 0 };

	refused("{" T("a", "F32", "2,2", 0, 16) "}", 15, "tensor a");
	refused("{" T("a", "F32", "2,2", 0, 16) "}", 17, "after the last");
	refused("{" T("a", "F32", "2,3", 0, 16) "}", 16, "needs 24");
	refused("{" T("a", "F32", "2", 0, 8) "," T("b", "F32", "2", 4, 12) "}", 12, "overlaps");
	refused("{" T("a", "F32", "2", 0, 8) "," T("b", "F32", "2", 12, 20) "}", 20, "hole");
	refused("{" T("a", "F32", "2", 4, 12) "}", 12, "hole");
	refused("{" T("a", "F32", "2", 8, 0) "}", 8, "offsets");
	refused("{" T("a", "Q4", "2", 0, 8) "}", 8, "dtype");
	refused("{" T("a", "F32", "-2", 0, 8) "}", 8, "shape");
	refused("{" T("a", "F32", "4611686018427387904,4", 0, 0) "}", 0, "too large");
	refused("{" T("a", "F32", "2", 0, 8) "," T("a", "F32", "2", 0, 8) "}", 8, "");
	refused("{" T("a", "F32", "1.5", 0, 8) "}", 8, "shape");
	refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets");
	refused("{\"a\":3}", 0, "object");
	refused("[]", 0, "object");
	refused("{\"a\":", 0, "");
	ok(jst_open_mem(&s, head, 4, "x", &e) == JERR_FORMAT);
	jle_put64(head, 1 << 20);
	e.code = 0;
	ok(jst_open_mem(&s, head, sizeof(head), "x", &e) == JERR_FORMAT);
	ok(strstr(e.msg, "truncated") != NULL);
	jle_put64(head, UINT64_MAX);
	e.code = 0;
	ok(jst_open_mem(&s, head, sizeof(head), "x", &e) == JERR_FORMAT);
}

/* Legal oddities: empty tensors, scalars, metadata, padding, data that is not aligned, integers. */
static void
oddities(void)
{
	struct jbuf b = make("{\"__metadata__\":{\"format\":\"pt\"}," T("z", "F32", "0,7", 0, 0) ","
		T("s", "F16", "", 0, 2) "," T("i", "I64", "1", 2, 10) "," T("o", "BOOL", "1", 10, 11)
		"," T("f", "F32", "2", 11, 19) "}   ", 19);
	struct jerr e = { 0 };
	struct jst *s;
	float v[2];

	if (!eq_int(jst_open_mem(&s, b.p, b.n, "x", &e), 0)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_int(jst_count(s), 5);
	eq_str(jst_metadata(s, "format"), "pt");
	ok(jst_metadata(s, "other") == NULL);
	eq_int(jst_find(s, "z")->count, 0);
	eq_int(jst_find(s, "s")->n_dims, 0);
	eq_int(jst_find(s, "s")->count, 1);
	ok(jst_find(s, "nothing") == NULL);
	eq_int(jst_to_f32(jst_find(s, "f"), v, &e), 0);
	ok(memcmp(v, b.p + b.n - 8, 8) == 0);
	eq_int(jst_to_f32(jst_find(s, "i"), v, &e), JERR_UNSUPPORTED);
	jst_close(s);
	jbuf_release(&b);
}

static void
write_and_read(const char *dir)
{
	static const enum jdtype types[] = { JDT_F32, JDT_F16, JDT_BF16 };
	int64_t shape[2] = { 3, 5 }, one = 4;
	const char *path = t_path(dir, "w.safetensors");
	float v[19], r[19];
	struct jerr e = { 0 };

	for (int i = 0; i < 19; i++)
		v[i] = (float)(i - 9) * 0.25f;	/* exact in all three */
	for (int k = 0; k < 3; k++) {
		struct jst_writer *w;
		struct jst *s;

		eq_int(jst_create(&w, path, &e), 0);
		jst_meta(w, "step", "12");
		jst_declare(w, "m", types[k], 2, shape);
		jst_declare(w, "v", types[k], 1, &one);
		eq_int(jst_put_f32(w, v, 7, &e), 0);
		eq_int(jst_put_f32(w, v + 7, 12, &e), 0);
		eq_int(jst_commit(w, &e), 0);
		eq_int(jst_open(&s, path, &e), 0);
		eq_int((s && jst_find(s, "m")) ? jst_find(s, "m")->shape[1] : 0, 5);
		eq_str(jst_metadata(s, "step"), "12");
		eq_str(jst_metadata(s, "format"), "pt");
		ok(((uintptr_t)jst_find(s, "m")->data & 7) == 0);
		eq_int(jst_to_f32(jst_find(s, "m"), r, &e), 0);
		eq_int(jst_to_f32(jst_find(s, "v"), r + 15, &e), 0);
		ok(memcmp(v, r, sizeof(v)) == 0);
		jst_close(s);
	}
}

/* Raw bytes and converted values by turns, as optimizer state has them. */
static void
mixed(const char *dir)
{
	const char *path = t_path(dir, "mixed.safetensors");
	unsigned char codes[5] = { 1, 2, 3, 4, 250 };
	int64_t five = 5, two = 2, none = 0;
	float v[4] = { 1, -2, 3, -4 }, r[2];
	struct jst_writer *w;
	struct jerr e = { 0 };
	struct jst *s;

	ok(jst_create(&w, path, &e) == 0);
	jst_declare(w, "a", JDT_F32, 1, &two);
	jst_declare(w, "b", JDT_U8, 1, &five);
	jst_declare(w, "c", JDT_F32, 1, &none);
	jst_declare(w, "d", JDT_BF16, 1, &two);
	ok(jst_put_f32(w, v, 2, &e) == 0 && jst_put(w, codes, 5, &e) == 0);
	ok(jst_put_f32(w, v + 2, 2, &e) == 0 && jst_commit(w, &e) == 0);
	if (!ok(jst_open(&s, path, &e) == 0))
		return;
	ok(memcmp(jst_find(s, "b")->data, codes, 5) == 0);
	ok(jst_to_f32(jst_find(s, "a"), r, &e) == 0 && r[1] == -2);
	ok(jst_to_f32(jst_find(s, "d"), r, &e) == 0 && r[0] == 3 && r[1] == -4);
	jst_close(s);
}

static void
put(const char *dir, const char *name, const char *text)
{
	struct jerr e = { 0 };

	ok(jout_put(t_path(dir, name), text, strlen(text), &e) == 0);
}

static void
part(const char *dir, const char *file, const char *tensor, float value)
{
	struct jst_writer *w;
	struct jerr e = { 0 };
	int64_t one = 1;

	ok(jst_create(&w, t_path(dir, file), &e) == 0);
	jst_declare(w, tensor, JDT_F32, 1, &one);
	ok(jst_put_f32(w, &value, 1, &e) == 0);
	ok(jst_commit(w, &e) == 0);
}

static int
open_dir(const char *dir, const char *index, struct jst **s, struct jerr *e)
{
	memset(e, 0, sizeof(*e));
	put(dir, "model.safetensors.index.json", index);
	return jst_open_dir(s, dir, e);
}

static void
parts(const char *dir)
{
	struct jst *s;
	struct jerr e = { 0 };
	float v;

	eq_int(jst_open_dir(&s, dir, &e), JERR_IO);
	part(dir, "model-1.safetensors", "a", 1);
	part(dir, "model-2.safetensors", "b", 2);
	if (eq_int(open_dir(dir, "{\"metadata\":{\"total_size\":8},\"weight_map\":{"
		"\"a\":\"model-1.safetensors\",\"b\":\"model-2.safetensors\"}}", &s, &e), 0)) {
		eq_int(jst_count(s), 2);
		eq_int(jst_to_f32(jst_find(s, "b"), &v, &e), 0);
		near(v, 2, 0);
		eq_str(jst_find(s, "b")->file, "model-2.safetensors");
		jst_close(s);
	}
	ok(open_dir(dir, "{\"weight_map\":{\"a\":\"model-2.safetensors\"}}", &s, &e) == JERR_FORMAT);
	ok(strstr(e.msg, "tensor a") != NULL);
	ok(open_dir(dir, "{\"weight_map\":{\"a\":\"../x.safetensors\"}}", &s, &e) == JERR_FORMAT);
	ok(open_dir(dir, "{\"weight_map\":{\"a\":\"no.safetensors\"}}", &s, &e) == JERR_IO);
	ok(open_dir(dir, "{}", &s, &e) == JERR_FORMAT);
	part(dir, "model-2.safetensors", "a", 2);
	ok(open_dir(dir, "{\"weight_map\":{\"a\":\"model-1.safetensors\","
		"\"c\":\"model-2.safetensors\"}}", &s, &e) == JERR_FORMAT);
	ok(strstr(e.msg, "also in") != NULL);
}

int
main(void)
{
	struct jerr e = { 0 };
	char dir[512];

	snprintf(dir, sizeof(dir), "%s", t_tmpdir());
	lies();
	oddities();
	write_and_read(dir);
	mixed(dir);
	parts(dir);
	jfs_remove_tree(dir, &e);
	return t_done();
}
