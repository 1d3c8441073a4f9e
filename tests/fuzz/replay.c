/*
 * replay.c - a main() for fuzzers without a fuzzing engine: every file named on the command line is
 * fed to LLVMFuzzerTestOneInput() once.  Build it with sanitizers; a crash is the failure.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* As it lies on the disk, no decompression. */
static int
load(const char *name, struct jbuf *b)
{
	char chunk[4096];
	FILE *f = fopen(name, "rb");
	size_t n;

	if (!f)
		return -1;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		jbuf_add(b, chunk, n);
	n = (size_t)ferror(f);
	fclose(f);
	return n ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct jbuf b;
	int i, rc = 0;

	for (i = 1; i < argc; i++) {
		jbuf_init(&b);
		if (load(argv[i], &b) != 0) {
			perror(argv[i]);
			rc = 1;
		} else {
			/* a block of exactly this size, so that the sanitizer sees every overrun */
			uint8_t *p = jmem_alloc(b.n, 1);

			memcpy(p, b.p, b.n);
			LLVMFuzzerTestOneInput(p, b.n);
			jmem_free(p);
			printf("ok %d - %s\n", i, argv[i]);
		}
		jbuf_release(&b);
	}
	return rc;
}
