/* HTML to Markdown: inline joins, blocks, lists, tables, documented objects, what is left out. */
#include "doc/jdoc.h"
#include "t.h"

static struct jdoc d;

static const char *
text(const char *html)
{
	struct jdoc_opts o = { .name = "page.html", .format = JDOC_HTML };
	struct jerr e = { 0 };

	if (jdoc_extract(&d, html, strlen(html), &o, &e) != 0)
		return "failed";
	return d.text.p;
}

static void
test_inline(void)
{
	eq_str(text("<p>Use <code>foo()</code> to run it.</p>"), "Use `foo()` to run it.\n");
	eq_str(text("<p>a<b>b</b>c <i> d </i>e</p>"), "a**b**c *d* e\n");
	eq_str(text("<p>one\n\t two&nbsp;three&#8212;four &lt;x&gt; &amp;amp;</p>"),
	    "one two three\xe2\x80\x94" "four <x> &amp;\n");
	eq_str(text("<p>so<wbr>ft&shy;hyphen zero\xe2\x80\x8bwidth</p>"), "softhyphen zerowidth\n");
	eq_str(text("<p>line<br>break</p><div>x</div><div>y</div>"), "line\nbreak\n\nx\ny\n");
	eq_str(text("<p><strong><code>x</code></strong> <em></em><code>a ` b</code></p>"),
	    "`x` `` a ` b ``\n");
	eq_str(text("<p>x<sup>2</sup> H<sub>2</sub>O <q>so</q></p>"), "x^2 H_2O \"so\"\n");
	eq_str(text("<p>a <a href='u'>link</a>, b<span>c</span>d</p>"), "a link, bcd\n");
	eq_str(text("<b>bold<div>across</div>blocks</b>"), "**bold**\n**across**\n**blocks**\n");
}

static void
test_headings_code(void)
{
	eq_str(text("<h1>A <code>b</code><a class=headerlink href='#a'>\xc2\xb6</a><a href='#b'>#</a></h1><h3><b>C</b></h3>"
	    "<p>t</p>"), "# A `b`\n\n### C\n\nt\n");
	eq_str(text("<div class='highlight-python3 notranslate'><div class=highlight><pre><span></span>"
	    "<span class=gp>&gt;&gt;&gt; </span>f(1,\n...   2)\n\n3\n</pre></div></div>"),
	    "```python\n>>> f(1,\n...   2)\n\n3\n```\n");
	eq_str(text("<pre><code class='language-js'>\nlet a = `x`;\n```\n</code></pre>"),
	    "````js\nlet a = `x`;\n```\n````\n");
	eq_str(text("<pre>\n  kept  \tas is\n</pre><p>x"), "```\n  kept  \tas is\n```\n\nx\n");
	eq_str(text("<div class=highlight-default><pre>x</pre></div>"), "```\nx\n```\n");
	eq_str(text("<blockquote><p>a<p>b</blockquote>"), "> a\n>\n> b\n");
	eq_str(text("<blockquote><pre>int x;</pre></blockquote>"), "```\nint x;\n```\n");
}

static void
test_lists(void)
{
	eq_str(text("<ul><li>a<li><p>b</p><ul><li>c</ul><li>d</ul><p>e"),
	    "- a\n- b\n  - c\n- d\n\ne\n");
	eq_str(text("<ol start=9><li>a<li>b<pre>x\ny</pre></ol>"),
	    "9. a\n10. b\n\n    ```\n    x\n    y\n    ```\n");
	eq_str(text("<ul><li></li><li><p>a</p><p>b</p></li></ul>"), "- a\n\n  b\n");
	eq_str(text("<dl><dt>-a</dt><dt>--all</dt><dd><p>All of it.</p><p>Really.</p></dd>"
	    "<dt>x</dt><dd>y</dd></dl>"),
	    "**-a, --all**\nAll of it.\n\nReally.\n\n**x**\ny\n");
}

static void
test_objects(void)
{
	eq_str(text("<h2>Usage</h2><dl class='py class'><dt class='sig sig-object py' id='m.C'>"
	    "<em class=property>class </em>m.<b>C</b>( <em>a</em>, b )<a class=headerlink>\xc2\xb6</a></dt>"
	    "<dd><p>Text.</p><dl class='py method'><dt class=sig id='m.C.f'>f()</dt><dd>Sub.</dd></dl></dd>"
	    "</dl><dl class=function><dt id='m.g'>g()</dt><dd>G.</dd></dl>"),
	    "## Usage\n\n### `class m.C(a, b)`\n\nText.\n\n#### `f()`\n\nSub.\n\n### `g()`\n\nG.\n");
	eq_str(text("<meta name=generator content='DocBook XSL'><h3>S</h3><dl class=variablelist>"
	    "<dt id=GUC-FSYNC><span class=term><code>fsync</code> (<code>boolean</code>)</span> "
	    "<a class=id_link>#</a></dt><dd><p>On.</p></dd><dt><span class=term><code>-D d</code><br/></span>"
	    "<span class=term><code>--dir=d</code></span></dt><dd><p>Dir.</p></dd></dl>"),
	    "### S\n\n#### `fsync (boolean)`\n\nOn.\n\n**-D d, --dir=d**\nDir.\n");
	eq_str(text("<dl class=glossary><dt id=term-x>x</dt><dd>y</dd></dl>"), "**x**\ny\n");
}

