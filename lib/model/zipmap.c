#include "model/zipmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/jle.h"

#define MAX_ENTRIES (1u << 20)
#define END_BYTES 22
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30

struct dir {
	const unsigned char *p;
	size_t n;
	const char *file;
	uint64_t at, bytes, count;	/* of the directory */
	struct jerr *e;
};

static int
damaged(const struct dir *d, const char *what)
{
	return jerr_set(d->e, JERR_FORMAT, "%s: damaged zip file: %s", d->file, what);
}

static int
read_zip64(struct dir *d, size_t end)
{
	const unsigned char *p;
	uint64_t at;

	if (end < 20 || jle_u32(d->p + end - 20) != 0x07064b50)
		return damaged(d, "no zip64 locator");
	at = jle_u64(d->p + end - 20 + 8);
	if (d->n < 56 || at > d->n - 56 || jle_u32(d->p + at) != 0x06064b50)
		return damaged(d, "no zip64 end record");
	p = d->p + at;
	d->count = jle_u64(p + 32);
	d->bytes = jle_u64(p + 40);
	d->at = jle_u64(p + 48);
	return 0;
}

static int
find_directory(struct dir *d)
{
	size_t end, lowest;
	const unsigned char *p;

	if (d->n < END_BYTES)
		return damaged(d, "too short");
	lowest = d->n > END_BYTES + 65535 ? d->n - END_BYTES - 65535 : 0;
	for (end = d->n - END_BYTES; jle_u32(d->p + end) != 0x06054b50; end--)
		if (end == lowest)
			return damaged(d, "no end record (truncated?)");
	p = d->p + end;
	d->count = jle_u16(p + 10);
	d->bytes = jle_u32(p + 12);
	d->at = jle_u32(p + 16);
	if ((d->count == 0xffff || d->bytes == 0xffffffff || d->at == 0xffffffff) &&
	    read_zip64(d, end) < 0)
		return d->e->code;
	if (d->count > MAX_ENTRIES || d->at > d->n || d->bytes > d->n - d->at)
		return damaged(d, "the directory is not inside it");
	return 0;
}

/* Sizes and offset that did not fit 32 bits, in the extra field. */
static int
wide_fields(const struct dir *d, const unsigned char *x, size_t n, uint64_t v[3])
{
	while (n >= 4) {
		size_t len = jle_u16(x + 2), at = 4;

		if (len > n - 4)
			break;
		for (int i = 0; jle_u16(x) == 1 && i < 3; i++) {
			if (v[i] != 0xffffffff)
				continue;
			if (at + 8 > 4 + len)
				return damaged(d, "short zip64 field");
			v[i] = jle_u64(x + at);
			at += 8;
		}
		x += 4 + len;
		n -= 4 + len;
	}
	return 0;
}

static int
read_entry(struct dir *d, const unsigned char *p, struct zip_entry *out, struct jarena *a)
{
	size_t name_n = jle_u16(p + 28), extra_n = jle_u16(p + 30);
	uint64_t v[3] = { jle_u32(p + 24), jle_u32(p + 20), jle_u32(p + 42) }, start;

	if (memchr(p + ENTRY_BYTES, 0, name_n))
		return damaged(d, "a name with NUL");
	out->name = jarena_strndup(a, (const char *)p + ENTRY_BYTES, name_n);
	if (wide_fields(d, p + ENTRY_BYTES + name_n, extra_n, v) < 0)
		return d->e->code;
	if (jle_u16(p + 10) != 0 || v[0] != v[1])
		return jerr_set(d->e, JERR_UNSUPPORTED, "%s: entry %.200s is compressed, which "
			"torch.save() never does", d->file, out->name);
	if (jle_u16(p + 8) & 1)
		return jerr_set(d->e, JERR_UNSUPPORTED, "%s: entry %.200s is encrypted", d->file,
			out->name);
	if (d->n < LOCAL_BYTES || v[2] > d->n - LOCAL_BYTES || jle_u32(d->p + v[2]) != 0x04034b50)
		return damaged(d, out->name);
	start = v[2] + LOCAL_BYTES + jle_u16(d->p + v[2] + 26) + jle_u16(d->p + v[2] + 28);
	if (start > d->n || v[0] > d->n - start)
		return jerr_set(d->e, JERR_FORMAT, "%s: entry %.200s goes beyond the end (truncated?)",
			d->file, out->name);
	out->data = d->p + start;
	out->bytes = v[0];
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct zip_entry *)a)->name, ((const struct zip_entry *)b)->name);
}

int
zipmap_open(struct zipmap *z, const unsigned char *p, size_t n, const char *file,
	struct jarena *a, struct jerr *e)
{
	struct dir d = { .p = p, .n = n, .file = file, .e = e };
	uint64_t at;
	size_t cap = 0;

	memset(z, 0, sizeof(*z));
	if (find_directory(&d) < 0)
		return e->code;
	at = d.at;
	for (uint64_t i = 0; i < d.count; i++) {
		uint64_t left = d.at + d.bytes - at, len;

		if (left < ENTRY_BYTES || jle_u32(p + at) != 0x02014b50)
			return damaged(&d, "the directory ends early");
		len = (uint64_t)ENTRY_BYTES + jle_u16(p + at + 28) + jle_u16(p + at + 30) +
			jle_u16(p + at + 32);
		if (len > left)
			return damaged(&d, "the directory ends early");
		JARENA_GROW(a, z->v, cap, z->n + 1);
		if (read_entry(&d, p + at, &z->v[z->n], a) < 0)
			return e->code;
		z->n++;
		at += len;
	}
	if (z->n)
		qsort(z->v, z->n, sizeof(*z->v), by_name);
	for (size_t i = 1; i < z->n; i++)
		if (strcmp(z->v[i - 1].name, z->v[i].name) == 0)
			return jerr_set(e, JERR_FORMAT, "%s: entry %.200s is there twice", file,
				z->v[i].name);
	return 0;
}

const struct zip_entry *
zipmap_find(const struct zipmap *z, const char *name)
{
	struct zip_entry key = { .name = name };

	return z->n ? bsearch(&key, z->v, z->n, sizeof(*z->v), by_name) : NULL;
}
