/*
 * GGUF: what is written is read back; a file cut at any length is refused without harm; files that
 * lie about counts, types, offsets and names are refused.
 */
#include <stdlib.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "t.h"
#include "t_tmp.h"

static struct jerr e;

static void
write_sample(const char *path)
{
	static const int64_t d1[] = { 3, 2 }, d2[] = { 64 };
	float a[6] = { 1, 2, 3, 4, 5, 6 };
	unsigned char q[68];
	struct jgguf_writer *w;
	size_t i;

	for (i = 0; i < sizeof(q); i++)
		q[i] = (unsigned char)i;
	eq_int(jgguf_create(&w, path, &e), 0);
	jgguf_put_str(w, "general.architecture", "llama", 5);
	jgguf_put_u32(w, "llama.block_count", 2);
	jgguf_put_f32(w, "llama.eps", 1e-5f);
	jgguf_put_bool(w, "flag", true);
	jgguf_put_arr(w, "tokens", JGGUF_STR, 3);
	jgguf_arr_add_str(w, "a", 1);
	jgguf_arr_add_str(w, "", 0);
	jgguf_arr_add_str(w, "x\0y", 3);
	jgguf_put_arr(w, "types", JGGUF_I32, 2);
	jgguf_arr_add_i32(w, -1);
	jgguf_arr_add_i32(w, 70000);
	jgguf_put_arr(w, "scores", JGGUF_F32, 1);
	jgguf_arr_add_f32(w, -2.5f);
	jgguf_put_arr(w, "none", JGGUF_STR, 0);
	jgguf_add_tensor(w, "blk.0.w", 2, d1, 0, 24);
	jgguf_add_tensor(w, "blk.0.q", 1, d2, 8, 68);
	eq_int(jgguf_data(w, a, 10, &e), 0);
	eq_int(jgguf_data(w, (char *)a + 10, 14, &e), 0);
	eq_int(jgguf_data(w, q, 68, &e), 0);
	eq_int(jgguf_commit(w, &e), 0);
}

static void
read_sample(const char *path)
{
	const struct jgguf_tensor *t;
	struct jgguf_str s;
	struct jgguf *g;
	uint64_t u = 0;
	double f = 0;
	int type = -1;

	eq_int(jgguf_open(&g, path, &e), 0);
	eq_int(jgguf_keys(g), 8);
	eq_int(jgguf_tensors(g), 2);
	eq_str(jgguf_key(g, 1, &type), "llama.block_count");
	eq_int(type, JGGUF_U32);
	ok(jgguf_get_u64(g, "llama.block_count", &u) && u == 2);
	ok(jgguf_get_u64(g, "flag", &u) && u == 1);
	ok(!jgguf_get_u64(g, "llama.eps", &u) && !jgguf_get_u64(g, "absent", &u));
	ok(jgguf_get_f64(g, "llama.eps", &f) && f == (double)1e-5f);
	ok(jgguf_get_f64(g, "llama.block_count", &f) && f == 2);
	ok(jgguf_get_str(g, "general.architecture", &s) && s.n == 5 && !memcmp(s.p, "llama", 5));
	ok(!jgguf_get_str(g, "flag", &s));
	ok(jgguf_arr_len(g, "tokens", &type) == 3 && type == JGGUF_STR);
	ok(jgguf_arr_str(g, "tokens", 2, &s) && s.n == 3 && !memcmp(s.p, "x\0y", 3));
	ok(jgguf_arr_str(g, "tokens", 1, &s) && s.n == 0);
	ok(!jgguf_arr_str(g, "tokens", 3, &s) && !jgguf_arr_str(g, "types", 0, &s));
	ok(jgguf_arr_f64(g, "types", 0, &f) && f == -1);
	ok(jgguf_arr_f64(g, "types", 1, &f) && f == 70000);
	ok(jgguf_arr_f64(g, "scores", 0, &f) && f == -2.5);
	ok(!jgguf_arr_f64(g, "scores", 1, &f) && !jgguf_arr_f64(g, "tokens", 0, &f));
	eq_int(jgguf_arr_len(g, "none", NULL), 0);
	t = jgguf_find(g, "blk.0.w");
	ok(t && t->n_dims == 2 && t->dims[0] == 3 && t->dims[1] == 2 && t->dims[3] == 1 && t->type == 0);
	ok(t && t->bytes == 24 && jle_f32(t->data + 20) == 6);
	t = jgguf_find(g, "blk.0.q");
	ok(t && t->bytes == 68 && t->data[67] == 67 && t == jgguf_tensor(g, 1));
	ok(jgguf_find(g, "blk") == NULL);
	jgguf_close(g);
	jgguf_close(NULL);
}

