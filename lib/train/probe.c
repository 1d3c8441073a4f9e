/*
 * probe.c - what this machine can do: the rate of a large matrix product in the kernel that training
 * uses, measured, as the roof against which a run's speed is stated.
 */
#include <math.h>
#include <string.h>

#include "base/jsys.h"
#include "train/train_internal.h"

#define ROWS 512
#define WIDTH 1024

static void
fill(float *p, int64_t n)
{
	int64_t i;

	for (i = 0; i < n; i++)
		p[i] = (float)(i % 7) * 0.125f - 0.375f;
}

bool
train_in_bf16(const struct jtrain_opts *o)
{
	return strcmp(o->precision, "bf16") == 0;
}

double
train_probe_peak(struct jpar *pool, double seconds, bool bf16)
{
	const int64_t shape[2] = { ROWS, WIDTH };
	struct jgraph_plan_opts po = { .bf16 = bf16 };
	struct jgraph_plan plan;
	struct jparam w = { .name = "probe", .n_dims = 2, .shape = { WIDTH, WIDTH } };
	struct jerr e = { 0 };
	struct jgraph *g;
	struct jnode *x, *y;
	double start, t, best = INFINITY;

	w.value = jmem_map(WIDTH * WIDTH * sizeof(float));
	if (!w.value)
		return 0;
	fill(w.value, WIDTH * WIDTH);
	g = jgraph_new(pool);
	x = jg_input_f32(g, "x", 2, shape);
	y = jg_linear(g, x, &w, NULL);
	jnode_keep(y);
	if (jgraph_plan(g, &po, &plan, &e) == 0) {
		fill(jnode_data(x), ROWS * WIDTH);
		jgraph_forward(g);
		for (start = jsys_now(); jsys_now() - start < seconds;) {
			t = jsys_now();
			jgraph_forward(g);
			t = jsys_now() - t;
			best = t < best ? t : best;
		}
	}
	jgraph_free(g);
	jmem_unmap(w.value, WIDTH * WIDTH * sizeof(float));
	return isinf(best) || best <= 0 ? 0 : 2.0 * ROWS * WIDTH * WIDTH / best;
}
