/*
 * jlicences.h - does a licence expression allow the use that is wanted?
 *
 * Names are those of SPDX or of Debian's copyright files; letter case does not count, and a name that
 * is wanted covers its versions: "bsd" covers BSD-3-Clause, "gpl" covers GPL-2+.  "A or B" is fine if
 * one is, "A and B" and "A, B" if all are; "with" and what follows belongs to the name before.
 * "permissive" stands for the licences that ask for little more than to be named.
 */
#ifndef JLICENCES_H
#define JLICENCES_H

#include <stdbool.h>
#include <stddef.h>

/* wanted: names by commas. */
bool jlicences_allow(const char *wanted, const char *expression, size_t n);

#endif
