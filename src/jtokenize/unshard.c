/* Token shards back to text, a document a line. */
#include "base/jhash.h"
#include "base/jjson.h"
#include "base/jmem.h"
#include "io/jio.h"
#include "shard/jshard.h"
#include "tokenize.h"

#include <string.h>

static int
same_tokenizer(const struct jshard_set *s, const struct jtok *t, struct jerr *e)
{
	unsigned char print[32];
	char a[17], b[17];

	jtok_fingerprint(t, print);
	if (memcmp(print, jshard_info(s)->fingerprint, 32) == 0)
		return 0;
	jhash_hex(jshard_info(s)->fingerprint, 8, a);
	jhash_hex(print, 8, b);
	return jerr_set(e, JERR_ARG, "the shards were made with tokenizer %s, this is %s: give the right one with -t",
		a, b);
}

static int
put_docs(struct jcli *cli, const struct tokenize_opts *o, const struct jshard_set *s, const struct jtok *t,
	struct jout *out, struct jerr *e)
{
	struct jtok_state *st = jtok_state_new(t);
	struct jids ids = { 0 };
	struct jbuf text, line;
	uint64_t d;
	int rc = 0;

	jbuf_init(&text);
	jbuf_init(&line);
	for (d = 0; !rc && d < jshard_docs(s); d++) {
		uint64_t from = jshard_doc_start(s, d);

		ids.n = (size_t)(jshard_doc_end(s, d) - from);
		JMEM_GROW(ids.v, ids.cap, ids.n + 1);
		rc = jcli_stopping(cli) ? jerr_set(e, JERR_STOP, "stopped") :
			jshard_get(s, from, ids.n, ids.v, NULL, e);
		jbuf_reset(&text);
		jbuf_reset(&line);
		if (!rc)
			rc = jtok_decode(st, ids.v, ids.n, o->special, &text, e);
		jjson_str(&line, text.p, text.n);
		jbuf_addc(&line, '\n');
		if (!rc)
			rc = jout_write(out, line.p, line.n, e);
		jcli_counts(cli)->in++;
		jcli_counts(cli)->out++;
		jcli_counts(cli)->bytes_out += line.n;
		jcli_progress(cli, "docs", d, jshard_docs(s), NULL);
	}
	jtok_state_free(st);
	jids_release(&ids);
	jbuf_release(&text);
	jbuf_release(&line);
	return rc;
}

int
unshard_run(struct jcli *cli, const struct tokenize_opts *o, int argc, char **argv, struct jerr *e)
{
	struct jshard_set *s = NULL;
	struct jout *out = NULL;
	struct jtok *t = NULL;
	int rc = tokenizer_open(&t, o, e);

	jcli_catch_stop(cli);
	if (!rc)
		rc = jshard_open(&s, argv, (size_t)argc, e);
	if (!rc)
		rc = same_tokenizer(s, t, e);
	if (!rc)
		rc = jout_open(&out, jcli_common(cli)->output, e);
	if (!rc)
		rc = put_docs(cli, o, s, t, out, e);
	if (!rc) {
		rc = jout_commit(out, e);
		out = NULL;
	}
	jout_abort(out);
	jshard_close(s);
	jtok_free(t);
	return rc;
}
