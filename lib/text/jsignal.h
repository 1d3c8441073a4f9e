/*
 * jsignal.h - signals: what can be measured about a text, each a number with a name.
 *
 * A signal says nothing about good or bad; thresholds are rules (jfilter).  A signal that does not
 * apply to a page (a ratio of nothing, a language test on code) is NaN, and no rule fires on it.
 * Adding a signal is one row and one function in the file of its family: signals_*.c.
 */
#ifndef JSIGNAL_H
#define JSIGNAL_H

#include <stddef.h>

#include "text/jpage.h"

struct jsignal {
	const char *name;
	double (*measure)(struct jpage *pg);
	const char *help;		/* what the number is, with its unit */
};

size_t jsignal_count(void);
const struct jsignal *jsignal_at(size_t i);
/* NULL if there is none of that name. */
const struct jsignal *jsignal_find(const char *name);

#endif
