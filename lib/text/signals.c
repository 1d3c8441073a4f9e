#include <string.h>

#include "text/signals.h"

static const struct jsignal *const families[] = {
	jsignals_shape, jsignals_repeat, jsignals_docs, jsignals_lines, jsignals_code, jsignals_stack,
	jsignals_source, jsignals_talk, jsignals_model,
	jsignals_compat
};

size_t
jsignal_count(void)
{
	size_t f, n = 0;

	for (f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		const struct jsignal *s;

		for (s = families[f]; s->name; s++)
			n++;
	}
	return n;
}

const struct jsignal *
jsignal_at(size_t i)
{
	size_t f;

	for (f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		const struct jsignal *s;

		for (s = families[f]; s->name; s++)
			if (i-- == 0)
				return s;
	}
	return NULL;
}

const struct jsignal *
jsignal_find(const char *name)
{
	size_t f;

	for (f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		const struct jsignal *s;

		for (s = families[f]; s->name; s++)
			if (strcmp(s->name, name) == 0)
				return s;
	}
	return NULL;
}
