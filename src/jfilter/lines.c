#include "lines.h"

#include <string.h>

#include "base/jmem.h"
#include "record/jrec.h"

enum { BLOCK_BYTES = 256 << 10, BLOCK_LINES = 1024 };

static int
open_reader(struct lines *l, struct jcli *cli, int argc, char **argv, struct jerr *e)
{
	const struct jcommon *c = jcli_common(cli);
	int rc;

	memset(l, 0, sizeof(*l));
	l->cli = cli;
	l->limit = c->limit > 0 ? (uint64_t)c->limit : UINT64_MAX;
	rc = jreader_open(&l->reader, argc, argv, e);
	l->reader.max_line = (size_t)c->max_line;
	return rc;
}

int
lines_open(struct lines *l, struct jcli *cli, int argc, char **argv, struct jerr *e)
{
	int i, rc = open_reader(l, cli, argc, argv, e);

	for (i = 0; i < argc && rc == 0; i++)
		jcli_input(cli, argv[i]);
	return rc;
}

int
lines_open_copy(struct lines *l, struct jcli *cli, char **file, const char *shown, struct jerr *e)
{
	int rc = open_reader(l, cli, 1, file, e);

	l->shown = shown;
	return rc;
}

static const char *
file_name(const struct lines *l)
{
	return l->shown ? l->shown : jreader_name(&l->reader);
}

int
lines_open_output(struct lines *l, struct jerr *e)
{
	const struct jcommon *c = jcli_common(l->cli);
	int rc;

	rc = jout_open(&l->out, c->output, e);
	if (rc == 0 && c->rejects)
		rc = jout_open(&l->rejects, c->rejects, e);
	return rc;
}

int
lines_skip(struct lines *l, const struct resume_point *p, struct jerr *e)
{
	uint64_t i;
	size_t n;
	char *line;
	int rc = 1;

	l->read = p->read;
	l->done = *p;
	if (p->read == 0)
		return 0;
	l->reader.at = (size_t)p->file;
	for (i = 0; i < p->line && rc > 0; i++)
		rc = jreader_line(&l->reader, &line, &n, e);
	if (rc < 0)
		return rc;
	if (l->reader.at != p->file || !l->reader.in || jin_offset(l->reader.in) != p->offset)
		return jerr_set(e, JERR_FORMAT, "%s: line %llu is not where an earlier run found it",
			file_name(l), (unsigned long long)p->line);
	return 0;
}

int
lines_resume_output(struct lines *l, const struct jopt *options, const struct resume_opts *o,
	struct jerr *e)
{
	struct jbuf key;
	int rc;

	jbuf_init(&key);
	resume_key(&key, options);
	rc = resume_files(&key, (int)l->reader.n, l->reader.files, e);
	if (rc == 0)
		rc = resume_open(&l->resume, o, &key, e);
	jbuf_release(&key);
	return rc == 0 ? lines_skip(l, resume_start(l->resume), e) : rc;
}

static bool
same_file(const struct lines *l, const struct block *b)
{
	return strcmp(b->file, file_name(l)) == 0;
}

static void
add_line(struct lines *l, struct block *b)
{
	struct line *to;

	JMEM_GROW(b->v, b->cap, b->n + 1);
	to = &b->v[b->n++];
	*to = (struct line){ b->bytes.n, l->line_n, jreader_lineno(&l->reader), l->line_rc == 2 };
	if (!to->too_long)
		jbuf_add(&b->bytes, l->line, l->line_n);
	l->read++;
	b->after = (struct resume_point){ l->reader.at, to->number, jin_offset(l->reader.in), l->read };
}

