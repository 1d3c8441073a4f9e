/*
 * jcomments.h - how much of a source file is comment, and how much of an HTML file is text.
 *
 * The comments of a language are found by its marks alone, with the strings in which marks mean
 * nothing; a triple-quoted string that begins a statement counts as a comment, as Python's
 * documentation is written so.  Bytes are counted.
 */
#ifndef JCOMMENTS_H
#define JCOMMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it one of the languages, which stand between spaces? */
bool jcomments_lang_in(const char *langs, const char *lang);
/* False if the marks of the language (as jcollect names it) are not known. */
bool jcomments_bytes(const char *lang, const char *p, size_t n, uint64_t *bytes);
/* Bytes outside tags, comments, scripts and styles; runs of white space count as one. */
uint64_t jcomments_html_text(const char *p, size_t n);

#endif
