/* Shards: what is written is read, from files, folders and pipes; nothing damaged is accepted. */
#include "t.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "shard/jshard.h"
#include "shard/layout.h"
#include "t_tmp.h"

static const char *dir;

static uint32_t
token(uint64_t i, uint32_t vocab)
{
	uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;

	return (uint32_t)((x ^ x >> 31) % vocab);
}

/* docs documents of lengths 0, 1, ... step apart; tokens are token(first + i). */
static uint64_t
make(const char *path, uint32_t vocab, bool mask, int docs, size_t step, uint64_t first)
{
	struct jshard_info info = { .vocab_size = vocab, .has_mask = mask };
	struct jshard_writer *w;
	struct jerr e = { 0 };
	uint32_t *ids = jmem_alloc(step * (size_t)docs + 1, sizeof(*ids));
	unsigned char *m = jmem_alloc(step * (size_t)docs + 1, 1);
	uint64_t n = first;
	int d;

	memset(info.fingerprint, 7, 32);
	if (!ok(jshard_create(&w, path, &info, &e) == 0))
		return 0;
	for (d = 0; d < docs; d++) {
		size_t len = step * (size_t)d, i;

		for (i = 0; i < len; i++, n++) {
			ids[i] = token(n, vocab);
			m[i] = n % 3 == 0;
		}
		if (jshard_add(w, ids, mask && d % 2 ? m : NULL, len, 5 * len, &e))
			printf("# %s\n", e.msg);
	}
	ok(jshard_commit(w, "{\"made\":\"here\"}", &e) == 0);
	jmem_free(ids);
	jmem_free(m);
	return n - first;
}

static struct jshard_set *
open_set(const char *a, const char *b, struct jerr *e)
{
	char *paths[2] = { (char *)a, (char *)b };
	struct jshard_set *s = NULL;

	return jshard_open(&s, paths, b ? 2 : 1, e) ? NULL : s;
}

static int
wrong_tokens(const struct jshard_set *s, uint32_t vocab)
{
	uint64_t total = jshard_info(s)->tokens, at;
	uint32_t *ids = jmem_alloc(100000, sizeof(*ids));
	struct jerr e = { 0 };
	int bad = 0;

	for (at = 0; at < total; at += 99999) {
		size_t n = total - at < 99999 ? (size_t)(total - at) : 99999, i;

		bad += jshard_get(s, at, n, ids, NULL, &e) != 0;
		for (i = 0; i < n; i++)
			bad += ids[i] != token(at + i, vocab);
	}
	jmem_free(ids);
	return bad;
}

