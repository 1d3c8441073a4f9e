/* roff_char.c - special characters of groff_char(7) by name. */
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "doc/roff.h"

static const struct {
	const char *name, *utf8;
} chars[] = {
	{ "em", "\xe2\x80\x94" }, { "en", "\xe2\x80\x93" }, { "hy", "-" }, { "-", "-" }, { "mi", "-" },
	{ "bu", "\xe2\x80\xa2" }, { "co", "\xc2\xa9" }, { "rg", "\xc2\xae" }, { "tm", "\xe2\x84\xa2" },
	{ "aq", "'" }, { "dq", "\"" }, { "lq", "\xe2\x80\x9c" }, { "rq", "\xe2\x80\x9d" },
	{ "oq", "\xe2\x80\x98" }, { "cq", "\xe2\x80\x99" }, { "Fo", "\xc2\xab" }, { "Fc", "\xc2\xbb" },
	{ "Bq", "\xe2\x80\x9e" }, { "fo", "\xe2\x80\xb9" }, { "fc", "\xe2\x80\xba" },
	{ "<=", "\xe2\x89\xa4" }, { ">=", "\xe2\x89\xa5" }, { "!=", "\xe2\x89\xa0" },
	{ "==", "\xe2\x89\xa1" }, { "~~", "\xe2\x89\x88" }, { "~=", "\xe2\x89\x88" }, { "+-", "\xc2\xb1" },
	{ "mu", "\xc3\x97" }, { "di", "\xc3\xb7" }, { "de", "\xc2\xb0" }, { "pl", "+" }, { "eq", "=" },
	{ "->", "\xe2\x86\x92" }, { "<-", "\xe2\x86\x90" }, { "<>", "\xe2\x86\x94" },
	{ "ua", "\xe2\x86\x91" }, { "da", "\xe2\x86\x93" }, { "rA", "\xe2\x87\x92" },
	{ "lA", "\xe2\x87\x90" }, { "hA", "\xe2\x87\x94" }, { "sq", "\xe2\x96\xa1" },
	{ "ci", "\xe2\x97\x8b" }, { "lz", "\xe2\x97\x8a" }, { "OK", "\xe2\x9c\x93" },
	{ "ti", "~" }, { "ha", "^" }, { "rs", "\\" }, { "sl", "/" }, { "ba", "|" }, { "bv", "|" },
	{ "br", "|" }, { "ul", "_" }, { "ru", "_" }, { "rn", "_" }, { "or", "|" }, { "bb", "\xc2\xa6" },
	{ "at", "@" }, { "sh", "#" }, { "Do", "$" }, { "Eu", "\xe2\x82\xac" }, { "eu", "\xe2\x82\xac" },
	{ "Po", "\xc2\xa3" }, { "Ye", "\xc2\xa5" }, { "ct", "\xc2\xa2" }, { "Cs", "\xc2\xa4" },
	{ "pc", "\xc2\xb7" }, { "md", "\xc2\xb7" }, { "sc", "\xc2\xa7" }, { "ps", "\xc2\xb6" },
	{ "dg", "\xe2\x80\xa0" }, { "dd", "\xe2\x80\xa1" }, { "r!", "\xc2\xa1" }, { "r?", "\xc2\xbf" },
	{ "12", "\xc2\xbd" }, { "14", "\xc2\xbc" }, { "34", "\xc2\xbe" }, { "S1", "\xc2\xb9" },
	{ "S2", "\xc2\xb2" }, { "S3", "\xc2\xb3" }, { "ga", "`" }, { "aa", "\xc2\xb4" }, { "ad", "\xc2\xa8" },
	{ "fm", "\xe2\x80\xb2" }, { "sd", "\xe2\x80\xb3" }, { "lB", "[" }, { "rB", "]" }, { "lC", "{" },
	{ "rC", "}" }, { "la", "\xe2\x9f\xa8" }, { "ra", "\xe2\x9f\xa9" }, { "ss", "\xc3\x9f" },
	{ "AE", "\xc3\x86" }, { "ae", "\xc3\xa6" }, { "OE", "\xc5\x92" }, { "oe", "\xc5\x93" },
	{ "/O", "\xc3\x98" }, { "/o", "\xc3\xb8" }, { "oA", "\xc3\x85" }, { "oa", "\xc3\xa5" },
	{ "-D", "\xc3\x90" }, { "Sd", "\xc3\xb0" }, { "TP", "\xc3\x9e" }, { "Tp", "\xc3\xbe" },
	{ "/L", "\xc5\x81" }, { "/l", "\xc5\x82" }, { ".i", "\xc4\xb1" }, { "if", "\xe2\x88\x9e" },
	{ "is", "\xe2\x88\xab" }, { "sr", "\xe2\x88\x9a" }, { "pd", "\xe2\x88\x82" }, { "gr", "\xe2\x88\x87" },
	{ "mo", "\xe2\x88\x88" }, { "nm", "\xe2\x88\x89" }, { "ca", "\xe2\x88\xa9" }, { "cu", "\xe2\x88\xaa" },
	{ "sb", "\xe2\x8a\x82" }, { "sp", "\xe2\x8a\x83" }, { "no", "\xc2\xac" }, { "AN", "\xe2\x88\xa7" },
	{ "OR", "\xe2\x88\xa8" }, { "fa", "\xe2\x88\x80" }, { "te", "\xe2\x88\x83" }, { "pr", "\xe2\x88\x9d" },
	{ "ff", "ff" }, { "fi", "fi" }, { "fl", "fl" }, { "Fi", "ffi" }, { "Fl", "ffl" },
	{ "lh", "\xe2\x98\x9c" }, { "rh", "\xe2\x98\x9e" }, { "CR", "\xe2\x86\xb5" }, { "F", "" },
	{ "*a", "\xce\xb1" }, { "*b", "\xce\xb2" }, { "*g", "\xce\xb3" }, { "*d", "\xce\xb4" },
	{ "*e", "\xce\xb5" }, { "*h", "\xce\xb8" }, { "*l", "\xce\xbb" }, { "*m", "\xce\xbc" },
	{ "*p", "\xcf\x80" }, { "*r", "\xcf\x81" }, { "*s", "\xcf\x83" }, { "*t", "\xcf\x84" },
	{ "*f", "\xcf\x86" }, { "*w", "\xcf\x89" }, { "*D", "\xce\x94" }, { "*S", "\xce\xa3" },
	{ "*W", "\xce\xa9" }, { "*P", "\xce\xa0" }
};

