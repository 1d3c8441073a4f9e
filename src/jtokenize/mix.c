/* Sets of shards mixed by weights: the plan, or a packed set whose rows stand in the mixture's order. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "io/jio.h"
#include "shard/jmix.h"
#include "shards.h"
#include "tokenize.h"

struct source {
	struct jmix_part part;
	struct jshard_set *set;
	struct jpack *pack;
	uint64_t rows, limit;		/* of an epoch, in all */
	uint64_t given, tokens, text;	/* so far: rows, tokens, bytes of text */
};

struct mixing {
	const struct tokenize_opts *o;
	struct jcli *cli;
	struct source *v;
	size_t n;
	int seq;
	struct jmix *mix;
	uint64_t rows;
	struct jpack_part *parts;	/* [seq + 1] */
	struct jrows_piece *row;
	uint32_t *ids;
	unsigned char *mask;
};

static int
open_source(struct mixing *m, struct source *s, const char *word, struct jerr *e)
{
	const struct jshard_info *in, *first;
	char a[17], b[17];
	int rc = jmix_parse(&s->part, word, e);

	if (!rc)
		rc = jshard_open(&s->set, &s->part.path, 1, e);
	if (rc)
		return rc;
	jcli_input(m->cli, s->part.path);
	in = jshard_info(s->set);
	first = jshard_info(m->v[0].set);
	if (memcmp(in->fingerprint, first->fingerprint, 32) != 0 || in->vocab_size != first->vocab_size) {
		jhash_hex(first->fingerprint, 8, a);
		jhash_hex(in->fingerprint, 8, b);
		return jerr_set(e, JERR_ARG, "%s was made with tokenizer %s, but %s with %s", s->part.path, b,
			m->v[0].part.path, a);
	}
	if (!m->seq)
		m->seq = (int)in->row_seq;
	return 0;
}

static int
open_sources(struct mixing *m, char **argv, struct jerr *e)
{
	const struct jcommon *c = jcli_common(m->cli);
	struct jmix_set *sets;
	size_t i;
	int rc = 0;

	m->seq = m->o->pack > INT_MAX ? INT_MAX : (int)m->o->pack;
	for (i = 0; !rc && i < m->n; i++)
		rc = open_source(m, &m->v[i], argv[i], e);
	if (!rc && !m->seq)
		rc = jerr_set(e, JERR_ARG, "how long are the rows?  Give --pack N");
	sets = jmem_zalloc(m->n + 1, sizeof(*sets));
	for (i = 0; !rc && i < m->n; i++) {
		struct source *s = &m->v[i];

		rc = jpack_open(&s->pack, s->set, m->o->best_fit ? JPACK_BEST_FIT : JPACK_STREAM, m->seq,
			(uint64_t)c->seed, e);
		if (rc) {
			jerr_wrap(e, "%s", s->part.path);
			break;
		}
		s->rows = jpack_rows(s->pack);
		s->limit = jmix_limit(&s->part, s->rows, m->seq);
		sets[i] = (struct jmix_set){ s->part.weight, s->limit };
	}
	if (!rc)
		rc = jmix_open(&m->mix, sets, m->n, (uint64_t)c->seed, e);
	jmem_free(sets);
	if (rc)
		return rc;
	m->rows = m->o->rows && m->o->rows < jmix_rows(m->mix) ? m->o->rows : jmix_rows(m->mix);
	if (m->rows == UINT64_MAX)
		return jerr_set(e, JERR_ARG, "a mixture without end: give --rows N, or each set a limit");
	return 0;
}

/* The row's pieces with their tokens; a piece has the share of its set's text that its tokens are. */
static int
load_row(struct mixing *m, struct source *s, uint64_t row, size_t *n, struct jerr *e)
{
	const struct jshard_info *in = jshard_info(s->set);
	size_t at = 0, i;
	int rc = 0;

	*n = jpack_row_parts(s->pack, row, m->parts, (size_t)m->seq + 1);
	for (i = 0; !rc && i < *n; i++) {
		const struct jpack_part *p = &m->parts[i];
		uint64_t before = s->text;

		rc = jshard_get(s->set, p->from, p->n, m->ids + at, m->mask + at, e);
		s->tokens += p->n;
		s->text = (uint64_t)floor((double)s->tokens * ((double)in->text_bytes / (double)in->tokens));
		m->row[i] = (struct jrows_piece){ m->ids + at, m->mask + at, p->n, s->text - before };
		at += p->n;
	}
	return rc;
}

