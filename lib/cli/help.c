#include <stdio.h>
#include <string.h>

#include "base/jsys.h"
#include "cli/internal.h"

/* Versions of the libraries as compiled against: asking them at run time would load them all. */
#ifdef __has_include
#if __has_include(<histedit.h>)
#include <histedit.h>
#endif
#if __has_include(<zstd.h>)
#include <zstd.h>
#endif
#if __has_include(<zlib.h>)
#include <zlib.h>
#endif
#if __has_include(<lzma.h>)
#include <lzma.h>
#endif
#if __has_include(<json-c/json_c_version.h>)
#include <json-c/json_c_version.h>
#elif __has_include(<json_c_version.h>)
#include <json_c_version.h>
#endif
#if __has_include(<curl/curlver.h>)
#include <curl/curlver.h>
#endif
#if __has_include(<archive.h>)
#include <archive.h>
#endif
#if __has_include(<libxml/xmlversion.h>)
#include <libxml/xmlversion.h>
#endif
#if __has_include(<utf8proc.h>)
#include <utf8proc.h>
#endif
#endif
#include <xxhash.h>
#include <yaml.h>

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)
#define HELP_COLUMN 28
#define HELP_WIDTH 80

/* Prints text from column `at` on, broken at spaces, later lines indented to HELP_COLUMN. */
static void
print_wrapped(const char *text, int at)
{
	const char *word = text;
	int n;

	if (at > HELP_COLUMN - 2) {
		putchar('\n');
		at = 0;
	}
	at += printf("%*s", HELP_COLUMN - at, "");
	while (*word) {
		n = (int)strcspn(word, " ");
		if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH) {
			printf("\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		at += printf("%s%.*s", at > HELP_COLUMN ? " " : "", n, word);
		word += n + strspn(word + n, " ");
	}
	putchar('\n');
}

static void
add_default(const struct option *option, struct jbuf *help)
{
	const struct jopt *o = option->o;
	struct jopt_list *list = o->value;
	size_t i;

	if (option->from != FROM_DEFAULT)
		return;
	if (o->type == JOPT_BOOL) {
		if (*(bool *)o->value)
			jbuf_printf(help, " (default; --no-%s)", o->name);
		return;
	}
	if (o->type == JOPT_LIST ? !list->n : o->type == JOPT_STR && !*(const char **)o->value)
		return;
	if (o->type == JOPT_STR && !**(const char **)o->value)
		return;
	jbuf_adds(help, " (default ");
	for (i = 0; i < (o->type == JOPT_LIST ? list->n : 1); i++) {
		jbuf_adds(help, i ? " " : "");
		option_format(o, i, help);
	}
	jbuf_addc(help, ')');
}

static void
print_option(const struct option *option)
{
	const struct jopt *o = option->o;
	struct jbuf b;
	int at;

	jbuf_init(&b);
	jbuf_printf(&b, o->letter ? "  -%c, " : "      ", o->letter);
	jbuf_printf(&b, "--%s", o->name);
	if (o->alone)
		jbuf_printf(&b, "[=%s]", o->arg);
	else if (o->type != JOPT_BOOL)
		jbuf_printf(&b, " %s%s", o->arg ? o->arg : "VALUE", o->many ? " ..." : "");
	at = printf("%s", b.p);
	jbuf_reset(&b);
	jbuf_adds(&b, o->help ? o->help : "");
	if (o->choices && !(o->arg && strcmp(o->arg, o->choices) == 0))
		jbuf_printf(&b, ": %s", o->choices);
	add_default(option, &b);
	print_wrapped(b.p, at);
	jbuf_release(&b);
}

/* `jupiter swarm --help` shows the verbs that begin with "swarm ". */
static bool
in_group(const struct jcli *cli, const struct jverb *v)
{
	size_t n = cli->group ? strlen(cli->group) : 0;

	return n == 0 || (strncmp(v->name, cli->group, n) == 0 && v->name[n] == ' ');
}

static void
print_usage(const struct jcli *cli)
{
	const struct jtool *t = cli->tool;
	const char *args = t->args ? t->args : "[options]";

	if (cli->verb)
		printf("usage: %s %s %s\n\n%s\n", t->name, cli->verb->name,
			cli->verb->args ? cli->verb->args : "[options]", cli->verb->summary);
	else
		printf("usage: %s %s\n\n%s\n", t->name,
			t->verbs && !t->run && !t->args ? "VERB [options] ..." : args, t->summary);
}

static void
print_verbs(const struct jcli *cli)
{
	const struct jverb *v;

	printf("\nVerbs (%s VERB --help tells more):\n", cli->tool->name);
	for (v = cli->tool->verbs; v->name; v++)
		if (in_group(cli, v))
			print_wrapped(v->summary, printf("  %s", v->name));
}

void
help_print(const struct jcli *cli)
{
	bool headed = false;
	size_t i;

	print_usage(cli);
	if (!cli->verb && cli->tool->verbs)
		print_verbs(cli);
	for (i = 0; i < cli->n_opt && !cli->opt[i].shared; i++) {
		const struct jopt *o = cli->opt[i].o;

		if (o->type == JOPT_HEAD || !headed)
			printf("\n%s:\n", o->type == JOPT_HEAD ? o->name : "Options");
		headed = true;
		if (o->type != JOPT_HEAD)
			print_option(&cli->opt[i]);
	}
	printf("\nCommon options:\n");
	for (; i < cli->n_opt; i++)
		if (cli->opt[i].o->help)
			print_option(&cli->opt[i]);
}

static void
print_cpu(void)
{
	static const char *const name[] = {	/* by bit of enum jcpu_feature */
		"avx2", "avx512", "avx512-bf16", "avx512-vnni", "neon", "sse42", "sha", "amx-bf16",
		"amx-int8"
	};
	unsigned have = jsys_features();
	size_t i;

	printf("cpu: %s; kernels: generic", jsys_cpu_name());
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (have & 1u << i)
			printf(" %s", name[i]);
	printf("; %d usable\n", jsys_cpus());
}

static void
print_libraries(void)
{
	printf("libraries: xxhash " NUMBER(XXH_VERSION_MAJOR) "." NUMBER(XXH_VERSION_MINOR) "."
		NUMBER(XXH_VERSION_RELEASE) ", libyaml %s", yaml_get_version_string());
#ifdef JSON_C_VERSION
	printf(", json-c " JSON_C_VERSION);
#endif
#ifdef LIBCURL_VERSION
	printf(", libcurl " LIBCURL_VERSION);
#endif
#ifdef ARCHIVE_VERSION_ONLY_STRING
	printf(", libarchive " ARCHIVE_VERSION_ONLY_STRING);
#endif
#ifdef ZSTD_VERSION_STRING
	printf(", zstd " ZSTD_VERSION_STRING);
#endif
#ifdef ZLIB_VERSION
	printf(", zlib " ZLIB_VERSION);
#endif
#ifdef LZMA_VERSION_STRING
	printf(", lzma " LZMA_VERSION_STRING);
#endif
#ifdef LIBXML_DOTTED_VERSION
	printf(", libxml2 " LIBXML_DOTTED_VERSION);
#endif
#ifdef UTF8PROC_VERSION_MAJOR
	printf(", utf8proc " NUMBER(UTF8PROC_VERSION_MAJOR) "." NUMBER(UTF8PROC_VERSION_MINOR) "."
		NUMBER(UTF8PROC_VERSION_PATCH));
#endif
#ifdef LIBEDIT_MAJOR
	printf(", libedit " NUMBER(LIBEDIT_MAJOR) "." NUMBER(LIBEDIT_MINOR));
#endif
	putchar('\n');
}

void
version_print(const struct jcli *cli)
{
	printf("%s %s\n", cli->tool->name, JVERSION);
	if (strcmp(cli->version, "short") == 0)
		return;
#ifdef __VERSION__
	printf("compiler: " __VERSION__ ", C %ld", (long)__STDC_VERSION__);
#else
	printf("compiler: C %ld", (long)__STDC_VERSION__);
#endif
#ifdef __OPTIMIZE__
	printf(", optimized");
#endif
#ifdef __SANITIZE_ADDRESS__
	printf(", address sanitizer");
#endif
#ifdef __SANITIZE_THREAD__
	printf(", thread sanitizer");
#endif
	putchar('\n');
	print_libraries();
	print_cpu();
}

static void
dump_table(const char *scope, const struct jopt *o)
{
	for (; o && o->type != JOPT_END; o++) {
		if (o->type == JOPT_HEAD || !o->help)
			continue;
		printf("%s\t%s\t%c\t%s\t%s\n", scope, o->name, o->letter ? o->letter : '-',
			o->arg ? o->arg : "-", option_type(o));
	}
}

/* One option a line: scope (-, a verb, or common), name, letter, argument, type; tabs between. */
void
dump_options(const struct jcli *cli)
{
	const struct jverb *v;

	dump_table("-", cli->tool->opts);
	for (v = cli->tool->verbs; v && v->name; v++)
		dump_table(v->name, v->opts);
	dump_table("common", cli->shared);
}
