/* Winnowed places: every copy of k + window - 1 bytes has one in the same place of both. */
#include "t.h"

#include <stdbool.h>

#include "base/jrand.h"
#include "text/jwinnow.h"

enum { N = 600 };

static bool
has(const struct jwinnow *w, size_t at, uint64_t hash)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->v[i].at == at)
			return w->v[i].hash == hash;
	return false;
}

/* All copies between a and b of exactly k + window - 1 bytes: has each a place in common? */
static void
check(const char *a, const char *b, size_t k, size_t window)
{
	struct jwinnow x = { .n = 0 }, y = { .n = 0 };
	size_t least = k + window - 1, i, j, p;
	int copies = 0, missed = 0;

	jwinnow_pick(&x, a, N, k, window);
	jwinnow_pick(&y, b, N, k, window);
	for (i = 0; i + least <= N; i++)
		for (j = 0; j + least <= N; j++) {
			bool found = false;

			if (memcmp(a + i, b + j, least) != 0)
				continue;
			copies++;
			for (p = 0; p < x.n && !found; p++)
				found = x.v[p].at >= i && x.v[p].at + k <= i + least &&
					has(&y, x.v[p].at - i + j, x.v[p].hash);
			missed += !found;
		}
	printf("# k %zu, window %zu: %d copies, %zu of %d places\n", k, window, copies, x.n, N);
	ok(copies > 0);
	eq_int(missed, 0);
	jwinnow_release(&x);
	jwinnow_release(&y);
}

int
main(void)
{
	struct jwinnow w = { .n = 0 };
	char a[N], b[N];
	struct jrand r;
	int i;

	jrand_init(&r, 1, 1);
	for (i = 0; i < N; i++) {
		a[i] = (char)('a' + jrand_below(&r, 3));
		b[i] = (char)('a' + jrand_below(&r, 3));
	}
	memcpy(b + 100, a + 300, 120);
	memset(a + 450, '-', 80);
	memset(b + 400, '-', 90);
	check(a, b, 1, 8);
	check(a, b, 8, 9);
	check(a, b, 20, 21);
	check(a, b, 5, 1);
	jwinnow_pick(&w, a, 28, 20, 10);
	eq_int(w.n, 0);
	jwinnow_pick(&w, a, 29, 20, 10);
	eq_int(w.n, 1);
	jwinnow_pick(&w, a, 0, 1, 1);
	eq_int(w.n, 0);
	jwinnow_release(&w);
	return t_done();
}
