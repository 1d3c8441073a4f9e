/* plot_internal.h - what both chart writers need: the range of the data and round ticks. */
#ifndef PLOT_INTERNAL_H
#define PLOT_INTERNAL_H

#include "score/jplot.h"

struct plot_range {
	double x0, x1, y0, y1;	/* never empty */
};

void plot_range(const struct jplot_series *s, size_t n, struct plot_range *r);
/* Round step (1, 2 or 5 times a power of ten) that gives at most `most` steps over the range. */
double plot_step(double range, int most);

#endif