/* "'e" and its like: an accent and a letter. */
static const struct {
	char accent;
	const char *letters;
	const char *utf8[12];
} accents[] = {
	{ '\'', "AEIOUYaeiouy", { "\xc3\x81", "\xc3\x89", "\xc3\x8d", "\xc3\x93", "\xc3\x9a", "\xc3\x9d",
	    "\xc3\xa1", "\xc3\xa9", "\xc3\xad", "\xc3\xb3", "\xc3\xba", "\xc3\xbd" } },
	{ '`', "AEIOUaeiou", { "\xc3\x80", "\xc3\x88", "\xc3\x8c", "\xc3\x92", "\xc3\x99", "\xc3\xa0",
	    "\xc3\xa8", "\xc3\xac", "\xc3\xb2", "\xc3\xb9" } },
	{ '^', "AEIOUaeiou", { "\xc3\x82", "\xc3\x8a", "\xc3\x8e", "\xc3\x94", "\xc3\x9b", "\xc3\xa2",
	    "\xc3\xaa", "\xc3\xae", "\xc3\xb4", "\xc3\xbb" } },
	{ ':', "AEIOUaeiouy", { "\xc3\x84", "\xc3\x8b", "\xc3\x8f", "\xc3\x96", "\xc3\x9c", "\xc3\xa4",
	    "\xc3\xab", "\xc3\xaf", "\xc3\xb6", "\xc3\xbc", "\xc3\xbf" } },
	{ '~', "ANOano", { "\xc3\x83", "\xc3\x91", "\xc3\x95", "\xc3\xa3", "\xc3\xb1", "\xc3\xb5" } },
	{ ',', "Cc", { "\xc3\x87", "\xc3\xa7" } },
	{ 'v', "SZsz", { "\xc5\xa0", "\xc5\xbd", "\xc5\xa1", "\xc5\xbe" } }
};

const char *
roff_char(const char *name, size_t n, char out[8])
{
	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++)
		if (strlen(chars[i].name) == n && memcmp(chars[i].name, name, n) == 0)
			return chars[i].utf8;
	if (n == 2)
		for (size_t i = 0; i < sizeof(accents) / sizeof(accents[0]); i++) {
			const char *at = accents[i].accent == name[0] && name[1] ?
			    strchr(accents[i].letters, name[1]) : NULL;

			if (at)
				return accents[i].utf8[at - accents[i].letters];
		}
	if (n >= 5 && n <= 7 && name[0] == 'u') {
		char hex[8];
		char *end;
		unsigned long cp;
		int len;

		memcpy(hex, name + 1, n - 1);
		hex[n - 1] = '\0';
		cp = strtoul(hex, &end, 16);
		len = *end == '\0' ? jutf8_encode((uint32_t)cp, out) : 0;
		if (len > 0 && cp >= 0x20 && cp != 0x7f) {
			out[len] = '\0';
			return out;
		}
	}
	return NULL;
}
