/*
 * The pipeline: order, bounded blocks, the first error in order, nothing lost.
 */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "par/jpar.h"
#include "t.h"

struct flow {
	int total, next;		/* blocks to read; read so far */
	int read_bad, work_bad, write_bad;	/* block at which a stage fails, -1 never */
	int expected, misplaced;	/* at the writer */
	uint64_t sum;			/* depends on the order */
	atomic_int alive, most, dropped;
	atomic_int reading, writing, overlap;
};

struct block {
	int i;
	uint64_t v;
};

static int
read_one(void *arg, void **block, struct jerr *e)
{
	struct flow *f = arg;
	struct block *b;
	int alive;

	if (atomic_fetch_add(&f->reading, 1) != 0)
		atomic_fetch_add(&f->overlap, 1);
	if (f->next == f->read_bad) {
		atomic_fetch_sub(&f->reading, 1);
		return jerr_set(e, JERR_FORMAT, "read %d", f->next);
	}
	if (f->next < f->total) {
		b = jmem_alloc(1, sizeof(*b));
		b->i = f->next++;
		*block = b;
		alive = atomic_fetch_add(&f->alive, 1) + 1;
		if (alive > atomic_load(&f->most))
			atomic_store(&f->most, alive);
	}
	atomic_fetch_sub(&f->reading, 1);
	return *block != NULL;
}

static int
work_one(void *arg, void *block, int worker, struct jerr *e)
{
	struct flow *f = arg;
	struct block *b = block;
	struct jrand r;

	(void)worker;
	jrand_init(&r, 1, (uint64_t)b->i);
	b->v = jrand_u64(&r);
	/* uneven work, so that blocks overtake each other */
	if (b->v % 16 == 0)
		nanosleep(&(struct timespec){ 0, (long)(b->v % 300000) }, NULL);
	return f->work_bad >= 0 && b->i >= f->work_bad ? jerr_set(e, JERR_ARG, "work %d", b->i) : 0;
}

static void
drop_one(void *arg, void *block)
{
	struct flow *f = arg;

	atomic_fetch_add(&f->dropped, 1);
	atomic_fetch_sub(&f->alive, 1);
	jmem_free(block);
}

static int
write_one(void *arg, void *block, struct jerr *e)
{
	struct flow *f = arg;
	struct block *b = block;
	int bad;

	if (atomic_fetch_add(&f->writing, 1) != 0)
		atomic_fetch_add(&f->overlap, 1);
	f->misplaced += b->i != f->expected++;
	f->sum = f->sum * 31 + b->v;
	bad = b->i == f->write_bad;
	atomic_fetch_sub(&f->alive, 1);
	jmem_free(b);
	atomic_fetch_sub(&f->writing, 1);
	return bad ? jerr_set(e, JERR_IO, "write %d", f->expected - 1) : 0;
}

static struct flow
go(int total, int n, int read_bad, int work_bad, int write_bad, struct jerr *e)
{
	static struct flow f;
	struct jpar_pipe p = { read_one, work_one, write_one, drop_one, &f };
	int rc;

	memset(&f, 0, sizeof(f));
	f.total = total;
	f.read_bad = read_bad;
	f.work_bad = work_bad;
	f.write_bad = write_bad;
	memset(e, 0, sizeof(*e));
	rc = jpar_pipe_run(&p, n, e);
	eq_int(rc, e->code);
	eq_int(f.misplaced + f.overlap + f.alive, 0);
	ok(f.most <= 2 * n + 2);
	return f;
}

int
main(void)
{
	static const int threads[] = { 1, 2, 4, 7 };
	struct jerr e;
	struct flow f;
	uint64_t sum = 0;
	size_t k;
	int n;

	for (k = 0; k < sizeof(threads) / sizeof(threads[0]); k++) {
		n = threads[k];
		f = go(1000, n, -1, -1, -1, &e);
		ok(f.expected == 1000 && e.code == 0 && f.dropped == 0);
		if (!sum)
			sum = f.sum;
		ok(f.sum == sum);
		f = go(0, n, -1, -1, -1, &e);
		ok(f.expected == 0 && e.code == 0);
		/* blocks before the error are written, whatever n */
		f = go(300, n, 200, -1, -1, &e);
		ok(f.expected == 200);
		eq_str(e.msg, "read 200");
		f = go(300, n, -1, 123, -1, &e);
		ok(f.expected == 123);
		eq_str(e.msg, "work 123");
		f = go(300, n, 130, 123, -1, &e);
		eq_str(e.msg, "work 123");
		f = go(300, n, -1, -1, 50, &e);
		ok(f.expected == 51);
		eq_str(e.msg, "write 50");
		eq_int(e.code, JERR_IO);
		f = go(300, n, 0, -1, -1, &e);
		ok(f.expected == 0);
		eq_str(e.msg, "read 0");
	}
	return t_done();
}
