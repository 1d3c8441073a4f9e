/* verbs.h - the verbs of jmodel, one file each. */
#ifndef VERBS_H
#define VERBS_H

#include "cli/jcli.h"

extern const struct jverb info_verb, convert_verb, logits_verb, gradients_verb, verify_verb;
extern const struct jverb quantize_verb, prune_verb, merge_verb, fetch_verb, publish_verb;

#endif
