/*
 * jcsv.h - rows of comma-separated values (RFC 4180): quoted cells with commas, line ends and doubled
 * quotes, rows that end with LF or CRLF.  A quote that is not closed ends with the text.
 */
#ifndef JCSV_H
#define JCSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jstr.h"

enum { JCSV_CELLS = 256 };		/* cells beyond are part of the last */

struct jcsv_row {
	struct jbuf cell[JCSV_CELLS];
	size_t n;
};

void jcsv_row_init(struct jcsv_row *r);
void jcsv_row_release(struct jcsv_row *r);
/* The row at *at, which moves behind it; false at the end. */
bool jcsv_next(const char *p, size_t n, size_t *at, struct jcsv_row *r);

#endif
