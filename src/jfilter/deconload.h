/*
 * deconload.h - evaluation sets from files: JSON lines, JSON arrays, CSV with a header or as MMLU has
 * it (question, choices, letter), plain text (a paragraph is an item), folders and archives of these.
 *
 * The question of an object is the first of question, query, prompt, problem, goal, sentence, text,
 * instruction, stem, context, premise, passage that it has, or every one of context_options before
 * the continuation; a context beside a question is an item of its own.  "Question:" in front and
 * what follows "Choices:" or "Answer:" are left out.  Answers are answer, answers, target, output,
 * response, canonical_solution, solution, code, best_answer, correct_answers, sol1, sol2 and the
 * choice that gold, label or answerKey names, or all choices where none does.
 */
#ifndef DECONLOAD_H
#define DECONLOAD_H

#include "base/jerr.h"
#include "text/jevals.h"

struct decon_set {			/* of one file */
	char *name;			/* without folder and ending */
	size_t items, skipped;		/* skipped: fewer than 5 words, or known already */
};

struct decon_sets {
	struct jevals *evals;
	struct decon_set *v;
	size_t n, cap;
};

int decon_load(struct decon_sets *s, const char *path, struct jerr *e);
void decon_sets_release(struct decon_sets *s);	/* not the evals */

#endif
