/* swarm.h - the verbs of jupiter swarm. */
#ifndef SWARM_H
#define SWARM_H

#include "jupiter.h"
#include "swarm/jroute.h"
#include "swarm/jswarm.h"

extern const struct jverb swarm_list_verb, swarm_status_verb, swarm_chat_verb, swarm_query_verb,
	swarm_create_verb, swarm_train_verb;

/* Where the user's experts are by default, beside the shipped ones. */
#define OWN_EXPERTS "config/experts"

/* DIR, or the shipped experts and those of config/experts where that is; 2 at most.  In the arena. */
size_t swarm_folders(struct jarena *a, const char *dir, const char *folder[2]);
int swarm_experts(struct jexperts *x, struct jarena *a, const char *dir, struct jerr *e);

/* Options of chat and query. */
struct swarm_talk {
	const char *experts, *config, *strategy, *judge, *mode, *model, *key_file;
	struct jopt_list load;
	int64_t top_k, max_tokens, rounds, passages, retries;
	double min_score, timeout, idle, threshold;
	uint64_t max_length;
	bool attribution, quote, abstain;
};
#define SWARM_TALK_INIT { .strategy = "hybrid", .mode = "select", .top_k = 3, .rounds = 2, \
	.retries = 1, .min_score = 0.1, .timeout = 60, .idle = 300, .max_length = 16384, \
	.attribution = true, .abstain = true }

/* swarm_config.c: options that the command line leaves open, from a swarm file. */
int swarm_config(struct jcli *cli, const char *path, struct jerr *e);

#endif
