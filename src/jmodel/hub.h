/*
 * hub.h - what the Hugging Face hub says of a repository: GET /api/models/REPO/revision/REV?blobs=true
 * gives the commit, the licence and the files with sizes and (for large files) SHA-256; a file is at
 * /REPO/resolve/COMMIT/FILE.
 *
 *	hub_init -> hub_parse -> hub_ask -> files[] -> hub_release
 */
#ifndef HUB_H
#define HUB_H

#include "base/jmem.h"
#include "net/jdownload.h"

#define HUB_AGENT "jupiter-jmodel"

struct hub_file {
	const char *name;
	int64_t size;			/* -1 = not told */
	const char *sha256;		/* NULL = not told */
	bool wanted;
};

struct hub {
	struct jarena arena;
	const char *endpoint, *token;	/* token NULL = none */
	const char *repo, *revision;	/* "ORG/NAME", "main" */
	const char *file;		/* the only one wanted, or NULL */
	const char *commit, *licence;
	struct hub_file *files;
	size_t n;
};

void hub_init(struct hub *h, const char *endpoint, const char *token);
void hub_release(struct hub *h);
int hub_parse(struct hub *h, const char *text, struct jerr *e);
int hub_ask(struct hub *h, int retries, struct jerr *e);
char *hub_file_url(const struct hub *h, const char *name, struct jarena *a);
/* Is the file there, with the size and hash that the hub tells?  Without a hash: no. */
bool hub_have(const struct hub_file *f, const char *path);

#endif
