/* source.c - the list of source types, and items. */
#include <string.h>

#include "collect.h"

static const struct source_type *const types[] = {
	&source_deb, &source_urls, &source_url, &source_git, &source_path
};

const struct source_type *
source_find(const char *spec)
{
	size_t i = 0;

	while (!types[i]->match(spec))
		i++;
	return types[i];
}

void
item_init(struct item *it)
{
	memset(it, 0, sizeof(*it));
	jbuf_init(&it->data);
	jbuf_init(&it->uri);
	jbuf_init(&it->path);
	jbuf_init(&it->parent);
	jbuf_init(&it->licence);
	jbuf_init(&it->charset);
	it->kind = "file";
}

void
item_release(struct item *it)
{
	jbuf_release(&it->data);
	jbuf_release(&it->uri);
	jbuf_release(&it->path);
	jbuf_release(&it->parent);
	jbuf_release(&it->licence);
	jbuf_release(&it->charset);
}
