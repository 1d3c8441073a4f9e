/*
 * talk.h - issues and pull requests: records of type issue with `events`, an array of objects with
 * `author` and `text`, and of type pull with `merged` or `approved`.
 */
#ifndef TALK_H
#define TALK_H

#include "record/jrec.h"
#include "text/jabout.h"

/* What the record says of it, from its arena; NULL if it is neither. */
const struct jtalk *talk_read(const struct jrec *r);
/* The texts of the events, each behind an empty line, are added to b. */
void talk_text(const struct jrec *r, struct jbuf *b);

#endif
