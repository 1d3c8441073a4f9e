/*
 * sniff.c - what a file is: by its first bytes, and for text by its name.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "doc/jdoc.h"

static const struct suffix {
	const char *suffix;
	enum jdoc_format format;
	const char *lang;
} suffixes[] = {
	{ ".html", JDOC_HTML, NULL }, { ".htm", JDOC_HTML, NULL }, { ".xhtml", JDOC_HTML, NULL },
	{ ".md", JDOC_MARKDOWN, NULL }, { ".markdown", JDOC_MARKDOWN, NULL },
	{ ".mdx", JDOC_MARKDOWN, NULL },
	{ ".txt", JDOC_TEXT, NULL }, { ".text", JDOC_TEXT, NULL }, { ".rst", JDOC_TEXT, NULL },
	{ ".adoc", JDOC_TEXT, NULL }, { ".asciidoc", JDOC_TEXT, NULL }, { ".org", JDOC_TEXT, NULL },
	{ ".info", JDOC_TEXT, NULL }, { ".log", JDOC_TEXT, NULL }, { ".csv", JDOC_TEXT, NULL },
	{ ".tex", JDOC_CODE, "tex" }, { ".texi", JDOC_CODE, "texinfo" },
	{ ".py", JDOC_CODE, "python" }, { ".pyi", JDOC_CODE, "python" },
	{ ".pyx", JDOC_CODE, "cython" }, { ".c", JDOC_CODE, "c" }, { ".h", JDOC_CODE, "c" },
	{ ".cc", JDOC_CODE, "cpp" }, { ".cpp", JDOC_CODE, "cpp" }, { ".cxx", JDOC_CODE, "cpp" },
	{ ".hh", JDOC_CODE, "cpp" }, { ".hpp", JDOC_CODE, "cpp" }, { ".cs", JDOC_CODE, "csharp" },
	{ ".java", JDOC_CODE, "java" }, { ".kt", JDOC_CODE, "kotlin" }, { ".go", JDOC_CODE, "go" },
	{ ".rs", JDOC_CODE, "rust" }, { ".js", JDOC_CODE, "javascript" },
	{ ".mjs", JDOC_CODE, "javascript" }, { ".jsx", JDOC_CODE, "javascript" },
	{ ".ts", JDOC_CODE, "typescript" }, { ".tsx", JDOC_CODE, "typescript" },
	{ ".css", JDOC_CODE, "css" }, { ".sh", JDOC_CODE, "shell" }, { ".bash", JDOC_CODE, "shell" },
	{ ".zsh", JDOC_CODE, "shell" }, { ".fish", JDOC_CODE, "fish" }, { ".ps1", JDOC_CODE, "powershell" },
	{ ".pl", JDOC_CODE, "perl" }, { ".pm", JDOC_CODE, "perl" }, { ".pod", JDOC_TEXT, NULL },
	{ ".rb", JDOC_CODE, "ruby" }, { ".php", JDOC_CODE, "php" }, { ".lua", JDOC_CODE, "lua" },
	{ ".r", JDOC_CODE, "r" }, { ".jl", JDOC_CODE, "julia" }, { ".hs", JDOC_CODE, "haskell" },
	{ ".ml", JDOC_CODE, "ocaml" }, { ".mli", JDOC_CODE, "ocaml" }, { ".el", JDOC_CODE, "elisp" },
	{ ".lisp", JDOC_CODE, "lisp" }, { ".scm", JDOC_CODE, "scheme" }, { ".clj", JDOC_CODE, "clojure" },
	{ ".erl", JDOC_CODE, "erlang" }, { ".ex", JDOC_CODE, "elixir" }, { ".exs", JDOC_CODE, "elixir" },
	{ ".scala", JDOC_CODE, "scala" }, { ".swift", JDOC_CODE, "swift" },
	{ ".sql", JDOC_CODE, "sql" }, { ".awk", JDOC_CODE, "awk" }, { ".sed", JDOC_CODE, "sed" },
	{ ".tcl", JDOC_CODE, "tcl" }, { ".vim", JDOC_CODE, "vim" }, { ".cmake", JDOC_CODE, "cmake" },
	{ ".mk", JDOC_CODE, "make" }, { ".f90", JDOC_CODE, "fortran" }, { ".f", JDOC_CODE, "fortran" },
	{ ".s", JDOC_CODE, "asm" }, { ".asm", JDOC_CODE, "asm" }, { ".zig", JDOC_CODE, "zig" },
	{ ".proto", JDOC_CODE, "protobuf" }, { ".yaml", JDOC_CODE, "yaml" }, { ".yml", JDOC_CODE, "yaml" },
	{ ".toml", JDOC_CODE, "toml" }, { ".ini", JDOC_CODE, "ini" }, { ".cfg", JDOC_CODE, "ini" },
	{ ".json", JDOC_CODE, "json" }, { ".xml", JDOC_CODE, "xml" }, { ".xsl", JDOC_CODE, "xml" },
	{ ".svg", JDOC_BINARY, NULL }	/* a picture, though written in letters */
};

