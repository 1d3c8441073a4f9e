/* robots.txt: the examples of RFC 9309, groups, wildcards, escapes, and real files if present. */
#include <stdlib.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "net/jrobots.h"
#include "t.h"

static int
can(const char *robots, const char *agent, const char *path)
{
	struct jrobots *r = jrobots_parse(robots, strlen(robots), agent);
	int yes = jrobots_allowed(r, path);

	jrobots_free(r);
	return yes;
}

/* RFC 9309, sections 5.1 and 5.2. */
static void
test_rfc(void)
{
	static const char simple[] = "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\n"
	    "Allow: /publications/\n\nUser-Agent: foobot\nDisallow:/\nAllow:/example/page.html\n"
	    "Allow:/example/allowed.gif\n\nUser-Agent: barbot\nUser-Agent: bazbot\n"
	    "Disallow: /example/page.html\n\nUser-Agent: quxbot\n\nEOF\n";
	static const char longest[] = "User-Agent: foobot\nAllow: /example/page/\n"
	    "Disallow: /example/page/disallowed.gif\n";

	ok(!can(simple, "other", "/a.gif"));
	ok(can(simple, "other", "/a.gif?x"));
	ok(!can(simple, "other", "/example/x"));
	ok(can(simple, "other", "/publications/x"));
	ok(can(simple, "FooBot/2.1", "/example/page.html"));
	ok(can(simple, "foobot", "/example/allowed.gif"));
	ok(!can(simple, "foobot", "/x"));
	ok(!can(simple, "barbot", "/example/page.html"));
	ok(!can(simple, "bazbot", "/example/page.html"));
	ok(can(simple, "bazbot", "/example/"));
	ok(can(simple, "quxbot", "/example/page.html"));
	ok(can(longest, "foobot", "/example/page/a"));
	ok(!can(longest, "foobot", "/example/page/disallowed.gif"));
}

static void
test_groups(void)
{
	ok(!can("user-agent: a\ndisallow: /x\nuser-agent: b\ndisallow: /y\nuser-agent: a\ndisallow: /z",
	    "a", "/z"));
	ok(can("user-agent: a\ndisallow: /x\nuser-agent: b\ndisallow: /y", "a", "/y"));
	ok(!can("User-agent: *\nDisallow: /\n", "a", "/x"));
	ok(can("User-agent: *\nDisallow: /\nUser-agent: a\nDisallow:\n", "a", "/x"));
	ok(can("User-agent: ab\nDisallow: /\n", "a", "/x"));
	ok(can("", "a", "/x"));
	ok(can("Disallow: /\n", "a", "/x"));	/* a rule before any group */
	ok(!can("\xef\xbb\xbfUser-agent: *\r\nDisallow: /x # why\r\n", "a", "/x"));
	ok(!can("User-agent: *\rDisallow: /x\r", "a", "/x"));
	ok(can("User-agent: *\nDisallow: /\n", "a", "/robots.txt"));
}

static void
test_patterns(void)
{
	ok(can("User-agent: *\nDisallow: /p\nAllow: /p\n", "a", "/p"));	/* Allow wins a tie */
	ok(!can("User-agent: *\nDisallow: /fish*.php$\n", "a", "/fish/x.php"));
	ok(can("User-agent: *\nDisallow: /fish*.php$\n", "a", "/fish.php5"));
	ok(!can("User-agent: *\nDisallow: /*?\n", "a", "/x?y"));
	ok(can("User-agent: *\nDisallow: /*?\n", "a", "/x"));
	ok(!can("User-agent: *\nDisallow: /$\n", "a", "/"));
	ok(can("User-agent: *\nDisallow: /$\n", "a", "/x"));
	ok(!can("User-agent: *\nDisallow: /a*a*a*b\n", "a", "/aaaaaab"));
	ok(can("User-agent: *\nDisallow: /Foo\n", "a", "/foo"));
	/* RFC 9309, 2.2.2: escapes are compared in normal form */
	ok(!can("User-agent: *\nDisallow: /foo/bar/%E3%83%84\n", "a", "/foo/bar/\xe3\x83\x84"));
	ok(!can("User-agent: *\nDisallow: /foo/bar/\xe3\x83\x84\n", "a", "/foo/bar/%e3%83%84"));
	ok(!can("User-agent: *\nDisallow: /foo/bar/%62%61%7A\n", "a", "/foo/bar/baz"));
}

static void
test_rest(void)
{
	static const char text[] = "User-agent: *\nCrawl-delay: 2.5\nDisallow: /x\n";
	struct jrobots *r = jrobots_parse(text, sizeof(text) - 1, "a");
	struct jbuf b;

	near(jrobots_delay(r), 2.5, 0);
	jrobots_free(r);
	r = jrobots_from_status(404);
	ok(jrobots_allowed(r, "/x"));
	jrobots_free(r);
	r = jrobots_from_status(503);
	ok(!jrobots_allowed(r, "/x"));
	jrobots_free(r);
	/* what lies beyond 500 KiB is not read */
	jbuf_init(&b);
	jbuf_adds(&b, "User-agent: *\nDisallow: /near\n");
	while (b.n < JROBOTS_MAX)
		jbuf_adds(&b, "# filler filler filler\n");
	jbuf_adds(&b, "Disallow: /far\n");
	ok(!can(b.p, "a", "/near"));
	ok(can(b.p, "a", "/far"));
	jbuf_release(&b);
}

/* Every real file is read without trouble; where it has no group for us and none for all, all is allowed. */
static void
test_real(void)
{
	const char *top = getenv("J_TEST_SHARED");
	struct jarena a;
	char **names, *dir;
	size_t n = 0, read = 0;

	jarena_init(&a, 0);
	dir = jfs_join(&a, top && *top ? top : "../shared", "data/robots");
	if (!jfs_is_dir(dir) || jfs_list(dir, &a, &names, &n, NULL) != 0) {
		t_skip("no data/robots");
		jarena_release(&a);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char *path = jfs_join(&a, dir, names[i]);
		struct jrobots *r;
		struct jbuf b;

		jbuf_init(&b);
		if (!jfs_is_dir(path) && jin_slurp(path, &b, NULL) == 0) {
			r = jrobots_parse(b.p, b.n, "jcollect");
			jrobots_allowed(r, "/index.html?a=b");
			read += jrobots_allowed(r, "/robots.txt");
			jrobots_free(r);
		}
		jbuf_release(&b);
	}
	ok(read > 300);
	jarena_release(&a);
}

int
main(void)
{
	test_rfc();
	test_groups();
	test_patterns();
	test_rest();
	test_real();
	return t_done();
}
