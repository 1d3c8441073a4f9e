/*
 * jreport.h - the report of a domain's run: what each stage took in, kept and dropped, the loss
 * curves, the held-out scores beside their baselines, the questions and answers, and where
 * everything lies.  Read from the products themselves (their .prov files, metrics logs, score and
 * answer records), so that it says what happened, not what was planned.
 */
#ifndef JREPORT_H
#define JREPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "score/jplot.h"

struct jreport_stage {
	const char *name;	/* "collect" */
	const char *product;	/* "docs.jsonl" */
	uint64_t in, out, rejected, bytes_in, bytes_out;
	uint64_t tokens;	/* 0 = none counted */
	const char *reasons;	/* "too_short 10, duplicate 3", most frequent first, or "" */
};

struct jreport_score {
	const char *name;	/* "expert", "xz -9", ... */
	double bpb, stderr_bpb;	/* stderr_bpb < 0: none */
	double ppl;		/* <= 0: none */
	const char *note;
};

struct jreport_answer {
	const char *prompt, *text;
};

struct jreport {
	const char *dir, *domain;
	struct jreport_stage *stages;
	size_t n_stages;
	struct jplot_series *curves;	/* training and held-out loss of base and expert */
	size_t n_curves;
	struct jreport_score *scores;
	size_t n_scores;
	struct jreport_answer *answers;
	size_t n_answers;
	uint64_t model_weights;		/* of the expert; 0 = unknown */
	struct jarena arena;		/* owns all of the above */
};

/* Reads a run's folder; a stage that has not run yet is left out.  Release in any case. */
int jreport_load(struct jreport *r, const char *dir, struct jerr *e);
void jreport_release(struct jreport *r);

/* The page: one file, no references to anything outside it. */
void jreport_html(const struct jreport *r, struct jbuf *out);
/* The same for a terminal. */
struct jreport_terminal {
	int width;		/* columns */
	bool unicode, colour;
};
void jreport_text(const struct jreport *r, const struct jreport_terminal *t, struct jbuf *out);

#endif
