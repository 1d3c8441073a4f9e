/* The framed file of a deduplication: what was written comes back, and damage is refused. */
#include "t.h"

#include "base/jle.h"
#include "base/jmem.h"
#include "text/jdupfile.h"

static int
put(void *arg, const void *p, size_t n, struct jerr *e)
{
	jbuf_add(arg, p, n);
	return 0;
}

static void
write_file(struct jbuf *to, size_t records, size_t length)
{
	struct jdupfile_out o = { .put = put, .arg = to };
	struct jbuf rec;
	struct jerr e = { 0 };
	size_t i, k;

	jbuf_init(&rec);
	eq_int(jdupfile_begin(&o, "sign by=line", &e), 0);
	for (i = 0; i < records; i++) {
		jbuf_reset(&rec);
		for (k = 0; k < i * length; k++)
			jbuf_addc(&rec, (int)(i + k));
		if (jdupfile_add(&o, rec.p, rec.n, &e) < 0)
			ok(0);
	}
	eq_int(jdupfile_end(&o, &e), 0);
	jdupfile_release(&o);
	jbuf_release(&rec);
}

/* Number of records, or the error. */
static int
read_file(const void *p, size_t n, size_t *bytes)
{
	struct jdupfile_in f;
	struct jerr e = { 0 };
	const void *rec;
	struct jin *in;
	size_t rec_n;
	int rc, count = 0;

	*bytes = 0;
	jin_open_mem(&in, p, n, "test", &e);
	rc = jdupfile_open_stream(&f, in, &e);
	if (rc < 0)
		return rc;
	while ((rc = jdupfile_next(&f, &rec, &rec_n, &e)) > 0) {
		*bytes += rec_n;
		count++;
	}
	jdupfile_close(&f);
	return rc < 0 ? rc : count;
}

int
main(void)
{
	struct jbuf b;
	size_t i, bytes, taken = 0;
	char *copy;

	jbuf_init(&b);
	write_file(&b, 0, 0);
	eq_int(read_file(b.p, b.n, &bytes), 0);
	jbuf_reset(&b);
	write_file(&b, 300, 40);
	eq_int(read_file(b.p, b.n, &bytes), 300);
	eq_int(bytes, 299 * 300 / 2 * 40);
	jbuf_reset(&b);
	write_file(&b, 5, 7);
	/* No prefix of a file is a file, nor is one with a byte changed or one more. */
	for (i = 0; i < b.n; i++)
		taken += read_file(b.p, i, &bytes) >= 0;
	eq_int(taken, 0);
	copy = jbuf_detach(&b);
	for (i = 0; i < 200; i++) {
		copy[i] ^= 4;
		taken += read_file(copy, 200, &bytes) >= 0;
		copy[i] ^= 4;
	}
	eq_int(taken, 0);
	jmem_free(copy);
	write_file(&b, 5, 7);
	for (i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		taken += read_file(b.p, b.n, &bytes) >= 0;
		b.p[i] ^= 1;
	}
	eq_int(taken, 0);
	jbuf_addc(&b, 0);
	ok(read_file(b.p, b.n, &bytes) < 0);
	/* A length that is not there costs no memory. */
	jbuf_reset(&b);
	write_file(&b, 0, 0);
	jle_put32(b.p + b.n - 16, 1u << 30);
	ok(read_file(b.p, b.n, &bytes) < 0);
	jbuf_release(&b);
	return t_done();
}
