/*
 * The thread pool: every index once, for any number of threads; nested loops; many short loops.
 */
#include <stdatomic.h>
#include <time.h>

#include "base/jmem.h"
#include "par/jpar.h"
#include "t.h"

enum { N = 10000 };

struct job {
	struct jpar *pool;
	atomic_int hits[N];
	int64_t out[N];
	atomic_int busy[8];	/* loops running under each worker number */
	atomic_int wrong;
};

static void
once(void *arg, int64_t i, int w)
{
	struct job *j = arg;

	if (w < 0 || w >= jpar_size(j->pool) || atomic_fetch_add(&j->busy[w], 1) != 0)
		atomic_fetch_add(&j->wrong, 1);
	atomic_fetch_add(&j->hits[i], 1);
	j->out[i] = i * i;
	atomic_fetch_sub(&j->busy[w], 1);
}

static void
inner(void *arg, int64_t i, int w)
{
	struct job *j = arg;

	(void)w;
	atomic_fetch_add(&j->hits[i], 1);
}

static void
outer(void *arg, int64_t i, int w)
{
	struct job *j = arg;

	(void)i;
	/* the scratch of worker w must not be shared by the loop inside */
	if (atomic_fetch_add(&j->busy[w], 1) != 0)
		atomic_fetch_add(&j->wrong, 1);
	jpar_for(j->pool, 100, inner, j);
	atomic_fetch_sub(&j->busy[w], 1);
}

static void
check(int threads)
{
	static const int64_t counts[] = { 0, 1, 2, 3, 7, 100, N };
	struct job *j = jmem_zalloc(1, sizeof(*j));
	int64_t i;
	size_t k;
	int wrong = 0, round;

	j->pool = threads ? jpar_new(threads) : NULL;
	eq_int(jpar_size(j->pool), threads ? threads : 1);
	for (k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		for (i = 0; i < N; i++)
			atomic_store(&j->hits[i], 0);
		jpar_for(j->pool, counts[k], once, j);
		for (i = 0; i < N; i++)
			wrong += j->hits[i] != (i < counts[k]) || (i < counts[k] && j->out[i] != i * i);
	}
	/* thousands of short loops, as a training step has, with and without time to fall asleep */
	for (i = 0; i < N; i++)
		atomic_store(&j->hits[i], 0);
	for (round = 0; round < 3000; round++) {
		jpar_for(j->pool, 5, once, j);
		if (round % 500 == 0)
			nanosleep(&(struct timespec){ 0, 3000000 }, NULL);
	}
	for (i = 0; i < 5; i++)
		wrong += j->hits[i] != 3000;
	for (i = 0; i < N; i++)
		atomic_store(&j->hits[i], 0);
	jpar_for(j->pool, 50, outer, j);
	for (i = 0; i < 100; i++)
		wrong += j->hits[i] != 50;
	eq_int(wrong + j->wrong, 0);
	jpar_free(j->pool);
	jmem_free(j);
}

int
main(void)
{
	int i;

	check(0);
	check(1);
	check(2);
	check(4);
	check(8);
	for (i = 0; i < 50; i++)
		jpar_free(jpar_new(3));
	ok(1);
	return t_done();
}
