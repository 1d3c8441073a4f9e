/*
 * jplot.h - line charts as text: braille dots (or ASCII) for a terminal, SVG for a page.
 *
 * Pure functions of the series.  A series with more points than the chart has columns is drawn as
 * the mean of each column.  Values that are not finite are left out.
 */
#ifndef JPLOT_H
#define JPLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jstr.h"

struct jplot_series {
	const char *name;
	double *x, *y;		/* n points, x ascending */
	size_t n;
	bool marks;		/* few points: marked, joined by a thin line */
};

struct jplot_opts {
	const char *title, *x_label, *y_label;
	int width, height;	/* columns and rows of the whole chart, or pixels */
	bool unicode;		/* terminal: braille, without colour for the first series; else ASCII */
	bool colour;		/* terminal: ANSI colours */
};

void jplot_term(const struct jplot_series *s, size_t n, const struct jplot_opts *o, struct jbuf *out);
void jplot_svg(const struct jplot_series *s, size_t n, const struct jplot_opts *o, struct jbuf *out);

#endif
