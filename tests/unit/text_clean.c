/* Line rules, lists of addresses, licences, comments: each on texts worked out by hand. */
#include "t.h"

#include "text/jclean.h"
#include "text/jcomments.h"
#include "text/jlicences.h"
#include "text/jabout.h"
#include "text/jpage.h"
#include "text/jsignal.h"
#include "text/jurls.h"

static void
cleans(const char *rules, const char *text, const char *want, uint64_t words, uint64_t kept)
{
	struct jclean_counts c;
	struct jbuf out;

	jbuf_init(&out);
	jclean_text(jclean_find(rules), text, strlen(text), &out, &c);
	eq_str(out.p, want);
	eq_int((long long)c.words, (long long)words);
	eq_int((long long)c.kept_words, (long long)kept);
	jbuf_release(&out);
}

static void
c4(void)
{
	char wide[1200];

	cleans("c4", "One two three four five.", "One two three four five.", 5, 5);
	cleans("c4", "One two three four.", "", 4, 0);
	cleans("c4-paper", "One two three.", "One two three.", 3, 3);
	cleans("c4-paper", "He said 'one two'", "He said 'one two'", 4, 4);
	cleans("c4", "No stop at the end of it\nOne of the lines has one.\r\nThat ends in three dots here...\nDoes it \"end so?\"",
		"One of the lines has one.", 23, 6);
	cleans("c4", "Please enable JavaScript to see it.\nWe use cookies to see you better.\nA line that may stay here!",
		"A line that may stay here!", 19, 6);
	cleans("c4", "It is known [12] that it is so.[3]", "It is known  that it is so.", 8, 7);
	cleans("c4", "A section [edit] of a page [citation needed].", "A section  of a page .", 8, 6);
	/* what drops the page by a later rule stays for that rule to see */
	cleans("c4", "Our privacy policy { is here for you.", "Our privacy policy { is here for you.", 8, 8);
	cleans("c4", "Lorem ipsum says javascript about it here.", "Lorem ipsum says javascript about it here.", 7, 7);
	memset(wide, 'x', 1100);
	strcpy(wide + 1100, " and four other words.");
	cleans("c4", wide, "", 5, 0);
	ok(jclean_find("nonsense") == NULL);
}

static void
refinedweb(void)
{
	cleans("refinedweb", "A line of text.\n\n\n\nAnother one of them.\n", "A line of text.\n\nAnother one of them.", 8, 8);
	cleans("refinedweb", "A line of text.\n\nHome\n\nAnother one of them.\nAnd more.", "A line of text.\n\nAnother one of them.\nAnd more.", 11, 10);
	cleans("refinedweb", "See http://x.org/a?b for more, or www.x.org too", "See for more, or too", 5, 5);
	cleans("refinedweb", "BUY THIS NOW AND SAVE\nIBM and HP are names", "IBM and HP are names", 10, 5);
	cleans("refinedweb", "1 2 3\n12,345 likes\n(3.4k views)\n7 likes were given\n12 shares!\n1 like it", "1 2 3\n7 likes were given\n1 like it", 16, 10);
	cleans("refinedweb", "There are 3 items in cart today\nWhat came of it all Read more...\nSign-in to see it",
		"There are 3 today\nWhat came of it all\nto see it", 18, 12);
	cleans("refinedweb", "Sign-in Read more...\nSign-in is not cut off this line of eleven words in all\nsign-in now",
		"Sign-in is not cut off this line of eleven words in all\nnow", 17, 13);
}

static bool
listed(const struct jurls *u, const char *uri, uint32_t words, uint32_t soft)
{
	struct jurls_hits h;

	ok(jurls_match(u, uri, strlen(uri), &h));
	eq_int(h.words, words);
	eq_int(h.soft, soft);
	return h.listed;
}

