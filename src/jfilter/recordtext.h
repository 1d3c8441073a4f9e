/*
 * recordtext.h - what of a record is its text: `text` of a document, prompt with answer or chosen
 * of a pair, the messages of a chat in order, the events of an issue (talk.h).
 */
#ifndef RECORDTEXT_H
#define RECORDTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "record/jrec.h"
#include "text/jabout.h"

/* Would record_text() find one?  Cheaper. */
bool record_has_text(const struct jrec *r);
/* False if there is none.  The bytes are in the record's arena or line. */
bool record_text(const struct jrec *r, const char **s, size_t *n);
/* type (docs, code, text), else source.kind (deb, git, ...); "" if neither is a string. */
const char *record_kind(const struct jrec *r);
/* Address, licence, programming language, who talks; the texts are the record's. */
void record_about(const struct jrec *r, struct jabout *about);
/* A number of the record by its name: a member, "object.member", or a score.  False if there is none. */
bool record_number(const struct jrec *r, const char *name, double *v);
/* `id`, else the hash of the text in hexadecimal, from the arena. */
const char *record_id(const struct jrec *r, const char *text, size_t n, size_t *id_n);

#endif