static void
test_tables(void)
{
	eq_str(text("<table><tr><th>A</th><th>B</th></tr><tr><td>1|2</td><td><p>x</p><p>y</p></td></tr>"
	    "</table>"), "| A | B |\n| --- | --- |\n| 1\\|2 | x y |\n");
	eq_str(text("<table><tr><td>a</td><td rowspan=2>b</td></tr><tr><td>c</td></tr></table>"),
	    "| | |\n| --- | --- |\n| a | b |\n| c | |\n");
	eq_str(text("<table><thead><tr><th colspan=2>T</th></tr></thead><tbody><tr><td>a<td>b"
	    "</table>"), "| T | |\n| --- | --- |\n| a | b |\n");
	eq_str(text("<table><tr><th>F</th></tr><tr><td><p>a</p><p>b</p></td></tr><tr><td>c</td></tr></table>"),
	    "- a\n\n  b\n- c\n");
	eq_str(text("<table><tr><td>just</td><td>layout</td></tr></table>"), "just\n\nlayout\n");
	eq_str(text("<table class=highlighttable><tr><td class=linenos><pre>1\n2</pre></td><td class=code>"
	    "<div class='highlight-c'><pre>a\nb</pre></div></td></tr></table>"), "```c\na\nb\n```\n");
}

static void
test_noise(void)
{
	static const char page[] = "<!DOCTYPE html><html lang=en-GB><head><meta charset=utf-8>"
	    "<title>json \xe2\x80\x94 JSON \xe2\x80\x94 Python docs</title>"
	    "<link rel=canonical href='https://x.org/json.html'>"
	    "<meta name=generator content='Docutils 0.19'></head><body><div class=related>nav</div>"
	    "<div class=document><div class=bodywrapper><div class=body role=main><h1>json</h1>"
	    "<p>Text.</p><script>var x;</script><style>p{}</style></div></div></div>"
	    "<div class=sphinxsidebar>side</div><footer>foot</footer></body></html>";

	eq_str(text(page), "# json\n\nText.\n");
	eq_str(d.title.p, "json \xe2\x80\x94 JSON");
	eq_str(d.lang.p, "en-GB");
	eq_str(d.url.p, "https://x.org/json.html");
	eq_str(d.type, "docs");
	eq_str(text("<p hidden>no</p><p style='display: none'>no</p><nav>no</nav><p>yes"), "yes\n");
	eq_str(text("<div class='admonition note'><p class=admonition-title>Note</p><p>Mind.</p></div>"),
	    "**Note**\nMind.\n");
	eq_str(text(""), "");
	eq_str(text("<html><body></body></html>"), "");
}

/* The article wins over the frame around it. */
static void
test_article(void)
{
	struct jbuf b;

	jbuf_init(&b);
	jbuf_adds(&b, "<html><body><div id=menu><ul><li><a href=a>Home</a><li><a href=b>News</a></ul></div>"
	    "<div class=page><div class=story-text><h2>Head</h2>");
	for (int i = 0; i < 6; i++)
		jbuf_adds(&b, "<p>A long paragraph, with commas, and words enough that it counts as text of an "
		    "article rather than as a part of the frame around it.</p>");
	jbuf_adds(&b, "</div><div class=related-links><a href=x>Other</a></div></div>"
	    "<div class=comments><p>First!</p></div></body></html>");
	ok(strstr(text(b.p), "A long paragraph") != NULL);
	ok(strstr(d.text.p, "Head") != NULL);
	ok(strstr(d.text.p, "Home") == NULL);
	ok(strstr(d.text.p, "First!") == NULL);
	ok(strstr(d.text.p, "Other") == NULL);
	jbuf_release(&b);
}

/* Nesting without end neither overflows nor hangs, and is reported. */
static void
test_depth(void)
{
	struct jbuf b;

	jbuf_init(&b);
	for (int i = 0; i < 20000; i++)
		jbuf_adds(&b, "<div><ul><li><blockquote>");
	jbuf_adds(&b, "deep");
	(void)text(b.p);
	ok(d.cut);
	jbuf_release(&b);
}

int
main(void)
{
	jdoc_init(&d);
	test_inline();
	test_headings_code();
	test_lists();
	test_objects();
	test_tables();
	test_noise();
	test_article();
	test_depth();
	jdoc_release(&d);
	return t_done();
}
