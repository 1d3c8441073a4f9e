/* router_file.h - inside the room swarm: a trained router as a safetensors file. */
#ifndef ROUTER_FILE_H
#define ROUTER_FILE_H

#include "base/jerr.h"
#include "io/jfs.h"
#include "swarm/jexpert.h"
#include "swarm/trained.h"

int router_save(const struct trained *t, const struct jexperts *x, const char *path, struct jerr *e);
/* JERR_ARG where the file was made for other experts. */
int router_load(struct trained *t, const struct jexperts *x, const char *path, struct jerr *e);
/* The same of a file in memory; name is for messages. */
int router_load_mem(struct trained *t, const struct jexperts *x, const struct jmapped *file, const char *name,
	struct jerr *e);

#endif
