/* Learning rates by formula. */
#include "t.h"

#include "optim/jsched.h"

int
main(void)
{
	struct jsched s = { .lr = 2, .min_lr = 0.5, .steps = 100, .warmup = 10, .decay = 20 };
	struct jerr e = { 0 };
	int64_t i;
	int falls = 1;

	near(jsched_rate(&s, 0), 0.2, 1e-15);
	near(jsched_rate(&s, 9), 2, 1e-15);
	near(jsched_rate(&s, 99), 2, 1e-15);
	s.kind = JSCHED_LINEAR;
	near(jsched_rate(&s, 10), 2, 1e-15);
	near(jsched_rate(&s, 55), 1.25, 1e-15);
	near(jsched_rate(&s, 99), 0.5 + 1.5 / 90, 1e-12);
	near(jsched_rate(&s, 100), 0.5, 1e-15);
	near(jsched_rate(&s, 1000), 0.5, 1e-15);
	s.kind = JSCHED_COSINE;
	near(jsched_rate(&s, 10), 2, 1e-15);
	near(jsched_rate(&s, 55), 1.25, 1e-12);
	near(jsched_rate(&s, 32), 0.5 + 1.5 * 0.5 * (1 + cos(3.14159265358979 * 22 / 90)), 1e-12);
	for (i = 11; i < 100; i++)
		falls &= jsched_rate(&s, i) < jsched_rate(&s, i - 1);
	ok(falls);
	s.kind = JSCHED_WSD;
	near(jsched_rate(&s, 5), 1.2, 1e-15);
	near(jsched_rate(&s, 79), 2, 1e-15);
	near(jsched_rate(&s, 80), 2, 1e-15);
	near(jsched_rate(&s, 85), 0.5 + 1.5 * (1 - 0.5), 1e-12);
	near(jsched_rate(&s, 100), 0.5, 1e-15);
	s.warmup = 0;
	near(jsched_rate(&s, 0), 2, 1e-15);
	s.steps = 1;
	ok(isfinite(jsched_rate(&s, 0)));

	ok(jsched_parse(&s.kind, "wsd", &e) == 0 && s.kind == JSCHED_WSD);
	ok(jsched_parse(&s.kind, "step", &e) == JERR_ARG);
	ok(strstr(e.msg, "'step'") && strstr(e.msg, "cosine"));
	return t_done();
}
