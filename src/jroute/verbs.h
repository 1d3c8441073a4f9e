/* verbs.h - the verbs of jroute, one file each, and what they share. */
#ifndef VERBS_H
#define VERBS_H

#include "cli/jcli.h"
#include "record/jrec.h"
#include "swarm/jroute.h"

extern const struct jverb route_verb, train_verb, list_verb, curve_verb;

/* --experts, or an error that says how to name them. */
int experts_open(struct jexperts *x, const char *path, struct jerr *e);
/* DIR/router.safetensors; from the arena of the set. */
const char *router_path(struct jexperts *x, const char *experts);

#endif
