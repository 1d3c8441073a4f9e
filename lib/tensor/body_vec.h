/*
 * body_vec.h - kernels over one row, over the words of a vec_*.h.  Sums run in VW (or 4 VW) lanes
 * that are added at the end in a fixed order.
 */

/*
 * e^x within about 1 ulp for x in [-87.3, 88.3]; 0 below, clamped above; NaN stays NaN.  Adding 1.5 *
 * 2^23 rounds to a whole number; what comes of x below the range does not matter.
 */
INLINE vf
vexp(vf x)
{
	const vf magic = vf_set1(12582912.0f), one = vf_set1(1);
	vf c = vf_min(vf_set1(88.37626f), x);
	vf n = vf_sub(vf_fma(c, vf_set1(1.44269504088896341f), magic), magic);
	vf r = vf_fma(n, vf_set1(-0.693359375f), c);
	vf p = vf_set1(1.9875691500e-4f);

	r = vf_fma(n, vf_set1(2.12194440e-4f), r);
	p = vf_fma(p, r, vf_set1(1.3981999507e-3f));
	p = vf_fma(p, r, vf_set1(8.3334519073e-3f));
	p = vf_fma(p, r, vf_set1(4.1665795894e-2f));
	p = vf_fma(p, r, vf_set1(1.6666665459e-1f));
	p = vf_fma(p, r, vf_set1(5.0000001201e-1f));
	p = vf_fma(vf_fma(p, r, one), r, one);
	return vf_ldexp_above(p, n, x, vf_set1(-87.33654f));
}

INLINE vf
vsigmoid(vf x)
{
	return vf_recip(vf_add(vf_set1(1), vexp(vf_sub(vf_zero(), x))));
}

static float
dot(const float *a, const float *b, int64_t n)
{
	vf s[4] = { vf_zero(), vf_zero(), vf_zero(), vf_zero() };
	int64_t i = 0;

	for (; i + 4 * VW <= n; i += 4 * VW) {
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
			s[j] = vf_fma(vf_load(a + i + j * VW), vf_load(b + i + j * VW), s[j]);
	}
	for (; i < n; i += VW)
		s[0] = vf_fma(load_some(a + i, n - i), load_some(b + i, n - i), s[0]);
	return vf_hsum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}

static void
rmsnorm(float *y, const float *x, const float *w, int64_t n, float eps)
{
	vf r = vf_set1(1.0f / sqrtf(dot(x, x, n) / (float)n + eps));

	for (int64_t i = 0; i < n; i += VW) {
		vf v = vf_mul(load_some(x + i, n - i), r);

		store_some(y + i, vf_mul(v, load_some(w + i, n - i)), n - i);
	}
}

/*
 * With r = rsqrt(mean(x^2) + eps) and y_i = x_i r w_i:
 * dx_i = r w_i dy_i - x_i r^3 / n * sum_j(dy_j w_j x_j),  dw_i += dy_i x_i r.
 */
static void
rmsnorm_back(const struct jrms_back *b)
{
	int64_t n = b->n;
	float r = 1.0f / sqrtf(dot(b->x, b->x, n) / (float)n + b->eps);
	vf s = vf_zero(), vr = vf_set1(r);

	for (int64_t i = 0; i < n; i += VW) {
		vf g = vf_mul(load_some(b->dy + i, n - i), load_some(b->x + i, n - i));

		s = vf_fma(g, load_some(b->w + i, n - i), s);
		if (b->dw)
			store_some(b->dw + i, vf_fma(g, vr, load_some(b->dw + i, n - i)), n - i);
	}
	if (!b->dx)
		return;
	vf c = vf_set1(-r * r * r / (float)n * vf_hsum(s));

	for (int64_t i = 0; i < n; i += VW) {
		vf g = vf_mul(load_some(b->dy + i, n - i), load_some(b->w + i, n - i));
		vf d = vf_fma(g, vr, vf_mul(c, load_some(b->x + i, n - i)));

		if (b->add)
			d = vf_add(d, load_some(b->dx + i, n - i));
		store_some(b->dx + i, d, n - i);
	}
}

