/* ids.h - --ids: a comma-separated list, a JSON array, or @FILE with either. */
#ifndef IDS_H
#define IDS_H

#include "base/jerr.h"
#include "tok/jtok.h"

int ids_parse(struct jids *ids, const char *s, struct jerr *e);

#endif
