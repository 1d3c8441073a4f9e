/* Languages: the built-in tables, and fastText's own answers where its model is at hand. */
#include "t.h"

#include <stdlib.h>

#include "base/jmem.h"
#include "io/jio.h"
#include "text/jfasttext.h"
#include "text/jlang.h"

static struct jlang_bench *bench;

static const char *
lang(const struct jlang *l, const char *text)
{
	static struct jlang_guess g[JLANG_GUESSES];

	jlang_detect(l, bench, text, strlen(text), g);
	return g[0].code;
}

static void
built_in(void)
{
	struct jlang_guess g[JLANG_GUESSES];
	struct jlang *l;
	size_t n;

	if (!ok(jlang_open(&l, NULL, NULL) == 0))
		return;
	eq_str(lang(l, "The quick brown fox jumps over the lazy dog and is not seen again."), "en");
	eq_str(lang(l, "Das ist nicht der Hund, den ich gestern im Garten gesehen habe."), "de");
	eq_str(lang(l, "Ce n'est pas le chien que j'ai vu hier dans le jardin."), "fr");
	eq_str(lang(l, "Это не та собака, которую я вчера видел в саду."), "ru");
	eq_str(lang(l, "Це не той собака, якого я вчора бачив у саду."), "uk");
	eq_str(lang(l, "これは昨日庭で見た犬ではありません。"), "ja");
	eq_str(lang(l, "这不是我昨天在花园里看到的狗。"), "zh");
	eq_str(lang(l, "이것은 내가 어제 정원에서 본 개가 아닙니다."), "ko");
	eq_str(lang(l, "THE PROJECT TAGGING CRITERIA ARE NOT FOR THE OTHER PEOPLE"), "en");
	eq_str(lang(l, "12345 67890 !!!"), "und");
	eq_str(lang(l, ""), "und");
	n = jlang_detect(l, bench, "the house of the rising sun is not here", 39, g);
	ok(n > 1 && g[0].p >= g[1].p && g[0].p <= 1);
	for (n = 0; jlang_built_in(n); n++)
		;
	ok(n >= 60);
	jlang_close(l);
}

/* One file a language: how many of those that the tables claim are told right. */
static const char *const udhr[][2] = {
	{ "afr", "af" }, { "als", "sq" }, { "arb", "ar" }, { "ben", "bn" }, { "bre", "br" },
	{ "bul", "bg" }, { "cat", "ca" }, { "ces", "cs" }, { "cmn_hans", "zh" }, { "dan", "da" },
	{ "deu_1996", "de" }, { "ell_monotonic", "el" }, { "eng", "en" }, { "epo", "eo" },
	{ "est", "et" }, { "eus", "eu" }, { "pes_1", "fa" }, { "fin", "fi" }, { "fra", "fr" },
	{ "glg", "gl" }, { "guj", "gu" }, { "heb", "he" }, { "hin", "hi" }, { "hrv", "hr" },
	{ "hun", "hu" }, { "hye", "hy" }, { "ind", "id" }, { "isl", "is" }, { "ita", "it" },
	{ "jpn", "ja" }, { "kan", "kn" }, { "kat", "ka" }, { "kaz", "kk" }, { "khm", "km" },
	{ "kor", "ko" }, { "lao", "lo" }, { "lav", "lv" }, { "lit", "lt" }, { "mal", "ml" },
	{ "mkd", "mk" }, { "mya", "my" }, { "nld", "nl" }, { "nob", "no" }, { "pan", "pa" },
	{ "pol", "pl" }, { "por_PT", "pt" }, { "ron_2006", "ro" }, { "rus", "ru" }, { "slk", "sk" },
	{ "slv", "sl" }, { "spa", "es" }, { "srp_cyrl", "sr" }, { "swe", "sv" }, { "tam", "ta" },
	{ "tgl", "tl" }, { "tha", "th" }, { "tur", "tr" }, { "ukr", "uk" }, { "vie", "vi" }
};

struct tally {
	int files, right_files, lines, right_lines;
};

