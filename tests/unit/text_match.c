/* Keywords as whole words. */
#include "t.h"

#include "base/jstr.h"
#include "text/jmatch.h"
#include "text/junicode.h"

static uint32_t hits[16];

static const uint32_t *
count(const char *const *keys, size_t n, const char *text)
{
	struct jerr e = { 0 };
	struct jmatch *m;
	struct jbuf flat;

	memset(hits, 0, sizeof(hits));
	jbuf_init(&flat);
	if (jmatch_new(&m, keys, n, &e) < 0 || jtext_flatten(text, strlen(text), &flat, &e) < 0) {
		printf("# %s\n", e.msg);
		return hits;
	}
	jmatch_count(m, flat.p, flat.n, hits);
	jmatch_free(m);
	jbuf_release(&flat);
	return hits;
}

static uint32_t
one(const char *key, const char *text)
{
	return count(&key, 1, text)[0];
}

static void
boundaries(void)
{
	eq_int(one("set", "reset the offset"), 0);
	eq_int(one("set", "Set it. set; set() x.set (SET)"), 5);
	eq_int(one("set", "set_x _set set1 1set"), 0);
	eq_int(one("set", "sets"), 0);			/* too short for a plural */
	eq_int(one("actor", "factor, actors, tractor"), 1);
	eq_int(one("class", "classes classs"), 0);
	eq_int(one("c++", "c++ and C++17, but not c+"), 2);
	eq_int(one(".net", "asp.net .NET"), 2);
	eq_int(one("def", "define undef def"), 1);
	eq_int(one("def", "def"), 1);
	eq_int(one("def", ""), 0);
}

static void
several_words(void)
{
	static const char *const keys[] = { "machine learning", "learning", "Machine  Learning", "a",
		"aa", "\xd0\xbc\xd0\xb8\xd1\x80" };

	eq_int(one("machine learning", "Machine\n  learning is machine-learning"), 1);
	count(keys, 6, "MACHINE\tLEARNING a aa a");
	eq_int(hits[0], 1);
	eq_int(hits[1], 1);		/* inside the longer one */
	eq_int(hits[2], 1);		/* the same keyword again */
	eq_int(hits[3], 2);
	eq_int(hits[4], 1);
	/* Case folding beyond ASCII, and a longer Cyrillic word around it. */
	count(keys, 6, "\xd0\x9c\xd0\x98\xd0\xa0 \xd0\xbc\xd0\xb8\xd1\x80\xd0\xbd\xd1\x8b\xd0\xb9");
	eq_int(hits[5], 1);
	/* A keyword that is a suffix of another's beginning. */
	{
		static const char *const nested[] = { "he", "she said", "said so", "so" };

		count(nested, 4, "she said so he said so");
		eq_int(hits[0], 1);
		eq_int(hits[1], 1);
		eq_int(hits[2], 2);
		eq_int(hits[3], 2);
	}
}

static void
errors(void)
{
	static const char *const empty[] = { "a", " \t" };
	struct jerr e = { 0 };
	struct jmatch *m;

	eq_int(jmatch_new(&m, empty, 2, &e), JERR_ARG);
	eq_int(jmatch_new(&m, NULL, 0, &e), 0);
	jmatch_count(m, "text", 4, hits);
	eq_int(jmatch_size(m), 0);
	jmatch_free(m);
}

int
main(void)
{
	boundaries();
	several_words();
	errors();
	return t_done();
}
