/* knowledge_index.h - inside the room swarm: the index of one record file. */
#ifndef KNOWLEDGE_INDEX_H
#define KNOWLEDGE_INDEX_H

#include <sqlite3.h>

#include "base/jerr.h"

/* Opens the index of a file, making it first where there is none that is current. */
int knowledge_open(sqlite3 **db, const char *file, struct jerr *e);

#endif
