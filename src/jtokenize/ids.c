/* Lines of text to ids and back. */
#include <string.h>

#include "base/jjson.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "lines.h"

/* Ids [from, to) as an array. */
static void
put_ids(const struct jids *ids, size_t from, size_t to, struct jbuf *out)
{
	size_t i;

	jbuf_addc(out, '[');
	for (i = from; i < to; i++) {
		if (i > from)
			jbuf_addc(out, ',');
		jjson_int(out, (int64_t)ids->v[i]);
	}
	jbuf_addc(out, ']');
}

static void
put_offsets(const struct jids *ends, size_t from, size_t to, struct jbuf *out)
{
	size_t i;

	jbuf_addc(out, '[');
	for (i = from; i < to; i++) {
		if (i > from)
			jbuf_addc(out, ',');
		jbuf_addc(out, '[');
		jjson_int(out, i ? (int64_t)ends->v[i - 1] : 0);
		jbuf_addc(out, ',');
		jjson_int(out, (int64_t)ends->v[i]);
		jbuf_addc(out, ']');
	}
	jbuf_addc(out, ']');
}

/* A line for every --chunk ids; a text without ids is a line too. */
static void
put_lines(const struct line_ctx *c, struct jbuf *out)
{
	size_t n = c->ids.n, from = 0, to;

	do {
		to = c->o->chunk && n - from > c->o->chunk ? from + (size_t)c->o->chunk : n;
		if (c->o->offsets)
			jbuf_adds(out, "{\"ids\":");
		put_ids(&c->ids, from, to, out);
		if (c->o->offsets) {
			jbuf_adds(out, ",\"offsets\":");
			put_offsets(&c->ends, from, to, out);
			jbuf_addc(out, '}');
		}
		jbuf_addc(out, '\n');
		from = to;
	} while (from < n);
}

static int
to_ids(struct line_ctx *c, const char *p, size_t n, struct jbuf *out, struct jerr *e)
{
	unsigned flags = (c->o->special ? JTOK_SPECIAL : 0) | (c->o->bos ? JTOK_ADD_BOS_EOS : 0);
	struct jval *v;
	int rc = 0;

	if (c->o->json) {
		rc = jval_parse_json(&v, p, n, "the line", &c->arena, e);
		if (!rc && v->type != JVAL_STR)
			rc = jerr_set(e, JERR_FORMAT, "expected a JSON string");
		if (rc)
			return rc;
		p = v->u.s.p;
		n = v->u.s.n;
	}
	c->ids.n = c->ends.n = 0;
	rc = jtok_encode(c->state, p, n, flags, &c->ids, e);
	if (!rc && c->o->offsets && !jtok_offsets(c->tok, p, n, flags, &c->ids, &c->ends))
		rc = jerr_set(e, JERR_FORMAT, "no offsets: this tokenizer changes the text, first at byte %u",
			c->ends.n ? (unsigned)c->ends.v[c->ends.n - 1] : 0);
	if (!rc)
		put_lines(c, out);
	return rc;
}

static int
from_ids(struct line_ctx *c, const char *p, size_t n, struct jbuf *out, struct jerr *e)
{
	struct jval *v;
	size_t i;
	int rc = jval_parse_json(&v, p, n, "the line", &c->arena, e);

	if (!rc && v->type != JVAL_ARR)
		rc = jerr_set(e, JERR_FORMAT, "expected a JSON array of ids");
	c->ids.n = 0;
	for (i = 0; !rc && i < v->u.a.n; i++) {
		const struct jval *x = v->u.a.v[i];

		if (x->type != JVAL_INT || x->u.i < 0 || x->u.i > UINT32_MAX)
			return jerr_set(e, JERR_FORMAT, "element %zu is no token id", i);
		JMEM_GROW(c->ids.v, c->ids.cap, c->ids.n + 1);
		c->ids.v[c->ids.n++] = (uint32_t)x->u.i;
	}
	jbuf_reset(&c->text);
	if (!rc)
		rc = jtok_decode(c->state, c->ids.v, c->ids.n, c->o->special, &c->text, e);
	if (!rc) {
		jjson_str(out, c->text.p, c->text.n);
		jbuf_addc(out, '\n');
	}
	return rc;
}

int
ids_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	return lines_run(cli, arg, argc, argv, to_ids, e);
}

int
decode_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	int i, shards = 0;

	for (i = 0; i < argc; i++)
		shards += jstr_ends(argv[i], ".jsh") || jfs_is_dir(argv[i]);
	if (shards && shards < argc)
		return jerr_set(e, JERR_ARG, "token shards and lines of ids in one run");
	return shards ? unshard_run(cli, arg, argc, argv, e) : lines_run(cli, arg, argc, argv, from_ids, e);
}