/* Mean and 1 / standard deviation. */
INLINE void
row_moments(const float *x, int64_t n, float eps, vf *mean, vf *inv)
{
	vf s[2] = { vf_zero(), vf_zero() }, q[2] = { vf_zero(), vf_zero() }, m;
	int64_t i = 0;

	for (; i + 2 * VW <= n; i += 2 * VW) {
		s[0] = vf_add(s[0], vf_load(x + i));
		s[1] = vf_add(s[1], vf_load(x + i + VW));
	}
	for (; i < n; i += VW)
		s[0] = vf_add(s[0], load_some(x + i, n - i));
	m = vf_set1(vf_hsum(vf_add(s[0], s[1])) / (float)n);
	for (i = 0; i + 2 * VW <= n; i += 2 * VW) {
		vf a = vf_sub(vf_load(x + i), m), b = vf_sub(vf_load(x + i + VW), m);

		q[0] = vf_fma(a, a, q[0]);
		q[1] = vf_fma(b, b, q[1]);
	}
	for (; i < n; i += VW) {
		vf a = vf_sub(load_some(x + i, n - i), m);

		a = n - i < VW ? vf_fill_n(a, n - i, 0) : a;
		q[0] = vf_fma(a, a, q[0]);
	}
	*mean = m;
	*inv = vf_set1(1.0f / sqrtf(vf_hsum(vf_add(q[0], q[1])) / (float)n + eps));
}

static void
layernorm(float *y, const float *x, const float *const wb[2], int64_t n, float eps)
{
	vf mean, inv;

	row_moments(x, n, eps, &mean, &inv);
	for (int64_t i = 0; i < n; i += VW) {
		int64_t left = n - i;
		vf h = vf_mul(vf_sub(load_some(x + i, left), mean), inv);

		store_some(y + i, vf_fma(h, load_some(wb[0] + i, left), load_some(wb[1] + i, left)), left);
	}
}

/* dx = inv * (g - mean(g) - h * mean(g h)) with g = dy w and h = (x - mean) inv. */
static void
layernorm_back(const struct jln_back *b)
{
	int64_t n = b->n;
	vf mean, inv, s = vf_zero(), t = vf_zero();

	row_moments(b->x, n, b->eps, &mean, &inv);
	for (int64_t i = 0; i < n; i += VW) {
		int64_t left = n - i;
		vf h = vf_mul(vf_sub(load_some(b->x + i, left), mean), inv);
		vf dy = load_some(b->dy + i, left), g = vf_mul(dy, load_some(b->w + i, left));

		s = vf_add(s, g);
		t = vf_fma(g, h, t);
		if (b->dw)
			store_some(b->dw + i, vf_fma(dy, h, load_some(b->dw + i, left)), left);
		if (b->db)
			store_some(b->db + i, vf_add(dy, load_some(b->db + i, left)), left);
	}
	if (!b->dx)
		return;
	s = vf_set1(vf_hsum(s) / (float)n);
	t = vf_set1(vf_hsum(t) / (float)n);
	for (int64_t i = 0; i < n; i += VW) {
		int64_t left = n - i;
		vf h = vf_mul(vf_sub(load_some(b->x + i, left), mean), inv);
		vf g = vf_mul(load_some(b->dy + i, left), load_some(b->w + i, left));
		vf d = vf_mul(inv, vf_sub(vf_sub(g, s), vf_mul(h, t)));

		store_some(b->dx + i, b->add ? vf_add(d, load_some(b->dx + i, left)) : d, left);
	}
}

