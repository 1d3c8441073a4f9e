/*
 * encoder.c - the model whose vectors a router compares: an encoder, or the experts' own base.
 */
#include <string.h>

#include "infer/jembed.h"
#include "swarm/footprint.h"
#include "swarm/nearest.h"

struct encoder {
	struct jmodel *m;
	struct jtok *tok;
	struct jpar *pool;
	struct jembedder *x;
};

#define CONTEXT 8192		/* of a decoder, as jembed has it at most */

int
encoder_bytes(const char *path, uint64_t *bytes, struct jerr *e)
{
	struct jmodel_config c;
	int rc = jmodel_config_load(&c, path, e);

	if (rc < 0)
		return rc;
	*bytes = footprint_files(path) +
		footprint_work(&c, (int)(c.context < CONTEXT ? c.context : CONTEXT));
	return 0;
}

int
encoder_open(struct encoder **out, const char *path, int jobs, struct jerr *e)
{
	struct encoder *x = jmem_zalloc(1, sizeof(*x));
	int rc = jinfer_open(&x->m, &x->tok, path, NULL, true, e);

	if (rc == 0) {
		x->pool = jpar_new(jobs > 0 ? jobs : 1);
		rc = jembed_new(&x->x, x->m, x->tok, x->pool, true, e);
	}
	if (rc < 0) {
		encoder_close(x);
		x = NULL;
	}
	*out = x;
	return rc;
}

void
encoder_close(struct encoder *x)
{
	if (!x)
		return;
	jembed_free(x->x);
	jpar_free(x->pool);
	if (x->tok)
		jtok_free(x->tok);
	jmodel_free(x->m);
	jmem_free(x);
}

size_t
encoder_width(const struct encoder *x)
{
	return jembed_width(x->x);
}

int
encoder_text(struct encoder *x, const char *p, size_t n, float *out, struct jerr *e)
{
	if (n == 0) {
		memset(out, 0, encoder_width(x) * sizeof(*out));
		return 0;
	}
	return jembed_text(x->x, p, n, out, e);
}
