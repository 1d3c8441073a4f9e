/* Archives: members, nesting, packages, harmful paths, bounds, damage. */
#include <archive.h>
#include <archive_entry.h>

#include "base/jstr.h"
#include "doc/jarchive.h"
#include "t.h"

static struct archive *
begin(int filter, int format, void *mem, size_t room, size_t *used)
{
	struct archive *a = archive_write_new();

	archive_write_add_filter(a, filter);
	if (format == ARCHIVE_FORMAT_AR)
		archive_write_set_format_ar_bsd(a);
	else
		archive_write_set_format(a, format);
	archive_write_set_bytes_in_last_block(a, 1);
	archive_write_open_memory(a, mem, room, used);
	return a;
}

static void
put(struct archive *a, const char *path, const void *p, size_t n)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_size(e, (la_int64_t)n);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_mtime(e, 1600000000, 0);
	archive_write_header(a, e);
	archive_write_data(a, p, n);
	archive_entry_free(e);
}

static void
put_link(struct archive *a, const char *path, const char *target)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_symlink(e, target);
	archive_entry_set_filetype(e, AE_IFLNK);
	archive_write_header(a, e);
	archive_entry_free(e);
}

static size_t
finish(struct archive *a, size_t *used)
{
	archive_write_close(a);
	archive_write_free(a);
	return *used;
}

/* "path=contents;" of every member, or the error. */
static const char *
list(const void *p, size_t n, const char *name, const struct jarchive_limits *lim)
{
	static char out[4096];
	struct jarchive_member m;
	struct jarchive *a;
	struct jerr e = { 0 };
	struct jbuf b;
	size_t at = 0;
	int rc = jarchive_open_mem(&a, p, n, name, lim, &e);

	out[0] = '\0';
	jbuf_init(&b);
	while (rc == 0 && (rc = jarchive_next(a, &m, &e)) == 1) {
		jbuf_reset(&b);
		rc = m.link || m.broken ? 1 : jarchive_read(a, &b, &e);
		if (rc >= 0)
			at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s%s=%s;", m.path, m.link ? "->" : "",
			    m.link ? m.link : m.broken ? "(broken)" : rc == 0 ? "(large)" : rc == 2 ? "(lost)" : "",
			    b.n < 40 ? b.p : "...");
		rc = rc < 0 ? rc : 0;
	}
	if (e.code)
		snprintf(out + at, sizeof(out) - at, "%s", e.msg);
	jarchive_close(rc == 0 || e.code ? a : NULL);
	jbuf_release(&b);
	return out;
}

static unsigned char buf[3][1 << 20];
static size_t used[3];

static size_t
small_tar(int i, int filter, const char *path, const char *text)
{
	struct archive *a = begin(filter, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, buf[i], sizeof(buf[i]),
	    &used[i]);

	put(a, path, text, strlen(text));
	return finish(a, &used[i]);
}

static void
test_formats(void)
{
	struct archive *a;
	size_t n;

	n = small_tar(0, ARCHIVE_FILTER_NONE, "./d/../a/./b.txt", "hello");
	ok(jarchive_magic(buf[0], n));
	eq_str(list(buf[0], n, "x.tar", NULL), "d/a/b.txt=hello;");
	n = small_tar(0, ARCHIVE_FILTER_XZ, "/../../etc/passwd", "x");
	eq_str(list(buf[0], n, "x.tar.xz", NULL), "etc/passwd=x;");
	a = begin(ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_ZIP, buf[0], sizeof(buf[0]), &used[0]);
	put(a, "one", "1", 1);
	put(a, "two", "2", 1);
	n = finish(a, &used[0]);
	ok(jarchive_magic(buf[0], n));
	eq_str(list(buf[0], n, "x.zip", NULL), "one=1;two=2;");
	a = begin(ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, buf[0], sizeof(buf[0]),
	    &used[0]);
	put_link(a, "l", "../../etc/passwd");
	put(a, "f", "F", 1);
	n = finish(a, &used[0]);
	eq_str(list(buf[0], n, "x.tar", NULL), "l->../../etc/passwd=;f=F;");
	ok(jarchive_name("A.TAR.GZ") && jarchive_name("x.deb") && !jarchive_name("tar") &&
	    !jarchive_name("x.gz"));
	ok(strstr(list("plain text", 10, "x", NULL), "no archive") != NULL);
}

static void
test_nested(void)
{
	struct jarchive_limits flat = JARCHIVE_LIMITS;
	struct archive *a;
	size_t in, n;

	in = small_tar(0, ARCHIVE_FILTER_GZIP, "in.txt", "inner");
	a = begin(ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, buf[1], sizeof(buf[1]),
	    &used[1]);
	put(a, "a.txt", "A", 1);
	put(a, "p/in.tar.gz", buf[0], in);
	put(a, "bad.tar.gz", "garbage", 7);
	put(a, "z.txt", "Z", 1);
	n = finish(a, &used[1]);
	eq_str(list(buf[1], n, "x.tar", NULL),
	    "a.txt=A;p/in.tar.gz/in.txt=inner;bad.tar.gz(broken)=;z.txt=Z;");
	flat.depth = 0;
	ok(strstr(list(buf[1], n, "x.tar", &flat), "p/in.tar.gz=...;bad.tar.gz=garbage;") != NULL);
}

static void
test_deb(void)
{
	struct archive *a;
	size_t c, d, n;

	c = small_tar(0, ARCHIVE_FILTER_GZIP, "./control", "Package: x\n");
	d = small_tar(1, ARCHIVE_FILTER_XZ, "./usr/share/doc/x/a.html", "<p>");
	a = begin(ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_AR, buf[2], sizeof(buf[2]), &used[2]);
	put(a, "debian-binary", "2.0\n", 4);
	put(a, "control.tar.gz", buf[0], c);
	put(a, "data.tar.xz", buf[1], d);
	n = finish(a, &used[2]);
	ok(jarchive_magic(buf[2], n));
	eq_str(list(buf[2], n, "x_1_all.deb", NULL),
	    "debian-binary=2.0\n;DEBIAN/control=Package: x\n;usr/share/doc/x/a.html=<p>;");
	/* a package cut short is an error with its name and place */
	ok(strstr(list(buf[2], n - 60, "x_1_all.deb", NULL), "x_1_all.deb: damaged archive at byte") != NULL);
}

static void
test_bounds(void)
{
	static char zeros[300000];
	struct jarchive_limits lim = JARCHIVE_LIMITS;
	struct archive *a;
	size_t n;

	a = begin(ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, buf[0], sizeof(buf[0]),
	    &used[0]);
	put(a, "big", zeros, sizeof(zeros));
	put(a, "small", "s", 1);
	n = finish(a, &used[0]);
	lim.member_bytes = 1000;
	eq_str(list(buf[0], n, "x.tar", &lim), "big(large)=;small=s;");
	lim = (struct jarchive_limits)JARCHIVE_LIMITS;
	lim.total_bytes = 1000;
	ok(strstr(list(buf[0], n, "x.tar", &lim), "more than 1000 bytes inside") != NULL);
	lim = (struct jarchive_limits)JARCHIVE_LIMITS;
	lim.members = 1;
	ok(strstr(list(buf[0], n, "x.tar", &lim), "more than 1 members") != NULL);
	ok(strstr(list(buf[0], 1000, "x.tar", NULL), "x.tar: damaged archive at byte") != NULL);
}

int
main(void)
{
	test_formats();
	test_nested();
	test_deb();
	test_bounds();
	return t_done();
}
