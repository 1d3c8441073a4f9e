/* html_internal.h - inside the room score: what its pages share. */
#ifndef HTML_INTERNAL_H
#define HTML_INTERNAL_H

#include "base/jstr.h"

extern const char html_style[];
void html_escape(struct jbuf *out, const char *s);

#endif
