/* graph_alloc.c - forward and backward allocate nothing: counted by our own malloc(). */
#include "t.h"

#include <stdatomic.h>

#include "graph_model.h"

static atomic_int armed, calls;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED 1

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

void *
malloc(size_t n)
{
	atomic_fetch_add(&calls, armed);
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	atomic_fetch_add(&calls, armed);
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	atomic_fetch_add(&calls, armed);
	return __libc_realloc(p, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
	atomic_fetch_add(&calls, armed);
	*p = __libc_memalign(align, n);
	return *p ? 0 : 12;
}
#else
#define COUNTED 0
#endif

int
main(void)
{
	const struct gm_shape s = { .B = 2, .T = 70, .C = 24, .H = 2, .K = 1, .d = 12, .F = 32,
		.V = 600, .L = 2, .seg = true };
	const struct jgraph_plan_opts opts = { .training = true, .recompute = true };
	struct jpar *pool = jpar_new(2);
	struct jerr e = { 0 };
	struct gm m;
	void *probe;

	if (!COUNTED) {
		t_skip("malloc cannot be counted in this build");
		return t_done();
	}
	gm_init(&m, &s, pool);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	gm_fill(&m, 1);
	armed = 1;
	for (int i = 0; i < 3; i++) {
		jgraph_forward(m.g);
		jgraph_backward(m.g);
	}
	armed = 0;
	eq_int(calls, 0);
	armed = 1;
	probe = jmem_alloc(1, 100);	/* the counter does count */
	armed = 0;
	eq_int(calls, 1);
	jmem_free(probe);
	gm_release(&m);
	jpar_free(pool);
	return t_done();
}
