/*
 * compat_limits.c - how many CPUs and how much memory this process may use: affinity, control
 * groups of version 2 (cpu.max, memory.max) and 1 (cpu.cfs_quota_us, memory.limit_in_bytes), the
 * tightest limit on the way from our group to the root.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jsys.h"

#define ROOT "/sys/fs/cgroup"

/* Two numbers at the start of DIR/FILE; the count read, "max" being none. */
static int
numbers(const char *dir, const char *file, double *a, double *b)
{
	char path[PATH_MAX];
	FILE *f;
	int n;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fscanf(f, "%lf %lf", a, b);
	fclose(f);
	return n;
}

/* CPUs granted by the quota of one group, or a huge number. */
static double
group_cpus(const char *dir)
{
	double quota = 0, period = 0, none;

	if (numbers(dir, "cpu.max", &quota, &period) == 2 && period > 0)
		return quota / period;
	if (numbers(dir, "cpu.cfs_quota_us", &quota, &none) >= 1 && quota > 0 &&
	    numbers(dir, "cpu.cfs_period_us", &period, &none) >= 1 && period > 0)
		return quota / period;
	return 1e9;
}

static double
group_memory(const char *dir)
{
	double v = 0, none;

	if (numbers(dir, "memory.max", &v, &none) >= 1 && v > 0)
		return v;
	if (numbers(dir, "memory.limit_in_bytes", &v, &none) >= 1 && v > 0)
		return v;
	return 1e30;
}

/* The least of limit() over ROOT/mount/path and its parents. */
static double
tightest(const char *mount, const char *path, double (*limit)(const char *dir))
{
	char dir[PATH_MAX];
	size_t stem;
	double least = 1e30, v;
	char *slash;

	stem = (size_t)snprintf(dir, sizeof(dir), "%s%s", ROOT, mount);
	if (snprintf(dir + stem, sizeof(dir) - stem, "%s", path) >= (int)(sizeof(dir) - stem))
		return least;
	for (;;) {
		v = limit(dir);
		if (v < least)
			least = v;
		slash = strrchr(dir + stem, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* Whether the comma-separated list holds the name. */
static bool
lists(const char *list, const char *item)
{
	size_t n = strlen(item);
	const char *p;

	for (p = list; (p = strstr(p, item)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
			return true;
	return false;
}

/* Asks every hierarchy that /proc/self/cgroup names ("ID:CONTROLLERS:PATH") for the controller. */
static double
cgroup_limit(const char *controller, double (*limit)(const char *dir))
{
	char line[PATH_MAX], mount[64], *list, *path;
	double least = 1e30, v;
	FILE *f = fopen("/proc/self/cgroup", "r");

	if (!f)
		return least;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		list = strchr(line, ':');
		path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		list++;
		*path++ = '\0';
		if (*list && !lists(list, controller))
			continue;
		if (!*list)
			mount[0] = '\0';
		else
			snprintf(mount, sizeof(mount), "/%s", controller);
		v = tightest(mount, path, limit);
		if (v < least)
			least = v;
	}
	fclose(f);
	return least;
}

int
jsys_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	double quota = cgroup_limit("cpu", group_cpus);
#ifdef __linux__
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
#endif
	if (n < 1)
		n = 1;
	if (quota < (double)n)
		n = (long)quota + (quota > (double)(long)quota);
	return n < 1 ? 1 : n > 4096 ? 4096 : (int)n;
}

uint64_t
jsys_memory(void)
{
	double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	double limit = cgroup_limit("memory", group_memory);

	if (limit < bytes)
		bytes = limit;
	return bytes > 0 ? (uint64_t)bytes : 0;
}