/* The cut copy lies at the very end of a heap block, so that the sanitizer sees every overrun. */
static void
cut_anywhere(const char *path)
{
	struct jmapped m;
	struct jgguf *g;
	unsigned char *copy;
	size_t n, accepted = 0;

	eq_int(jfs_map(&m, path, &e), 0);
	/* the padding behind the last tensor may be missing */
	for (n = 0; n < m.n - 28; n++) {
		copy = jmem_alloc(n, 1);
		memcpy(copy, m.p, n);
		jerr_clear(&e);
		accepted += jgguf_open_mem(&g, copy, n, "cut", &e) == 0;
		jgguf_close(g);
		jmem_free(copy);
	}
	eq_int(accepted, 0);
	jfs_unmap(&m);
	jerr_clear(&e);
}

/* A file in pieces: strings are "$text", everything else is a call. */
static struct jbuf file;

static void
u32(uint32_t v)
{
	unsigned char p[4];

	jle_put32(p, v);
	jbuf_add(&file, p, 4);
}

static void
u64(uint64_t v)
{
	u32((uint32_t)v);
	u32((uint32_t)(v >> 32));
}

static void
str(const char *s)
{
	u64(strlen(s));
	jbuf_adds(&file, s);
}

static void
header(uint32_t version, uint64_t tensors, uint64_t keys)
{
	jbuf_reset(&file);
	jbuf_adds(&file, "GGUF");
	u32(version);
	u64(tensors);
	u64(keys);
}

static void
info(const char *name, uint64_t x, uint64_t y, uint32_t type, uint64_t offset)
{
	str(name);
	u32(2);
	u64(x);
	u64(y);
	u32(type);
	u64(offset);
}

static void
data(size_t n)
{
	while (file.n % 32)
		jbuf_addc(&file, 0);
	while (n--)
		jbuf_addc(&file, 1);
}

static int
opens(const char *message)
{
	struct jgguf *g;
	int rc;

	jerr_clear(&e);
	rc = jgguf_open_mem(&g, file.p, file.n, "made", &e);
	jgguf_close(g);
	if (rc < 0 && message && !strstr(e.msg, message))
		printf("# unexpected message: %s\n", e.msg);
	return rc < 0 && message ? strstr(e.msg, message) != NULL : rc == 0 && !message;
}

static void
bad_headers(void)
{
	header(3, 0, 0);
	ok(opens(NULL));
	header(1, 0, 0);
	ok(opens("version 1"));
	header(0x03000000, 0, 0);
	ok(opens("big-endian"));
	header(3, UINT64_MAX, 0);
	ok(opens("tensors cannot be in"));
	header(3, 0, UINT64_C(1) << 60);
	ok(opens("keys cannot be in"));
	header(3, 0, 1);
	str("k");
	u32(13);
	u64(0);
	ok(opens("unknown type"));
	header(3, 0, 1);
	str("k");
	u32(JGGUF_ARR);
	u32(JGGUF_F64);
	u64(UINT64_C(1) << 61);		/* times 8 overflows */
	u64(0);
	ok(opens("array elements cannot be in"));
	header(3, 0, 1);
	str("k");
	u32(JGGUF_ARR);
	u32(JGGUF_ARR);
	u64(1);
	u64(0);
	ok(opens("array of arrays"));
	header(3, 0, 1);
	str("k");
	u32(JGGUF_STR);
	u64(UINT64_MAX);
	ok(opens("more bytes expected"));
	header(3, 0, 2);
	str("k"), u32(JGGUF_U32), u32(1);
	str("k"), u32(JGGUF_U32), u32(1);
	ok(opens("appears twice"));
	header(3, 0, 1);
	str("general.alignment"), u32(JGGUF_U32), u32(48);
	ok(opens("power of two"));
	header(3, 0, 1);
	str(""), u32(JGGUF_U32), u32(48), u64(0);
	ok(opens("empty or too long"));
}

