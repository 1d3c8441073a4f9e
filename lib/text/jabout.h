/*
 * jabout.h - what is known about a text besides its words: where it is from, in which language it is
 * programmed, under which licence it stands, what was cut out of it before.
 *
 * A page (jpage.h) points to one; without it, or without the member, signals that ask are NaN.  The
 * texts are the caller's and stay as they are while the page is measured.
 */
#ifndef JABOUT_H
#define JABOUT_H

#include <stddef.h>

/* An issue or a pull request; NaN = unknown. */
struct jtalk {
	double users, events;		/* who takes part, bots aside; how often */
	double title_chars;		/* of a pull request, as what follows */
	double accepted;		/* merged or approved: 0 or 1 */
	double upkeep;			/* of a dependency or a release: 0 or 1 */
};

struct jabout {
	const char *uri;		/* NULL = unknown */
	size_t uri_n;
	const char *code_lang;		/* as jcollect names it: "python"; NULL = none, or unknown */
	const char *licence;		/* an SPDX or Debian expression; NULL = unknown */
	size_t licence_n;
	const struct jtalk *talk;	/* NULL = neither */
	double removed;			/* share of the words that line rules cut; NaN = there were none */
};

#define JABOUT_INIT { .removed = NAN }

#endif
