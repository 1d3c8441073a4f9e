/*
 * jsys.h - the clock, this process and this machine.
 */
#ifndef JSYS_H
#define JSYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

double jsys_now(void);			/* seconds, monotonic */
double jsys_cpu(void);			/* user + system seconds of this process and waited-for children */
uint64_t jsys_rss(void);		/* resident bytes now; 0 if unknown */
uint64_t jsys_peak_rss(void);		/* largest resident bytes so far */
uint64_t jsys_memory(void);		/* bytes of memory this process may use (cgroup aware) */
int jsys_cpus(void);			/* CPUs allowed by affinity and cgroup, at least 1 */
/* RFC 3339 UTC, "2026-03-01T12:00:00Z"; honours SOURCE_DATE_EPOCH.  out has room for 24. */
void jsys_time(char out[24]);
const char *jsys_cpu_name(void);	/* model name, or "unknown" */

enum jcpu_feature {			/* bits of jsys_features() */
	JCPU_AVX2 = 1 << 0,		/* with FMA and F16C */
	JCPU_AVX512 = 1 << 1,		/* F, BW, VL, DQ */
	JCPU_AVX512_BF16 = 1 << 2,
	JCPU_AVX512_VNNI = 1 << 3,
	JCPU_NEON = 1 << 4,
	JCPU_SSE42 = 1 << 5,		/* has CRC-32C */
	JCPU_SHA = 1 << 6,		/* SHA-256 rounds of x86-64 */
	JCPU_AMX_BF16 = 1 << 7,		/* tiles; permission to use them has been granted */
	JCPU_AMX_INT8 = 1 << 8
};
/* JCPU_AMX_* bits; the first call asks the system for permission.  jsys_features() calls it. */
unsigned jsys_tiles(void);
/* Features usable here.  J_CPU is not read: tests mask with jsys_mask_features(). */
unsigned jsys_features(void);
void jsys_mask_features(unsigned allowed);

#endif
