/*
 * Compressed input: each format written by libarchive, whole, in several members, cut short at every
 * length, and damaged.
 */
#include <archive.h>
#include <archive_entry.h>
#include <zstd.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "t.h"
#include "t_tmp.h"

static size_t
pack_zstd(const void *p, size_t n, char *out, size_t cap)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t used;

	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	used = ZSTD_compress2(z, out, cap, p, n);
	ZSTD_freeCCtx(z);
	return used;
}

static size_t
pack(int filter, const void *p, size_t n, char *out, size_t cap)
{
	struct archive *a;
	struct archive_entry *entry;
	size_t used = 0;

	/* libarchive writes zstd without a checksum */
	if (filter == ARCHIVE_FILTER_ZSTD)
		return pack_zstd(p, n, out, cap);
	a = archive_write_new();
	entry = archive_entry_new();
	archive_write_add_filter(a, filter);
	archive_write_set_format_raw(a);
	archive_write_set_bytes_in_last_block(a, 1);
	if (archive_write_open_memory(a, out, cap, &used) != ARCHIVE_OK)
		printf("# %s\n", archive_error_string(a));
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_write_header(a, entry);
	archive_write_data(a, p, n);
	archive_write_close(a);
	archive_write_free(a);
	archive_entry_free(entry);
	return used;
}

static int
unpack(const void *p, size_t n, struct jbuf *b, struct jerr *e)
{
	char chunk[333];
	struct jin *in;
	int64_t got;
	int rc = jin_open_mem(&in, p, n, "packed", e);

	if (rc < 0)
		return rc;
	while ((got = jin_read(in, chunk, sizeof(chunk), e)) > 0)
		jbuf_add(b, chunk, (size_t)got);
	jin_close(in);
	return (int)got;
}

static void
format(const char *what, int filter, size_t magic, const char *text, size_t n)
{
	static char packed[200000], twice[400000];
	struct jerr e = { 0 };
	struct jbuf b;
	size_t len, k, wrong = 0, quiet = 0;
	int rc;

	printf("# %s\n", what);
	jbuf_init(&b);
	len = pack(filter, text, n, packed, sizeof(packed));
	ok(len > magic && len < n);
	eq_int(unpack(packed, len, &b, &e), 0);
	ok(b.n == n && memcmp(b.p, text, n) == 0);
	jbuf_reset(&b);
	memcpy(twice, packed, len);
	memcpy(twice + len, packed, len);
	eq_int(unpack(twice, 2 * len, &b, &e), 0);
	ok(b.n == 2 * n && memcmp(b.p + n, text, n) == 0);
	/* cut anywhere behind the magic, also inside the second member: an error, and JERR_IO */
	for (k = magic; k < len; k += k < 64 || k > len - 64 ? 1 : 97) {
		jbuf_reset(&b);
		jerr_clear(&e);
		rc = unpack(packed, k, &b, &e);
		wrong += rc != JERR_IO || !strstr(e.msg, "truncated") || b.n > n;
		jbuf_reset(&b);
		jerr_clear(&e);
		rc = unpack(twice, len + k, &b, &e);
		wrong += rc >= 0;
	}
	eq_int(wrong, 0);
	/* a flipped bit is never passed over: all formats here carry a checksum */
	for (k = len / 4; k < len - 16; k += 61) {
		jbuf_reset(&b);
		jerr_clear(&e);
		packed[k] ^= 0x10;
		rc = unpack(packed, len, &b, &e);
		packed[k] ^= 0x10;
		quiet += rc == 0 && (b.n != n || memcmp(b.p, text, n) != 0);
	}
	eq_int(quiet, 0);
	jbuf_reset(&b);
	jerr_clear(&e);
	len = pack(filter, "", 0, packed, sizeof(packed));
	eq_int(unpack(packed, len, &b, &e), 0);
	eq_int(b.n, 0);
	jbuf_release(&b);
}

/* What only gzip has: padding with zeros is fine, anything else after a member is not. */
static void
gzip_tail(const char *text)
{
	char packed[2000];
	struct jerr e = { 0 };
	struct jbuf b;
	size_t len = pack(ARCHIVE_FILTER_GZIP, text, 500, packed, 1500);

	jbuf_init(&b);
	memset(packed + len, 0, 100);
	eq_int(unpack(packed, len + 100, &b, &e), 0);
	eq_int(b.n, 500);
	packed[len + 50] = 'x';
	eq_int(unpack(packed, len + 100, &b, &e), JERR_FORMAT);
	jbuf_release(&b);
}

/* Text that begins like a magic is text. */
static void
not_packed(void)
{
	static const char *const plain[] = { "BZh", "BZh text", "BZhou\n", "\x1f", "\x1f\x8b", "\x28\xb5\x2f",
		"\xfd" "7zXY", "x" };
	struct jerr e = { 0 };
	struct jbuf b;
	size_t i, wrong = 0;

	jbuf_init(&b);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		jbuf_reset(&b);
		wrong += unpack(plain[i], strlen(plain[i]), &b, &e) != 0 || strcmp(b.p, plain[i]) != 0;
	}
	eq_int(wrong, 0);
	jbuf_release(&b);
}

static void
from_file(const char *text, size_t n)
{
	static char packed[200000];
	const char *dir = t_tmpdir();
	struct jerr e = { 0 };
	struct jin *in;
	struct jbuf b;
	char *line;
	size_t len = pack(ARCHIVE_FILTER_GZIP, text, n, packed, sizeof(packed)), got, lines = 0;

	jbuf_init(&b);
	eq_int(jout_put(t_path(dir, "x.txt"), packed, len, &e), 0);
	eq_int(jin_open(&in, t_path(dir, "x.txt"), &e), 0);
	eq_int(jin_raw_size(in), len);
	while (jin_line(in, &line, &got, &e) > 0) {
		jbuf_add(&b, line, got);
		jbuf_addc(&b, '\n');
		lines++;
	}
	eq_int(e.code, 0);
	ok(b.n == n && memcmp(b.p, text, n) == 0 && lines == jin_lineno(in));
	ok(jin_raw_offset(in) == len && jin_offset(in) == n);
	jin_close(in);
	/* the message names the file */
	jout_put(t_path(dir, "cut"), packed, len / 2, &e);
	jbuf_reset(&b);
	eq_int(jin_slurp(t_path(dir, "cut"), &b, &e), JERR_IO);
	ok(strstr(e.msg, "/cut: gzip stream is truncated") != NULL);
	jbuf_release(&b);
	jfs_remove_tree(dir, NULL);
}

int
main(void)
{
	struct jrand r;
	struct jbuf text;
	size_t i;

	jrand_init(&r, 3, 3);
	jbuf_init(&text);
	for (i = 0; i < 12000; i++)
		jbuf_addc(&text, i % 71 == 70 ? '\n' : 'a' + (int)jrand_below(&r, 6));
	jbuf_addc(&text, '\n');
	format("gzip", ARCHIVE_FILTER_GZIP, 3, text.p, text.n);
	format("zstd", ARCHIVE_FILTER_ZSTD, 4, text.p, text.n);
	format("xz", ARCHIVE_FILTER_XZ, 6, text.p, text.n);
	format("bzip2", ARCHIVE_FILTER_BZIP2, 6, text.p, text.n);
	gzip_tail(text.p);
	not_packed();
	from_file(text.p, text.n);
	jbuf_release(&text);
	return t_done();
}
