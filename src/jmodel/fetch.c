/*
 * jmodel fetch: files of a repository of the Hugging Face hub (or of a server with its interface),
 * each checked by its hash, an interrupted download gone on with.
 */
#include "verbs.h"

#include <string.h>

#include "hub.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "record/jrec.h"

static struct fetch_opts {
	const char *endpoint, *token_file;
	bool list;
	int64_t retries;
} opts = { .endpoint = "https://huggingface.co", .retries = 4 };

static const struct jopt table[] = {
	{ .name = "endpoint", .type = JOPT_STR, .value = &opts.endpoint, .arg = "URL",
		.help = "server to ask" },
	{ .name = "token-file", .type = JOPT_STR, .value = &opts.token_file, .arg = "FILE",
		.help = "file with the access token, for models that need one" },
	{ .name = "list", .type = JOPT_BOOL, .value = &opts.list,
		.help = "print the files of the repository and fetch nothing" },
	{ .name = "retries", .type = JOPT_INT, .value = &opts.retries, .arg = "N",
		.help = "tries again after errors that pass" },
	{ .type = JOPT_END }
};

struct state {
	struct jcli *cli;
	const char *name;		/* of the file under way */
	uint64_t fetched, bytes;
	size_t files, checked, kept;
};

static int
read_token(const char *path, struct jbuf *token, struct jerr *e)
{
	int rc;

	jbuf_init_max(token, 4096);
	if (!path)
		return 0;
	rc = jin_slurp(path, token, e);
	jbuf_trim(token);
	if (rc >= 0 && (token->n == 0 || token->over || strpbrk(token->p, " \t\r\n")))
		rc = jerr_set(e, JERR_FORMAT, "%s: expected a token of one word", path);
	return rc < 0 ? rc : 0;
}

static void
progress(void *arg, uint64_t done, uint64_t total)
{
	struct state *s = arg;

	jcli_progress(s->cli, "bytes", done, total, s->name);
}

static int
fetch_file(struct state *s, const struct hub *h, const struct hub_file *f, const char *dir,
	struct jerr *e)
{
	struct jdownload d = {
		.agent = HUB_AGENT, .token = h->token, .sha256 = f->sha256, .size = f->size,
		.retries = (int)opts.retries, .progress = progress, .arg = s
	};
	struct jarena a;
	int rc = 0;

	jarena_init(&a, 0);
	d.url = hub_file_url(h, f->name, &a);
	d.path = jfs_join(&a, dir, jfs_base(f->name));
	s->name = f->name;
	s->files++;
	if (hub_have(f, d.path)) {
		s->kept++;
		s->checked += f->sha256 != NULL;
		jcli_info(s->cli, "%s: is here already", f->name);
	} else {
		rc = jdownload(&d, e);
		s->fetched += d.fetched;
		s->checked += d.checked;
		if (rc == 0 && !d.checked)
			jcli_debug(s->cli, "%s: the server names no SHA-256", f->name);
	}
	s->bytes += jfs_size(d.path) > 0 ? (uint64_t)jfs_size(d.path) : 0;
	jarena_release(&a);
	return rc;
}

static int
print_list(const struct hub *h, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	for (size_t i = 0; i < h->n; i++) {
		jrec_begin(&b);
		jrec_put_str(&b, "file", h->files[i].name, strlen(h->files[i].name));
		if (h->files[i].size >= 0)
			jrec_put_int(&b, "bytes", h->files[i].size);
		if (h->files[i].sha256)
			jrec_put_str(&b, "sha256", h->files[i].sha256, strlen(h->files[i].sha256));
		jrec_put_bool(&b, "fetched", h->files[i].wanted);
		jrec_end(&b);
	}
	rc = jout_put("-", b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
print_summary(const struct state *s, const struct hub *h, const char *dir, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jrec_begin(&b);
	jrec_put_str(&b, "repository", h->repo, strlen(h->repo));
	jrec_put_str(&b, "revision", h->commit, strlen(h->commit));
	jrec_put_str(&b, "licence", h->licence, strlen(h->licence));
	jrec_put_str(&b, "path", dir, strlen(dir));
	jrec_put_int(&b, "files", (int64_t)s->files);
	jrec_put_int(&b, "checked", (int64_t)s->checked);
	jrec_put_int(&b, "kept", (int64_t)s->kept);
	jrec_put_int(&b, "bytes", (int64_t)s->bytes);
	jrec_put_int(&b, "fetched_bytes", (int64_t)s->fetched);
	jrec_end(&b);
	rc = jout_put("-", b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
fetch_all(struct jcli *cli, const struct hub *h, struct jerr *e)
{
	const char *output = jcli_common(cli)->output, *dir = output;
	struct state s = { .cli = cli };
	int rc;

	if (strcmp(output, "-") == 0)
		dir = h->file ? "." : jfs_base(h->repo);
	if (jfs_exists(dir) && !jfs_is_dir(dir))
		return jerr_set(e, JERR_ARG, "%s: is a file; -o names a folder", dir);
	jcli_info(cli, "%s at %.12s, licence: %s", h->repo, h->commit, h->licence);
	rc = jfs_mkdirs(dir, e);
	for (size_t i = 0; rc == 0 && i < h->n; i++)
		if (h->files[i].wanted)
			rc = fetch_file(&s, h, &h->files[i], dir, e);
	return rc == 0 ? print_summary(&s, h, dir, e) : rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct hub h;
	struct jbuf token;
	int rc;

	(void)arg;
	if (argc != 1)
		return jerr_set(e, JERR_ARG, "fetch wants hf:ORG/NAME[@REVISION][:FILE], got %d operands",
			argc);
	rc = read_token(opts.token_file, &token, e);
	hub_init(&h, opts.endpoint, token.n ? token.p : NULL);
	if (rc == 0)
		rc = hub_parse(&h, argv[0], e);
	if (rc == 0)
		rc = hub_ask(&h, (int)opts.retries, e);
	if (rc == 0)
		rc = opts.list ? print_list(&h, e) : fetch_all(cli, &h, e);
	hub_release(&h);
	jbuf_release(&token);
	return rc;
}

const struct jverb fetch_verb = {
	.name = "fetch",
	.args = "hf:ORG/NAME[@REVISION][:FILE]",
	.summary = "fetch a model from the Hugging Face hub",
	.opts = table,
	.run = run,
};
