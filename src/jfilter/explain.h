/* explain.h - what every rule says about a record, as text for people or as a JSON record. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "judge.h"

struct explained {
	const char *id, *title;		/* terminated */
	size_t id_n, title_n;
	const char *kind;
	const struct jrec *r;
};

/* The bench holds the measured text; v is its verdict. */
void explain_text(const struct judge *j, struct judge_bench *b, const struct explained *x,
	const struct verdict *v, struct jbuf *out);
void explain_json(const struct judge *j, struct judge_bench *b, const struct explained *x,
	const struct verdict *v, struct jbuf *out);

#endif
