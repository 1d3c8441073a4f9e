/*
 * jutf8.h - UTF-8 (RFC 3629): decode, encode, validate.  Properties of code points live in text.
 */
#ifndef JUTF8_H
#define JUTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes one code point at s (n > 0 bytes available) into *cp and returns its length 1..4.
 * An invalid byte gives *cp = 0xFFFD and length -1 (skip one byte); surrogates, overlong forms
 * and values above U+10FFFF are invalid.
 */
int jutf8_decode(const char *s, size_t n, uint32_t *cp);
/* Writes cp into out (room for 4) and returns the length; 0 for a surrogate or > U+10FFFF. */
int jutf8_encode(uint32_t cp, char *out);
/* Offset of the first invalid byte, or n when all of s is valid. */
size_t jutf8_valid(const char *s, size_t n);
/* Number of code points of valid UTF-8. */
size_t jutf8_count(const char *s, size_t n);

#endif
