/* synth.h - jsynth: its options, and an answer as a record. */
#ifndef SYNTH_H
#define SYNTH_H

#include "cli/jcli.h"
#include "record/jrec.h"
#include "swarm/jswarm.h"

struct synth_opts {
	const char *mode, *experts, *question, *model, *rank, *key_file;
	struct jopt_list ask;
	int64_t top_k, max_tokens, context, rounds, samples, retries, passages;
	double temperature, consensus, share, threshold, timeout;
	uint64_t max_length;
	bool attribution, control, stream, times, quote;
};
extern struct synth_opts synth_opts;
extern const struct jopt synth_table[];

jcli_run_fn synth_run;

/* The record with what was answered. */
void write_answer(const struct jrec *rec, const struct jsynth_result *r, bool times,
	struct jbuf *out);

#endif
