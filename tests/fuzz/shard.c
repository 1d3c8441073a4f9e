/* Shards: whatever opens can be read from end to end without a fault. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/jmem.h"
#include "shard/jpack.h"
#include "shard/jshard.h"

/* Rows of a packed shard: each within its bounds. */
static void
read_rows(const struct jshard_set *s)
{
	struct jerr e = { 0 };
	struct jpack_part v[256];
	struct jpack *p;
	int seq = (int)jshard_info(s)->row_seq;
	uint64_t i;
	size_t n, k;

	if (!seq || jpack_open(&p, s, JPACK_STREAM, seq, 1, &e))
		return;
	for (i = 0; i < jpack_rows(p); i++) {
		uint64_t sum = 0;

		n = jpack_row_parts(p, i, v, 256);
		for (k = 0; k < n; k++)
			sum += v[k].n;
		if (!n || sum > (uint64_t)seq + 1)
			abort();
	}
	jpack_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char path[] = "/tmp/jfuzz.XXXXXX", *paths[1] = { path };
	int fd = mkstemp(path);
	struct jerr e = { 0 };
	struct jshard_set *s;
	uint32_t ids[256];
	unsigned char mask[256];
	uint64_t at;

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
	if (jshard_open(&s, paths, 1, &e) == 0) {
		uint64_t total = jshard_info(s)->tokens;

		jshard_verify(s, &e);
		for (at = 0; at < total; at += 256)
			if (jshard_get(s, at, total - at < 256 ? (size_t)(total - at) : 256, ids, mask, &e))
				break;
		for (at = 0; at < jshard_docs(s); at++)
			if (jshard_doc_start(s, at) > jshard_doc_start(s, at + 1))
				abort();
		read_rows(s);
		jshard_close(s);
	} else if (!e.code || !e.msg[0]) {
		abort();
	}
	unlink(path);
	return 0;
}
