/*
 * gguf_split.c - a GGUF in several files, as llama.cpp's gguf-split writes it: NAME-00001-of-00003.gguf and
 * so on, split.no and split.count in each, the other keys in the first alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "io/gguf_parts.h"

static uint64_t
key_of(const struct jgguf *g, const char *key)
{
	uint64_t v;

	return jgguf_get_u64(g, key, &v) ? v : 0;
}

/* "-00001-of-00003.gguf" */
static void
ending(char out[32], uint64_t no, uint64_t count)
{
	snprintf(out, 32, "-%05u-of-%05u.gguf", (unsigned)no + 1, (unsigned)count);
}

void
jgguf_part_name(struct jbuf *out, const char *path, uint64_t no, uint64_t count)
{
	bool tail = jstr_ends(path, ".gguf");
	char end[32];

	if (count < 2) {
		jbuf_adds(out, path);
		return;
	}
	ending(end, no, count);
	jbuf_add(out, path, strlen(path) - (tail ? 5 : 0));
	jbuf_adds(out, end);
}

static int
add_part(struct jgguf *g, const char *path, uint64_t no, uint64_t count, struct jerr *e)
{
	struct jgguf *part;

	if (gguf_open_one(&part, path, e) < 0)
		return e->code;
	if (key_of(part, "split.no") != no || key_of(part, "split.count") != count) {
		jerr_set(e, JERR_FORMAT, "%s: is part %llu of %llu, expected part %llu of %llu", path,
			(unsigned long long)key_of(part, "split.no") + 1,
			(unsigned long long)key_of(part, "split.count"), (unsigned long long)no + 1,
			(unsigned long long)count);
		jgguf_close(part);
		return e->code;
	}
	return gguf_join(g, part, e);
}

bool
jgguf_same_division(const char *first, const char *other)
{
	static const char end[] = "-00001-of-";		/* 00003.gguf */
	const size_t tail = strlen("-00001-of-00003.gguf"), n = strlen(first);
	const char *a, *b;

	if (n < tail || strlen(other) != n || !jstr_ends(first, ".gguf"))
		return false;
	a = first + n - tail;
	b = other + n - tail;
	return strncmp(a, end, strlen(end)) == 0 && memcmp(first, other, n - tail) == 0 && b[0] == '-' &&
		strspn(b + 1, "0123456789") == 5 && strcmp(a + 6, b + 6) == 0;
}

int
jgguf_files(const char *path, struct jarena *a, char ***files, size_t *n, struct jerr *e)
{
	uint64_t count;
	struct jgguf *g;
	char end[32];

	if (gguf_open_one(&g, path, e) < 0)
		return e->code;
	count = key_of(g, "split.count");
	jgguf_close(g);
	ending(end, 0, count);
	if (count < 2 || count > GGUF_MOST_PARTS || !jstr_ends(path, end))
		count = 1;
	*files = jarena_alloc(a, (size_t)count, sizeof(**files));
	(*files)[0] = jarena_strndup(a, path, strlen(path));
	for (uint64_t no = 1; no < count; no++) {
		ending(end, no, count);
		(*files)[no] = jarena_printf(a, "%.*s%s", (int)(strlen(path) - strlen(end)), path, end);
	}
	*n = (size_t)count;
	return 0;
}

static int
add_parts(struct jgguf *g, const char *path, struct jerr *e)
{
	uint64_t count = key_of(g, "split.count"), no = key_of(g, "split.no");
	uint64_t tensors = key_of(g, "split.tensors.count");
	char end[32], *name;
	size_t stem;

	if (count < 2)
		return 0;
	ending(end, 0, count);
	if (no != 0 || count > GGUF_MOST_PARTS || !jstr_ends(path, end))
		return jerr_set(e, JERR_ARG, "%s: is part %llu of a GGUF in %llu files: name the first, "
			"which ends in -00001-of-%05llu.gguf", path, (unsigned long long)no + 1,
			(unsigned long long)count, (unsigned long long)count);
	stem = strlen(path) - strlen(end);
	name = jmem_alloc(stem + sizeof(end), 1);
	memcpy(name, path, stem);
	for (no = 1; no < count && e->code == 0; no++) {
		ending(name + stem, no, count);
		add_part(g, name, no, count, e);
	}
	jmem_free(name);
	if (e->code == 0 && tensors != jgguf_tensors(g))
		return jerr_set(e, JERR_FORMAT, "%s: %zu tensors in %llu files, expected %llu", path,
			jgguf_tensors(g), (unsigned long long)count, (unsigned long long)tensors);
	return e->code;
}

int
jgguf_open(struct jgguf **out, const char *path, struct jerr *e)
{
	if (gguf_open_one(out, path, e) < 0)
		return e->code;
	if (add_parts(*out, path, e) < 0) {
		jgguf_close(*out);
		*out = NULL;
	}
	return e->code;
}
