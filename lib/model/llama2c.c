/*
 * llama2.c's legacy .bin (run.c of karpathy/llama2.c, version 0): seven int32, then fp32 weights
 * grouped by kind, each kind for all layers.  There is no magic; a file is one if its size is
 * exactly what its header implies.  A negative vocabulary size says that the head is not tied.
 * Rotary pairs are neighbours, so rows of q and k are put into rotate-half order.
 */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

#include "base/jle.h"
#include "io/jfs.h"
#include "model/weights.h"

#define HEADER 28

static int
read_header(struct jmodel_config *c, const unsigned char *p, const char *path, struct jerr *e)
{
	int32_t h[7];

	for (int i = 0; i < 7; i++)
		h[i] = (int32_t)jle_u32(p + 4 * i);
	memset(c, 0, sizeof(*c));
	c->arch = &jmodel_llama;
	c->hidden = h[0];
	c->ffn = h[1];
	c->layers = h[2];
	c->heads = h[3];
	c->kv_heads = h[4];
	c->tied = h[5] > 0;
	c->vocab_size = h[5] > 0 ? h[5] : -(int64_t)h[5];
	c->context = h[6];
	c->head_dim = h[3] > 0 ? h[0] / h[3] : 0;
	c->norm_eps = 1e-5;
	c->rope_theta = 10000;
	c->rope_dim = c->head_dim;
	c->init_std = 0.02;
	c->bos = 1;
	c->eos = 2;
	c->pad = -1;
	return jmodel_config_check(c, path, e);
}

/* Bytes of header, weights and the two tables of rotary sines that follow the final norm. */
static uint64_t
file_bytes(const struct jmodel_config *c)
{
	return HEADER + 4 * (jmodel_count(c) + (uint64_t)c->context * (uint64_t)c->head_dim);
}

bool
llama2c_matches(const char *path)
{
	unsigned char head[HEADER];
	struct jmodel_config c;
	struct jerr e = { 0 };
	FILE *f = fopen(path, "rb");
	size_t got;

	if (!f)
		return false;
	got = fread(head, 1, sizeof(head), f);
	fclose(f);
	return got == sizeof(head) && read_header(&c, head, path, &e) == 0 &&
		(uint64_t)jfs_size(path) == file_bytes(&c);
}

static int
open_file(struct jmapped *map, struct jmodel_config *c, const char *path, struct jerr *e)
{
	int rc = jfs_map(map, path, e);

	if (rc < 0)
		return rc;
	if (map->n < HEADER)
		rc = jerr_set(e, JERR_FORMAT, "%s: %zu bytes are no llama2.c model", path, map->n);
	else
		rc = read_header(c, map->p, path, e);
	if (rc == 0 && map->n != file_bytes(c))
		rc = jerr_set(e, JERR_FORMAT, "%s: %zu bytes, a llama2.c model of this shape has %llu",
			path, map->n, (unsigned long long)file_bytes(c));
	if (rc < 0)
		jfs_unmap(map);
	return rc;
}

int
llama2c_config(struct jmodel_config *c, const char *path, struct jerr *e)
{
	struct jmapped map;
	int rc = open_file(&map, c, path, e);

	if (rc == 0)
		jfs_unmap(&map);
	return rc;
}

struct reader {
	struct jmodel *m;
	const char *path;
	const unsigned char *at;
};

static int
read_values(struct reader *r, struct jparam *p, struct jerr *e)
{
	struct weight_bytes b = { r->path, p->name, JDT_F32, r->at };
	bool rotary = jstr_ends(p->name, "q_proj.weight") || jstr_ends(p->name, "k_proj.weight");

	r->at += 4 * weights_count(p);
	return weights_put(r->m, p, &b, rotary ? WF_PAIRED : 0, e);
}

/* One kind of weight, for every layer in turn. */
static int
read_kind(struct reader *r, enum weight_role role, struct jerr *e)
{
	struct jparam *w[W_ROLES] = { NULL };
	size_t next = 1;		/* behind the embedding */
	int rc = 0;

	for (int64_t l = 0; rc == 0 && l < r->m->cfg.layers; l++) {
		next = arch_layer_params(r->m, l, next, w);
		rc = read_values(r, w[role], e);
	}
	return rc;
}

int
llama2c_weights(struct jmodel *m, const char *path, struct jerr *e)
{
	static const enum weight_role order[] = {
		W_ATTN_NORM, W_Q, W_K, W_V, W_O, W_FFN_NORM, W_GATE, W_DOWN, W_UP
	};
	struct reader r = { .m = m, .path = path };
	struct jmodel_config c;
	struct jmapped map;
	int rc = open_file(&map, &c, path, e);

	if (rc < 0)
		return rc;
	r.at = map.p + HEADER;
	rc = read_values(&r, &m->params[0], e);
	for (size_t i = 0; rc == 0 && i < sizeof(order) / sizeof(order[0]); i++)
		rc = read_kind(&r, order[i], e);
	if (rc == 0)
		rc = read_values(&r, &m->params[m->n_params - (c.tied ? 1 : 2)], e);
	r.at += 4 * c.context * c.head_dim;	/* rotary cosines and sines: computed here */
	if (rc == 0 && !c.tied)
		rc = read_values(&r, &m->params[m->n_params - 1], e);
	weights_keep(m, NULL, NULL, &map);
	return rc;
}
