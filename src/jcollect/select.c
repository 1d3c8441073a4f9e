/*
 * select.c - which paths of a source are documents: the user's globs, the built-in list of generated
 * files, and sources of pages that are there as pages too.
 */
#include <string.h>

#include "base/jhash.h"
#include "collect.h"

struct name_set {
	uint64_t *h;		/* 0 = free */
	size_t n, cap;		/* cap is a power of two */
	bool pages;		/* there are HTML pages among the names */
};

struct name_set *
name_set_new(void)
{
	struct name_set *s = jmem_zalloc(1, sizeof(*s));

	s->cap = 1024;
	s->h = jmem_zalloc(s->cap, sizeof(*s->h));
	return s;
}

static void
put(struct name_set *s, uint64_t h)
{
	size_t i = h & (s->cap - 1);

	while (s->h[i] && s->h[i] != h)
		i = (i + 1) & (s->cap - 1);
	s->n += s->h[i] == 0;
	s->h[i] = h;
}

static uint64_t
key(const char *name, size_t n)
{
	uint64_t h = jhash64(name, n, 0);

	return h ? h : 1;
}

void
name_set_add(struct name_set *s, const char *name, size_t n)
{
	if (2 * s->n >= s->cap) {
		struct name_set old = *s;

		s->cap *= 2;
		s->n = 0;
		s->h = jmem_zalloc(s->cap, sizeof(*s->h));
		for (size_t i = 0; i < old.cap; i++)
			if (old.h[i])
				put(s, old.h[i]);
		jmem_free(old.h);
	}
	s->pages = s->pages || (n > 5 && memcmp(name + n - 5, ".html", 5) == 0);
	put(s, key(name, n));
}

bool
name_set_has(const struct name_set *s, const char *name, size_t n)
{
	uint64_t h = key(name, n);
	size_t i = h & (s->cap - 1);

	while (s->h[i] && s->h[i] != h)
		i = (i + 1) & (s->cap - 1);
	return s->h[i] != 0;
}

void
name_set_free(struct name_set *s)
{
	if (!s)
		return;
	jmem_free(s->h);
	jmem_free(s);
}

/*
 * Matches with one remembered star of each kind, so that the work is bounded by the product of the
 * lengths whatever the pattern is.
 */
static bool
match(const char *g, const char *s)
{
	const char *star = NULL, *star_s = NULL, *deep = NULL, *deep_s = NULL;

	while (*s) {
		if (g[0] == '*' && g[1] == '*') {
			g += g[2] == '/' ? 3 : 2;
			deep = g;
			deep_s = s;
			star = NULL;
		} else if (*g == '*') {
			star = ++g;
			star_s = s;
		} else if (*g == *s || (*g == '?' && *s != '/')) {
			g++;
			s++;
		} else if (star && *star_s != '/') {
			g = star;
			s = ++star_s;
		} else if (deep) {
			g = deep;
			s = ++deep_s;
			star = NULL;
		} else {
			return false;
		}
	}
	while (*g == '*')
		g++;
	return *g == '\0';
}

bool
glob_match(const char *glob, const char *path)
{
	bool rooted = glob[0] == '/';
	const char *p = path;

	if (rooted) {
		while (*p == '/')
			p++;
		return match(glob + 1, p);
	}
	/* a pattern may begin at any component, and one without '/' names a component */
	for (;;) {
		const char *slash = strchr(p, '/');

		if (match(glob, p))
			return true;
		if (!slash)
			return false;
		if (!strchr(glob, '/') && slash - p < 256) {
			char part[256];

			memcpy(part, p, (size_t)(slash - p));
			part[slash - p] = '\0';
			if (match(glob, part))
				return true;
		}
		p = slash + 1;
	}
}

/* Files that tools make beside documentation; nobody learns from them. */
static const struct {
	const char *glob, *reason;
} defaults[] = {
	{ "genindex*.html", "index page" }, { "py-modindex.html", "index page" },
	{ "modindex.html", "index page" }, { "np-modindex.html", "index page" },
	{ "bookindex.html", "index page" }, { "keyword_index.html", "index page" },
	{ "doc_keyword_crossref.html", "index page" }, { "doc_backlink_crossref.html", "index page" },
	{ "doc_target_crossref.html", "index page" }, { "sitemap.html", "index page" },
	{ "doclist.html", "index page" }, { "docmap.html", "index page" },
	{ "search.html", "search page" }, { "searchindex.js", "search page" },
	{ "_static", "page furniture" }, { "_images", "page furniture" }, { "*.css", "page furniture" },
	{ "*.js.map", "page furniture" }, { "objects.inv", "page furniture" },
	{ ".buildinfo", "page furniture" }, { "*.devhelp*", "page furniture" },
	 { "*.min.js", "page furniture" },
	{ "_sources/**.txt", "source of a page" },
	{ "/DEBIAN/**", "packaging" }, { "changelog.Debian*", "packaging" },
	{ "/usr/share/doc/*/changelog*", "packaging" },
	{ "/usr/share/doc/*/ChangeLog*", "packaging" },
	{ "NEWS.Debian*", "packaging" }, { "README.Debian*", "packaging" }, { "README.source*", "packaging" },
	{ "TODO.Debian*", "packaging" }, { "usr/share/lintian/**", "packaging" },
	{ "usr/share/doc-base/**", "packaging" }, { "usr/share/devhelp/**", "packaging" },
	{ "/usr/share/doc/*/copyright", "packaging" }, { "EXTERNALLY-MANAGED", "packaging" },
	{ "*.egg-info", "packaging" }, { "*.dist-info", "packaging" },
	{ ".git", "packaging" }, { ".svn", "packaging" }, { "node_modules", "packaging" },
	{ "__pycache__", "packaging" }
};

static const char *
select_defaults(const char *path)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (glob_match(defaults[i].glob, path))
			return defaults[i].reason;
	return NULL;
}

const char *
select_globs(const struct collect_opts *o, const char *path)
{
	bool in = o->include.n == 0;

	for (size_t i = 0; i < o->include.n && !in; i++)
		in = glob_match(o->include.v[i], path);
	if (!in)
		return "not included";
	for (size_t i = 0; i < o->exclude.n; i++)
		if (glob_match(o->exclude.v[i], path))
			return "excluded";
	return NULL;
}

/*
 * "git-add.txt" beside "git-add.html" is the page's source, and an Info manual beside pages is the
 * same manual again.
 */
bool
select_twin(const char *path, const struct name_set *names)
{
	static const char *const sources[] = { ".txt", ".rst", ".adoc", ".asciidoc", ".md", ".texi", ".pod",
		".txt.gz" };
	size_t n = strlen(path);

	if (names->pages && glob_match("usr/share/info/**", path))
		return true;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		size_t len = strlen(sources[i]);
		char twin[1024];

		if (n <= len || n - len + 6 > sizeof(twin) || strcmp(path + n - len, sources[i]) != 0)
			continue;
		memcpy(twin, path, n - len);
		memcpy(twin + n - len, ".html", 6);
		if (name_set_has(names, twin, n - len + 5))
			return true;
	}
	return false;
}

const char *
select_path(const struct collect_opts *o, const char *path, const struct name_set *names)
{
	const char *reason = select_globs(o, path);

	if (!reason && o->defaults)
		reason = select_defaults(path);
	if (!reason && o->defaults && names && select_twin(path, names))
		reason = "source of a page";
	return reason;
}
