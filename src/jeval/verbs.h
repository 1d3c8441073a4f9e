/* verbs.h - the verbs of jeval, one file each. */
#ifndef VERBS_H
#define VERBS_H

#include "cli/jcli.h"

extern const struct jverb ppl_verb, baseline_verb, each_verb, swarm_verb, report_verb;

#endif
