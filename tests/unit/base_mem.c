/*
 * Checked allocation and arenas.
 */
#include "base/jmem.h"
#include "t.h"

static void
heap(void)
{
	int *v = NULL;
	size_t cap = 0, i, grown = 0, last = 0;
	unsigned char *p;

	ok(jmem_try(SIZE_MAX / 2, 3) == NULL);
	ok(jmem_try_aligned(SIZE_MAX / 2, 3) == NULL);
	ok(jmem_try(SIZE_MAX, 1) == NULL);
	p = jmem_try(0, 8);
	ok(p != NULL);
	jmem_free(p);
	p = jmem_try_aligned(100, 3);
	ok(p && (uintptr_t)p % 64 == 0);
	jmem_free(p);
	for (i = 0; i < 10000; i++) {
		JMEM_GROW(v, cap, i + 1);
		v[i] = (int)i;
		grown += cap != last;
		last = cap;
	}
	ok(v[9999] == 9999 && grown < 20);
	jmem_free(v);
	p = jmem_map(1 << 20);
	ok(p && p[0] == 0 && p[(1 << 20) - 1] == 0 && (uintptr_t)p % 4096 == 0);
	jmem_unmap(p, 1 << 20);
	p = (unsigned char *)jmem_strndup("hello", 3);
	eq_str((char *)p, "hel");
	jmem_free(p);
}

static void
arenas(void)
{
	struct jarena a;
	struct jarena_mark m, empty;
	unsigned char *p;
	size_t i, n, bad = 0;
	char *s;

	jarena_init(&a, 1000);
	empty = jarena_mark(&a);
	for (i = 0; i < 2000; i++) {
		n = i * 7 % 300;
		p = jarena_alloc(&a, n, 1);
		bad += (uintptr_t)p % 16 != 0;
		while (n)
			bad += p[--n] != 0;
		memset(p, 0xee, i * 7 % 300);
	}
	eq_int(bad, 0);
	p = jarena_alloc(&a, 100000, 1);	/* larger than a chunk */
	memset(p, 1, 100000);
	s = jarena_printf(&a, "%d %s", 7, "x");
	m = jarena_mark(&a);
	for (i = 0; i < 100; i++)
		memset(jarena_alloc(&a, 500, 1), 0xff, 500);
	jarena_rewind(&a, m);
	eq_str(s, "7 x");
	p = jarena_alloc(&a, 64, 1);
	for (i = 0; i < 64; i++)
		bad += p[i];
	eq_int(bad, 0);
	eq_str(jarena_strndup(&a, "abcdef", 3), "abc");
	jarena_reset(&a);
	p = jarena_alloc(&a, 100000, 1);	/* the kept chunk */
	ok(p[0] == 0 && p[99999] == 0);
	jarena_rewind(&a, empty);
	ok(a.head == NULL);
	jarena_release(&a);
	jarena_release(&a);
}

int
main(void)
{
	heap();
	arenas();
	return t_done();
}