static void
bad_tensors(void)
{
	header(3, 2, 0);
	info("a", 8, 1, 0, 0);
	info("b", 8, 1, 0, 32);
	data(64);
	ok(opens(NULL));
	header(3, 2, 0);
	info("a", 9, 1, 0, 0);
	info("b", 8, 1, 0, 32);
	data(64);
	ok(opens("overlap"));
	header(3, 2, 0);
	info("a", 8, 1, 0, 0);
	info("a", 8, 1, 0, 32);
	data(64);
	ok(opens("appears twice"));
	header(3, 1, 0);
	info("a", 8, 1, 0, 32);
	data(63);
	ok(opens("the data have"));
	header(3, 1, 0);
	info("a", 8, 1, 0, 8);
	data(64);
	ok(opens("not a multiple"));
	header(3, 1, 0);
	info("a", 8, 1, 0, UINT64_MAX - 31);
	data(64);
	ok(opens("the data have"));
}

static void
bad_shapes(void)
{
	char name[70];

	header(3, 1, 0);
	info("a", UINT64_C(1) << 62, 4, 0, 0);
	data(64);
	ok(opens("impossible shape"));
	header(3, 1, 0);
	info("a", UINT64_C(1) << 31, UINT64_C(1) << 31, 0, 0);
	data(64);
	ok(opens("impossible size"));
	header(3, 1, 0);
	info("a", UINT64_MAX, 1, 0, 0);
	data(64);
	ok(opens("impossible shape"));
	header(3, 1, 0);
	info("a", 0, 1, 0, 0);
	data(64);
	ok(opens("impossible shape"));
	header(3, 1, 0);
	info("a", 33, 1, 8, 0);
	data(64);
	ok(opens("whole blocks of 32"));
	memset(name, 'n', 63);
	name[63] = 0;
	header(3, 1, 0);
	info(name, 8, 1, 0, 0);
	data(64);
	ok(opens(NULL));
	name[63] = 'n';
	name[64] = 0;
	header(3, 1, 0);
	info(name, 8, 1, 0, 0);
	data(64);
	ok(opens("too long"));
	header(3, 1, 0);
	info("a", 8, 1, 99, 0);		/* a type of the future: listed, size unknown */
	data(64);
	ok(opens(NULL));
	header(3, 1, 0);
	str("a"), u32(5), u64(0), u64(0), u64(0), u64(0);
	ok(opens("more than 4"));
}

static void
bad_writing(const char *dir)
{
	static const int64_t d[] = { 8 };
	struct jgguf_writer *w;
	float x[8] = { 0 };

	jerr_clear(&e);
	jgguf_create(&w, t_path(dir, "w"), &e);
	jgguf_add_tensor(w, "a", 1, d, 0, 32);
	jgguf_add_tensor(w, "a", 1, d, 0, 32);
	eq_int(jgguf_data(w, x, 32, &e), JERR_ARG);
	jgguf_abort(w);
	jerr_clear(&e);
	jgguf_create(&w, t_path(dir, "w"), &e);
	jgguf_add_tensor(w, "a", 1, d, 0, 32);
	jgguf_data(w, x, 31, &e);
	eq_int(jgguf_commit(w, &e), JERR_ARG);
	ok(!jfs_exists(t_path(dir, "w")));
	jgguf_abort(NULL);
}

