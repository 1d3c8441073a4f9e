/*
 * pool.c - threads that share the indices of one loop.
 *
 * One word, `state`, holds the number of the loop, whether it is open, and how many workers are in
 * it.  The caller opens a loop; a worker that sees an open loop which it has not been in joins by
 * raising the count, takes indices from `next` until they are used up, and lowers the count.  The
 * caller takes indices too, then closes the loop and waits for the count to fall to zero: nobody
 * waits for a worker that was asleep, it just finds the loop closed.
 *
 * Both sides look again `spins` times before they sleep on a condition variable; `sleepers` and
 * `waiting` spare the awake the cost of a lock.  They are written before the last look at `state`
 * and all these accesses are sequentially consistent, so a wake-up is never lost.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/jmem.h"
#include "base/jsys.h"
#include "par/jpar.h"

#define SPINS 4000	/* some 50 to 200 microseconds */

#define COUNT UINT64_C(0xffff)		/* of state: workers in the loop */
#define OPEN UINT64_C(0x10000)
#define ROUND UINT64_C(0x20000)		/* one unit of the loop's number */

#if defined(__x86_64__) && defined(__GNUC__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__) && defined(__GNUC__)
#define RELAX() __asm__ __volatile__("yield")
#else
#define RELAX() ((void)0)
#endif

struct worker {
	struct jpar *pool;
	int id;
	pthread_t thread;
};

struct jpar {
	int n, spins;
	struct worker *workers;		/* n - 1 of them, ids 1.. */
	void (*fn)(void *arg, int64_t i, int worker);
	void *arg;
	int64_t count;
	_Atomic int64_t next;
	_Atomic uint64_t state;
	atomic_int sleepers;		/* workers asleep or about to be */
	atomic_bool waiting;		/* the caller is asleep or about to be */
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
};

/* The loop that this thread is in, so that a loop inside it runs inline under the same id. */
static _Thread_local struct {
	const struct jpar *pool;
	int id;
} here;

static void
take(struct jpar *p, int id)
{
	const struct jpar *outer = here.pool;
	int outer_id = here.id;
	int64_t i;

	here.pool = p;
	here.id = id;
	while ((i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < p->count)
		p->fn(p->arg, i, id);
	here.pool = outer;
	here.id = outer_id;
}

/* Whether s is something to do for a worker whose last loop was seen. */
static bool
is_news(struct jpar *p, uint64_t s, uint64_t seen)
{
	return ((s & OPEN) && s / ROUND != seen) || atomic_load(&p->stop);
}

static uint64_t
await_news(struct jpar *p, uint64_t seen)
{
	uint64_t s;
	int k;

	for (k = 0; k < p->spins; k++) {
		s = atomic_load(&p->state);
		if (is_news(p, s, seen))
			return s;
		RELAX();
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->sleepers, 1);
	while (s = atomic_load(&p->state), !is_news(p, s, seen))
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->sleepers, 1);
	pthread_mutex_unlock(&p->lock);
	return s;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct jpar *p = w->pool;
	uint64_t seen = 0, s;

	for (;;) {
		s = await_news(p, seen);
		if (atomic_load(&p->stop))
			return NULL;
		if (!atomic_compare_exchange_strong(&p->state, &s, s + 1))
			continue;
		seen = s / ROUND;
		take(p, w->id);
		s = atomic_fetch_sub(&p->state, 1) - 1;
		if ((s & (COUNT | OPEN)) == 0 && atomic_load(&p->waiting)) {
			pthread_mutex_lock(&p->lock);
			pthread_cond_signal(&p->done);
			pthread_mutex_unlock(&p->lock);
		}
	}
}

static void
wake_sleepers(struct jpar *p)
{
	if (atomic_load(&p->sleepers) == 0)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

static void
await_done(struct jpar *p)
{
	int k;

	for (k = 0; k < p->spins; k++) {
		if ((atomic_load(&p->state) & COUNT) == 0)
			return;
		RELAX();
	}
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->waiting, true);
	while (atomic_load(&p->state) & COUNT)
		pthread_cond_wait(&p->done, &p->lock);
	atomic_store(&p->waiting, false);
	pthread_mutex_unlock(&p->lock);
}

struct jpar *
jpar_new(int n)
{
	struct jpar *p = jmem_zalloc(1, sizeof(*p));
	int i;

	if (n < 1)
		n = 1;
	if (n > (int)COUNT)
		n = (int)COUNT;
	p->n = n;
	/* Spinning on a processor that another thread of ours needs only delays that thread. */
	p->spins = n <= jsys_cpus() ? SPINS : 0;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	pthread_cond_init(&p->done, NULL);
	p->workers = jmem_zalloc((size_t)n, sizeof(*p->workers));
	for (i = 1; i < n; i++) {
		p->workers[i - 1].pool = p;
		p->workers[i - 1].id = i;
		/* Fewer threads than asked for (a limit of the system) only make loops slower. */
		if (pthread_create(&p->workers[i - 1].thread, NULL, worker_main, &p->workers[i - 1])) {
			p->n = i;
			break;
		}
	}
	return p;
}

void
jpar_free(struct jpar *p)
{
	int i;

	if (!p)
		return;
	atomic_store(&p->stop, true);
	wake_sleepers(p);
	for (i = 0; i < p->n - 1; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	pthread_cond_destroy(&p->done);
	jmem_free(p->workers);
	jmem_free(p);
}

int
jpar_size(const struct jpar *p)
{
	return p ? p->n : 1;
}

void
jpar_for(struct jpar *p, int64_t count, void (*fn)(void *arg, int64_t i, int worker), void *arg)
{
	bool nested = p && here.pool == p;
	int64_t i;

	if (!p || nested || p->n == 1 || count < 2) {
		for (i = 0; i < count; i++)
			fn(arg, i, nested ? here.id : 0);
		return;
	}
	p->fn = fn;
	p->arg = arg;
	p->count = count;
	atomic_store(&p->next, 0);
	atomic_fetch_add(&p->state, ROUND | OPEN);
	wake_sleepers(p);
	take(p, 0);
	if (atomic_fetch_and(&p->state, ~OPEN) & COUNT)
		await_done(p);
}