static void
urls(void)
{
	static const char *const lines[] = { "# a list", "", "Example.com", "  forum.test.org/board # adult", "10.1.2.3",
		"casino", "~poker", "~free-money", "*pr0n*", "www.dash-board.net" };
	struct jurls *u = jurls_new();
	struct jurls_hits h;
	struct jerr e = { 0 };
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		eq_int(jurls_add(u, lines[i], strlen(lines[i]), &e), 0);
	ok(jurls_add(u, "*x", 2, &e) < 0);
	ok(jurls_add(u, "~", 1, &e) < 0);
	ok(jurls_add(u, "---", 3, &e) < 0);
	jurls_free(u);

	u = jurls_new();
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		jurls_add(u, lines[i], strlen(lines[i]), &e);
	eq_int(jurls_finish(u, &e), 0);
	eq_int((long long)jurls_count(u), 8);
	ok(listed(u, "http://example.com", 0, 0));
	ok(listed(u, "https://www.EXAMPLE.com:8080/a/b?c#d", 0, 0));
	ok(listed(u, "https://user@deep.sub.example.com./x", 0, 0));
	ok(!listed(u, "https://notexample.com/", 0, 0));
	ok(!listed(u, "https://example.com.evil.net/", 0, 0));
	ok(!listed(u, "https://other.net/?q=example.com", 0, 0));
	ok(listed(u, "http://forum.test.org/board/7?x", 0, 0));
	ok(listed(u, "http://forum.test.org/board", 0, 0));
	ok(!listed(u, "http://forum.test.org/boards", 0, 0));
	ok(!listed(u, "http://test.org/board", 0, 0));
	ok(listed(u, "http://10.1.2.3/", 0, 0));
	ok(!listed(u, "http://210.1.2.3/", 0, 0));
	ok(listed(u, "http://dash-board.net/", 0, 0));
	ok(!listed(u, "http://a.org/best_casino/x", 1, 0));
	ok(!listed(u, "http://a.org/occasinoal", 0, 0));
	ok(!listed(u, "http://poker.org/free_money", 0, 2));
	ok(!listed(u, "http://bestPR0Nsite.org/", 1, 0));
	ok(!jurls_match(u, "deb:python3-doc/html/index.html", 31, &h));
	ok(!jurls_match(u, "http://", 7, &h));
	jurls_free(u);
}

static bool
allows(const char *wanted, const char *s)
{
	return jlicences_allow(wanted, s, strlen(s));
}

static void
licences(void)
{
	ok(allows("permissive", "MIT"));
	ok(allows("permissive", "Apache-2.0"));
	ok(allows("permissive", "BSD-3-clause"));
	ok(allows("permissive", "PSF-2"));
	ok(allows("permissive", "CC-BY-4.0"));
	ok(!allows("permissive", "CC-BY-NC-4.0"));
	ok(!allows("permissive", "CC-BY-SA-4.0"));
	ok(!allows("permissive", "GPL-2+"));
	ok(!allows("permissive", ""));
	ok(!allows("permissive", "see copyright"));
	ok(allows("permissive", "GPL-2+ or MIT"));
	ok(!allows("permissive", "GPL-2+ and MIT"));
	ok(!allows("permissive", "MIT AND GPL-3"));
	ok(allows("permissive", "Expat AND BSD-2-Clause"));
	ok(allows("permissive", "(MIT or GPL-2) and ISC"));
	ok(!allows("permissive", "(MIT and GPL-2) or LGPL-2.1"));
	ok(!allows("permissive", "BSD-3-clause, GPL-2+"));
	ok(allows("gpl,mit", "GPL-2+ with OpenSSL exception"));
	ok(!allows("gpl", "LGPL-2.1"));
	ok(!allows("mit", "MITRE"));
	ok(allows("cc-by-sa", "CC-BY-SA-3.0"));
	ok(allows("permissive,gpl", "GPL-3.0-or-later AND MIT"));
	ok(!allows("permissive", "((((((((((((((((((((MIT"));
}

