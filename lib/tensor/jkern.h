/*
 * jkern.h - arithmetic kernels, one table of functions per set of CPU features.
 *
 * jkern_get() returns the best table that jsys_features() allows: generic C, AVX2 with FMA, or
 * AVX-512.  All tables are made from the same source text (body_*.h) compiled over a small vector
 * vocabulary (vec_*.h); beside every fast kernel stands a scalar jkern_*_ref() in double.
 *
 * Order of summation is part of the contract:
 * - Matrix products.  Element (i, j) is a chain of multiply-adds over k in ascending order, cut
 *   into blocks whose length depends on K alone (jkern_block); block sums are added to C in order.
 *   Hence an element has the same bits whatever M and N are, however the output is cut into tiles,
 *   and for any number of threads: a row decoded alone equals the same row inside a prefill.
 *   Training multiplies with jkern_f32() or jkern_bf16(), whose bits are their own.
 * - Row kernels depend on the row and its length alone.
 * The bits differ between tables, because vector widths and fused multiply-add differ.
 *
 * Kernels never allocate.  No pointer needs alignment.  Outputs may not overlap inputs unless
 * the comment says "in place".  NaN and infinity propagate as in plain C; only "amx3" makes NaN of
 * products with an infinity.
 */
#ifndef JKERN_H
#define JKERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "par/jpar.h"
#include "tensor/jtensor.h"

/* --- matrix product: C = alpha * op(A) op(B) + beta * C, C is [M, N], row-major --- */
enum jgemm_form {
	JGEMM_NT,	/* A [M, K], B [N, K]: y = x W^T */
	JGEMM_NN,	/* A [M, K], B [K, N]: dx = dy W */
	JGEMM_TN	/* A [K, M], B [K, N]: dW = dy^T x */
};
struct jgemm {
	enum jgemm_form form;
	int64_t M, N, K;
	const float *A, *B;
	float *C;
	int64_t lda, ldb, ldc;	/* distance of rows as stored, in elements */
	float alpha, beta;	/* beta 0: C is not read */
	bool lower;		/* only C[i][j], j <= i, is wanted: the rest may be written or not */
	/*
	 * B as a file holds it: rows of jten_bytes(type, ldb) bytes, of which op(B) starts at
	 * element b_col.  Tiles of it become fp32 on their way into the panels: the bits are those
	 * of the product with the whole of B decoded.  Not with JDT_F32, where B is used.
	 */
	enum jdtype b_type;
	const void *b_data;
	int64_t b_col;
};

/* Addends and flags of the backward kernels: what is there already is kept or overwritten. */
struct jrms_back {
	int64_t n;
	float eps;
	const float *x, *w, *dy;
	float *dx;		/* NULL = not wanted; may be dy (in place) when add is false */
	float *dw;		/* added to; NULL = frozen */
	bool add;		/* dx += instead of dx = */
};
struct jln_back {
	int64_t n;
	float eps;
	const float *x, *w, *dy;
	float *dx;		/* NULL = not wanted; may be dy (in place) when add is false */
	float *dw, *db;		/* added to; NULL = frozen */
	bool add;
};
struct jswiglu_back {
	int64_t n;
	const float *gate, *up, *dy;
	float *dgate, *dup;	/* NULL = not wanted; dgate may be dy (in place) */
	bool add_gate, add_up;
};

enum jrope_mode { JROPE_INVERSE = 1, JROPE_ADD = 2 };

/*
 * One micro-kernel call: a tile of outputs over one block of k.  micro(): at most mr x nr, a and b
 * are panels [kc][mr] and [kc][nr].  few(): at most `few` rows x vw columns, a and b lie as in
 * struct jgemm with their row distances; b is [cols, kc] (b_rows true) or [kc, cols].
 */
struct jmicro {
	int64_t kc;
	const float *a, *b;
	float *c;
	int64_t lda, ldb, ldc;
	int rows, cols;		/* valid part of the tile */
	bool b_rows;
	float alpha, beta;
};

/*
 * Nothing packed: C [M, N] = alpha A B + beta C over one block of k; a[m * a_row + k * a_k], rows of
 * b and c lie ldb and ldc apart.
 */
struct jdirect {
	int64_t M, N, K;
	const float *a, *b;
	float *c;
	int64_t a_row, a_k, ldb, ldc;
	float alpha, beta;
};

/*
 * Attention of one head.  Rows lie in panels: vw rows turned, [wide][vw], wide = d rounded up to a
 * multiple of 8, what is missing 0.  The vw rows (or keys) of one panel, the lanes, meet those of
 * the other panels one after another, in tiles of JATTN_TILE counted from the start of the sequence.
 */
