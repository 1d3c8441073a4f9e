/*
 * jtrain_tool.h - the files of the program among themselves.
 */
#ifndef JTRAIN_TOOL_H
#define JTRAIN_TOOL_H

#include "cli/jcli.h"
#include "train/jtrain.h"

/* Values of the options before they become struct jtrain_opts. */
struct train_values {
	struct jtrain_opts o;
	struct jopt_list data, valid, lr_scale;
	const char *lora;
	bool recompute;
};

/* options.c: the table of the verbs that train, over v. */
#define TRAIN_OPTIONS 64
void train_options(struct train_values *v, struct jopt table[TRAIN_OPTIONS]);

/* run.c: the verbs that train or plan.  arg is a struct train_values. */
int tool_train(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);
int tool_plan(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

struct plot_values {
	int64_t width, height;
	bool ascii;
};
/* plot.c */
int tool_plot(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

#endif
