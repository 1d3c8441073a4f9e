/*
 * collect.h - jcollect: sources of documents, their selection, and the run that turns them into
 * records.
 *
 * A source type is one file in source/ that exports one struct source_type; the list of them is in
 * source.c.  An open source hands out items one after the other in an order that depends on its
 * contents alone.  An item is the raw bytes of one document and what is known about it, or the
 * reason why it is left out; extraction happens elsewhere, in parallel.
 */
#ifndef COLLECT_H
#define COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "cli/jcli.h"

struct collect_opts {
	const char *domain;		/* --domain FILE */
	struct jopt_list include, exclude;
	bool defaults;			/* the built-in list of generated pages to leave out */
	const char *kind;		/* "all", "docs", "code", "text" or a comma list */
	int64_t min_chars;
	int64_t max_docs;
	uint64_t max_bytes;
	const char *licence;		/* stated by the user for every record, or NULL */
	const char *cache;		/* --cache DIR or NULL */
	const char *agent;		/* --user-agent */
	int64_t delay_ms;		/* between requests to one host */
	double timeout;
	bool robots;
	int64_t newest;			/* SOURCE_DATE_EPOCH, or -1: no later `fetched` */
	/* filled in per source by a domain file */
	const char *domain_name;
};

#define COLLECT_OPTS_INIT { .defaults = true, .kind = "all", .min_chars = 80, \
	.max_bytes = 32u << 20, .agent = "jcollect/" JVERSION, .delay_ms = 1000, .newest = -1, .timeout = 30, \
	.robots = true }

struct item {
	struct jbuf data;		/* raw bytes; empty if reject is set */
	struct jbuf uri;		/* where it is, with the version where there is one */
	struct jbuf path;		/* the name that decides the format */
	struct jbuf parent;		/* what it was inside, or empty */
	struct jbuf licence;
	struct jbuf charset;		/* from the transport, or empty */
	int format;			/* enum jdoc_format from the transport, 0 = look at the bytes */
	const char *kind;		/* "file", "archive", "deb", "url"; constant */
	const char *reject;		/* why it is left out, constant; NULL = a document */
	bool named;			/* the user named this very file: damage is an error */
	int64_t when;			/* seconds: modification, or fetch */
};

void item_init(struct item *it);
void item_release(struct item *it);

struct source_type {
	const char *name;
	bool (*match)(const char *spec);
	int (*open)(void **src, const char *spec, const struct collect_opts *o, struct jerr *e);
	/*
	 * The next item: 1, 0 end, < 0 error.  With skip the item was handled by an earlier run: it only
	 * counts, no costly reading is needed.
	 */
	int (*next)(void *src, struct item *it, bool skip, struct jerr *e);
	void (*close)(void *src);
};

extern const struct source_type source_deb, source_path, source_url, source_urls, source_git;
/* The type for a word of the command line; never NULL (a path is the last resort). */
const struct source_type *source_find(const char *spec);

/*
 * An archive as a source: used by the path and the deb source.  prefix replaces the archive's own
 * name in front of member paths in the URI (NULL: the archive's path); licence may be NULL.
 */
struct archive_source;
struct archive_info {
	const char *path;		/* of the archive file */
	const char *prefix;
	const char *kind;
	const char *licence;
};
int archive_source_open(struct archive_source **s, const struct archive_info *info,
	const struct collect_opts *o, struct jerr *e);
int archive_source_next(struct archive_source *s, struct item *it, bool skip, struct jerr *e);
/* The licence the archive states, "" if none. */
const char *archive_source_licence(const struct archive_source *s);
/* As if the archive had stated it. */
void archive_source_license(struct archive_source *s, const char *licence);
/* The package whose documentation folder stands in for this package's own, or NULL. */
const char *archive_source_doc_owner(const struct archive_source *s);
void archive_source_close(struct archive_source *s);

/* Path of the .deb of a package ("name" or "name=version"), fetched with apt if need be. */
int deb_find(const char *package, const struct collect_opts *o, struct jbuf *path, struct jerr *e);

/* Selection by name. */
struct name_set;
struct name_set *name_set_new(void);
void name_set_add(struct name_set *s, const char *name, size_t n);
bool name_set_has(const struct name_set *s, const char *name, size_t n);
void name_set_free(struct name_set *s);

/* '*' stays inside a path component, "**" does not; no '/' = any component's name. */
bool glob_match(const char *glob, const char *path);
/* NULL to take the path, or the reason not to; names may be NULL. */
const char *select_path(const struct collect_opts *o, const char *path,
	const struct name_set *names);
/* True if the path is the source text of a page that is among the names too. */
bool select_twin(const char *path, const struct name_set *names);
/* As select_path(), by the user's --include and --exclude alone. */
const char *select_globs(const struct collect_opts *o, const char *path);

/* Turns an item into a JSONL record in out (emptied first) or sets it->reject. */
struct jdoc;
int record_make(struct item *it, struct jdoc *d, const struct collect_opts *o, struct jbuf *out,
	struct jerr *e);

/* Where records go; a file grows as FILE.part and can be taken up again by its journal. */
struct sink;
/* key: what decides the output; NULL = never go on with an earlier run. */
int sink_open(struct sink **s, const char *name, const char *key, struct jerr *e);
/* Counts that a former run had reached; zero at a fresh start. */
struct sink_state {
	uint64_t source, items;		/* sources finished, items handled of the next */
	uint64_t in, out, rejected;
};
const struct sink_state *sink_start(const struct sink *s);
int sink_write(struct sink *s, const struct jbuf *rec, struct jerr *e);
int sink_checkpoint(struct sink *s, const struct sink_state *now, struct jerr *e);
int sink_commit(struct sink *s, struct jerr *e);	/* frees s also on failure */
void sink_abort(struct sink *s);			/* keeps what another run can go on with */

struct collect_source {
	const char *spec;
	struct collect_opts o;		/* of the command line, refined by a domain file */
};
/* The sources of a domain file; *list from the arena. */
int domain_sources(const char *file, const struct collect_opts *o, struct jarena *a,
	struct collect_source **list, size_t *n, struct jerr *e);

int collect_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);
int extract_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