/* Heads that fit a register, half a power of 2: all lanes are in use, the sines have the signs. */
static void
rope_small(float *y, const float *x, const float *cs, int64_t n, int half, int mode)
{
	vf row = load_some(cs, 2 * half), c = vf_repeat(row, 0, half), s = vf_repeat(row, half, half);
	vf minus = vf_sub(vf_zero(), s);

	s = mode & JROPE_INVERSE ? vf_every(s, minus, half) : vf_every(minus, s, half);
	for (int64_t i = 0; i < n; i += VW) {
		vf v = load_some(x + i, n - i);

		v = vf_fma(vf_swap(v, half), s, vf_mul(v, c));
		if (mode & JROPE_ADD)
			v = vf_add(v, load_some(y + i, n - i));
		store_some(y + i, v, n - i);
	}
}

static void
rope(float *y, const float *x, const float *cs, int64_t heads, int64_t half, int mode)
{
	const float *sn = cs + half;
	vf sign = vf_set1(mode & JROPE_INVERSE ? -1.0f : 1.0f);

	if (half < VW && (half & (half - 1)) == 0) {
		rope_small(y, x, cs, 2 * half * heads, (int)half, mode);
		return;
	}
	for (int64_t h = 0; h < heads; h++, x += 2 * half, y += 2 * half) {
		for (int64_t i = 0; i < half; i += VW) {
			int64_t left = half - i;
			vf a = load_some(x + i, left), b = load_some(x + half + i, left);
			vf c = load_some(cs + i, left);
			vf s = vf_mul(sign, load_some(sn + i, left));
			vf ya = vf_sub(vf_mul(a, c), vf_mul(b, s));
			vf yb = vf_fma(a, s, vf_mul(b, c));

			if (mode & JROPE_ADD) {
				ya = vf_add(ya, load_some(y + i, left));
				yb = vf_add(yb, load_some(y + half + i, left));
			}
			store_some(y + i, ya, left);
			store_some(y + half + i, yb, left);
		}
	}
}

static void
swiglu(float *y, const float *gate, const float *up, int64_t n)
{
	for (int64_t i = 0; i < n; i += VW) {
		vf g = load_some(gate + i, n - i);
		vf v = vf_mul(vf_mul(g, vsigmoid(g)), load_some(up + i, n - i));

		store_some(y + i, v, n - i);
	}
}

/* s = sigmoid(g): dup = dy g s, dgate = dy u s (1 + g (1 - s)). */
static void
swiglu_back(const struct jswiglu_back *b)
{
	const vf one = vf_set1(1);

	for (int64_t i = 0; i < b->n; i += VW) {
		int64_t left = b->n - i;
		vf g = load_some(b->gate + i, left), dy = load_some(b->dy + i, left);
		vf s = vsigmoid(g);
		vf du = vf_mul(dy, vf_mul(g, s));
		vf dg = vf_mul(vf_mul(dy, load_some(b->up + i, left)), s);

		dg = vf_mul(dg, vf_fma(g, vf_sub(one, s), one));
		if (b->dup) {
			if (b->add_up)
				du = vf_add(du, load_some(b->dup + i, left));
			store_some(b->dup + i, du, left);
		}
		if (b->dgate) {
			if (b->add_gate)
				dg = vf_add(dg, load_some(b->dgate + i, left));
			store_some(b->dgate + i, dg, left);
		}
	}
}

/* Blocks of VW x VW through registers; what is left over one value at a time. */
static void
transpose(float *to, const float *from, int64_t rows, int64_t cols, int64_t ldto, int64_t ldfrom)
{
	int64_t r = 0, c;

	for (; r + VW <= rows; r += VW) {
		for (c = 0; c + VW <= cols; c += VW) {
			vf t[VW];

			load_block(t, from + r * ldfrom + c, ldfrom, VW, VW);
#pragma GCC unroll 16
			for (int i = 0; i < VW; i++)
				vf_store(to + (c + i) * ldto + r, t[i]);
		}
		for (; c < cols; c++)
			for (int i = 0; i < VW; i++)
				to[c * ldto + r + i] = from[(r + i) * ldfrom + c];
	}
	for (; r < rows; r++)
		for (c = 0; c < cols; c++)
			to[c * ldto + r] = from[r * ldfrom + c];
}

