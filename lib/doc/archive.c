/*
 * archive.c - members of archives; see jarchive.h.
 *
 * A stack of libarchive readers: the lowest reads the file or the memory, each one above reads the
 * current member of the one below through a callback, so nested archives stream as well.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/jmem.h"
#include "doc/jarchive.h"

enum { MAX_DEPTH = 8, BLOCK = 65536 };

struct level {
	struct archive *a;
	struct level *below;		/* whose current member this one reads */
	struct jarchive *owner;
	struct jbuf path;		/* of the member that this archive is; "" for the outermost */
	bool deb;			/* members are the parts of a Debian package */
	unsigned char buf[BLOCK];	/* what read_below() hands to libarchive */
};

struct jarchive {
	struct level *lev[MAX_DEPTH];
	unsigned n;
	char *name;
	struct jarchive_limits lim;
	struct archive_entry *entry;	/* current member of the top level */
	struct jbuf path, link;
	uint64_t total, members;
	unsigned char buf[BLOCK];	/* for jarchive_read() */
	bool at_member;			/* the current member has not been read yet */
};

static const char *const suffixes[] = {
	".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz", ".tar.zst", ".tzst",
	".tar.lzma", ".tar.Z", ".zip", ".7z", ".cpio", ".deb", ".ar", ".whl", ".jar", ".epub"
};

bool
jarchive_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t len = strlen(suffixes[i]);

		if (n > len && strcasecmp(name + n - len, suffixes[i]) == 0)
			return true;
	}
	return false;
}

bool
jarchive_magic(const void *bytes, size_t n)
{
	const char *p = bytes;

	return (n >= 8 && memcmp(p, "!<arch>\n", 8) == 0) || (n >= 4 && memcmp(p, "PK\3\4", 4) == 0) ||
	    (n >= 6 && memcmp(p, "7z\xbc\xaf\x27\x1c", 6) == 0) ||
	    (n >= 262 && memcmp(p + 257, "ustar", 5) == 0) || (n >= 6 && memcmp(p, "07070", 5) == 0 &&
	    p[5] >= '1' && p[5] <= '7');
}

static int
damaged(struct jarchive *a, struct archive *ar, struct jerr *e)
{
	const char *what = archive_error_string(ar);

	return jerr_set(e, JERR_FORMAT, "%s: damaged archive at byte %lld of %s: %s", a->name,
	    (long long)archive_filter_bytes(a->lev[0]->a, -1),
	    a->n > 1 ? "the outer file" : "the file", what ? what : "unexpected end");
}

static la_ssize_t
read_below(struct archive *ar, void *arg, const void **buf)
{
	struct level *l = arg;
	la_ssize_t n = archive_read_data(l->below->a, l->buf, sizeof(l->buf));

	*buf = l->buf;
	if (n < 0)
		archive_set_error(ar, EINVAL, "%s",
		    archive_error_string(l->below->a) ? archive_error_string(l->below->a) : "damaged");
	return n < 0 ? -1 : n;
}

static struct archive *
reader(void)
{
	struct archive *ar = archive_read_new();

	if (!ar)
		return NULL;
	archive_read_support_filter_all(ar);
	archive_read_support_format_tar(ar);
	archive_read_support_format_zip(ar);
	archive_read_support_format_7zip(ar);
	archive_read_support_format_cpio(ar);
	archive_read_support_format_ar(ar);
	archive_read_support_format_empty(ar);
	return ar;
}

static struct level *
push(struct jarchive *a)
{
	struct level *l = jmem_zalloc(1, sizeof(*l));

	l->owner = a;
	l->a = reader();
	if (!l->a) {
		jmem_free(l);
		return NULL;
	}
	jbuf_init(&l->path);
	l->below = a->n > 0 ? a->lev[a->n - 1] : NULL;
	a->lev[a->n++] = l;
	return l;
}

static void
pop(struct jarchive *a)
{
	struct level *l = a->lev[--a->n];

	archive_read_free(l->a);
	jbuf_release(&l->path);
	jmem_free(l);
}

static struct jarchive *
new_archive(const char *name, const struct jarchive_limits *lim)
{
	static const struct jarchive_limits defaults = JARCHIVE_LIMITS;
	struct jarchive *a = jmem_zalloc(1, sizeof(*a));

	a->lim = lim ? *lim : defaults;
	if (a->lim.depth >= MAX_DEPTH)
		a->lim.depth = MAX_DEPTH - 1;
	a->name = jmem_strdup(name);
	jbuf_init(&a->path);
	jbuf_init(&a->link);
	return a;
}

static bool
is_deb(const char *name)
{
	return jstr_ends(name, ".deb") || jstr_ends(name, ".udeb");
}

