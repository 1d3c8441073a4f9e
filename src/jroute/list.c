/*
 * jroute list: the experts of a folder, as a table or as records.
 */
#include "verbs.h"

#include <string.h>

#include "io/jio.h"

static struct list_opts {
	const char *experts;
	bool json;
} opts;

static const struct jopt table[] = {
	{ .name = "experts", .type = JOPT_STR, .value = &opts.experts, .arg = "DIR",
		.help = "folder of expert files" },
	{ .name = "json", .type = JOPT_BOOL, .value = &opts.json, .help = "records instead of a table" },
	{ .type = JOPT_END }
};

static void
put_list(struct jbuf *b, const char *key, const char *const *v, size_t n)
{
	struct jbuf list;

	jbuf_init(&list);
	jbuf_addc(&list, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			jbuf_addc(&list, ',');
		jjson_str(&list, v[i], strlen(v[i]));
	}
	jbuf_addc(&list, ']');
	jrec_put_raw(b, key, list.p, list.n);
	jbuf_release(&list);
}

static void
put_record(struct jbuf *b, const struct jexpert *x)
{
	const char *model = jexpert_model(x);

	jrec_begin(b);
	jrec_put_str(b, "name", x->name, strlen(x->name));
	jrec_put_str(b, "domain", x->domain, strlen(x->domain));
	jrec_put_str(b, "description", x->description, strlen(x->description));
	if (model)
		jrec_put_str(b, "model", model, strlen(model));
	if (x->adapter)
		jrec_put_str(b, "adapter", x->adapter, strlen(x->adapter));
	if (x->node)
		jrec_put_str(b, "node", x->node, strlen(x->node));
	put_list(b, "keywords", x->keywords, x->n_keywords);
	jrec_put_num(b, "cost", x->cost);
	jrec_put_str(b, "file", x->file, strlen(x->file));
	jrec_end(b);
}

/* At most so many characters, "..." where more there were. */
static void
put_cell(struct jbuf *b, const char *s, int width)
{
	int n = (int)strlen(s);

	if (n <= width)
		jbuf_printf(b, "%-*s  ", width, s);
	else
		jbuf_printf(b, "%.*s...  ", width - 3, s);
}

static void
put_row(struct jbuf *b, const struct jexpert *x)
{
	put_cell(b, x->name, 20);
	put_cell(b, x->domain, 24);
	put_cell(b, x->description, 50);
	for (size_t i = 0; i < x->n_keywords && i < 5; i++)
		jbuf_printf(b, "%s%s", i ? ", " : "", x->keywords[i]);
	jbuf_trim(b);
	jbuf_addc(b, '\n');
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jexperts x;
	struct jbuf b;
	int rc;

	(void)arg;
	(void)argv;
	if (argc > 0)
		return jerr_set(e, JERR_ARG, "list takes no operands");
	rc = experts_open(&x, opts.experts, e);
	if (rc < 0)
		return rc;
	jbuf_init(&b);
	if (!opts.json) {
		put_cell(&b, "NAME", 20);
		put_cell(&b, "DOMAIN", 24);
		put_cell(&b, "DESCRIPTION", 50);
		jbuf_adds(&b, "KEYWORDS\n");
	}
	for (size_t i = 0; i < x.n; i++)
		(opts.json ? put_record : put_row)(&b, &x.v[i]);
	jcli_counts(cli)->in = jcli_counts(cli)->out = x.n;
	rc = jout_put(jcli_common(cli)->output, b.p, b.n, e);
	jbuf_release(&b);
	jexperts_release(&x);
	return rc;
}

const struct jverb list_verb = {
	.name = "list",
	.args = "--experts DIR",
	.summary = "show the experts of a folder",
	.opts = table,
	.run = run,
};