/* A real file, when there is one. */
static void
real_file(void)
{
	const char *shared = getenv("J_TEST_SHARED");
	struct jgguf *g;
	char path[1024];
	size_t i, unknown = 0;

	snprintf(path, sizeof(path), "%s/models/stories260K/stories260K.gguf", shared ? shared : "../shared");
	if (!jfs_exists(path)) {
		t_skip("no real GGUF file");
		return;
	}
	jerr_clear(&e);
	eq_int(jgguf_open(&g, path, &e), 0);
	for (i = 0; g && i < jgguf_tensors(g); i++)
		unknown += jgguf_tensor(g, i)->bytes == 0;
	eq_int(unknown, 0);
	ok(g && jgguf_arr_len(g, "tokenizer.ggml.tokens", NULL) == 512);
	jgguf_close(g);
}

/* One tensor, named by the part that it is in. */
static void
write_part(const char *path, uint32_t no, uint32_t count, uint32_t tensors, const char *tensor)
{
	static const int64_t dims[] = { 2 };
	float v[2] = { (float)no, 9 };
	struct jgguf_writer *w;

	eq_int(jgguf_create(&w, path, &e), 0);
	if (no == 0)
		jgguf_put_str(w, "general.architecture", "llama", 5);
	jgguf_put_u32(w, "split.no", no);
	jgguf_put_u32(w, "split.count", count);
	jgguf_put_u32(w, "split.tensors.count", tensors);
	jgguf_add_tensor(w, tensor, 1, dims, 0, sizeof(v));
	eq_int(jgguf_data(w, v, sizeof(v), &e), 0);
	eq_int(jgguf_commit(w, &e), 0);
}

static void
refused(const char *path, const char *says)
{
	struct jgguf *g;

	jerr_clear(&e);
	ok(jgguf_open(&g, path, &e) < 0 && strstr(e.msg, says) != NULL);
	if (!strstr(e.msg, says))
		printf("# %s\n", e.msg);
	jerr_clear(&e);
}

/* Five tensors of 40 bytes (64 with padding), divided; NULL: not committed. */
static void
write_split(const char *path, struct jgguf_split *split, bool whole)
{
	static const int64_t dims[] = { 10 };
	struct jgguf_writer *w;
	float v[10];

	eq_int(jgguf_create(&w, path, &e), 0);
	jgguf_split(w, split);
	jgguf_put_str(w, "general.architecture", "llama", 5);
	for (int i = 0; i < 5; i++)
		jgguf_add_tensor(w, (const char *[]){ "a", "b", "c", "d", "e" }[i], 1, dims, 0, sizeof(v));
	for (int i = 0; i < (whole ? 5 : 4); i++) {
		for (int k = 0; k < 10; k++)
			v[k] = (float)(10 * i + k);
		eq_int(jgguf_data(w, v, sizeof(v), &e), 0);
	}
	if (whole)
		eq_int(jgguf_commit(w, &e), 0);
	else
		jgguf_abort(w);
}

static int
all_there(const char *path)
{
	struct jgguf *g;
	int good = 0;

	if (!ok(jgguf_open(&g, path, &e) == 0))
		return 0;
	ok(jgguf_tensors(g) == 5 && jgguf_find(g, "e"));
	for (int i = 0; i < 5; i++) {
		const struct jgguf_tensor *t = jgguf_find(g, (const char *[]){ "a", "b", "c", "d", "e" }[i]);
		float v[10];

		memcpy(v, t->data, sizeof(v));
		good += v[0] == (float)(10 * i) && v[9] == (float)(10 * i + 9);
	}
	jgguf_close(g);
	return good;
}

static void
files_of(const char *path, size_t want)
{
	struct jarena a;
	char **files;
	size_t n = 0;

	jarena_init(&a, 0);
	ok(jgguf_files(path, &a, &files, &n, &e) == 0);
	eq_int(n, want);
	for (size_t i = 0; i < n; i++)
		ok(jfs_exists(files[i]));
	jarena_release(&a);
}