enum { JATTN_TILE = 64, JATTN_WIDE = 8 };
struct jattn_head {
	int64_t d, wide, block;	/* block: jgemm_block(d) */
	float scale, cap;	/* cap 0 = none */
	const int32_t *seg;	/* only equal segments see each other; NULL where from and to say it all */
};
/* Lane r meets keys (or rows) from[r] <= x < to[r], whole numbers; none where it is not in use. */
struct jattn_sight {
	int64_t at, lanes;	/* place of the first lane; lanes in use */
	const float *from, *to;	/* [vw] */
	int64_t first, end;	/* least and largest of those in use */
	float last_from, first_to;	/* largest and least of all */
};
struct jattn_queries {
	const struct jattn_head *h;
	struct jattn_sight sight;
	const float *q, *k, *v;	/* this panel of queries; all panels of keys and values */
	float *o;		/* this panel's result, written */
	float *lse;		/* [lanes] log of the sum of exp(scores), or NULL */
};
/* NULL gradients are not wanted. */
struct jattn_keys {
	const struct jattn_head *h;
	struct jattn_sight sight;
	const float *q, *dout, *lse, *delta;	/* of all rows; the last two padded to panels */
	const float *k, *v;	/* this panel */
	float *dq;		/* all panels, added to */
	float *dk, *dv;		/* this panel, added to */
};

struct jkern {
	const char *name;	/* "generic", "avx2", "avx512" */
	unsigned features;	/* bits of jsys_features() it needs */

	/*
	 * Pieces of the matrix product; use jkern_gemm().  A panel holds, for each k, mr rows of
	 * A or nr columns of B, the missing ones 0; it is made from n stored rows of kc values
	 * (_rows) or from kc stored rows of n values (_cols).  Writing a panel of A may spill up
	 * to 16 floats behind its end.
	 */
	int mr, nr, few, vw;		/* few 0: everything is packed */
	int k_max, k_unit;		/* longest block of k; what blocks and panels are multiples of */
	int pairs;			/* panels hold bf16, two values of k in a float, so many floats; or 0 */
	bool wide_a;			/* pack_a_cols() takes several panels side by side */
	void (*begin)(void), (*end)(void);	/* around the calls of one product, or NULL */
	void (*pack_a_rows)(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc);
	void (*pack_a_cols)(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc);
	void (*pack_b_rows)(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc);
	void (*pack_b_cols)(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc);
	void (*micro)(const struct jmicro *t);
	void (*few_rows)(const struct jmicro *t);
	void (*direct)(const struct jdirect *t);

	/* y = x * rsqrt(mean(x^2) + eps) * w over n values; in place allowed. */
	void (*rmsnorm)(float *y, const float *x, const float *w, int64_t n, float eps);
	void (*rmsnorm_back)(const struct jrms_back *b);
	/* y = (x - mean(x)) * rsqrt(mean((x - mean(x))^2) + eps) * w + b over n values; in place allowed. */
	void (*layernorm)(float *y, const float *x, const float *const wb[2], int64_t n, float eps);
	void (*layernorm_back)(const struct jln_back *b);
	/* Rotates `heads` heads of 2*half values; cs = half cosines, then half sines. In place. */
	void (*rope)(float *y, const float *x, const float *cs, int64_t heads, int64_t half,
		int mode);
	void (*swiglu)(float *y, const float *gate, const float *up, int64_t n);
	void (*swiglu_back)(const struct jswiglu_back *b);

	/* y = x / (1 + exp(-2 z)), z = sqrt(2/pi) (x + 0.044715 x^3); its derivative to d unless NULL. */
	void (*gelu_tanh)(float *y, float *d, const float *x, int64_t n);

	/* to [cols, rows] = from [rows, cols] turned around. */
	void (*transpose)(float *to, const float *from, int64_t rows, int64_t cols, int64_t ldto,
		int64_t ldfrom);
	void (*add)(float *y, const float *a, const float *b, int64_t n);	/* in place */
	void (*axpy)(float *y, float a, const float *x, int64_t n);		/* y += a x */
	void (*scale)(float *y, float a, int64_t n);
	float (*dot)(const float *a, const float *b, int64_t n);
	float (*max)(const float *x, int64_t n);		/* n >= 1 */
	/* y = exp(x - m), returns the sum; in place.  exp of less than -87.3 is 0. */
	float (*exp_sum)(float *y, const float *x, float m, int64_t n);
	/* Sum of exp(x - m), nothing stored. */
	float (*sum_exp)(const float *x, float m, int64_t n);
	/* y = a * exp(x - m); in place. */
	void (*exp_scale)(float *y, const float *x, float m, float a, int64_t n);
	/* y = a * p * (x - d): gradient of a softmax row; in place over x. */
	void (*softmax_back)(float *y, const float *p, const float *x, float d, float a,
		int64_t n);

