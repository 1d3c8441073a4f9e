/*
 * jobjective.h - objectives: what a run is trained on.
 *
 * An objective opens the data operands as a shard set whose mask says which tokens carry loss.  One
 * file in train/objective/ and one row in the table in objective.c each.
 */
#ifndef JOBJECTIVE_H
#define JOBJECTIVE_H

#include "base/jerr.h"
#include "shard/jpack.h"
#include "tok/jtok.h"
#include "train/jtrain.h"

struct jtrain_line {
	uint32_t file;			/* index into files */
	uint64_t line;			/* from 1 */
};

struct jtrain_data {
	struct jshard_set *set;
	enum jpack_mode mode;
	uint64_t target_tokens;		/* tokens with loss; 0 = all */
	uint64_t eos_targets;		/* turns whose end is trained */
	uint64_t truncated;		/* documents longer than a row */
	uint64_t kinds[JTRAIN_KINDS];	/* records of each kind */
	/* Where the documents of record files stood; all NULL for shards. */
	char **files;
	size_t n_files;
	struct jtrain_line *lines;	/* [n_lines], by document number */
	size_t n_lines, cap_lines;
};

/* Where data comes from, and for which run. */
struct jtrain_source {
	const char *const *paths;
	size_t n;
	const struct jtok *tok;
	const struct jtrain_opts *o;
	const struct jtrain_hooks *h;
};

struct jobjective {
	const char *name;
	/* d is zeroed; released with jtrain_data_release(). */
	int (*open)(struct jtrain_data *d, const struct jtrain_source *src, struct jerr *e);
};

const struct jobjective *jobjective_find(const char *name, struct jerr *e);
void jtrain_data_release(struct jtrain_data *d);

extern const struct jobjective jobjective_pretrain, jobjective_sft;

#endif
