/*
 * partopts.h - the options of the verbs that take a part of what there is: split, mix and select, and
 * where their values are put.
 */
#ifndef PARTOPTS_H
#define PARTOPTS_H

#include "mix.h"
#include "select.h"
#include "split.h"

extern struct split_opts split_given;
extern struct mix_opts mix_given;
extern struct select_opts select_given;
extern const struct jopt split_table[], mix_table[], select_table[];

#endif
