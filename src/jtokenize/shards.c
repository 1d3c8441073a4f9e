#include "shards.h"

#include <stdio.h>
#include <string.h>

#include "io/jfs.h"

static int
next_shard(struct shards *s, struct jerr *e)
{
	const char *path = s->output;

	if (s->tmp)
		path = jarena_printf(&s->arena, "%s/shard-%05u.jsh", s->tmp, s->n);
	s->n++;
	return jshard_create(&s->w, path, &s->info, e);
}

int
shards_open(struct shards *s, const char *output, const struct jshard_info *info, uint64_t per_shard,
	const char *meta, struct jerr *e)
{
	bool file = strcmp(output, "-") == 0 || jstr_ends(output, ".jsh") ||
		(jfs_exists(output) && !jfs_is_dir(output));
	int rc = 0;

	memset(s, 0, sizeof(*s));
	jarena_init(&s->arena, 0);
	s->output = output;
	s->info = *info;
	s->meta = meta;
	if (!file) {
		s->per_shard = per_shard;
		rc = jfs_dir_begin(output, &s->arena, &s->tmp, e);
	}
	return rc ? rc : next_shard(s, e);
}

/* Begins the next shard if n tokens more are too many for this one. */
static int
make_room(struct shards *s, uint64_t n, struct jerr *e)
{
	uint64_t have = jshard_tokens(s->w);
	int rc;

	if (!s->per_shard || !have || have + n <= s->per_shard)
		return 0;
	rc = jshard_commit(s->w, s->meta, e);
	s->w = NULL;
	return rc ? rc : next_shard(s, e);
}

int
shards_add(struct shards *s, const uint32_t *ids, const unsigned char *mask, size_t n,
	uint64_t text_bytes, struct jerr *e)
{
	int rc = make_room(s, n, e);

	return rc ? rc : jshard_add(s->w, ids, mask, n, text_bytes, e);
}

int
shards_row(void *arg, const struct jrows_piece *v, size_t n, struct jerr *e)
{
	struct shards *s = arg;
	int rc = make_room(s, (uint64_t)s->info.row_seq + 1, e);
	size_t i;

	for (i = 0; !rc && i < n; i++)
		rc = jshard_add(s->w, v[i].ids, v[i].mask, v[i].n, v[i].text_bytes, e);
	return rc ? rc : jshard_end_row(s->w, e);
}

int
shards_commit(struct shards *s, struct jerr *e)
{
	int rc = jshard_commit(s->w, s->meta, e);

	s->w = NULL;
	if (!rc && s->tmp) {
		rc = jfs_dir_commit(s->tmp, s->output, e);
		if (!rc)
			s->tmp = NULL;
	}
	shards_abort(s);
	return rc;
}

void
shards_abort(struct shards *s)
{
	jshard_abort(s->w);
	s->w = NULL;
	if (s->tmp)
		jfs_dir_abort(s->tmp);
	s->tmp = NULL;
	jarena_release(&s->arena);
}
