/*
 * dedupfiles.h - the files between the steps of a deduplication and the passes over them and over
 * the input.  The format is jdedup(5).
 *
 * Records of signatures start with a letter; those of a document follow its D:
 *	D  u64 line, u64 rank key, u64 and u64 hash of the flattened text, u64 hash of the line (big-endian),
 *	   u32 words in shingles (0: none), u32 length of the id, id, bands (8 bytes each; none without shingles)
 *	U  hashes of units: u64, u64, u32 offset, u32 length    A  winnowed places: u64 hash, u32 offset
 *	S  shingle set (index only)    B  u64 line that is no record    E  u64 lines, u64 digest; the last
 * The numbers of S, U, A, E and of the bands are little-endian.
 */
#ifndef DEDUPFILES_H
#define DEDUPFILES_H

#include "dedup.h"
#include "kept.h"
#include "text/jevals.h"
#include "text/jwinnow.h"

enum { DEDUP_HEAD = 1 + 8 + 8 + 16 + 8 + 4 + 4, DEDUP_UNIT = 24, DEDUP_PLACE = 12 };

struct dedup_head {			/* a D record, read */
	uint64_t line, key, line_hash;
	const unsigned char *text_hash;	/* 16 bytes */
	uint32_t set_n, id_n;
	const unsigned char *id, *bands;
	size_t bands_n;			/* bytes */
};

/* Reads all signatures, the index first, then the shards in order. */
struct dedup_scan {
	struct dedup *d;
	struct jdupfile_in file;
	int part;			/* of the open file */
	uint64_t base, next_line;	/* ordinal of its first line; the least line that may follow */
	bool open, ended;
	const unsigned char *p;		/* the record */
	size_t n;
	struct dedup_head head;		/* of the last D record */
	uint64_t ordinal, rank;		/* of its document; rank once rank_of is there */
	uint64_t block[1024];		/* of rank_of */
	uint64_t block_at;
	size_t block_n;
};

void dedup_scan_begin(struct dedup_scan *s, struct dedup *d);
/* 1 record: its letter is p[0]; 0 end; < 0 error.  E records are taken in, not returned. */
int dedup_scan_next(struct dedup_scan *s, struct jerr *e);
void dedup_scan_end(struct dedup_scan *s);

/* Shard I/N, the parameters, and the files of the shard in place of the operands. */
int dedup_files_init(struct dedup *d, struct jerr *e);
/* How many shards there are signatures of in the work folder. */
int dedup_count_shards(struct dedup *d, struct jerr *e);

/* A file between the steps: in the work folder, or a temporary one. */
struct dedup_out {
	struct jdupfile_out file;
	struct jout *out;		/* NULL: scratch */
	struct scratch *scratch;
	struct jbuf path;
};

int dedup_out_open(struct dedup *d, struct dedup_out *o, const char *kind, int shard,
	struct jerr *e);
int dedup_out_close(struct dedup_out *o, int rc, struct jerr *e);
int dedup_in_open(struct dedup *d, struct jdupfile_in *f, const char *kind, int shard,
	struct jerr *e);

/* A parallel pass over the lines of the input. */
struct dedup_bench {			/* of one worker */
	struct jarena arena;
	struct jshingles shingles;
	struct jwinnow places;
	struct jevals_scan *evals;	/* made by who needs it */
	struct jbuf flat;
};

struct dedup_pass {
	struct dedup *d;
	/* Adds records to out with dedup_rec_begin() and dedup_rec_end(). */
	int (*line)(struct dedup_pass *p, struct dedup_bench *w, struct block *b, size_t i,
		struct jerr *e);
	/* Gets them in reading order. */
	int (*record)(struct dedup_pass *p, const unsigned char *rec, size_t n, struct jerr *e);
	void *arg;
	const char *unit;		/* for the progress line */
	struct dedup_bench *bench;
	uint64_t lines, digest;		/* of the lines read */
	int check;			/* the part to compare them with, 0 = none */
	struct kept *kept;		/* keeps the records, and gives those of an earlier run; or NULL */
	struct resume_point done;	/* what is read, and in record */
};

int dedup_pass_run(struct dedup_pass *p, struct jerr *e);
/* What a block does to the digest of the lines before it: digest * factor + sum. */
void dedup_digest(const struct block *b, uint64_t *sum, uint64_t *factor);
int dedup_changed(struct jerr *e);	/* "the input changed": returns the error */
size_t dedup_rec_begin(struct jbuf *out, int letter);
void dedup_rec_end(struct jbuf *out, size_t at);
/* Opens the input for one pass. */
int dedup_open_input(struct dedup *d, struct jerr *e);
/* Parses line i: true and *r, or false when it is no document (*rule and *why say why not). */
bool dedup_parse(struct block *b, size_t i, struct jarena *a, struct jrec *r, const char **rule,
	struct jerr *why);

/* Tells hashes that may have come twice from those that came once; false alarms only. */
struct dedup_seen {
	unsigned char *once, *twice;
	uint64_t mask;
};

/* Sized for the items of the signatures, within d->sort_memory. */
int dedup_seen_init(struct dedup_seen *s, const struct dedup *d, struct jerr *e);
void dedup_seen_add(struct dedup_seen *s, uint64_t hash);
bool dedup_seen_twice(const struct dedup_seen *s, uint64_t hash);
void dedup_seen_release(struct dedup_seen *s);

#endif
