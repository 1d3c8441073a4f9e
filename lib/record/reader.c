/*
 * reader.c - operands as one stream of lines.
 */
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "record/jreader.h"

static void
add_file(struct jreader *r, size_t *cap, const char *path)
{
	int64_t size = strcmp(path, "-") == 0 ? -1 : jfs_size(path);

	JMEM_GROW(r->files, *cap, r->n + 1);
	r->files[r->n++] = jmem_strdup(path);
	if (size > 0)
		r->bytes_total += (uint64_t)size;
}

static bool
is_record_file(const char *name)
{
	static const char *const packed[] = { "", ".gz", ".zst", ".xz", ".bz2" };
	size_t i, n = strlen(name), m;

	for (i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		m = strlen(packed[i]);
		if (n > m + 6 && jstr_ends(name, packed[i]) &&
		    memcmp(name + n - m - 6, ".jsonl", 6) == 0)
			return true;
	}
	return false;
}

static int
add_folder(struct jreader *r, size_t *cap, const char *dir, struct jerr *e)
{
	struct jarena a;
	char **names;
	size_t i, n, had = r->n;
	int rc;

	jarena_init(&a, 0);
	rc = jfs_list(dir, &a, &names, &n, e);
	for (i = 0; rc == 0 && i < n; i++)
		if (names[i][0] != '.' && is_record_file(names[i]))
			add_file(r, cap, jfs_join(&a, dir, names[i]));
	jarena_release(&a);
	if (rc == 0 && r->n == had)
		rc = jerr_set(e, JERR_IO, "%s: a folder without *.jsonl files", dir);
	return rc;
}

int
jreader_open(struct jreader *r, int argc, char **argv, struct jerr *e)
{
	size_t cap = 0;
	int i, rc = 0;

	memset(r, 0, sizeof(*r));
	if (argc == 0)
		add_file(r, &cap, "-");
	for (i = 0; i < argc && rc == 0; i++) {
		if (strcmp(argv[i], "-") == 0)
			add_file(r, &cap, argv[i]);
		else if (jfs_is_dir(argv[i]))
			rc = add_folder(r, &cap, argv[i], e);
		else if (!jfs_exists(argv[i]))
			rc = jerr_set(e, JERR_IO, "%s: no such file or folder", argv[i]);
		else
			add_file(r, &cap, argv[i]);
	}
	if (rc < 0)
		jreader_close(r);
	return rc;
}

int
jreader_line(struct jreader *r, char **line, size_t *n, struct jerr *e)
{
	int rc;

	for (;;) {
		if (!r->in) {
			if (r->at >= r->n)
				return 0;
			if (jin_open(&r->in, r->files[r->at], e) < 0)
				return e->code;
			if (r->max_line)
				jin_set_max_line(r->in, r->max_line);
		}
		rc = jin_line(r->in, line, n, e);
		if (rc != 0)
			return rc;
		/* The last file stays open, so that its name and line number can still be asked. */
		if (r->at + 1 >= r->n)
			return 0;
		r->bytes_before += jin_raw_offset(r->in);
		jin_close(r->in);
		r->in = NULL;
		r->at++;
	}
}

const char *
jreader_name(const struct jreader *r)
{
	if (r->in)
		return jin_name(r->in);
	return r->at < r->n ? r->files[r->at] : "-";
}

uint64_t
jreader_lineno(const struct jreader *r)
{
	return r->in ? jin_lineno(r->in) : 0;
}

uint64_t
jreader_done(const struct jreader *r)
{
	return r->bytes_before + (r->in ? jin_raw_offset(r->in) : 0);
}

void
jreader_close(struct jreader *r)
{
	size_t i;

	jin_close(r->in);
	for (i = 0; i < r->n; i++)
		jmem_free(r->files[i]);
	jmem_free(r->files);
	memset(r, 0, sizeof(*r));
}
