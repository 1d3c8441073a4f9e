/*
 * jpii.h - personal data and secrets in text: e-mail addresses, telephone numbers, IP addresses,
 * payment cards, IBANs, keys and tokens.
 *
 * Each kind has a validator, so that what only looks like it stays: section numbers, OIDs, versions,
 * dates and ISBNs are no telephone numbers or addresses; cards and IBANs must have their check
 * digits, GitHub tokens their checksum, other keys enough entropy; private, loopback and
 * documentation addresses (RFC 1918, 5737, 3849, 2606) are nobody's.
 *
 * A pseudonym is a keyed hash (HMAC-SHA-256, RFC 2104) of the value in its plain form, so that one
 * person stays one person in all texts and all runs with the same key, and nobody can tell who
 * without it.  Addresses are replaced by ones that are reserved for documentation.
 */
#ifndef JPII_H
#define JPII_H

#include <stddef.h>
#include <stdint.h>

#include "base/jstr.h"

enum jpii_kind {
	JPII_EMAIL, JPII_PHONE, JPII_IPV4, JPII_IPV6, JPII_CARD, JPII_IBAN, JPII_KEY, JPII_KINDS
};

struct jpii_span {
	size_t at, n;
	enum jpii_kind kind;
};

struct jpii_list {			/* zeroed at first; freed by jpii_list_release() */
	struct jpii_span *v;
	size_t n, cap;
	uint64_t count[JPII_KINDS];
};

const char *jpii_name(enum jpii_kind kind);		/* "email", ... */
/* Fills list with what is in the text, in order, without overlaps. */
void jpii_find(struct jpii_list *list, const char *s, size_t n);
void jpii_list_release(struct jpii_list *list);
/* Appends "<EMAIL>" and so on. */
void jpii_mask(enum jpii_kind kind, struct jbuf *out);
/* Appends the pseudonym of a value. */
void jpii_pseudonym(enum jpii_kind kind, const char *s, size_t n, const void *key, size_t key_n,
	struct jbuf *out);

#endif
