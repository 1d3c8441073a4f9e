/*
 * jlicence.h - the licence of a package from its copyright file: the License fields of the
 * machine-readable format (DEP-5), else the name of a licence whose wording is known.
 */
#ifndef JLICENCE_H
#define JLICENCE_H

#include <stddef.h>

#include "base/jstr.h"

/*
 * Appends the licence of a Debian copyright file to out: that of "Files: *"; where there is none
 * those of all files but the packaging, joined by " AND ", at most eight; for a file in prose the
 * licence whose wording it holds; "see copyright" if none is recognised.
 */
void jlicence_from_copyright(const char *p, size_t n, struct jbuf *out);

#endif
