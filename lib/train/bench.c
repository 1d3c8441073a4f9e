/* bench.c - measuring a training step and its parts. */
#include "train/jbench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jjson.h"
#include "base/jrand.h"
#include "base/jsys.h"
#include "io/jfs.h"
#include "model/jmodel.h"
#include "optim/joptim.h"
#include "tensor/jkern.h"
#include "tensor/jpacked.h"
#include "tensor/jquant.h"

static double
peak(const struct jbench *b)
{
	return b->bf16 ? b->roof.bf16_flops : b->roof.f32_flops;
}

/* The time that a row of a step needs at least; only products with weights have tables of their own. */
static double
least_time(const struct jbench *b, const struct jbench_row *r)
{
	bool weights = strncmp(r->name, "linear", 6) == 0;
	double compute = r->flops / (weights ? peak(b) : b->roof.flops);
	double memory = b->roof.bandwidth > 0 ? r->bytes / b->roof.bandwidth : 0;

	return compute > memory ? compute : memory;
}

static struct jbench_row *
add_row(struct jbench *b, const char *op, const char *what)
{
	struct jbench_row *r;

	if (b->n == JBENCH_ROWS)
		return NULL;
	r = &b->row[b->n++];
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s%s%s", op, what ? " " : "", what ? what : "");
	return r;
}

/* --- a step --- */
static int
load_shape(struct jmodel **m, const char *name, struct jerr *e)
{
	struct jmodel_config c;
	int rc = jfs_exists(name) ? jmodel_config_load(&c, name, e) : jmodel_preset(&c, name, e);

	if (rc == 0)
		rc = jmodel_new(m, &c, e);
	if (rc < 0)
		return rc;
	jmodel_init_weights(*m, 1);
	rc = jmodel_alloc_grads(*m, 1, e);
	if (rc < 0)
		jmodel_free(*m);
	return rc;
}

static void
fill_inputs(struct jmodel_train_graph *g, int64_t vocab, int64_t rows, int64_t seq)
{
	int32_t *ids = jnode_data(g->ids), *pos = jnode_data(g->pos), *seg = jnode_data(g->seg);
	int32_t *targets = jnode_data(g->targets);
	struct jrand r;

	jrand_init(&r, 1, 1);
	for (int64_t i = 0; i < rows * seq; i++) {
		ids[i] = (int32_t)jrand_below(&r, (uint64_t)vocab);
		targets[i] = (int32_t)jrand_below(&r, (uint64_t)vocab);
		pos[i] = (int32_t)(i % seq);
		seg[i] = 0;
	}
}

static void
take_costs(struct jbench *b, const struct jgraph_cost *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct jbench_row *r = add_row(b, c[i].op, c[i].weight);

		if (!r)
			return;
		r->backward = c[i].backward;
		r->calls = c[i].calls;
		r->seconds = c[i].seconds;
		r->flops = c[i].flops;
		r->bytes = c[i].bytes;
	}
}

/* Reading weight, gradient and two moments, writing weight, gradient and moments. */
enum { UPDATE_BYTES = 32 };

static int
time_update(struct jbench *b, const struct jbench_opts *o, struct jmodel *m, struct jpar *pool,
	struct jerr *e)
{
	struct joptim_opts opts = JOPTIM_OPTS_INIT;
	struct joptim *opt;
	struct jbench_row *r;
	double best = INFINITY;

	opts.name = o->optimizer;
	if (joptim_settle(&opts, e) < 0
	    || joptim_new(&opt, m->params, m->n_params, &opts, pool, e) < 0)
		return e->code;
	for (int64_t i = 0; i < o->passes; i++) {
		double start = jsys_now();

		joptim_step(opt, 1e-4, joptim_grad_norm(opt));
		best = fmin(best, jsys_now() - start);
	}
	joptim_free(opt);
	r = add_row(b, "update", o->optimizer);
	if (!r)
		return 0;
	r->calls = 1;
	r->seconds = best;
	r->bytes = (double)m->count * UPDATE_BYTES;
	return 0;
}