static const struct suffix names[] = {
	{ "Makefile", JDOC_CODE, "make" }, { "GNUmakefile", JDOC_CODE, "make" },
	{ "Dockerfile", JDOC_CODE, "dockerfile" }, { "CMakeLists.txt", JDOC_CODE, "cmake" },
	{ "Rakefile", JDOC_CODE, "ruby" }, { "bashrc", JDOC_CODE, "shell" }
};

static const struct suffix interpreters[] = {
	{ "python", JDOC_CODE, "python" }, { "bash", JDOC_CODE, "shell" }, { "sh", JDOC_CODE, "shell" },
	{ "dash", JDOC_CODE, "shell" }, { "ksh", JDOC_CODE, "shell" }, { "zsh", JDOC_CODE, "shell" },
	{ "perl", JDOC_CODE, "perl" }, { "ruby", JDOC_CODE, "ruby" }, { "awk", JDOC_CODE, "awk" },
	{ "gawk", JDOC_CODE, "awk" }, { "node", JDOC_CODE, "javascript" }, { "php", JDOC_CODE, "php" },
	{ "lua", JDOC_CODE, "lua" }, { "tclsh", JDOC_CODE, "tcl" }, { "wish", JDOC_CODE, "tcl" },
	{ "sed", JDOC_CODE, "sed" }, { "make", JDOC_CODE, "make" }
};

const char *
jdoc_format_name(enum jdoc_format f)
{
	static const char *const n[] = { "auto", "binary", "html", "man", "markdown", "text", "code" };

	return n[f];
}

bool
jdoc_is_compressed(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	return (n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8) ||
	    (n >= 6 && memcmp(p, "\xfd" "7zXZ\0", 6) == 0) ||
	    (n >= 4 && memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0) ||
	    (n >= 10 && memcmp(p, "BZh", 3) == 0 && memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0);
}

/* NUL bytes or many control bytes; UTF-16 announces itself by its mark. */
static bool
is_binary(const unsigned char *p, size_t n)
{
	size_t odd = 0;

	if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return false;
	if ((n >= 5 && memcmp(p, "%PDF-", 5) == 0) || (n >= 4 && memcmp(p, "%!PS", 4) == 0))
		return true;
	if (n > 8192)
		n = 8192;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == 0)
			return true;
		/* back space and escape: formatted manuals; unit separator: Info files */
		if (p[i] < 0x20 && !(p[i] >= '\t' && p[i] <= '\r') && p[i] != '\b' &&
		    p[i] != 0x1b && p[i] != 0x1f)
			odd++;
	}
	return odd * 50 > n;
}

static bool
has_word(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= n; i++)
		if (strncasecmp(p + i, word, len) == 0)
			return true;
	return false;
}

