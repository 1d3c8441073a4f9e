/* dedupindex.c - the index that stays between runs: signatures and shingle sets of what was kept. */
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"

static int
put_out(void *arg, const void *p, size_t n, struct jerr *e)
{
	return jout_write(arg, p, n, e);
}

struct index {
	struct dedup *d;
	struct jdupfile_out file;
	uint64_t docs;
	struct jbuf rec;
};

/* A kept document: its D record with a new line number, and its set. */
static int
add_doc(struct index *x, const struct dedup_scan *s, struct jerr *e)
{
	struct dedup_doc doc;
	int rc = dedup_get(x->d, s->rank, &doc, e);

	if (rc < 0)
		return rc;
	jbuf_reset(&x->rec);
	jbuf_add(&x->rec, s->p, s->n);
	dedup_put64((unsigned char *)x->rec.p + 1, x->docs++);
	rc = jdupfile_add(&x->file, x->rec.p, x->rec.n, e);
	if (rc < 0)
		return rc;
	jbuf_reset(&x->rec);
	jbuf_addc(&x->rec, 'S');
	jbuf_reserve(&x->rec, (size_t)doc.set_n * 8);
	rc = scratch_read(&x->d->sets, doc.set_at, x->rec.p + 1, (size_t)doc.set_n * 8, e);
	x->rec.n += (size_t)doc.set_n * 8;
	return rc < 0 ? rc : jdupfile_add(&x->file, x->rec.p, x->rec.n, e);
}

static int
add_all(struct index *x, struct jerr *e)
{
	struct dedup_scan s;
	int rc;

	dedup_scan_begin(&s, x->d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.part == 0) {
			x->docs += s.p[0] == 'D';
			rc = jdupfile_add(&x->file, s.p, s.n, e);
		} else if (s.p[0] == 'D' && !dedup_bit(x->d->gone, s.rank)) {
			rc = add_doc(x, &s, e);
		}
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc;
}

int
dedup_index(struct dedup *d, struct jout **out, struct jerr *e)
{
	struct index x = { .d = d };
	unsigned char end[17] = { 'E' };
	struct jbuf params;
	int rc = jout_open(out, d->opts->index, e);

	if (rc < 0)
		return rc;
	x.file.put = put_out;
	x.file.arg = *out;
	jbuf_init(&x.rec);
	jbuf_init(&params);
	jbuf_printf(&params, "index %s", d->params.p);
	rc = jdupfile_begin(&x.file, params.p, e);
	if (rc == 0)
		rc = add_all(&x, e);
	jle_put64(end + 1, x.docs);
	if (rc == 0)
		rc = jdupfile_add(&x.file, end, sizeof(end), e);
	if (rc == 0)
		rc = jdupfile_end(&x.file, e);
	jdupfile_release(&x.file);
	jbuf_release(&x.rec);
	jbuf_release(&params);
	return rc;
}