static uint64_t
comments(const char *lang, const char *text)
{
	uint64_t n = 12345;

	ok(jcomments_bytes(lang, text, strlen(text), &n));
	return n;
}

static void
code(void)
{
	static const char html[] = "<p>a  b</p><script>if (a<b) x</script>c<style>q</style> &lt; 1 < 2";
	uint64_t n;

	eq_int((long long)comments("c", "int x; // one\nchar *s = \"// no\"; /* two\n */ y"), 6 + 10);
	eq_int((long long)comments("python", "# a\nx = '# no'\n\"\"\"doc\nstring\"\"\"\ny = \"\"\"no\"\"\"\n"), 3 + 16);
	eq_int((long long)comments("shell", "echo $# a#b # c\n"), 3);
	eq_int((long long)comments("sql", "select 1; -- x\n/* y */"), 4 + 7);
	eq_int((long long)comments("html", "<p>a</p><!-- c -->"), 10);
	eq_int((long long)comments("c", "/* never ends"), 13);
	ok(!jcomments_bytes("brainfuck", "x", 1, &n));
	ok(!jcomments_bytes(" c", "x", 1, &n));
	ok(!jcomments_bytes("", "x", 1, &n));
	eq_int((long long)jcomments_html_text(html, strlen(html)), 15);
}

static void
search(void)
{
	ok(jclean_has("See JavaScript here", 19, "javascript"));
	ok(!jclean_has("See JavaScrip", 13, "javascript"));
	ok(jclean_has("in 2024", 7, "2024"));
	ok(jclean_has("a", 1, "a") && !jclean_has("", 0, "a") && !jclean_has("a", 1, ""));
	ok(jclean_has("xxaxab", 6, "ab") && jclean_has("COOKIES", 7, "cookies"));
	ok(jclean_begins("Test", 4, "test") && !jclean_begins("tes", 3, "test"));
}

static double
measure(struct jpage *pg, const char *name, const char *text)
{
	ok(jpage_read(pg, text, strlen(text), NULL) == 0);
	return jsignal_find(name)->measure(pg);
}

static void
signals(void)
{
	struct jabout about = JABOUT_INIT;
	struct jpage *pg = jpage_new();

	near(measure(pg, "sentences", "One. Two!\n\"Three\"\nFour?"), 4, 0);
	near(measure(pg, "word_entropy", "a b a b"), log(2), 1e-12);
	near(measure(pg, "word_entropy", "a a a"), 0, 0);
	near(measure(pg, "caps_words", "NASA and the EU, I say Éa ÉA"), 3.0 / 8, 1e-12);
	near(measure(pg, "number_lines", "12 34\nx 1\n5"), 2.0 / 3, 1e-12);
	near(measure(pg, "upper_lines", "ABC d\nab C"), 0.5, 1e-12);
	near(measure(pg, "javascript_lines", "No JavaScript\nhere"), 0.5, 1e-12);
	near(measure(pg, "list_case", "The List Of Many Names And Other Things That Stand Here Today. An end."), 0.5, 1e-12);
	ok(isnan(measure(pg, "comment_share", "# x")));
	ok(isnan(measure(pg, "removed_words", "x")));
	pg->about = &about;
	about.code_lang = "python";
	near(measure(pg, "comment_share", "# x\ny=1\n"), 3.0 / 8, 1e-12);
	near(measure(pg, "code_max_line", "abcde\nfg"), 5, 0);
	ok(isnan(measure(pg, "data_lines", "a\nb")));
	about.code_lang = "json";
	near(measure(pg, "data_lines", "a\nb"), 2, 0);
	ok(isnan(measure(pg, "code_max_line", "abcde")));
	ok(isnan(measure(pg, "url_listed", "x")));
	ok(isnan(measure(pg, "licence_wanted", "x")));
	jpage_free(pg);
}

int
main(void)
{
	search();
	signals();
	c4();
	refinedweb();
	urls();
	licences();
	code();
	return t_done();
}