/* Divided by bytes or by tensors; one file keeps its name; nothing is left of one that was aborted. */
static void
divided(const char *dir)
{
	struct jgguf_split by_size = { .max_bytes = 128 }, by_count = { .max_tensors = 1 };
	struct jgguf_split roomy = { .max_bytes = 320, .max_tensors = 5 }, tight = { .max_bytes = 1 };
	char path[600];

	snprintf(path, sizeof(path), "%s", t_path(dir, "div.gguf"));
	write_split(path, &by_size, false);
	ok(!jfs_exists(path) && !jfs_exists(t_path(dir, "div-00001-of-00003.gguf")));
	write_split(path, &by_size, true);
	eq_int(by_size.files, 3);
	ok(!jfs_exists(path));
	eq_int(all_there(t_path(dir, "div-00001-of-00003.gguf")), 5);
	eq_int(by_size.bytes, jfs_size(t_path(dir, "div-00001-of-00003.gguf")) +
		jfs_size(t_path(dir, "div-00002-of-00003.gguf")) +
		jfs_size(t_path(dir, "div-00003-of-00003.gguf")));
	write_split(path, &by_count, true);
	eq_int(by_count.files, 5);
	eq_int(all_there(t_path(dir, "div-00001-of-00005.gguf")), 5);
	write_split(t_path(dir, "t.gguf"), &tight, true);	/* no tensor fits: each is alone */
	eq_int(tight.files, 5);
	eq_int(all_there(t_path(dir, "t-00001-of-00005.gguf")), 5);
	write_split(path, &roomy, true);
	eq_int(roomy.files, 1);
	eq_int(roomy.bytes, jfs_size(path));
	files_of(t_path(dir, "div-00001-of-00005.gguf"), 5);
	files_of(path, 1);
	eq_int(all_there(path), 5);
}

/* The first of three files stands for all; what does not belong together is refused. */
static void
several_files(const char *dir)
{
	const struct jgguf_tensor *t;
	char first[600], other[600];
	struct jgguf *g;
	float v;

	snprintf(first, sizeof(first), "%s", t_path(dir, "m-00001-of-00003.gguf"));
	write_part(first, 0, 3, 3, "z");
	write_part(t_path(dir, "m-00002-of-00003.gguf"), 1, 3, 3, "m");
	refused(first, "m-00003-of-00003.gguf");
	write_part(t_path(dir, "m-00003-of-00003.gguf"), 2, 3, 3, "a");
	if (ok(jgguf_open(&g, first, &e) == 0)) {
		eq_int(jgguf_tensors(g), 3);
		t = jgguf_find(g, "a");
		ok(t != NULL);
		v = 0;
		if (t)
			memcpy(&v, t->data, sizeof(v));
		ok(v == 2);
		ok(jgguf_find(g, "z") && jgguf_find(g, "m") && !jgguf_find(g, "b"));
		jgguf_close(g);
	}
	snprintf(other, sizeof(other), "%s", t_path(dir, "m-00002-of-00003.gguf"));
	refused(other, "name the first");
	write_part(other, 1, 3, 3, "a");
	refused(first, "tensor a is in another part too");
	write_part(other, 2, 3, 3, "m");
	refused(first, "is part 3 of 3, expected part 2 of 3");
	write_part(other, 1, 3, 3, "m");
	write_part(first, 0, 3, 4, "z");
	refused(first, "3 tensors in 3 files, expected 4");
	write_part(t_path(dir, "x.gguf"), 0, 3, 3, "z");
	refused(t_path(dir, "x.gguf"), "-00001-of-00003.gguf");
}

int
main(void)
{
	const char *dir = t_tmpdir();

	jbuf_init(&file);
	write_sample(t_path(dir, "s.gguf"));
	read_sample(t_path(dir, "s.gguf"));
	cut_anywhere(t_path(dir, "s.gguf"));
	bad_headers();
	bad_tensors();
	bad_shapes();
	bad_writing(dir);
	several_files(dir);
	divided(dir);
	real_file();
	jbuf_release(&file);
	jfs_remove_tree(dir, NULL);
	return t_done();
}
