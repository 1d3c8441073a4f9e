/*
 * documents.h - units to documents: which text, and which ids, a record stands for.
 */
#ifndef DOCUMENTS_H
#define DOCUMENTS_H

#include "base/jmem.h"
#include "tok/jtok.h"
#include "units.h"

/* The texts of one record: a document, or a prompt and its answer. */
struct doc_text {
	const char *p[2];
	size_t n[2];
	int parts;
};

/* Why the unit is refused, or NULL with its texts; strings from the arena or the block. */
const char *doc_text(const struct unit_block *b, const struct unit *x, struct jarena *a,
	struct doc_text *t);

/* A member of the record that is a string. */
bool doc_member(const struct unit_block *b, const struct unit *x, const char *name, struct jarena *a,
	const char **p, size_t *n);

/* Writes a refused record with its reason, if --rejects asks for it. */
struct rejects {
	struct jout *out;
	struct jcli *cli;
};
int rejects_open(struct rejects *r, struct jcli *cli, struct jerr *e);
int rejects_add(struct rejects *r, const struct unit_block *b, const struct unit *x,
	const char *reason, struct jerr *e);
int rejects_commit(struct rejects *r, struct jerr *e);
void rejects_abort(struct rejects *r);

#endif
