/*
 * compat_amx.c - asking for tile registers.  Linux grants their state to a process that asks; other
 * systems are not asked.
 */
#define _GNU_SOURCE
#include "base/jsys.h"

#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REQ_XCOMP_PERM = 0x1023, XTILE_DATA = 18 };	/* of arch_prctl(2) */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned found;

static void
ask(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 24 & 1))
		return;
	if (syscall(SYS_arch_prctl, REQ_XCOMP_PERM, XTILE_DATA))
		return;
	found = (d >> 22 & 1 ? JCPU_AMX_BF16 : 0) | (d >> 25 & 1 ? JCPU_AMX_INT8 : 0);
}

unsigned
jsys_tiles(void)
{
	pthread_once(&once, ask);
	return found;
}

#else

unsigned
jsys_tiles(void)
{
	return 0;
}

#endif
