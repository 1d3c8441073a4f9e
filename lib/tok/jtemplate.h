/*
 * jtemplate.h - chat templates: the subset of Jinja that the field's templates use, rendered byte
 * for byte as Jinja2 in the Hugging Face environment does (trim_blocks, lstrip_blocks, loop
 * controls, tojson without HTML escapes, raise_exception, strftime_now, namespace).
 *
 * A template is foreign code: steps, output bytes and depth are bounded.
 */
#ifndef JTEMPLATE_H
#define JTEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "conf/jval.h"

struct jtemplate;

/* Parses; the source is copied. */
int jtemplate_parse(struct jtemplate **t, const char *src, size_t n, struct jerr *e);
void jtemplate_free(struct jtemplate *t);

/* The built-in ChatML template that tokenizers trained here carry. */
extern const char jtemplate_chatml[];

/*
 * One byte of origin per output byte, for loss masks: 0 template text, 1 + index of the message
 * (capped at 255) whose content the byte came from.
 */
struct jtemplate_out {
	struct jbuf text;
	struct jbuf origin;	/* same length as text */
};
void jtemplate_out_init(struct jtemplate_out *o);
void jtemplate_out_release(struct jtemplate_out *o);

/*
 * Renders with the variables of the object vars ({"messages": [...], "tools": ..., "bos_token":
 * "...", "add_generation_prompt": true, ...}).  raise_exception() in the template is JERR_FORMAT
 * with its message.
 */
int jtemplate_render(const struct jtemplate *t, const struct jval *vars, struct jtemplate_out *out,
	struct jerr *e);

#endif
