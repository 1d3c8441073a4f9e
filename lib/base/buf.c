/*
 * buf.c - struct jbuf: bytes that grow, always followed by a NUL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"

/* What an empty buffer points at; never written (cap is 0). */
static char nothing[1];

void
jbuf_init_max(struct jbuf *b, size_t max)
{
	b->p = nothing;
	b->n = b->cap = 0;
	b->max = max;
	b->over = false;
}

void
jbuf_init(struct jbuf *b)
{
	jbuf_init_max(b, 0);
}

void
jbuf_release(struct jbuf *b)
{
	if (b->cap)
		jmem_free(b->p);
	jbuf_init_max(b, b->max);
}

void
jbuf_reset(struct jbuf *b)
{
	b->n = 0;
	b->over = false;
	if (b->cap)
		b->p[0] = '\0';
	else
		b->p = nothing;
}

char *
jbuf_detach(struct jbuf *b)
{
	char *p = b->cap ? b->p : jmem_strdup("");

	jbuf_init_max(b, b->max);
	return p;
}

void
jbuf_reserve(struct jbuf *b, size_t more)
{
	size_t need, cap;

	if (more > SIZE_MAX - b->n - 1)
		jbug("buffer: %zu more bytes asked", more);
	need = b->n + more + 1;
	if (need <= b->cap)
		return;
	cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
	if (cap < need)
		cap = need;
	if (cap < 64)
		cap = 64;
	b->p = jmem_realloc(b->cap ? b->p : NULL, cap, 1);
	b->cap = cap;
	b->p[b->n] = '\0';
}

/* Whether n more bytes may be appended. */
static bool
admits(struct jbuf *b, size_t n)
{
	if (b->over)
		return false;
	if (b->max && (n > b->max || b->n > b->max - n)) {
		b->over = true;
		return false;
	}
	return true;
}

void
jbuf_add(struct jbuf *b, const void *p, size_t n)
{
	if (!n || !admits(b, n))
		return;
	jbuf_reserve(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
jbuf_adds(struct jbuf *b, const char *s)
{
	jbuf_add(b, s, strlen(s));
}

void
jbuf_addc(struct jbuf *b, int c)
{
	if (!admits(b, 1))
		return;
	if (b->cap - b->n < 2)
		jbuf_reserve(b, 1);
	b->p[b->n++] = (char)c;
	b->p[b->n] = '\0';
}

void
jbuf_vprintf(struct jbuf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		jbug("buffer: bad format \"%s\"", fmt);
	if ((size_t)n < sizeof(small)) {
		jbuf_add(b, small, (size_t)n);
	} else if (admits(b, (size_t)n)) {
		jbuf_reserve(b, (size_t)n);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void
jbuf_printf(struct jbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	jbuf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
jbuf_trim(struct jbuf *b)
{
	size_t n = b->n;

	while (n && (b->p[n - 1] == ' ' || (b->p[n - 1] >= '\t' && b->p[n - 1] <= '\r')))
		n--;
	if (n == b->n)
		return;
	b->n = n;
	b->p[n] = '\0';
}
