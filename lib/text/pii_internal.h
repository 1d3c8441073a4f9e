/*
 * pii_internal.h - private to pii*.c: a matcher looks at one place of a text and answers with how many
 * bytes are its kind, 0 for none.
 */
#ifndef PII_INTERNAL_H
#define PII_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

size_t pii_card(const char *s, size_t n, size_t at);
size_t pii_iban(const char *s, size_t n, size_t at);
size_t pii_phone(const char *s, size_t n, size_t at);
size_t pii_ipv4(const char *s, size_t n, size_t at);
size_t pii_ipv6(const char *s, size_t n, size_t at);
size_t pii_key(const char *s, size_t n, size_t at);
/* at is the @; *from becomes where the address starts. */
size_t pii_email(const char *s, size_t n, size_t at, size_t *from);

/* Does one of the words stand in the `reach` bytes before at, in any letter case? */
bool pii_context(const char *s, size_t at, size_t reach, const char *const *words);

static inline bool
pii_digit(char c)
{
	return (unsigned)c - '0' < 10u;
}

static inline bool
pii_alpha(char c)
{
	return ((unsigned)c | 32u) - 'a' < 26u;
}

static inline bool
pii_alnum(char c)
{
	return pii_digit(c) || pii_alpha(c);
}

#endif
