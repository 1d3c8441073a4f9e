/*
 * muon.c - Muon (Jordan et al. 2024): the momentum of a weight matrix is replaced by the nearest
 * matrix whose singular values are all about 1, found by the quintic Newton-Schulz iteration
 *
 *	X <- aX + (bA + cA^2) X,   A = X X^T,   (a, b, c) = (3.4445, -4.7750, 2.0315)
 *
 * from X = M / |M|, on the wide orientation so that A is the smaller square.  The factor
 * 0.2 sqrt(max(rows, columns)) gives the update the root mean square of an AdamW update (Liu et
 * al. 2025).  One matrix is worked by one thread: the result does not depend on how many there are.
 */
#include <math.h>
#include <string.h>

#include "optim/optim_internal.h"
#include "tensor/jkern.h"

/* Scratch for Newton-Schulz: the wide matrix, a product of its size, two squares, gemm's own. */
static int64_t
ns_scratch(int64_t rows, int64_t cols)
{
	const struct jkern *k = jkern_f32();
	int64_t r = rows < cols ? rows : cols, w = rows < cols ? cols : rows;
	size_t nt = jkern_gemm_work(k, JGEMM_NT, r, w), nn = jkern_gemm_work(k, JGEMM_NN, w, r);
	size_t sq = jkern_gemm_work(k, JGEMM_NN, r, r);

	nn = nn > sq ? nn : sq;
	return 2 * r * w + 2 * r * r + (int64_t)(nt > nn ? nt : nn);
}

int64_t
optim_muon_scratch(int64_t rows, int64_t cols)
{
	return rows * cols + ns_scratch(rows, cols);
}

enum { MIRROR = 32 };	/* side of a block */

/* Copies what is below the diagonal of x [n, n] to above it. */
static void
mirror(const struct jkern *k, float *x, int64_t n)
{
	int64_t i, j, r, c;

	for (i = 0; i < n; i += MIRROR) {
		r = n - i < MIRROR ? n - i : MIRROR;
		for (j = 0; j < i; j += MIRROR)
			k->transpose(x + j * n + i, x + i * n + j, r, MIRROR, n, n);
		for (c = i; c < i + r; c++)
			for (j = i; j < c; j++)
				x[j * n + c] = x[c * n + j];
	}
}

void
optim_newton_schulz(float *x, int64_t rows, int64_t cols, int steps, float *scratch)
{
	const struct jkern *kern = jkern_get(), *mm = jkern_f32();
	const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
	int64_t r = rows < cols ? rows : cols, w = rows < cols ? cols : rows, i;
	float *wide = scratch, *next = wide + r * w, *gram = next + r * w, *poly = gram + r * r;
	float *work = poly + r * r, *swap;
	int k;

	kern->scale(x, (float)(1 / (sqrt(optim_squares(x, rows * cols)) + 1e-7)), rows * cols);
	if (rows > cols)
		kern->transpose(wide, x, rows, cols, rows, cols);
	else
		memcpy(wide, x, (size_t)(rows * cols) * sizeof(*x));
	for (k = 0; k < steps; k++) {
		struct jgemm square = { .form = JGEMM_NT, .M = r, .N = r, .K = w, .A = wide,
			.B = wide, .C = gram, .lda = w, .ldb = w, .ldc = r, .alpha = 1,
			.lower = true };
		struct jgemm cubic = { .form = JGEMM_NN, .M = r, .N = r, .K = r, .A = gram,
			.B = gram, .C = poly, .lda = r, .ldb = r, .ldc = r, .alpha = c, .beta = b,
			.lower = true };
		struct jgemm apply = { .form = JGEMM_NN, .M = r, .N = w, .K = r, .A = poly,
			.B = wide, .C = next, .lda = r, .ldb = w, .ldc = w, .alpha = 1 };

		/* A and A^2 are symmetric: half of them is made, the other half copied. */
		jkern_gemm(mm, &square, work);
		mirror(kern, gram, r);
		memcpy(poly, gram, (size_t)(r * r) * sizeof(*poly));
		jkern_gemm(mm, &cubic, work);
		mirror(kern, poly, r);
		/* (bA + cA^2) X + aX: the last term through the diagonal. */
		for (i = 0; i < r; i++)
			poly[i * r + i] += a;
		jkern_gemm(mm, &apply, work);
		swap = wide;
		wide = next;
		next = swap;
	}
	if (rows > cols)
		kern->transpose(x, wide, cols, rows, cols, rows);
	else
		memcpy(x, wide, (size_t)(rows * cols) * sizeof(*x));
}

/*
 * Matrices inside layers, "model.layers.N." or GPT-2's "transformer.h.N."; embedding and head have one
 * axis of words and stay with AdamW.
 */
static bool
takes(const struct jparam *p)
{
	return p->n_dims == 2 && p->decay && (strstr(p->name, ".layers.") || strstr(p->name, ".h."));
}

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	(void)o;
	optim_like(&t[0], "momentum", p);
	return 1;
}

static int64_t
scratch_floats(const struct jparam *p)
{
	return optim_muon_scratch(p->shape[0], p->shape[1]);
}

/* u = Nesterov's look ahead of the new momentum. */
static void
look_ahead(const struct optim_step *st, struct optim_slot *s, float *restrict u)
{
	const float mu = (float)st->o->momentum, clip = st->clip;
	float *restrict g = s->p->grad, *restrict m = s->state[0];

	for (int64_t i = 0; i < s->n; i++) {
		float gi = g[i] * clip, mi = m[i] + (1 - mu) * (gi - m[i]);

		u[i] = gi + mu * (mi - gi);
		m[i] = mi;
		g[i] = 0;
	}
}

static void
run(const struct optim_step *st, struct optim_unit *unit, float *scratch)
{
	struct optim_slot *s = unit->slot;
	int64_t rows = s->p->shape[0], cols = s->p->shape[1], i;
	float *restrict u = scratch, *restrict w = s->p->value;
	float lr = (float)optim_lr(st, s), keep = 1 - lr * (float)optim_decay(st, s);
	float size = lr * 0.2f * sqrtf((float)(rows > cols ? rows : cols));

	look_ahead(st, s, u);
	optim_newton_schulz(u, rows, cols, st->o->ns_steps, scratch + rows * cols);
	for (i = 0; i < s->n; i++)
		w[i] = w[i] * keep - size * u[i];
}

const struct optim_rule optim_muon = {
	.name = "muon", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .momentum = 0.95,
	.takes = takes, .states = states, .scratch = scratch_floats,
	.pass = { { OPTIM_WHOLE, run, NULL } },
};
