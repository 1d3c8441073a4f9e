/*
 * zipmap.h - inside the room model: the entries of a mapped zip file that lie in it uncompressed, as
 * torch.save() writes them (APPNOTE.TXT 6.3, zip64 included).
 *
 * Opening checks the directory and every local header against the size of the file: entries are
 * inside it, are stored, are not encrypted, and no two have the same name.
 */
#ifndef ZIPMAP_H
#define ZIPMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"

struct zip_entry {
	const char *name;		/* in the arena */
	const unsigned char *data;
	uint64_t bytes;
};

struct zipmap {
	struct zip_entry *v;		/* sorted by name; in the arena */
	size_t n;
};

int zipmap_open(struct zipmap *z, const unsigned char *p, size_t n, const char *file,
	struct jarena *a, struct jerr *e);
const struct zip_entry *zipmap_find(const struct zipmap *z, const char *name);

#endif