/* Times the units of a batch one by one, as training does; flops_all gets the step's operations. */
static int
time_units(struct jbench *b, const struct jbench_opts *o, struct jmodel *m, struct jpar *pool,
	struct jerr *e)
{
	const struct jgraph_plan_opts po = { .training = true, .bf16_values = o->bf16,
		.products = o->bf16 ? JPRODUCTS_BF16 : JPRODUCTS_F32 };
	struct jgraph_cost *costs = jmem_alloc(JBENCH_ROWS, sizeof(*costs));
	struct jmodel_train_graph g;
	size_t n;
	int rc = jmodel_build_train(m, pool, (int)o->batch, (int)o->seq, 0, &g, e);

	if (rc == 0) {
		rc = jgraph_plan(g.g, &po, NULL, e);
		if (rc == 0) {
			fill_inputs(&g, m->cfg.vocab_size, o->batch, o->seq);
			jgraph_set_loss_scale(g.g, 1.0f / (float)(o->batch * o->seq));
			n = jgraph_profile(g.g, (int)o->passes, costs, JBENCH_ROWS);
			take_costs(b, costs, n);
		}
		jgraph_free(g.g);
	}
	jmem_free(costs);
	return rc;
}

int
jbench_step(struct jbench *b, const struct jbench_opts *o, struct jpar *pool, struct jerr *e)
{
	struct jmodel *m;
	double flops = 0;
	size_t first = b->n;
	int rc;

	if (o->batch < 1 || o->seq < 1 || o->passes < 1 || o->batch > INT32_MAX / o->seq)
		return jerr_set(e, JERR_ARG, "a step needs sequences, tokens and passes: got %lld, "
			"%lld and %lld", (long long)o->batch, (long long)o->seq, (long long)o->passes);
	rc = load_shape(&m, o->model, e);
	if (rc < 0)
		return rc;
	b->bf16 = o->bf16;
	rc = time_units(b, o, m, pool, e);
	if (rc == 0)
		rc = time_update(b, o, m, pool, e);
	jmodel_free(m);
	b->tokens = o->batch * o->seq;
	b->step_s = 0;
	for (size_t i = first; i < b->n; i++) {
		b->step_s += b->row[i].seconds;
		flops += b->row[i].flops;
		b->row[i].share = least_time(b, &b->row[i]) / b->row[i].seconds;
	}
	b->share = flops / b->step_s / peak(b);
	return rc;
}

/* --- single products --- */
struct product {
	int64_t M, N, K;
	enum jdtype type;
	float *x, *w, *y, *work;
	struct jpar *pool;
	const struct jkern *k;
	struct jpacked *packed;
	struct jgemm g;
};

static void
run_product(const struct product *p)
{
	const struct jpacked_call c = { p->M, p->x, p->K, p->y, p->N, false };

	if (p->packed)
		jpacked_product(p->packed, &c, p->pool, p->work);
	else
		jkern_gemm_par(p->k, &p->g, p->pool, p->work);
}

enum { TRIES = 5 };
#define TRY_S 0.05

/* The least time of a call. */
static double
time_product(const struct product *p)
{
	double best = INFINITY;

	run_product(p);
	for (int i = 0; i < TRIES; i++) {
		double start = jsys_now(), t = start;
		int64_t calls = 0;

		do {
			double one = t;

			run_product(p);
			t = jsys_now();
			best = fmin(best, t - one);
			calls++;
		} while (t - start < TRY_S || calls < 3);
	}
	return best;
}

static float *
values(int64_t n)
{
	float *p = jmem_map((size_t)n * sizeof(float));

	for (int64_t i = 0; p && i < n; i++)
		p[i] = (float)(i % 7) * 0.125f - 0.375f;
	return p;
}

