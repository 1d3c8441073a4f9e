/*
 * Where each id stands in the text, found afterwards: the text of the ids is laid along the text
 * they came from, so every offset given is checked.  It fails where the tokenizer changed the text.
 */
#include <string.h>

#include "tok.h"

/* Length of the text at p that the id stands for, or -1.  A space put in front may be missing. */
static int64_t
length_at(const struct jtok *t, uint32_t id, const char *p, size_t n)
{
	size_t k;
	const char *s = jtok_bytes(t, id, &k);

	if (!s)
		return -1;
	if (k <= n && memcmp(s, p, k) == 0)
		return (int64_t)k;
	if (!t->byte_level && k && *s == ' ' && k - 1 <= n && memcmp(s + 1, p, k - 1) == 0)
		return (int64_t)k - 1;
	return -1;
}

bool
jtok_offsets(const struct jtok *t, const char *text, size_t n, unsigned flags, const struct jids *ids,
	struct jids *ends)
{
	bool around = flags & JTOK_ADD_BOS_EOS;
	size_t from = around ? t->before.n : 0, to = ids->n - (around ? t->after.n : 0), at = 0, i;

	if (n > UINT32_MAX)
		return false;
	for (i = 0; i < ids->n; i++) {
		int64_t k = i >= from && i < to ? length_at(t, ids->v[i], text + at, n - at) : 0;

		if (k < 0)
			return false;
		at += (size_t)k;
		jids_add(ends, (uint32_t)at);
	}
	return at == n;
}
