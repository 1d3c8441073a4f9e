/*
 * pipe.c - read | work | write with the order kept.
 *
 * Every thread does whatever is due: write the oldest block if it is ready, else read the next one
 * and work on it.  Blocks wait in a ring in reading order.  An error is kept in the ring at the
 * place of its block, so that all blocks before it are written and the error that is reported is
 * the first one in order, whatever the number of threads.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/jmem.h"
#include "par/jpar.h"

enum slot_state {
	WORKING, READY, FAILED
};

struct slot {
	void *block;
	enum slot_state state;
	struct jerr err;
};

struct pipeline {
	const struct jpar_pipe *p;
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct slot *ring;
	uint64_t size, read, written;	/* slots read % size; written <= read */
	bool reading, writing;		/* a thread is in the callback */
	bool end;			/* nothing more to read */
	bool stop;			/* the error has been reached */
	struct jerr err;
};

struct pipe_thread {
	struct pipeline *l;
	int id;
	pthread_t thread;
};

/* The error of a callback that returned rc, which may have forgotten to say what went wrong. */
static void
note(struct jerr *e, int rc, const char *stage)
{
	jerr_set(e, rc, "%s failed without a reason", stage);
}

/* Called with the lock held, which it drops around the callbacks; so do all steps below. */
static void
write_step(struct pipeline *l)
{
	struct slot *s = &l->ring[l->written % l->size];
	struct jerr e = { 0 };
	int rc;

	if (s->state == FAILED) {
		l->err = s->err;
		l->stop = true;
	} else {
		l->writing = true;
		pthread_mutex_unlock(&l->lock);
		rc = l->p->write(l->p->arg, s->block, &e);
		pthread_mutex_lock(&l->lock);
		l->writing = false;
		l->written++;
		if (rc < 0) {
			note(&e, rc, "write");
			l->err = e;
			l->stop = true;
		}
	}
	pthread_cond_broadcast(&l->change);
}

static void
fail_slot(struct pipeline *l, struct slot *s, const struct jerr *e)
{
	s->state = FAILED;
	s->err = *e;
	l->end = true;
}

static void
work_step(struct pipeline *l, struct slot *s, int id)
{
	struct jerr e = { 0 };
	int rc;

	pthread_mutex_unlock(&l->lock);
	rc = l->p->work(l->p->arg, s->block, id, &e);
	pthread_mutex_lock(&l->lock);
	s->state = READY;
	if (rc < 0) {
		note(&e, rc, "work");
		fail_slot(l, s, &e);
	}
	pthread_cond_broadcast(&l->change);
}

static void
read_step(struct pipeline *l, int id)
{
	struct slot *s = &l->ring[l->read % l->size];
	struct jerr e = { 0 };
	void *block = NULL;
	int rc;

	l->reading = true;
	pthread_mutex_unlock(&l->lock);
	rc = l->p->read(l->p->arg, &block, &e);
	pthread_mutex_lock(&l->lock);
	l->reading = false;
	if (rc != 0)
		l->read++;
	if (rc < 0) {
		note(&e, rc, "read");
		s->block = NULL;
		fail_slot(l, s, &e);
	} else if (rc == 0) {
		l->end = true;
	} else {
		s->block = block;
		s->state = WORKING;
	}
	pthread_cond_broadcast(&l->change);
	if (rc > 0 && !l->stop)
		work_step(l, s, id);
}

static void *
run(void *arg)
{
	struct pipe_thread *t = arg;
	struct pipeline *l = t->l;

	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		if (!l->writing && l->written < l->read &&
		    l->ring[l->written % l->size].state != WORKING)
			write_step(l);
		else if (!l->reading && !l->end && l->read - l->written < l->size)
			read_step(l, t->id);
		else if (l->end && l->written == l->read && !l->reading)
			break;
		else
			pthread_cond_wait(&l->change, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static int
run_threads(struct pipeline *l, int n)
{
	struct pipe_thread *t = jmem_zalloc((size_t)n, sizeof(*t));
	int i, started = 1;

	for (i = 0; i < n; i++) {
		t[i].l = l;
		t[i].id = i;
	}
	for (; started < n; started++)
		if (pthread_create(&t[started].thread, NULL, run, &t[started]) != 0)
			break;
	run(&t[0]);
	for (i = 1; i < started; i++)
		pthread_join(t[i].thread, NULL);
	jmem_free(t);
	return l->err.code;
}

int
jpar_pipe_run(const struct jpar_pipe *p, int n, struct jerr *e)
{
	struct pipeline l = { .p = p };
	struct slot *s;
	int rc;

	if (n < 1)
		n = 1;
	/* One thread holds one block at a time, as a plain loop would. */
	l.size = n == 1 ? 1 : (uint64_t)n * 2 + 2;
	l.ring = jmem_zalloc((size_t)l.size, sizeof(*l.ring));
	pthread_mutex_init(&l.lock, NULL);
	pthread_cond_init(&l.change, NULL);
	rc = run_threads(&l, n);
	for (; l.written < l.read; l.written++) {
		s = &l.ring[l.written % l.size];
		if (s->block && p->drop)
			p->drop(p->arg, s->block);
	}
	pthread_mutex_destroy(&l.lock);
	pthread_cond_destroy(&l.change);
	jmem_free(l.ring);
	return rc ? jerr_set(e, rc, "%s", l.err.msg) : 0;
}