static void
add(float *y, const float *a, const float *b, int64_t n)
{
	for (int64_t i = 0; i < n; i += VW)
		store_some(y + i, vf_add(load_some(a + i, n - i), load_some(b + i, n - i)), n - i);
}

static void
axpy(float *y, float a, const float *x, int64_t n)
{
	vf va = vf_set1(a);

	for (int64_t i = 0; i < n; i += VW) {
		vf v = vf_fma(va, load_some(x + i, n - i), load_some(y + i, n - i));

		store_some(y + i, v, n - i);
	}
}

static void
scale(float *y, float a, int64_t n)
{
	vf va = vf_set1(a);

	for (int64_t i = 0; i < n; i += VW)
		store_some(y + i, vf_mul(va, load_some(y + i, n - i)), n - i);
}

static float
max_of(const float *x, int64_t n)
{
	vf m = vf_set1(x[0]);
	int64_t i = 0;

	for (; i + 4 * VW <= n; i += 4 * VW) {
		vf a = vf_max(vf_load(x + i), vf_load(x + i + VW));
		vf b = vf_max(vf_load(x + i + 2 * VW), vf_load(x + i + 3 * VW));

		m = vf_max(m, vf_max(a, b));
	}
	for (; i < n; i += VW) {
		vf v = load_some(x + i, n - i);

		m = vf_max(m, n - i >= VW ? v : vf_fill_n(v, n - i, x[0]));
	}
	return vf_hmax(m);
}

static float
exp_sum(float *y, const float *x, float m, int64_t n)
{
	vf s = vf_zero(), vm = vf_set1(m);

	for (int64_t i = 0; i < n; i += VW) {
		vf v = vexp(vf_sub(load_some(x + i, n - i), vm));

		if (n - i < VW)
			v = vf_fill_n(v, n - i, 0);
		s = vf_add(s, v);
		store_some(y + i, v, n - i);
	}
	return vf_hsum(s);
}

static float
sum_exp(const float *x, float m, int64_t n)
{
	vf s = vf_zero(), vm = vf_set1(m);

	for (int64_t i = 0; i < n; i += VW) {
		vf v = vexp(vf_sub(load_some(x + i, n - i), vm));

		s = vf_add(s, n - i < VW ? vf_fill_n(v, n - i, 0) : v);
	}
	return vf_hsum(s);
}

static void
exp_scale(float *y, const float *x, float m, float a, int64_t n)
{
	vf va = vf_set1(a), vm = vf_set1(m);

	for (int64_t i = 0; i < n; i += VW) {
		vf v = vexp(vf_sub(load_some(x + i, n - i), vm));

		store_some(y + i, vf_mul(va, v), n - i);
	}
}

static void
softmax_back(float *y, const float *p, const float *x, float d, float a, int64_t n)
{
	vf va = vf_set1(a), vd = vf_set1(d);

	for (int64_t i = 0; i < n; i += VW) {
		vf v = vf_mul(load_some(p + i, n - i), vf_sub(load_some(x + i, n - i), vd));

		store_some(y + i, vf_mul(va, v), n - i);
	}
}

static void
i8_scale(float *y, const int8_t *q, float s, int64_t n)
{
	int64_t i = 0;

	for (; i + VW <= n; i += VW)
		vf_store(y + i, vf_mul(vf_set1(s), vf_from_i8(q + i)));
	for (; i < n; i++)
		y[i] = s * (float)q[i];
}

static void
i8_mul(float *y, const int8_t *q, const float *s, int64_t n)
{
	int64_t i = 0;

	for (; i + VW <= n; i += VW)
		vf_store(y + i, vf_mul(vf_load(s + i), vf_from_i8(q + i)));
	for (; i < n; i++)
		y[i] = s[i] * (float)q[i];
}

#ifdef HAVE_F16
static void
f16_to_f32(float *y, const void *src, int64_t n)
{
	const unsigned char *x = src;
	int64_t i = 0;

	for (; i + VW <= n; i += VW)
		vf_store(y + i, vf_from_f16(x + 2 * i));
	for (; i < n; i++)
		y[i] = jten_f16_to_f32(jle_u16(x + 2 * i));
}

