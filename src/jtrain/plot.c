/*
 * plot.c - jtrain plot: loss and held-out loss of metrics logs as a chart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "jtrain_tool.h"
#include "record/jrec.h"
#include "score/jplot.h"

struct points {
	double *x, *y;
	size_t n, cap_x, cap_y;
};

static void
add_point(struct points *p, double x, double y)
{
	JMEM_GROW(p->x, p->cap_x, p->n + 1);
	JMEM_GROW(p->y, p->cap_y, p->n + 1);
	p->x[p->n] = x;
	p->y[p->n++] = y;
}

static int
read_log(const char *path, struct points *train, struct points *valid, struct jerr *e)
{
	struct jarena a;
	struct jin *in;
	struct jrec r;
	char *line;
	size_t n;
	int rc;

	if (jin_open(&in, path, e) < 0)
		return e->code;
	jarena_init(&a, 0);
	while ((rc = jin_line(in, &line, &n, e)) > 0) {
		double step, loss;

		jarena_reset(&a);
		if (rc == 2 || n == 0)
			continue;
		if (jrec_parse(&r, line, n, &a, e) < 0) {
			jerr_wrap(e, "%s:%llu", path, (unsigned long long)jin_lineno(in));
			break;
		}
		if (!jrec_num(&r, "step", &step))
			continue;
		if (jrec_num(&r, "loss", &loss))
			add_point(train, step, loss);
		if (jrec_num(&r, "valid_loss", &loss))
			add_point(valid, step, loss);
	}
	jarena_release(&a);
	jin_close(in);
	if (e->code == 0 && train->n == 0 && valid->n == 0)
		jerr_set(e, JERR_FORMAT, "%s: no line with a step and a loss: not a metrics log, or an empty "
			"one", path);
	return e->code;
}

static int
write_chart(const struct jplot_series *s, size_t n, const struct plot_values *v, const char *out,
	struct jerr *e)
{
	struct jplot_opts po = { .title = "loss (nats per token)", .x_label = "step",
		.width = (int)v->width, .height = (int)v->height, .unicode = !v->ascii,
		.colour = strcmp(out, "-") == 0 && isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct jbuf b;
	struct jout *o;

	jbuf_init(&b);
	if (jstr_ends(out, ".svg") || jstr_ends(out, ".html")) {
		if (jstr_ends(out, ".html"))
			jbuf_adds(&b, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>loss</title>\n");
		po.y_label = po.title;
		po.width = 800;
		po.height = 480;
		jplot_svg(s, n, &po, &b);
	} else {
		jplot_term(s, n, &po, &b);
	}
	if (jout_open(&o, out, e) == 0) {
		if (jout_write(o, b.p, b.n, e) < 0)
			jout_abort(o);
		else
			jout_commit(o, e);
	}
	jbuf_release(&b);
	return e->code;
}

/* One log: its points, its name and whatever must be freed with it. */
struct log {
	struct points train, valid;
	char train_name[160], valid_name[160];
};

static int
load(struct log *l, const char *path, bool named, struct jcli *cli, struct jerr *e)
{
	struct jarena a;
	const char *sep = named ? ": " : "";

	snprintf(l->train_name, sizeof(l->train_name), "%.120s%sloss", named ? path : "", sep);
	snprintf(l->valid_name, sizeof(l->valid_name), "%.120s%sheld-out loss", named ? path : "",
		sep);
	jarena_init(&a, 0);
	if (jfs_is_dir(path))
		path = jfs_join(&a, path, "metrics.jsonl");
	jcli_input(cli, path);
	read_log(path, &l->train, &l->valid, e);
	jarena_release(&a);
	return e->code;
}

static void
release(struct log *l)
{
	jmem_free(l->train.x);
	jmem_free(l->train.y);
	jmem_free(l->valid.x);
	jmem_free(l->valid.y);
}

int
tool_plot(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct plot_values *v = arg;

	if (argc == 0)
		return jerr_set(e, JERR_ARG, "no log: name a metrics file or the folder of a run");
	if (v->width < 20 || v->width > 1000 || v->height < 6 || v->height > 1000)
		return jerr_set(e, JERR_ARG, "--width must be 20 to 1000, --height 6 to 1000");
	return plot_logs(cli, v, jcli_common(cli)->output, argc, argv, e);
}

int
plot_logs(struct jcli *cli, const struct plot_values *v, const char *out, int argc, char **argv,
	struct jerr *e)
{
	struct jplot_series *s;
	struct log *logs;
	size_t n = 0;
	int i;

	logs = jmem_zalloc((size_t)argc, sizeof(*logs));
	s = jmem_zalloc((size_t)argc * 2, sizeof(*s));
	for (i = 0; i < argc && e->code == 0; i++) {
		struct log *l = &logs[i];

		if (load(l, argv[i], argc > 1, cli, e) < 0)
			break;
		s[n++] = (struct jplot_series){ .name = l->train_name, .x = l->train.x,
			.y = l->train.y, .n = l->train.n };
		if (l->valid.n > 0)
			s[n++] = (struct jplot_series){ .name = l->valid_name, .x = l->valid.x,
				.y = l->valid.y, .n = l->valid.n, .marks = true };
	}
	if (e->code == 0)
		write_chart(s, n, v, out, e);
	for (i = 0; i < argc; i++)
		release(&logs[i]);
	jmem_free(logs);
	jmem_free(s);
	return e->code;
}
