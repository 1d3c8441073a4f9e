/* man(7), mdoc(7) and tbl(1) to Markdown. */
#include "doc/jdoc.h"
#include "t.h"

static struct jdoc d;

static const char *
text(const char *page)
{
	struct jdoc_opts o = { .format = JDOC_MAN };
	struct jerr e = { 0 };

	if (jdoc_extract(&d, page, strlen(page), &o, &e) != 0)
		return "failed";
	return d.text.p;
}

static void
test_man(void)
{
	eq_str(text(".\\\" comment\n.TH cp 1 2020-01-01\n.SH NAME\ncp \\- copy \\(em files\n"),
	    "# cp(1)\n\n## NAME\n\ncp - copy \xe2\x80\x94 files\n");
	eq_str(d.title.p, "cp(1)");
	eq_str(text(".SH OPTIONS\n.TP\n.BR \\-a \", \" \\-\\-all\nAll\n.B very\nof \\fIit\\fP.\n"
	    ".TP\n.BI \\-o \" file\"\nOut.\n"),
	    "## OPTIONS\n\n**-a, --all**\nAll **very** of *it*.\n\n**-o file**\nOut.\n");
	eq_str(text(".SH A\none\ntwo\n.PP\nthree\n.br\nfour\n\nfive\n"),
	    "## A\n\none two\n\nthree\nfour\n\nfive\n");
	eq_str(text(".SH E\n.nf\nint  x;\n\n  y(\\(aqa\\(aq);\n.fi\nafter\n"),
	    "## E\n\n```\nint  x;\n\n  y('a');\n```\n\nafter\n");
	eq_str(text(".SH SYNOPSIS\n.B ls\n[\\fIOPTION\\fR]...\n.br\n.B ls --help\n.SH D\nx\n"),
	    "## SYNOPSIS\n\n```\nls [OPTION]...\nls --help\n```\n\n## D\n\nx\n");
	eq_str(text(".SH L\n.IP \\(bu 2\none\n.IP \\(bu\ntwo\n.PP\nend\n"),
	    "## L\n\n- one\n- two\n\nend\n");
	eq_str(text(".SH L\n.IP 1. 4\none\n.IP 2.\ntwo\n"), "## L\n\n1. one\n2. two\n");
	eq_str(text(".SH F\n.TP\n.B \\-\nminus\n"), "## F\n\n**-**\nminus\n");
	eq_str(text(".SH T\n.TP\na\nA.\n.RS\n.TP\nb\nB.\n.RE\n.PP\nc\n"),
	    "## T\n\n**a**\nA.\n\n  **b**\n  B.\n\nc\n");
	eq_str(text(".SH S\na \\e b \\fBc\\fR\\c\nd\\&.e \\(co \\[u00E9] \\('e\n"),
	    "## S\n\na \\ b **c**d.e \xc2\xa9 \xc3\xa9 \xc3\xa9\n");
}

static void
test_roff(void)
{
	eq_str(text(".ds Nm tool\n.de XX\n\\fI\\\\$1\\fP!\n..\n.SH S\nthe \\*(Nm\n.XX \"a b\"\n"),
	    "## S\n\nthe tool *a b*!\n");
	eq_str(text(".SH S\n.if t no\n.if n yes\n.ie 'a'b' no\n.el also\n.if !'x'y' \\{\\\nin\n.\\}\n"),
	    "## S\n\nyes also in\n");
	eq_str(text(".SH S\n.ig\nhidden\n..\n.nr x 3\n.if \\nx>2 big\n.if (\\nx=4):(1=2) \\{\nno\n.\\}\nend\n"),
	    "## S\n\nbig end\n");
	eq_str(text(".de a\n.a\n..\n.SH S\n.a\nend\n"), "## S\n\nend\n");	/* a macro that calls itself */
	eq_str(text(".SH T\n.TS\ntab(:);\nlb lb\nl l.\nA:B\n_\n1:T{\ntwo\n.B words\nT}\n.TE\nend\n"),
	    "## T\n\n| A | B |\n| --- | --- |\n| 1 | two **words** |\n\nend\n");
	(void)text(".so man3/printf.3\n");
	eq_str(d.alias.p, "man3/printf.3");
}

static void
test_mdoc(void)
{
	static const char page[] = ".Dd January 1, 2020\n.Dt TOOL 1\n.Os\n.Sh NAME\n.Nm tool\n"
	    ".Nd do things\n.Sh SYNOPSIS\n.Nm\n.Op Fl ab\n.Op Fl o Ar file\n.Nm\n.Fl h\n"
	    ".Sh DESCRIPTION\nThe\n.Nm\nutility calls\n.Xr printf 3 ,\nand\n.Pq see Em here .\n.Pp\n"
	    ".Bl -tag -width x\n.It Fl a , Fl Fl all\nAll of\n.Ar it .\n.It Ev HOME\nPlace.\n.El\n"
	    ".Bd -literal\n  x = 1;\n.Ed\n.Bl -bullet\n.It\none\n.It\ntwo\n.El\n";

	eq_str(text(page), "# tool(1)\n\n## NAME\n\n**tool** \xe2\x80\x94 do things\n\n## SYNOPSIS\n\n"
	    "```\ntool [-ab] [-o file]\ntool -h\n```\n\n## DESCRIPTION\n\nThe **tool** utility calls "
	    "printf(3), and (see *here*).\n\n**-a, --all**\nAll of *it*.\n\n**HOME**\nPlace.\n\n"
	    "```\n  x = 1;\n```\n\n- one\n- two\n");
}

int
main(void)
{
	jdoc_init(&d);
	test_man();
	test_roff();
	test_mdoc();
	jdoc_release(&d);
	return t_done();
}