int
lines_read(struct lines *l, struct block **out, struct jerr *e)
{
	struct block *b = NULL;

	while (!l->ended && l->read < l->limit) {
		if (!l->pending)
			l->line_rc = jreader_line(&l->reader, &l->line, &l->line_n, e);
		l->pending = false;
		if (l->line_rc < 0) {
			block_free(b);
			return l->line_rc;
		}
		if (l->line_rc == 0) {
			l->ended = true;
			break;
		}
		if (!b) {
			b = jmem_zalloc(1, sizeof(*b));
			jbuf_init(&b->bytes);
			jbuf_init(&b->out);
			jbuf_init(&b->rejects);
			b->file = jmem_strdup(file_name(l));
			b->first = l->read;
		} else if (!same_file(l, b)) {
			l->pending = true;
			break;
		}
		add_line(l, b);
		if (b->bytes.n >= BLOCK_BYTES || b->n >= BLOCK_LINES)
			break;
	}
	*out = b;
	return b != NULL;
}

static int
write_bytes(struct lines *l, const struct block *b, struct jerr *e)
{
	int rc = 0;

	if (l->resume)
		return resume_write(l->resume, &b->out, &b->rejects, e);
	if (b->out.n > 0)
		rc = jout_write(l->out, b->out.p, b->out.n, e);
	if (rc == 0 && l->rejects && b->rejects.n > 0)
		rc = jout_write(l->rejects, b->rejects.p, b->rejects.n, e);
	return rc < 0 ? rc : 0;
}

int
lines_write(struct lines *l, struct block *b, struct jerr *e)
{
	struct jcli_counts *c = jcli_counts(l->cli);
	size_t i;
	int rc = write_bytes(l, b, e);

	c->in += b->n;
	c->out += b->kept;
	for (i = 0; i < b->n; i++)
		c->bytes_in += b->v[i].n + 1;
	c->bytes_out += b->out.n;
	for (i = 0; i < b->reasons; i++) {
		jcli_reject(l->cli, b->reason[i]);
		if (l->resume)
			resume_count(l->resume, b->reason[i]);
	}
	jcli_progress(l->cli, "records", c->in, 0, NULL);
	l->done = b->after;
	if (rc == 0 && l->resume && resume_due(l->resume))
		rc = resume_checkpoint(l->resume, &l->done, e);
	block_free(b);
	return rc;
}

int
lines_close(struct lines *l, int rc, struct jerr *e)
{
	if (rc == 0 && l->resume) {
		rc = resume_commit(l->resume, &l->done, e);
		l->resume = NULL;
	}
	resume_abort(l->resume);
	if (rc == 0 && l->rejects) {
		rc = jout_commit(l->rejects, e);
		l->rejects = NULL;
	}
	if (rc == 0 && l->out) {
		rc = jout_commit(l->out, e);
		l->out = NULL;
	}
	jout_abort(l->rejects);
	jout_abort(l->out);
	jreader_close(&l->reader);
	return rc;
}

void
block_free(struct block *b)
{
	if (!b)
		return;
	jbuf_release(&b->bytes);
	jbuf_release(&b->out);
	jbuf_release(&b->rejects);
	jmem_free(b->v);
	jmem_free(b->file);
	jmem_free(b->reason);
	jmem_free(b);
}

void
block_reject(struct block *b, const char *reason)
{
	JMEM_GROW(b->reason, b->reason_cap, b->reasons + 1);
	b->reason[b->reasons++] = reason;
}

void
block_malformed(struct block *b, size_t i, const char *rule, const char *why)
{
	const struct line *l = &b->v[i];
	struct jbuf drop;

	jbuf_init(&drop);
	jrec_begin(&drop);
	jrec_put_str(&drop, "rule", rule, strlen(rule));
	jrec_put_str(&drop, "reason", why, strlen(why));
	jrec_put_str(&drop, "file", b->file, strlen(b->file));
	jrec_put_int(&drop, "line", (int64_t)l->number);
	jrec_end(&drop);
	jbuf_trim(&drop);
	jrec_begin(&b->rejects);
	if (!l->too_long)
		jrec_put_str(&b->rejects, "raw", b->bytes.p + l->at, l->n);
	jrec_put_raw(&b->rejects, "drop", drop.p, drop.n);
	jrec_end(&b->rejects);
	jbuf_release(&drop);
	block_reject(b, rule);
}
