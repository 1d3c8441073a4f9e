/* roof.c - measuring the machine. */
#include "tensor/jroof.h"

#include "base/jmem.h"
#include "base/jsys.h"

enum {
	ROUNDS = 20000,			/* of a spin: some 100 microseconds */
	READ = 256 << 20,		/* bytes, and more than caches hold */
	PIECES = 64
};

struct spin {
	const struct jkern *k;
	double *done;			/* by task */
};

static void
spin_task(void *arg, int64_t i, int worker)
{
	const struct spin *s = arg;

	(void)worker;
	s->done[i] = s->k->spin(ROUNDS);
}

/* As many tasks as workers, each long enough to be taken by one of its own. */
static double
spin_rate(const struct jkern *k, struct jpar *pool, double seconds)
{
	int workers = jpar_size(pool);
	struct spin s = { k, jmem_alloc((size_t)workers, sizeof(double)) };
	double start = jsys_now(), best = 0, t;

	do {
		double sum = 0;

		t = jsys_now();
		jpar_for(pool, workers, spin_task, &s);
		t = jsys_now() - t;
		for (int i = 0; i < workers; i++)
			sum += s.done[i];
		best = t > 0 && sum / t > best ? sum / t : best;
	} while (jsys_now() - start < seconds);
	jmem_free(s.done);
	return best;
}

struct reading {
	const float *p;
	float top[PIECES];
};

static void
read_piece(void *arg, int64_t i, int worker)
{
	struct reading *r = arg;
	int64_t n = READ / (int64_t)sizeof(float) / PIECES;

	(void)worker;
	r->top[i] = jkern_get()->max(r->p + i * n, n);
}

static double
read_rate(struct jpar *pool, double seconds)
{
	float *p = jmem_map(READ);
	struct reading r = { .p = p };
	double start, best = 0, t;

	if (!p)
		return 0;
	for (size_t i = 0; i < READ / sizeof(*p); i += 512)	/* every page is there */
		p[i] = 1;
	start = jsys_now();
	do {
		t = jsys_now();
		jpar_for(pool, PIECES, read_piece, &r);
		t = jsys_now() - t;
		best = t > 0 && READ / t > best ? READ / t : best;
	} while (jsys_now() - start < seconds);
	jmem_unmap(p, READ);
	return best;
}

void
jroof_measure(struct jroof *r, struct jpar *pool, double seconds)
{
	r->flops = spin_rate(jkern_get(), pool, seconds);
	r->f32_flops = jkern_f32() == jkern_get() ? r->flops : spin_rate(jkern_f32(), pool, seconds);
	r->bf16_flops = spin_rate(jkern_bf16(), pool, seconds);
	r->bandwidth = read_rate(pool, seconds);
}
