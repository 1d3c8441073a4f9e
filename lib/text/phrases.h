/* phrases.h - private: the word lists of the signals; every list ends with NULL. */
#ifndef PHRASES_H
#define PHRASES_H

extern const char *const jphrase_languages[];
extern const char *const jphrase_function_words[];	/* by language; separated by spaces */
extern const char *const jphrase_boilerplate[];
extern const char *const jphrase_redirect[];
extern const char *const jphrase_generated[];
extern const char *const jphrase_refusal[];

#endif
