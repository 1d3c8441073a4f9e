/*
 * jtune.h - search over the options of a run: a grid, random trials, or successive halving (Jamieson
 * and Talwalkar, 2016), described by a YAML file:
 *
 *	method: halving			# grid, random or halving
 *	trials: 9			# of random and halving
 *	metric: valid_loss		# or loss: the mean of the last tenth of the steps
 *	first: 50			# halving: steps of the first round ...
 *	eta: 3				# ... of which one in eta goes on, eta times as far
 *	seed: 0				# of the random values
 *	space:
 *	  lr: {min: 1e-4, max: 1e-2, scale: log, count: 5}	# count: points of a grid
 *	  optimizer: [adamw, muon]
 *
 * A trial is a run in DIR/trial-NNNN.  What is done is in DIR/ledger.jsonl, a line for each trial and
 * round; a search that was killed goes on from there.  Values are a function of (seed, trial, name),
 * and which trials go on of the values alone: the same search gives the same bytes.
 *
 * A trial that fails by its numbers (JERR_LIMIT: not finite, does not fit) is recorded and is the worst;
 * any other error ends the search.
 */
#ifndef JTUNE_H
#define JTUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"

enum jtune_method { JTUNE_GRID, JTUNE_RANDOM, JTUNE_HALVING };

struct jtune_param {
	const char *name;		/* of an option, without dashes */
	int line;			/* in the file */
	const char **values;		/* a list, or NULL: a range */
	size_t n;			/* values, or points of a grid */
	double min, max;
	bool log, whole;
};

struct jtune_space {
	const char *file;
	enum jtune_method method;
	int64_t trials, first, eta;
	uint64_t seed;
	bool by_valid;			/* metric: valid_loss */
	struct jtune_param *params;
	size_t n_params;
	const char *text;		/* of the file */
	const char *options;		/* those of all trials, a line each; NULL: not held against */
	struct jarena arena;		/* owns all of it */
};

int jtune_load(struct jtune_space *s, const char *path, struct jerr *e);
void jtune_release(struct jtune_space *s);
/* Value of parameter p in a trial, as text for the option. */
void jtune_value(const struct jtune_space *s, int64_t trial, size_t p, struct jbuf *out);

struct jtune_runner {
	void *arg;
	/* Runs the trial in the folder up to a step, going on if it has begun; its metric. */
	int (*run)(void *arg, int64_t trial, const char *dir, int64_t until, double *value,
		struct jerr *e);
	void (*note)(void *arg, const char *line);
};

struct jtune_result {
	int64_t trial;
	int64_t steps;			/* so far */
	double value;			/* INFINITY: failed */
};

/*
 * The search in dir, each run of `steps` steps at most; JERR_ARG where dir holds one with another space
 * or other options.  results [s->trials] best first: farther, then
 * lower; trials that tie by number.
 */
int jtune_search(const struct jtune_space *s, const char *dir, int64_t steps,
	const struct jtune_runner *r, struct jtune_result *results, struct jerr *e);

#endif
