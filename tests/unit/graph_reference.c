/*
 * graph_reference.c - the fp32 graph against the double reference, and the reference's gradients
 * against finite differences of its own forward pass.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph_check.h"
#include "tensor/jkern.h"

static void
check_shape(const struct gm_shape *s, bool differences)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jref_graph *r;
	struct jerr e = { 0 };
	double scale = 0.01;
	struct gm m;

	gm_init(&m, s, NULL);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	gm_fill(&m, 3);
	r = jref_new(m.g);
	jref_forward(r);
	jref_backward(r, scale);
	gm_check_fp32(&m, r, scale);
	if (differences)
		gm_check_differences(&m, r, scale, NULL);
	jref_free(r);
	gm_release(&m);
}

int
main(void)
{
	const struct gm_shape small = { .B = 2, .T = 9, .C = 12, .H = 4, .K = 2, .d = 6, .F = 10,
		.V = 23, .L = 2, .qk_norm = true, .bias = true, .seg = true };
	struct gm_shape s = small;
	const struct jkern *const *k = jkern_all();

	check_shape(&s, true);
	for (; *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		eq_str(jkern_get()->name, (*k)->name);
		check_shape(&small, false);
		s = (struct gm_shape){ .B = 1, .T = 150, .C = 40, .H = 2, .K = 1, .d = 20, .F = 33,
			.V = 1100, .L = 1, .z_loss = 0.01f };
		check_shape(&s, false);
		s.window = 37;
		s.seg = true;
		check_shape(&s, false);
		s.window = 70;
		s.seg = false;
		check_shape(&s, false);
	}
	return t_done();
}
