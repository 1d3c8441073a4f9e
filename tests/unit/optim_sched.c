/* Learning rates by formula. */
#include "t.h"

#include "optim/jsched.h"

/* The values of torch.optim.lr_scheduler.CyclicLR(base_lr=0.5, max_lr=2, step_size_up=4). */
static void
cyclical(void)
{
	static const double torch[] = { 0.5, 0.875, 1.25, 1.625, 2, 1.625, 1.25, 0.875, 0.5, 0.875 };
	struct jsched s = { .kind = JSCHED_CYCLICAL, .lr = 2, .min_lr = 0.5, .steps = 100,
		.cycle = 8 };
	int i;

	for (i = 0; i < 10; i++)
		near(jsched_rate(&s, i), torch[i], 1e-12);
	for (i = 0; i < 10; i++)
		near(jsched_rate(&s, 80 + i), torch[i], 1e-12);
	/* The warm-up is the first rise. */
	s.warmup = 10;
	near(jsched_rate(&s, 9), 2, 1e-12);
	near(jsched_rate(&s, 10), 2, 1e-12);
	near(jsched_rate(&s, 12), 1.25, 1e-12);
	near(jsched_rate(&s, 14), 0.5, 1e-12);
	near(jsched_rate(&s, 18), 2, 1e-12);
	s.cycle = 1;
	ok(isfinite(jsched_rate(&s, 11)));
}

static void
two_phases(void)
{
	struct jsched second = { .kind = JSCHED_COSINE, .lr = 1, .min_lr = 0.25, .steps = 40 };
	struct jsched s = { .kind = JSCHED_LINEAR, .lr = 2, .min_lr = 0.5, .steps = 60,
		.warmup = 10, .next = &second, .next_from = 60 };

	near(jsched_rate(&s, 35), 1.25, 1e-12);
	near(jsched_rate(&s, 59), 0.5 + 1.5 / 50, 1e-12);
	near(jsched_rate(&s, 60), 1, 1e-12);
	near(jsched_rate(&s, 80), 0.625, 1e-12);
	near(jsched_rate(&s, 100), 0.25, 1e-12);
}

/* A cooldown from step 80 is the decay of a wsd run of 100 steps; from a falling rate it starts there. */
static void
cooldown(void)
{
	struct jsched wsd = { .kind = JSCHED_WSD, .lr = 2, .min_lr = 0.5, .steps = 100,
		.warmup = 10, .decay = 20 };
	struct jsched s = wsd;
	int i, same = 1;

	s.steps = 100000;
	s.cool_from = 80;
	s.cool_steps = 20;
	for (i = 0; i < 105; i++)
		same &= jsched_rate(&s, i) == jsched_rate(&wsd, i);
	ok(same);
	s = (struct jsched){ .kind = JSCHED_LINEAR, .lr = 2, .min_lr = 0, .steps = 100,
		.cool_from = 50, .cool_steps = 16 };
	near(jsched_rate(&s, 49), 1.02, 1e-12);
	near(jsched_rate(&s, 50), 1, 1e-12);
	near(jsched_rate(&s, 54), 0.5, 1e-12);
	near(jsched_rate(&s, 66), 0, 1e-12);
	s.kind = JSCHED_CONSTANT;
	s.lr = 0.1;
	s.min_lr = 0.2;		/* never up */
	near(jsched_rate(&s, 60), 0.1, 1e-12);
}

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

	cyclical();
	two_phases();
	cooldown();
	ok(jsched_parse(&s.kind, "wsd", &e) == 0 && s.kind == JSCHED_WSD);
	ok(jsched_parse(&s.kind, "step", &e) == JERR_ARG);
	ok(strstr(e.msg, "'step'") && strstr(e.msg, "cosine"));
	return t_done();
}
