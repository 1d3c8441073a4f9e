/* Rows of comma-separated values. */
#include "t.h"

#include "text/jcsv.h"

/* All rows as "[a|b][c]". */
static void
rows(const char *text, const char *expected)
{
	static struct jcsv_row r;
	struct jbuf b;
	size_t at = 0, i;

	jcsv_row_init(&r);
	jbuf_init(&b);
	while (jcsv_next(text, strlen(text), &at, &r)) {
		for (i = 0; i < r.n; i++)
			jbuf_printf(&b, "%s%s", i ? "|" : "[", r.cell[i].p);
		jbuf_addc(&b, ']');
	}
	eq_str(b.p, expected);
	jbuf_release(&b);
	jcsv_row_release(&r);
}

int
main(void)
{
	char many[1000];

	rows("", "");
	rows("a,b\nc,d\n", "[a|b][c|d]");
	rows("a,b\r\nc,d", "[a|b][c|d]");
	rows("a,,\n\nb\n", "[a||][][b]");
	rows("\"a,b\",\"c \"\"d\"\" e\",\"f\ng\"\nh\n", "[a,b|c \"d\" e|f\ng][h]");
	rows("\"open, to\nthe end", "[open, to\nthe end]");
	rows("a\"b\"c,\"\"\n", "[abc|]");
	memset(many, ',', sizeof(many) - 1);
	many[sizeof(many) - 1] = 0;
	{
		static struct jcsv_row r;
		size_t at = 0;

		jcsv_row_init(&r);
		ok(jcsv_next(many, sizeof(many) - 1, &at, &r));
		eq_int(r.n, JCSV_CELLS);
		eq_int(r.cell[JCSV_CELLS - 1].n, sizeof(many) - 1 - (JCSV_CELLS - 1));
		ok(!jcsv_next(many, sizeof(many) - 1, &at, &r));
		jcsv_row_release(&r);
	}
	return t_done();
}
