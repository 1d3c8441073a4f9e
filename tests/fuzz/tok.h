/*
 * tok.h - what the tokenizer fuzzers share: a loaded tokenizer must encode and decode anything.
 */
#ifndef FUZZ_TOK_H
#define FUZZ_TOK_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tok/jtok.h"

static inline void
fuzz_use(const struct jtok *t)
{
	static const char text[] = "The 12 it's \xC3\xA9\xE3\x81\x82\xFF\xC3 <s> </s>\n\n \xCC\x81 aaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct jtok_state *s = jtok_state_new(t);
	struct jids ids = { 0 };
	struct jerr e = { 0 };
	struct jbuf out;
	size_t i, n;

	jbuf_init(&out);
	if (jtok_encode(s, text, sizeof(text) - 1, JTOK_SPECIAL | JTOK_ADD_BOS_EOS, &ids, &e) == 0) {
		for (i = 0; i < ids.n; i++)
			if (ids.v[i] >= jtok_vocab_size(t))
				abort();
		if (jtok_decode(s, ids.v, ids.n, true, &out, &e))
			abort();
	}
	for (i = 0; i < jtok_vocab_size(t) && i < 100000; i++)
		jtok_bytes(t, (uint32_t)i, &n);
	jbuf_release(&out);
	jids_release(&ids);
	jtok_state_free(s);
}

/* Loads the bytes as a file. */
static inline void
fuzz_load(const uint8_t *p, size_t n)
{
	char path[] = "/tmp/jfuzz.XXXXXX";
	int fd = mkstemp(path);
	struct jerr e = { 0 };
	struct jtok *t;

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
	if (jtok_load(&t, path, &e) == 0) {
		fuzz_use(t);
		jtok_free(t);
	} else if (!e.code || !e.msg[0]) {
		abort();
	}
	unlink(path);
}

#endif
