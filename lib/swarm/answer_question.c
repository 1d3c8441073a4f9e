/*
 * answer_question.c - the question of a record.
 */
#include <string.h>

#include "conf/jval.h"
#include "swarm/jroute.h"

static bool
last_user_turn(const struct jrec *r, const struct jrec_member *m, const char **p, size_t *n)
{
	struct jval *v;
	struct jerr e = { 0 };

	if (jval_parse_json(&v, m->val, m->val_n, "messages", r->arena, &e) < 0 ||
	    v->type != JVAL_ARR)
		return false;
	for (size_t i = v->u.a.n; i-- > 0;) {
		const struct jval *turn = v->u.a.v[i];

		if (strcmp(jval_str(turn, "role", ""), "user") != 0)
			continue;
		*p = jval_str(turn, "content", "");
		*n = strlen(*p);
		return *n > 0;
	}
	return false;
}

bool
jroute_question(const struct jrec *r, const char **p, size_t *n)
{
	const struct jrec_member *m = jrec_find(r, "messages");

	return jrec_str(r, "question", p, n) || jrec_str(r, "prompt", p, n) ||
		(m && last_user_turn(r, m, p, n)) || jrec_str(r, "text", p, n);
}