/* y = x W^T, dx = dy W, dW += dy^T x. */
static void
plain_rows(struct jbench *b, struct product *p, const char *shape)
{
	static const char *const forms[] = { "NT", "NN", "TN" };
	int64_t M = p->M, N = p->N, K = p->K;
	struct jgemm g[3] = {
		{ .form = JGEMM_NT, .M = M, .N = N, .K = K, .A = p->x, .lda = K, .B = p->w,
			.ldb = K, .C = p->y, .ldc = N, .alpha = 1 },
		{ .form = JGEMM_NN, .M = M, .N = K, .K = N, .A = p->y, .lda = N, .B = p->w,
			.ldb = K, .C = p->x, .ldc = K, .alpha = 1 },
		{ .form = JGEMM_TN, .M = N, .N = K, .K = M, .A = p->y, .lda = N, .B = p->x,
			.ldb = K, .C = p->w, .ldc = K, .alpha = 1 },
	};

	for (int i = 0; i < 3; i++) {
		struct jbench_row *r = add_row(b, forms[i], shape);

		p->g = g[i];
		p->work = jmem_alloc(jkern_gemm_work_of(p->k, &g[i]) * (size_t)jpar_size(p->pool),
			sizeof(float));
		if (r) {
			r->calls = 1;
			r->seconds = time_product(p);
			r->flops = 2 * (double)M * (double)N * (double)K;
			r->bytes = 4 * ((double)M * (double)K + (double)N * (double)K
				+ (double)M * (double)N);
			r->share = r->flops / r->seconds / peak(b);
		}
		jmem_free(p->work);
	}
}

static int
packed_row(struct jbench *b, struct product *p, const char *shape, struct jerr *e)
{
	uint64_t bytes = jten_bytes(p->type, p->N * p->K);
	void *rows = jmem_map(bytes);
	struct jbench_row *r;

	if (!rows)
		return jerr_set(e, JERR_NOMEM, "no memory for a product of %s", shape);
	for (int64_t n = 0; n < p->N; n++)
		jten_from_f32((char *)rows + (uint64_t)n * jten_bytes(p->type, p->K), p->type,
			p->w + n * p->K, p->K);
	p->packed = jpacked_new(p->type, rows, p->N, p->K, p->pool);
	r = p->packed ? add_row(b, jdtype_name(p->type), shape) : NULL;
	if (r) {
		p->work = jmem_alloc(jpacked_work(p->packed, p->M, jpar_size(p->pool)) + 1,
			sizeof(float));
		r->calls = 1;
		r->seconds = time_product(p);
		r->flops = 2 * (double)p->M * (double)p->N * (double)p->K;
		r->bytes = (double)bytes;
		r->share = b->roof.bandwidth > 0 ? r->bytes / b->roof.bandwidth / r->seconds : 0;
		jmem_free(p->work);
	}
	jpacked_free(p->packed);
	p->packed = NULL;
	jmem_unmap(rows, bytes);
	return 0;
}

static int
parse_product(struct product *p, const char *spec, struct jerr *e)
{
	long long M, N, K;
	char type[16] = "f32", end;
	int n = sscanf(spec, "%lldx%lldx%lld:%15[a-zA-Z0-9_]%c", &M, &N, &K, type, &end);
	int dtype = jdtype_find(type);

	if ((n != 3 && n != 4) || M < 1 || N < 1 || K < 1 || M > 1 << 20 || N > 1 << 20
	    || K > 1 << 20 || M * K > 1 << 30 || N * K > 1 << 30 || M * N > 1 << 30)
		return jerr_set(e, JERR_ARG, "'%s': expected MxNxK or MxNxK:TYPE, of at most 2^30 "
			"values an operand", spec);
	if (dtype < 0 || (n == 4 && !jpacked_offers((enum jdtype)dtype, K)))
		return jerr_set(e, JERR_ARG, "'%s': expected f16, bf16, q8_0, q4_0 (rows of whole "
			"blocks of 32), q4_k, q5_k or q6_k (256)", spec);
	p->M = M;
	p->N = N;
	p->K = K;
	p->type = n == 4 ? (enum jdtype)dtype : JDT_F32;
	return 0;
}

int
jbench_product(struct jbench *b, const char *spec, struct jpar *pool, struct jerr *e)
{
	struct product p = { .pool = pool, .k = b->bf16 ? jkern_bf16() : jkern_f32() };
	char shape[64];
	int rc = parse_product(&p, spec, e);

	if (rc < 0)
		return rc;
	snprintf(shape, sizeof(shape), "%lldx%lldx%lld", (long long)p.M, (long long)p.N,
		(long long)p.K);
	p.x = values(p.M * p.K);
	p.w = values(p.N * p.K);
	p.y = values(p.M * p.N);
	if (!p.x || !p.w || !p.y)
		rc = jerr_set(e, JERR_NOMEM, "no memory for a product of %s", shape);
	else if (p.type == JDT_F32)
		plain_rows(b, &p, shape);
	else
		rc = packed_row(b, &p, shape, e);
	jmem_unmap(p.x, (size_t)(p.M * p.K) * sizeof(float));
	jmem_unmap(p.w, (size_t)(p.N * p.K) * sizeof(float));
	jmem_unmap(p.y, (size_t)(p.M * p.N) * sizeof(float));
	return rc;
}

