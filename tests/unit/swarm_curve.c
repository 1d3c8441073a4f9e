/* Strong or weak: a gain that the words tell is found, one that they do not tell is not. */
#include <math.h>

#include "base/jrand.h"
#include "swarm/jcurve.h"
#include "t.h"

static const char *const hard[] = { "integral", "theorem", "manifold", "lemma" };
static const char *const easy[] = { "apple", "house", "river", "window" };

/* told: whether the words say which questions the weak model fails. */
static struct jcurve_result
curve(int told, const char *group, int rc_wanted)
{
	struct jcurve *c = jcurve_new(1, 5, 1);
	struct jcurve_result r;
	struct jerr e = { 0 };
	struct jrand rand;
	char text[120];

	jrand_init(&rand, 4, 0);
	for (int i = 0; i < 400; i++) {
		const char *const *words = jrand_below(&rand, 2) ? hard : easy;
		int fails = told ? words == hard : jrand_below(&rand, 2) != 0;

		snprintf(text, sizeof(text), "Question %d about the %s and the %s", i,
			words[jrand_below(&rand, 4)], words[jrand_below(&rand, 4)]);
		jcurve_add(c, text, strlen(text), group, !fails, 1);
	}
	eq_int(jcurve_run(c, &r, &e), rc_wanted);
	jcurve_free(c);
	return r;
}

static void
test_no_gap(void)
{
	struct jcurve *c = jcurve_new(0, 2, 1);
	struct jcurve_result r;
	struct jerr e = { 0 };

	jcurve_add(c, "one", 3, NULL, 1, 0);
	jcurve_add(c, "two", 3, NULL, 1, 1);
	eq_int(jcurve_run(c, &r, &e), JERR_ARG);
	ok(strstr(e.msg, "no better") != NULL);
	jcurve_free(c);
}

int
main(void)
{
	struct jcurve_result r = curve(1, NULL, 0);

	near(r.strong, 1, 1e-12);
	near(r.perfect, 1 - (1 - r.weak) / 2, 1e-9);
	near(r.apgr, r.perfect, 1e-9);
	near(r.cpt95, 0.95 * (1 - r.weak), 0.01);
	near(r.quality[0], r.weak, 1e-12);
	near(r.quality[JCURVE_POINTS - 1], 1, 1e-12);
	r = curve(0, NULL, 0);
	ok(r.apgr_low < 0.5 && r.apgr_high > 0.5);
	curve(1, "one subject", JERR_ARG);
	test_no_gap();
	return t_done();
}
