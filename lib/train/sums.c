/*
 * sums.c - hashes of the large files of a checkpoint, so that a run does not go on from values that a
 * disk or a copy has changed.  A hash is XXH3-64 over blocks of a MiB, each with the hash of those before
 * it as its seed.  The files are read, not mapped: what is mapped would count as memory of the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "train/train_internal.h"

#define BLOCK ((size_t)1 << 20)
#define SUM_DIGITS 17		/* 16 and the end */

static int
sum_of(const char *path, char sum[SUM_DIGITS], struct jerr *e)
{
	unsigned char *block;
	uint64_t hash = 0;
	size_t n = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return jerr_sys(e, "%s", path);
	block = jmem_alloc(BLOCK, 1);
	do {
		for (n = 0; n < BLOCK; n += (size_t)got) {
			got = read(fd, block + n, BLOCK - n);
			if (got < 0 && errno == EINTR)
				got = 0;
			else if (got <= 0)
				break;
		}
		if (n > 0)
			hash = jhash64(block, n, hash);
	} while (got > 0);
	if (got < 0)
		jerr_sys(e, "%s: cannot read", path);
	close(fd);
	jmem_free(block);
	snprintf(sum, SUM_DIGITS, "%016llx", (unsigned long long)hash);
	return e->code;
}

int
train_put_sums(const char *dir, struct jarena *a, struct jbuf *b, struct jerr *e)
{
	char **names, sum[SUM_DIGITS];
	size_t n, i;
	int written = 0;

	if (jfs_list(dir, a, &names, &n, e) < 0)
		return e->code;
	jbuf_adds(b, "{");
	for (i = 0; i < n; i++) {
		if (!jstr_ends(names[i], ".safetensors"))
			continue;
		if (sum_of(jfs_join(a, dir, names[i]), sum, e) < 0)
			return e->code;
		jbuf_adds(b, written++ ? ", " : "");
		jjson_str(b, names[i], strlen(names[i]));
		jbuf_printf(b, ": \"%s\"", sum);
	}
	jbuf_adds(b, "}");
	return 0;
}

int
train_check_sums(const struct jval *sums, const char *dir, struct jarena *a, struct jerr *e)
{
	size_t i;

	for (i = 0; sums && sums->type == JVAL_OBJ && i < sums->u.o.n; i++) {
		const char *name = sums->u.o.k[i], *path, *wanted = jval_str(sums, name, "");
		char sum[SUM_DIGITS];

		if (strchr(name, '/'))
			return jerr_set(e, JERR_FORMAT, "%s: '%s' is no name of a file in it", dir, name);
		path = jfs_join(a, dir, name);
		if (sum_of(path, sum, e) < 0)
			return e->code;
		if (strcmp(sum, wanted) != 0)
			return jerr_set(e, JERR_FORMAT, "%s: has changed since it was written (hash %s, "
				"expected %s): remove this checkpoint to go on from the one before", path,
				sum, wanted);
	}
	return 0;
}
