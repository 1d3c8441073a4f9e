/*
 * gguf_split.c - a GGUF in several files, as llama.cpp's gguf-split writes it: NAME-00001-of-00003.gguf and
 * so on, split.no and split.count in each, the other keys in the first alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "io/gguf_parts.h"

#define MOST_PARTS 99999

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
	if (no != 0 || count > MOST_PARTS || !jstr_ends(path, end))
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
