#include "hub.h"

#include <string.h>

#include "base/jhash.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "store.h"

#define MAX_ANSWER ((size_t)32 << 20)
#define MAX_FILES 10000

void
hub_init(struct hub *h, const char *endpoint, const char *token)
{
	memset(h, 0, sizeof(*h));
	jarena_init(&h->arena, 0);
	h->endpoint = endpoint;
	h->token = token;
}

void
hub_release(struct hub *h)
{
	jarena_release(&h->arena);
}

/* Letters, digits and .-_ in parts that '/' divides; no part "." or "..", none empty. */
static bool
plain_path(const char *s, size_t n, int parts_min, int parts_max)
{
	int parts = 1;
	size_t start = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && s[i] != '/') {
			if (!s[i] || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_",
			    s[i]))
				return false;
			continue;
		}
		if (i == start || s[start] == '.')
			return false;
		parts += i < n;
		start = i + 1;
	}
	return parts >= parts_min && parts <= parts_max;
}

int
hub_parse(struct hub *h, const char *text, struct jerr *e)
{
	const char *at, *colon, *s = text;
	size_t n, rev;

	if (!jstr_starts(s, "hf:"))
		return jerr_set(e, JERR_ARG, "%s: expected hf:ORG/NAME[@REVISION][:FILE]", text);
	s += 3;
	colon = strchr(s, ':');
	n = colon ? (size_t)(colon - s) : strlen(s);
	at = memchr(s, '@', n);
	rev = at ? n - (size_t)(at + 1 - s) : 0;
	if (at)
		n = (size_t)(at - s);
	h->repo = jarena_strndup(&h->arena, s, n);
	h->revision = at ? jarena_strndup(&h->arena, at + 1, rev) : "main";
	h->file = colon ? jarena_strndup(&h->arena, colon + 1, strlen(colon + 1)) : NULL;
	if (!plain_path(s, n, 1, 2) || !plain_path(h->revision, strlen(h->revision), 1, 8) ||
	    (h->file && !plain_path(h->file, strlen(h->file), 1, 16)))
		return jerr_set(e, JERR_ARG, "%s: expected hf:ORG/NAME[@REVISION][:FILE]", text);
	return 0;
}

/* A revision may hold '/', which the interface wants escaped. */
static char *
escaped(struct hub *h, const char *s)
{
	struct jbuf b;
	char *p;

	jbuf_init(&b);
	for (; *s; s++) {
		if (*s == '/')
			jbuf_adds(&b, "%2F");
		else
			jbuf_addc(&b, *s);
	}
	p = jarena_strndup(&h->arena, b.p, b.n);
	jbuf_release(&b);
	return p;
}

char *
hub_file_url(const struct hub *h, const char *name, struct jarena *a)
{
	return jarena_printf(a, "%s/%s/resolve/%s/%s", h->endpoint, h->repo, h->commit, name);
}

static bool
is_sha256(const char *s)
{
	return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int
read_file(struct hub *h, const struct jval *v, struct jerr *e)
{
	const char *name = jval_str(v, "rfilename", NULL);
	const struct jval *size = jval_get(v, "size"), *lfs = jval_get(v, "lfs");
	const char *sha = lfs ? jval_str(lfs, "sha256", NULL) : NULL;
	struct hub_file *f = &h->files[h->n];

	if (!name)
		return jerr_set(e, JERR_FORMAT, "%s: a file without a name", h->repo);
	if (!plain_path(name, strlen(name), 1, 16))	/* .gitattributes, names we would not write */
		return 0;
	f->name = jarena_strndup(&h->arena, name, strlen(name));
	f->size = size && size->type == JVAL_INT && size->u.i >= 0 ? size->u.i : -1;
	f->sha256 = is_sha256(sha) ? jarena_strndup(&h->arena, sha, 64) : NULL;
	h->n++;
	return 0;
}

static bool
has_end(const struct hub *h, const char *end)
{
	for (size_t i = 0; i < h->n; i++)
		if (!strchr(h->files[i].name, '/') && jstr_ends(h->files[i].name, end))
			return true;
	return false;
}

/* What a model folder is made of. */
static bool
belongs(const struct hub *h, const char *name)
{
	static const char *const names[] = {
		"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
		"tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json",
		"vocab.txt", "merges.txt", "chat_template.jinja", "adapter_config.json", "README.md",
		"model.safetensors.index.json"
	};
	bool safe = has_end(h, ".safetensors");

	if (strchr(name, '/'))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	if (store_is_licence(name))
		return true;
	if (safe)
		return jstr_ends(name, ".safetensors");
	return jstr_starts(name, "pytorch_model") &&
		(jstr_ends(name, ".bin") || jstr_ends(name, ".index.json"));
}

static int
choose(struct hub *h, struct jerr *e)
{
	size_t wanted = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct hub_file *f = &h->files[i];

		f->wanted = !h->file ? belongs(h, f->name) :
			strcmp(f->name, h->file) == 0 || jgguf_same_division(h->file, f->name);
		wanted += f->wanted;
	}
	if (wanted)
		return 0;
	return jerr_set(e, JERR_FORMAT, h->file ? "%s has no file %s (--list shows what it has)" :
		"%s holds no model folder: name a file of it (--list shows them)%s", h->repo,
		h->file ? h->file : "");
}

