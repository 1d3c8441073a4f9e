/*
 * dedup.h - removes documents that say the same, in bounded memory, independently of -j and of the
 * order of the input.
 *
 *	read      each document: hash of its flattened text, set of 5-word shingles, bands of MinHash
 *	rank      all documents sorted by --keep, then id: rank 0 is the one that would survive all
 *	exact     equal flattened texts: the best rank stays
 *	propose   documents that share a band are candidate pairs, each pair once
 *	verify    the exact Jaccard similarity of the two shingle sets
 *	decide    by rank: a document goes if a better one that stays is similar to it
 *	write     the input is read again; the kept go out, the removed to --rejects
 *
 * So every removed document has a kept twin at or above the threshold, no two kept documents that
 * were proposed are, and A-B, B-C never removes C for A's sake.  What grows with the input lies in
 * temporary files and external sorts; in memory are the sorts' budget and one bit a document.
 *
 * Buckets (documents with one band in common) are compared whole up to 128; in larger ones each
 * document meets the 64 best ranks and its 64 neighbours, so that boilerplate costs time
 * linear in its copies.
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
#include "text/jminhash.h"

struct dedup_opts {
	double threshold;
	const char *keep;		/* first, longest, score:NAME */
	const char *clusters;		/* FILE or NULL */
	int64_t shingle;		/* words */
};

#define DEDUP_OPTS_INIT { .threshold = 0.8, .keep = "longest", .shingle = 5 }

struct dedup_doc {			/* what is known of a document, by rank, in dedup.docs */
	uint64_t ordinal;		/* position among the well-formed records */
	uint64_t set_at, id_at, bands_at;
	uint64_t twin;			/* rank of the survivor it goes for, or DEDUP_KEPT */
	double similarity;
	uint32_t set_n, id_n;
	uint32_t exact;			/* goes for a document with the same flattened text */
	uint32_t unused;		/* no padding: the struct is stored as it is */
};

#define DEDUP_KEPT UINT64_MAX

struct dedup {
	const struct dedup_opts *opts;
	struct jcli *cli;
	struct jminhash hash;
	struct lines lines;
	int argc;
	char **argv;
	struct scratch spool;		/* standard input, when it has to be read twice */
	struct scratch sets, ids, bands, docs, twins;
	struct jsort *ranks;		/* key, id, hash of the text, ... */
	unsigned char *gone;		/* one bit a rank */
	uint64_t n, exact, near;
	size_t sort_memory;
};

int dedup_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

int dedup_sign(struct dedup *d, struct jerr *e);	/* dedupsign.c: read */
int dedup_rank(struct dedup *d, struct jerr *e);	/* deduprank.c: rank, exact */
int dedup_pairs(struct dedup *d, struct jerr *e);	/* deduppairs.c: propose, verify, decide */
int dedup_write(struct dedup *d, struct jerr *e);	/* dedupwrite.c: write, clusters */

int dedup_get(const struct dedup *d, uint64_t rank, struct dedup_doc *doc, struct jerr *e);
int dedup_put(struct dedup *d, uint64_t rank, const struct dedup_doc *doc, struct jerr *e);
bool dedup_is_gone(const struct dedup *d, uint64_t rank);
void dedup_set_gone(struct dedup *d, uint64_t rank);
/* Big-endian, so that memcmp order is number order. */
void dedup_put64(unsigned char *p, uint64_t v);
uint64_t dedup_get64(const unsigned char *p);
/* Opens the input for one pass. */
int dedup_open_input(struct dedup *d, struct jerr *e);
/* Parses line i: true and *r, or false when it is no document (*rule and *why say why not). */
bool dedup_parse(struct block *b, size_t i, struct jarena *a, struct jrec *r, const char **rule,
	struct jerr *why);

#endif