static int
begin(struct jarchive **out, struct jarchive *a, int rc, struct jerr *e)
{
	if (rc != ARCHIVE_OK) {
		const char *what = archive_error_string(a->lev[0]->a);

		if (what && !strstr(what, "Unrecognized"))
			rc = damaged(a, a->lev[0]->a, e);
		else
			rc = jerr_set(e, JERR_FORMAT, "%s: no archive that can be read: unknown format", a->name);
		jarchive_close(a);
		return rc;
	}
	a->lev[0]->deb = is_deb(a->name);
	*out = a;
	return 0;
}

int
jarchive_open(struct jarchive **out, const char *path, const struct jarchive_limits *lim,
	struct jerr *e)
{
	struct jarchive *a = new_archive(path, lim);

	*out = NULL;
	if (!push(a)) {
		jarchive_close(a);
		return jerr_set(e, JERR_NOMEM, "%s: no memory for an archive reader", path);
	}
	return begin(out, a, archive_read_open_filename(a->lev[0]->a, path, BLOCK), e);
}

int
jarchive_open_mem(struct jarchive **out, const void *p, size_t n, const char *name,
	const struct jarchive_limits *lim, struct jerr *e)
{
	struct jarchive *a = new_archive(name, lim);

	*out = NULL;
	if (!push(a)) {
		jarchive_close(a);
		return jerr_set(e, JERR_NOMEM, "%s: no memory for an archive reader", name);
	}
	return begin(out, a, archive_read_open_memory(a->lev[0]->a, (void *)p, n), e);
}

