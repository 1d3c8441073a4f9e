/* card.h - the model card of a published model: README.md with a YAML head, as the hub reads it. */
#ifndef CARD_H
#define CARD_H

#include "cli/jcli.h"
#include "model/jadapter.h"
#include "model/jmodel.h"
#include "tok/jtok.h"

struct card {
	const char *path;
	const char *name, *licence, *base, *language, *description;	/* NULL = not said */
	const struct jopt_list *tags, *datasets;
	struct jmodel *m;		/* by card_open() */
	struct jtok *tok;		/* or NULL */
	bool adapter;
};

int card_open(struct card *c, struct jarena *a, struct jerr *e);
void card_close(struct card *c);
void card_write(const struct card *c, struct jbuf *out);
bool card_word(const char *s);		/* letters, digits and .-_ only? */

#endif
