/*
 * sink.c - the record stream out, resumable when it goes to a file.
 *
 * The journal (jgrow.h) has one line for the key of the run (what decides its output) and one line
 * for each checkpoint:
 *
 *	jcollect-journal 1 KEY
 *	SOURCES ITEMS OFFSET IN OUT REJECTED
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "collect.h"
#include "io/jgrow.h"
#include "io/jio.h"

struct sink {
	struct jout *out;	/* standard output and devices */
	struct jgrow *file;
	struct sink_state start;
};

static void
take_checkpoint(void *arg, struct jgrow *g, char *line, size_t n)
{
	struct sink *s = arg;
	struct sink_state st;
	uint64_t offset;

	(void)n;
	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
	    &st.source, &st.items, &offset, &st.in, &st.out, &st.rejected) == 6 && jgrow_fit(g, &offset, false))
		s->start = st;
}

static int
open_file(struct sink *s, const char *name, const char *key, struct jerr *e)
{
	const char *const names[] = { name };
	struct jgrow_opts o = { .names = names, .n = 1, .tool = "jcollect", .anew = !key,
		.take = take_checkpoint, .arg = s };
	struct jbuf head;
	int rc;

	jbuf_init(&head);
	jbuf_printf(&head, "jcollect-journal 1 %s", key ? key : "-");
	o.head = head.p;
	rc = jgrow_open(&s->file, &o, e);
	jbuf_release(&head);
	return rc;
}

int
sink_open(struct sink **out, const char *name, const char *key, struct jerr *e)
{
	struct sink *s = jmem_zalloc(1, sizeof(*s));
	struct stat st;
	int rc;

	if (strcmp(name, "-") == 0 || (stat(name, &st) == 0 && !S_ISREG(st.st_mode)))
		rc = jout_open(&s->out, name, e);
	else
		rc = open_file(s, name, key, e);
	if (rc < 0) {
		sink_abort(s);
		return rc;
	}
	*out = s;
	return 0;
}

const struct sink_state *
sink_start(const struct sink *s)
{
	return &s->start;
}

int
sink_write(struct sink *s, const struct jbuf *rec, struct jerr *e)
{
	if (s->out)
		return jout_write(s->out, rec->p, rec->n, e);
	return jgrow_write(s->file, 0, rec->p, rec->n, e);
}

int
sink_checkpoint(struct sink *s, const struct sink_state *now, struct jerr *e)
{
	char line[160];
	int n;

	if (s->out)
		return 0;
	n = snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
		now->source, now->items, jgrow_size(s->file, 0), now->in, now->out, now->rejected);
	return jgrow_mark(s->file, line, (size_t)n, e);
}

int
sink_commit(struct sink *s, struct jerr *e)
{
	int rc = s->out ? jout_commit(s->out, e) : jgrow_commit(s->file, e);

	jmem_free(s);
	return rc;
}

void
sink_abort(struct sink *s)
{
	if (!s)
		return;
	jout_abort(s->out);
	jgrow_abort(s->file);
	jmem_free(s);
}
