/*
 * dedup_minhash.c - CPU seconds of MinHash alone: hashing of shingles, 128 signatures, bands.
 *
 *	dedup_minhash FILE	one shingle a line, a blank line behind each document
 *
 * Prints documents and seconds.  Built by dedup.sh.
 */
#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "io/jio.h"
#include "text/jminhash.h"

int
main(int argc, char **argv)
{
	uint64_t *set = NULL, band[JMINHASH_MAX], check = 0;
	uint32_t sig[JMINHASH_MAX];
	struct jminhash m;
	struct jerr e = { 0 };
	struct jbuf b;
	size_t n = 0, cap = 0, docs = 0, at, end;
	double start;

	jbuf_init(&b);
	if (argc != 2 || jin_slurp(argv[1], &b, &e) < 0 || jminhash_init(&m, 32, 4, 1, &e) < 0) {
		fprintf(stderr, "usage: dedup_minhash FILE %s\n", e.msg);
		return 1;
	}
	start = jsys_cpu();
	for (at = 0; at < b.n; at = end + 1) {
		end = (size_t)((char *)memchr(b.p + at, '\n', b.n - at) - b.p);
		if (end > at) {
			JMEM_GROW(set, cap, n + 1);
			set[n++] = jhash64(b.p + at, end - at, 0);
			continue;
		}
		jminhash_sign(&m, set, n, sig);
		jminhash_bands(&m, sig, band);
		check ^= band[docs++ % 32];
		n = 0;
	}
	printf("%zu %.6f %llx\n", docs, jsys_cpu() - start, (unsigned long long)check);
	return 0;
}
