/*
 * filteropts.h - the options of the filter, signals, explain and audit, and where their values are
 * put.
 */
#ifndef FILTEROPTS_H
#define FILTEROPTS_H

#include "audit.h"
#include "filter.h"

extern struct filter_opts filter_given, signals_given, explain_given;
extern struct audit_opts audit_given;
extern const struct jopt filter_table[], signals_table[], explain_table[], audit_table[];

#endif
