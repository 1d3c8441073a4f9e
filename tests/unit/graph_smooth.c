/* Label smoothing against torch; without it the bits of a graph that never heard of it. */
#include "t.h"

#include <stdlib.h>

#include "graph/jgraph.h"
#include "graph/ref.h"

/* x.grad and w.grad of torch.nn.functional.cross_entropy(x @ w.T, t, label_smoothing=0.2,
 * reduction="sum") with the x, w and t of fill(). */
static const float torch_x[12] = { 0.22264132f, -0.00051341f, -0.43340009f, 0.22264130f, 0, 0, 0, 0,
	-0.46040258f, -0.52280629f, 0.54130638f, -0.46040258f };
static const float torch_w[20] = { -0.14213027f, 0.15408203f, -0.01518214f, -0.01744278f,
	0.11236857f, -0.22752236f, -0.03329897f, 0.52721310f, -0.14292225f, 0.15210086f,
	-0.01648378f, -0.00374687f, -0.08306385f, 0.07069839f, -0.01716575f, 0.08379333f,
	0.25574780f, -0.14935893f, 0.08213064f, -0.58981687f };

struct tiny {
	struct jgraph *g;
	struct jparam x, w;		/* x is a table whose rows are looked up, so that it has a gradient */
	float v[32], d[32];
	struct jnode *ids, *targets, *nll;
};

static void
make(struct tiny *t, float share)
{
	struct jgraph_plan_opts po = { .training = true };
	struct jgraph_plan plan;
	struct jerr e = { 0 };
	int i;

	memset(t, 0, sizeof(*t));
	t->x = (struct jparam){ .name = "x", .n_dims = 2, .shape = { 3, 4 }, .value = t->v,
		.grad = t->d };
	t->w = (struct jparam){ .name = "w", .n_dims = 2, .shape = { 5, 4 }, .value = t->v + 12,
		.grad = t->d + 12 };
	for (i = 0; i < 12; i++)
		t->v[i] = (float)(i * 7 % 11) / 8 - 0.5f;
	for (i = 0; i < 20; i++)
		t->v[12 + i] = (float)(i * 5 % 13) / 8 - 0.75f;
	t->g = jgraph_new(NULL);
	t->ids = jg_input_i32(t->g, "ids", 3);
	t->targets = jg_input_i32(t->g, "targets", 3);
	t->nll = jg_linear_ce(t->g, jg_embed(t->g, t->ids, &t->x), &t->w, t->targets, 0);
	if (share > 0)
		jg_smooth_labels(t->nll, share);
	jnode_keep(t->nll);
	ok(jgraph_plan(t->g, &po, &plan, &e) == 0);
	memcpy(jnode_data(t->ids), (int32_t[]){ 0, 1, 2 }, 3 * sizeof(int32_t));
	memcpy(jnode_data(t->targets), (int32_t[]){ 4, -1, 1 }, 3 * sizeof(int32_t));
}

static double
worst(const float *a, const float *b, int n)
{
	double most = 0;
	int i;

	for (i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - b[i]));
	return most;
}

int
main(void)
{
	struct jref_graph *ref;
	struct tiny plain, smooth;
	double most = 0;
	int i;

	make(&plain, 0);
	make(&smooth, 0.2f);
	jgraph_forward(plain.g);
	jgraph_backward(plain.g);
	jgraph_forward(smooth.g);
	jgraph_backward(smooth.g);
	near(worst(smooth.d, torch_x, 12), 0, 1e-6);
	near(worst(smooth.d + 12, torch_w, 20), 0, 1e-6);
	ok(worst(plain.d, smooth.d, 32) > 0.05);
	ok(memcmp(jnode_data(plain.nll), jnode_data(smooth.nll), 3 * sizeof(float)) == 0);

	ref = jref_new(smooth.g);
	jref_load_input(ref, smooth.ids);
	jref_load_input(ref, smooth.targets);
	jref_forward(ref);
	jref_backward(ref, 1);
	for (i = 0; i < 20; i++)
		most = fmax(most, fabs(jref_param_grad(ref, &smooth.w)[i] - torch_w[i]));
	near(most, 0, 1e-6);
	jref_free(ref);
	jgraph_free(plain.g);
	jgraph_free(smooth.g);
	return t_done();
}
