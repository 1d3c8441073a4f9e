/* What a file is, charsets, Markdown, plain text, code, licences. */
#include "doc/jdoc.h"
#include "doc/jlicence.h"
#include "t.h"

static struct jdoc d;

static const char *
conv(const char *name, const char *s, size_t n)
{
	struct jdoc_opts o = { .name = name };
	struct jerr e = { 0 };

	if (jdoc_extract(&d, s, n, &o, &e) != 0)
		return "failed";
	return d.text.p;
}
#define CONV(name, s) conv((name), (s), sizeof(s) - 1)

static enum jdoc_format
sniff(const char *name, const char *s)
{
	const char *lang;

	return jdoc_sniff(s, strlen(s), name, &lang);
}

static void
test_sniff(void)
{
	const char *lang;

	eq_int(sniff("a.txt", "<!DOCTYPE html><p>"), JDOC_HTML);
	eq_int(sniff("x", "\n <HTML>"), JDOC_HTML);
	eq_int(sniff("a.1", ".\\\" c\n.TH A 1\n"), JDOC_MAN);
	eq_int(sniff("a.3", ".Dd today\n"), JDOC_MAN);
	eq_int(sniff("a.md", "# x"), JDOC_MARKDOWN);
	eq_int(sniff("README", "hello"), JDOC_TEXT);
	eq_int(sniff("a.svg", "<svg>"), JDOC_BINARY);
	eq_int(sniff("a", "%PDF-1.4"), JDOC_BINARY);
	eq_int(jdoc_sniff("a\0b", 3, "a.txt", &lang), JDOC_BINARY);
	eq_int(jdoc_sniff("x", 1, "d/a.py", &lang), JDOC_CODE);
	eq_str(lang, "python");
	eq_int(jdoc_sniff("#!/usr/bin/env python3\n", 23, "tool", &lang), JDOC_CODE);
	eq_str(lang, "python");
	eq_int(jdoc_sniff("#!/bin/sh\n", 10, "tool", &lang), JDOC_CODE);
	eq_str(lang, "shell");
	eq_int(jdoc_sniff("<a></a>", 7, "page.php", &lang), JDOC_CODE);
}

static const char *
utf8(const char *s, size_t n, const char *hint)
{
	static struct jbuf b;

	if (!b.p)
		jbuf_init(&b);
	jbuf_reset(&b);
	jdoc_to_utf8(s, n, hint, &b);
	return b.p;
}

static void
test_charset(void)
{
	eq_str(utf8("caf\xc3\xa9", 5, NULL), "caf\xc3\xa9");
	eq_str(utf8("caf\xe9 \x93q\x94", 8, NULL), "caf\xc3\xa9 \xe2\x80\x9cq\xe2\x80\x9d");
	eq_str(utf8("\xef\xbb\xbf" "x", 4, NULL), "x");
	eq_str(utf8("\xff\xfe" "a\0\xe9\0", 6, NULL), "a\xc3\xa9");
	eq_str(utf8("\xfe\xff" "\0a", 4, NULL), "a");
	eq_str(utf8("\xc4\xe3\xba\xc3", 4, "gb2312"), "\xe4\xbd\xa0\xe5\xa5\xbd");
	eq_str(utf8("\xcf\xf0\xe8", 3, "windows-1251"), "\xd0\x9f\xd1\x80\xd0\xb8");
	eq_str(utf8("caf\xe9", 4, "no-such-charset"), "caf\xc3\xa9");
	eq_str(utf8("\xe2\x80\x94 \xe9", 5, "utf-8"), "\xe2\x80\x94 \xc3\xa9");	/* a stray byte is kept */
	eq_str(utf8("a\x01\x00" "b", 4, NULL), "ab");
	eq_str(CONV("p.html", "<meta charset=iso-8859-2><p>\xb1"), "\xc4\x85\n");
	eq_str(CONV("p.html", "<?xml version='1.0' encoding='KOI8-R'?><html><p>\xcd"), "\xd0\xbc\n");
}

static void
test_markdown(void)
{
	eq_str(CONV("a.md", "---\ntitle: \"A b\"\ntags: x\n---\r\n\r\n\r\nText<!-- no\n-->  \n\n\n\nmore\n"),
	    "Text\n\nmore\n");
	eq_str(d.title.p, "A b");
	eq_str(CONV("a.md", "Title\n=====\n\nSub\n---\n```sh\n\n\nx  \n```\n"),
	    "# Title\n\n## Sub\n\n```sh\n\n\nx  \n```\n");
	eq_str(d.title.p, "Title");
	eq_str(CONV("a.md", "[![b](u)](v) [![c](u)](v)\n\n# X #\n\n---\n\ny\n"), "# X #\n\n---\n\ny\n");
	eq_str(d.title.p, "X");
}

static void
test_plain(void)
{
	eq_str(CONV("a.txt", "One\r\ntwo  \r\n\f\r\n\r\n\r\n\r\nthree"), "One\ntwo\n\n\nthree\n");
	eq_str(d.title.p, "One");
	eq_str(d.type, "text");
	eq_str(CONV("a.txt", "N\bNA\bA_\bx\n"), "NAx\n");
	eq_str(CONV("a.c", "int x;\r\n\r\n\r\n\r\ny\n"), "int x;\n\n\n\ny\n");
	eq_str(d.type, "code");
	eq_str(d.code_lang, "c");
	eq_str(CONV("x.info", "File: x.info,  Node: Top,  Next: A\n\nHello.\n\n* Menu:\n\n* A::  a\n\x1f\n"
	    "File: x.info,  Node: A\n\nText.\n\x1f\nTag Table:\nNode: Top\n"), "Hello.\n\n\nText.\n");
}

static void
test_compressed(void)
{
	/* gzip of "hello\n" */
	static const char gz[] = "\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20\x30\x3a\x36"
	    "\x06\0\0\0";
	struct jdoc_opts o = { .name = "a.txt.gz", .max_bytes = 3 };
	struct jerr e = { 0 };

	eq_str(CONV("a.txt.gz", gz), "hello\n");
	eq_int(jdoc_extract(&d, gz, sizeof(gz) - 1, &o, &e), JERR_LIMIT);
	ok(jdoc_extract(&d, gz, 20, &(struct jdoc_opts){ .name = "a.gz" }, &e) < 0);
}

static const char *
licence(const char *s)
{
	static struct jbuf b;

	if (!b.p)
		jbuf_init(&b);
	jbuf_reset(&b);
	jlicence_from_copyright(s, strlen(s), &b);
	return b.p;
}

static void
test_licence(void)
{
	eq_str(licence("Format: https://x\n\nFiles: debian/*\nLicense: GPL-3\n\nFiles: lib/*\nLicense: BSD\n\n"
	    "Files: *\nCopyright: me\nLicense: MIT\n text\n\nLicense: GPL-3\n long\n"), "MIT");
	eq_str(licence("Format: https://x\n\nFiles: a/*\nLicense: A\n\nFiles: b/*\nLicense: B\n"), "A AND B");
	eq_str(licence("This is under the PSF LICENSE\nAGREEMENT FOR PYTHON 3"), "Python-2.0");
	eq_str(licence("Permission is hereby granted, free of charge, to"), "MIT");
	eq_str(licence("ask the author"), "see copyright");
	eq_str(licence(""), "see copyright");
}

int
main(void)
{
	jdoc_init(&d);
	test_sniff();
	test_charset();
	test_markdown();
	test_plain();
	test_compressed();
	test_licence();
	jdoc_release(&d);
	return t_done();
}
