/*
 * source/archive.c - an archive as a source.
 *
 * It is read twice: first the names, the package's control file and its copyright, which decide what
 * is taken and under which licence, then the documents in the order of the archive.
 */
#include <string.h>

#include "doc/jarchive.h"
#include "doc/jlicence.h"
#include "io/jfs.h"

#include "../collect.h"

enum { MAX_CONTROL = 1 << 20 };

struct archive_source {
	struct jarchive *a;
	struct name_set *names;
	const struct collect_opts *o;
	struct jarchive_limits lim;
	struct jbuf path, prefix, parent, licence, package;
	struct jbuf owner;		/* /usr/share/doc/PACKAGE is a link to this package's */
	const char *kind;
};

/* Value of "Field: ..." at the beginning of a line; false if there is none. */
static bool
control_field(const struct jbuf *c, const char *field, struct jbuf *out)
{
	size_t len = strlen(field);

	for (const char *p = c->p; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, field, len) == 0 && p[len] == ':') {
			p += len + 1;
			p += strspn(p, " \t");
			jbuf_add(out, p, strcspn(p, "\r\n"));
			return true;
		}
	return false;
}

/* "deb:NAME=VERSION" from the control file. */
static int
take_control(struct archive_source *s, struct jerr *e)
{
	struct jbuf c, version;
	int rc;

	jbuf_init(&c);
	jbuf_init(&version);
	rc = jarchive_read(s->a, &c, e);
	if (rc == 1 && control_field(&c, "Package", &s->package) &&
	    control_field(&c, "Version", &version)) {
		jbuf_reset(&s->prefix);
		jbuf_printf(&s->prefix, "deb:%s=%s", s->package.p, version.p);
		s->kind = "deb";
	}
	jbuf_release(&c);
	jbuf_release(&version);
	return rc < 0 ? rc : 0;
}

static int
take_copyright(struct archive_source *s, struct jerr *e)
{
	struct jbuf c;
	int rc;

	jbuf_init(&c);
	rc = jarchive_read(s->a, &c, e);
	if (rc == 1) {
		jbuf_reset(&s->licence);
		jlicence_from_copyright(c.p, c.n, &s->licence);
	}
	jbuf_release(&c);
	return rc < 0 ? rc : 0;
}

/* "usr/share/doc/NAME/copyright", of the package itself if that is known already. */
static bool
is_copyright(const struct archive_source *s, const char *path)
{
	static const char dir[] = "usr/share/doc/";
	const char *name = path + sizeof(dir) - 1, *end;

	if (strncmp(path, dir, sizeof(dir) - 1) != 0)
		return false;
	end = strchr(name, '/');
	if (!end || strcmp(end, "/copyright") != 0)
		return false;
	return s->licence.n == 0 || (s->package.n == (size_t)(end - name) &&
	    memcmp(s->package.p, name, s->package.n) == 0);
}

/* The link usr/share/doc/PACKAGE -> OTHER. */
static void
take_owner(struct archive_source *s, const struct jarchive_member *m)
{
	static const char dir[] = "usr/share/doc/";

	if (strncmp(m->path, dir, sizeof(dir) - 1) != 0 || s->package.n == 0 ||
	    strcmp(m->path + sizeof(dir) - 1, s->package.p) != 0)
		return;
	jbuf_reset(&s->owner);
	jbuf_adds(&s->owner, jfs_base(m->link));
}

static int
survey(struct archive_source *s, struct jerr *e)
{
	struct jarchive_member m;
	int rc;

	while ((rc = jarchive_next(s->a, &m, e)) == 1) {
		if (m.link)
			take_owner(s, &m);
		else
			name_set_add(s->names, m.path, strlen(m.path));
		if (!m.link && m.size <= MAX_CONTROL && strcmp(m.path, "DEBIAN/control") == 0)
			rc = take_control(s, e);
		else if (!m.link && !m.broken && m.size <= MAX_CONTROL && is_copyright(s, m.path))
			rc = take_copyright(s, e);
		else
			rc = 0;
		if (rc < 0)
			return rc;
	}
	return rc;
}

int
archive_source_open(struct archive_source **out, const struct archive_info *info,
	const struct collect_opts *o, struct jerr *e)
{
	static const struct jarchive_limits defaults = JARCHIVE_LIMITS;
	struct archive_source *s = jmem_zalloc(1, sizeof(*s));
	int rc;

	s->o = o;
	s->lim = defaults;
	s->lim.member_bytes = o->max_bytes > MAX_CONTROL ? o->max_bytes : MAX_CONTROL;
	s->kind = info->kind;
	jbuf_init(&s->path);
	jbuf_init(&s->prefix);
	jbuf_init(&s->parent);
	jbuf_init(&s->licence);
	jbuf_init(&s->package);
	jbuf_init(&s->owner);
	jbuf_adds(&s->path, info->path);
	jbuf_adds(&s->prefix, info->prefix ? info->prefix : info->path);
	jbuf_adds(&s->parent, jfs_base(info->path));
	if (info->licence)
		jbuf_adds(&s->licence, info->licence);
	s->names = name_set_new();
	rc = jarchive_open(&s->a, info->path, &s->lim, e);
	if (rc == 0)
		rc = survey(s, e);
	jarchive_close(s->a);
	s->a = NULL;
	if (rc == 0)
		rc = jarchive_open(&s->a, info->path, &s->lim, e);
	if (rc < 0) {
		archive_source_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

static int
fill(struct archive_source *s, const struct jarchive_member *m, struct item *it, bool skip,
	struct jerr *e)
{
	int rc;

	jbuf_add(&it->uri, s->prefix.p, s->prefix.n);
	jbuf_addc(&it->uri, '/');
	jbuf_adds(&it->uri, m->path);
	jbuf_adds(&it->path, m->path);
	jbuf_add(&it->parent, s->parent.p, s->parent.n);
	jbuf_add(&it->licence, s->licence.p, s->licence.n);
	it->kind = s->kind;
	it->when = m->mtime;
	it->reject = m->link ? "link" : m->broken ? "damaged" : select_path(s->o, m->path, s->names);
	if (it->reject || skip)
		return 1;
	rc = jarchive_read(s->a, &it->data, e);
	if (rc == 0)
		it->reject = "too large";
	else if (rc == 2)
		it->reject = "damaged";
	else if (rc == 1 && it->data.n == 0)
		it->reject = "empty";
	return rc < 0 ? rc : 1;
}

int
archive_source_next(struct archive_source *s, struct item *it, bool skip, struct jerr *e)
{
	struct jarchive_member m;
	int rc = jarchive_next(s->a, &m, e);

	return rc == 1 ? fill(s, &m, it, skip, e) : rc;
}

const char *
archive_source_licence(const struct archive_source *s)
{
	return s->licence.p;
}

const char *
archive_source_doc_owner(const struct archive_source *s)
{
	return s->licence.n == 0 && s->owner.n > 0 ? s->owner.p : NULL;
}

void
archive_source_license(struct archive_source *s, const char *licence)
{
	jbuf_reset(&s->licence);
	jbuf_adds(&s->licence, licence);
}

void
archive_source_close(struct archive_source *s)
{
	if (!s)
		return;
	jarchive_close(s->a);
	name_set_free(s->names);
	jbuf_release(&s->path);
	jbuf_release(&s->prefix);
	jbuf_release(&s->parent);
	jbuf_release(&s->licence);
	jbuf_release(&s->package);
	jbuf_release(&s->owner);
	jmem_free(s);
}