/* --- for people, for programs --- */
void
jbench_text(const struct jbench *b, struct jbuf *out)
{
	jbuf_printf(out, "roof: %.1f GFLOP/s fp32 (%s), of products %.1f in fp32 (%s) and %.1f in bf16 "
		"(%s), %.1f GB/s read\n", b->roof.flops * 1e-9, jkern_get()->name,
		b->roof.f32_flops * 1e-9, jkern_f32()->name, b->roof.bf16_flops * 1e-9,
		jkern_bf16()->name, b->roof.bandwidth * 1e-9);
	jbuf_printf(out, "%-48s %5s %10s %6s %9s %7s %6s\n", "operation", "calls", "ms", "time",
		"GFLOP/s", "GB/s", "roof");
	for (size_t i = 0; i < b->n; i++) {
		const struct jbench_row *r = &b->row[i];

		jbuf_printf(out, "%-38s %-9s %5lld %10.3f", r->name, r->backward ? "backward" : "",
			(long long)r->calls, r->seconds * 1e3);
		if (b->step_s > 0 && r->seconds <= b->step_s)
			jbuf_printf(out, " %5.1f%%", 100 * r->seconds / b->step_s);
		else
			jbuf_printf(out, " %6s", "-");
		jbuf_printf(out, " %9.1f %7.1f", r->flops / r->seconds * 1e-9,
			r->bytes / r->seconds * 1e-9);
		if (r->share <= 1)
			jbuf_printf(out, " %5.0f%%\n", 100 * r->share);
		else		/* its tensors never leave the caches */
			jbuf_printf(out, " %6s\n", "cache");
	}
	if (b->step_s > 0)
		jbuf_printf(out, "a step of %lld tokens: %.1f ms, %.0f tokens/s, %.0f%% of the peak\n",
			(long long)b->tokens, b->step_s * 1e3, (double)b->tokens / b->step_s,
			100 * b->share);
}

static void
json_num(struct jbuf *out, const char *key, double v)
{
	jbuf_printf(out, "\"%s\":", key);
	jjson_num(out, v);
}

void
jbench_json(const struct jbench *b, struct jbuf *out)
{
	jbuf_adds(out, "{\"roof\":{");
	json_num(out, "flops", b->roof.flops);
	jbuf_adds(out, ",");
	json_num(out, "f32_product_flops", b->roof.f32_flops);
	jbuf_adds(out, ",");
	json_num(out, "bf16_flops", b->roof.bf16_flops);
	jbuf_adds(out, ",");
	json_num(out, "bandwidth", b->roof.bandwidth);
	jbuf_adds(out, "},\"operations\":[");
	for (size_t i = 0; i < b->n; i++) {
		const struct jbench_row *r = &b->row[i];

		jbuf_adds(out, i ? ",{\"name\":" : "{\"name\":");
		jjson_str(out, r->name, strlen(r->name));
		jbuf_printf(out, ",\"backward\":%s,\"calls\":%lld,", r->backward ? "true" : "false",
			(long long)r->calls);
		json_num(out, "seconds", r->seconds);
		jbuf_adds(out, ",");
		json_num(out, "flops", r->flops);
		jbuf_adds(out, ",");
		json_num(out, "bytes", r->bytes);
		jbuf_adds(out, ",");
		json_num(out, "share", r->share);
		jbuf_adds(out, "}");
	}
	jbuf_adds(out, "]");
	if (b->step_s > 0) {
		jbuf_printf(out, ",\"tokens\":%lld,", (long long)b->tokens);
		json_num(out, "step_s", b->step_s);
		jbuf_adds(out, ",");
		json_num(out, "tokens_per_s", (double)b->tokens / b->step_s);
		jbuf_adds(out, ",");
		json_num(out, "share", b->share);
	}
	jbuf_adds(out, "}\n");
}
