#include "kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "io/jgrow.h"

struct kept {
	struct jgrow *file;
	struct kept_point at;
	struct resume_clock clock;
};

static void
take_line(void *arg, struct jgrow *g, char *line, size_t n)
{
	struct kept *k = arg;
	struct kept_point p;
	uint64_t size;

	(void)n;
	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
	    &p.at.file, &p.at.line, &p.at.offset, &p.at.read, &size, &p.lines, &p.digest) == 7 &&
	    jgrow_fit(g, &size, false))
		k->at = p;
}

int
kept_open(struct kept **out, struct jcli *cli, const char *name, const struct jbuf *key, struct jerr *e)
{
	struct kept *k = jmem_zalloc(1, sizeof(*k));
	struct jbuf path;
	const char *names[1];
	char head[RESUME_HEAD];
	struct jgrow_opts o = { .names = names, .n = 1, .tool = "jfilter", .head = head,
		.take = take_line, .arg = k };
	int rc = resume_check_name(jcli_common(cli)->output, "-o", e);

	jbuf_init(&path);
	jbuf_printf(&path, "%s.%s", jcli_common(cli)->output, name);
	names[0] = path.p;
	resume_head(cli, key, head);
	if (rc == 0)
		rc = jgrow_open(&k->file, &o, e);
	jbuf_release(&path);
	if (rc < 0) {
		jmem_free(k);
		return rc;
	}
	resume_clock_start(&k->clock);
	if (k->at.at.read > 0)
		jcli_info(cli, "going on after %" PRIu64 " records of an earlier run", k->at.at.read);
	*out = k;
	return 0;
}

const struct kept_point *
kept_start(const struct kept *k)
{
	return &k->at;
}

uint64_t
kept_size(const struct kept *k)
{
	return jgrow_size(k->file, 0);
}

int
kept_read(struct kept *k, uint64_t at, void *p, size_t n, struct jerr *e)
{
	return jgrow_read(k->file, 0, at, p, n, e);
}

int
kept_each(struct kept *k, uint64_t at, uint64_t to,
	int (*fn)(void *arg, const unsigned char *p, size_t n, struct jerr *e), void *arg, struct jerr *e)
{
	unsigned char head[4], *p = NULL;
	size_t cap = 0, n;
	int rc = 0;

	for (; at < to && rc == 0; at += 4 + n) {
		n = 0;
		rc = kept_read(k, at, head, 4, e);
		if (rc < 0)
			break;
		n = jle_u32(head);
		if (n > to - at - 4) {
			rc = jerr_set(e, JERR_FORMAT, "what an earlier run kept is damaged at byte %" PRIu64, at);
			break;
		}
		JMEM_GROW(p, cap, n + 1);
		rc = kept_read(k, at + 4, p, n, e);
		if (rc == 0)
			rc = fn(arg, p, n, e);
	}
	jmem_free(p);
	return rc;
}

int
kept_add(struct kept *k, const void *p, size_t n, struct jerr *e)
{
	return jgrow_write(k->file, 0, p, n, e);
}

bool
kept_due(const struct kept *k)
{
	return resume_clock_due(&k->clock);
}

int
kept_mark(struct kept *k, const struct kept_point *p, struct jerr *e)
{
	double from = jsys_now();
	char line[200];
	int n, rc;

	n = snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		" %" PRIu64, p->at.file, p->at.line, p->at.offset, p->at.read, kept_size(k), p->lines, p->digest);
	rc = jgrow_mark(k->file, line, (size_t)n, e);
	resume_clock_done(&k->clock, from);
	return rc;
}

int
kept_close(struct kept *k, int rc)
{
	if (!k)
		return rc;
	if (rc == 0)
		jgrow_remove(k->file);
	else
		jgrow_abort(k->file);
	jmem_free(k);
	return rc;
}
