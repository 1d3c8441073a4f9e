/* plot_svg.c - a line chart as SVG 1.1, for a page or a file of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "score/plot_internal.h"

#define LEFT 62
#define RIGHT 16
#define TOP 34
#define BOTTOM 46

static const char *const palette[] = { "#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed",
	"#0891b2" };

static const char *
colour_of(size_t series)
{
	return palette[series % (sizeof(palette) / sizeof(palette[0]))];
}

static void
escape(struct jbuf *out, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '<')
			jbuf_adds(out, "&lt;");
		else if (*s == '&')
			jbuf_adds(out, "&amp;");
		else
			jbuf_addc(out, *s);
	}
}

struct frame {
	struct plot_range r;
	int w, h, top;		/* top: under the legend */
};

static double
px(const struct frame *f, double x)
{
	return LEFT + (x - f->r.x0) / (f->r.x1 - f->r.x0) * (f->w - LEFT - RIGHT);
}

static double
py(const struct frame *f, double y)
{
	return f->top + (f->r.y1 - y) / (f->r.y1 - f->r.y0) * (f->h - f->top - BOTTOM);
}

static void
axes(const struct frame *f, const struct jplot_opts *o, struct jbuf *out)
{
	double step = plot_step(f->r.y1 - f->r.y0, 6), v;

	for (v = ceil(f->r.y0 / step) * step; v <= f->r.y1 + step * 1e-9; v += step)
		jbuf_printf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#8884\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n", LEFT, f->w - RIGHT,
			py(f, v), py(f, v), LEFT - 8, py(f, v) + 4, fabs(v) < step * 1e-9 ? 0 : v);
	step = plot_step(f->r.x1 - f->r.x0, 8);
	for (v = ceil(f->r.x0 / step) * step; v <= f->r.x1 + step * 1e-9; v += step)
		jbuf_printf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#8882\"/>"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n", px(f, v), px(f, v),
			f->top, f->h - BOTTOM, px(f, v), f->h - BOTTOM + 18, fabs(v) < step * 1e-9 ? 0 : v);
	jbuf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", f->w - RIGHT, f->h - 8);
	escape(out, o->x_label);
	jbuf_printf(out, "</text>\n<text x=\"8\" y=\"20\">");
	escape(out, o->y_label);
	jbuf_adds(out, "</text>\n");
}

/* Means of at most 600 groups of neighbours: a long run stays a small file. */
static void
curve(const struct frame *f, const struct jplot_series *s, const char *colour, struct jbuf *out)
{
	size_t group = s->n / 600 + 1, i, k;

	jbuf_printf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" points=\"", colour,
		s->marks ? "1.2" : "1.6");
	for (i = 0; i < s->n; i += group) {
		double x = 0, y = 0;
		size_t m = 0;

		for (k = i; k < i + group && k < s->n; k++) {
			if (!isfinite(s->x[k]) || !isfinite(s->y[k]))
				continue;
			x += s->x[k];
			y += s->y[k];
			m++;
		}
		if (m > 0)
			jbuf_printf(out, "%.1f,%.1f ", px(f, x / (double)m), py(f, y / (double)m));
	}
	jbuf_adds(out, "\"/>\n");
	for (i = 0; s->marks && i < s->n && s->n <= 200; i++)
		if (isfinite(s->x[i]) && isfinite(s->y[i]))
			jbuf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
				px(f, s->x[i]), py(f, s->y[i]), colour);
}

/* Where the names stand: rows of them, as many as the width asks for; out NULL: only finds f->top. */
static void
legend(struct frame *f, const struct jplot_series *s, size_t n, const struct jplot_opts *o,
	struct jbuf *out)
{
	double left = LEFT + 90, at, label = 24 + 7.0 * (double)strlen(o->y_label ? o->y_label : "");
	int row = 0;
	size_t i;

	left = label > left ? label : left;
	for (at = left, i = 0; i < n; i++) {
		double wide = 34 + 7.0 * (double)strlen(s[i].name);

		if (s[i].n == 0)
			continue;
		if (at > left && at + wide > f->w) {
			at = left;
			row++;
		}
		if (out) {
			jbuf_printf(out, "<rect x=\"%.0f\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>"
				"<text x=\"%.0f\" y=\"%d\">", at, 12 + 16 * row, colour_of(i), at + 20,
				18 + 16 * row);
			escape(out, s[i].name);
			jbuf_adds(out, "</text>\n");
		}
		at += wide;
	}
	f->top = TOP + 16 * row;
}

void
jplot_svg(const struct jplot_series *s, size_t n, const struct jplot_opts *o, struct jbuf *out)
{
	struct frame f = { .w = o->width > 200 ? o->width : 200, .h = o->height > 150 ? o->height : 150 };
	size_t i;

	plot_range(s, n, &f.r);
	legend(&f, s, n, o, NULL);
	f.h += f.top - TOP;
	jbuf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" font-family=\"system-ui,sans-serif\" font-size=\"12\" fill=\"#666\">\n<title>",
		f.w, f.h, f.w, f.h);
	escape(out, o->title);
	jbuf_adds(out, "</title>\n");
	axes(&f, o, out);
	for (i = 0; i < n; i++)
		if (s[i].n > 0)
			curve(&f, &s[i], colour_of(i), out);
	legend(&f, s, n, o, out);
	jbuf_adds(out, "</svg>\n");
}
