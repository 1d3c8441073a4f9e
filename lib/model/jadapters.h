/*
 * jadapters.h - several LoRA adapters over one model, none of them hung on all of it: every row of a
 * batch has its own (graph/jloras.h).
 *
 * Adapters come and go while the model is used; the caller makes graphs anew after either.  Refused are
 * those that replace whole weights of the base (modules_to_save, biases) and those of stacked experts:
 * these are hung on the model alone (jmodel_adapt).
 */
#ifndef JADAPTERS_H
#define JADAPTERS_H

#include "model/jadapter.h"

struct jadapters;

/* The model bears no adapter, and outlives the set. */
struct jadapters *jadapters_new(struct jmodel *m);
void jadapters_free(struct jadapters *s);		/* NULL is fine */
/* Reads an adapter folder; its number, >= 0, is the lowest that is free. */
int jadapters_add(struct jadapters *s, const char *dir, int *number, struct jerr *e);
void jadapters_remove(struct jadapters *s, int number);

#endif
