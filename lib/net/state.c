/*
 * state.c - pages remembered between runs.
 *
 * DIR/XX/HASH.page, HASH being SHA-256 of the URL: lines "name: value", an empty line, the body.
 * A file that is not understood is as good as none.
 */
#include <inttypes.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "net/http.h"

static const char magic[] = "jupiter-page: 1\n";

static void
page_path(const char *dir, const char *url, struct jbuf *folder, struct jbuf *file)
{
	char hex[65];

	jsha256_hex(url, strlen(url), hex);
	jbuf_printf(folder, "%s/%.2s", dir, hex);
	jbuf_printf(file, "%s/%s.page", folder->p, hex);
}

/* Takes "name: value" if the line is of that name. */
static bool
field(const char *line, size_t n, const char *name, struct jbuf *out)
{
	size_t len = strlen(name);

	if (n < len + 2 || memcmp(line, name, len) != 0 || line[len] != ':')
		return false;
	jbuf_reset(out);
	jbuf_add(out, line + len + 2, n - len - 2);
	return true;
}

static void
parse(const struct jbuf *b, const char *url, struct jhttp_page *p)
{
	const char *s = b->p + sizeof(magic) - 1, *end = b->p + b->n;
	struct jbuf of, when;
	bool whole = false;

	jbuf_init(&of);
	jbuf_init(&when);
	while (s < end && !whole) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = (size_t)((nl ? nl : end) - s);

		whole = nl && n == 0;
		if (!field(s, n, "url", &of) && !field(s, n, "etag", &p->etag) &&
		    !field(s, n, "modified", &p->modified) && !field(s, n, "type", &p->type) &&
		    !field(s, n, "charset", &p->charset))
			field(s, n, "when", &when);
		s = nl ? nl + 1 : end;
	}
	if (whole && strcmp(of.p, url) == 0 && jstr_to_i64(when.p, &p->when) == 0) {
		jbuf_add(&p->body, s, (size_t)(end - s));
	} else {
		jbuf_reset(&p->etag);
		jbuf_reset(&p->modified);
	}
	jbuf_release(&of);
	jbuf_release(&when);
}

void
state_load(const char *dir, const char *url, struct jhttp_page *p)
{
	struct jbuf folder, file, b;

	jbuf_init(&folder);
	jbuf_init(&file);
	jbuf_init(&b);
	page_path(dir, url, &folder, &file);
	if (jfs_exists(file.p) && jin_slurp(file.p, &b, NULL) == 0 && b.n >= sizeof(magic) - 1 &&
	    memcmp(b.p, magic, sizeof(magic) - 1) == 0)
		parse(&b, url, p);
	jbuf_release(&folder);
	jbuf_release(&file);
	jbuf_release(&b);
}

int
state_save(const char *dir, const char *url, const struct jhttp_page *p, struct jerr *e)
{
	struct jbuf folder, file, b;
	int rc;

	jbuf_init(&folder);
	jbuf_init(&file);
	jbuf_init(&b);
	page_path(dir, url, &folder, &file);
	jbuf_printf(&b, "%surl: %s\netag: %s\nmodified: %s\ntype: %s\ncharset: %s\nwhen: %" PRId64 "\n\n",
	    magic, url, p->etag.p, p->modified.p, p->type.p, p->charset.p, p->when);
	jbuf_add(&b, p->body.p, p->body.n);
	rc = jfs_mkdirs(folder.p, e);
	if (rc == 0)
		rc = jout_put(file.p, b.p, b.n, e);
	jbuf_release(&folder);
	jbuf_release(&file);
	jbuf_release(&b);
	return rc;
}