static bool
is_html(const char *p, size_t n)
{
	size_t i = 0;

	if (n > 2048)
		n = 2048;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < n && isspace((unsigned char)p[i]))
		i++;
	if (i == n || p[i] != '<')
		return false;
	return has_word(p + i, n - i, "<!doctype html") || has_word(p + i, n - i, "<html") ||
	    has_word(p + i, n - i, "<head>") || has_word(p + i, n - i, "<body");
}

/* A macro of man(7) or mdoc(7) that begins a page, before any line of plain text. */
static bool
is_roff(const char *p, size_t n)
{
	size_t i = 0;

	if (n > 65536)
		n = 65536;
	for (int lines = 0; i < n && lines < 400; lines++) {
		const char *nl = memchr(p + i, '\n', n - i);
		size_t len = nl ? (size_t)(nl - p) - i : n - i;
		const char *s = p + i;

		i += len + 1;
		if (len == 0)
			continue;
		if (len >= 3 && s[0] == '.' && (memcmp(s + 1, "TH", 2) == 0 || memcmp(s + 1, "Dd", 2) == 0 ||
		    memcmp(s + 1, "SH", 2) == 0 || memcmp(s + 1, "Dt", 2) == 0 ||
		    memcmp(s + 1, "so", 2) == 0) && (len == 3 || s[3] == ' ' || s[3] == '\t' || s[3] == '\r'))
			return true;
		if (s[0] != '.' && s[0] != '\'' && s[0] != '\\' && lines == 0)
			return false;
	}
	return false;
}

/* By the file name alone; JDOC_AUTO if it does not tell. */
static enum jdoc_format
by_suffix(const char *name, const char **lang)
{
	const char *base = strrchr(name, '/');
	const char *dot;

	base = base ? base + 1 : name;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(base, names[i].suffix) == 0) {
			*lang = names[i].lang;
			return names[i].format;
		}
	dot = strrchr(base, '.');
	if (!dot)
		return JDOC_AUTO;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcasecmp(dot, suffixes[i].suffix) == 0) {
			*lang = suffixes[i].lang;
			return suffixes[i].format;
		}
	return JDOC_AUTO;
}

/* The interpreter of a "#!" line, "env" and version digits aside. */
static const char *
by_interpreter(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	size_t end = nl ? (size_t)(nl - p) : n, i = 2;

	if (n < 3 || p[0] != '#' || p[1] != '!')
		return NULL;
	while (i < end) {
		size_t start = i, base;

		while (i < end && p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			i++;
		base = i;
		while (base > start && p[base - 1] != '/')
			base--;
		for (size_t k = 0; k < sizeof(interpreters) / sizeof(interpreters[0]); k++) {
			size_t len = strlen(interpreters[k].suffix), rest = i - base;

			if (rest >= len && memcmp(p + base, interpreters[k].suffix, len) == 0 &&
			    (rest == len || isdigit((unsigned char)p[base + len])))
				return interpreters[k].lang;
		}
		while (i < end && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r'))
			i++;
	}
	return NULL;
}

enum jdoc_format
jdoc_sniff(const void *bytes, size_t n, const char *name, const char **code_lang)
{
	const char *p = bytes, *lang = NULL;
	enum jdoc_format named = name ? by_suffix(name, &lang) : JDOC_AUTO;

	*code_lang = NULL;
	if (is_binary(bytes, n) || named == JDOC_BINARY)
		return JDOC_BINARY;
	if (named == JDOC_CODE) {
		*code_lang = lang;
		return JDOC_CODE;
	}
	if (is_html(p, n))
		return JDOC_HTML;
	if (named == JDOC_MARKDOWN || named == JDOC_TEXT)
		return named;
	if (is_roff(p, n))
		return JDOC_MAN;
	*code_lang = by_interpreter(p, n);
	if (*code_lang)
		return JDOC_CODE;
	return named == JDOC_HTML ? JDOC_HTML : JDOC_TEXT;
}