static void
f32_to_f16(uint16_t *y, const float *x, int64_t n)
{
	int64_t i = 0;

	for (; i + VW <= n; i += VW)
		vf_to_f16(y + i, vf_load(x + i));
	for (; i < n; i++)
		y[i] = jten_f32_to_f16(x[i]);
}
#else
static void
f16_to_f32(float *y, const void *src, int64_t n)
{
	const unsigned char *x = src;
	for (int64_t i = 0; i < n; i++)
		y[i] = jten_f16_to_f32(jle_u16(x + 2 * i));
}

static void
f32_to_f16(uint16_t *y, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = jten_f32_to_f16(x[i]);
}
#endif

static void
round_bf16(float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i += VW)
		store_some(y + i, vf_round_bf16(load_some(y + i, n - i)), n - i);
}

static void
f32_to_bf16(uint16_t *y, const float *x, int64_t n)
{
	int64_t i = 0;

	for (; i + VW <= n; i += VW)
		vf_to_bf16(y + i, vf_round_bf16(vf_load(x + i)));
	for (; i < n; i++)
		y[i] = jten_f32_to_bf16(x[i]);
}

static void
bf16_to_f32(float *y, const uint16_t *x, int64_t n)
{
	int64_t i = 0;

	for (; i + VW <= n; i += VW)
		vf_store(y + i, vf_from_bf16(x + i));
	for (; i < n; i++) {
		uint32_t u = (uint32_t)x[i] << 16;

		memcpy(y + i, &u, sizeof(u));
	}
}

static void
gelu_tanh(float *y, float *d, const float *x, int64_t n)
{
	const vf in = vf_set1(1.5957691216057308f), cube = vf_set1(0.044715f), one = vf_set1(1);

	for (int64_t i = 0; i < n; i += VW) {
		int64_t left = n - i;
		vf u = load_some(x + i, left), u2 = vf_mul(u, u);
		vf s = vsigmoid(vf_mul(vf_mul(in, u), vf_fma(cube, u2, one)));

		store_some(y + i, vf_mul(u, s), left);
		if (d) {
			vf slope = vf_mul(in, vf_fma(vf_set1(3 * 0.044715f), u2, one));

			slope = vf_mul(slope, vf_mul(vf_mul(u, s), vf_sub(one, s)));
			store_some(d + i, vf_add(s, slope), left);
		}
	}
}

#include "tensor/body_attn.h"

/* The table of one feature set. */
#define KERN_TABLE(text, bits) { \
	.name = text, .features = (bits), .mr = MR, .nr = NR, .few = FEW, .vw = VW, \
	.pack_a_rows = pack_a_rows, .pack_a_cols = pack_a_cols, \
	.pack_b_rows = pack_b_rows, .pack_b_cols = pack_b_cols, .micro = micro, \
	.few_rows = few_rows, .direct = direct, \
	.rmsnorm = rmsnorm, .rmsnorm_back = rmsnorm_back, .rope = rope, \
	.layernorm = layernorm, .layernorm_back = layernorm_back, \
	.swiglu = swiglu, .swiglu_back = swiglu_back, .gelu_tanh = gelu_tanh, .transpose = transpose, \
	.add = add, .axpy = axpy, \
	.scale = scale, .dot = dot, .max = max_of, .exp_sum = exp_sum, .sum_exp = sum_exp, \
	.exp_scale = exp_scale, .softmax_back = softmax_back, \
	.panels = panels, .unpanels = unpanels, .panel_dots = panel_dots, \
	.attend = attend, .attend_back = attend_back, \
	.spin = spin, .f16_to_f32 = f16_to_f32, .f32_to_f16 = f32_to_f16, \
	.round_bf16 = round_bf16, .f32_to_bf16 = f32_to_bf16, .bf16_to_f32 = bf16_to_f32, \
	.i8_scale = i8_scale, .i8_mul = i8_mul }