	/* Rows of h->d values, ld apart, to panels and back (add: to what is there). */
	void (*panels)(float *to, const float *from, int64_t ld, int64_t rows,
		const struct jattn_head *h);
	void (*unpanels)(float *to, const float *from, int64_t ld, int64_t rows,
		const struct jattn_head *h, bool add);
	/* y[r] = the product of rows r of panels a and b; y is padded to panels. */
	void (*panel_dots)(float *y, const float *a, const float *b, int64_t rows,
		const struct jattn_head *h);
	/*
	 * The online softmax of graph/attn.h, with its bits: scores of a tile as jkern_gemm() sums
	 * them, their exp_sum(), values added in the order of keys.
	 */
	void (*attend)(const struct jattn_queries *a);
	void (*attend_back)(const struct jattn_keys *a);

	/* Multiply-adds in registers alone, n rounds; returns the operations done (2 each). */
	double (*spin)(int64_t n);
	void (*f16_to_f32)(float *y, const void *x, int64_t n);
	void (*f32_to_f16)(uint16_t *y, const float *x, int64_t n);
	/* To the nearest bf16, halves to even, NaN stays NaN: in place as floats, or in two bytes. */
	void (*round_bf16)(float *y, int64_t n);
	void (*f32_to_bf16)(uint16_t *y, const float *x, int64_t n);
	void (*bf16_to_f32)(float *y, const uint16_t *x, int64_t n);
	void (*i8_scale)(float *y, const int8_t *q, float s, int64_t n);	/* y = s q */
	void (*i8_mul)(float *y, const int8_t *q, const float *s, int64_t n);	/* y[i] = s[i] q[i] */
};

const struct jkern *jkern_get(void);
/*
 * Matrix products in bf16: operands are rounded to bf16 on their way into the panels, sums are fp32.
 * Only the pieces of the product are set.  "amx", "avx512bf16", or where neither is there the fp32
 * kernels behind the same rounding ("avx2-rounded", ...): slower than fp32, for checking and for
 * going on with a run elsewhere.
 */
const struct jkern *jkern_bf16(void);
/*
 * Matrix products in fp32 for training: "amx3", fp32 from three times bf16 in tiles, or jkern_get().
 * At least as exact as that, but with other bits: not for rows that must equal rows decoded alone.
 */
const struct jkern *jkern_f32(void);
/* Has this machine instructions for them? */
bool jkern_bf16_fast(void);
/* The tables this machine can run, best first, ending with NULL; for tests. */
const struct jkern *const *jkern_all(void);

/* Length of the blocks of k: a function of K alone; jgemm_block() for the tables in fp32. */
int64_t jgemm_block(int64_t K);
int64_t jkern_block(const struct jkern *k, int64_t K);
/* Scratch floats that one thread needs for a product with B in fp32 (an upper bound over M). */
size_t jkern_gemm_work(const struct jkern *k, enum jgemm_form form, int64_t N, int64_t K);
/* The same for any type of B; reads form, N, K and b_type. */
size_t jkern_gemm_work_of(const struct jkern *k, const struct jgemm *g);
void jkern_gemm(const struct jkern *k, const struct jgemm *g, float *work);
/*
 * The same bits without packing and without scratch: forms NN and TN in fp32, faster while B stays in
 * the nearest caches (the tiles of attention).
 */
void jkern_small(const struct jkern *k, const struct jgemm *g);
/* The same bits on all threads of a pool; work holds jpar_size(pool) * jkern_gemm_work_of(). */
void jkern_gemm_par(const struct jkern *k, const struct jgemm *g, struct jpar *pool, float *work);

/* Scalar references: double inside, rounded once on output. */
void jkern_gemm_ref(const struct jgemm *g);
void jkern_rmsnorm_ref(float *y, const float *x, const float *w, int64_t n, float eps);
void jkern_rmsnorm_back_ref(const struct jrms_back *b);
void jkern_layernorm_ref(float *y, const float *x, const float *const wb[2], int64_t n, float eps);
void jkern_layernorm_back_ref(const struct jln_back *b);
void jkern_rope_ref(float *y, const float *x, const float *cs, int64_t heads, int64_t half,
	int mode);
void jkern_swiglu_ref(float *y, const float *gate, const float *up, int64_t n);
void jkern_swiglu_back_ref(const struct jswiglu_back *b);
double jkern_dot_ref(const float *a, const float *b, int64_t n);
double jkern_exp_sum_ref(float *y, const float *x, float m, int64_t n);

#endif
