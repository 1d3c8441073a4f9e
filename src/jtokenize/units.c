#include "units.h"

#include <string.h>

#include "base/jmem.h"

/* With its ids it stays in a core's own cache; at the end, others wait for the last one. */
#define BLOCK_BYTES ((size_t)256 << 10)
#define BLOCK_UNITS 4096
#define MAX_TEXT ((size_t)1 << 30)	/* a text file that is one document */

int
units_open(struct units *u, enum unit_mode mode, struct jcli *cli, int argc, char **argv,
	struct jerr *e)
{
	const struct jcommon *c = jcli_common(cli);
	size_t i;
	int rc;

	memset(u, 0, sizeof(*u));
	rc = jreader_open(&u->files, argc, argv, e);
	if (rc)
		return rc;
	u->mode = mode;
	u->cli = cli;
	u->limit = (uint64_t)c->limit;
	u->max_line = (size_t)c->max_line;
	for (i = 0; i < u->files.n; i++)
		if (strcmp(u->files.files[i], "-") != 0)
			jcli_input(cli, u->files.files[i]);
	return 0;
}

void
units_close(struct units *u)
{
	jin_close(u->in);
	jreader_close(&u->files);
}

const char *
units_name(const struct units *u, const struct unit *x)
{
	return u->files.files[x->file];
}

static struct unit *
add_unit(struct units *u, struct unit_block *b, const char *p, size_t n, bool json)
{
	struct unit *x;

	JMEM_GROW(b->v, b->cap, b->n + 1);
	x = &b->v[b->n++];
	*x = (struct unit){ b->bytes.n, n, jin_lineno(u->in), u->at, json, false };
	jbuf_add(&b->bytes, p, n);
	u->taken++;
	return x;
}

/* The rest of a text file behind its first line, which is in the block already. */
static int
rest_of_file(struct units *u, struct unit_block *b, struct unit *x, struct jerr *e)
{
	for (;;) {
		int64_t n;

		jbuf_reserve(&b->bytes, 65536);
		n = jin_read(u->in, b->bytes.p + b->bytes.n, 65536, e);
		if (n <= 0)
			return (int)n;
		b->bytes.n += (size_t)n;
		b->bytes.p[b->bytes.n] = 0;
		x->n += (size_t)n;
		if (x->n > MAX_TEXT)
			return jerr_set(e, JERR_LIMIT, "%s: a text of more than %zu bytes as one document",
				jin_name(u->in), MAX_TEXT);
	}
}

static bool
is_json(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i < n && p[i] == '{';
}

/* One line of the open file, or all of it: 1, 0 at its end, < 0 error. */
static int
take(struct units *u, struct unit_block *b, struct jerr *e)
{
	uint64_t before = jin_offset(u->in);
	bool first = jin_lineno(u->in) == 0, json;
	struct unit *x;
	char *line;
	size_t n;
	int rc = jin_line(u->in, &line, &n, e);

	if (rc <= 0)
		return rc;
	if (rc == 2) {
		add_unit(u, b, "", 0, !u->text)->too_long = true;
		return 1;
	}
	if (first && u->mode != UNITS_LINES)
		u->text = !is_json(line, n);
	json = u->mode != UNITS_LINES && !u->text;
	x = add_unit(u, b, line, n, json);
	if (u->mode == UNITS_LINES || json)
		return 1;
	if (jin_offset(u->in) - before > n) {
		jbuf_addc(&b->bytes, '\n');
		x->n++;
	}
	if (u->mode == UNITS_TEXT_LINES)
		return 1;
	rc = rest_of_file(u, b, x, e);
	return rc < 0 ? rc : 1;
}

int
units_read(struct units *u, struct unit_block *b, struct jerr *e)
{
	int rc;

	b->n = 0;
	jbuf_reset(&b->bytes);
	while (b->n < BLOCK_UNITS && b->bytes.n < BLOCK_BYTES && !(u->limit && u->taken >= u->limit)) {
		if (!u->in) {
			if (u->at >= u->files.n)
				break;
			rc = jin_open(&u->in, u->files.files[u->at], e);
			if (rc)
				return rc;
			jin_set_max_line(u->in, u->max_line);
			u->text = false;
		}
		rc = take(u, b, e);
		if (rc < 0)
			return rc;
		if (rc)
			continue;
		u->done_before += jin_raw_offset(u->in);
		jin_close(u->in);
		u->in = NULL;
		u->at++;
	}
	b->done = u->done_before + (u->in ? jin_raw_offset(u->in) : 0);
	return b->n > 0;
}

void
unit_block_init(struct unit_block *b)
{
	memset(b, 0, sizeof(*b));
	jbuf_init(&b->bytes);
}

void
unit_block_release(struct unit_block *b)
{
	jbuf_release(&b->bytes);
	jmem_free(b->v);
}
