/*
 * Files of a deduplication: any bytes end in an error or in records; the records of a file that is
 * taken can be written again and read back as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "text/jdupfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
put(void *arg, const void *p, size_t n, struct jerr *e)
{
	jbuf_add(arg, p, n);
	return 0;
}

/* Number of records, or < 0; with `again`, they are added to it. */
static int
read_all(const void *p, size_t n, struct jdupfile_out *again, struct jbuf *to)
{
	struct jdupfile_in f;
	struct jerr e = { 0 };
	const void *rec;
	struct jin *in;
	size_t rec_n;
	int rc, count = 0;

	if (jin_open_mem(&in, p, n, "fuzz", &e) < 0 || jdupfile_open_stream(&f, in, &e) < 0)
		return -1;
	again->put = put;
	again->arg = to;
	if (jdupfile_begin(again, f.params, &e) < 0)
		abort();
	while ((rc = jdupfile_next(&f, &rec, &rec_n, &e)) > 0) {
		count++;
		if (jdupfile_add(again, rec, rec_n, &e) < 0)
			abort();
	}
	jdupfile_close(&f);
	if (rc == 0 && jdupfile_end(again, &e) < 0)
		abort();
	return rc < 0 ? rc : count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jdupfile_out first = { .put = NULL }, second = { .put = NULL };
	struct jbuf a, b;
	int count;

	jbuf_init(&a);
	jbuf_init(&b);
	count = read_all(p, n, &first, &a);
	if (count >= 0 && (read_all(a.p, a.n, &second, &b) != count || a.n != b.n ||
	    memcmp(a.p, b.p, a.n) != 0))
		abort();
	jdupfile_release(&first);
	jdupfile_release(&second);
	jbuf_release(&a);
	jbuf_release(&b);
	return 0;
}
