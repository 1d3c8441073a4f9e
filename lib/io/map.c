/*
 * map.c - a file as read-only memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/jfs.h"

int
jfs_map(struct jmapped *m, const char *path, struct jerr *e)
{
	struct stat st;
	void *p;
	int fd, rc = 0;

	m->p = NULL;
	m->n = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return jerr_sys(e, "cannot open %s", path);
	if (fstat(fd, &st) != 0) {
		rc = jerr_sys(e, "cannot open %s", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = jerr_set(e, JERR_IO, "cannot map %s: not a regular file", path);
	} else if ((uint64_t)st.st_size > SIZE_MAX) {
		rc = jerr_set(e, JERR_LIMIT, "cannot map %s: too large for this machine", path);
	} else if (st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			rc = jerr_sys(e, "cannot map %s", path);
		} else {
			m->p = p;
			m->n = (size_t)st.st_size;
		}
	}
	close(fd);
	return rc;
}

void
jfs_unmap(struct jmapped *m)
{
	if (m->p)
		munmap((void *)(uintptr_t)m->p, m->n);
	m->p = NULL;
	m->n = 0;
}
