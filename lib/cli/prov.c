#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "base/jsys.h"
#include "cli/internal.h"
#include "io/jfs.h"
#include "io/jio.h"

#define MAX_CHAIN (1u << 20)	/* bytes of one input's own provenance that are embedded */
#define CHAIN_DEPTH (JJSON_DEPTH - 8)

void
jcli_input(struct jcli *cli, const char *path)
{
	size_t i;

	for (i = 0; i < cli->n_input; i++)
		if (strcmp(cli->input[i], path) == 0)
			return;
	JMEM_GROW(cli->input, cli->cap_input, cli->n_input + 1);
	cli->input[cli->n_input++] = jmem_strdup(path);
}

/* Read, not mapped: mapped pages would count as memory of the program. */
static int
hash_file(struct jsha256 *sha, const char *path, struct jerr *e)
{
	char buf[65536];
	FILE *f = fopen(path, "rb");
	size_t n;
	int rc = 0;

	if (!f)
		return jerr_sys(e, "cannot open %s", path);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		jsha256_add(sha, buf, n);
	if (ferror(f))
		rc = jerr_sys(e, "cannot read %s", path);
	fclose(f);
	return rc;
}

struct folder_hash {
	struct jsha256 sha;
	uint64_t bytes, files;
};

/* A folder's hash is that of the hashes of its files in name order. */
static int
hash_member(const char *file, void *arg, struct jerr *e)
{
	struct folder_hash *h = arg;
	struct jsha256 one;
	unsigned char out[32];

	jsha256_init(&one);
	if (hash_file(&one, file, e) < 0)
		return e->code;
	jsha256_done(&one, out);
	jsha256_add(&h->sha, out, sizeof(out));
	h->bytes += (uint64_t)jfs_size(file);
	h->files++;
	return 0;
}

static void
put_hash(struct jbuf *b, struct jsha256 *sha)
{
	unsigned char out[32];
	char hex[65];

	jsha256_done(sha, out);
	jhash_hex(out, sizeof(out), hex);
	jbuf_printf(b, ",\"sha256\":\"%s\"", hex);
}

/* What the input's own maker wrote about it, if that is there, whole and of bounded size. */
static void
put_chain(struct jbuf *b, const char *path, bool folder)
{
	struct jerr ignored = { 0 };
	struct jjson_fault f;
	struct jbuf name, text;

	jbuf_init(&name);
	jbuf_init_max(&text, MAX_CHAIN);
	jbuf_printf(&name, "%s%s", path, folder ? "/prov.json" : ".prov");
	if (jfs_exists(name.p) && jin_slurp(name.p, &text, &ignored) == 0 && !text.over) {
		jbuf_trim(&text);
		if (!memchr(text.p, '\n', text.n) &&
		    jjson_check(text.p, text.n, CHAIN_DEPTH, &f) == 0)
			jbuf_printf(b, ",\"prov\":%s", text.p);
		else
			jbuf_adds(b, ",\"prov\":\"unreadable\"");
	}
	jbuf_release(&text);
	jbuf_release(&name);
}

static int
put_input(struct jbuf *b, const char *path, struct jerr *e)
{
	struct folder_hash h = { .bytes = 0 };
	struct stat st;

	jbuf_adds(b, "{\"name\":");
	jjson_str(b, path, strlen(path));
	if (strcmp(path, "-") != 0 && stat(path, &st) == 0) {
		jsha256_init(&h.sha);
		if (S_ISREG(st.st_mode)) {
			if (hash_file(&h.sha, path, e) < 0)
				return e->code;
			jbuf_printf(b, ",\"bytes\":%" PRIu64, (uint64_t)st.st_size);
			put_hash(b, &h.sha);
			put_chain(b, path, false);
		} else if (S_ISDIR(st.st_mode)) {
			if (jfs_walk(path, hash_member, &h, e) < 0)
				return e->code;
			jbuf_printf(b, ",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64, h.files, h.bytes);
			put_hash(b, &h.sha);
			put_chain(b, path, true);
		}
	}
	jbuf_addc(b, '}');
	return 0;
}

static void
put_run(struct jcli *cli, struct jbuf *b)
{
	char now[24];
	int i;

	jsys_time(now);
	jbuf_printf(b, "{\"jprov\":1,\"tool\":\"%s\",\"version\":\"%s\",\"argv\":[", cli->tool->name,
		JVERSION);
	for (i = 0; i < cli->argc; i++) {
		jbuf_adds(b, i ? "," : "");
		jjson_str(b, cli->argv[i], strlen(cli->argv[i]));
	}
	jbuf_printf(b, "],\"seed\":%" PRId64 ",\"time\":\"%s\"", cli->common.seed, now);
}

static void
put_counts(struct jcli *cli, struct jbuf *b)
{
	const struct jcli_counts *c = &cli->counts;
	size_t i;

	jbuf_printf(b, ",\"counts\":{\"in\":%" PRIu64 ",\"out\":%" PRIu64 ",\"rejected\":%" PRIu64
		",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 "},\"reasons\":", c->in, c->out,
		c->rejected, c->bytes_in, c->bytes_out);
	summary_reasons(cli, b);
	jbuf_adds(b, ",\"notes\":{");
	for (i = 0; i < cli->n_note; i++) {
		jbuf_adds(b, i ? "," : "");
		jjson_str(b, cli->note[i].name, strlen(cli->note[i].name));
		jbuf_printf(b, ":%s", cli->note[i].json);
	}
	jbuf_adds(b, "}");
}

int
prov_write(struct jcli *cli, struct jerr *e)
{
	const char *out = cli->common.output;
	struct jbuf b, name;
	struct stat st;
	size_t i;
	int rc = 0;

	if (!cli->common.prov || strcmp(out, "-") == 0 || stat(out, &st) != 0 ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return 0;
	jbuf_init(&b);
	jbuf_init(&name);
	put_run(cli, &b);
	jbuf_adds(&b, ",\"inputs\":[");
	for (i = 0; i < cli->n_input && rc == 0; i++) {
		jbuf_adds(&b, i ? "," : "");
		rc = put_input(&b, cli->input[i], e);
	}
	jbuf_adds(&b, "]");
	put_counts(cli, &b);
	jbuf_adds(&b, "}\n");
	jbuf_printf(&name, "%s%s", out, S_ISDIR(st.st_mode) ? "/prov.json" : ".prov");
	if (rc == 0)
		rc = jout_put(name.p, b.p, b.n, e);
	jbuf_release(&name);
	jbuf_release(&b);
	return rc;
}