/* Appends a member's path with its harmful parts left out. */
static void
clean_path(struct jbuf *out, const char *p)
{
	while (*p) {
		size_t n = strcspn(p, "/\\");

		if (n > 0 && !(n == 1 && p[0] == '.') && !(n == 2 && p[0] == '.' && p[1] == '.')) {
			if (out->n > 0)
				jbuf_addc(out, '/');
			jbuf_add(out, p, n);
		}
		p += n;
		p += strspn(p, "/\\");
	}
	for (size_t i = 0; i < out->n; i++)
		if ((unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
			out->p[i] = '?';
}

static const char *
entry_name(struct archive_entry *en)
{
	const char *s = archive_entry_pathname(en);

	if (!s)
		s = archive_entry_pathname_utf8(en);
	return s ? s : "";
}

/* Opens the current member of the top level as an archive of its own. */
static int
enter(struct jarchive *a, const char *name, struct jerr *e)
{
	struct level *below = a->lev[a->n - 1], *l;

	l = push(a);
	if (!l)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for an archive reader", a->name);
	if (below->deb && strncmp(name, "control.tar", 11) == 0) {
		jbuf_adds(&l->path, "DEBIAN");
	} else if (!below->deb) {
		jbuf_add(&l->path, below->path.p, below->path.n);
		clean_path(&l->path, name);
		l->deb = is_deb(name);
	}
	if (archive_read_open(l->a, l, NULL, read_below, NULL) != ARCHIVE_OK)
		return damaged(a, l->a, e);
	return 0;
}

/* True if the archive on top stands for itself: the file, or the parts of a package. */
static bool
is_vital(const struct jarchive *a)
{
	return a->n <= 1 || a->lev[a->n - 2]->deb;
}

/* An archive inside that cannot be read is handed out as a member without contents. */
static int
give_up_inner(struct jarchive *a, struct jarchive_member *m, struct jerr *e)
{
	memset(m, 0, sizeof(*m));
	jbuf_reset(&a->path);
	jbuf_add(&a->path, a->lev[a->n - 1]->path.p, a->lev[a->n - 1]->path.n);
	pop(a);
	a->entry = NULL;
	a->at_member = false;
	jerr_clear(e);
	m->path = a->path.p;
	m->size = -1;
	m->broken = true;
	return 1;
}

/* Counts n decompressed bytes against the bounds. */
static int
account(struct jarchive *a, uint64_t n, struct jerr *e)
{
	uint64_t raw = (uint64_t)archive_filter_bytes(a->lev[0]->a, -1);

	a->total += n;
	if (a->total > a->lim.total_bytes)
		return jerr_set(e, JERR_LIMIT, "%s: more than %llu bytes inside", a->name,
		    (unsigned long long)a->lim.total_bytes);
	if (a->total > (uint64_t)64 << 20 && a->total / (raw + 1) > a->lim.ratio)
		return jerr_set(e, JERR_LIMIT, "%s: expands more than %u times", a->name, a->lim.ratio);
	return 0;
}

/* Passes over the rest of the current member, within the bounds. */
static int
skip(struct jarchive *a, struct level *l, struct jerr *e)
{
	int64_t size = a->entry && archive_entry_size_is_set(a->entry) ? archive_entry_size(a->entry) : 0;

	if (!a->at_member)
		return 0;
	a->at_member = false;
	if (archive_read_data_skip(l->a) < ARCHIVE_WARN && is_vital(a))
		return damaged(a, l->a, e);
	return account(a, size > 0 ? (uint64_t)size : 0, e);
}

/* True if the entry is an archive to go into rather than a member to hand out. */
static bool
is_inner(const struct jarchive *a, const struct level *l, const char *name)
{
	if (a->n > a->lim.depth)
		return false;
	if (l->deb)
		return strncmp(name, "data.tar", 8) == 0 || strncmp(name, "control.tar", 11) == 0;
	return jarchive_name(name);
}

static void
describe(struct jarchive *a, const struct level *l, struct jarchive_member *m)
{
	const char *hard = archive_entry_hardlink(a->entry), *sym = archive_entry_symlink(a->entry);

	memset(m, 0, sizeof(*m));
	jbuf_reset(&a->path);
	jbuf_add(&a->path, l->path.p, l->path.n);
	clean_path(&a->path, entry_name(a->entry));
	jbuf_reset(&a->link);
	if (hard)
		clean_path(&a->link, hard);
	else if (sym)
		jbuf_adds(&a->link, sym);
	m->path = a->path.p;
	m->link = hard || sym ? a->link.p : NULL;
	m->hardlink = hard != NULL;
	m->size = archive_entry_size_is_set(a->entry) ? archive_entry_size(a->entry) : -1;
	m->mtime = archive_entry_mtime_is_set(a->entry) ? (int64_t)archive_entry_mtime(a->entry) : 0;
}

/* ar(1) writes modes without a type: those are files too. */
static bool
is_file(struct archive_entry *en)
{
	return archive_entry_filetype(en) == AE_IFREG || archive_entry_filetype(en) == 0;
}

int
jarchive_next(struct jarchive *a, struct jarchive_member *m, struct jerr *e)
{
	while (a->n > 0) {
		struct level *l = a->lev[a->n - 1];
		const char *name;
		int rc = skip(a, l, e);

		if (rc < 0)
			return rc;
		rc = archive_read_next_header(l->a, &a->entry);
		if (rc == ARCHIVE_EOF) {
			if (a->n == 1)
				return 0;
			pop(a);
			a->entry = NULL;
			continue;
		}
		if (rc < ARCHIVE_WARN)
			return is_vital(a) ? damaged(a, l->a, e) : give_up_inner(a, m, e);
		if (++a->members > a->lim.members)
			return jerr_set(e, JERR_LIMIT, "%s: more than %llu members", a->name,
			    (unsigned long long)a->lim.members);
		a->at_member = true;
		name = entry_name(a->entry);
		if (is_file(a->entry) && is_inner(a, l, name)) {
			a->at_member = false;
			rc = enter(a, name, e);
			if (rc == JERR_FORMAT && !is_vital(a))
				return give_up_inner(a, m, e);
			if (rc < 0)
				return rc;
			continue;
		}
		describe(a, l, m);
		if (a->path.n > 0 && (m->link || is_file(a->entry)))
			return 1;
	}
	return 0;
}

/* A member of an archive inside cannot be read: nothing of it is kept. */
static int
lose(struct jarchive *a, struct jbuf *out, size_t start)
{
	out->n = start;
	out->p[start] = '\0';
	a->at_member = false;
	return 2;
}

int
jarchive_read(struct jarchive *a, struct jbuf *out, struct jerr *e)
{
	struct level *l = a->lev[a->n - 1];
	size_t start = out->n;
	int64_t size = archive_entry_size_is_set(a->entry) ? archive_entry_size(a->entry) : -1;

	if (!a->at_member)
		return jerr_set(e, JERR_ARG, "%s: %s was read before", a->name, a->path.p);
	if (size >= 0 && (uint64_t)size > a->lim.member_bytes)
		return 0;
	for (;;) {
		la_ssize_t n = archive_read_data(l->a, a->buf, sizeof(a->buf));
		int rc;

		if (n < 0 && is_vital(a))
			return damaged(a, l->a, e);
		if (n < 0)
			return lose(a, out, start);
		if (n == 0)
			break;
		rc = account(a, (uint64_t)n, e);
		if (rc < 0)
			return rc;
		if (out->n - start + (size_t)n > a->lim.member_bytes) {
			out->n = start;
			out->p[start] = '\0';
			return 0;
		}
		jbuf_add(out, a->buf, (size_t)n);
	}
	a->at_member = false;
	if (size >= 0 && out->n - start < (uint64_t)size && !is_vital(a))
		return lose(a, out, start);
	if (size >= 0 && out->n - start < (uint64_t)size)
		return jerr_set(e, JERR_FORMAT, "%s: %s holds %zu of %lld bytes at byte %lld of the file",
		    a->name, a->path.p, out->n - start, (long long)size,
		    (long long)archive_filter_bytes(a->lev[0]->a, -1));
	return 1;
}

void
jarchive_close(struct jarchive *a)
{
	if (!a)
		return;
	while (a->n > 0)
		pop(a);
	jmem_free(a->name);
	jbuf_release(&a->path);
	jbuf_release(&a->link);
	jmem_free(a);
}
