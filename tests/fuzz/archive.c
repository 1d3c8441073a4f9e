/* Archives: any bytes end, within the bounds, and no path leaves its place. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "doc/jarchive.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_path(const char *path)
{
	const char *s = path;

	if (*s == '/')
		abort();
	while (*s) {
		size_t len = strcspn(s, "/");

		if (len == 0 || (len == 2 && memcmp(s, "..", 2) == 0))
			abort();
		s += len;
		s += *s == '/';
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jarchive_limits lim = { 1 << 16, 1 << 20, 200, 2, 1000 };
	static const char *const names[] = { "x.tar", "x.deb" };

	for (size_t i = 0; i < 2; i++) {
		struct jarchive_member m;
		struct jarchive *a;
		struct jerr e = { 0 };
		struct jbuf b;

		if (jarchive_open_mem(&a, p, n, names[i], &lim, &e) != 0)
			continue;
		jbuf_init(&b);
		while (jarchive_next(a, &m, &e) == 1) {
			check_path(m.path);
			jbuf_reset(&b);
			if (!m.link && !m.broken && jarchive_read(a, &b, &e) < 0)
				break;
		}
		jbuf_release(&b);
		jarchive_close(a);
	}
	return 0;
}
