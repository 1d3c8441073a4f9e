/* rows.c - loops over rows on the threads of a run. */
#include "graph/graph.h"

enum { TASK_VALUES = 16384 };

struct loop {
	const struct jrun *x;
	struct jnode *n;
	int64_t rows, step;
	void (*fn)(const struct jrun *, struct jnode *, int64_t, int64_t);
};

static void
loop_task(void *arg, int64_t i, int worker)
{
	const struct loop *l = arg;
	int64_t first = i * l->step, left = l->rows - first;

	(void)worker;
	l->fn(l->x, l->n, first, left < l->step ? left : l->step);
}

void
jrun_for_rows(const struct jrun *x, struct jnode *n, int64_t rows, int64_t cols,
	void (*fn)(const struct jrun *x, struct jnode *n, int64_t first, int64_t count))
{
	struct loop l = { x, n, rows, cols < TASK_VALUES ? TASK_VALUES / cols : 1, fn };

	jpar_for(x->pool, (rows + l.step - 1) / l.step, loop_task, &l);
}
