/* record.c - one item to one document record (jrecord(5)). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/jhash.h"
#include "base/jutf8.h"
#include "collect.h"
#include "doc/jdoc.h"
#include "record/jrec.h"

/* RFC 3339 in UTC, never later than SOURCE_DATE_EPOCH where that is set. */
static void
stamp(int64_t when, int64_t newest, char out[32])
{
	time_t t = (time_t)(newest >= 0 && when > newest ? newest : when);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

static bool
kind_wanted(const char *kinds, const char *type)
{
	const char *p = kinds;
	size_t len = strlen(type);

	if (strcmp(kinds, "all") == 0)
		return true;
	while (*p) {
		size_t n = strcspn(p, ",");

		if (n == len && memcmp(p, type, n) == 0)
			return true;
		p += n;
		p += *p == ',';
	}
	return false;
}

static void
put_source(const struct item *it, const struct collect_opts *o, struct jbuf *out)
{
	const char *licence = it->licence.n > 0 ? it->licence.p : o->licence;
	char hex[65], when[32];
	struct jbuf b;

	jbuf_init(&b);
	jrec_begin(&b);
	jrec_put_str(&b, "uri", it->uri.p, it->uri.n);
	jrec_put_str(&b, "kind", it->kind, strlen(it->kind));
	stamp(it->when, o->newest, when);
	jrec_put_str(&b, "fetched", when, strlen(when));
	jsha256_hex(it->data.p, it->data.n, hex);
	jrec_put_str(&b, "sha256", hex, 64);
	if (licence)
		jrec_put_str(&b, "licence", licence, strlen(licence));
	if (it->parent.n > 0)
		jrec_put_str(&b, "parent", it->parent.p, it->parent.n);
	jrec_end(&b);
	jrec_put_raw(out, "source", b.p, b.n - 1);
	jbuf_release(&b);
}

static void
put_record(const struct item *it, const struct jdoc *d, const struct collect_opts *o,
	struct jbuf *out)
{
	char id[65];

	jsha256_hex(it->uri.p, it->uri.n, id);
	jrec_begin(out);
	jrec_put_str(out, "id", id, 16);
	jrec_put_str(out, "text", d->text.p, d->text.n);
	if (d->title.n > 0)
		jrec_put_str(out, "title", d->title.p, d->title.n);
	put_source(it, o, out);
	if (d->lang.n > 0)
		jrec_put_str(out, "lang", d->lang.p, d->lang.n);
	if (o->domain_name)
		jrec_put_str(out, "domain", o->domain_name, strlen(o->domain_name));
	jrec_put_str(out, "type", d->type, strlen(d->type));
	if (d->code_lang)
		jrec_put_str(out, "code_lang", d->code_lang, strlen(d->code_lang));
	jrec_end(out);
}

int
record_make(struct item *it, struct jdoc *d, const struct collect_opts *o, struct jbuf *out,
	struct jerr *e)
{
	struct jdoc_opts x = { .name = it->path.p, .max_bytes = (size_t)o->max_bytes,
		.format = (enum jdoc_format)it->format, .charset = it->charset.n > 0 ? it->charset.p : NULL };
	struct jerr why = { 0 };
	int rc;

	jbuf_reset(out);
	if (it->reject)
		return 0;
	rc = jdoc_extract(d, it->data.p, it->data.n, &x, &why);
	if (rc == JERR_UNSUPPORTED)
		it->reject = "binary";
	else if (rc == JERR_LIMIT)
		it->reject = "too large";
	else if (rc < 0 && rc != JERR_NOMEM && !it->named)
		it->reject = "damaged";
	else if (rc < 0)
		return jerr_set(e, rc, "%s: %s", it->uri.p, why.msg);
	else if (d->alias.n > 0)
		it->reject = "alias of another page";
	else if (!kind_wanted(o->kind, d->type))
		it->reject = "other kind";
	else if ((int64_t)jutf8_count(d->text.p, d->text.n) < o->min_chars)
		it->reject = "too short";
	if (!it->reject)
		put_record(it, d, o, out);
	return 0;
}