static void
tally_file(const struct jlang *l, const char *text, const char *code, struct tally *t)
{
	struct jlang_guess g[JLANG_GUESSES];
	const char *end;

	t->files++;
	t->right_files += strcmp(lang(l, text), code) == 0;
	for (; *text; text = end + (*end == '\n')) {
		end = text + strcspn(text, "\n");
		if (end - text < 60)
			continue;
		jlang_detect(l, bench, text, (size_t)(end - text), g);
		t->lines++;
		t->right_lines += strcmp(g[0].code, code) == 0;
	}
}

static struct tally
tally_all(const struct jlang *l, const char *shared)
{
	struct tally t = { 0 };
	struct jbuf b;
	char name[512];
	size_t i;

	jbuf_init(&b);
	for (i = 0; i < sizeof(udhr) / sizeof(udhr[0]); i++) {
		snprintf(name, sizeof(name), "%s/data/text/udhr/udhr_%s.txt", shared, udhr[i][0]);
		jbuf_reset(&b);
		if (!ok(jin_slurp(name, &b, NULL) == 0))
			break;
		tally_file(l, strstr(b.p, "---") + 3, udhr[i][1], &t);
	}
	jbuf_release(&b);
	return t;
}

static void
declaration(const char *shared)
{
	struct jlang *own, *model;
	struct tally o, m;
	char name[512];

	snprintf(name, sizeof(name), "%s/models/fasttext-lid176/lid.176.ftz", shared);
	if (!ok(jlang_open(&own, NULL, NULL) == 0 && jlang_open(&model, name, NULL) == 0))
		return;
	o = tally_all(own, shared);
	m = tally_all(model, shared);
	printf("# built in: %d of %d files, %d of %d lines; lid.176: %d files, %d lines\n", o.right_files,
		o.files, o.right_lines, o.lines, m.right_files, m.right_lines);
	ok(o.right_files == o.files && m.right_files == m.files);
	ok(o.right_lines * 100 > o.lines * 95 && o.right_lines >= m.right_lines);
	jlang_close(own);
	jlang_close(model);
}

/* tests/ref/make_fasttext.py asked fastText. */
static void
same_as_fasttext(const char *shared)
{
	struct jfasttext_bench *b = jfasttext_bench_new();
	struct jfasttext_guess g[3];
	struct jfasttext *m;
	struct jin *in;
	char name[512], *line, *field;
	double worst = 0;
	size_t n, k, i;

	snprintf(name, sizeof(name), "%s/models/fasttext-lid176/lid.176.ftz", shared);
	if (!ok(jfasttext_open(&m, name, NULL) == 0 &&
	    jin_open(&in, "tests/ref/fasttext/lid176.tsv", NULL) == 0))
		return;
	while (jin_line(in, &line, &n, NULL) == 1) {
		field = strchr(line, '\t');
		k = jfasttext_predict(m, b, line, (size_t)(field - line), 3, g);
		for (i = 0; i < k && field; i++) {
			char *p = strchr(field + 1, '\t');
			const char *label = jfasttext_label(m, (size_t)g[i].label);

			*p = 0;
			worst = fmax(worst, fabs(strtod(p + 1, NULL) - g[i].p));
			if (strcmp(field + 1, label) != 0)
				eq_str(label, field + 1);
			field = strchr(p + 1, '\t');
		}
		if (k != 3)
			eq_int(k, 3);
	}
	printf("# largest difference %.2g\n", worst);
	ok(worst < 1e-5);
	jin_close(in);
	jfasttext_free(m);
	jfasttext_bench_free(b);
}

int
main(void)
{
	const char *shared = getenv("J_TEST_SHARED");
	char name[512];
	struct jin *in;

	bench = jlang_bench_new();
	built_in();
	snprintf(name, sizeof(name), "%s/models/fasttext-lid176/lid.176.ftz", shared ? shared : "");
	if (jin_open(&in, name, NULL) < 0) {
		printf("ok %d # SKIP no %s\n", ++t_count, name);
	} else {
		jin_close(in);
		same_as_fasttext(shared);
		declaration(shared);
	}
	jlang_bench_free(bench);
	return t_done();
}
