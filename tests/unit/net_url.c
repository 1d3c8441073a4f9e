/* URLs: normal form, refusals, and the resolution examples of RFC 3986, section 5.4. */
#include "net/jurl.h"
#include "t.h"

static struct jurl u;

static const char *
norm(const char *s)
{
	struct jerr e = { 0 };

	return jurl_parse(&u, s, &e) == 0 ? u.text.p : "refused";
}

static const char *
resolve(const char *ref)
{
	struct jurl base;
	struct jerr e = { 0 };
	int rc;

	jurl_init(&base);
	rc = jurl_parse(&base, "http://a/b/c/d;p?q", &e);
	if (rc == 0)
		rc = jurl_resolve(&u, &base, ref, &e);
	jurl_release(&base);
	return rc == 0 ? u.text.p : "refused";
}

static void
test_norm(void)
{
	eq_str(norm("HTTP://Example.ORG:80"), "http://example.org/");
	eq_str(norm("https://x.org:443/a/./b/../c?q#f"), "https://x.org/a/c?q");
	eq_str(norm("https://x.org:8443/%7euser/%c3%a9/\xc3\xa9"), "https://x.org:8443/~user/%C3%A9/%C3%A9");
	eq_str(norm("http://x.org/a b?c d"), "http://x.org/a%20b?c%20d");
	eq_str(norm("http://x.org?q"), "http://x.org/?q");
	eq_str(norm("http://x.org/%2f/%zz"), "http://x.org/%2F/%25zz");
	eq_str(norm("http://[::1]:81/"), "http://[::1]:81/");
	eq_str(norm("http://x.org/../../a"), "http://x.org/a");
	eq_int(u.port, 80);
	eq_str(norm("ftp://x.org/"), "refused");
	eq_str(norm("file:///etc/passwd"), "refused");
	eq_str(norm("http://user@x.org/"), "refused");
	eq_str(norm("http:///a"), "refused");
	eq_str(norm("http://x.org:0/"), "refused");
	eq_str(norm("http://x.org:99999/"), "refused");
	eq_str(norm("http://x y/"), "refused");
	eq_str(norm("http://[::1/"), "refused");
	eq_str(norm("http://x:1:2/"), "refused");
	eq_str(norm("http://x.org/\n"), "refused");
}

static void
test_resolve(void)
{
	static const char *const cases[][2] = {
		{ "g", "http://a/b/c/g" }, { "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" }, { "//g", "http://g/" }, { "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" }, { "#s", "http://a/b/c/d;p?q" }, { "g#s", "http://a/b/c/g" },
		{ ";x", "http://a/b/c/;x" }, { "g;x", "http://a/b/c/g;x" }, { "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" }, { "./", "http://a/b/c/" }, { "..", "http://a/b/" },
		{ "../g", "http://a/b/g" }, { "../..", "http://a/" }, { "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" }, { "../../../../g", "http://a/g" }, { "/./g", "http://a/g" },
		{ "/../g", "http://a/g" }, { "g.", "http://a/b/c/g." }, { ".g", "http://a/b/c/.g" },
		{ "g..", "http://a/b/c/g.." }, { "..g", "http://a/b/c/..g" }, { "./../g", "http://a/b/g" },
		{ "./g/.", "http://a/b/c/g/" }, { "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" }, { "g?y/./x", "http://a/b/c/g?y/./x" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" }, { "g:h", "refused" },
		{ "javascript:alert(1)", "refused" }, { " g\n", "http://a/b/c/g" }
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		eq_str(resolve(cases[i][0]), cases[i][1]);
}

int
main(void)
{
	jurl_init(&u);
	test_norm();
	test_resolve();
	jurl_release(&u);
	return t_done();
}
