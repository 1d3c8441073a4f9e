/* bench.c - the verb bench: options to struct jbench_opts, the table or the JSON to the output. */
#include <string.h>

#include "base/jmem.h"
#include "io/jio.h"
#include "jtrain_tool.h"

#define ROOF_S 0.15

static int
measure(struct jbench *b, const struct bench_values *v, struct jpar *pool, struct jerr *e)
{
	jroof_measure(&b->roof, pool, ROOF_S);
	b->bf16 = v->o.bf16;
	if (v->o.model && jbench_step(b, &v->o, pool, e) < 0)
		return e->code;
	for (size_t i = 0; i < v->products.n; i++)
		if (jbench_product(b, v->products.v[i], pool, e) < 0)
			return e->code;
	return 0;
}

int
tool_bench(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct bench_values *v = arg;
	struct jbench *b;
	struct jpar *pool;
	struct jbuf text;
	struct jout *out;
	int rc;

	if (argc > 0)
		return jerr_set(e, JERR_ARG, "unexpected operand '%s'", argv[0]);
	v->o.bf16 = strcmp(v->precision, "bf16") == 0;
	b = jmem_zalloc(1, sizeof(*b));
	pool = jpar_new(jcli_common(cli)->jobs);
	rc = measure(b, v, pool, e);
	jpar_free(pool);
	jbuf_init(&text);
	if (rc == 0 && v->json)
		jbench_json(b, &text);
	else if (rc == 0)
		jbench_text(b, &text);
	if (rc == 0 && (rc = jout_open(&out, jcli_common(cli)->output, e)) == 0) {
		rc = jout_write(out, text.p, text.n, e);
		if (rc < 0)
			jout_abort(out);
		else
			rc = jout_commit(out, e);
	}
	jbuf_release(&text);
	jmem_free(b);
	return rc;
}
