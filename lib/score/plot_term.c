/* plot_term.c - a line chart for a terminal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jutf8.h"
#include "score/plot_internal.h"

#define LEFT 8			/* columns of the y labels */

/* A canvas of dots: 2 x 4 to a cell with braille, 1 x 1 in ASCII. */
struct canvas {
	int cols, rows, dx, dy;
	unsigned char *dots;	/* braille bits, or the series + 1 in ASCII */
	unsigned char *owner;	/* last series drawn in the cell, + 1 */
};

static void
dot(struct canvas *c, int x, int y, int series)
{
	static const unsigned char bit[4][2] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
	int cell;

	if (x < 0 || y < 0 || x >= c->cols * c->dx || y >= c->rows * c->dy)
		return;
	cell = y / c->dy * c->cols + x / c->dx;
	if (c->dx == 2)
		c->dots[cell] |= bit[y % 4][x % 2];
	else
		c->dots[cell] = (unsigned char)(series + 1);
	c->owner[cell] = (unsigned char)(series + 1);
}

static void
line(struct canvas *c, int xa, int ya, int xb, int yb, int series)
{
	int steps = abs(xb - xa) > abs(yb - ya) ? abs(xb - xa) : abs(yb - ya), i;

	for (i = 0; i <= steps; i++)
		dot(c, xa + (steps ? (xb - xa) * i / steps : 0), ya + (steps ? (yb - ya) * i / steps : 0),
			series);
}

static void
draw(struct canvas *c, const struct jplot_series *s, int series, const struct plot_range *r)
{
	int w = c->cols * c->dx, h = c->rows * c->dy, col, last_x = -1, last_y = 0;
	double *sum = jmem_zalloc((size_t)w, sizeof(*sum));
	int *count = jmem_zalloc((size_t)w, sizeof(*count));
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (!isfinite(s->x[i]) || !isfinite(s->y[i]))
			continue;
		col = (int)((s->x[i] - r->x0) / (r->x1 - r->x0) * (w - 1) + 0.5);
		sum[col] += s->y[i];
		count[col]++;
	}
	for (col = 0; col < w; col++) {
		int y;

		if (!count[col])
			continue;
		y = (int)((r->y1 - sum[col] / count[col]) / (r->y1 - r->y0) * (h - 1) + 0.5);
		if (last_x >= 0)
			line(c, last_x, last_y, col, y, series);
		dot(c, col, y, series);
		last_x = col;
		last_y = y;
	}
	jmem_free(sum);
	jmem_free(count);
}

static const char marks[] = "*o+x#@";

/* Braille is one line like another: without colour only the first series has it. */
static bool
braille(const struct jplot_opts *o, size_t series)
{
	return o->unicode && (o->colour || series == 0);
}

static void
put_cell(const struct canvas *c, int cell, const struct jplot_opts *o, struct jbuf *out)
{
	size_t series = c->owner[cell] - 1u;
	char utf8[4];

	if (!c->dots[cell]) {
		jbuf_addc(out, ' ');
		return;
	}
	if (o->colour)
		jbuf_printf(out, "\033[%dm", 31 + (c->owner[cell] + 2) % 6);
	if (braille(o, series))
		jbuf_add(out, utf8, (size_t)jutf8_encode(0x2800u + c->dots[cell], utf8));
	else
		jbuf_addc(out, marks[series % 6]);
	if (o->colour)
		jbuf_adds(out, "\033[0m");
}

static void
legend(const struct jplot_series *s, size_t n, const struct jplot_opts *o, struct jbuf *out)
{
	size_t i, at = 0, wide;

	jbuf_printf(out, "%*s", LEFT + 1, "");
	for (i = 0; i < n; i++, at += wide) {
		wide = s[i].n > 0 ? strlen(s[i].name) + 12 : 0;
		if (s[i].n == 0)
			continue;
		if (at > 0 && (int)(at + wide) > o->width - LEFT - 1) {
			jbuf_trim(out);
			jbuf_printf(out, "\n%*s", LEFT + 1, "");
			at = 0;
		}
		if (o->colour)
			jbuf_printf(out, "\033[%dm", 31 + (int)(i + 3) % 6);
		if (braille(o, i))
			jbuf_adds(out, "\xe2\xa0\xa4\xe2\xa0\xa4 ");
		else
			jbuf_printf(out, "%c ", marks[i % 6]);
		jbuf_printf(out, "%s %.4g%s   ", s[i].name, s[i].y[s[i].n - 1], o->colour ? "\033[0m" : "");
	}
	jbuf_trim(out);
	jbuf_addc(out, '\n');
}

void
jplot_term(const struct jplot_series *s, size_t n, const struct jplot_opts *o, struct jbuf *out)
{
	struct canvas c = { .dx = o->unicode ? 2 : 1, .dy = o->unicode ? 4 : 1 };
	struct plot_range r;
	int row, col, every;
	size_t i;

	c.cols = o->width - LEFT - 2 > 10 ? o->width - LEFT - 2 : 10;
	c.rows = o->height - 3 > 4 ? o->height - 3 : 4;
	c.dots = jmem_zalloc((size_t)(c.cols * c.rows), 1);
	c.owner = jmem_zalloc((size_t)(c.cols * c.rows), 1);
	plot_range(s, n, &r);
	for (i = 0; i < n; i++)
		draw(&c, &s[i], (int)i, &r);
	if (o->title)
		jbuf_printf(out, "%*s%s\n", LEFT + 1, "", o->title);
	every = c.rows > 8 ? 3 : 2;
	for (row = 0; row < c.rows; row++) {
		if (row % every == 0 || row == c.rows - 1)
			jbuf_printf(out, "%*.4g ", LEFT - 1, r.y1 - (r.y1 - r.y0) * row / (c.rows - 1));
		else
			jbuf_printf(out, "%*s", LEFT, "");
		jbuf_adds(out, o->unicode ? "\xe2\x94\x82" : "|");
		for (col = 0; col < c.cols; col++)
			put_cell(&c, row * c.cols + col, o, out);
		jbuf_trim(out);
		jbuf_addc(out, '\n');
	}
	jbuf_printf(out, "%*s%s", LEFT, "", o->unicode ? "\xe2\x94\x94" : "+");
	for (col = 0; col < c.cols; col++)
		jbuf_adds(out, o->unicode ? "\xe2\x94\x80" : "-");
	jbuf_printf(out, "\n%*s%-12.6g%*.6g  %s\n", LEFT + 1, "", r.x0, c.cols - 14 > 1 ?
		c.cols - 14 - (int)strlen(o->x_label ? o->x_label : "") : 1, r.x1,
		o->x_label ? o->x_label : "");
	legend(s, n, o, out);
	jmem_free(c.dots);
	jmem_free(c.owner);
}
