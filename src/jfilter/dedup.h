/*
 * dedup.h - removes what says the same, in bounded memory, independently of -j, of the order of the
 * input and of the number of shards.
 *
 *	sign	each record of one shard: hashes, and what its kind of comparison needs: bands of
 *		MinHash, hashes of lines or paragraphs, or winnowed places  (dedupsign.c, dedupunits.c)
 *	merge	over all shards; makes a plan for each:
 *	  rank	  documents sorted by --keep, then id: rank 0 survives all others (deduprank.c)
 *	  exact	  equal flattened texts: the best rank stays (deduprank.c)
 *	  near	  documents that share a band are candidates, the true Jaccard similarity of their
 *		  shingle sets decides, by rank: a document goes if a better one that stays is
 *		  similar to it (deduppairs.c)
 *	  units	  lines or paragraphs that a better document, or the same earlier, has (dedupunits.c)
 *	  spans	  equal stretches of bytes, likewise (dedupspans.c)
 *	apply	one shard again, by its plan: whole, cut, or to the rejects (dedupwrite.c)
 *
 * Alone, the three run one after another over temporary files that have no name.  With --work they
 * are three commands over files of a folder, each of which appears whole.
 *
 * A line of the input is known by its ordinal among all lines of all shards.  What grows with the
 * input lies in files and external sorts; in memory are the sorts' budget, a filter that lets
 * through only hashes seen twice, and two bits a line.
 */
#ifndef DEDUP_H
#define DEDUP_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/jcli.h"
#include "io/jsort.h"
#include "lines.h"
#include "record/jrec.h"
#include "scratch.h"
#include "text/jdupfile.h"
#include "text/jminhash.h"

/* DEDUP_EVALS: what is removed is what evaluation sets hold (decon.h). */
enum dedup_by { DEDUP_DOCUMENT, DEDUP_PARAGRAPH, DEDUP_LINE, DEDUP_SUBSTRING, DEDUP_EVALS };

struct dedup_opts {
	double threshold;
	const char *by;			/* document, paragraph, line, substring */
	const char *keep;		/* first, longest, score:NAME */
	const char *clusters, *cuts;	/* FILE or NULL */
	const char *index;		/* FILE or NULL */
	const char *work, *step, *shard;	/* folder, sign|merge|apply, I/N; or NULL */
	int64_t shingle;		/* words */
	int64_t min_words, min_bytes;
	bool add;			/* new documents to the index */
};

#define DEDUP_OPTS_INIT { .threshold = 0.8, .by = "document", .keep = "longest", .shingle = 5, \
	.min_words = 1, .min_bytes = 200, .add = true }

struct dedup_doc {			/* what is known of a document, by rank, in dedup.docs */
	uint64_t ordinal;
	uint64_t set_at, id_at;
	uint64_t twin;			/* rank of the survivor it goes for, or DEDUP_KEPT */
	double similarity;
	uint32_t set_n, id_n;		/* shingles, bytes */
	uint32_t exact;			/* goes for a document with the same flattened text */
	uint32_t unused;		/* no padding: the struct is stored as it is */
};

#define DEDUP_KEPT UINT64_MAX		/* also: no rank */

struct dedup_part {			/* a file of signatures; the index is part 0 */
	uint64_t lines, digest;		/* of the input it was made from */
};

struct dedup {
	const struct dedup_opts *opts;
	struct jcli *cli;
	struct lines lines;
	enum dedup_by by;
	struct jminhash hash;
	size_t sort_memory;
	int argc;			/* the operands, or the files of the shard */
	char **argv;
	bool own_argv;			/* argv is a list of the shard's files, to be freed */
	bool empty;			/* a shard without files */
	struct scratch spool;		/* standard input, when it has to be read twice */
	int shard, shards;		/* 1 of 1 unless --shard */
	struct jbuf params;		/* what signatures depend on, as text */
	struct scratch sign, plan;	/* the files between the steps, when there is no --work */

	/* merge */
	struct dedup_part *part;	/* 0 .. shards */
	uint64_t n, ordinals;		/* documents; lines, with those of the index first */
	uint64_t items;			/* bands, units or places in all signatures */
	struct scratch docs, ids;	/* by rank */
	struct scratch rank_of;		/* by ordinal */
	struct scratch sets;		/* shingle sets, or texts, of candidates */
	unsigned char *gone, *wanted;	/* one bit a rank, one bit an ordinal */
	struct jsort *plans, *cuts;
	uint64_t exact, near;
};

int dedup_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

/* Copies the input where it can be read only once. */
int dedup_spool(struct dedup *d, struct jerr *e);
void dedup_release(struct dedup *d);

int dedup_sign(struct dedup *d, struct jerr *e);	/* dedupsign.c */
int dedup_rank(struct dedup *d, struct jerr *e);	/* deduprank.c: rank */
int dedup_exact(struct dedup *d, struct jerr *e);	/* deduprank.c: exact */
int dedup_pairs(struct dedup *d, struct jerr *e);	/* deduppairs.c: near */
int dedup_units(struct dedup *d, struct jerr *e);	/* dedupunits.c: units, to d->cuts */
int dedup_spans(struct dedup *d, struct jerr *e);	/* dedupspans.c: spans, to d->cuts */
int dedup_plan(struct dedup *d, struct jerr *e);	/* dedupplan.c: who goes and what is cut */
int dedup_write(struct dedup *d, struct jerr *e);	/* dedupwrite.c: apply */
int dedup_clusters(struct dedup *d, struct jerr *e);	/* dedupclusters.c */
/* dedupindex.c: writes the new index; the caller commits it once the output is there. */
int dedup_index(struct dedup *d, struct jout **out, struct jerr *e);

int dedup_get(const struct dedup *d, uint64_t rank, struct dedup_doc *doc, struct jerr *e);
int dedup_put(struct dedup *d, uint64_t rank, const struct dedup_doc *doc, struct jerr *e);
int dedup_read_id(const struct dedup *d, uint64_t rank, struct jbuf *id, struct jerr *e);
/*
 * The survivor and similarity of a document that goes.  One that equals a document that itself goes
 * for a third goes for that third: their shingles are the same.
 */
int dedup_find_twin(const struct dedup *d, const struct dedup_doc *doc, uint64_t *twin,
	double *similarity, bool *exact, struct jerr *e);

static inline bool
dedup_bit(const unsigned char *bits, uint64_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static inline void
dedup_set_bit(unsigned char *bits, uint64_t i)
{
	bits[i / 8] |= (unsigned char)(1u << (i % 8));
}

/* n bits, all zero; JERR_NOMEM. */
int dedup_bits(unsigned char **bits, uint64_t n, struct jerr *e);
/* Big-endian, so that memcmp order is number order. */
void dedup_put64(unsigned char *p, uint64_t v);
uint64_t dedup_get64(const unsigned char *p);

#endif
