/*
 * The machine: laws that hold everywhere, and little-endian loads.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "t.h"

int
main(void)
{
	static const unsigned char bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 0x88 };
	unsigned char out[8];
	double t0 = jsys_now(), c0 = jsys_cpu();
	uint64_t rss;
	char text[24], *p;
	unsigned features = jsys_features();

	ok(jsys_cpus() >= 1 && jsys_cpus() <= sysconf(_SC_NPROCESSORS_CONF));
	ok(jsys_memory() > 1 << 20);
	ok(jsys_memory() <= (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
	rss = jsys_rss();
	p = jmem_alloc(32 << 20, 1);
	memset(p, 1, 32 << 20);
	if (rss)
		ok(jsys_rss() > rss + (16 << 20));
	else
		t_skip("no /proc/self/statm");
	jmem_free(p);
	ok(jsys_peak_rss() >= 32 << 20);
	ok(jsys_now() > t0 && jsys_cpu() >= c0);
	setenv("SOURCE_DATE_EPOCH", "1234567890", 1);
	jsys_time(text);
	eq_str(text, "2009-02-13T23:31:30Z");
	setenv("SOURCE_DATE_EPOCH", "soon", 1);
	jsys_time(text);
	ok(strlen(text) == 20 && strcmp(text, "2024") > 0);
	ok(*jsys_cpu_name());
	ok(!(features & JCPU_AVX512) || (features & JCPU_AVX2));
	jsys_mask_features(features & ~(unsigned)JCPU_AVX512);
	ok(!(jsys_features() & JCPU_AVX512));

	eq_int(jle_u16(bytes), 0x0201);
	eq_int(jle_u32(bytes), 0x04030201);
	ok(jle_u64(bytes) == 0x8807060504030201u);
	jle_put64(out, 0x8807060504030201u);
	ok(memcmp(out, bytes, 8) == 0);
	jle_put32(out, 0x3f800000);
	near(jle_f32(out), 1.0, 0);
	return t_done();
}
