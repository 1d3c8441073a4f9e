/*
 * encode.h - record files as a shard set: each record is encoded into a temporary shard that is
 * unlinked as soon as it is mapped, so memory is one record and nothing stays behind.
 */
#ifndef TRAIN_ENCODE_H
#define TRAIN_ENCODE_H

#include <stdbool.h>

#include "record/jrec.h"
#include "train/jobjective.h"

/* Ids and loss mask of the record that is being encoded. */
struct encoded {
	struct jids ids;
	struct jbuf mask;		/* one byte per id; empty = all 1 */
	uint64_t text_bytes;
};

struct encoder {
	const struct jtok *tok;	/* set, with state and arena, by train_open_records() */
	struct jtok_state *state;
	struct jarena *arena;		/* reset before each record */
	bool has_mask;
	void *arg;			/* of encode() */
	/* Fills out.  0, or a negative code that refuses the record; e says why. */
	int (*encode)(struct encoder *en, const struct jrec *r, struct encoded *out,
		struct jerr *e);
};

/* Are the operands shards (1), records (0) or not to be read (< 0)?  A mixture is an error. */
int train_data_kind(const struct jtrain_source *src, struct jerr *e);
/* Opens them as shards, which the run's tokenizer must have made. */
int train_open_shards(struct jtrain_data *d, const struct jtrain_source *src, struct jerr *e);
/* Encodes all records; d->set is the result. */
int train_open_records(struct jtrain_data *d, const struct jtrain_source *src, struct encoder *en,
	struct jerr *e);

#endif
