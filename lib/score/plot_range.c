/* plot_range.c - the range of the data and round ticks. */
#include <math.h>

#include "score/plot_internal.h"

void
plot_range(const struct jplot_series *s, size_t n, struct plot_range *r)
{
	size_t i, k;
	int any = 0;

	*r = (struct plot_range){ 0, 1, 0, 1 };
	for (i = 0; i < n; i++)
		for (k = 0; k < s[i].n; k++) {
			double x = s[i].x[k], y = s[i].y[k];

			if (!isfinite(x) || !isfinite(y))
				continue;
			if (!any)
				*r = (struct plot_range){ x, x, y, y };
			any = 1;
			r->x0 = fmin(r->x0, x);
			r->x1 = fmax(r->x1, x);
			r->y0 = fmin(r->y0, y);
			r->y1 = fmax(r->y1, y);
		}
	if (!(r->x1 > r->x0))
		r->x1 = r->x0 + 1;
	if (!(r->y1 > r->y0)) {
		r->y0 -= 0.5;
		r->y1 += 0.5;
	}
}

double
plot_step(double range, int most)
{
	double raw = range / (most > 0 ? most : 1), mag = pow(10, floor(log10(raw))), m = raw / mag;

	return mag * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}