/* All rows: into out, or only counted where that is NULL. */
static int
go_through(struct mixing *m, struct shards *out, struct jerr *e)
{
	uint64_t i, row;
	size_t k, n;
	int rc = 0;

	for (i = 0; !rc && i < m->rows; i++) {
		rc = jcli_stopping(m->cli) ? jerr_set(e, JERR_STOP, "stopped") :
			jmix_row(m->mix, i, &k, &row, e);
		if (rc)
			break;
		m->v[k].given++;
		if (out)
			rc = load_row(m, &m->v[k], row, &n, e);
		if (out && !rc)
			rc = shards_row(out, m->row, n, e);
		jcli_counts(m->cli)->in++;
		jcli_counts(m->cli)->out++;
		jcli_progress(m->cli, "rows", i, m->rows, NULL);
	}
	return rc;
}

static int
write_plan(struct mixing *m, struct jerr *e)
{
	struct jout *out;
	struct jbuf b;
	double sum = 0;
	size_t i;
	int rc = jout_open(&out, jcli_common(m->cli)->output, e);

	if (rc)
		return rc;
	jbuf_init(&b);
	for (i = 0; i < m->n; i++)
		sum += m->v[i].part.weight;
	for (i = 0; i < m->n; i++) {
		const struct source *s = &m->v[i];

		jbuf_adds(&b, "{\"path\":");
		jjson_str(&b, s->part.path, strlen(s->part.path));
		jbuf_printf(&b, ",\"share\":%.6f,\"rows\":%" PRIu64 ",\"of\":%" PRIu64 ",\"tokens\":%" PRIu64
			",\"epochs\":%.4f,\"epoch_rows\":%" PRIu64, s->part.weight / sum, s->given, m->rows,
			s->given * (uint64_t)m->seq, (double)s->given / (double)s->rows, s->rows);
		if (s->limit)
			jbuf_printf(&b, ",\"limit\":%" PRIu64, s->limit);
		jbuf_adds(&b, "}\n");
	}
	rc = jout_write(out, b.p, b.n, e);
	jbuf_release(&b);
	if (rc) {
		jout_abort(out);
		return rc;
	}
	return jout_commit(out, e);
}

static int
write_rows(struct mixing *m, struct jerr *e)
{
	struct jshard_info info = *jshard_info(m->v[0].set);
	size_t width = (size_t)m->seq + 1, i;
	struct shards out;
	struct jbuf meta;
	char hex[65];
	int rc;

	info.has_mask = info.row_order = true;
	info.row_seq = (uint32_t)m->seq;
	info.token_width = 0;
	m->parts = jmem_alloc(width, sizeof(*m->parts));
	m->row = jmem_alloc(width, sizeof(*m->row));
	m->ids = jmem_alloc(width, sizeof(*m->ids));
	m->mask = jmem_alloc(width, 1);
	jbuf_init(&meta);
	jbuf_printf(&meta, "{\"tool\":\"jtokenize\",\"version\":\"%s\",\"seed\":%" PRId64 ",\"mix\":[", JVERSION,
		jcli_common(m->cli)->seed);
	for (i = 0; i < m->n; i++) {
		jhash_hex(jshard_info(m->v[i].set)->hash, 32, hex);
		jbuf_printf(&meta, "%s{\"sha256\":\"%s\",\"weight\":%.17g,\"limit\":%" PRIu64 "}", i ? "," : "", hex,
			m->v[i].part.weight, m->v[i].limit);
	}
	jbuf_adds(&meta, "]}");
	rc = shards_open(&out, jcli_common(m->cli)->output, &info, m->o->shard_tokens, meta.p, e);
	if (!rc)
		rc = go_through(m, &out, e);
	if (!rc)
		rc = shards_commit(&out, e);
	else
		shards_abort(&out);
	jbuf_release(&meta);
	return rc;
}

static void
release(struct mixing *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		jpack_close(m->v[i].pack);
		jshard_close(m->v[i].set);
		jmix_part_release(&m->v[i].part);
	}
	jmix_close(m->mix);
	jmem_free(m->v);
	jmem_free(m->parts);
	jmem_free(m->row);
	jmem_free(m->ids);
	jmem_free(m->mask);
}

int
mix_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct mixing m = { .o = arg, .cli = cli, .n = (size_t)argc };
	int rc;

	if (!argc)
		return jerr_set(e, JERR_ARG, "nothing to mix: expected SHARDS=WEIGHT ...");
	if (!m.o->plan && strcmp(jcli_common(cli)->output, "-") == 0 && isatty(STDOUT_FILENO))
		return jerr_set(e, JERR_ARG, "token shards are binary: send standard output to a file or use -o");
	jcli_catch_stop(cli);
	m.v = jmem_zalloc(m.n, sizeof(*m.v));
	rc = open_sources(&m, argv, e);
	if (!rc && m.o->plan) {
		rc = go_through(&m, NULL, e);
		if (!rc)
			rc = write_plan(&m, e);
	} else if (!rc) {
		rc = write_rows(&m, e);
	}
	release(&m);
	return rc;
}
