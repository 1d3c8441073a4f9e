/* Verifies token shards and says what is in them. */
#include "base/jhash.h"
#include "base/jjson.h"
#include "io/jio.h"
#include "shard/jshard.h"
#include "stats.h"
#include "tokenize.h"

#include <string.h>

static int
check_one(const char *path, bool stats, struct jout *out, struct jerr *e)
{
	char *paths[1] = { (char *)path };
	const struct jshard_info *in;
	struct jshard_set *s;
	struct jbuf b;
	char print[65], hash[65];
	int rc = jshard_open(&s, paths, 1, e);

	if (rc)
		return rc;
	rc = jshard_verify(s, e);
	in = jshard_info(s);
	jhash_hex(in->fingerprint, 32, print);
	jhash_hex(in->hash, 32, hash);
	jbuf_init(&b);
	jbuf_adds(&b, "{\"path\":");
	jjson_str(&b, path, strlen(path));
	jbuf_printf(&b, ",\"tokens\":%llu,\"docs\":%llu,\"text_bytes\":%llu,\"vocab\":%u,\"width\":%d,"
		"\"mask\":%s,\"tokenizer\":\"%s\",\"sha256\":\"%s\"", (unsigned long long)in->tokens,
		(unsigned long long)in->docs, (unsigned long long)in->text_bytes, (unsigned)in->vocab_size,
		in->token_width, in->has_mask ? "true" : "false", print, hash);
	if (in->row_seq)
		jbuf_printf(&b, ",\"rows\":%llu,\"pack\":%u,\"ordered\":%s",
			(unsigned long long)(in->tokens / ((uint64_t)in->row_seq + 1)), (unsigned)in->row_seq,
			in->row_order ? "true" : "false");
	if (!rc && stats)
		rc = stats_put(s, &b, e);
	jbuf_adds(&b, "}\n");
	if (!rc)
		rc = jout_write(out, b.p, b.n, e);
	jbuf_release(&b);
	jshard_close(s);
	return rc;
}

int
check_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct tokenize_opts *o = arg;
	struct jout *out;
	int i, rc;

	if (!argc)
		return jerr_set(e, JERR_ARG, "no token shards given");
	rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc)
		return rc;
	for (i = 0; !rc && i < argc; i++) {
		rc = check_one(argv[i], o->stats, out, e);
		jcli_counts(cli)->in++;
		jcli_counts(cli)->out += !rc;
	}
	if (rc)
		jout_flush(out, NULL);
	if (rc) {
		jout_abort(out);
		return rc;
	}
	return jout_commit(out, e);
}
