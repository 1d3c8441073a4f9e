/*
 * sys.c - clocks, CPU features and the name of the processor.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

#include "base/jstr.h"
#include "base/jsys.h"

double
jsys_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec * 1e-6;
}

double
jsys_cpu(void)
{
	struct rusage self, kids;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &kids);
	return seconds(&self.ru_utime) + seconds(&self.ru_stime) + seconds(&kids.ru_utime) +
		seconds(&kids.ru_stime);
}

uint64_t
jsys_rss(void)
{
	unsigned long long total, resident = 0;
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	if (sscanf(text, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t
jsys_peak_rss(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
#ifdef __APPLE__
	return (uint64_t)r.ru_maxrss;
#else
	return (uint64_t)r.ru_maxrss * 1024;
#endif
}

void
jsys_time(char out[24])
{
	const char *fixed = getenv("SOURCE_DATE_EPOCH");
	time_t now = time(NULL);
	struct tm tm;
	int64_t v;

	/* Years of four digits only: the text must keep its width. */
	if (fixed && jstr_to_i64(fixed, &v) == 0 && v >= 0 && v < INT64_C(253402300800))
		now = (time_t)v;
	gmtime_r(&now, &tm);
	strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static pthread_once_t name_once = PTHREAD_ONCE_INIT;
static char name[128] = "unknown";

static void
name_read(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[512], *v;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (!jstr_starts(line, "model name") && !jstr_starts(line, "Model"))
			continue;
		v = strchr(line, ':');
		if (!v)
			continue;
		v += 1 + strspn(v + 1, " \t");
		v[strcspn(v, "\n")] = '\0';
		snprintf(name, sizeof(name), "%.127s", v);
		break;
	}
	fclose(f);
}

const char *
jsys_cpu_name(void)
{
	pthread_once(&name_once, name_read);
	return name;
}

static atomic_uint allowed = ~0u;

void
jsys_mask_features(unsigned mask)
{
	atomic_store(&allowed, mask);
}

#if defined(__x86_64__) && defined(__GNUC__)
/* Names that not every compiler knows.  CPUID is slow (it leaves a virtual machine): asked once. */
static pthread_once_t cpuid_once = PTHREAD_ONCE_INIT;
static bool has_sha, has_f16c;

static void
cpuid_read(void)
{
	unsigned a, b, c, d;

	has_f16c = __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
	has_sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}
#endif

unsigned
jsys_features(void)
{
	unsigned f = 0;

#if defined(__x86_64__) && defined(__GNUC__)
	pthread_once(&cpuid_once, cpuid_read);
	if (__builtin_cpu_supports("sse4.2"))
		f |= JCPU_SSE42;
	if ((f & JCPU_SSE42) && has_sha)
		f |= JCPU_SHA;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c)
		f |= JCPU_AVX2;
	if ((f & JCPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
		f |= JCPU_AVX512;
	if ((f & JCPU_AVX512) && __builtin_cpu_supports("avx512bf16"))
		f |= JCPU_AVX512_BF16;
	if ((f & JCPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
		f |= JCPU_AVX512_VNNI;
	if (f & JCPU_AVX512_BF16)
		f |= jsys_tiles();
#elif defined(__aarch64__)
	f |= JCPU_NEON;
#endif
	return f & atomic_load(&allowed);
}