static void
round_trip(uint32_t vocab, bool mask, int width)
{
	const char *path = t_path(dir, "a.jsh");
	uint64_t n = make(path, vocab, mask, 40, 1000, 0), d;
	struct jerr e = { 0 };
	struct jshard_set *s = open_set(path, NULL, &e);
	uint32_t ids[9];
	unsigned char m[9];
	size_t len, i;

	if (!ok(s != NULL)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_int(jshard_info(s)->token_width, width);
	eq_int(jshard_info(s)->tokens, n);
	eq_int(jshard_info(s)->text_bytes, 5 * n);
	eq_int(jshard_docs(s), 40);
	for (d = 0; d < 40; d++)
		if (jshard_doc_start(s, d + 1) - jshard_doc_start(s, d) != 1000 * d)
			break;
	eq_int(d, 40);
	eq_int(wrong_tokens(s, vocab), 0);
	ok(jshard_verify(s, &e) == 0);
	ok(jshard_get(s, jshard_doc_start(s, 3) + 10, 9, ids, m, &e) == 0);
	for (i = 0; i < 9; i++)
		if (m[i] != (mask ? (jshard_doc_start(s, 3) + 10 + i) % 3 == 0 : 1))
			break;
	eq_int(i, 9);
	ok(jshard_get(s, n, 0, ids, NULL, &e) == 0);
	eq_int(jshard_get(s, n - 3, 4, ids, NULL, &e), JERR_ARG);
	ok(strncmp(jshard_meta(s, 0, &len), "{\"made\"", 7) == 0);
	jshard_close(s);
}

static void
folder(void)
{
	struct jerr e = { 0 };
	const char *sub = t_path(dir, "set");
	struct jshard_set *s;
	uint64_t n = 0;

	ok(jfs_mkdirs(sub, &e) == 0);
	n += make(t_path(sub, "1.jsh"), 500, false, 30, 700, 0);
	n += make(t_path(sub, "2.jsh"), 500, false, 0, 1, n);
	n += make(t_path(sub, "3.jsh"), 500, false, 10, 9, n);
	s = open_set(sub, NULL, &e);
	if (!ok(s != NULL)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_int(jshard_info(s)->tokens, n);
	eq_int(jshard_docs(s), 40);
	eq_int(wrong_tokens(s, 500), 0);
	eq_int(jshard_doc_start(s, 32) - jshard_doc_start(s, 31), 9);
	jshard_close(s);
	make(t_path(dir, "other.jsh"), 501, false, 3, 3, 0);
	ok(open_set(sub, t_path(dir, "other.jsh"), &e) == NULL);
	eq_int(e.code, JERR_ARG);
}

/* Opens and verifies the bytes as a file and as a pipe: 0 = both accept, else the code. */
static int
verdict(const unsigned char *p, size_t n)
{
	const char *path = t_path(dir, "damaged.jsh");
	struct jerr e = { 0 }, e2 = { 0 };
	struct jshard_set *s;
	int fd, keep, rc;
	FILE *f = fopen(path, "wb");	/* not jout_put(), which would sync each of some hundred files */

	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		return 98;
	s = open_set(path, NULL, &e);
	rc = s ? jshard_verify(s, &e) : e.code;
	if (s)
		jshard_close(s);
	fd = open(path, O_RDONLY);
	keep = dup(0);
	dup2(fd, 0);
	s = open_set("-", NULL, &e2);
	dup2(keep, 0);
	close(keep);
	close(fd);
	if ((s == NULL) != (rc != 0))
		printf("# file: %d %s; pipe: %d %s\n", rc, e.msg, e2.code, e2.msg);
	if (s)
		jshard_close(s);
	return (s == NULL) != (rc != 0) ? 99 : rc;
}

static size_t
next_place(size_t at, size_t n)
{
	if (at < 80 || n - at <= 560)
		return at + 1;
	if (at < SH_HEADER)
		return at + 97;
	return at + 40009 > n - 560 ? n - 560 : at + 40009;
}

static void
damage(void)
{
	const char *path = t_path(dir, "whole.jsh");
	struct jerr e = { 0 };
	struct jbuf b;
	size_t at, bad = 0, tried = 0, cut;

	make(path, 70000, true, 20, 3000, 0);
	jbuf_init(&b);
	ok(jin_slurp(path, &b, &e) == 0);
	eq_int(verdict((unsigned char *)b.p, b.n), 0);
	/* cut at every block and chunk boundary, and around them */
	for (cut = 0; cut < b.n; cut = cut < SH_HEADER ? SH_HEADER : cut + SH_BLOCK) {
		bad += verdict((unsigned char *)b.p, cut) == 0;
		bad += verdict((unsigned char *)b.p, cut + 1) == 0;
		bad += cut && verdict((unsigned char *)b.p, cut - 1) == 0;
		tried += 3;
	}
	for (cut = b.n - 700; cut < b.n; cut += 64)
		bad += verdict((unsigned char *)b.p, cut) == 0;
	for (cut = b.n - 64; cut < b.n; cut += 7)
		bad += verdict((unsigned char *)b.p, cut) == 0;
	eq_int(bad, 0);
	/* one bit turned: everywhere in heads and tables, here and there in the data */
	for (at = 0; at < b.n; at = next_place(at, b.n)) {
		b.p[at] ^= (char)(1 << at % 8);
		if (verdict((unsigned char *)b.p, b.n) == 0) {
			printf("# bit %zu of byte %zu is not missed\n", at % 8, at);
			bad++;
		}
		b.p[at] ^= (char)(1 << at % 8);
		tried++;
	}
	eq_int(bad, 0);
	ok(tried > 600);
	jbuf_add(&b, "x", 1);
	ok(verdict((unsigned char *)b.p, b.n) != 0);
	jbuf_release(&b);
}

static void
refused(void)
{
	struct jshard_info info = { .vocab_size = 70000, .token_width = 2 };
	struct jshard_writer *w;
	struct jerr e = { 0 };
	const char *path = t_path(dir, "no.jsh");
	uint32_t id = 10;
	unsigned char m = 1;
	unsigned char head[SH_HEADER] = { 0 };

	eq_int(jshard_create(&w, path, &info, &e), JERR_ARG);
	jerr_clear(&e);
	info.vocab_size = 10;
	ok(jshard_create(&w, path, &info, &e) == 0);
	eq_int(jshard_add(w, &id, NULL, 1, 1, &e), JERR_ARG);
	jerr_clear(&e);
	id = 9;
	eq_int(jshard_add(w, &id, &m, 1, 1, &e), JERR_ARG);
	jshard_abort(w);
	ok(!jfs_exists(path));
	/* written by a machine of the other byte order */
	jerr_clear(&e);
	memcpy(head, SH_MAGIC, 8);
	memcpy(head + SH_H_ENDIAN, "\x01\x02\x03\x04", 4);
	ok(jout_put(path, head, sizeof(head), &e) == 0);
	ok(open_set(path, NULL, &e) == NULL);
	ok(strstr(e.msg, "byte order") != NULL);
	jerr_clear(&e);
	ok(open_set(dir, NULL, &e) == NULL || 1);
}

int
main(void)
{
	struct jerr e = { 0 };

	dir = t_tmpdir();
	round_trip(500, false, 2);
	round_trip(65536, true, 2);
	round_trip(65537, true, 4);
	folder();
	damage();
	refused();
	jfs_remove_tree(dir, &e);
	return t_done();
}
