/*
 * Records: what is accepted must still be accepted after edits, with the edit in it and the other
 * members as they were.
 */
#include <stdlib.h>
#include <string.h>

#include "record/jrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_edit(const struct jrec *r, const struct jrec_edit *ed, struct jarena *a)
{
	struct jerr e = { 0 };
	const struct jrec_member *m;
	struct jrec again;
	struct jbuf b;
	size_t i;

	jbuf_init(&b);
	jrec_write_edits(r, ed, 1, &b);
	if (jrec_parse(&again, b.p, b.n - 1, a, &e) < 0)
		abort();
	m = jrec_find(&again, ed->key);
	if ((m != NULL) != (ed->val != NULL) || (m && memcmp(m->val, ed->val, ed->val_n) != 0))
		abort();
	for (i = 0; i < r->n && i < again.n && r->m[i].key_n == again.m[i].key_n; i++) {
		if (memcmp(r->m[i].key, again.m[i].key, r->m[i].key_n) != 0)
			break;
		if (again.m + i != m && (r->m[i].val_n != again.m[i].val_n ||
		    memcmp(r->m[i].val, again.m[i].val, r->m[i].val_n) != 0))
			abort();
	}
	jbuf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct jrec_edit set = { "text", "\"new\"", 5 }, del = { "text", NULL, 0 };
	struct jerr e = { 0 };
	struct jarena a;
	struct jrec r, sub;
	const char *s;
	double d;
	int64_t i;
	size_t len;

	jarena_init(&a, 0);
	/* An escaped spelling of the key is another member for the editor and a duplicate for the check. */
	if (jrec_parse(&r, (const char *)p, n, &a, &e) == 0 && !memchr(p, '\\', n)) {
		check_edit(&r, &set, &a);
		check_edit(&r, &del, &a);
		jrec_str(&r, "text", &s, &len);
		jrec_num(&r, "n", &d);
		jrec_int(&r, "n", &i);
		jrec_obj(&r, "scores", &sub);
		s = jrec_add_score(&r, "fuzz.x", 0.5, &len);
		if (jrec_parse(&sub, s, len, &a, &e) < 0)
			abort();
	}
	jarena_release(&a);
	return 0;
}
