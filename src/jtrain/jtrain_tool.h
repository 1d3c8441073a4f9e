/*
 * jtrain_tool.h - the files of the program among themselves.
 */
#ifndef JTRAIN_TOOL_H
#define JTRAIN_TOOL_H

#include "cli/jcli.h"
#include "train/jbench.h"
#include "train/jtrain.h"

/* Values of the options before they become struct jtrain_opts. */
struct train_values {
	struct jtrain_opts o;
	struct jopt_list data, mix, valid, lr_scale, decay_scale;
	bool recompute;
};

/* options.c: the table of the verbs that train, over v. */
#define TRAIN_OPTIONS 80
void train_options(struct train_values *v, struct jopt table[TRAIN_OPTIONS]);

/* run.c: the verbs that train or plan.  arg is a struct train_values. */
int tool_train(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);
int tool_plan(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

/* run.c: the common options and lists into v->o. */
void train_take_common(struct jcli *cli, struct train_values *v);

struct tune_values {
	struct train_values train;
	const char *space;
	struct jopt *table;		/* of train and the two above; rows point into this struct */
};
/* tune.c: appends to the table of train_options(). */
void tune_options(struct tune_values *v, struct jopt table[TRAIN_OPTIONS]);
int tool_tune(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

struct which_values {
	const char *steps;
};
/* which.c */
int tool_which(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

struct bench_values {
	struct jbench_opts o;
	struct jopt_list products;
	const char *precision;
	bool json;
};
/* bench.c */
int tool_bench(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

struct data_values {
	struct jtrain_opts o;
	struct jopt_list data;
	const char *to;			/* "report", "chat" or "ids" */
};
/* data.c */
#define DATA_OPTIONS 8
void data_verb_options(struct data_values *v, struct jopt table[DATA_OPTIONS]);
int tool_data(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

struct jout;
/* run.c: the refused line with the reason; one that is no record goes in as a string. */
void tool_put_reject(struct jout *to, const char *line, size_t n, const char *reason,
	struct jerr *e);

struct plot_values {
	int64_t width, height;
	bool ascii;
};
/* plot.c */
/* The chart of argc logs into a file or "-". */
int plot_logs(struct jcli *cli, const struct plot_values *v, const char *out, int argc, char **argv,
	struct jerr *e);
int tool_plot(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e);

#endif
