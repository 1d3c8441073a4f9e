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

static const unsigned char *
read_values(struct jparam *p, const unsigned char *at)
{
	int64_t n = p->shape[0] * p->shape[1];

	for (int64_t i = 0; i < n; i++)
		p->value[i] = jle_f32(at + 4 * i);
	return at + 4 * n;
}

/* One kind of weight, for every layer in turn. */
static const unsigned char *
read_kind(struct jmodel *m, enum weight_role role, const unsigned char *at)
{
	const struct jmodel_config *c = &m->cfg;
	size_t per = arch_layer_weights(c), j = 0, row = 0;

	while (c->arch->layer[row].role != role) {
		j += arch_has(c, &c->arch->layer[row]);
		row++;
	}
	for (int64_t l = 0; l < c->layers; l++)
		at = read_values(&m->params[1 + (size_t)l * per + j], at);
	return at;
}

static int
unpermute(struct jmodel *m, struct jerr *e)
{
	const struct jmodel_config *c = &m->cfg;
	size_t n = (size_t)(c->heads * c->head_dim * c->hidden);
	float *copy = jmem_try(n, sizeof(*copy));

	if (!copy)
		return jerr_set(e, JERR_NOMEM, "no memory to reorder rotary weights");
	for (size_t i = 0; i < m->n_params; i++) {
		struct jparam *p = &m->params[i];

		if (!jstr_ends(p->name, "q_proj.weight") && !jstr_ends(p->name, "k_proj.weight"))
			continue;
		memcpy(copy, p->value, (size_t)(p->shape[0] * p->shape[1]) * sizeof(*copy));
		arch_rotary_rows(p->value, copy, p->shape[0], p->shape[1], c->head_dim, false);
	}
	jmem_free(copy);
	return 0;
}

int
llama2c_weights(struct jmodel *m, const char *path, struct jerr *e)
{
	static const enum weight_role order[] = {
		W_ATTN_NORM, W_Q, W_K, W_V, W_O, W_FFN_NORM, W_GATE, W_DOWN, W_UP
	};
	struct jmodel_config c;
	struct jmapped map;
	const unsigned char *at;
	int rc = open_file(&map, &c, path, e);

	if (rc < 0)
		return rc;
	at = read_values(&m->params[0], map.p + HEADER);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		at = read_kind(m, order[i], at);
	at = read_values(&m->params[m->n_params - (c.tied ? 1 : 2)], at);
	at += 4 * c.context * c.head_dim;	/* rotary cosines and sines: computed here */
	if (!c.tied)
		read_values(&m->params[m->n_params - 1], at);
	jfs_unmap(&map);
	return unpermute(m, e);
}