/* cardData.license, which may be a list; else the tag "license:X". */
static const char *
licence_of(struct hub *h, const struct jval *v)
{
	const struct jval *card = jval_get(v, "cardData"), *l = card ? jval_get(card, "license") : NULL;
	const struct jval *tags = jval_get(v, "tags");

	if (l && l->type == JVAL_ARR && l->u.a.n)
		l = l->u.a.v[0];
	if (l && l->type == JVAL_STR)
		return jarena_strndup(&h->arena, l->u.s.p, strlen(l->u.s.p));
	for (size_t i = 0; tags && tags->type == JVAL_ARR && i < tags->u.a.n; i++) {
		const struct jval *t = tags->u.a.v[i];

		if (t->type == JVAL_STR && jstr_starts(t->u.s.p, "license:"))
			return jarena_strndup(&h->arena, t->u.s.p + 8, strlen(t->u.s.p + 8));
	}
	return "not stated";
}

static int
read_answer(struct hub *h, const struct jbuf *b, const char *url, struct jerr *e)
{
	const struct jval *files;
	const char *commit;
	struct jval *v;
	int rc = jval_parse_json(&v, b->p, b->n, url, &h->arena, e);

	if (rc < 0)
		return rc;
	files = jval_get(v, "siblings");
	commit = jval_str(v, "sha", NULL);
	if (!files || files->type != JVAL_ARR || files->u.a.n > MAX_FILES || !commit ||
	    !plain_path(commit, strlen(commit), 1, 1))
		return jerr_set(e, JERR_FORMAT, "%s: no list of files and no commit", url);
	h->commit = jarena_strndup(&h->arena, commit, strlen(commit));
	h->licence = licence_of(h, v);
	h->files = jarena_alloc(&h->arena, files->u.a.n + 1, sizeof(*h->files));
	for (size_t i = 0; rc == 0 && i < files->u.a.n; i++)
		rc = read_file(h, files->u.a.v[i], e);
	return rc;
}

int
hub_ask(struct hub *h, int retries, struct jerr *e)
{
	struct jdownload d = { .agent = HUB_AGENT, .token = h->token, .retries = retries, .size = -1 };
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	d.url = jarena_printf(&h->arena, "%s/api/models/%s/revision/%s?blobs=true", h->endpoint,
		h->repo, escaped(h, h->revision));
	rc = jdownload_text(&d, MAX_ANSWER, &b, e);
	if (rc == 0)
		rc = read_answer(h, &b, d.url, e);
	jbuf_release(&b);
	return rc == 0 ? choose(h, e) : rc;
}

bool
hub_have(const struct hub_file *f, const char *path)
{
	struct jmapped m;
	struct jerr e = { 0 };
	char hex[65];

	if (!f->sha256 || jfs_size(path) != f->size || jfs_map(&m, path, &e) < 0)
		return false;
	jsha256_hex(m.p, m.n, hex);
	jfs_unmap(&m);
	return strcmp(hex, f->sha256) == 0;
}
