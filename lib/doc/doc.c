/* doc.c - jdoc_extract(): open, recognise, decode, read.  See jdoc.h. */
#include <string.h>
#include <strings.h>

#include "base/jmem.h"
#include "doc/html.h"
#include "doc/jdoc.h"
#include "doc/readers.h"
#include "io/jio.h"

void
jdoc_init(struct jdoc *d)
{
	memset(d, 0, sizeof(*d));
	jbuf_init(&d->text);
	jbuf_init(&d->title);
	jbuf_init(&d->lang);
	jbuf_init(&d->url);
	jbuf_init(&d->alias);
	d->type = "text";
	d->charset = "UTF-8";
}

void
jdoc_release(struct jdoc *d)
{
	jbuf_release(&d->text);
	jbuf_release(&d->title);
	jbuf_release(&d->lang);
	jbuf_release(&d->url);
	jbuf_release(&d->alias);
}

static void
clear(struct jdoc *d)
{
	jbuf_reset(&d->text);
	jbuf_reset(&d->title);
	jbuf_reset(&d->lang);
	jbuf_reset(&d->url);
	jbuf_reset(&d->alias);
	d->format = JDOC_AUTO;
	d->type = "text";
	d->code_lang = NULL;
	d->charset = "UTF-8";
	d->cut = false;
}

static int
decompress(struct jbuf *out, const void *p, size_t n, size_t max, const char *name, struct jerr *e)
{
	struct jin *in;
	char buf[16384];
	int64_t got;
	int rc;

	rc = jin_open_mem(&in, p, n, name ? name : "document", e);
	if (rc < 0)
		return rc;
	while ((got = jin_read(in, buf, sizeof(buf), e)) > 0) {
		if (out->n + (size_t)got > max) {
			got = jerr_set(e, JERR_LIMIT, "%s: more than %zu bytes when decompressed",
			    name ? name : "document", max);
			break;
		}
		jbuf_add(out, buf, (size_t)got);
	}
	jin_close(in);
	return got < 0 ? (int)got : 0;
}

/* The name without the suffix of its compression, in out. */
static const char *
inner_name(const char *name, struct jbuf *out)
{
	static const char *const suffixes[] = { ".gz", ".xz", ".zst", ".bz2", ".lzma", ".Z" };

	for (size_t i = 0; name && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (jstr_ends(name, suffixes[i])) {
			jbuf_add(out, name, strlen(name) - strlen(suffixes[i]));
			return out->p;
		}
	return name;
}

static const char *
type_of(enum jdoc_format f)
{
	return f == JDOC_CODE ? "code" : f == JDOC_TEXT ? "text" : "docs";
}

static int
read_text(struct jdoc *d, const struct jbuf *u, struct jerr *e)
{
	switch (d->format) {
	case JDOC_HTML: return html_read(d, u->p, u->n, e);
	case JDOC_MAN: return man_read(d, u->p, u->n, e);
	case JDOC_MARKDOWN: return markdown_read(d, u->p, u->n);
	case JDOC_CODE: return code_read(d, u->p, u->n);
	default: return text_read(d, u->p, u->n);
	}
}

/* Decodes the opened bytes and reads them as what they are. */
static int
convert(struct jdoc *d, const char *p, size_t n, const struct jdoc_opts *o, const char *name,
	struct jerr *e)
{
	struct jbuf raw, u;
	char label[40] = "";
	int rc;

	d->format = o->format == JDOC_AUTO ? jdoc_sniff(p, n, name, &d->code_lang) : o->format;
	if (d->format == JDOC_BINARY)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: binary content", name ? name : "document");
	d->type = type_of(d->format);
	jbuf_init(&raw);
	jbuf_init(&u);
	if (d->format == JDOC_TEXT && memchr(p, '\b', n)) {
		jbuf_add(&raw, p, n);
		n = text_overstrike(raw.p, n);
		p = raw.p;
	}
	if (d->format == JDOC_HTML)
		html_charset(p, n, label);
	d->charset = jdoc_to_utf8(p, n, o->charset ? o->charset : label, &u);
	rc = read_text(d, &u, e);
	jbuf_trim(&d->title);
	jbuf_trim(&d->text);
	if (d->text.n > 0)
		jbuf_addc(&d->text, '\n');
	jbuf_release(&u);
	jbuf_release(&raw);
	return rc;
}

int
jdoc_extract(struct jdoc *d, const void *p, size_t n, const struct jdoc_opts *opts, struct jerr *e)
{
	struct jdoc_opts o = opts ? *opts : (struct jdoc_opts){ 0 };
	size_t max = o.max_bytes ? o.max_bytes : (size_t)64 << 20;
	struct jbuf inner, base;
	const char *name;
	int rc = 0;

	clear(d);
	if (n > max)
		return jerr_set(e, JERR_LIMIT, "%s: %zu bytes, more than %zu", o.name ? o.name : "document",
		    n, max);
	jbuf_init(&inner);
	jbuf_init(&base);
	name = inner_name(o.name, &base);
	if (jdoc_is_compressed(p, n)) {
		rc = decompress(&inner, p, n, max, o.name, e);
		p = inner.p;
		n = inner.n;
	}
	if (rc == 0)
		rc = convert(d, p, n, &o, name, e);
	jbuf_release(&inner);
	jbuf_release(&base);
	return rc;
}
