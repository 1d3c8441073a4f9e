/*
 * dedupopts.h - the options of dedup and decontaminate, and where their values are put.
 */
#ifndef DEDUPOPTS_H
#define DEDUPOPTS_H

#include "decon.h"
#include "dedup.h"

extern struct dedup_opts dedup_given;
extern struct decon_opts decon_given;
extern const struct jopt dedup_table[], decon_table[];

#endif
