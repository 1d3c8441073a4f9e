/* fasttext_internal.h - private to the files fasttext*.c: the parts of a model. */
#ifndef FASTTEXT_INTERNAL_H
#define FASTTEXT_INTERNAL_H

#include <stdbool.h>

#include "base/jmem.h"
#include "text/jfasttext.h"

enum { FT_LOSS_HS = 1, FT_LOSS_NS, FT_LOSS_SOFTMAX, FT_LOSS_OVA };
enum { FT_MODEL_SUP = 3, FT_CENTROIDS = 256 };
enum { FT_MAGIC = 793712314, FT_VERSION = 12 };
#define FT_LABEL "__label__"
#define FT_EOS "</s>"

struct ft_args {			/* in the order of the file */
	int32_t dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn, lr_rate;
	double t;
};

struct ft_entry {
	const char *s;			/* terminated */
	uint32_t n;
	bool is_label;
	int64_t count;
};

struct ft_quantizer {			/* of vectors of dim numbers: subq parts of dsub */
	int32_t dim, subq, dsub, last;
	float *centroid;		/* dim * FT_CENTROIDS */
};

struct ft_matrix {
	int64_t rows, cols;
	float *v;			/* dense: rows x cols; NULL if quantized */
	struct ft_quantizer q, norm;
	unsigned char *code, *norm_code;	/* norm_code may be NULL */
};

struct ft_node {
	int32_t left, right;		/* -1, -1: a leaf */
	int64_t count;
};

struct jfasttext {
	struct ft_args args;
	struct jarena arena;		/* names, entries */
	struct ft_entry *entry;
	int32_t entries, words, labels;
	int64_t tokens;
	int32_t *slot;			/* entry + 1 by hash */
	uint32_t mask;
	int64_t pruned;			/* -1: not; else number of kept buckets */
	struct ft_prune {
		int32_t from, to;	/* bucket -> row; from -1 = free */
	} *prune;			/* by hash; prune_mask + 1 of them */
	uint32_t prune_mask;
	struct ft_matrix in, out;
	struct ft_node *tree;		/* 2 * labels - 1, for hierarchical softmax */
	float sigmoid[513];
};

struct jfasttext_bench {
	int32_t *id;			/* features of the text */
	size_t ids, id_cap;
	int32_t *hash;			/* of its tokens */
	size_t hashes, hash_cap;
	float *hidden, *score;
	size_t hidden_cap, score_cap;
	struct jbuf word;
};

uint32_t ft_hash(const char *s, size_t n);
/* Where a bucket stands, or should stand, in prune[]. */
struct ft_prune *ft_prune_at(const struct jfasttext *m, int32_t bucket);
/* Small quantized matrices are taken apart once. */
void ft_expand(struct ft_matrix *x);
/* Entry of the token or -1. */
int32_t ft_find(const struct jfasttext *m, const char *s, size_t n);
/* Builds slot[] over entry[]; the tree; the sigmoid table. */
void ft_index(struct jfasttext *m);
void ft_build_tree(struct jfasttext *m);
/* Fills b->id with the features of a text. */
void ft_features(const struct jfasttext *m, struct jfasttext_bench *b, const char *s, size_t n);
/* The mean of their vectors into b->hidden. */
void ft_hidden(const struct jfasttext *m, struct jfasttext_bench *b);

#endif
